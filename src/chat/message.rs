//! A message, and the draft it is made from.

use super::{MessageId, Nick, Text};

/// A message's number in its room. It only grows, over the whole life of the
/// room; gaps in it mean nothing. Readers keep the last one as their cursor.
pub type Seq = u64;

/// An instant, in milliseconds since 1970-01-01 UTC.
pub type Millis = i64;

/// What someone wants to say, before it has a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Chosen by the client, the same on every retry.
    pub id: MessageId,
    /// Who says it.
    pub nick: Nick,
    /// What is said.
    pub text: Text,
}

impl Draft {
    /// The message this draft becomes once it has a number and a time.
    pub fn numbered(self, seq: Seq, at: Millis) -> Message {
        let Draft { id, nick, text } = self;
        Message { seq, at, nick, text, id }
    }
}

/// A message as every reader of its room sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its place in the room.
    pub seq: Seq,
    /// When the server took it.
    pub at: Millis,
    /// Who said it.
    pub nick: Nick,
    /// What was said.
    pub text: Text,
    /// The client's name for it.
    pub id: MessageId,
}

impl Message {
    /// Whether a draft with this message's id is a retry of it. Anything else
    /// under the same id is a conflict.
    pub fn is_retry(&self, draft: &Draft) -> bool {
        self.nick == draft.nick && self.text == draft.text
    }
}
