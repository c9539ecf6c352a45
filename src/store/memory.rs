//! The place without a disk: numbers, and the newest ids of each room.
//!
//! It forgets at the same pace as the servers' own history, so an id is
//! recognised for exactly as long as its message can still be read.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::{Ledger, Outcome, Post, Trouble, repeated};
use crate::chat::{Message, MessageId, RoomName, Seq};

/// Every room's newest messages, by their ids.
pub(super) struct MemoryLedger {
    rooms: HashMap<RoomName, Room>,
    /// How many messages of a room are remembered.
    keep: usize,
    /// The number before each room's first.
    start: Seq,
}

struct Room {
    last: Seq,
    by_id: HashMap<MessageId, Arc<Message>>,
    /// The same messages' ids, oldest first.
    ids: VecDeque<MessageId>,
}

impl MemoryLedger {
    pub(super) fn new(keep: usize, start: Seq) -> MemoryLedger {
        MemoryLedger { rooms: HashMap::new(), keep, start }
    }

    fn decide(&mut self, post: &Post<()>) -> Outcome {
        let start = self.start;
        let room = self
            .rooms
            .entry(post.room.clone())
            .or_insert_with(|| Room::new(start));
        match room.by_id.get(&post.draft.id) {
            Some(earlier) => repeated(earlier.clone(), &post.draft),
            None => Outcome::New(room.add(post, self.keep)),
        }
    }
}

impl Room {
    fn new(start: Seq) -> Room {
        Room { last: start, by_id: HashMap::new(), ids: VecDeque::new() }
    }

    fn add(&mut self, post: &Post<()>, keep: usize) -> Arc<Message> {
        self.last += 1;
        let message = post.draft.clone().numbered(self.last, post.at);
        let message = Arc::new(message);
        self.ids.push_back(message.id.clone());
        self.by_id.insert(message.id.clone(), message.clone());
        if self.ids.len() > keep
            && let Some(oldest) = self.ids.pop_front()
        {
            self.by_id.remove(&oldest);
        }
        message
    }
}

impl Ledger for MemoryLedger {
    fn record(&mut self, batch: &[Post<()>]) -> Result<Vec<Outcome>, Trouble> {
        Ok(batch.iter().map(|post| self.decide(post)).collect())
    }
}
