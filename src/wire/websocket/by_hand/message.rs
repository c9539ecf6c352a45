//! A message on its way, put together from its frames (section 5.4).

use super::{NOT_UTF8, TOO_BIG, Violation};
use crate::wire::websocket::Event;

/// What has arrived of a message.
#[derive(Debug)]
pub(super) enum Message {
    /// Its first frame said text.
    Text(Text),
    /// Its first frame said binary.
    Binary(Vec<u8>),
}

impl Message {
    /// Checks that a frame of so many bytes still fits, before any of it is
    /// taken in. What is declared is never allocated: memory grows with what
    /// has arrived.
    pub(super) fn check_room(
        &self,
        frame: u64,
        max_message: usize,
    ) -> Result<(), Violation> {
        let arrived = match self {
            Message::Text(text) => text.whole.len() + text.cut.len(),
            Message::Binary(bytes) => bytes.len(),
        };
        if frame > max_message.saturating_sub(arrived) as u64 {
            return Err(TOO_BIG);
        }
        Ok(())
    }

    /// Takes in a piece of a payload, unmasked.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Violation> {
        match self {
            Message::Text(text) => text.push(piece),
            Message::Binary(bytes) => {
                bytes.extend_from_slice(piece);
                Ok(())
            }
        }
    }

    /// The message, now that its last frame is whole.
    pub(super) fn finish(self) -> Result<Event, Violation> {
        match self {
            Message::Text(text) if !text.cut.is_empty() => Err(NOT_UTF8),
            Message::Text(Text { mut whole, .. }) => {
                whole.shrink_to_fit();
                Ok(Event::Text(whole))
            }
            Message::Binary(mut bytes) => {
                bytes.shrink_to_fit();
                Ok(Event::Binary(bytes))
            }
        }
    }
}

/// Text, checked as it arrives (section 8.1). A piece may end anywhere, also
/// in the middle of a character.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// Its whole characters.
    whole: String,
    /// The beginning of a character whose end has not arrived: up to 3 bytes.
    cut: Vec<u8>,
}

impl Text {
    fn push(&mut self, mut piece: &[u8]) -> Result<(), Violation> {
        while !self.cut.is_empty()
            && let Some((&byte, rest)) = piece.split_first()
        {
            piece = rest;
            self.cut.push(byte);
            let (character, _) = whole_characters(&self.cut)?;
            if !character.is_empty() {
                self.whole.push_str(character);
                self.cut.clear();
            }
        }
        let (whole, cut) = whole_characters(piece)?;
        self.whole.push_str(whole);
        self.cut.extend_from_slice(cut);
        Ok(())
    }
}

/// The whole characters that bytes begin with, and what is left: nothing, or
/// the beginning of one more. Bytes no further byte could make right are
/// refused at once.
fn whole_characters(bytes: &[u8]) -> Result<(&str, &[u8]), Violation> {
    let valid = match std::str::from_utf8(bytes) {
        Ok(whole) => return Ok((whole, &[])),
        // Without a length, the error is only that the bytes end here.
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => return Err(NOT_UTF8),
    };
    let (whole, cut) = bytes.split_at(valid);
    // Looked at twice, because nothing here is taken on trust (`unsafe`).
    let whole = std::str::from_utf8(whole).map_err(|_| NOT_UTF8)?;
    Ok((whole, cut))
}
