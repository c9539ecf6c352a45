//! What is left after a crash, rebuilt from copies of the file and its log.
//!
//! A killed process leaves what it has written. A power cut leaves what was
//! synced, and of everything since then any part: nothing of it, a beginning,
//! single sectors, or garbage.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use rusqlite::types::Value;

use super::help::*;
use crate::store::open::configure;

/// The file and its log, as bytes.
#[derive(Clone)]
struct Image {
    file: Vec<u8>,
    log: Vec<u8>,
}

impl Image {
    fn take(path: &Path) -> Image {
        let log = path.with_file_name("twinchat.db-wal");
        Image { file: fs::read(path).unwrap(), log: fs::read(log).unwrap() }
    }

    /// The messages that a new process finds in room `a`.
    fn found(&self) -> Vec<(u64, String)> {
        let (_directory, place, path) = file();
        fs::write(&path, &self.file).unwrap();
        let log = path.with_file_name("twinchat.db-wal");
        fs::write(log, &self.log).unwrap();
        stored(&place, "a")
    }
}

/// One life of a file: what it looked like after each acknowledged batch.
struct Life {
    images: Vec<Image>,
    /// How many messages were acknowledged then.
    acked: Vec<usize>,
    messages: Vec<(u64, String)>,
    /// The same moment as the last image, but checkpointed.
    checkpointed: Image,
}

fn live(batches: usize) -> Life {
    let (_directory, place, path) = file();
    let mut ledger = open(&place).into_ledger();
    let mut life = Life {
        images: vec![Image::take(&path)],
        acked: vec![0],
        messages: Vec::new(),
        checkpointed: Image::take(&path),
    };
    for n in 0..batches {
        let mut batch = Vec::new();
        for _ in 0..=n * 7 % 5 {
            let seq = life.messages.len() as u64 + 1;
            let text = format!("{seq} {}", "t".repeat(n * 997 % 3000));
            batch.push(post("a", &format!("x{seq}"), text.trim()));
            life.messages.push((seq, text.trim().into()));
        }
        let outcomes = ledger.record(&batch).unwrap();
        assert_eq!(outcomes.len(), batch.len());
        life.images.push(Image::take(&path));
        life.acked.push(life.messages.len());
    }
    let checkpoint = "pragma wal_checkpoint (full)";
    raw(&path).query_row(checkpoint, [], |_| Ok(())).unwrap();
    life.checkpointed = Image::take(&path);
    life
}

#[test]
fn every_commit_is_synced() {
    let (_directory, place, path) = file();
    drop(open(&place));
    let connection = raw(&path);
    configure(&connection).unwrap();
    let value = |pragma| {
        let text = |row: &rusqlite::Row<'_>| row.get::<_, Value>(0);
        connection.pragma_query_value(None, pragma, text).unwrap()
    };
    assert_eq!(value("journal_mode"), Value::Text("wal".into()));
    assert_eq!(value("synchronous"), Value::Integer(2));
}

#[test]
fn a_killed_process_loses_nothing() {
    let life = live(20);
    for (image, acked) in life.images.iter().zip(&life.acked) {
        assert_eq!(image.found(), life.messages[..*acked]);
    }
    assert_eq!(life.checkpointed.found(), life.messages);
}

#[test]
fn a_power_cut_while_the_file_is_made() {
    let image = live(0).images.remove(0);
    for length in (0..image.log.len()).step_by(509) {
        let log = image.log[..length].to_vec();
        let torn = Image { file: image.file.clone(), log };
        assert_eq!(torn.found(), []);
    }
}

/// What a power cut does to a stretch of bytes that was not synced.
#[derive(Clone, Debug)]
enum Tear {
    /// Only so many thousandths of it were written.
    Cut(usize),
    /// The same, and behind it lies what was on the disk before.
    Garbage(usize, Vec<u8>),
    /// Of its sectors only these were written.
    Sectors(Vec<bool>),
}

fn tear() -> impl Strategy<Value = Tear> {
    let garbage = proptest::collection::vec(any::<u8>(), 0..5000);
    prop_oneof![
        (0..=1000usize).prop_map(Tear::Cut),
        (0..=1000usize, garbage).prop_map(|(n, g)| Tear::Garbage(n, g)),
        proptest::collection::vec(any::<bool>(), 1..64).prop_map(Tear::Sectors),
    ]
}

/// Sectors of `new` or, where they were not written, of `old`.
fn sectors(old: &[u8], new: &[u8], written: &[bool]) -> Vec<u8> {
    let mut bytes = old.to_vec();
    bytes.resize(new.len().max(old.len()), 0);
    let written = written.iter().cycle();
    for (n, (sector, written)) in new.chunks(512).zip(written).enumerate() {
        if *written {
            bytes[n * 512..n * 512 + sector.len()].copy_from_slice(sector);
        }
    }
    bytes
}

impl Tear {
    fn apply(&self, unsynced: &[u8]) -> Vec<u8> {
        let part = |n: &usize| &unsynced[..unsynced.len() * n / 1000];
        match self {
            Tear::Cut(n) => part(n).to_vec(),
            Tear::Garbage(n, garbage) => [part(n), garbage].concat(),
            Tear::Sectors(written) => sectors(&[], unsynced, written),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_power_cut_loses_nothing_acknowledged(
        cuts in proptest::collection::vec((0..12usize, tear()), 4)
    ) {
        let life = live(12);
        for (n, tear) in cuts {
            // The disk has all that was acknowledged, and is at work on the
            // next batch.
            let synced = &life.images[n].log;
            let next = &life.images[n + 1];
            prop_assert_eq!(&next.log[..synced.len()], &synced[..]);
            prop_assert!(next.file == life.images[0].file);
            let rest = tear.apply(&next.log[synced.len()..]);
            let log = [&synced[..], &rest].concat();
            let found = Image { file: next.file.clone(), log }.found();
            // The batch under way is there as a whole, or not at all.
            let before = found == life.messages[..life.acked[n]];
            let after = found == life.messages[..life.acked[n + 1]];
            prop_assert!(before || after, "{} found", found.len());
        }
    }

    #[test]
    fn a_power_cut_in_a_checkpoint_loses_nothing(
        written in proptest::collection::vec(any::<bool>(), 1..200),
        thousandths in 0..=1000usize,
    ) {
        let life = live(12);
        let last = life.images.last().unwrap();
        let (old, new) = (&last.file, &life.checkpointed.file);
        prop_assert!(old.len() < new.len());
        let mut file = sectors(old, new, &written);
        let grown = (new.len() - old.len()) * thousandths / 1000;
        file.truncate(old.len() + grown);
        let torn = Image { file, log: last.log.clone() };
        prop_assert_eq!(torn.found(), life.messages);
    }
}
