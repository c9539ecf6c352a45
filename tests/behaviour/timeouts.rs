//! What is too slow is given up, and only that.

use std::time::{Duration, Instant};

use crate::harness::{Kind, OpenBody, Setup, Socket, Wire, get, say};

on_every_server! {
    a_head_that_takes_too_long_is_given_up,
    a_trickle_does_not_renew_the_time_of_a_head,
    a_body_that_takes_too_long_is_given_up,
    a_trickle_does_not_renew_the_time_of_a_body,
    an_idle_connection_is_closed,
    a_used_connection_is_not_idle,
    a_silent_connection_is_closed,
    streams_and_held_polls_are_not_idle,
}

/// Sends a byte every 100 ms for so long.
fn trickle(wire: &mut Wire, time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end && wire.try_send("x").is_ok() {
        if !wire.is_quiet_for(Duration::from_millis(100)) {
            return;
        }
    }
}

const POST: &str = "POST /api/rooms/lobby/messages HTTP/1.1\r\nHost: a\r\n\
                    Content-Type: application/json\r\n\
                    Content-Length: 1000\r\n\r\n{";

fn a_head_that_takes_too_long_is_given_up(on: Kind) {
    let server = Setup::new(on).option("--head-timeout", "1").start();
    let mut wire = Wire::open(&server);
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n");
    let start = Instant::now();
    wire.answer().refused(408, "head_too_slow");
    wire.closed();
    let waited = start.elapsed();
    assert!(waited > Duration::from_millis(800), "{waited:?}");
    assert!(waited < Duration::from_secs(5), "{waited:?}");
}

fn a_trickle_does_not_renew_the_time_of_a_head(on: Kind) {
    let server = Setup::new(on).option("--head-timeout", "1").start();
    let mut wire = Wire::open(&server);
    wire.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
    let start = Instant::now();
    trickle(&mut wire, Duration::from_secs(8));
    let waited = start.elapsed();
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    wire.answer().refused(408, "head_too_slow");
    wire.closed();
}

fn a_body_that_takes_too_long_is_given_up(on: Kind) {
    let server = Setup::new(on).option("--body-timeout", "1").start();
    let mut wire = Wire::open(&server);
    wire.send(POST);
    let start = Instant::now();
    wire.answer().refused(408, "body_too_slow");
    wire.closed();
    assert!(start.elapsed() < Duration::from_secs(5));
}

fn a_trickle_does_not_renew_the_time_of_a_body(on: Kind) {
    let server = Setup::new(on).option("--body-timeout", "1").start();
    let mut wire = Wire::open(&server);
    wire.send(POST);
    let start = Instant::now();
    trickle(&mut wire, Duration::from_secs(8));
    let waited = start.elapsed();
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    wire.answer().refused(408, "body_too_slow");
    wire.closed();
}

fn an_idle_connection_is_closed(on: Kind) {
    let server = Setup::new(on).option("--idle-timeout", "1").start();
    let mut wire = Wire::open(&server);
    wire.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(wire.answer().status, 200);
    let start = Instant::now();
    wire.closed();
    let waited = start.elapsed();
    assert!(waited > Duration::from_millis(700), "{waited:?}");
    assert!(waited < Duration::from_secs(5), "{waited:?}");
}

fn a_used_connection_is_not_idle(on: Kind) {
    let server = Setup::new(on).option("--idle-timeout", "2").start();
    let mut wire = Wire::open(&server);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(4) {
        wire.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(wire.answer().status, 200);
        assert!(wire.is_quiet_for(Duration::from_millis(300)));
    }
}

fn a_silent_connection_is_closed(on: Kind) {
    let setup = Setup::new(on);
    let setup = setup.option("--idle-timeout", "1");
    let server = setup.option("--head-timeout", "1").start();
    let mut wire = Wire::open(&server);
    let start = Instant::now();
    wire.rest();
    assert!(start.elapsed() < Duration::from_secs(5));
}

fn streams_and_held_polls_are_not_idle(on: Kind) {
    let setup = Setup::new(on).option("--idle-timeout", "1");
    let setup = setup.option("--head-timeout", "1");
    let server = setup.option("--write-timeout", "1").start();
    let last = say(&server, "lobby", "first").seq;
    let room = "/api/rooms/lobby";
    let path = |kind: &str| format!("{room}/{kind}?after={last}");
    let mut stream = OpenBody::open(&server, &path("stream"));
    let mut events = OpenBody::open(&server, &path("events"));
    let mut socket = Socket::path(&server, &path("socket"));
    let mut poll = Wire::open(&server);
    poll.send(format!(
        "GET {}&wait=25 HTTP/1.1\r\nHost: a\r\n\r\n",
        path("messages")
    ));
    assert!(poll.is_quiet_for(Duration::from_secs(3)));
    let said = say(&server, "lobby", "second");
    assert_eq!(poll.answer().messages(), [said]);
    while stream.object()["type"] != "message" {}
    while events.event().event != "message" {}
    socket.until("message");
    assert_eq!(get(&server, "/healthz").status, 200);
}
