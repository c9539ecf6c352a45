//! What a client's frame says of itself before its payload (section 5.2).

use super::Violation;

/// The opcodes: what a frame is. All the others are reserved.
pub(super) const CONTINUATION: u8 = 0x0;
pub(super) const TEXT: u8 = 0x1;
pub(super) const BINARY: u8 = 0x2;
/// Section 5.5: control frames, about the connection, have the highest bit.
pub(super) const CLOSE: u8 = 0x8;
pub(super) const PING: u8 = 0x9;
pub(super) const PONG: u8 = 0xA;

/// A frame's header.
pub(super) struct Header {
    /// Whether it is the last frame of its message.
    pub(super) fin: bool,
    /// One of those above.
    pub(super) opcode: u8,
    /// Bytes of its payload, as declared.
    pub(super) length: u64,
    /// What its payload is masked with.
    pub(super) key: [u8; 4],
}

impl Header {
    /// The header that bytes begin with, and its size in bytes; `None` if
    /// more bytes are needed.
    pub(super) fn read(
        bytes: &[u8],
    ) -> Result<Option<(Header, usize)>, Violation> {
        let &[first, second, ref rest @ ..] = bytes else {
            return Ok(None);
        };
        check(first, second)?;
        let short = second & 0x7f;
        let Some((length, rest)) = read_length(short, rest) else {
            return Ok(None);
        };
        check_length(short, length)?;
        let Some((&key, rest)) = rest.split_first_chunk() else {
            return Ok(None);
        };
        let (fin, opcode) = (first & 0x80 != 0, first & 0x0f);
        let header = Header { fin, opcode, length, key };
        Ok(Some((header, bytes.len() - rest.len())))
    }
}

/// The rules that a frame's first two bytes can break.
fn check(first: u8, second: u8) -> Result<(), Violation> {
    let opcode = first & 0x0f;
    let rule = if first & 0x70 != 0 {
        // They belong to extensions, and none has been agreed on.
        "5.2: RSV1, RSV2 and RSV3 are 0"
    } else if !matches!(opcode, CONTINUATION..=BINARY | CLOSE..=PONG) {
        "5.2: this opcode is reserved"
    } else if second & 0x80 == 0 {
        "5.1: a client masks its frames"
    } else if opcode >= CLOSE && first & 0x80 == 0 {
        "5.5: a control frame is never a fragment"
    } else if opcode >= CLOSE && second & 0x7f > 125 {
        "5.5: a control frame has up to 125 bytes"
    } else {
        return Ok(());
    };
    Err(Violation(1002, rule))
}

/// The payload's length, and the bytes after it: the 7 bits themselves, or, if
/// they say 126 or 127, the next two or eight bytes, the highest first.
fn read_length(short: u8, rest: &[u8]) -> Option<(u64, &[u8])> {
    let size = match short {
        126 => 2,
        127 => 8,
        _ => return Some((short.into(), rest)),
    };
    let (bytes, rest) = rest.split_at_checked(size)?;
    let length = bytes.iter().fold(0, |high, &low| high << 8 | u64::from(low));
    Some((length, rest))
}

/// Two ways to write one length would be a way past whoever knows only one.
fn check_length(short: u8, length: u64) -> Result<(), Violation> {
    let rule = match (short, length) {
        (126, 0..126) | (127, 0..0x1_0000) => "5.2: a length is minimal",
        (_, 0x8000_0000_0000_0000..) => "5.2: a length's highest bit is 0",
        _ => return Ok(()),
    };
    Err(Violation(1002, rule))
}
