//! What a client's frame says of itself before its payload (section 5.2).

use super::{Violation, protocol_error};
use crate::wire::websocket::frame::MAX_CONTROL;

/// What a frame is (section 11.8). The numbers between are reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    /// 0: the message of the frame before goes on.
    Continuation,
    /// 1: a text message begins.
    Text,
    /// 2: a binary message begins.
    Binary,
    /// 8: the sender sends nothing after it.
    Close,
    /// 9: a question, to be answered with a pong.
    Ping,
    /// 10: the answer.
    Pong,
}

impl Opcode {
    fn from_bits(bits: u8) -> Option<Opcode> {
        Some(match bits {
            0x0 => Opcode::Continuation,
            0x1 => Opcode::Text,
            0x2 => Opcode::Binary,
            0x8 => Opcode::Close,
            0x9 => Opcode::Ping,
            0xA => Opcode::Pong,
            _ => return None,
        })
    }

    /// Whether it speaks of the connection, and not for the application.
    pub(super) fn is_control(self) -> bool {
        matches!(self, Opcode::Close | Opcode::Ping | Opcode::Pong)
    }
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Whether it is the last frame of its message.
    pub(super) fin: bool,
    /// What it is.
    pub(super) opcode: Opcode,
    /// Bytes of its payload, as declared.
    pub(super) length: u64,
    /// The key its payload is masked with.
    pub(super) key: [u8; 4],
}

impl Header {
    /// The header these bytes begin with, and its size in bytes; `None` if
    /// more bytes are needed.
    pub(super) fn read(
        bytes: &[u8],
    ) -> Result<Option<(Header, usize)>, Violation> {
        let &[first, second, ref rest @ ..] = bytes else {
            return Ok(None);
        };
        let (fin, opcode) = check(first, second)?;
        let Some((length, rest)) = read_length(second & 0x7f, rest)? else {
            return Ok(None);
        };
        let Some((&key, rest)) = rest.split_first_chunk() else {
            return Ok(None);
        };
        let header = Header { fin, opcode, length, key };
        Ok(Some((header, bytes.len() - rest.len())))
    }
}

/// What can be said of a frame by its first two bytes.
fn check(first: u8, second: u8) -> Result<(bool, Opcode), Violation> {
    if first & 0x70 != 0 {
        // They belong to extensions, and none has been agreed on.
        return Err(protocol_error("RSV bits are 0 (RFC 6455, 5.2)"));
    }
    let Some(opcode) = Opcode::from_bits(first & 0x0f) else {
        return Err(protocol_error("the opcode is reserved (RFC 6455, 5.2)"));
    };
    if second & 0x80 == 0 {
        return Err(protocol_error("clients mask (RFC 6455, 5.1)"));
    }
    let fin = first & 0x80 != 0;
    if opcode.is_control() {
        if !fin {
            let rule = "control frames are not fragmented (RFC 6455, 5.5)";
            return Err(protocol_error(rule));
        }
        // So it also has no extended length.
        if usize::from(second & 0x7f) > MAX_CONTROL {
            let rule = "control frames carry up to 125 bytes (RFC 6455, 5.5)";
            return Err(protocol_error(rule));
        }
    }
    Ok((fin, opcode))
}

/// The payload's length and the bytes after it. The 7 bits are the length
/// itself, or 126 or 127: then it is in the next two or eight bytes.
fn read_length(
    short: u8,
    rest: &[u8],
) -> Result<Option<(u64, &[u8])>, Violation> {
    let (extended, least) = match short {
        126 => (
            rest.split_first_chunk().map(|(bytes, rest)| {
                (u64::from(u16::from_be_bytes(*bytes)), rest)
            }),
            126,
        ),
        127 => (
            rest.split_first_chunk()
                .map(|(bytes, rest)| (u64::from_be_bytes(*bytes), rest)),
            1 << 16,
        ),
        length => (Some((length.into(), rest)), 0),
    };
    let Some((length, rest)) = extended else {
        return Ok(None);
    };
    if length < least {
        // Two ways to write one thing are a way to slip past a guard.
        let rule = "lengths take the fewest bytes (RFC 6455, 5.2)";
        return Err(protocol_error(rule));
    }
    if length >> 63 != 0 {
        return Err(protocol_error("lengths have 63 bits (RFC 6455, 5.2)"));
    }
    Ok(Some((length, rest)))
}
