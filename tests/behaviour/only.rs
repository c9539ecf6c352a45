//! What only one of the servers has. The one file where tests name them.

use crate::crowd::crowd;
use crate::harness::{Kind, Setup};

const THREADS: Kind = Kind("threads");
const EVENT_LOOP: Kind = Kind("event-loop");

#[test]
fn a_mailbox_for_every_reader_is_the_same_chat() {
    crowd(&Setup::new(THREADS).option("--fanout", "mailbox").start());
}

#[test]
fn a_loop_has_no_mailboxes_and_says_so() {
    let setup = Setup::new(EVENT_LOOP).option("--fanout", "mailbox");
    let output = setup.command().output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("--fanout"), "{said}");
}
