//! Holds what was acknowledged against what is stored and what was read.

use std::collections::HashMap;

use super::Message;

/// Everything that happened to one room.
#[derive(Debug, Default)]
pub struct Checker {
    /// The number each acknowledged id was given.
    acked: HashMap<String, u64>,
    /// What each reader saw, in the order it saw it; a new list after a gap.
    read: Vec<Vec<Message>>,
}

impl Checker {
    /// Notes that a post was acknowledged.
    #[track_caller]
    pub fn acked(&mut self, id: &str, seq: u64) {
        let before = self.acked.insert(id.to_owned(), seq);
        assert!(
            before.is_none_or(|b| b == seq),
            "{id} is {before:?} and {seq}"
        );
    }

    /// Notes what one reader saw without being told of a gap.
    pub fn read(&mut self, messages: Vec<Message>) {
        self.read.push(messages);
    }

    /// How many posts were acknowledged.
    pub fn count(&self) -> usize {
        self.acked.len()
    }

    /// Holds everything against `stored`: the whole room, in order.
    #[track_caller]
    pub fn check(&self, stored: &[Message]) {
        let mut seq_of = HashMap::new();
        let mut place_of = HashMap::new();
        for (place, message) in stored.iter().enumerate() {
            let earlier = seq_of.insert(message.id.as_str(), message.seq);
            assert_eq!(earlier, None, "{} is stored twice", message.id);
            place_of.insert(message.seq, place);
        }
        assert!(
            stored.is_sorted_by(|a, b| a.seq < b.seq),
            "numbers that do not grow"
        );
        for (id, seq) in &self.acked {
            assert_eq!(seq_of.get(id.as_str()), Some(seq), "acked {id}");
        }
        for messages in &self.read {
            check_reader(messages, stored, &place_of);
        }
    }
}

/// Holds that a reader saw an unbroken part of what is stored.
#[track_caller]
fn check_reader(
    messages: &[Message],
    stored: &[Message],
    place_of: &HashMap<u64, usize>,
) {
    let Some(first) = messages.first() else { return };
    let Some(from) = place_of.get(&first.seq) else {
        panic!("someone read {first:?}, and it is not stored");
    };
    for (read, stored) in messages.iter().zip(&stored[*from..]) {
        assert_eq!(read, stored, "a reader missed, repeated or misread");
    }
    let ends = from + messages.len();
    assert!(ends <= stored.len(), "a reader saw more than is stored");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(seq: u64, id: &str) -> Message {
        let word = String::new;
        Message { seq, at: word(), nick: word(), text: word(), id: id.into() }
    }

    fn room() -> Vec<Message> {
        (1..=5).map(|seq| message(seq, &format!("id-{seq}"))).collect()
    }

    #[test]
    fn a_good_run_is_good() {
        let mut checker = Checker::default();
        checker.acked("id-2", 2);
        checker.read(room()[1..4].to_vec());
        checker.read(vec![]);
        checker.check(&room());
        assert_eq!(checker.count(), 1);
    }

    #[test]
    #[should_panic(expected = "acked lost")]
    fn an_acknowledged_message_that_is_lost_is_found() {
        let mut checker = Checker::default();
        checker.acked("lost", 9);
        checker.check(&room());
    }

    #[test]
    #[should_panic(expected = "acked id-2")]
    fn a_message_with_another_number_is_found() {
        let mut checker = Checker::default();
        checker.acked("id-2", 3);
        checker.check(&room());
    }

    #[test]
    #[should_panic(expected = "stored twice")]
    fn an_id_that_is_stored_twice_is_found() {
        let mut room = room();
        room.push(message(6, "id-1"));
        Checker::default().check(&room);
    }

    #[test]
    #[should_panic(expected = "missed, repeated or misread")]
    fn a_reader_that_missed_one_is_found() {
        let mut seen = room();
        seen.remove(2);
        let mut checker = Checker::default();
        checker.read(seen);
        checker.check(&room());
    }

    #[test]
    #[should_panic(expected = "missed, repeated or misread")]
    fn a_reader_that_saw_another_order_is_found() {
        let mut seen = room();
        seen.swap(1, 2);
        let mut checker = Checker::default();
        checker.read(seen);
        checker.check(&room());
    }
}
