//! A message on its way, put together from its frames (section 5.4).

use super::{Violation, header};
use crate::wire::websocket::Event;

pub(super) const NOT_UTF8: Violation = Violation(1007, "8.1: text is UTF-8");
pub(super) const TOO_BIG: Violation =
    Violation(1009, "10.4: the message is too long for us");

/// A message that is coming in. Its payload, as far as it has arrived, is at
/// the front of the session's buffer.
pub(super) struct Message {
    /// The opcode of its first frame: text or binary.
    pub(super) opcode: u8,
    /// Bytes of its payload that have arrived.
    pub(super) length: usize,
    /// Bytes of it that are known to be whole characters, if it is text.
    pub(super) checked: usize,
}

impl Message {
    /// Checks a text that is not whole yet: it may end amid a character, but
    /// may hold no byte that no later one could make right.
    pub(super) fn check(&mut self, payload: &[u8]) -> Result<(), Violation> {
        if self.opcode == header::TEXT {
            self.checked += match std::str::from_utf8(&payload[self.checked..])
            {
                Ok(characters) => characters.len(),
                // An error without a length: they only end too early.
                Err(e) if e.error_len().is_none() => e.valid_up_to(),
                Err(_) => return Err(NOT_UTF8),
            };
        }
        Ok(())
    }

    /// The message, now that its last frame is whole. A text that came in
    /// pieces is checked once more: to skip that would be `unsafe`.
    pub(super) fn finish(self, payload: Vec<u8>) -> Result<Event, Violation> {
        if self.opcode == header::BINARY {
            return Ok(Event::Binary(payload));
        }
        let text = String::from_utf8(payload).map_err(|_| NOT_UTF8)?;
        Ok(Event::Text(text))
    }
}
