//! A message as a client sees it.

use serde_json::Value;

/// A message of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number.
    pub seq: u64,
    /// When it was taken, as it was written.
    pub at: String,
    /// Who said it.
    pub nick: String,
    /// What was said.
    pub text: String,
    /// Its sender's name for it.
    pub id: String,
}

impl Message {
    /// Reads one, and holds it against the protocol.
    #[track_caller]
    pub fn read(value: &Value) -> Message {
        let word = |name: &str| match &value[name] {
            Value::String(word) => word.clone(),
            other => panic!("{name} is {other} in {value}"),
        };
        assert_eq!(word("type"), "message", "{value}");
        let seq = value["seq"].as_u64().expect("a seq is a positive integer");
        assert!((1..1 << 53).contains(&seq), "{value}");
        let at = word("at");
        assert!(is_instant(&at), "{value}");
        Message {
            seq,
            at,
            nick: word("nick"),
            text: word("text"),
            id: word("id"),
        }
    }
}

/// Whether it is written like `2026-11-21T09:30:00.123Z`.
fn is_instant(at: &str) -> bool {
    let pattern = "dddd-dd-ddTdd:dd:dd.dddZ";
    at.len() == pattern.len()
        && at.chars().zip(pattern.chars()).all(|(c, p)| match p {
            'd' => c.is_ascii_digit(),
            _ => c == p,
        })
}

/// What was said in each.
pub fn texts(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.text.as_str()).collect()
}

/// The numbers of each.
pub fn seqs(messages: &[Message]) -> Vec<u64> {
    messages.iter().map(|message| message.seq).collect()
}
