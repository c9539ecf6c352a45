//! Who got what and when, of one load: every message to every reader exactly
//! once and in order, or it is an error of a kind with a name.

use std::collections::BTreeMap;

use super::command::Loaded;
use super::scan::Id;

/// One posted message.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// When it should have been posted, ns.
    intended: u64,
    /// Its number in the room, once a reader had it.
    seq: u64,
    /// When the last reader so far had it, ns.
    last: u64,
    /// How many readers had it.
    copies: u64,
    is_acked: bool,
}

/// One reader's side.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// One bit a message.
    numbers: Vec<u64>,
    /// The highest room number so far.
    last_seq: u64,
    /// Whether its deliveries are checked but not timed.
    is_untimed: bool,
}

/// The books of one load.
#[derive(Debug)]
pub struct Ledger {
    load: u32,
    /// Messages with a lower number are the warm-up: checked, not timed.
    warmup: u64,
    entries: Vec<Entry>,
    /// By the generator's number of a reader; `None` if not part of it.
    seen: Vec<Option<Seen>>,
    readers: u64,
    copies: u64,
    acks: u64,
    /// What is handed back in the end.
    loaded: Loaded,
}

impl Ledger {
    /// Empty books for load number `load`, in which the readers of `taking
    /// part` (by the generator's numbers) must receive everything.
    pub fn new(load: u32, warmup: u64, taking_part: &[usize]) -> Ledger {
        let length = taking_part.iter().max().map_or(0, |most| most + 1);
        let mut seen = vec![None; length];
        for reader in taking_part {
            seen[*reader] = Some(Seen::default());
        }
        let readers = taking_part.len() as u64;
        let loaded =
            Loaded { readers, kernel_timestamps: true, ..Loaded::default() };
        Ledger {
            load,
            warmup,
            entries: Vec::new(),
            seen,
            readers,
            copies: 0,
            acks: 0,
            loaded,
        }
    }

    /// From now on, this reader's deliveries are checked but not timed.
    pub fn leave_untimed(&mut self, reader: usize) {
        if let Some(Some(seen)) = self.seen.get_mut(reader) {
            seen.is_untimed = true;
        }
    }

    /// A message is due; returns its number. `now` is when it really goes.
    pub fn post(&mut self, intended: u64, now: u64) -> u64 {
        let number = self.entries.len() as u64;
        self.entries.push(Entry { intended, ..Entry::default() });
        if number >= self.warmup {
            self.loaded.lag.record_ns(now.saturating_sub(intended));
        }
        number
    }

    /// A reader has a message. Other loads' messages are nobody's business.
    pub fn deliver(&mut self, reader: usize, id: Id, seq: u64, at: u64) {
        let Some(Some(seen)) = self.seen.get_mut(reader) else { return };
        let number = id.number as usize;
        if id.load != self.load {
            return;
        }
        let Some(entry) = self.entries.get_mut(number) else {
            return count(&mut self.loaded.errors, "never_posted");
        };
        let (word, bit) = (number / 64, 1 << (number % 64));
        if seen.numbers.len() <= word {
            seen.numbers.resize(word + 1, 0);
        }
        if seen.numbers[word] & bit != 0 {
            return count(&mut self.loaded.errors, "twice");
        }
        seen.numbers[word] |= bit;
        if seq <= seen.last_seq {
            count(&mut self.loaded.errors, "out_of_order");
        }
        seen.last_seq = seen.last_seq.max(seq);
        // Equal numbers for equal messages, and each reader's numbers grow:
        // so all readers have the same order.
        if entry.seq != 0 && entry.seq != seq {
            count(&mut self.loaded.errors, "numbered_differently");
        }
        entry.seq = seq;
        entry.copies += 1;
        self.copies += 1;
        if seen.is_untimed {
            return;
        }
        entry.last = entry.last.max(at);
        if id.number >= self.warmup {
            let waited = at.saturating_sub(entry.intended);
            self.loaded.delivery.record_ns(waited);
        }
    }

    /// The server says that a message is safe.
    pub fn acknowledge(&mut self, id: Id, at: u64) {
        let Some(entry) = self.entries.get_mut(id.number as usize) else {
            return;
        };
        if id.load != self.load || entry.is_acked {
            return;
        }
        entry.is_acked = true;
        self.acks += 1;
        if id.number >= self.warmup {
            self.loaded.ack.record_ns(at.saturating_sub(entry.intended));
        }
    }

    /// Something went wrong that no message's entry shows.
    pub fn error(&mut self, kind: &str) {
        count(&mut self.loaded.errors, kind);
    }

    /// How long arrived bytes waited to be read; `None` if the kernel did
    /// not say when they arrived.
    pub fn read_lag(&mut self, waited: Option<u64>) {
        match waited {
            Some(waited) => self.loaded.read_lag.record_ns(waited),
            None => self.loaded.kernel_timestamps = false,
        }
    }

    /// Whether this reader takes part.
    pub fn has(&self, reader: usize) -> bool {
        matches!(self.seen.get(reader), Some(Some(_)))
    }

    /// Whether everything posted so far has arrived and is acknowledged.
    pub fn is_complete(&self) -> bool {
        let posted = self.entries.len() as u64;
        self.copies == posted * self.readers && self.acks == posted
    }

    /// Closes the books: what has not come by now is lost.
    pub fn close(mut self) -> Loaded {
        let counted = &self.entries[self.warmup as usize..];
        let first = counted.first().map_or(0, |entry| entry.intended);
        let mut end = first;
        for entry in counted {
            let offset = (entry.intended - first) as f64 / 1e6;
            let mut whole = None;
            if entry.copies == self.readers && self.readers > 0 {
                let waited = entry.last.saturating_sub(entry.intended);
                self.loaded.last_reader.record_ns(waited);
                whole = Some(waited as f64 / 1e6);
            }
            self.loaded.timeline.push((offset, whole));
            end = end.max(entry.last);
        }
        self.loaded.posted = counted.len() as u64;
        self.loaded.copies = self.copies;
        self.loaded.delivered = self.loaded.delivery.count();
        self.loaded.seconds = (end - first) as f64 / 1e9;
        let posted = self.entries.len() as u64;
        let errors = &mut self.loaded.errors;
        for (kind, number) in [
            ("lost", posted * self.readers - self.copies),
            ("unacknowledged", posted - self.acks),
        ] {
            if number > 0 {
                *errors.entry(kind.to_owned()).or_default() += number;
            }
        }
        self.loaded
    }
}

fn count(errors: &mut BTreeMap<String, u64>, kind: &str) {
    *errors.entry(kind.to_owned()).or_default() += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn id(number: u64) -> Id {
        Id { load: 9, number }
    }

    /// Two readers, a message of warm-up and two that count.
    fn three_messages() -> Ledger {
        let mut ledger = Ledger::new(9, 1, &[4, 6]);
        for number in 0..3 {
            let intended = number * 10 * MS;
            assert_eq!(ledger.post(intended, intended + MS), number);
        }
        ledger
    }

    #[test]
    fn a_clean_load_counts_from_the_intended_instant() {
        let mut ledger = three_messages();
        for number in 0..3 {
            let sent = number * 10 * MS;
            ledger.deliver(4, id(number), number + 1, sent + 2 * MS);
            ledger.deliver(6, id(number), number + 1, sent + 5 * MS);
            ledger.acknowledge(id(number), sent + 3 * MS);
        }
        assert!(ledger.is_complete());
        let loaded = ledger.close();
        assert!(loaded.errors.is_empty(), "{:?}", loaded.errors);
        assert_eq!((loaded.posted, loaded.delivered), (2, 4));
        assert!((loaded.last_reader.max_ms() - 5.0).abs() < 0.01);
        assert!((loaded.ack.max_ms() - 3.0).abs() < 0.01);
        assert!((loaded.lag.max_ms() - 1.0).abs() < 0.01);
        assert_eq!(loaded.timeline[1], (10.0, Some(5.0)));
    }

    #[test]
    fn losses_repeats_and_disorder_are_errors_with_names() {
        let mut ledger = three_messages();
        ledger.deliver(4, id(1), 2, 20 * MS);
        ledger.deliver(4, id(0), 1, 20 * MS);
        ledger.deliver(4, id(0), 1, 20 * MS);
        ledger.deliver(6, id(1), 7, 20 * MS);
        ledger.deliver(5, id(1), 7, 20 * MS);
        ledger.deliver(6, id(8), 9, 20 * MS);
        ledger.deliver(6, Id { load: 1, number: 0 }, 3, 20 * MS);
        assert!(!ledger.is_complete());
        let errors = ledger.close().errors;
        let expected = [
            ("lost", 3),
            ("never_posted", 1),
            ("numbered_differently", 1),
            ("out_of_order", 1),
            ("twice", 1),
            ("unacknowledged", 3),
        ];
        let expected: BTreeMap<String, u64> =
            expected.map(|(k, v)| (k.to_owned(), v)).into();
        assert_eq!(errors, expected);
    }
}
