//! What the tests of the store have in common.

use std::path::{Path, PathBuf};

use crossbeam_channel::{Receiver, bounded};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::chat::{Draft, MessageId, Millis, Nick, RoomName, Seq, Text};
use crate::store::{Journal, Outcome, Place, Post, Settled, Store};

/// Messages kept in memory in these tests.
pub(super) const KEEP: usize = 5;
/// Where numbers begin in memory.
pub(super) const START: Seq = 1_000_000;

pub(super) fn room(name: &str) -> RoomName {
    RoomName::new(name).unwrap()
}

pub(super) fn draft(id: &str, text: &str) -> Draft {
    Draft {
        id: MessageId::new(id).unwrap(),
        nick: Nick::new("ada").unwrap(),
        text: Text::new(text).unwrap(),
    }
}

pub(super) fn post(room_name: &str, id: &str, text: &str) -> Post<()> {
    let at: Millis = 1_795_253_400_123;
    Post { room: room(room_name), draft: draft(id, text), at, ticket: () }
}

/// A file in a directory of its own, which goes when this is dropped.
pub(super) fn file() -> (TempDir, Place, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("twinchat.db");
    (directory, Place::File(path.clone()), path)
}

pub(super) fn open(place: &Place) -> Store {
    Store::open(place, KEEP, START).unwrap_or_else(|e| panic!("{e}"))
}

/// A journal, and what it delivered, batch by batch.
pub(super) struct Running {
    pub(super) journal: Journal<()>,
    pub(super) batches: Receiver<Vec<Settled<()>>>,
}

pub(super) fn start(store: Store) -> Running {
    let (send, batches) = bounded(1 << 16);
    let deliver = move |batch, _| send.send(batch).unwrap();
    let fatal = |reason| panic!("fatal: {reason}");
    let journal = Journal::start(store, deliver, fatal).unwrap();
    Running { journal, batches }
}

impl Running {
    /// Posts, and waits for the outcomes, in the order of the posts.
    pub(super) fn settle(
        &self,
        posts: impl IntoIterator<Item = Post<()>>,
    ) -> Vec<Outcome> {
        let mut awaited = 0;
        for post in posts {
            self.journal.post(post).unwrap();
            awaited += 1;
        }
        let mut outcomes = Vec::new();
        while outcomes.len() < awaited {
            let batch = self.batches.recv().unwrap();
            outcomes.extend(batch.into_iter().map(|s| s.outcome));
        }
        outcomes
    }

    /// The outcome of one post, in short.
    pub(super) fn one(&self, room: &str, id: &str, text: &str) -> Short {
        short(&self.settle([post(room, id, text)])[0])
    }
}

/// An outcome, short enough to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Short {
    New(Seq),
    Again(Seq),
    Conflict,
    Failed(String),
}

pub(super) fn short(outcome: &Outcome) -> Short {
    match outcome {
        Outcome::New(message) => Short::New(message.seq),
        Outcome::Again(message) => Short::Again(message.seq),
        Outcome::Conflict => Short::Conflict,
        Outcome::Failed(reason) => Short::Failed(reason.clone()),
    }
}

/// The file as another program would open it.
pub(super) fn raw(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}

/// The numbers and texts of a room in a file, oldest first.
pub(super) fn stored(place: &Place, name: &str) -> Vec<(Seq, String)> {
    let page = open(place).archive().before(&room(name), Seq::MAX, 1 << 20);
    let messages = page.unwrap().messages;
    messages.iter().map(|m| (m.seq, m.text.to_string())).collect()
}
