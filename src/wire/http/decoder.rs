//! Requests out of bytes.

use super::{Problem, Request};
use crate::limits::Limits;

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
#[derive(Debug)]
pub struct Decoder {}

impl Decoder {
    /// A decoder at the start of a connection.
    pub fn new(_limits: &Limits) -> Decoder {
        Decoder {}
    }

    /// Takes in what the client sent.
    pub fn receive(&mut self, _bytes: &[u8]) {}

    /// The next whole request; `None` if more bytes are needed.
    ///
    /// # Errors
    /// The answer this request gets instead; if it says `close`, nothing
    /// after it can be understood.
    pub fn next_request(&mut self) -> Result<Option<Request>, Problem> {
        Ok(None)
    }

    /// What the decoder itself wants to say: `100 Continue`.
    pub fn take_output(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// How far the next request has come.
    pub fn progress(&self) -> Progress {
        Progress::Idle
    }

    /// Bytes held that are not yet part of a request.
    pub fn buffered(&self) -> usize {
        0
    }

    /// The bytes after the last request: what an upgraded connection begins
    /// with.
    pub fn into_rest(self) -> Vec<u8> {
        Vec::new()
    }
}
