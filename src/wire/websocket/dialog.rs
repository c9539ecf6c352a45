//! What a client by hand says to a WebSocket: rightly, or with one rule of
//! RFC 6455 broken on purpose.
//!
//! No browser can send these bytes. The demonstration sends them for it, over
//! a real socket, and shows what comes back.

use super::frame;
use crate::wire::http::Problem;

/// A key as section 1.3 of RFC 6455 has it: base64 of 16 bytes. A client
/// takes random ones; here they are to be recognised on the projector.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// The masking key of section 5.7, for the same reason.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
/// Bits of a frame's first byte (section 5.2).
const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
/// The bit of the second byte that says "masked".
const MASKED: u8 = 0x80;

const TEXT: u8 = 0x1;
const CONTINUATION: u8 = 0x0;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;

/// One thing a client says after the handshake, or instead of a right one.
#[derive(Clone, Copy, Debug)]
pub struct Lesson {
    /// Its name in the protocol of the demonstration.
    pub name: &'static str,
    /// What it does, in words.
    pub what: &'static str,
    /// The section of RFC 6455 that says what must come of it.
    pub section: &'static str,
    /// What the server must do.
    pub due: &'static str,
}

/// Everything the demonstration can say.
pub const LESSONS: &[Lesson] = &[
    lesson("text", "a text message", "5.6", "take it"),
    lesson(
        "fragments",
        "a message in two fragments, with a ping between them",
        "5.4",
        "answer the ping first, then take the message whole",
    ),
    lesson("ping", "a ping", "5.5.3", "send its payload back in a pong"),
    lesson("close", "a close with code 1000", "5.5.1", "close with the same"),
    lesson(
        "unmasked",
        "a frame that is not masked",
        "5.1",
        "close: a client masks every frame",
    ),
    lesson(
        "reserved-bit",
        "a frame with the first reserved bit set",
        "5.2",
        "fail: no extension was agreed that gives it a meaning",
    ),
    lesson(
        "reserved-opcode",
        "a frame with opcode 3",
        "5.2",
        "fail: the opcode is reserved",
    ),
    lesson("bad-utf8", "a text that is not UTF-8", "8.1", "fail, with 1007"),
    lesson(
        "oversize",
        "a frame that declares 2^40 bytes",
        "7.4.1",
        "close with 1009, and allocate nothing",
    ),
    lesson(
        "fragmented-ping",
        "a ping that is not final",
        "5.5",
        "fail: control frames are not fragmented",
    ),
    lesson(
        "wrong-version",
        "a handshake for version 8",
        "4.4",
        "answer with 426 and the version it speaks",
    ),
    lesson(
        "wrong-key",
        "a handshake whose key is not 16 bytes",
        "4.2.1",
        "refuse the handshake",
    ),
];

const fn lesson(
    name: &'static str,
    what: &'static str,
    section: &'static str,
    due: &'static str,
) -> Lesson {
    Lesson { name, what, section, due }
}

impl Lesson {
    /// The lesson of this name.
    ///
    /// # Errors
    /// 400 with the names there are.
    pub fn find(name: &str) -> Result<Lesson, Problem> {
        let found = LESSONS.iter().find(|lesson| lesson.name == name);
        found.copied().ok_or_else(|| {
            let names: Vec<_> = LESSONS.iter().map(|l| l.name).collect();
            let detail = format!("send is one of {}.", names.join(", "));
            Problem::new(400, "bad_json", detail)
        })
    }

    /// The request that begins it (section 4.1).
    pub fn handshake(&self, path: &str, host: &str) -> Vec<u8> {
        let key = if self.name == "wrong-key" { "c2hvcnQ=" } else { KEY };
        let version = if self.name == "wrong-version" { "8" } else { "13" };
        format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n\
             Sec-WebSocket-Version: {version}\r\n\r\n"
        )
        .into_bytes()
    }

    /// The frames it sends, one after the other; `text` is what it says.
    pub fn frames(&self, text: &str) -> Vec<Vec<u8>> {
        let text = text.as_bytes();
        match self.name {
            "fragments" => {
                let (first, second) = text.split_at(text.len() / 2);
                vec![
                    masked(TEXT, first),
                    masked(FIN | PING, b"between"),
                    masked(FIN | CONTINUATION, second),
                ]
            }
            "ping" => vec![masked(FIN | PING, b"Hello")],
            "close" => vec![masked(FIN | CLOSE, &1000_u16.to_be_bytes())],
            "unmasked" => vec![frame::text(text)],
            "reserved-bit" => vec![masked(FIN | RSV1 | TEXT, text)],
            "reserved-opcode" => vec![masked(FIN | 0x3, text)],
            "bad-utf8" => vec![masked(FIN | TEXT, b"H\xffllo")],
            "oversize" => vec![oversize()],
            "fragmented-ping" => vec![masked(PING, b"Hello")],
            "wrong-version" | "wrong-key" => Vec::new(),
            _ => vec![masked(FIN | TEXT, text)],
        }
    }
}

/// A frame as a client sends it (section 5.3): its payload masked.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        short @ 0..=125 => out.push(MASKED | short as u8),
        medium @ 126..=0xffff => {
            out.push(MASKED | 126);
            out.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&MASK);
    let key = MASK.iter().cycle();
    out.extend(payload.iter().zip(key).map(|(byte, key)| byte ^ key));
    out
}

/// The header of a frame that says it has 2^40 bytes, and a few of them.
fn oversize() -> Vec<u8> {
    let mut out = vec![FIN | TEXT, MASKED | 127];
    out.extend_from_slice(&(1_u64 << 40).to_be_bytes());
    out.extend_from_slice(&MASK);
    out.extend_from_slice(b"and so on");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::websocket::{Codec, Event, Session};

    /// What a session by hand makes of a lesson's frames.
    fn verdict(name: &str) -> Vec<Event> {
        let mut session = Session::new(Codec::ByHand, 1024);
        for frame in Lesson::find(name).unwrap().frames("Hello") {
            session.receive(&frame);
        }
        std::iter::from_fn(|| session.next_event()).collect()
    }

    #[test]
    fn the_example_of_section_5_7() {
        let frames = Lesson::find("text").unwrap().frames("Hello");
        assert_eq!(
            frames,
            [b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58".to_vec()]
        );
    }

    #[test]
    fn each_lesson_teaches_what_it_says() {
        let whole = Event::Text("Hello".into());
        assert_eq!(verdict("text"), std::slice::from_ref(&whole));
        assert_eq!(verdict("fragments"), [Event::Ping, whole]);
        assert_eq!(verdict("ping"), [Event::Ping]);
        for (name, due) in [
            ("close", 1000),
            ("unmasked", 1002),
            ("reserved-bit", 1002),
            ("reserved-opcode", 1002),
            ("bad-utf8", 1007),
            ("oversize", 1009),
            ("fragmented-ping", 1002),
        ] {
            let events = verdict(name);
            let [Event::Closed { code, .. }] = &events[..] else {
                panic!("{name}: {events:?}");
            };
            assert_eq!(*code, due, "{name}");
        }
    }

    #[test]
    fn a_lesson_that_is_not_there_is_told_which_are() {
        let problem = Lesson::find("nonsense").unwrap_err();
        assert_eq!(problem.status, 400);
        assert!(problem.detail.contains("reserved-bit"));
    }
}
