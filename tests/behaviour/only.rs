//! What only one of the servers has. The one file where tests name them.

use std::time::{Duration, Instant};

use crate::crowd::crowd;
use crate::harness::{Kind, Server, Setup, Wire, eventually, get};

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

/// How long a client waits for an answer while another's work is done.
fn wait_beside_work(on: Kind) -> Duration {
    let server = Setup::new(on).flag("--demo").start();
    let server: &Server = &server;
    let idle = server.processor_time() + Duration::from_millis(50);
    std::thread::scope(|scope| {
        let work = scope.spawn(|| get(server, "/api/work?ms=1500"));
        eventually("the work begins", || server.processor_time() > idle);
        let start = Instant::now();
        assert_eq!(get(server, "/healthz").status, 200);
        let waited = start.elapsed();
        assert_eq!(work.join().unwrap().status, 200);
        waited
    })
}

#[test]
fn work_keeps_nobody_waiting_where_everyone_has_a_thread() {
    let waited = wait_beside_work(THREADS);
    assert!(waited < Duration::from_millis(700), "{waited:?}");
}

#[test]
fn work_keeps_everybody_waiting_where_there_is_one() {
    let waited = wait_beside_work(EVENT_LOOP);
    assert!(waited > Duration::from_millis(700), "{waited:?}");
}

#[test]
fn a_thread_per_client_speaks_no_http_2_and_says_so() {
    let server = Server::start(THREADS);
    let mut wire = Wire::open(&server);
    wire.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    wire.answer().refused(505, "http_version");
    wire.closed();
}
