//! Frames as a server sends them (RFC 6455, section 5.2): whole, unmasked.
//!
//! The one encoder, whichever codec reads: a message is encoded once and the
//! same bytes go to every reader. Knows nothing of sessions.

/// The longest payload of a ping, a pong or a close, in bytes (RFC 6455,
/// section 5.5).
pub const MAX_CONTROL: usize = 125;

/// A ping without a payload.
pub const PING: &[u8] = &[FIN | 0x9, 0];

/// A close that gives no code.
pub const CLOSE: &[u8] = &[FIN | 0x8, 0];

/// The bit of the last frame of a message; all of ours are.
const FIN: u8 = 0x80;

/// A text message in one frame. The payload must be UTF-8.
pub fn text(payload: &[u8]) -> Vec<u8> {
    frame(0x1, payload)
}

/// A binary message in one frame.
pub fn binary(payload: &[u8]) -> Vec<u8> {
    frame(0x2, payload)
}

/// The answer to a ping: its own payload, at most [`MAX_CONTROL`] bytes
/// (RFC 6455, section 5.5.3).
pub fn pong(payload: &[u8]) -> Vec<u8> {
    frame(0xA, payload)
}

/// A close with its code, and a reason that is cut to what fits beside it:
/// 123 bytes (RFC 6455, section 5.5.1).
pub fn close(code: u16, reason: &str) -> Vec<u8> {
    let end = reason.floor_char_boundary(MAX_CONTROL - 2);
    let reason = &reason.as_bytes()[..end];
    frame(0x8, &[&code.to_be_bytes(), reason].concat())
}

fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 10);
    out.push(FIN | opcode);
    // The length in the fewest bytes that hold it, as the RFC demands.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unmasked_examples_of_section_5_7() {
        let hello = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
        assert_eq!(text(b"Hello"), hello);
        let answer = [0x8a, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
        assert_eq!(pong(b"Hello"), answer);
        assert_eq!(binary(&[7; 256])[..5], [0x82, 0x7e, 0x01, 0x00, 7]);
        assert_eq!(
            binary(&[7; 65536])[..11],
            [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0, 7]
        );
    }

    #[test]
    fn a_length_takes_the_fewest_bytes() {
        for (payload, head) in
            [(0, 2), (125, 2), (126, 4), (65535, 4), (65536, 10)]
        {
            assert_eq!(binary(&vec![0; payload]).len(), head + payload);
        }
    }

    #[test]
    fn a_close_is_never_longer_than_a_control_frame_may_be() {
        assert_eq!(close(1000, "ok"), [0x88, 4, 0x03, 0xe8, b'o', b'k']);
        let long = close(1000, &"x".repeat(500));
        assert_eq!(long.len(), 2 + MAX_CONTROL);
        // Cut before the character that would be cut in two.
        let accents = close(1000, &"é".repeat(500));
        assert_eq!(accents.len(), 2 + MAX_CONTROL - 1);
        assert!(std::str::from_utf8(&accents[4..]).is_ok());
    }
}
