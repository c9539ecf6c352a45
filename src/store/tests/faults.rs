//! Disks that fail, for real: the test runs itself again under strace, which
//! makes chosen system calls on the log fail (strace(1), "Tampering").

use std::path::Path;
use std::process::Command;

use crossbeam_channel::{bounded, select};

use super::help::*;
use crate::store::{Journal, Place, Settled};

/// Tells the second run which file to post to.
const FILE: &str = "TWINCHAT_TEST_FILE";
/// Posts made by the second run.
const POSTS: usize = 30;

/// The second run: posts one by one, and prints what became of each.
fn post_and_tell(path: &Path) {
    let (send, settled) = bounded(1);
    let (tell, fatal) = bounded(1);
    let deliver = move |batch: Vec<Settled<()>>, _| {
        send.send(short(&batch[0].outcome)).unwrap();
    };
    let store = open(&Place::File(path.into()));
    let fatally = move |reason| tell.send(reason).unwrap();
    let journal = Journal::start(store, deliver, fatally).unwrap();
    for n in 0..POSTS {
        journal.post(post("a", &format!("x{n}"), "hi")).unwrap();
        select! {
            recv(settled) -> outcome => match outcome.unwrap() {
                Short::New(seq) => println!("\nNEW {seq}"),
                Short::Failed(reason) => println!("\nFAILED {reason}"),
                other => panic!("{other:?}"),
            },
            recv(fatal) -> reason => {
                println!("\nFATAL {}", reason.unwrap());
                break;
            }
        }
    }
    journal.close();
}

/// What the second run told, with `fault` injected into its calls on the log;
/// and how many messages are in the file afterwards.
fn run(test: &str, fault: &str) -> Option<(Vec<String>, usize)> {
    let trial = Command::new("strace").args(["-qq", "true"]).output();
    if !trial.is_ok_and(|trial| trial.status.success()) {
        eprintln!("SKIPPED {test}: strace is not here, or may not trace");
        return None;
    }
    let (_directory, place, path) = file();
    drop(open(&place));
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-P"])
        .arg(path.with_file_name("twinchat.db-wal"))
        .args(["-e", &format!("inject={fault}")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("store::tests::faults::{test}")])
        .arg("--nocapture")
        .env(FILE, &path)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let news = |line: &&str| {
        ["NEW", "FAILED", "FATAL"].iter().any(|word| line.starts_with(word))
    };
    let told = told.lines().filter(news).map(str::to_owned).collect();
    Some((told, stored(&place, "a").len()))
}

/// How many lines begin with a word.
fn count(told: &[String], word: &str) -> usize {
    told.iter().filter(|line| line.starts_with(word)).count()
}

#[test]
fn a_failed_fsync_is_fatal() {
    if let Some(path) = std::env::var_os(FILE) {
        return post_and_tell(Path::new(&path));
    }
    let fault = "fsync,fdatasync:error=EIO:when=9";
    let Some((told, stored)) = run("a_failed_fsync_is_fatal", fault) else {
        return;
    };
    let last = told.last().unwrap();
    assert!(last.starts_with("FATAL the disk did not confirm"), "{told:?}");
    let acked = count(&told, "NEW");
    assert_eq!((acked > 3, acked + 1), (true, told.len()), "{told:?}");
    // The batch in question may be there, or not: nobody was told.
    assert!((acked..=acked + 1).contains(&stored), "{stored}: {told:?}");
}

#[test]
fn a_failed_write_fails_its_batch_only() {
    if let Some(path) = std::env::var_os(FILE) {
        return post_and_tell(Path::new(&path));
    }
    let test = "a_failed_write_fails_its_batch_only";
    for (error, reason) in
        [("EIO", "FAILED the disk failed"), ("ENOSPC", "FAILED the disk is")]
    {
        let fault = format!("pwrite64:error={error}:when=20..23");
        let Some((told, stored)) = run(test, &fault) else { return };
        assert_eq!(told.len(), POSTS);
        let failed = count(&told, reason);
        assert!((1..=4).contains(&failed), "{told:?}");
        let acked = count(&told, "NEW");
        assert_eq!((acked, stored), (POSTS - failed, acked), "{told:?}");
        let last = format!("NEW {acked}");
        assert_eq!(told.last(), Some(&last), "the number was given back");
    }
}
