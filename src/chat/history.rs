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
    /// all kept here, and a disk must be asked. Without a disk it is always a
    /// page, of what is left.
    pub fn before(&self, seq: Seq, limit: usize) -> Option<Page> {
        let to = self.kept.partition_point(|m| m.seq < seq);
        if to < limit && self.goes_on_elsewhere() {
            return None;
        }
        let messages = self.range(to.saturating_sub(limit), to);
        let more = to > limit || self.goes_on_elsewhere();
        Some(Page { more, ..Page::older(messages, seq) })
    }

    fn latest(&self, limit: usize) -> Page {
        let from = self.kept.len().saturating_sub(limit);
        let messages = self.range(from, self.kept.len());
        let more = from > 0 || self.goes_on_elsewhere();
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

    /// Whether a disk has messages older than the ones kept here.
    fn goes_on_elsewhere(&self) -> bool {
        self.start == 0 && self.forgotten > 0
    }

    fn range(&self, from: usize, to: usize) -> Vec<Arc<Message>> {
        self.kept.range(from..to).cloned().collect()
    }
}

impl Page {
    /// Whether it tells a reader anything.
    pub fn has_news(&self) -> bool {
        self.gap || !self.messages.is_empty()
    }

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chat::{Draft, MessageId, Nick, Text};

    fn message(seq: Seq) -> Arc<Message> {
        let id = MessageId::new(&format!("x{seq}")).unwrap();
        let nick = Nick::new("ada").unwrap();
        let text = Text::new("hi").unwrap();
        Arc::new(Draft { id, nick, text }.numbered(seq, 0))
    }

    /// A history of the given numbers.
    fn history(keep: usize, start: Seq, seqs: &[Seq]) -> History {
        let mut history = History::new(keep, start);
        seqs.iter().for_each(|seq| history.push(message(*seq)));
        history
    }

    /// A page in short: the numbers in it, and the rest.
    fn short(page: Page) -> (Vec<Seq>, Seq, bool, bool) {
        let Page { messages, last, gap, more } = page;
        (messages.iter().map(|m| m.seq).collect(), last, gap, more)
    }

    #[test]
    fn an_empty_room() {
        let history = history(3, 0, &[]);
        assert!(history.is_empty());
        let nothing = (vec![], 0, false, false);
        assert_eq!(short(history.after(None, 9)), nothing);
        assert_eq!(short(history.after(Some(0), 9)), nothing);
        let gap = (vec![], 0, true, false);
        assert_eq!(short(history.after(Some(1), 9)), gap);
        let before = history.before(5, 9).unwrap();
        assert_eq!(short(before), (vec![], 4, false, false));
    }

    #[test]
    fn an_empty_room_without_a_disk_begins_at_the_clock() {
        let history = history(3, 1000, &[]);
        assert!(history.is_empty());
        assert_eq!(short(history.after(None, 9)).1, 1000);
        assert!(!history.after(Some(1000), 9).gap, "our own cursor");
        assert!(!history.after(Some(0), 9).gap, "all you have");
        assert!(history.after(Some(999), 9).gap, "of an earlier life");
        assert!(history.after(Some(1001), 9).gap, "from the future");
    }

    #[test]
    fn the_latest() {
        let history = history(3, 0, &[1, 2, 3, 4, 5]);
        let all = (vec![3, 4, 5], 5, false, true);
        assert_eq!(short(history.after(None, 3)), all);
        let some = (vec![4, 5], 5, false, true);
        assert_eq!(short(history.after(None, 2)), some);
    }

    #[test]
    fn after_a_cursor() {
        let history = history(3, 0, &[1, 2, 3, 4, 5]);
        let up_to_date = (vec![], 5, false, false);
        assert_eq!(short(history.after(Some(5), 9)), up_to_date);
        let joined = (vec![3, 4, 5], 5, false, false);
        assert_eq!(short(history.after(Some(2), 9)), joined);
        let cut = (vec![3, 4], 4, false, true);
        assert_eq!(short(history.after(Some(2), 2)), cut);
        let lost = (vec![3, 4, 5], 5, true, false);
        assert_eq!(short(history.after(Some(1), 9)), lost);
        assert_eq!(short(history.after(Some(0), 9)), lost);
    }

    #[test]
    fn a_cursor_from_the_future_gets_the_latest() {
        let seqs: Vec<Seq> = (1..=100).collect();
        let history = history(100, 0, &seqs);
        let latest = ((51..=100).collect(), 100, true, true);
        assert_eq!(short(history.after(Some(101), 200)), latest);
    }

    #[test]
    fn scrolling_back_ends_at_the_disk() {
        let history = history(3, 0, &[1, 2, 3, 4, 5]);
        let page = (vec![3, 4], 4, false, true);
        assert_eq!(short(history.before(5, 2).unwrap()), page);
        assert_eq!(history.before(5, 3), None, "2 is on disk");
        assert_eq!(history.before(2, 1), None);
    }

    #[test]
    fn scrolling_back_without_a_disk_ends_at_what_is_left() {
        let history = history(3, 100, &[101, 102, 103, 104]);
        let page = (vec![102, 103], 103, false, false);
        assert_eq!(short(history.before(104, 50).unwrap()), page);
        let latest = (vec![102, 103, 104], 104, false, false);
        assert_eq!(short(history.after(None, 50)), latest);
    }

    #[test]
    fn a_resumed_room_goes_on() {
        let latest = vec![message(8), message(9)];
        let mut history = History::resumed(2, 7, latest);
        assert!(!history.is_empty());
        assert!(!history.after(Some(7), 9).gap);
        assert!(history.after(Some(6), 9).gap);
        history.push(message(10));
        let joined = (vec![9, 10], 10, false, false);
        assert_eq!(short(history.after(Some(8), 9)), joined);
        assert!(history.after(Some(7), 9).gap);
    }

    /// The numbers of a room: growing, with holes.
    fn seqs(start: Seq) -> impl Strategy<Value = Vec<Seq>> {
        let steps = proptest::collection::vec(1..4u64, 0..40);
        steps.prop_map(move |steps| {
            let grow = |last: &mut Seq, step| {
                *last += step;
                Some(*last)
            };
            steps.into_iter().scan(start, grow).collect()
        })
    }

    /// A start with numbers after it, how many to keep, a cursor, a limit.
    fn room() -> impl Strategy<Value = (Seq, Vec<Seq>, usize, Seq, usize)> {
        prop_oneof![Just(0), Just(1000)].prop_flat_map(|start| {
            let cursor = prop_oneof![Just(0), start..start + 130, 0..2000u64];
            (Just(start), seqs(start), 1..20usize, cursor, 1..30usize)
        })
    }

    proptest! {
        #[test]
        fn after_is_what_a_plain_list_says(
            (start, seqs, keep, cursor, limit) in room()
        ) {
            let history = history(keep, start, &seqs);
            let last = seqs.last().copied().unwrap_or(start);
            let forgotten = seqs.len().saturating_sub(keep);
            let kept = &seqs[forgotten..];
            let page = short(history.after(Some(cursor), limit));
            if cursor > last {
                let from = kept.len().saturating_sub(limit.min(LATEST));
                let older = from > 0 || (forgotten > 0 && start == 0);
                let latest = (kept[from..].to_vec(), last, true, older);
                prop_assert_eq!(page, latest);
                return Ok(());
            }
            let news: Vec<Seq> =
                kept.iter().copied().filter(|seq| *seq > cursor).collect();
            let shown = &news[..limit.min(news.len())];
            let more = shown.len() < news.len();
            let missed = seqs[..forgotten].iter().any(|seq| *seq > cursor);
            let gap = missed || (cursor > 0 && cursor < start);
            let cut = if more { shown[limit - 1] } else { last };
            prop_assert_eq!(page, (shown.to_vec(), cut, gap, more));
        }

        #[test]
        fn following_the_cursor_misses_nothing_and_repeats_nothing(
            (start, seqs, keep, _, limit) in room()
        ) {
            let mut history = History::new(keep, start);
            let mut cursor = start;
            let mut seen = Vec::new();
            for (n, seq) in seqs.iter().enumerate() {
                history.push(message(*seq));
                if n % limit != 0 && n + 1 != seqs.len() {
                    continue;
                }
                let mut more = true;
                while more {
                    let page = history.after(Some(cursor), limit);
                    if page.gap {
                        // What was missed, is missed as a whole.
                        seen.clear();
                    }
                    seen.extend(page.messages.iter().map(|m| m.seq));
                    (cursor, more) = (page.last, page.more);
                }
                let tail = &seqs[n + 1 - seen.len()..=n];
                prop_assert_eq!(&seen[..], tail);
            }
        }

        #[test]
        fn before_is_what_a_plain_list_says(
            (start, seqs, keep, seq, limit) in room()
        ) {
            let history = history(keep, start, &seqs);
            let forgotten = seqs.len().saturating_sub(keep);
            let older: Vec<Seq> = seqs[forgotten..]
                .iter()
                .copied()
                .filter(|older| *older < seq)
                .collect();
            let disk = start == 0 && forgotten > 0;
            let from = older.len().saturating_sub(limit);
            match history.before(seq, limit) {
                None => prop_assert!(disk && older.len() < limit),
                Some(page) => {
                    let (numbers, _, gap, more) = short(page);
                    prop_assert_eq!(&numbers[..], &older[from..]);
                    prop_assert!(!gap);
                    prop_assert_eq!(more, from > 0 || disk);
                    prop_assert!(!disk || older.len() >= limit);
                }
            }
        }
    }
}
