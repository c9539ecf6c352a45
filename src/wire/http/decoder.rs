//! Requests out of bytes: one decoder a connection.
//!
//! Strict on purpose: a public address is sent everything, and each thing a
//! server forgives is a thing that a proxy in front of it may read otherwise.
//! `head.rs` and `body.rs` hold the rules; here is only what comes when.

use super::body::Body;
use super::head::{Bounds, Head, HeadEnd};
use super::{Problem, Request};
use crate::limits::Limits;

/// Empty lines forgiven before a request line: some old clients send one
/// after a body (RFC 9112, section 2.2).
const MAX_EMPTY_LINES: usize = 4;
/// The length of a head that is nothing but its end.
const EMPTY_LINE: usize = 2;

/// How far the request that is coming in has come: a server's clock for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Not a byte of it is here.
    Idle,
    /// A part of its head is here.
    Head,
    /// Its head is here, and its body is not yet whole.
    Body,
}

/// Takes in a connection's bytes and gives out its requests.
///
/// Call `receive`, then `next_request` until it gives `None`. It holds what
/// it was given and has not given out: a server that is busy with a request
/// bounds that by not reading on, and `buffered` tells it when.
#[derive(Debug)]
pub struct Decoder {
    bounds: Bounds,
    /// Bytes received. Without any it has no memory: most connections are
    /// idle, and there may be ten thousand of them.
    buffer: Vec<u8>,
    /// How many bytes of `buffer` are done with.
    done: usize,
    state: State,
    /// What `take_output` gives.
    output: Vec<u8>,
}

#[derive(Debug)]
enum State {
    /// Between two requests, or in a head.
    Head { end: HeadEnd, empty_lines: usize },
    /// In a body.
    Body(Box<Request>, Body),
    /// Behind a request that was refused: nothing more is understood.
    Failed,
}

impl State {
    fn start() -> State {
        State::Head { end: HeadEnd::default(), empty_lines: 0 }
    }
}

impl Decoder {
    /// A decoder at the start of a connection.
    pub fn new(limits: &Limits) -> Decoder {
        Decoder {
            bounds: Bounds::of(limits),
            buffer: Vec::new(),
            done: 0,
            state: State::start(),
            output: Vec::new(),
        }
    }

    /// Takes in what the client sent. After a refusal it is ignored.
    pub fn receive(&mut self, bytes: &[u8]) {
        if matches!(self.state, State::Failed) {
            return;
        }
        // What is moved is less than what is dropped, so over a connection
        // fewer bytes are moved than came in, however they are pipelined.
        if self.done > self.buffer.len() / 2 {
            self.buffer.drain(..self.done);
            self.done = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole request; `None` if more bytes are needed.
    ///
    /// # Errors
    /// The answer this request gets instead. It says `close`: nothing after
    /// it can be understood, and this decoder gives only `None` from then on.
    pub fn next_request(&mut self) -> Result<Option<Request>, Problem> {
        let next = self.advance();
        if next.is_err() {
            self.state = State::Failed;
            self.output = Vec::new();
            self.consume(self.buffered());
        }
        next
    }

    /// What the decoder itself wants to say: `100 Continue`. To be sent
    /// before the answer to the next request.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// How far the next request has come.
    pub fn progress(&self) -> Progress {
        match self.state {
            State::Body(..) => Progress::Body,
            State::Head { .. } if self.buffered() > 0 => Progress::Head,
            State::Head { .. } | State::Failed => Progress::Idle,
        }
    }

    /// Bytes held that are not yet part of a request.
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.done
    }

    /// What is held that is not yet part of a request: a connection of
    /// another protocol begins with other bytes.
    pub fn peek(&self) -> &[u8] {
        &self.buffer[self.done..]
    }

    /// The bytes after the last request: what an upgraded connection begins
    /// with.
    pub fn into_rest(mut self) -> Vec<u8> {
        self.buffer.drain(..self.done);
        self.buffer
    }

    fn advance(&mut self) -> Result<Option<Request>, Problem> {
        if matches!(self.state, State::Head { .. }) {
            let Some(length) = self.find_head()? else { return Ok(None) };
            let bytes = &self.buffer[self.done..][..length];
            let head = Head::parse(bytes, &self.bounds)?;
            self.consume(length);
            if let Some(request) = self.start_body(head) {
                return Ok(Some(request));
            }
        }
        self.continue_body()
    }

    /// The length of the head that comes next, if its end is here, behind
    /// the empty lines before it.
    fn find_head(&mut self) -> Result<Option<usize>, Problem> {
        while let State::Head { end, empty_lines } = &mut self.state {
            let bytes = &self.buffer[self.done..];
            let length = end.find(bytes, &self.bounds)?;
            if length != Some(EMPTY_LINE) {
                return Ok(length);
            }
            if *empty_lines == MAX_EMPTY_LINES {
                let detail = "A request begins with a request line.";
                return Err(Problem::malformed(detail));
            }
            *empty_lines += 1;
            *end = HeadEnd::default();
            self.consume(EMPTY_LINE);
        }
        Ok(None)
    }

    /// Goes on to the body; gives the request at once if it has none.
    fn start_body(&mut self, head: Head) -> Option<Request> {
        let Head { request, body, waits } = head;
        if body.is_whole() {
            self.state = State::start();
            return Some(request);
        }
        // A client that has begun with the body did not wait.
        if waits && self.buffered() == 0 {
            self.output = b"HTTP/1.1 100 Continue\r\n\r\n".to_vec();
        }
        self.state = State::Body(Box::new(request), body);
        None
    }

    fn continue_body(&mut self) -> Result<Option<Request>, Problem> {
        let State::Body(request, body) = &mut self.state else {
            return Ok(None);
        };
        let bytes = &self.buffer[self.done..];
        let taken = body.take(bytes, &mut request.body)?;
        let whole = body.is_whole();
        self.consume(taken);
        if !whole {
            return Ok(None);
        }
        // Too late to be said: the answer is next.
        self.output = Vec::new();
        let ended = std::mem::replace(&mut self.state, State::start());
        let State::Body(request, _) = ended else { return Ok(None) };
        Ok(Some(*request))
    }

    /// Is done with `bytes` more, and gives the memory back with the last.
    fn consume(&mut self, bytes: usize) {
        self.done += bytes;
        if self.done == self.buffer.len() {
            self.buffer = Vec::new();
            self.done = 0;
        }
    }
}

#[cfg(test)]
mod tests;
