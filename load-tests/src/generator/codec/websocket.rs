//! A WebSocket client's side: the handshake and the frames (RFC 6455),
//! without the library or the code of the server under test, so that a
//! mistake in those cannot cancel itself out here.

use memchr::memmem;

use super::http1::{Answers, Part};
use crate::generator::scan::{self, Word};

/// The example key of RFC 6455 §1.3, and what it must be answered with.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Frames must be masked; that this mask is known harms nobody on loopback.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame larger than any that a server here may send is a mistake.
const LARGEST_FRAME: usize = 1 << 20;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// One client's socket.
#[derive(Debug, Default)]
pub struct WebSocket {
    /// The bytes of the handshake's answer, until it is complete.
    handshake: Option<Vec<u8>>,
    answers: Answers,
    open: bool,
    /// The status of an answer that is not 101, until its body is complete.
    refusing: Option<u16>,
    buffer: Vec<u8>,
    /// The pieces of a fragmented message.
    fragments: Vec<u8>,
}

impl WebSocket {
    /// The request that opens it.
    pub fn handshake(host: &str, path: &str) -> Vec<u8> {
        format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: {KEY}\r\n\r\n"
        )
        .into_bytes()
    }

    /// Takes bytes from the server; `output` gets what must be answered.
    pub fn receive(
        &mut self,
        bytes: &[u8],
        output: &mut Vec<u8>,
        words: &mut Vec<Word>,
    ) {
        if self.open {
            return self.frames(bytes, output, words);
        }
        let seen = self.handshake.get_or_insert_default();
        seen.extend_from_slice(bytes);
        let accepted = memmem::find(seen, ACCEPT).is_some();
        self.answers.receive(bytes);
        while let Some(part) = self.answers.next_part() {
            match (part, self.refusing) {
                (Part::Head(101), _) if accepted => {
                    self.open = true;
                    self.handshake = None;
                    words.push(Word::Open);
                    let rest = self.answers.take_rest();
                    return self.frames(&rest, output, words);
                }
                (Part::Head(status), _) => self.refusing = Some(status),
                (Part::Body(_), _) => {}
                (Part::End, Some(status)) => {
                    words.push(Word::Refused(self.refusal(status)));
                }
                _ => words.push(Word::Refused("nonsense".to_owned())),
            }
        }
    }

    /// The status, with the problem's code if it has one.
    fn refusal(&self, status: u16) -> String {
        let seen = self.handshake.as_deref().unwrap_or_default();
        match scan::string(seen, "\"code\":\"") {
            Some(code) => format!("{status}_{}", String::from_utf8_lossy(code)),
            None => status.to_string(),
        }
    }

    fn frames(
        &mut self,
        bytes: &[u8],
        output: &mut Vec<u8>,
        words: &mut Vec<Word>,
    ) {
        // Nearly always a read holds whole frames: then nothing is copied.
        if self.buffer.is_empty() {
            let used = self.whole_frames(bytes, output, words);
            self.buffer.extend_from_slice(&bytes[used..]);
        } else {
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.extend_from_slice(bytes);
            let used = self.whole_frames(&buffer, output, words);
            buffer.drain(..used);
            self.buffer = buffer;
        }
    }

    /// Reads the whole frames at the start of `bytes`; returns their length.
    fn whole_frames(
        &mut self,
        bytes: &[u8],
        output: &mut Vec<u8>,
        words: &mut Vec<Word>,
    ) -> usize {
        let mut used = 0;
        while let Some((head, length)) = frame_head(&bytes[used..]) {
            if length > LARGEST_FRAME {
                words.push(Word::Ended("frame_too_large".to_owned()));
                return bytes.len();
            }
            let start = used + head;
            let Some(payload) = bytes.get(start..start + length) else { break };
            self.frame(bytes[used], payload, output, words);
            used = start + length;
        }
        used
    }

    fn frame(
        &mut self,
        first: u8,
        payload: &[u8],
        output: &mut Vec<u8>,
        words: &mut Vec<Word>,
    ) {
        let (is_last, opcode) = (first & 0x80 != 0, first & 0x0f);
        match opcode {
            PING => write_frame(PONG, payload, output),
            CLOSE => {
                let code = match payload {
                    [high, low, ..] => u16::from_be_bytes([*high, *low]),
                    _ => 1005,
                };
                write_frame(CLOSE, payload, output);
                words.push(Word::Ended(format!("closed_{code}")));
            }
            TEXT if is_last => scan::object(payload, 0, words),
            TEXT | 0 => {
                self.fragments.extend_from_slice(payload);
                if is_last {
                    let whole = std::mem::take(&mut self.fragments);
                    scan::object(&whole, 0, words);
                }
            }
            _ => {}
        }
    }

    /// A text frame from this client.
    pub fn text(payload: &[u8], output: &mut Vec<u8>) {
        write_frame(TEXT, payload, output);
    }
}

/// The length of a frame's head and of its payload. A server's frames are
/// not masked (RFC 6455 §5.1).
fn frame_head(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes.get(1)? & 0x7f {
        126 => {
            let length = bytes.get(2..4)?.try_into().ok()?;
            Some((4, usize::from(u16::from_be_bytes(length))))
        }
        127 => {
            let length = bytes.get(2..10)?.try_into().ok()?;
            Some((10, u64::from_be_bytes(length) as usize))
        }
        length => Some((2, usize::from(length))),
    }
}

fn write_frame(opcode: u8, payload: &[u8], output: &mut Vec<u8>) {
    output.push(0x80 | opcode);
    match payload.len() {
        length @ 0..126 => output.push(0x80 | length as u8),
        length => {
            output.push(0x80 | 126);
            output.extend_from_slice(&(length as u16).to_be_bytes());
        }
    }
    output.extend_from_slice(&MASK);
    let masked = payload.iter().zip(MASK.iter().cycle()).map(|(b, m)| b ^ m);
    output.extend(masked);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_says(text: &str) -> Vec<u8> {
        let mut frame = vec![0x81, text.len() as u8];
        frame.extend_from_slice(text.as_bytes());
        frame
    }

    #[test]
    fn a_handshake_messages_a_ping_and_a_close_byte_by_byte() {
        let mut bytes = b"HTTP/1.1 101 Switching Protocols\r\n\
            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
            .to_vec();
        bytes.extend(server_says(r#"{"type":"hello","last":3}"#));
        bytes.extend([0x89, 1, b'!']);
        bytes.extend([0x88, 2, 0x03, 0xf5]);
        for step in [1, 5, bytes.len()] {
            let mut socket = WebSocket::default();
            let (mut output, mut words) = (Vec::new(), Vec::new());
            for piece in bytes.chunks(step) {
                socket.receive(piece, &mut output, &mut words);
            }
            let ended = Word::Ended("closed_1013".to_owned());
            assert_eq!(words, [Word::Open, Word::Cursor(3), ended]);
            assert_eq!(output[..2], [0x8a, 0x81]);
            assert_eq!(output[6], b'!' ^ MASK[0]);
        }
    }

    #[test]
    fn a_refused_handshake_says_why() {
        let mut socket = WebSocket::default();
        let (mut output, mut words) = (Vec::new(), Vec::new());
        let bytes = b"HTTP/1.1 503 Service Unavailable\r\n\
            Content-Length: 15\r\n\r\n{\"code\":\"full\"}";
        socket.receive(bytes, &mut output, &mut words);
        assert_eq!(words, [Word::Refused("503_full".to_owned())]);
    }
}
