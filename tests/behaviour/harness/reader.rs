//! A reader of a room, over any transport, behind one set of calls.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Message, OpenBody, PATIENCE, Server, Socket, Wire};

/// The ways a room can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Ask, and ask again.
    ShortPoll,
    /// Ask, and be answered when there is something.
    LongPoll,
    /// Server-sent events.
    Events,
    /// Objects as lines.
    Stream,
    /// WebSocket.
    Socket,
    /// WebSocket, by the other codec.
    SocketByHand,
}

impl Transport {
    /// Every one of them.
    pub const ALL: [Transport; 6] = [
        Transport::ShortPoll,
        Transport::LongPoll,
        Transport::Events,
        Transport::Stream,
        Transport::Socket,
        Transport::SocketByHand,
    ];

    /// Those whose answer has no end.
    pub const PUSHING: [Transport; 4] = [
        Transport::Events,
        Transport::Stream,
        Transport::Socket,
        Transport::SocketByHand,
    ];

    /// Whether it is a WebSocket.
    pub fn is_socket(self) -> bool {
        matches!(self, Transport::Socket | Transport::SocketByHand)
    }

    /// The last part of its path.
    pub fn path(self) -> &'static str {
        match self {
            Transport::ShortPoll | Transport::LongPoll => "messages",
            Transport::Events => "events",
            Transport::Stream => "stream",
            Transport::Socket => "socket",
            Transport::SocketByHand => "socket-by-hand",
        }
    }
}

/// Something a reader is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message.
    Message(Message),
    /// The server is going; nothing follows.
    Bye,
}

/// Someone who reads a room, from a cursor on.
pub struct Reader {
    channel: Channel,
    /// How it reads.
    pub transport: Transport,
    /// The `last` it was told first.
    pub last: u64,
    /// Whether it was ever told of a gap.
    pub gap: bool,
    /// Where it would resume; `None` if it has seen nothing.
    pub cursor: Option<u64>,
}

enum Channel {
    Poll(Poll),
    Lines(OpenBody),
    Socket(Socket),
}

struct Poll {
    wire: Wire,
    path: String,
    host: String,
    /// Seconds to be held.
    wait: u32,
    /// Whether an answer is still to come.
    asked: bool,
    /// Messages of the last answer that nobody took yet.
    ahead: VecDeque<Message>,
}

impl Reader {
    /// Begins to read a room over a transport, after a cursor.
    #[track_caller]
    pub fn open(
        server: &Server,
        transport: Transport,
        room: &str,
        after: Option<u64>,
    ) -> Reader {
        match Reader::connect(server.address, transport, room, after) {
            Ok(reader) => reader,
            Err(error) => panic!("{transport:?}: {error}"),
        }
    }

    /// Begins to read a room of an address.
    pub fn connect(
        address: SocketAddr,
        transport: Transport,
        room: &str,
        after: Option<u64>,
    ) -> io::Result<Reader> {
        let path = format!("/api/rooms/{room}/{}", transport.path());
        let query = after.map_or(String::new(), |seq| format!("?after={seq}"));
        let target = format!("{path}{query}");
        let mut reader = Reader {
            channel: match transport {
                Transport::ShortPoll => Poll::channel(address, path, 0)?,
                Transport::LongPoll => Poll::channel(address, path, 20)?,
                Transport::Events | Transport::Stream => {
                    let wire = Wire::connect(address)?;
                    let body = OpenBody::over(wire, address, &target, "")?;
                    Channel::Lines(body)
                }
                Transport::Socket | Transport::SocketByHand => {
                    Channel::Socket(Socket::connect(address, &target)?)
                }
            },
            transport,
            last: 0,
            gap: false,
            cursor: after,
        };
        reader.greet()?;
        Ok(reader)
    }

    /// Reads what every reader is told first.
    fn greet(&mut self) -> io::Result<()> {
        let hello = match &mut self.channel {
            Channel::Poll(poll) => poll.page(self.cursor, 0, PATIENCE)?,
            _ => self.object(Instant::now() + PATIENCE)?,
        };
        if !matches!(self.channel, Channel::Poll(_)) {
            assert_eq!(hello["type"], "hello", "{hello}");
        }
        self.last = hello["last"].as_u64().expect("a last");
        self.gap = hello["gap"].as_bool().expect("a gap");
        if let Channel::Poll(poll) = &mut self.channel
            && poll.ahead.is_empty()
        {
            self.cursor = Some(self.last);
        }
        Ok(())
    }

    /// The next message; panics when there is none in time.
    #[track_caller]
    pub fn message(&mut self) -> Message {
        match self.next(PATIENCE) {
            Ok(Event::Message(message)) => message,
            Ok(Event::Bye) => panic!("{:?}: bye", self.transport),
            Err(error) => panic!("{:?}: {error}", self.transport),
        }
    }

    /// The next so many messages.
    #[track_caller]
    pub fn messages(&mut self, count: usize) -> Vec<Message> {
        (0..count).map(|_| self.message()).collect()
    }

    /// The next thing this reader is told, if it comes within so long.
    /// A stream that ends is an error that is not one of time.
    pub fn next(&mut self, patience: Duration) -> io::Result<Event> {
        let deadline = Instant::now() + patience;
        loop {
            let value = match &mut self.channel {
                Channel::Poll(poll) => {
                    let message =
                        poll.next(&mut self.cursor, &mut self.gap, deadline)?;
                    return Ok(Event::Message(message));
                }
                _ => self.object(deadline)?,
            };
            match value["type"].as_str() {
                Some("message") => {
                    let message = Message::read(&value);
                    self.cursor = Some(message.seq);
                    return Ok(Event::Message(message));
                }
                Some("bye") => return Ok(Event::Bye),
                Some("hello") => panic!("a second hello"),
                Some(_) => {}
                None => panic!("an object without a type: {value}"),
            }
        }
    }

    /// The next object of a transport that pushes.
    fn object(&mut self, deadline: Instant) -> io::Result<Value> {
        match &mut self.channel {
            Channel::Poll(_) => unreachable!("polls are answered with pages"),
            Channel::Socket(socket) => {
                let left = deadline.saturating_duration_since(Instant::now());
                let value = socket.try_any(left)?;
                value.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
            }
            Channel::Lines(body) if self.transport == Transport::Stream => {
                let line = body.line(deadline)?;
                Ok(serde_json::from_str(&line).expect("JSON"))
            }
            Channel::Lines(body) => {
                let event = body.try_event(deadline)?;
                let value = event.json();
                assert_eq!(value["type"], event.event, "{event:?}");
                if event.event == "message" {
                    assert_eq!(event.id, Some(value["seq"].to_string()));
                }
                Ok(value)
            }
        }
    }
}

impl Poll {
    fn channel(
        address: SocketAddr,
        path: String,
        wait: u32,
    ) -> io::Result<Channel> {
        let wire = Wire::connect(address)?;
        let host = address.to_string();
        let ahead = VecDeque::new();
        Ok(Channel::Poll(Poll { wire, path, host, wait, asked: false, ahead }))
    }

    /// The next message, asking for it as long as it takes.
    fn next(
        &mut self,
        cursor: &mut Option<u64>,
        gap: &mut bool,
        deadline: Instant,
    ) -> io::Result<Message> {
        loop {
            if let Some(message) = self.ahead.pop_front() {
                *cursor = Some(message.seq);
                return Ok(message);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let page = self.page(*cursor, self.wait, left)?;
            *gap |= page["gap"] == true;
            if self.ahead.is_empty() {
                *cursor = page["last"].as_u64();
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    /// Asks, unless it has asked, and reads the answer.
    fn page(
        &mut self,
        cursor: Option<u64>,
        wait: u32,
        patience: Duration,
    ) -> io::Result<Value> {
        if !self.asked {
            let Poll { path, host, .. } = self;
            let query = match cursor {
                Some(seq) => format!("?after={seq}&wait={wait}"),
                None => String::new(),
            };
            self.wire.try_send(format!(
                "GET {path}{query} HTTP/1.1\r\nHost: {host}\r\n\r\n"
            ))?;
            self.asked = true;
        }
        let answer = self.wire.try_answer(patience)?;
        self.asked = false;
        if answer.status != 200 {
            return Err(io::Error::other(answer.to_string()));
        }
        self.ahead.extend(answer.messages());
        Ok(answer.json())
    }
}
