//! One client: a socket, what it speaks, and what is still to be sent.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::ops::Range;

use mio::net::TcpStream;

use super::codec::{Codec, Purpose};

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not connected; perhaps later.
    Idle,
    /// TCP's handshake is under way.
    Connecting,
    /// Our request is sent, its answer is not here yet.
    Opening,
    /// In use.
    Open,
    /// Closed by us, for good.
    Done,
}

/// One client of the server.
#[derive(Debug)]
pub struct Connection {
    /// Which group it belongs to.
    pub group: usize,
    /// What it is for.
    pub purpose: Purpose,
    /// The readers behind it, by the generator's numbers.
    pub readers: Range<usize>,
    /// How far it has come.
    pub phase: Phase,
    /// Whether we have stopped reading from it.
    pub is_paused: bool,
    /// Whether its readers have been open before.
    pub was_open: bool,
    /// Where its readers are: what to resume from.
    pub cursor: Option<u64>,
    /// Failed attempts to come back, in a row.
    pub failures: u32,
    /// Posts that wait for the answer to the one before.
    pub posts: VecDeque<Vec<u8>>,
    /// Whether an answer is outstanding (posts and questions).
    pub is_waiting: bool,
    /// When its last question was asked, ns.
    pub asked_at: u64,
    /// The socket, from the first attempt to the loss.
    pub socket: Option<TcpStream>,
    /// What it speaks.
    pub codec: Codec,
    /// Bytes that the socket has not taken yet.
    output: Vec<u8>,
}

impl Connection {
    /// A client that is not connected yet.
    pub fn new(
        group: usize,
        purpose: Purpose,
        readers: Range<usize>,
    ) -> Connection {
        let codec = Codec::new(&purpose, readers.len());
        Connection {
            group,
            purpose,
            readers,
            phase: Phase::Idle,
            is_paused: false,
            was_open: false,
            cursor: None,
            failures: 0,
            posts: VecDeque::new(),
            is_waiting: false,
            asked_at: 0,
            socket: None,
            codec,
            output: Vec::new(),
        }
    }

    /// Starts over with a new socket.
    pub fn start(&mut self, socket: TcpStream) {
        self.codec = Codec::new(&self.purpose, self.readers.len());
        self.socket = Some(socket);
        self.phase = Phase::Connecting;
        self.is_waiting = false;
        self.output.clear();
    }

    /// Lets go of the socket.
    pub fn stop(&mut self, phase: Phase) {
        self.socket = None;
        self.phase = phase;
        self.is_paused = false;
    }

    /// Adds to what is to be sent.
    pub fn push(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Where codecs put what they must answer.
    pub fn output(&mut self) -> (&mut Codec, &mut Vec<u8>) {
        (&mut self.codec, &mut self.output)
    }

    /// Sends what the socket takes now; returns how many bytes it took.
    ///
    /// # Errors
    /// Those of send(2), `WouldBlock` not among them.
    pub fn flush(&mut self) -> io::Result<usize> {
        let Some(socket) = &mut self.socket else { return Ok(0) };
        let mut sent = 0;
        while sent < self.output.len() {
            match socket.write(&self.output[sent..]) {
                Ok(length) => sent += length,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.output.drain(..sent);
        Ok(sent)
    }
}

/// A short name for what went wrong with a socket.
pub fn kind_of(error: &io::Error) -> String {
    use io::ErrorKind::*;
    match error.kind() {
        ConnectionRefused => "refused",
        ConnectionReset => "reset",
        BrokenPipe => "broken_pipe",
        TimedOut => "timed_out",
        AddrNotAvailable => "generator_out_of_ports",
        _ => match error.raw_os_error() {
            Some(code) if code == EMFILE => "generator_out_of_descriptors",
            Some(code) => return format!("os_error_{code}"),
            None => return error.to_string().replace(' ', "_"),
        },
    }
    .to_owned()
}

const EMFILE: i32 = rustix::io::Errno::MFILE.raw_os_error();
