//! The messages that are older than what the servers keep in memory.
//!
//! Reading them waits for the disk, so it is done by whoever scrolls back,
//! never by the journal: SQLite's readers see the last committed state and
//! neither wait for a writer nor hold one up (<https://sqlite.org/wal.html>).

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::Connection;

use super::sqlite;
use crate::chat::{Page, RoomName, Seq};

/// Connections for reading. Who finds none free waits: a page takes well
/// under a millisecond, and each connection costs two descriptors.
const READERS: usize = 4;

/// Reads older messages. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Archive {
    /// `None` in memory, where what is forgotten is gone.
    readers: Option<Readers>,
}

/// A pool: a channel holds the connections that nobody uses.
#[derive(Clone, Debug)]
struct Readers {
    free: Receiver<Connection>,
    done: Sender<Connection>,
}

impl Archive {
    /// The archive of a place that keeps nothing.
    pub(super) fn none() -> Archive {
        Archive { readers: None }
    }

    /// The archive of a SQLite file, by a way to open it for reading.
    pub(super) fn open(
        connect: impl Fn() -> rusqlite::Result<Connection>,
    ) -> rusqlite::Result<Archive> {
        let (done, free) = bounded(READERS);
        for _ in 0..READERS {
            done.send(connect()?).expect("both ends of the pool are here");
        }
        Ok(Archive { readers: Some(Readers { free, done }) })
    }

    /// The newest `limit` messages of a room from before `seq`, oldest first;
    /// `more` says whether there are older ones. A room nobody has posted to
    /// has an empty page. Waits for the disk.
    ///
    /// # Errors
    /// A sentence on what is wrong with the disk or the file.
    pub fn before(
        &self,
        room: &RoomName,
        seq: Seq,
        limit: usize,
    ) -> Result<Page, String> {
        let Some(readers) = &self.readers else {
            return Ok(Page::older(Vec::new(), seq));
        };
        let mine = readers.free.recv().expect("both ends of the pool are here");
        let page = older(&mine, room, seq, limit);
        readers.done.send(mine).expect("both ends of the pool are here");
        page.map_err(|error| sqlite::sentence(&error))
    }
}

fn older(
    connection: &Connection,
    room: &RoomName,
    seq: Seq,
    limit: usize,
) -> rusqlite::Result<Page> {
    let Some(room) = sqlite::room_id(connection, room)? else {
        return Ok(Page::older(Vec::new(), seq));
    };
    // One more than asked for tells whether there is more.
    let mut newest_first =
        sqlite::newest(connection, room, seq, limit.saturating_add(1))?;
    let more = newest_first.len() > limit;
    newest_first.truncate(limit);
    let oldest_first = newest_first.into_iter().rev().map(Arc::new).collect();
    Ok(Page { more, ..Page::older(oldest_first, seq) })
}
