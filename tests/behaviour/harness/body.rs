//! The body of an answer that does not end: a stream of lines.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Answer, PATIENCE, Server, Wire};

/// An open answer, read line by line.
#[derive(Debug)]
pub struct OpenBody {
    /// The head it came with.
    pub head: Answer,
    wire: Wire,
    /// What came in chunks and is not yet a line.
    data: Vec<u8>,
    /// The lines of an event that is not yet whole.
    lines: Vec<String>,
}

/// One event of `text/event-stream`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerEvent {
    /// Its `event:`.
    pub event: String,
    /// Its `id:`.
    pub id: Option<String>,
    /// Its `data:`, lines joined.
    pub data: String,
    /// Its `retry:`.
    pub retry: Option<u64>,
    /// The comments before it.
    pub comments: Vec<String>,
}

impl ServerEvent {
    /// Reads one from its lines (WHATWG HTML, section 9.2.6).
    fn read(lines: Vec<String>) -> ServerEvent {
        let mut event = ServerEvent::default();
        for line in lines.iter().filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
            match name {
                "" => event.comments.push(value),
                "event" => event.event = value,
                "id" => event.id = Some(value),
                "data" if event.data.is_empty() => event.data = value,
                "data" => event.data = format!("{}\n{value}", event.data),
                "retry" => event.retry = value.parse().ok(),
                other => panic!("a field that is not of SSE: {other}"),
            }
        }
        event
    }

    /// Its data as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).expect("JSON")
    }
}

impl OpenBody {
    /// GETs a path that is answered without an end.
    #[track_caller]
    pub fn open(server: &Server, path: &str) -> OpenBody {
        let wire = Wire::open(server);
        OpenBody::over(wire, server.address, path, "").expect("a stream")
    }

    /// GETs a path over a connection, with more fields of the caller's.
    pub fn over(
        mut wire: Wire,
        address: SocketAddr,
        path: &str,
        fields: &str,
    ) -> io::Result<OpenBody> {
        wire.try_send(format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\n{fields}\r\n"
        ))?;
        let head = wire.head(Instant::now() + PATIENCE)?;
        if head.status != 200 {
            return Err(io::Error::other(head.to_string()));
        }
        assert_eq!(head.field("transfer-encoding"), "chunked");
        Ok(OpenBody { head, wire, data: vec![], lines: vec![] })
    }

    /// The next line; an error of kind `UnexpectedEof` at the end.
    pub fn line(&mut self, deadline: Instant) -> io::Result<String> {
        loop {
            if let Some(end) = self.data.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.data.drain(..=end).collect();
                let line = String::from_utf8(line).expect("UTF-8");
                return Ok(line.trim_end_matches('\n').to_owned());
            }
            match self.wire.chunk(deadline)? {
                Some(chunk) => self.data.extend(chunk),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }

    /// The next line as JSON.
    #[track_caller]
    pub fn object(&mut self) -> Value {
        self.object_within(PATIENCE)
    }

    /// The next line as JSON, if it comes within so long.
    #[track_caller]
    pub fn object_within(&mut self, patience: Duration) -> Value {
        let line = self.line(Instant::now() + patience).expect("a line");
        serde_json::from_str(&line).expect("JSON")
    }

    /// The next event.
    #[track_caller]
    pub fn event(&mut self) -> ServerEvent {
        self.try_event(Instant::now() + PATIENCE).expect("an event")
    }

    /// The next event, if it comes whole before the deadline.
    pub fn try_event(&mut self, deadline: Instant) -> io::Result<ServerEvent> {
        loop {
            let line = self.line(deadline)?;
            let blank = line.is_empty();
            self.lines.push(line);
            if blank && self.lines.iter().any(|l| l.starts_with("data")) {
                return Ok(ServerEvent::read(std::mem::take(&mut self.lines)));
            }
        }
    }

    /// Holds that the body ends as it should, with its last chunk, and that
    /// the connection then closes.
    #[track_caller]
    pub fn ends(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        let last = self.wire.chunk(deadline).expect("the last chunk");
        assert_eq!(last, None);
        self.wire.closed();
    }
}
