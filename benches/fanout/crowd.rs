//! The readers, all held by one thread: as cheap as can be, so that the
//! server is what is measured.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use socket2::{Domain, Socket, Type};

use crate::Outcome;
use crate::poster::{Schedule, send};
use crate::server::Server;

/// Readers from one source address: each takes one of its 28 000 ports.
const PER_ADDRESS: usize = 5000;
/// Bytes read at once, from whoever has some.
const READ: usize = 64 << 10;
/// How often everyone is looked at. A thread that waited would be woken for
/// nearly every delivery, and on one machine the sender pays for that: a
/// third of what it does, and nothing that readers elsewhere would cost it.
const LOOK: Duration = Duration::from_micros(200);
/// A pong without a payload, masked with zeros.
const PONG: &[u8] = &[0x8a, 0x80, 0, 0, 0, 0];
/// How a message begins; its number follows.
pub(crate) const MESSAGE: &[u8] = br#"{"type":"message","seq":"#;
/// What is between that number and the text.
pub(crate) const BETWEEN: &[u8] =
    br#","at":"2026-11-21T09:30:00.123Z","nick":"bench","text":""#;
/// Digits of the number a text begins with.
const DIGITS: usize = 8;

/// All readers.
pub(crate) struct Crowd {
    epoll: OwnedFd,
    readers: Vec<Reader>,
    buffer: Vec<u8>,
    /// What they have seen.
    pub(crate) tally: Tally,
}

/// What all readers together have seen.
pub(crate) struct Tally {
    /// Messages that came in order.
    pub(crate) delivered: u64,
    /// Messages that came again, or behind a later one.
    pub(crate) disordered: u64,
    /// Readers that the server let go.
    pub(crate) closed: u64,
    /// From the instant a post was due to when it was read, in microseconds.
    pub(crate) latency: Histogram<u64>,
}

struct Reader {
    socket: TcpStream,
    /// The beginning of a frame that is not yet whole.
    rest: Vec<u8>,
    /// The number of the newest message.
    last: u64,
}

impl Crowd {
    /// Connects so many readers to one room.
    pub(crate) fn connect(server: &Server, readers: usize) -> Outcome<Crowd> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut crowd = Crowd {
            epoll,
            readers: Vec::with_capacity(readers),
            buffer: vec![0; READ],
            tally: Tally::new()?,
        };
        for number in 0..readers {
            let socket = connect(server.address, number)?;
            let data = epoll::EventData::new_u64(number as u64);
            epoll::add(&crowd.epoll, &socket, data, epoll::EventFlags::IN)?;
            let reader = Reader { socket, rest: Vec::new(), last: 0 };
            crowd.readers.push(reader);
        }
        Ok(crowd)
    }

    /// The sockets of the first few, to post by.
    pub(crate) fn sockets(&self, posters: usize) -> Outcome<Vec<TcpStream>> {
        let some = self.readers.iter().take(posters);
        Ok(some.map(|r| r.socket.try_clone()).collect::<io::Result<_>>()?)
    }

    /// Reads until everyone has had every post, or the last of them is late
    /// by `patience`.
    pub(crate) fn listen(
        &mut self,
        schedule: Schedule,
        patience: Duration,
    ) -> Outcome<()> {
        let everything = schedule.posts * self.readers.len() as u64;
        let until = schedule.end() + patience;
        while self.tally.delivered < everything && Instant::now() < until {
            self.turn(&schedule)?;
        }
        Ok(())
    }

    /// Answers pings, and whatever else comes, for as long as `time`.
    pub(crate) fn rest(&mut self, time: Duration) -> Outcome<()> {
        let nothing = Schedule::new("", 1, 0);
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.turn(&nothing)?;
        }
        Ok(())
    }

    /// Begins a new tally.
    pub(crate) fn forget(&mut self) {
        let Tally { delivered, disordered, closed, latency } = &mut self.tally;
        (*delivered, *disordered, *closed) = (0, 0, 0);
        latency.reset();
    }

    /// Reads once from everyone who has something to read.
    fn turn(&mut self, schedule: &Schedule) -> Outcome<()> {
        thread::sleep(LOOK);
        let now = Some(&Timespec { tv_sec: 0, tv_nsec: 0 });
        let mut events = Vec::with_capacity(1024);
        match epoll::wait(&self.epoll, spare_capacity(&mut events), now) {
            Ok(_) | Err(Errno::INTR) => (),
            Err(error) => return Err(error.into()),
        }
        for event in events {
            let reader = &mut self.readers[event.data.u64() as usize];
            match reader.socket.read(&mut self.buffer) {
                Ok(length @ 1..) => {
                    let bytes = &self.buffer[..length];
                    reader.receive(bytes, &mut self.tally, schedule)?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => (),
                Ok(0) | Err(_) => {
                    self.tally.closed += 1;
                    epoll::delete(&self.epoll, &reader.socket)?;
                }
            }
        }
        Ok(())
    }
}

impl Reader {
    fn receive(
        &mut self,
        bytes: &[u8],
        tally: &mut Tally,
        schedule: &Schedule,
    ) -> Outcome<()> {
        let now = Instant::now();
        let kept;
        let mut bytes = match self.rest.is_empty() {
            true => bytes,
            false => {
                self.rest.extend_from_slice(bytes);
                kept = std::mem::take(&mut self.rest);
                &kept
            }
        };
        while let Some((opcode, payload, rest)) = frame(bytes) {
            bytes = rest;
            match opcode {
                0x9 => send(&self.socket, PONG)?,
                0x1 if payload.starts_with(MESSAGE) => {
                    let (seq, post) = numbers(payload)?;
                    if seq > self.last {
                        self.last = seq;
                        tally.count(now, schedule.due(post));
                    } else {
                        tally.disordered += 1;
                    }
                }
                _ => (),
            }
        }
        self.rest.extend_from_slice(bytes);
        Ok(())
    }
}

impl Tally {
    fn new() -> Outcome<Tally> {
        let latency = Histogram::new_with_bounds(1, 600_000_000, 3)?;
        Ok(Tally { delivered: 0, disordered: 0, closed: 0, latency })
    }

    fn count(&mut self, now: Instant, due: Instant) {
        self.delivered += 1;
        let late = now.saturating_duration_since(due);
        self.latency.saturating_record(late.as_micros() as u64);
    }
}

/// The first whole frame, as a server sends it: its opcode, its payload, and
/// what is behind it (RFC 6455, section 5.2).
fn frame(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (head, length) = match *bytes {
        [_, 126, a, b, ..] => (4, u16::from_be_bytes([a, b]).into()),
        // Longer ones are never sent here: a message is 200 bytes.
        [_, short @ 0..=125, ..] => (2, usize::from(short)),
        _ => return None,
    };
    let end = head + length;
    let payload = bytes.get(head..end)?;
    Some((bytes[0] & 0xf, payload, &bytes[end..]))
}

/// The number of a message, and that of the post it was. A search for them
/// would cost more than to read the message: they are where they must be.
fn numbers(payload: &[u8]) -> Outcome<(u64, u64)> {
    let mut seq = 0;
    let mut at = MESSAGE.len();
    while let Some(digit @ b'0'..=b'9') = payload.get(at) {
        seq = seq * 10 + u64::from(digit - b'0');
        at += 1;
    }
    at += BETWEEN.len();
    let digits = payload.get(at..at + DIGITS).ok_or("a short message")?;
    let post = std::str::from_utf8(digits)?.parse()?;
    Ok((seq, post))
}

/// Opens a WebSocket, and reads as far as the end of the answer's head.
fn connect(server: SocketAddr, number: usize) -> Outcome<TcpStream> {
    let source = Ipv4Addr::new(127, 0, 0, 2 + (number / PER_ADDRESS) as u8);
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddrV4::new(source, 0).into())?;
    socket.connect(&server.into())?;
    socket.set_tcp_nodelay(true)?;
    let mut socket = TcpStream::from(socket);
    let request = format!(
        "GET /api/rooms/bench/socket HTTP/1.1\r\nhost: {server}\r\n\
         upgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-version: 13\r\n\
         sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    socket.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    if !head.starts_with(b"HTTP/1.1 101") {
        return Err(String::from_utf8_lossy(&head).into());
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}
