//! Each transport, as seen by a client: which request opens it, and what the
//! bytes that come back say. No sockets here, no clock.

pub mod http1;
pub mod http2;
pub mod websocket;

use http1::{Answers, Part};
use http2::Http2;
use websocket::WebSocket;

use super::command::Transport;
use super::scan::{self, Word};

/// What a connection is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To read a room.
    Read(Transport),
    /// To post over HTTP.
    Post,
    /// To ask for one path, again and again.
    Ask(String),
}

/// The protocol state of one connection.
#[derive(Debug)]
pub enum Codec {
    /// A WebSocket, of either kind.
    Socket(Box<WebSocket>),
    /// Server-sent events or NDJSON: an answer that never ends.
    Lines(Lines),
    /// Streams over HTTP/2.
    Http2(Http2),
    /// One answer for each request: polls, posts and plain questions.
    Exchange(Exchange),
}

impl Codec {
    /// The codec for `purpose`, with this many readers on the connection.
    pub fn new(purpose: &Purpose, readers: usize) -> Codec {
        match purpose {
            Purpose::Read(Transport::WebSocket | Transport::ByHand) => {
                Codec::Socket(Box::default())
            }
            Purpose::Read(Transport::Events | Transport::Stream) => {
                Codec::Lines(Lines::default())
            }
            Purpose::Read(Transport::Http2) => {
                Codec::Http2(Http2::new(readers))
            }
            Purpose::Read(_) => Codec::Exchange(Exchange::new(Body::Poll)),
            Purpose::Post => Codec::Exchange(Exchange::new(Body::Post)),
            Purpose::Ask(_) => Codec::Exchange(Exchange::new(Body::Ignored)),
        }
    }

    /// The bytes that open the connection for reading from `cursor`, and how
    /// many HTTP requests they are.
    pub fn open(
        &self,
        transport: Transport,
        host: &str,
        room: &str,
        cursor: Option<u64>,
    ) -> (Vec<u8>, u64) {
        let path = read_path(transport, room, cursor);
        match self {
            Codec::Socket(_) => (WebSocket::handshake(host, &path), 1),
            Codec::Http2(connection) => {
                let requests = connection.readers() as u64;
                (connection.handshake(host, &path), requests)
            }
            _ => (get(host, &path), 1),
        }
    }

    /// Takes bytes from the server: what they say goes to `words`, what must
    /// be answered to `output`.
    pub fn receive(
        &mut self,
        bytes: &[u8],
        output: &mut Vec<u8>,
        words: &mut Vec<Word>,
    ) {
        match self {
            Codec::Socket(socket) => socket.receive(bytes, output, words),
            Codec::Lines(lines) => lines.receive(bytes, words),
            Codec::Http2(connection) => {
                connection.receive(bytes, output, words);
            }
            Codec::Exchange(exchange) => exchange.receive(bytes, words),
        }
    }
}

/// Where a transport is found, and from which message on.
fn read_path(transport: Transport, room: &str, cursor: Option<u64>) -> String {
    let (name, wait) = match transport {
        Transport::ShortPoll => ("messages", None),
        // The first question is answered at once, or an empty room would
        // look like a server that does not answer.
        Transport::LongPoll => ("messages", cursor.map(|_| 25)),
        Transport::Events => ("events", None),
        Transport::Stream | Transport::Http2 => ("stream", None),
        Transport::WebSocket => ("socket", None),
        Transport::ByHand => ("socket-by-hand", None),
    };
    let mut path = format!("/api/rooms/{room}/{name}");
    if let Some(cursor) = cursor {
        path += &format!("?after={cursor}");
    }
    if let Some(seconds) = wait {
        path += &format!("&wait={seconds}");
    }
    path
}

/// A GET with the least a request can have.
pub fn get(host: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
}

/// A POST of a message.
pub fn post(host: &str, room: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /api/rooms/{room}/messages HTTP/1.1\r\nHost: {host}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// An answer that never ends, a line at a time.
#[derive(Debug, Default)]
pub struct Lines {
    answers: Answers,
    line: Vec<u8>,
}

impl Lines {
    fn receive(&mut self, bytes: &[u8], words: &mut Vec<Word>) {
        self.answers.receive(bytes);
        while let Some(part) = self.answers.next_part() {
            match part {
                Part::Head(200) => words.push(Word::Open),
                Part::Head(status) => {
                    words.push(Word::Refused(status.to_string()));
                }
                Part::Body(body) => self.body(&body, words),
                Part::End => {
                    words.push(Word::Ended("end_of_body".to_owned()));
                }
                Part::Nonsense => {
                    words.push(Word::Refused("nonsense".to_owned()));
                }
            }
        }
    }

    fn body(&mut self, body: &[u8], words: &mut Vec<Word>) {
        self.line.extend_from_slice(body);
        let Some(end) = memchr::memrchr(b'\n', &self.line) else { return };
        let rest = self.line.split_off(end + 1);
        for line in self.line.split(|b| *b == b'\n') {
            // An event's data is the object; its `event:` and `id:` lines
            // say nothing that the object does not.
            let object = line.strip_prefix(b"data:").unwrap_or(line);
            scan::object(object, 0, words);
        }
        self.line = rest;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Poll,
    Post,
    Ignored,
}

/// One answer for each request.
#[derive(Debug)]
pub struct Exchange {
    answers: Answers,
    wanted: Body,
    status: u16,
    body: Vec<u8>,
}

impl Exchange {
    fn new(wanted: Body) -> Exchange {
        let (answers, body) = (Answers::default(), Vec::new());
        Exchange { answers, wanted, status: 0, body }
    }

    fn receive(&mut self, bytes: &[u8], words: &mut Vec<Word>) {
        self.answers.receive(bytes);
        while let Some(part) = self.answers.next_part() {
            match part {
                Part::Head(status) => self.status = status,
                Part::Body(body) => self.body.extend(body),
                Part::End => {
                    self.answered(words);
                    self.body.clear();
                }
                Part::Nonsense => {
                    words.push(Word::Refused("nonsense".to_owned()));
                }
            }
        }
    }

    fn answered(&mut self, words: &mut Vec<Word>) {
        match (self.wanted, self.status) {
            (Body::Poll, 200) => {
                scan::messages(&self.body, 0, words);
                scan::cursor(&self.body, words);
            }
            (Body::Post, 200 | 201) => {
                let mut found = Vec::new();
                scan::messages(&self.body, 0, &mut found);
                words.extend(found.into_iter().filter_map(|w| match w {
                    Word::Message { id, .. } => id.map(Word::Ack),
                    _ => None,
                }));
            }
            (Body::Post | Body::Poll, status) => {
                words.push(Word::Error(format!("status_{status}")));
            }
            (Body::Ignored, _) => {}
        }
        words.push(Word::Answered(self.status));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(purpose: &Purpose, bytes: &[u8], step: usize) -> Vec<Word> {
        let mut codec = Codec::new(purpose, 1);
        let (mut output, mut words) = (Vec::new(), Vec::new());
        for piece in bytes.chunks(step) {
            codec.receive(piece, &mut output, &mut words);
        }
        words
    }

    #[test]
    fn events_and_lines_say_the_same() {
        let message = r#"{"type":"message","seq":4,"id":"1-0"}"#;
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunk = |text: &str| {
            format!("{head}{:x}\r\n{text}\r\n", text.len()).into_bytes()
        };
        let event =
            format!(": ping\n\nevent: message\nid: 4\ndata: {message}\n\n");
        let line = format!("{{\"type\":\"ping\"}}\n{message}\n");
        let id = Some(scan::Id { load: 1, number: 0 });
        let expected = [Word::Open, Word::Message { reader: 0, id, seq: 4 }];
        for step in [1, 13, 1000] {
            let events = Purpose::Read(Transport::Events);
            assert_eq!(words(&events, &chunk(&event), step), expected);
            let stream = Purpose::Read(Transport::Stream);
            assert_eq!(words(&stream, &chunk(&line), step), expected);
        }
    }

    #[test]
    fn a_post_is_acknowledged_by_its_answer() {
        let body = r#"{"type":"message","seq":4,"id":"1-9"}"#;
        let bytes = format!(
            "HTTP/1.1 201 Created\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let ack = Word::Ack(scan::Id { load: 1, number: 9 });
        assert_eq!(
            words(&Purpose::Post, bytes.as_bytes(), 3),
            [ack, Word::Answered(201)]
        );
    }

    #[test]
    fn the_first_long_poll_does_not_wait() {
        let path = |cursor| read_path(Transport::LongPoll, "r", cursor);
        assert_eq!(path(None), "/api/rooms/r/messages");
        assert_eq!(path(Some(7)), "/api/rooms/r/messages?after=7&wait=25");
    }
}
