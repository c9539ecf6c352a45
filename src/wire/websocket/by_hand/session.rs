//! What one end of an open WebSocket makes of the other's frames, in order.

use super::header::{self, Header};
use super::mask::unmask;
use super::message::{Message, TOO_BIG};
use super::{Violation, close};
use crate::wire::websocket::{Event, frame};

/// The server's side of an open WebSocket, understood by hand. Between two
/// messages it holds no memory but these few fields.
#[derive(Default)]
pub struct ByHandSession {
    /// At its front the message that is coming in, put together; and from
    /// `read` on the bytes that are not understood yet.
    pub(super) buffer: Vec<u8>,
    read: usize,
    /// That message, once its first frame has begun.
    pub(super) message: Option<Message>,
    /// The frame of it that is coming in: `length` is what is still missing,
    /// and `key` is turned to where that begins.
    pub(super) frame: Option<Header>,
    /// What the session itself has to say.
    output: Vec<u8>,
    /// Bytes of the longest message taken in.
    max_message: usize,
    /// Whether `Event::Closed` has been given out.
    closed: bool,
}

impl ByHandSession {
    /// A session whose messages are at most `max_message` bytes.
    pub fn new(max_message: usize) -> ByHandSession {
        ByHandSession { max_message, ..ByHandSession::default() }
    }

    /// Takes in what the peer sent.
    pub fn receive(&mut self, bytes: &[u8]) {
        // Section 5.5.1: nothing comes after a close.
        if !self.closed {
            let message = self.message.as_ref().map_or(0, |m| m.length);
            self.buffer.drain(message..self.read);
            self.read = message;
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next thing the peer said; `None` if more bytes are needed.
    pub fn next_event(&mut self) -> Option<Event> {
        let event = self.read_frames().unwrap_or_else(|v| Some(self.fail(v)));
        if let Some(Event::Closed { .. }) = event {
            let output = self.take_output();
            *self = ByHandSession { output, closed: true, ..Self::default() };
        }
        if self.message.is_none() && self.read == self.buffer.len() {
            self.buffer = Vec::new();
            self.read = 0;
        }
        event
    }

    /// What the session itself has to say: pongs, and the close it owes.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Reads frames until there is something to tell, or no more to read.
    fn read_frames(&mut self) -> Result<Option<Event>, Violation> {
        loop {
            if self.frame.is_none() {
                let unread = &self.buffer[self.read..];
                let Some((frame, size)) = Header::read(unread)? else {
                    return Ok(None);
                };
                if frame.opcode >= header::CLOSE {
                    return self.control(frame, size);
                }
                self.begin(&frame)?;
                self.read += size;
                self.frame = Some(frame);
            }
            let event = self.payload()?;
            if event.is_some() || self.frame.is_some() {
                return Ok(event);
            }
        }
    }

    /// Section 5.4: control frames may come between the fragments of a
    /// message. They are short, so this one waits until it is whole.
    fn control(
        &mut self,
        mut frame: Header,
        size: usize,
    ) -> Result<Option<Event>, Violation> {
        let start = self.read + size;
        let end = start + frame.length as usize;
        let Some(payload) = self.buffer.get_mut(start..end) else {
            return Ok(None);
        };
        self.read = end;
        unmask(payload, &mut frame.key);
        let (event, answer) = match frame.opcode {
            header::CLOSE => close::read(payload)?,
            // Section 5.5.3: a pong says what the ping said.
            header::PING => (Event::Ping, frame::pong(payload)),
            _ => (Event::Pong, Vec::new()),
        };
        self.output.extend_from_slice(&answer);
        Ok(Some(event))
    }

    /// The rules of fragmentation (section 5.4) and of size (10.4), before
    /// the payload is looked at.
    fn begin(&mut self, frame: &Header) -> Result<(), Violation> {
        let message = match (frame.opcode, &mut self.message) {
            (header::CONTINUATION, Some(message)) => message,
            (header::CONTINUATION, None) => {
                return Err(Violation(1002, "5.4: nothing is to be continued"));
            }
            (_, Some(_)) => {
                return Err(Violation(1002, "5.4: a message is unfinished"));
            }
            (opcode, none) => {
                none.insert(Message { opcode, length: 0, checked: 0 })
            }
        };
        let room = self.max_message.saturating_sub(message.length);
        if frame.length > room as u64 { Err(TOO_BIG) } else { Ok(()) }
    }

    /// Takes in what has arrived of a payload, without waiting for the rest;
    /// gives out the message that it may complete.
    fn payload(&mut self) -> Result<Option<Event>, Violation> {
        let (Some(mut frame), Some(mut message)) =
            (self.frame.take(), self.message.take())
        else {
            return Ok(None);
        };
        let unread = self.buffer.len() - self.read;
        let arrived = unread.min(frame.length as usize);
        let piece = self.read..self.read + arrived;
        unmask(&mut self.buffer[piece.clone()], &mut frame.key);
        // Over the header, to where the message has come so far.
        self.buffer.copy_within(piece, message.length);
        self.read += arrived;
        message.length += arrived;
        frame.length -= arrived as u64;
        if frame.fin && frame.length == 0 {
            let payload = self.take_front(message.length);
            return message.finish(payload).map(Some);
        }
        message.check(&self.buffer[..message.length])?;
        self.message = Some(message);
        self.frame = (frame.length > 0).then_some(frame);
        Ok(None)
    }

    /// Gives out the front of the buffer. Mostly nothing is behind it: then
    /// it is the buffer itself, and no byte is copied.
    fn take_front(&mut self, length: usize) -> Vec<u8> {
        if self.read < self.buffer.len() {
            return self.buffer[..length].to_vec();
        }
        self.read = 0;
        let mut front = std::mem::take(&mut self.buffer);
        front.truncate(length);
        front.shrink_to_fit();
        front
    }

    /// _Fail the WebSocket Connection_ (section 7.1.7): say which rule was
    /// broken, and listen no more.
    fn fail(&mut self, Violation(code, rule): Violation) -> Event {
        let reason = format!("RFC 6455, {rule}");
        self.output.extend_from_slice(&frame::close(code, &reason));
        Event::Closed { code, reason }
    }
}
