//! Why a place was not opened, in sentences that say what to do.

use std::fmt;
use std::path::PathBuf;

/// A place that was not opened. Nothing in it was changed.
#[derive(Debug)]
pub struct OpenError {
    /// The file in question.
    pub path: PathBuf,
    /// What stands against it.
    pub refusal: Refusal,
}

/// What stands against opening a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The directory it should be in does not exist.
    NoDirectory,
    /// The system forbids to read it, to write it, or to make it.
    NotAllowed(String),
    /// Another process has it open.
    InUse,
    /// It does not begin as a SQLite database does.
    NotADatabase,
    /// It is a SQLite database of some other application.
    Foreign,
    /// It was made by a later version, which left this number in it.
    Newer(i64),
    /// Its content contradicts itself.
    Damaged(String),
    /// It is gone or empty, but the write-ahead log beside it is not.
    Orphaned,
    /// Anything else, as the system tells it.
    Other(String),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        write!(f, "{path} was not opened: ")?;
        match &self.refusal {
            Refusal::NoDirectory => f.write_str(
                "its directory does not exist. Create that first, or choose \
                 another file.",
            ),
            Refusal::NotAllowed(why) => write!(
                f,
                "{why}. twinchat must be able to write it and to make files \
                 beside it. Change the permissions, or choose another file."
            ),
            Refusal::InUse => f.write_str(
                "another twinchat is using it. Stop that one, or choose \
                 another file.",
            ),
            Refusal::NotADatabase => f.write_str(
                "it is not a SQLite database. It has been left as it is. \
                 Choose another file, or put a backup in its place.",
            ),
            Refusal::Foreign => f.write_str(
                "it is another application's database. Choose another file.",
            ),
            Refusal::Newer(version) => write!(
                f,
                "it was made by a newer twinchat, in format {version}. Use \
                 that version again, or choose another file."
            ),
            Refusal::Damaged(what) => write!(
                f,
                "it is damaged ({what}). It has been left as it is. Put a \
                 backup in its place, or save what can be read with: \
                 sqlite3 '{path}' .recover | sqlite3 rescued.db"
            ),
            Refusal::Orphaned => write!(
                f,
                "it is missing or empty, but '{path}-wal' still holds \
                 messages. Put the file that belongs to it back, or move \
                 that one away to begin anew."
            ),
            Refusal::Other(why) => write!(f, "{why}."),
        }
    }
}

impl std::error::Error for OpenError {}
