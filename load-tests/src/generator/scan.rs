//! Finds messages, acknowledgements and cursors in a server's bytes.
//!
//! A JSON parser would be the generator's largest cost by far, and a slow
//! generator measures itself. So this looks for the few names it needs. It is
//! safe only because every text in a load test is our own and has no quotes.

use std::sync::LazyLock;

use memchr::memmem::{Finder, find};

static MESSAGE: LazyLock<Finder> =
    LazyLock::new(|| Finder::new("\"type\":\"message\""));
static SEQ: LazyLock<Finder> = LazyLock::new(|| Finder::new("\"seq\":"));
static ID: LazyLock<Finder> = LazyLock::new(|| Finder::new("\"id\":\""));

/// An id of a load test's own: which load, and which message of it. It is
/// written `LOAD-NUMBER`; any other id is somebody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id {
    /// The load's number, unlike that of any other load.
    pub load: u32,
    /// The message's number in its load, from 0.
    pub number: u64,
}

impl Id {
    fn parse(bytes: &[u8]) -> Option<Id> {
        let (load, rest) = digits(bytes)?;
        let (number, rest) = digits(rest.strip_prefix(b"-")?)?;
        let load = u32::try_from(load).ok()?;
        rest.starts_with(b"\"").then_some(Id { load, number })
    }
}

/// What a server says, as far as the generator cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// The handshake is answered: from now on, messages come.
    Open,
    /// The handshake is answered with a no.
    Refused(String),
    /// A message reached one of the connection's readers.
    Message {
        /// Which of the connection's readers, from 0.
        reader: usize,
        /// Its id, if it is of a load test.
        id: Option<Id>,
        /// Its number in the room.
        seq: u64,
    },
    /// The cursor to go on from.
    Cursor(u64),
    /// The server cannot prove that nothing is missing.
    Gap,
    /// A post is safe.
    Ack(Id),
    /// A post, or a frame, was refused.
    Error(String),
    /// A whole HTTP answer has arrived.
    Answered(u16),
    /// The server ended it, with its reason.
    Ended(String),
}

/// Every message in `bytes`, in order.
pub fn messages(bytes: &[u8], reader: usize, words: &mut Vec<Word>) {
    let mut rest = bytes;
    while let Some(start) = MESSAGE.find(rest) {
        let from_here = &rest[start + 16..];
        let end = MESSAGE.find(from_here).unwrap_or(from_here.len());
        let one = &from_here[..end];
        if let Some(seq) = number_after(one, &SEQ) {
            let id = ID.find(one).and_then(|at| Id::parse(&one[at + 6..]));
            words.push(Word::Message { reader, id, seq });
        }
        rest = &from_here[end..];
    }
}

/// One JSON object of a stream or a socket, whatever it is.
pub fn object(bytes: &[u8], reader: usize, words: &mut Vec<Word>) {
    let kind = string(bytes, "\"type\":\"").unwrap_or_default();
    match kind {
        b"message" => messages(bytes, reader, words),
        b"ack" => {
            let id = ID.find(bytes).and_then(|at| Id::parse(&bytes[at + 6..]));
            words.extend(id.map(Word::Ack));
        }
        b"hello" => cursor(bytes, words),
        b"error" => {
            let code = string(bytes, "\"code\":\"").unwrap_or(b"unnamed");
            let code = String::from_utf8_lossy(code).into_owned();
            words.push(Word::Error(code));
        }
        b"bye" => words.push(Word::Ended("bye".to_owned())),
        _ => {}
    }
}

/// `last` and `gap`, as a poll's answer and a hello have them.
pub fn cursor(bytes: &[u8], words: &mut Vec<Word>) {
    if find(bytes, b"\"gap\":true").is_some() {
        words.push(Word::Gap);
    }
    if let Some(last) = memchr::memmem::rfind(bytes, b"\"last\":")
        .and_then(|at| digits(&bytes[at + 7..]))
    {
        words.push(Word::Cursor(last.0));
    }
}

/// The string that follows `name`, without its closing quote.
pub fn string<'a>(bytes: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let start = find(bytes, name.as_bytes())? + name.len();
    let length = memchr::memchr(b'"', &bytes[start..])?;
    Some(&bytes[start..start + length])
}

fn number_after(bytes: &[u8], name: &Finder) -> Option<u64> {
    let at = name.find(bytes)? + name.needle().len();
    Some(digits(&bytes[at..])?.0)
}

/// The number at the start, and what follows it.
fn digits(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let length = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let text = std::str::from_utf8(&bytes[..length]).ok()?;
    Some((text.parse().ok()?, &bytes[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_polls_answer_is_its_messages_and_its_cursor() {
        let body = br#"{"messages":[
            {"type":"message","seq":7,"nick":"a","text":"x","id":"3-0"},
            {"type":"message","seq":9,"nick":"a","text":"x","id":"other"}],
            "last":9,"gap":true,"more":false}"#;
        let mut words = Vec::new();
        messages(body, 0, &mut words);
        cursor(body, &mut words);
        let ours = Some(Id { load: 3, number: 0 });
        assert_eq!(
            words,
            [
                Word::Message { reader: 0, id: ours, seq: 7 },
                Word::Message { reader: 0, id: None, seq: 9 },
                Word::Gap,
                Word::Cursor(9),
            ]
        );
    }

    #[test]
    fn objects_are_told_apart_by_type() {
        let mut words = Vec::new();
        for text in [
            r#"{"type":"hello","room":"r","last":4,"gap":false}"#,
            r#"{"type":"ack","id":"1-2","seq":5}"#,
            r#"{"type":"error","code":"busy","detail":"later"}"#,
            r#"{"type":"presence","nicks":[],"count":3}"#,
            r#"{"type":"bye","retry_ms":100}"#,
        ] {
            object(text.as_bytes(), 0, &mut words);
        }
        assert_eq!(
            words,
            [
                Word::Cursor(4),
                Word::Ack(Id { load: 1, number: 2 }),
                Word::Error("busy".to_owned()),
                Word::Ended("bye".to_owned()),
            ]
        );
    }
}
