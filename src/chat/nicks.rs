//! Who is in a room by name.

use std::collections::BTreeMap;

use super::Nick;

/// The nicks of a room's readers. Someone who reads twice is named once, and
/// stays until both have left.
#[derive(Debug, Default)]
pub struct Nicks {
    readers: BTreeMap<Nick, usize>,
}

impl Nicks {
    /// A reader comes; it is counted here if it says what it is called.
    pub fn add(&mut self, nick: Option<Nick>) {
        if let Some(nick) = nick {
            *self.readers.entry(nick).or_default() += 1;
        }
    }

    /// A reader of this name goes.
    pub fn remove(&mut self, nick: Option<Nick>) {
        let Some(nick) = nick else { return };
        if let Some(readers) = self.readers.get_mut(&nick) {
            *readers -= 1;
            if *readers == 0 {
                self.readers.remove(&nick);
            }
        }
    }

    /// The first `most` of them, in the order of their letters.
    pub fn first(&self, most: usize) -> Vec<&str> {
        self.readers.keys().take(most).map(|nick| &**nick).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_twice_is_named_once_until_both_have_left() {
        let nick = |name| Some(Nick::new(name).unwrap());
        let mut nicks = Nicks::default();
        for name in ["bob", "ada", "bob"] {
            nicks.add(nick(name));
        }
        nicks.add(None);
        assert_eq!(nicks.first(10), ["ada", "bob"]);
        assert_eq!(nicks.first(1), ["ada"]);
        nicks.remove(nick("bob"));
        assert_eq!(nicks.first(10), ["ada", "bob"]);
        nicks.remove(nick("bob"));
        nicks.remove(nick("nobody"));
        nicks.remove(None);
        assert_eq!(nicks.first(10), ["ada"]);
    }
}
