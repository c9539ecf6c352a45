//! Frames as a server sends them (RFC 6455, section 5.2): whole, unmasked.

/// A text message in one frame.
pub fn text(payload: &[u8]) -> Vec<u8> {
    frame(0x1, payload)
}

/// A binary message in one frame.
pub fn binary(payload: &[u8]) -> Vec<u8> {
    frame(0x2, payload)
}

/// A ping without a payload.
pub const PING: &[u8] = &[0x89, 0];

/// A close with its code and a reason of at most 123 bytes.
pub fn close(code: u16, reason: &str) -> Vec<u8> {
    frame(0x8, &[&code.to_be_bytes(), reason.as_bytes()].concat())
}

fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 10);
    out.push(0x80 | opcode);
    match payload.len() {
        short @ 0..=125 => out.push(short as u8),
        medium @ 126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            out.push(127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
    out
}
