//! A WebSocket client that can say anything, wrong things included.

use std::time::{Duration, Instant};

use super::{Answer, PATIENCE, Server, Wire};

/// The opcodes of RFC 6455, section 5.2.
pub mod opcode {
    pub const CONTINUATION: u8 = 0;
    pub const TEXT: u8 = 1;
    pub const BINARY: u8 = 2;
    pub const CLOSE: u8 = 8;
    pub const PING: u8 = 9;
    pub const PONG: u8 = 10;
}

/// A frame from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its first byte: the final bit, the reserved ones, the opcode.
    pub first: u8,
    /// What it carries.
    pub payload: Vec<u8>,
}

impl Frame {
    /// What kind of frame it is.
    pub fn opcode(&self) -> u8 {
        self.first & 0x0f
    }

    /// The code of a close frame; 1005 if it has none.
    pub fn close_code(&self) -> u16 {
        match self.payload[..] {
            [high, low, ..] => u16::from_be_bytes([high, low]),
            _ => 1005,
        }
    }
}

/// A connection after a WebSocket handshake written by hand.
#[derive(Debug)]
pub struct PlainSocket {
    /// The connection under it.
    pub wire: Wire,
}

impl PlainSocket {
    /// Opens the socket at a path.
    #[track_caller]
    pub fn open(server: &Server, path: &str) -> PlainSocket {
        PlainSocket::over(Wire::open(server), server, path)
    }

    /// Opens the socket at a path over a connection.
    #[track_caller]
    pub fn over(mut wire: Wire, server: &Server, path: &str) -> PlainSocket {
        wire.send(handshake(server, path, ""));
        let answer = wire.answer();
        accepted(&answer);
        PlainSocket { wire }
    }

    /// Sends a whole frame, masked: final bit and opcode, and what it carries.
    pub fn send(&mut self, first: u8, payload: &[u8]) {
        self.wire.send(mask(first, payload));
    }

    /// The next frame.
    #[track_caller]
    pub fn frame(&mut self) -> Frame {
        self.frame_within(PATIENCE)
    }

    /// The next frame, if it comes within so long.
    #[track_caller]
    pub fn frame_within(&mut self, patience: Duration) -> Frame {
        self.try_frame(patience).expect("a frame")
    }

    /// The next frame, if there is one.
    pub fn try_frame(&mut self, patience: Duration) -> std::io::Result<Frame> {
        let deadline = Instant::now() + patience;
        let head = self.wire.take(2, deadline)?;
        assert_eq!(head[1] & 0x80, 0, "a server does not mask");
        let length = match head[1] {
            126 => number(&self.wire.take(2, deadline)?),
            127 => number(&self.wire.take(8, deadline)?),
            short => usize::from(short),
        };
        let payload = self.wire.take(length, deadline)?;
        Ok(Frame { first: head[0], payload })
    }

    /// The next frame of an opcode; others are passed over.
    #[track_caller]
    pub fn until(&mut self, opcode: u8) -> Frame {
        loop {
            let frame = self.frame();
            if frame.opcode() == opcode {
                return frame;
            }
        }
    }

    /// Holds that the server closes with this code, and then hangs up.
    #[track_caller]
    pub fn is_closed_with(&mut self, code: u16) {
        let frame = self.until(opcode::CLOSE);
        let reason = String::from_utf8_lossy(&frame.payload[2..]);
        assert_eq!(frame.close_code(), code, "{reason}");
        self.send(0x80 | opcode::CLOSE, &code.to_be_bytes());
        self.wire.closed();
    }
}

/// The request that opens a socket, with more fields of the caller's.
pub fn handshake(server: &Server, path: &str, fields: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n",
        server.host()
    )
}

/// Holds an answer to what RFC 6455, section 1.3, has for that key.
#[track_caller]
pub fn accepted(answer: &Answer) {
    assert_eq!(answer.status, 101, "{answer}");
    assert_eq!(
        answer.field("sec-websocket-accept"),
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    );
    assert!(answer.field("upgrade").eq_ignore_ascii_case("websocket"));
    assert!(answer.field("connection").eq_ignore_ascii_case("upgrade"));
    assert_eq!(answer.field("sec-websocket-extensions"), "");
}

/// A frame as a client sends it.
pub fn mask(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [0x12, 0x34, 0x56, 0x78];
    let mut out = vec![first];
    match payload.len() {
        n @ ..=125 => out.push(0x80 | n as u8),
        n @ ..=0xffff => {
            out.push(0x80 | 126);
            out.extend((n as u16).to_be_bytes());
        }
        n => {
            out.push(0x80 | 127);
            out.extend((n as u64).to_be_bytes());
        }
    }
    out.extend(key);
    out.extend(payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
    out
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}
