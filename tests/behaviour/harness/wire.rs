//! A plain connection, to say anything and to read what comes, by a deadline.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};

use super::{Answer, PATIENCE, Server};

/// A TCP connection and what has been read from it ahead of time.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    ahead: Vec<u8>,
    ended: bool,
}

impl Wire {
    /// A connection to the server.
    #[track_caller]
    pub fn open(server: &Server) -> Wire {
        Wire::connect(server.address).expect("the server accepts")
    }

    /// A connection to an address.
    pub fn connect(address: SocketAddr) -> io::Result<Wire> {
        Wire::own(TcpStream::connect_timeout(&address, PATIENCE)?)
    }

    /// A connection from an address of this machine.
    #[track_caller]
    pub fn from(server: &Server, ip: &str) -> Wire {
        let ip: IpAddr = ip.parse().unwrap();
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(ip, 0).into()).unwrap();
        socket.connect(&server.address.into()).unwrap();
        Wire::own(socket.into()).unwrap()
    }

    /// A connection that takes in little without reading. (Not less: a window
    /// smaller than a segment of loopback is filled at a timer's pace.)
    #[track_caller]
    pub fn narrow(server: &Server) -> Wire {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(128 << 10).unwrap();
        socket.connect(&server.address.into()).unwrap();
        Wire::own(socket.into()).unwrap()
    }

    fn own(stream: TcpStream) -> io::Result<Wire> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Wire { stream, ahead: Vec::new(), ended: false })
    }

    /// Sends it all; that the other end has left is no error here.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.try_send(bytes);
    }

    /// Sends it all.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Says that nothing more will be sent.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// Ends the connection with a reset.
    pub fn reset(self) {
        let socket = SockRef::from(&self.stream);
        let _ = socket.set_linger(Some(Duration::ZERO));
    }

    /// Reads one whole answer.
    #[track_caller]
    pub fn answer(&mut self) -> Answer {
        self.try_answer(PATIENCE).expect("an answer")
    }

    /// Reads the answer to a HEAD.
    #[track_caller]
    pub fn answer_to_head(&mut self) -> Answer {
        self.head(Instant::now() + PATIENCE).expect("an answer")
    }

    /// Reads one whole answer, if one begins in time.
    pub fn try_answer(&mut self, patience: Duration) -> io::Result<Answer> {
        let mut answer = self.head(Instant::now() + patience)?;
        if answer.status >= 200 && answer.status != 204 {
            let deadline = Instant::now() + patience.max(PATIENCE);
            answer.body = self.body(&answer, deadline)?;
        }
        Ok(answer)
    }

    /// Reads the head of an answer, and leaves its body for later.
    pub fn head(&mut self, deadline: Instant) -> io::Result<Answer> {
        let end = self.find(b"\r\n\r\n", deadline)? + 4;
        let head: Vec<u8> = self.ahead.drain(..end).collect();
        let head = String::from_utf8(head).expect("a head in UTF-8");
        let mut lines = head.trim_end().split("\r\n");
        let first = lines.next().unwrap();
        let status = first.strip_prefix("HTTP/1.1 ").expect("HTTP/1.1");
        let status = status[..3].parse().expect("a status");
        let fields = lines.map(|line| {
            let (name, value) = line.split_once(':').expect("a field");
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        let fields = fields.collect();
        Ok(Answer { status, fields, body: Vec::new() })
    }

    fn body(
        &mut self,
        head: &Answer,
        deadline: Instant,
    ) -> io::Result<Vec<u8>> {
        if head.field("transfer-encoding") == "chunked" {
            let mut body = Vec::new();
            while let Some(chunk) = self.chunk(deadline)? {
                body.extend(chunk);
            }
            return Ok(body);
        }
        match head.field("content-length").parse() {
            Ok(length) => self.take(length, deadline),
            Err(_) => {
                while self.fill(deadline)? {}
                Ok(std::mem::take(&mut self.ahead))
            }
        }
    }

    /// Reads one chunk of a body; `None` is the last. A deadline that passes
    /// loses nothing: the chunk is read as a whole or not at all.
    pub fn chunk(&mut self, deadline: Instant) -> io::Result<Option<Vec<u8>>> {
        let line = self.find(b"\r\n", deadline)?;
        let size = std::str::from_utf8(&self.ahead[..line]).expect("a size");
        let size = usize::from_str_radix(size, 16).expect("a size");
        let end = line + 2 + size;
        while self.ahead.len() < end + 2 {
            self.more(deadline)?;
        }
        let whole: Vec<u8> = self.ahead.drain(..end + 2).collect();
        assert_eq!(&whole[end..], b"\r\n", "the end of a chunk");
        let data = whole[line + 2..end].to_vec();
        Ok(Some(data).filter(|data| !data.is_empty()))
    }

    /// Reads exactly so many bytes.
    pub fn take(&mut self, n: usize, deadline: Instant) -> io::Result<Vec<u8>> {
        while self.ahead.len() < n {
            self.more(deadline)?;
        }
        Ok(self.ahead.drain(..n).collect())
    }

    /// Reads whatever is left until the other end closes; panics when it does
    /// not.
    #[track_caller]
    pub fn rest(&mut self) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.fill(deadline) {
                Ok(true) => {}
                Err(error) if is_late(&error) => {
                    panic!("not closed, after {}", self.ahead.escape_ascii())
                }
                Ok(false) | Err(_) => return std::mem::take(&mut self.ahead),
            }
        }
    }

    /// Reads an answer, if one comes before the end.
    pub fn answer_or_end(&mut self) -> Option<Answer> {
        self.try_answer(PATIENCE).ok()
    }

    /// Holds that the other end closes without another byte.
    #[track_caller]
    pub fn closed(&mut self) {
        let rest = self.rest();
        assert!(rest.is_empty(), "closed after {}", rest.escape_ascii());
    }

    /// Whether nothing comes for a while, neither a byte nor the end.
    pub fn is_quiet_for(&mut self, time: Duration) -> bool {
        let heard = self.fill(Instant::now() + time);
        self.ahead.is_empty() && heard.is_err_and(|error| is_late(&error))
    }

    fn find(&mut self, what: &[u8], deadline: Instant) -> io::Result<usize> {
        let mut from = 0;
        loop {
            let mut windows = self.ahead[from..].windows(what.len());
            if let Some(at) = windows.position(|window| window == what) {
                return Ok(from + at);
            }
            from = self.ahead.len().saturating_sub(what.len() - 1);
            self.more(deadline)?;
        }
    }

    fn more(&mut self, deadline: Instant) -> io::Result<()> {
        match self.fill(deadline)? {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Reads some more; says whether there was anything.
    fn fill(&mut self, deadline: Instant) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        let mut some = [0; 16 << 10];
        let n = match self.stream.read(&mut some) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                return self.fill(deadline);
            }
            read => read?,
        };
        self.ahead.extend_from_slice(&some[..n]);
        self.ended = n == 0;
        Ok(n > 0)
    }
}

/// Whether this error only says that nothing came in time.
pub fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
