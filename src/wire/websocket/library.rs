//! A session by tungstenite, over a stream that is only memory.
//!
//! It is laxer than the RFC where tungstenite is (`by_hand` is strict):
//! * a rule broken in a header is noticed when the whole frame is here (only
//!   reserved opcodes and sizes are noticed with the header);
//! * bytes that are not UTF-8 are noticed when their frame is whole: what
//!   cases 6.4.3 and 6.4.4 of Autobahn's test suite call non-strict;
//! * a length may be written longer than it need be;
//! * close code 1014 is refused, although it has been registered since.

use std::io::{self, Read, Write};

use tungstenite::Message;
use tungstenite::error::Error;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

use super::{Event, frame};

/// Bytes tungstenite takes in at a time. Its default, 128 KiB for each
/// session, is for a few busy ones; ours are many, and mostly idle. It is
/// cleared before every read, so a larger one is slower for short messages.
const READ_BUFFER: usize = 1 << 10;
/// Bound of its write buffer: a pong or a close (127 bytes), and some room.
/// Messages do not pass through it: those are encoded once for all readers.
const WRITE_BUFFER: usize = 512;

/// The server's side of an open WebSocket, understood by tungstenite.
pub struct LibrarySession {
    /// tungstenite's state. It never gives back a buffer it has allocated, so
    /// between two messages, when there is no state to lose, there is none.
    context: Option<Box<WebSocketContext>>,
    /// What it reads from and writes to.
    stream: Memory,
    /// Bytes received that no message accounts for. At 0 nothing is half
    /// understood. (A fragmented message never accounts for all of its bytes,
    /// so a client that fragments keeps its buffers.)
    unaccounted: usize,
    /// Bytes of the longest message taken in.
    max_message: usize,
    /// Whether `Event::Closed` has been given out.
    closed: bool,
}

impl LibrarySession {
    /// A session whose messages are at most `max_message` bytes.
    pub fn new(max_message: usize) -> LibrarySession {
        LibrarySession {
            context: None,
            stream: Memory::default(),
            unaccounted: 0,
            max_message,
            closed: false,
        }
    }

    /// Takes in what the peer sent.
    pub fn receive(&mut self, bytes: &[u8]) {
        if self.closed || bytes.is_empty() {
            return;
        }
        self.stream.input.extend_from_slice(bytes);
        self.unaccounted += bytes.len();
        let config = config(self.max_message);
        self.context.get_or_insert_with(|| {
            Box::new(WebSocketContext::new(Role::Server, Some(config)))
        });
    }

    /// The next thing the peer said; `None` if more bytes are needed.
    pub fn next_event(&mut self) -> Option<Event> {
        let context = self.context.as_mut()?;
        let event = match context.read(&mut self.stream) {
            Ok(message) => {
                // The pong or the close that tungstenite now owes. After a
                // close the answer is `ConnectionClosed`, which is no news,
                // and a write to memory cannot fail.
                let _ = context.flush(&mut self.stream);
                let said = shortest_frame(message.len());
                // A wrong close comes back in tungstenite's words: longer.
                self.unaccounted = self.unaccounted.saturating_sub(said);
                event(message)
            }
            // The stream has no more bytes for now.
            Err(Error::Io(_)) => return None,
            Err(error) => self.refuse(&error),
        };
        self.closed = matches!(event, Event::Closed { .. });
        if self.closed || self.unaccounted == 0 {
            self.context = None;
            self.stream.input = Vec::new();
        }
        Some(event)
    }

    /// What the session itself has to say: pongs, and the close it owes.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.stream.output)
    }

    /// tungstenite says what is wrong, and leaves it to us to tell the peer.
    fn refuse(&mut self, error: &Error) -> Event {
        let code = match error {
            Error::Utf8(_) => 1007,
            Error::Capacity(_) => 1009,
            _ => 1002,
        };
        let reason = error.to_string();
        self.stream.output.extend_from_slice(&frame::close(code, &reason));
        Event::Closed { code, reason }
    }
}

/// The frame has the message's bound: tungstenite allocates what a header
/// declares as soon as it sees it.
fn config(max_message: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER)
        .max_message_size(Some(max_message))
        .max_frame_size(Some(max_message))
        .accept_unmasked_frames(false)
}

/// Copies a message out of tungstenite's read buffer: a `Bytes` kept in a
/// history would keep the whole buffer.
fn event(message: Message) -> Event {
    match message {
        Message::Text(text) => Event::Text(text.as_str().to_owned()),
        Message::Binary(bytes) => Event::Binary(bytes.to_vec()),
        Message::Ping(_) => Event::Ping,
        Message::Pong(_) => Event::Pong,
        Message::Close(Some(close)) => Event::Closed {
            code: close.code.into(),
            reason: close.reason.as_str().to_owned(),
        },
        Message::Close(None) => {
            Event::Closed { code: 1005, reason: String::new() }
        }
        Message::Frame(_) => unreachable!("reading never gives a raw frame"),
    }
}

/// The fewest bytes in which a client can say so much: one masked frame
/// (RFC 6455, section 5.2).
fn shortest_frame(payload: usize) -> usize {
    let length = match payload {
        0..=125 => 1,
        126..=0xffff => 3,
        _ => 9,
    };
    1 + length + 4 + payload
}

/// A stream without a socket: what was received, and what is to be sent.
#[derive(Default)]
struct Memory {
    input: Vec<u8>,
    /// Bytes of `input` already read.
    read: usize,
    output: Vec<u8>,
}

impl Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut rest = &self.input[self.read..];
        if rest.is_empty() {
            // Zero bytes would say that the peer is gone.
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = rest.read(buffer)?;
        self.read += count;
        if self.read == self.input.len() {
            self.input = Vec::new();
            self.read = 0;
        }
        Ok(count)
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::websocket::tests::{CLOSE, FIN, PING, TEXT, client};

    fn idle(session: &LibrarySession) -> bool {
        session.context.is_none() && session.stream.input.capacity() == 0
    }

    #[test]
    fn nothing_is_held_between_messages() {
        let mut session = LibrarySession::new(1 << 20);
        assert!(idle(&session));
        for length in [0, 5, 125, 126, 65535, 65536, 1 << 20] {
            let bytes = client(FIN | TEXT, &vec![b'x'; length]);
            session.receive(&bytes[..4]);
            assert_eq!(session.next_event(), None);
            assert!(!idle(&session));
            session.receive(&bytes[4..]);
            session.receive(&client(FIN | PING, b"?"));
            let Some(Event::Text(text)) = session.next_event() else {
                panic!("no text");
            };
            assert_eq!((text.len(), text.capacity()), (length, length));
            assert!(!idle(&session));
            assert_eq!(session.next_event(), Some(Event::Ping));
            assert!(idle(&session));
        }
    }

    #[test]
    fn a_half_understood_message_is_held() {
        let mut session = LibrarySession::new(1 << 20);
        session.receive(&client(TEXT, b""));
        session.receive(&client(FIN | PING, b""));
        assert_eq!(session.next_event(), Some(Event::Ping));
        assert!(!idle(&session));
        session.receive(&client(FIN, b"x"));
        assert_eq!(session.next_event(), Some(Event::Text("x".into())));
    }

    #[test]
    fn where_it_is_laxer_is_known() {
        // A length in more bytes than it needs.
        let mut session = LibrarySession::new(100);
        session.receive(&[FIN | TEXT, 0xfe, 0, 1, 0, 0, 0, 0, b'x']);
        assert_eq!(session.next_event(), Some(Event::Text("x".into())));
        // Wrong from the first byte, but the frame is not whole.
        for wrong in [&client(0x40 | TEXT, b"xx"), &client(TEXT, b"\xffx")] {
            let mut session = LibrarySession::new(100);
            session.receive(&wrong[..wrong.len() - 1]);
            assert_eq!(session.next_event(), None);
            session.receive(&wrong[wrong.len() - 1..]);
            let event = session.next_event();
            assert!(matches!(event, Some(Event::Closed { .. })));
        }
        let mut session = LibrarySession::new(100);
        session.receive(&client(FIN | CLOSE, &1014u16.to_be_bytes()));
        let event = session.next_event();
        assert!(matches!(event, Some(Event::Closed { code: 1002, .. })));
    }
}
