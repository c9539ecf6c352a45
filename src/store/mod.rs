//! Floor 2: what makes messages safe before anybody sees them.
//!
//! A journal thread takes everything that is queued, numbers it, writes it in
//! one transaction, and hands back what became of it, in order. It does not
//! know who waits for the outcome, nor how: each post carries a ticket of the
//! server's own kind, and gets it back.

mod archive;
mod journal;
mod memory;
mod open;
mod refusal;
mod sqlite;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use crate::chat::{Draft, Message, Millis, RoomName, Seq};

pub use archive::Archive;
pub use journal::Journal;
pub use open::Store;
pub use refusal::{OpenError, Refusal};

/// Where the messages are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: the latest of each room, until the process ends.
    Memory,
    /// In a SQLite file.
    File(PathBuf),
}

/// A draft on its way to the disk. `T` is what its sender waits with.
#[derive(Debug)]
pub struct Post<T> {
    /// The room it is for.
    pub room: RoomName,
    /// What is to be said.
    pub draft: Draft,
    /// When the server took it.
    pub at: Millis,
    /// Given back with the outcome.
    pub ticket: T,
}

/// What became of a post.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is safe, and new: to be shown to everyone.
    New(Arc<Message>),
    /// The same id with the same words was posted before, as this.
    Again(Arc<Message>),
    /// The same id was posted before with other words.
    Conflict,
    /// It could not be made safe, for this reason. It was not kept.
    Failed(String),
}

/// A room as the store found it at start.
#[derive(Debug)]
pub struct Kept {
    /// The room.
    pub room: RoomName,
    /// Its newest messages, oldest first.
    pub latest: Vec<Arc<Message>>,
    /// The newest number that is not among them; 0 if they are all there is.
    pub forgotten: Seq,
}

/// A post that has been decided, on its way back to who sent it.
#[derive(Debug)]
pub struct Settled<T> {
    /// The room it was for.
    pub room: RoomName,
    /// What became of it.
    pub outcome: Outcome,
    /// The ticket it came with.
    pub ticket: T,
}

/// What the journal writes to: one of the two places.
trait Ledger: Send {
    /// Decides a batch, in order, and makes what is new in it safe: all of
    /// it, or on an error none of it. One outcome for each post.
    fn record(&mut self, batch: &[Post<()>]) -> Result<Vec<Outcome>, Trouble>;

    /// Leaves everything tidy. Nothing is lost without it.
    fn close(&mut self) {}
}

/// Why a batch could not be made safe.
#[derive(Debug, PartialEq, Eq)]
enum Trouble {
    /// None of it was kept, and the next batch may be luckier.
    Passing(String),
    /// Nobody can tell what is on the disk now.
    Fatal(String),
}

/// The outcome of a draft whose id `earlier` already bears.
fn repeated(earlier: Arc<Message>, draft: &Draft) -> Outcome {
    if earlier.is_retry(draft) {
        Outcome::Again(earlier)
    } else {
        Outcome::Conflict
    }
}
