//! A message on its way, put together from its frames (section 5.4).

use super::{Violation, header};
use crate::wire::websocket::Event;

pub(super) const NOT_UTF8: Violation =
    Violation { code: 1007, rule: "8.1: text is UTF-8" };
pub(super) const TOO_BIG: Violation =
    Violation { code: 1009, rule: "10.4: the message is too long for us" };

/// What has arrived of a message.
pub(super) struct Message {
    /// The opcode of its first frame: text or binary.
    opcode: u8,
    /// Its payload, unmasked. It grows with what arrives: what is only
    /// declared is not allocated.
    pub(super) payload: Vec<u8>,
    /// Bytes of it that are known to be whole characters.
    checked: usize,
}

impl Message {
    pub(super) fn new(opcode: u8) -> Message {
        Message { opcode, payload: Vec::new(), checked: 0 }
    }

    /// Checks a text that is not whole yet: it may end amid a character, but
    /// may hold no byte that no later one could make right.
    pub(super) fn check_text(&mut self) -> Result<(), Violation> {
        if self.opcode == header::TEXT {
            let arrived = &self.payload[self.checked..];
            self.checked += match std::str::from_utf8(arrived) {
                Ok(characters) => characters.len(),
                // An error without a length: they only end too early.
                Err(e) if e.error_len().is_none() => e.valid_up_to(),
                Err(_) => return Err(NOT_UTF8),
            };
        }
        Ok(())
    }

    /// The message, now that its last frame is whole.
    pub(super) fn finish(mut self) -> Result<Event, Violation> {
        self.payload.shrink_to_fit();
        if self.opcode == header::BINARY {
            return Ok(Event::Binary(self.payload));
        }
        let text = String::from_utf8(self.payload).map_err(|_| NOT_UTF8)?;
        Ok(Event::Text(text))
    }
}
