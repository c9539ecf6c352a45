//! Files that are not what they should be: refused with a sentence, and left
//! as they are.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::OnceLock;
use std::thread;

use proptest::prelude::*;

use super::help::*;
use crate::store::{Place, Refusal, Store};

/// What stands against a place.
fn refused(place: &Place) -> Refusal {
    match Store::open(place, KEEP, START) {
        Ok(_) => panic!("{place:?} was opened"),
        Err(error) => {
            assert!(error.to_string().contains(" was not opened: "));
            error.refusal
        }
    }
}

/// Fills a new file with 200 messages of a kilobyte, and closes it.
fn fill(place: &Place) {
    let running = start(open(place));
    let text = "t".repeat(1000);
    running.settle((1..=200).map(|n| post("a", &format!("x{n}"), &text)));
    running.journal.close();
}

/// Asserts that a file with these bytes is refused, and not touched.
fn refused_untouched(path: &Path, bytes: &[u8]) -> Refusal {
    fs::write(path, bytes).unwrap();
    let refusal = refused(&Place::File(path.into()));
    assert!(fs::read(path).unwrap() == bytes, "the file was changed");
    refusal
}

#[test]
fn an_empty_file_is_a_new_one() {
    let (_directory, place, path) = file();
    fs::write(&path, "").unwrap();
    assert_eq!(start(open(&place)).one("a", "x", "hi"), Short::New(1));
}

#[test]
fn a_new_file_is_its_owners_alone() {
    let (directory, place, _) = file();
    let running = start(open(&place));
    running.one("a", "x", "hi");
    for entry in fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.path());
    }
}

#[test]
fn garbage() {
    let (_directory, _, path) = file();
    let long: Vec<u8> = (0..10_000u32).map(|n| (n * 31 % 251) as u8).collect();
    for bytes in [&b"x"[..], b"SQLite format 2\0", b"Dear diary,\n", &long] {
        let refusal = refused_untouched(&path, bytes);
        assert_eq!(refusal, Refusal::NotADatabase);
    }
    // The right first bytes, and nothing behind them.
    refused_untouched(&path, b"SQLite format 3\0");
    let mut head = b"SQLite format 3\0".to_vec();
    head.extend(&long);
    refused_untouched(&path, &head);
}

#[test]
fn a_truncated_file() {
    let (_directory, place, path) = file();
    fill(&place);
    let whole = fs::read(&path).unwrap();
    for length in [100, 1000, 4096, 5000, 20 * 4096, whole.len() - 1] {
        let refusal = refused_untouched(&path, &whole[..length]);
        let damaged = matches!(refusal, Refusal::Damaged(_));
        assert!(damaged, "{length}: {refusal:?}");
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(stored(&place, "a").len(), 200);
}

#[test]
fn flipped_bytes() {
    let (_directory, place, path) = file();
    fill(&place);
    let whole = fs::read(&path).unwrap();
    // The first page's table, and the heads of other pages.
    for at in [100, 105, 4096, 8192 + 3, 5 * 4096 + 1, 9 * 4096] {
        let mut bytes = whole.clone();
        bytes[at..at + 4].iter_mut().for_each(|byte| *byte ^= 0xff);
        let refusal = refused_untouched(&path, &bytes);
        assert!(matches!(refusal, Refusal::Damaged(_)), "{at}: {refusal:?}");
    }
}

#[test]
fn an_emptied_file_with_messages_in_its_log() {
    let (_directory, place, path) = file();
    let log = path.with_file_name("twinchat.db-wal");
    fs::write(&log, "messages").unwrap();
    assert_eq!(refused(&place), Refusal::Orphaned);
    assert!(!path.exists(), "refused, but made");
    fs::write(&path, "").unwrap();
    assert_eq!(refused(&place), Refusal::Orphaned);
    assert_eq!(fs::read(&log).unwrap(), b"messages");
}

#[test]
fn another_version_or_application() {
    let (_directory, place, path) = file();
    fill(&place);
    raw(&path).pragma_update(None, "user_version", 2).unwrap();
    assert_eq!(refused(&place), Refusal::Newer(2));
    raw(&path).pragma_update(None, "user_version", 1).unwrap();
    raw(&path).pragma_update(None, "application_id", 7).unwrap();
    assert_eq!(refused(&place), Refusal::Foreign);
    let mark = crate::store::sqlite::APPLICATION_ID;
    raw(&path).pragma_update(None, "application_id", mark).unwrap();
    assert_eq!(stored(&place, "a").len(), 200);

    let (_directory, place, path) = file();
    raw(&path).execute_batch("create table t (x)").unwrap();
    assert_eq!(refused(&place), Refusal::Foreign);
}

#[test]
fn no_directory_and_not_a_file() {
    let (directory, _, path) = file();
    let lost = Place::File(path.join("deeper").join("twinchat.db"));
    assert_eq!(refused(&lost), Refusal::NoDirectory);
    let place = Place::File(directory.path().into());
    assert!(matches!(refused(&place), Refusal::Other(_)));
}

#[test]
fn one_twinchat_at_a_time() {
    let (directory, place, path) = file();
    let first = open(&place);
    assert_eq!(refused(&place), Refusal::InUse);
    let alias = directory.path().join("alias.db");
    std::os::unix::fs::symlink(&path, &alias).unwrap();
    assert_eq!(refused(&Place::File(alias)), Refusal::InUse);
    // A predecessor that is just ending is waited for.
    thread::scope(|scope| {
        let second = scope.spawn(|| open(&place));
        drop(first);
        second.join().unwrap();
    });
}

#[test]
fn a_damaged_row_is_an_error_where_it_is_read() {
    let (_directory, place, path) = file();
    let store = open(&place);
    let archive = store.archive();
    let running = start(store);
    for n in 1..=9 {
        running.one("a", &format!("x{n}"), "hi");
    }
    let spoil = "update messages set nick = char (10) where seq = 2";
    raw(&path).execute(spoil, []).unwrap();
    // Its own post is refused, and the others of its batch are not.
    let batch = [post("a", "x2", "hi"), post("a", "new", "hi")];
    let outcomes = running.settle(batch);
    let Short::Failed(reason) = short(&outcomes[0]) else {
        panic!("{outcomes:?}");
    };
    assert!(reason.starts_with("a row of the file is damaged"), "{reason}");
    assert_eq!(short(&outcomes[1]), Short::New(10));
    let error = archive.before(&room("a"), 5, 9).unwrap_err();
    assert!(error.starts_with("a row of the file is damaged"), "{error}");
    assert_eq!(archive.before(&room("a"), 5, 1).unwrap().messages.len(), 1);
    running.journal.close();
    // Not among the newest: found when somebody scrolls back to it.
    drop(open(&place));
    let spoil = "update rooms set name = 'NOT A ROOM'";
    raw(&path).execute(spoil, []).unwrap();
    assert!(matches!(refused(&place), Refusal::Damaged(_)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A flipped byte may be anything, even another good text. But it is
    /// never a panic, and what is refused stays as it is.
    #[test]
    fn flipped_bytes_never_panic(
        flips in proptest::collection::vec((any::<u32>(), 1..=255u8), 1..50)
    ) {
        static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
        let mut bytes = WHOLE.get_or_init(|| {
            let (_directory, place, path) = file();
            fill(&place);
            fs::read(&path).unwrap()
        }).clone();
        for (at, flip) in flips {
            let at = at as usize % bytes.len();
            bytes[at] ^= flip;
        }
        let (_directory, place, path) = file();
        fs::write(&path, &bytes).unwrap();
        let Ok(store) = Store::open(&place, KEEP, START) else {
            prop_assert!(fs::read(&path).unwrap() == bytes);
            return Ok(());
        };
        let archive = store.archive();
        let _ = archive.before(&room("a"), u64::MAX, 1000);
        let mut ledger = store.into_ledger();
        let batch: Vec<_> = (1..=250)
            .map(|n| post("a", &format!("x{n}"), "hi"))
            .collect();
        if let Ok(outcomes) = ledger.record(&batch) {
            prop_assert_eq!(outcomes.len(), batch.len());
        }
    }
}
