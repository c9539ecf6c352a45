//! Disks that are full, read-only, locked by others, or pulled away.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::ffi;

use super::help::*;
use crate::store::sqlite::trouble;
use crate::store::{Place, Refusal, Store, Trouble};

/// A small file system of its own, for as long as this lives.
struct Mount(PathBuf);

impl Mount {
    /// `None` where this user may not mount; says so.
    fn new(test: &str, size: &str) -> Option<Mount> {
        let path = tempfile::tempdir().unwrap().keep();
        let options = format!("size={size}");
        let mounted = mount(&["-t", "tmpfs", "-o", &options, "none"], &path);
        if !mounted {
            fs::remove_dir(&path).unwrap();
            eprintln!("SKIPPED {test}: only root can mount a small disk");
            return None;
        }
        Some(Mount(path))
    }

    fn place(&self) -> Place {
        Place::File(self.0.join("twinchat.db"))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        let _ = fs::remove_dir(&self.0);
    }
}

fn mount(options: &[&str], at: &Path) -> bool {
    let mount = Command::new("mount").args(options).arg(at).output();
    mount.is_ok_and(|output| output.status.success())
}

/// Posts batches of growing texts until the disk is full, then makes space,
/// then posts again; all that was acknowledged has to be there.
fn fill_and_recover(mount: &Mount, ballast: usize) {
    let place = mount.place();
    let store = open(&place);
    let archive = store.archive();
    let running = start(store);
    let weight = mount.0.join("ballast");
    fs::write(&weight, vec![1; ballast]).unwrap();

    let mut acked = Vec::new();
    let mut failures = 0;
    for n in 1.. {
        let text = format!("{n} {}", "t".repeat(n * 37 % 4000));
        match running.one("a", &format!("x{n}"), &text) {
            Short::New(seq) => acked.push((seq, text)),
            Short::Failed(reason) => {
                assert_eq!(reason, "the disk is full");
                failures += 1;
            }
            other => panic!("{other:?}"),
        }
        if failures == 10 {
            break;
        }
    }
    let page = archive.before(&room("a"), u64::MAX, 1 << 20).unwrap();
    assert_eq!(page.messages.len(), acked.len(), "reads go on");

    fs::remove_file(&weight).unwrap();
    let text = "there is space again";
    let next = acked.last().map_or(1, |(seq, _)| seq + 1);
    assert_eq!(running.one("a", "again", text), Short::New(next));
    acked.push((next, text.into()));
    running.journal.close();
    drop(archive);
    assert_eq!(stored(&place, "a"), acked);
}

#[test]
fn a_full_disk_fails_posts_until_there_is_space() {
    for (size, ballast) in
        [("512k", 100_000), ("512k", 290_000), ("12m", 2_000_000)]
    {
        let test = "a_full_disk_fails_posts_until_there_is_space";
        let Some(mount) = Mount::new(test, size) else { return };
        fill_and_recover(&mount, ballast);
    }
}

#[test]
fn a_disk_that_is_full_at_the_start() {
    let test = "a_disk_that_is_full_at_the_start";
    let Some(mount) = Mount::new(test, "64k") else { return };
    let weight = mount.0.join("ballast");
    let _ = fs::write(&weight, vec![1; 1 << 20]);
    let error = Store::open(&mount.place(), KEEP, START).err().unwrap();
    assert!(error.to_string().contains("full"), "{error}");
    fs::remove_file(&weight).unwrap();
    let Some(mount) = Mount::new(test, "1m") else { return };
    drop(open(&mount.place()));
}

#[test]
fn a_read_only_disk_is_refused() {
    let test = "a_read_only_disk_is_refused";
    let Some(disk) = Mount::new(test, "1m") else { return };
    drop(open(&disk.place()));
    assert!(mount(&["-o", "remount,ro"], &disk.0));
    let error = Store::open(&disk.place(), KEEP, START).err().unwrap();
    assert!(matches!(error.refusal, Refusal::NotAllowed(_)), "{error}");
    assert!(error.to_string().contains("Read-only"), "{error}");
}

#[test]
fn a_file_that_is_pulled_away_takes_no_posts_until_it_is_back() {
    let (_directory, place, path) = file();
    let running = start(open(&place));
    assert_eq!(running.one("a", "x1", "hi"), Short::New(1));
    let elsewhere = path.with_file_name("elsewhere.db");
    fs::rename(&path, &elsewhere).unwrap();
    let moved = "the file has been moved or deleted".to_owned();
    assert_eq!(running.one("a", "x2", "hi"), Short::Failed(moved));
    fs::rename(&elsewhere, &path).unwrap();
    assert_eq!(running.one("a", "x2", "hi"), Short::New(2));
}

#[test]
fn a_lock_held_by_another_program_is_waited_for() {
    let (_directory, place, path) = file();
    let running = start(open(&place));
    assert_eq!(running.one("a", "x1", "hi"), Short::New(1));
    let other = raw(&path);
    other.execute_batch("begin immediate").unwrap();
    running.journal.post(post("a", "x2", "hi")).unwrap();
    assert!(running.batches.is_empty());
    other.execute_batch("commit").unwrap();
    let batch = running.batches.recv().unwrap();
    assert_eq!(short(&batch[0].outcome), Short::New(2));
}

#[test]
fn a_backup_can_be_taken_beside_it() {
    let (directory, place, path) = file();
    let running = start(open(&place));
    running.settle((1..=50).map(|n| post("a", &format!("x{n}"), "hi")));
    let backup = directory.path().join("backup.db");
    raw(&path).execute("vacuum into ?", [backup.to_str()]).unwrap();
    assert_eq!(running.one("a", "x51", "hi"), Short::New(51));
    assert_eq!(stored(&Place::File(backup), "a").len(), 50);
}

#[test]
fn only_a_failed_fsync_is_fatal() {
    let error = |code| {
        trouble(&rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
    };
    for code in [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC] {
        assert!(matches!(error(code), Trouble::Fatal(_)));
    }
    for (code, reason) in [
        (ffi::SQLITE_FULL, "the disk is full"),
        (ffi::SQLITE_READONLY, "the file can only be read"),
        (ffi::SQLITE_BUSY, "another program keeps the file locked"),
    ] {
        assert_eq!(error(code), Trouble::Passing(reason.into()));
    }
    let failed = error(ffi::SQLITE_IOERR_WRITE);
    assert!(matches!(failed, Trouble::Passing(r) if r.contains("disk failed")));
}
