//! What one end of an open WebSocket makes of the other's frames, in order.

use super::header::{Header, Opcode};
use super::mask::unmask;
use super::message::{Message, Text};
use super::{Violation, close, protocol_error};
use crate::wire::websocket::{Event, frame};

/// The server's side of an open WebSocket, understood by hand. Between two
/// messages it holds no memory but these few fields.
#[derive(Debug)]
pub struct ByHandSession {
    /// What was received and is not yet understood.
    input: Vec<u8>,
    /// Bytes at the beginning of `input` that are.
    read: usize,
    /// The message that is coming in, once its first frame has begun.
    message: Option<Message>,
    /// The frame of it that is coming in: `length` is what is still missing,
    /// and `key` is turned to where that begins.
    frame: Option<Header>,
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
        ByHandSession {
            input: Vec::new(),
            read: 0,
            message: None,
            frame: None,
            output: Vec::new(),
            max_message,
            closed: false,
        }
    }

    /// Takes in what the peer sent.
    pub fn receive(&mut self, bytes: &[u8]) {
        // Section 5.5.1: nothing comes after a close.
        if !self.closed {
            self.input.drain(..self.read);
            self.read = 0;
            self.input.extend_from_slice(bytes);
        }
    }

    /// The next thing the peer said; `None` if more bytes are needed.
    pub fn next_event(&mut self) -> Option<Event> {
        let event = match self.read_frames() {
            Ok(event) => event,
            Err(broken) => Some(self.fail(broken)),
        };
        if let Some(Event::Closed { .. }) = event {
            self.closed = true;
            self.message = None;
            self.read = self.input.len();
        }
        if self.read == self.input.len() {
            self.input = Vec::new();
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
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => {
                    let unread = &self.input[self.read..];
                    let Some((header, size)) = Header::read(unread)? else {
                        return Ok(None);
                    };
                    if header.opcode.is_control() {
                        return self.control(header, size);
                    }
                    self.read += size;
                    self.begin(header)?;
                    header
                }
            };
            self.payload(&mut frame)?;
            if frame.length > 0 {
                self.frame = Some(frame);
                return Ok(None);
            }
            if frame.fin
                && let Some(message) = self.message.take()
            {
                return message.finish().map(Some);
            }
        }
    }

    /// Control frames may come between the fragments of a message (section
    /// 5.4). They are short, so this one waits until it is whole.
    fn control(
        &mut self,
        mut frame: Header,
        size: usize,
    ) -> Result<Option<Event>, Violation> {
        let start = self.read + size;
        let end = start + frame.length as usize;
        let Some(payload) = self.input.get_mut(start..end) else {
            return Ok(None);
        };
        self.read = end;
        unmask(payload, &mut frame.key);
        let (event, answer) = match frame.opcode {
            Opcode::Close => close::read(payload)?,
            // Section 5.5.3: a pong says what the ping said.
            Opcode::Ping => (Event::Ping, frame::pong(payload)),
            // Section 5.5.3: also unasked for, and then as a heartbeat.
            _ => (Event::Pong, Vec::new()),
        };
        self.output.extend_from_slice(&answer);
        Ok(Some(event))
    }

    /// The rules of fragmentation (section 5.4), and of size (10.4), before
    /// anything of the payload is looked at.
    fn begin(&mut self, frame: Header) -> Result<(), Violation> {
        let message = match (frame.opcode, self.message.take()) {
            (Opcode::Continuation, Some(message)) => message,
            (Opcode::Continuation, None) => {
                let rule = "there is nothing to continue (RFC 6455, 5.4)";
                return Err(protocol_error(rule));
            }
            (_, Some(_)) => {
                let rule = "the message before has no end (RFC 6455, 5.4)";
                return Err(protocol_error(rule));
            }
            (Opcode::Text, None) => Message::Text(Text::default()),
            (_, None) => Message::Binary(Vec::new()),
        };
        message.check_room(frame.length, self.max_message)?;
        self.message = Some(message);
        Ok(())
    }

    /// Takes in what has arrived of a payload, without waiting for the rest.
    fn payload(&mut self, frame: &mut Header) -> Result<(), Violation> {
        let unread = &mut self.input[self.read..];
        let missing = usize::try_from(frame.length).unwrap_or(usize::MAX);
        let arrived = unread.len().min(missing);
        let piece = &mut unread[..arrived];
        self.read += arrived;
        frame.length -= arrived as u64;
        unmask(piece, &mut frame.key);
        match &mut self.message {
            Some(message) => message.push(piece),
            None => Ok(()),
        }
    }

    /// _Fail the WebSocket Connection_ (section 7.1.7): say which rule was
    /// broken, and listen no more.
    fn fail(&mut self, broken: Violation) -> Event {
        let Violation { code, rule } = broken;
        self.output.extend_from_slice(&frame::close(code, rule));
        Event::Closed { code, reason: rule.to_owned() }
    }
}
