//! The SQLite file: its tables, its rows, and the ledger that writes them.
//!
//! It is written by one connection, in WAL mode with `synchronous=FULL`: one
//! fsync of the log per transaction, and what was committed survives a power
//! cut (<https://sqlite.org/wal.html>, <https://sqlite.org/pragma.html>).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::ErrorCode::{
    ConstraintViolation, DatabaseBusy, DatabaseCorrupt, DatabaseLocked,
    DiskFull, NotADatabase, ReadOnly, SystemIoFailure, TooBig,
};
use rusqlite::types::Type;
use rusqlite::{
    CachedStatement, Connection, FileControl, OptionalExtension, Row, ffi,
    params,
};

use super::{Kept, Ledger, Outcome, Post, Trouble, repeated};
use crate::chat::{Message, MessageId, Nick, RoomName, Rule, Seq, Text};
use crate::limits::MAX_SEQ;

/// Marks the file as ours: "twin" (<https://sqlite.org/pragma.html>,
/// `application_id`).
pub(super) const APPLICATION_ID: i64 = 0x7477_696e;

/// The format of the tables below, as `user_version`.
pub(super) const FORMAT: i64 = 1;

/// How long closing waits for others who read from the log.
const LAST_WAIT: Duration = Duration::from_millis(500);

/// The tables. A message lies beside the others of its room, in their order,
/// so that scrolling back reads neighbouring pages. That its room exists is
/// not declared: checking it would cost each message another look-up, and the
/// ledger takes the number from that very row.
pub(super) const SCHEMA: &str = "
    create table rooms (
        id    integer primary key,
        name  text not null unique
    ) strict;

    create table messages (
        room  integer not null,
        seq   integer not null,
        at    integer not null,
        nick  text not null,
        text  text not null,
        id    text not null,
        primary key (room, seq)
    ) strict, without rowid;

    create unique index messages_by_id on messages (room, id);
";

/// Writes messages to the file.
pub(super) struct SqliteLedger {
    /// Closed before the lock beside the file is let go: fields are dropped
    /// in the order they are written in.
    connection: Connection,
    /// The rooms that have been posted to, as of the last commit or later.
    rooms: HashMap<RoomName, Numbered>,
    _lock: File,
}

/// A room's row, and its newest number.
struct Numbered {
    id: i64,
    last: Seq,
}

impl SqliteLedger {
    /// A ledger over a file that has been checked, and is ours while `lock`
    /// is held.
    pub(super) fn new(connection: Connection, lock: File) -> SqliteLedger {
        SqliteLedger { connection, rooms: HashMap::new(), _lock: lock }
    }

    fn transact(
        &mut self,
        batch: &[Post<()>],
    ) -> rusqlite::Result<Vec<Outcome>> {
        self.connection.execute_batch("begin immediate")?;
        let outcomes: rusqlite::Result<Vec<Outcome>> =
            batch.iter().map(|post| self.decide(post)).collect();
        let outcomes = outcomes?;
        self.connection.execute_batch("commit")?;
        Ok(outcomes)
    }

    /// Decides one post. What is wrong with this post alone is its outcome;
    /// an error is wrong with the whole batch.
    fn decide(&mut self, post: &Post<()>) -> rusqlite::Result<Outcome> {
        match self.insert(post) {
            Err(error) if is_of_one_row(&error) => {
                Ok(Outcome::Failed(sentence(&error)))
            }
            decided => decided,
        }
    }

    fn insert(&mut self, post: &Post<()>) -> rusqlite::Result<Outcome> {
        let room = numbered(&self.connection, &mut self.rooms, &post.room)?;
        if room.last >= MAX_SEQ {
            let reason = "the room has no numbers left";
            return Ok(Outcome::Failed(reason.into()));
        }
        let message = post.draft.clone().numbered(room.last + 1, post.at);
        let inserted = self
            .connection
            .prepare_cached(
                "insert into messages (room, seq, at, nick, text, id)
                 values (?, ?, ?, ?, ?, ?)
                 on conflict (room, id) do nothing",
            )?
            .execute(params![
                room.id,
                message.seq.cast_signed(),
                message.at,
                &*message.nick,
                &*message.text,
                &*message.id,
            ])?;
        if inserted == 0 {
            let earlier = by_id(&self.connection, room.id, &message.id)?;
            return Ok(repeated(Arc::new(earlier), &post.draft));
        }
        room.last = message.seq;
        Ok(Outcome::New(Arc::new(message)))
    }

    /// Whether the file is no longer where it was opened. Writing to it would
    /// still work, and be lost at the end.
    fn has_moved(&self) -> bool {
        let mut moved = 0;
        let asked = self
            .connection
            .file_control(None::<&str>, FileControl::HasMoved(&mut moved));
        asked.is_ok() && moved != 0
    }

    /// Gives the batch's numbers back: nobody has seen them.
    fn roll_back(&mut self) {
        self.rooms.clear();
        // SQLite has already rolled back after some errors, and says so by
        // being outside of a transaction again.
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("rollback")
        {
            tracing::error!("rolling back failed: {error}");
        }
    }
}

impl Ledger for SqliteLedger {
    fn record(&mut self, batch: &[Post<()>]) -> Result<Vec<Outcome>, Trouble> {
        if self.has_moved() {
            let reason = "the file has been moved or deleted";
            return Err(Trouble::Passing(reason.into()));
        }
        self.transact(batch).map_err(|error| {
            self.roll_back();
            trouble(&error)
        })
    }

    /// Moves what is in the log into the file, so that the file alone is
    /// everything.
    fn close(&mut self) {
        // A backup being made beside us may keep the log in use for longer.
        let _ = self.connection.busy_timeout(LAST_WAIT);
        let moved = self.connection.query_row(
            "pragma wal_checkpoint (truncate)",
            [],
            |_| Ok(()),
        );
        if let Err(error) = moved {
            tracing::warn!("the log stays beside the file: {error}");
        }
    }
}

/// The room's row and newest number, read from the file unless known.
fn numbered<'a>(
    connection: &Connection,
    known: &'a mut HashMap<RoomName, Numbered>,
    name: &RoomName,
) -> rusqlite::Result<&'a mut Numbered> {
    let unknown = match known.entry(name.clone()) {
        Entry::Occupied(room) => return Ok(room.into_mut()),
        Entry::Vacant(unknown) => unknown,
    };
    connection
        .prepare_cached(
            "insert into rooms (name) values (?) on conflict do nothing",
        )?
        .execute([&**name])?;
    let room = connection
        .prepare_cached(
            "select id, (select max(seq) from messages where room = rooms.id)
             from rooms where name = ?",
        )?
        .query_row([&**name], |row| {
            let last = match row.get::<_, Option<i64>>(1)? {
                Some(last) => seq(last, 1)?,
                None => 0,
            };
            Ok(Numbered { id: row.get(0)?, last })
        })?;
    Ok(unknown.insert(room))
}

fn by_id(
    connection: &Connection,
    room: i64,
    id: &MessageId,
) -> rusqlite::Result<Message> {
    connection
        .prepare_cached(
            "select seq, at, nick, text, id from messages
             where room = ? and id = ?",
        )?
        .query_row(params![room, &**id], message)
}

/// The row of a room, if it has one.
pub(super) fn room_id(
    connection: &Connection,
    name: &RoomName,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("select id from rooms where name = ?")?
        .query_row([&**name], |row| row.get(0))
        .optional()
}

/// The newest `limit` messages of a room from before `seq`, newest first.
pub(super) fn newest(
    connection: &Connection,
    room: i64,
    seq: Seq,
    limit: usize,
) -> rusqlite::Result<Vec<Message>> {
    let before = i64::try_from(seq).unwrap_or(i64::MAX);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut select: CachedStatement<'_> = connection.prepare_cached(
        "select seq, at, nick, text, id from messages
         where room = ? and seq < ? order by seq desc limit ?",
    )?;
    select.query_map([room, before, limit], message)?.collect()
}

/// Every room that has messages, with the newest `keep` of them.
pub(super) fn rooms(
    connection: &Connection,
    keep: usize,
) -> rusqlite::Result<Vec<Kept>> {
    let mut rooms = connection.prepare("select id, name from rooms")?;
    let rooms = rooms
        .query_map([], |row| Ok((row.get(0)?, word(row, 1, RoomName::new)?)))?;
    let mut all = Vec::new();
    for room in rooms {
        let (id, room) = room?;
        let mut latest =
            newest(connection, id, Seq::MAX, keep.saturating_add(1))?;
        if latest.is_empty() {
            continue;
        }
        let forgotten = latest.get(keep).map_or(0, |message| message.seq);
        latest.truncate(keep);
        let latest = latest.into_iter().rev().map(Arc::new).collect();
        all.push(Kept { room, latest, forgotten });
    }
    Ok(all)
}

/// A message from its row. A row that breaks a rule of the chat is damaged,
/// or somebody else wrote it.
fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        seq: seq(row.get(0)?, 0)?,
        at: row.get(1)?,
        nick: word(row, 2, Nick::new)?,
        text: word(row, 3, Text::new)?,
        id: word(row, 4, MessageId::new)?,
    })
}

fn seq(number: i64, column: usize) -> rusqlite::Result<Seq> {
    match Seq::try_from(number) {
        Ok(seq) if (1..=MAX_SEQ).contains(&seq) => Ok(seq),
        _ => Err(rusqlite::Error::IntegralValueOutOfRange(column, number)),
    }
}

fn word<W>(
    row: &Row<'_>,
    column: usize,
    check: fn(&str) -> Result<W, Rule>,
) -> rusqlite::Result<W> {
    let text = row.get_ref(column)?.as_str()?;
    check(text).map_err(|rule| {
        rusqlite::Error::FromSqlConversionFailure(
            column,
            Type::Text,
            rule.detail().into(),
        )
    })
}

/// Whether an error is about one row only, and leaves the transaction whole.
fn is_of_one_row(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(code) => matches!(code, ConstraintViolation | TooBig),
        None => true,
    }
}

/// What an error at writing means for the journal.
pub(super) fn trouble(error: &rusqlite::Error) -> Trouble {
    // After a failed fsync the kernel may forget what it could not write, and
    // the next fsync may succeed over it: whether the batch is on the disk
    // can no longer be found out (Rebello et al., "Can Applications Recover
    // from fsync Failures?", USENIX ATC 2020).
    let code = error.sqlite_error().map(|error| error.extended_code);
    let unsure = matches!(
        code,
        Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)
    );
    match unsure {
        true => Trouble::Fatal(format!("the disk did not confirm: {error}")),
        false => Trouble::Passing(sentence(error)),
    }
}

/// An error of SQLite's in plain words.
pub(super) fn sentence(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(DiskFull) => "the disk is full".into(),
        Some(ReadOnly) => "the file can only be read".into(),
        Some(SystemIoFailure) => format!("the disk failed: {error}"),
        Some(DatabaseBusy | DatabaseLocked) => {
            "another program keeps the file locked".into()
        }
        Some(DatabaseCorrupt | NotADatabase) => {
            format!("the file is damaged: {error}")
        }
        Some(_) => error.to_string(),
        None => format!("a row of the file is damaged: {error}"),
    }
}
