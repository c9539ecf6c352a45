//! Opening a place: every doubt about a file is settled here, before the
//! server takes its first client. A file that is not what it should be is
//! refused and left as it is; only an empty or a missing one is begun.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::memory::MemoryLedger;
use super::refusal::{OpenError, Refusal};
use super::sqlite::{self, SqliteLedger};
use super::{Archive, Kept, Ledger, Place};
use crate::chat::Seq;

/// How long a predecessor may take to let go of the file.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long to wait for another program that holds a lock inside the file,
/// such as a backup being made by `sqlite3`.
const BUSY: Duration = Duration::from_secs(5);

/// The largest file that is checked from end to end at start. It takes about
/// a second for each GiB, and nobody waits for the start of a small chat.
const CHECKED: u64 = 64 << 20;

/// The first bytes of every SQLite file (<https://sqlite.org/fileformat.html>).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// A place that has been opened, and takes no posts yet.
pub struct Store {
    ledger: Box<dyn Ledger>,
    archive: Archive,
    rooms: Vec<Kept>,
}

impl Store {
    /// Opens a place, and makes it if it is not there. `keep` is how many
    /// messages of each room stay in memory. In memory the rooms' numbers
    /// begin after `start`, which is to grow from one start to the next: the
    /// clock, in microseconds.
    ///
    /// # Errors
    /// The file cannot be used as it is; the error says what to do about it.
    pub fn open(
        place: &Place,
        keep: usize,
        start: Seq,
    ) -> Result<Store, OpenError> {
        match place {
            Place::Memory => Ok(Store {
                ledger: Box::new(MemoryLedger::new(keep, start)),
                archive: Archive::none(),
                rooms: Vec::new(),
            }),
            Place::File(path) => open_file(path, keep)
                .map_err(|refusal| OpenError { path: path.clone(), refusal }),
        }
    }

    /// Every room that has messages, with its newest ones. Only the first
    /// call gets them: they are large, and belong to the caller.
    pub fn take_rooms(&mut self) -> Vec<Kept> {
        std::mem::take(&mut self.rooms)
    }

    /// Reads the older messages of this place.
    pub fn archive(&self) -> Archive {
        self.archive.clone()
    }

    pub(super) fn into_ledger(self) -> Box<dyn Ledger> {
        self.ledger
    }
}

fn open_file(path: &Path, keep: usize) -> Result<Store, Refusal> {
    // The way to the file is followed to its end, so that nobody else can
    // have it open under another name.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let lock = lock(path)?;
    let length = find_or_make(path)?;
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let new = recognise(&connection)?;
    configure(&connection)?;
    if new {
        create_tables(&connection)?;
    } else {
        check_length(&connection, path, length)?;
        if length <= CHECKED {
            check(&connection)?;
        }
    }
    let rooms = sqlite::rooms(&connection, keep)?;
    let archive =
        Archive::open(|| connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY))?;
    let ledger = Box::new(SqliteLedger::new(connection, lock));
    Ok(Store { ledger, archive, rooms })
}

/// Keeps other twinchats out, for as long as the answer lives. The lock is on
/// a file beside the database: closing any descriptor of the database itself
/// would drop SQLite's own locks on it (fcntl(2), "Record locks").
fn lock(path: &Path) -> Result<File, Refusal> {
    let file = owned_by_us().open(beside(path, "-lock"))?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                return Err(Refusal::InUse);
            }
            Err(TryLockError::WouldBlock) => {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// Makes sure that there is a file with the right first bytes, or an empty
/// one; returns its length.
fn find_or_make(path: &Path) -> Result<u64, Refusal> {
    let length =
        |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
    let made = !path.exists();
    let empty = length(path) == 0;
    // SQLite would delete the log that belongs to the file without a word.
    if empty && length(&beside(path, "-wal")) > 0 {
        return Err(Refusal::Orphaned);
    }
    let mut file = owned_by_us().open(path)?;
    if made {
        sync_directory(path)?;
    }
    if empty {
        return Ok(0);
    }
    // SQLite would take a few bytes of anything for an empty file.
    let mut magic = [0; MAGIC.len()];
    match file.read_exact(&mut magic) {
        Ok(()) if magic == *MAGIC => Ok(file.metadata()?.len()),
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => {
            Err(error.into())
        }
        _ => Err(Refusal::NotADatabase),
    }
}

/// Options that make a file if need be, for its owner's eyes only.
fn owned_by_us() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A new file's name is safe only once its directory is (fsync(2), "Notes").
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    File::open(directory)?.sync_all()
}

/// How long a file is; 0 if it is not there.
fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}

/// The path of a file beside `path`, named after it.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    // Each connection is used by one thread at a time, and says so.
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// Whether the file is empty and free to be used; refuses one that is
/// neither that nor ours. Changes nothing.
fn recognise(connection: &Connection) -> Result<bool, Refusal> {
    let number = |pragma| {
        connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
    };
    let count = "select count(*) from sqlite_schema";
    let tables: i64 = connection.query_row(count, [], |row| row.get(0))?;
    let owner = number("application_id")?;
    let format = number("user_version")?;
    match (owner, format) {
        (0, 0) if tables == 0 => Ok(true),
        (sqlite::APPLICATION_ID, sqlite::FORMAT) => Ok(false),
        (sqlite::APPLICATION_ID, newer) if newer > sqlite::FORMAT => {
            Err(Refusal::Newer(newer))
        }
        (sqlite::APPLICATION_ID, _) => {
            Err(Refusal::Damaged(format!("its format is {format}")))
        }
        _ => Err(Refusal::Foreign),
    }
}

pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    // The last two matter on macOS only, where a plain fsync stops at the
    // disk's own cache.
    connection.execute_batch(
        "pragma journal_mode = wal;
         pragma synchronous = full;
         pragma wal_autocheckpoint = 1000;
         pragma journal_size_limit = 67108864;
         pragma fullfsync = on;
         pragma checkpoint_fullfsync = on;",
    )
}

fn create_tables(connection: &Connection) -> rusqlite::Result<()> {
    let owner = sqlite::APPLICATION_ID;
    let format = sqlite::FORMAT;
    let schema = sqlite::SCHEMA;
    connection.execute_batch(&format!(
        "begin immediate;
         {schema}
         pragma application_id = {owner};
         pragma user_version = {format};
         commit;"
    ))
}

/// Refuses a file that ends within a page, unless the log beside it still
/// has what is missing: SQLite would read the rest of that page as zeros.
fn check_length(
    connection: &Connection,
    path: &Path,
    found: u64,
) -> Result<(), Refusal> {
    let page: u32 =
        connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let torn = !found.is_multiple_of(page.into());
    if torn && length(&beside(path, "-wal")) == 0 {
        return Err(Refusal::Damaged("it ends within a page".into()));
    }
    Ok(())
}

/// Reads the whole file once, and refuses it if anything contradicts itself.
fn check(connection: &Connection) -> Result<(), Refusal> {
    let report: String =
        connection.query_row("pragma quick_check (1)", [], |row| row.get(0))?;
    match report.as_str() {
        "ok" => Ok(()),
        found => Err(Refusal::Damaged(found.replace('\n', ", "))),
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        match error.kind() {
            ErrorKind::NotFound => Refusal::NoDirectory,
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Refusal::NotAllowed(error.to_string())
            }
            _ => Refusal::Other(error.to_string()),
        }
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Refusal {
        let why = sqlite::sentence(&error);
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Refusal::NotADatabase,
            Some(ErrorCode::DatabaseCorrupt) => {
                Refusal::Damaged(error.to_string())
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Refusal::NotAllowed(why)
            }
            Some(_) => Refusal::Other(why),
            // Not SQLite's, but a row's.
            None => Refusal::Damaged(error.to_string()),
        }
    }
}
