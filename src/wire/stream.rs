//! A room's news as bytes: server-sent events (HTML Living Standard, section
//! 9.2), JSON lines, and WebSocket text frames.
//!
//! Everyone who reads in the same encoding is sent the same bytes, so they
//! are made once.

use std::sync::Arc;

use bytes::Bytes;

use super::http::{LAST_CHUNK, Version, chunk};
use super::json::{self, Hello};
use super::websocket::frame;
use crate::chat::{Message, Page, Seq};
use crate::limits::RETRY;

/// How one piece of news is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `event:`, `id:` and `data:` lines.
    Events,
    /// A JSON object on a line.
    Lines,
    /// A WebSocket text frame.
    Frames,
}

/// A format, and what carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// How one piece of news is written.
    pub format: Format,
    /// What it is wrapped in.
    pub carrier: Carrier,
}

/// What carries a body that never ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// Nothing: WebSocket, HTTP/2, or HTTP/1.0 until the connection ends.
    Bare,
    /// HTTP/1.1 chunks.
    Chunks,
}

/// Something a room's readers are told.
#[derive(Clone, Debug)]
pub enum News {
    /// A message, already safe.
    Message(Arc<Message>),
    /// Who is here: the JSON of it.
    Presence(Vec<u8>),
    /// Who is writing: the JSON of it.
    Typing(Vec<u8>),
}

impl News {
    /// The number of a message; news of other kinds has none.
    pub fn seq(&self) -> Option<Seq> {
        match self {
            News::Message(message) => Some(message.seq),
            News::Presence(_) | News::Typing(_) => None,
        }
    }
}

impl Encoding {
    /// WebSocket frames.
    pub const FRAMES: Encoding =
        Encoding { format: Format::Frames, carrier: Carrier::Bare };

    /// Events or lines for a client of this version of HTTP.
    pub fn over_http(format: Format, version: Version) -> Encoding {
        let carrier = match version {
            Version::Http11 => Carrier::Chunks,
            Version::Http10 | Version::Http2 => Carrier::Bare,
        };
        Encoding { format, carrier }
    }

    /// The first thing a reader is told.
    pub fn hello(self, hello: Hello<'_>) -> Vec<u8> {
        let json = json::hello(hello);
        let mut out = self.format.write("hello", None, &json);
        if self.format == Format::Events {
            let retry = format!("retry: {}\n", RETRY.as_millis());
            out.splice(0..0, retry.into_bytes());
        }
        self.carry(out)
    }

    /// Messages, as history.
    pub fn messages(self, messages: &[Arc<Message>]) -> Vec<u8> {
        let messages = messages.iter().map(|message| self.message(message));
        messages.collect::<Vec<_>>().concat()
    }

    /// What says that the stream is alive. To a reader of server-sent events
    /// twice: the comment is the custom, but browsers show a page only events.
    pub fn ping(self) -> Vec<u8> {
        match self.format {
            Format::Events => {
                let mut ping = b": ping\n".to_vec();
                ping.extend(self.format.write("ping", None, &json::ping()));
                self.carry(ping)
            }
            Format::Lines => {
                self.carry(self.format.write("", None, &json::ping()))
            }
            Format::Frames => frame::PING.to_vec(),
        }
    }

    /// The last thing a reader is told when the server goes. A socket is also
    /// closed with 1001, a body in chunks gets its last.
    pub fn bye(self) -> Vec<u8> {
        let bye = json::bye(RETRY.as_millis() as u64);
        let mut out = self.carry(self.format.write("bye", None, &bye));
        out.extend(self.end(1001, "the server is going"));
        out
    }

    /// The end of a stream, without a word; a socket says why.
    pub fn end(self, code: u16, reason: &str) -> Vec<u8> {
        match (self.format, self.carrier) {
            (Format::Frames, _) => frame::close(code, reason),
            (_, Carrier::Chunks) => LAST_CHUNK.to_vec(),
            (_, Carrier::Bare) => Vec::new(),
        }
    }

    /// One JSON object of a kind that is not a message.
    pub fn object(self, kind: &str, json: &[u8]) -> Vec<u8> {
        self.carry(self.format.write(kind, None, json))
    }

    fn news(self, news: &News) -> Vec<u8> {
        match news {
            News::Message(message) => self.message(message),
            News::Presence(json) => self.object("presence", json),
            News::Typing(json) => self.object("typing", json),
        }
    }

    fn message(self, message: &Message) -> Vec<u8> {
        let json = json::message(message);
        self.carry(self.format.write("message", Some(message.seq), &json))
    }

    fn carry(self, bytes: Vec<u8>) -> Vec<u8> {
        match self.carrier {
            Carrier::Bare => bytes,
            Carrier::Chunks => chunk(&bytes),
        }
    }

    /// One place for each of the five encodings there are.
    fn index(self) -> usize {
        match (self.format, self.carrier) {
            (Format::Frames, _) => 0,
            (Format::Events, Carrier::Chunks) => 1,
            (Format::Events, Carrier::Bare) => 2,
            (Format::Lines, Carrier::Chunks) => 3,
            (Format::Lines, Carrier::Bare) => 4,
        }
    }
}

impl Format {
    /// JSON has no line end in it (it escapes them), so it fits a `data:`
    /// line, and a line.
    fn write(self, event: &str, id: Option<Seq>, json: &[u8]) -> Vec<u8> {
        let head = match (self, id) {
            (Format::Frames, _) => return frame::text(json),
            (Format::Lines, _) => return [json, b"\n"].concat(),
            (Format::Events, None) => format!("event: {event}\ndata: "),
            (Format::Events, Some(id)) => {
                format!("event: {event}\nid: {id}\ndata: ")
            }
        };
        [head.as_bytes(), json, b"\n\n"].concat()
    }
}

/// Everything that was queued in a room when a broadcast began.
#[derive(Debug)]
pub struct Batch {
    news: Vec<News>,
    encoded: [Option<Encoded>; 5],
}

/// A batch in one encoding.
#[derive(Debug)]
struct Encoded {
    bytes: Bytes,
    /// Where in `bytes` each message begins.
    starts: Vec<(Seq, usize)>,
}

impl Batch {
    /// A batch of news, in order.
    pub fn new(news: Vec<News>) -> Batch {
        Batch { news, encoded: Default::default() }
    }

    /// The messages in it, in order.
    pub fn messages(&self) -> impl Iterator<Item = &Arc<Message>> {
        self.news.iter().filter_map(|news| match news {
            News::Message(message) => Some(message),
            News::Presence(_) | News::Typing(_) => None,
        })
    }

    /// The number of the last message in it.
    pub fn last(&self) -> Option<Seq> {
        self.news.iter().rev().find_map(News::seq)
    }

    /// The messages of it that a long poll is answered with.
    pub fn page(&self, after: Seq, limit: usize) -> Page {
        let mut unread = self.messages().filter(|m| m.seq > after).cloned();
        let messages: Vec<_> = unread.by_ref().take(limit).collect();
        let last = messages.last().map_or(after, |message| message.seq);
        Page { messages, last, gap: false, more: unread.next().is_some() }
    }

    /// How many pieces of news it has.
    pub fn len(&self) -> usize {
        self.news.len()
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.news.is_empty()
    }

    /// Its bytes for a reader that has read up to `after`: nearly always all
    /// of them, the same for everyone.
    pub fn encoded(&mut self, encoding: Encoding, after: Seq) -> Bytes {
        let news = &self.news;
        let encoded = self.encoded[encoding.index()]
            .get_or_insert_with(|| Encoded::new(encoding, news));
        encoded.after(after)
    }
}

impl Encoded {
    fn new(encoding: Encoding, news: &[News]) -> Encoded {
        let mut bytes = Vec::new();
        let mut starts = Vec::new();
        for piece in news {
            starts.extend(piece.seq().map(|seq| (seq, bytes.len())));
            bytes.extend(encoding.news(piece));
        }
        Encoded { bytes: bytes.into(), starts }
    }

    fn after(&self, cursor: Seq) -> Bytes {
        let read = self.starts.partition_point(|(seq, _)| *seq <= cursor);
        match self.starts.get(read) {
            _ if read == 0 => self.bytes.clone(),
            Some((_, start)) => self.bytes.slice(start..),
            None => Bytes::new(),
        }
    }
}
