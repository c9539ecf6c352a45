//! What a room remembers, and how a reader finds its place in it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Message, Seq};
use crate::limits::LATEST;

/// The newest messages of a room, oldest first.
#[derive(Debug)]
pub struct History {
    /// The messages, by growing `seq`; never more than `keep`.
    kept: VecDeque<Arc<Message>>,
    /// How many are kept.
    keep: usize,
    /// The number that comes before the first this room could ever have had:
    /// 0, or where the clock stood when a room without a disk began.
    start: Seq,
    /// The newest number that is no longer kept here; 0 if there is none.
    forgotten: Seq,
    /// The newest number of all.
    last: Seq,
}

/// A part of a history, and how it joins on to what a reader has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The messages, oldest first.
    pub messages: Vec<Arc<Message>>,
    /// The cursor of someone who has read this page.
    pub last: Seq,
    /// Whether something may be missing between the reader's cursor and the
    /// first of these messages.
    pub gap: bool,
    /// Whether the limit cut the list.
    pub more: bool,
}

impl History {
    /// An empty history that will keep the newest `keep` messages, of a room
    /// whose numbers come after `start`.
    pub fn new(keep: usize, start: Seq) -> History {
        let kept = VecDeque::new();
        History { kept, keep, start, forgotten: 0, last: start }
    }

    /// The history of a room that is older than this process: `latest` are
    /// its newest messages, and everything up to `forgotten` lies on disk
    /// only.
    pub fn resumed(
        keep: usize,
        forgotten: Seq,
        latest: Vec<Arc<Message>>,
    ) -> History {
        let mut history = History::new(keep, 0);
        history.forgotten = forgotten;
        history.last = forgotten;
        latest.into_iter().for_each(|message| history.push(message));
        history
    }

    /// Adds the room's newest message, and forgets the oldest if it must.
    pub fn push(&mut self, message: Arc<Message>) {
        debug_assert!(message.seq > self.last, "numbers only grow");
        self.last = message.seq;
        self.kept.push_back(message);
        if self.kept.len() > self.keep
            && let Some(oldest) = self.kept.pop_front()
        {
            self.forgotten = oldest.seq;
        }
    }

    /// The newest number there is; where an empty room begins, if it is one.
    pub fn last(&self) -> Seq {
        self.last
    }

    /// Whether this room ever had a message.
    pub fn is_empty(&self) -> bool {
        self.last == self.start
    }

    /// At most `limit` messages for a reader: those after its cursor, oldest
    /// first; or, without a cursor, the latest.
    pub fn after(&self, cursor: Option<Seq>, limit: usize) -> Page {
        let Some(cursor) = cursor else {
            return self.latest(limit);
        };
        if cursor > self.last {
            return Page { gap: true, ..self.latest(limit.min(LATEST)) };
        }
        // A cursor of 0 asks for everything there is; any other one from
        // before `start` has seen numbers that this history cannot vouch for.
        let lost = cursor < self.forgotten;
        let foreign = cursor != 0 && cursor < self.start;
        let from = self.kept.partition_point(|m| m.seq <= cursor);
        let gap = lost || foreign;
        Page { gap, ..self.section(from, limit) }
    }

    /// The newest `limit` messages from before `seq`; `None` if they are not
    /// all kept here, and a disk must be asked.
    pub fn before(&self, seq: Seq, limit: usize) -> Option<Page> {
        let to = self.kept.partition_point(|m| m.seq < seq);
        if to < limit && self.forgotten > 0 {
            return None;
        }
        let messages = self.range(to.saturating_sub(limit), to);
        let more = to > limit || self.forgotten > 0;
        Some(Page { more, ..Page::older(messages, seq) })
    }

    fn latest(&self, limit: usize) -> Page {
        let from = self.kept.len().saturating_sub(limit);
        let messages = self.range(from, self.kept.len());
        let more = from > 0 || self.forgotten > 0;
        Page { messages, last: self.last, gap: false, more }
    }

    fn section(&self, from: usize, limit: usize) -> Page {
        let to = self.kept.len().min(from.saturating_add(limit));
        let messages = self.range(from, to);
        let more = to < self.kept.len();
        let last = match messages.last() {
            Some(message) if more => message.seq,
            _ => self.last,
        };
        Page { messages, last, gap: false, more }
    }

    fn range(&self, from: usize, to: usize) -> Vec<Arc<Message>> {
        self.kept.range(from..to).cloned().collect()
    }
}

impl Page {
    /// A page read backwards, for scrolling back from before `seq`: all
    /// there is, unless `more` is set.
    pub fn older(messages: Vec<Arc<Message>>, seq: Seq) -> Page {
        let last = match messages.last() {
            Some(message) => message.seq,
            None => seq.saturating_sub(1),
        };
        Page { messages, last, gap: false, more: false }
    }
}
