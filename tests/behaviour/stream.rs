//! `GET /api/rooms/{room}/stream`: objects as lines, without an end.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{
    Kind, Message, OpenBody, PATIENCE, Server, eventually, post, say, say_many,
};

on_every_server! {
    hello_comes_first,
    history_then_live,
    a_message_is_one_line,
    silence_is_broken_by_pings,
    a_reader_that_leaves_is_forgotten,
}

const STREAM: &str = "/api/rooms/lobby/stream";

/// The next object that is not about who is there.
#[track_caller]
fn next(body: &mut OpenBody, patience: Duration) -> Value {
    loop {
        let object = body.object_within(patience);
        if object["type"] != "presence" && object["type"] != "typing" {
            return object;
        }
    }
}

#[track_caller]
fn message(body: &mut OpenBody) -> Message {
    Message::read(&next(body, PATIENCE))
}

fn hello_comes_first(on: Kind) {
    let server = Server::start(on);
    let said = say(&server, "lobby", "hi");
    let mut body = OpenBody::open(&server, STREAM);
    let kind = body.head.field("content-type");
    assert!(kind.starts_with("application/x-ndjson"), "{kind}");
    assert!(body.head.field("cache-control").contains("no-store"));
    let hello = body.object();
    assert_eq!(hello["type"], "hello");
    assert_eq!(hello["room"], "lobby");
    assert_eq!(hello["server"], on.0);
    assert_eq!(hello["last"], said.seq);
    assert_eq!(hello["gap"], false);
}

fn history_then_live(on: Kind) {
    let server = Server::start(on);
    let said = say_many(&server, "lobby", 0..60);
    let mut latest = OpenBody::open(&server, STREAM);
    latest.object();
    let after = format!("{STREAM}?after={}", said[57].seq);
    let mut resumed = OpenBody::open(&server, &after);
    resumed.object();
    for expected in &said[10..] {
        assert_eq!(message(&mut latest), *expected);
    }
    for expected in &said[58..] {
        assert_eq!(message(&mut resumed), *expected);
    }
    for number in 0..3 {
        let live = say(&server, "lobby", &number.to_string());
        assert_eq!(message(&mut latest), live);
        assert_eq!(message(&mut resumed), live);
    }
}

fn a_message_is_one_line(on: Kind) {
    let server = Server::start(on);
    let mut body = OpenBody::open(&server, STREAM);
    body.object();
    let text = "one\ntwo\n{\"type\":\"bye\"}\n\u{2028}\u{85a}end";
    let json = serde_json::json!({"id": "a", "nick": "ada", "text": text});
    let said = post(&server, "lobby", &json).message();
    assert_eq!(message(&mut body), said);
    assert_eq!(said.text, text);
}

fn silence_is_broken_by_pings(on: Kind) {
    let server = Server::start(on);
    let mut body = OpenBody::open(&server, STREAM);
    body.object();
    let start = Instant::now();
    let ping = next(&mut body, Duration::from_secs(30));
    assert_eq!(ping["type"], "ping");
    let silence = start.elapsed();
    assert!(silence > Duration::from_secs(5), "after {silence:?}");
    assert!(silence < Duration::from_secs(25), "after {silence:?}");
    let said = say(&server, "lobby", "still here");
    assert_eq!(message(&mut body), said);
}

fn a_reader_that_leaves_is_forgotten(on: Kind) {
    let server = Server::start(on);
    let before = server.descriptors_at_rest();
    let bodies: Vec<_> =
        (0..20).map(|_| OpenBody::open(&server, STREAM)).collect();
    assert!(server.descriptors() >= before + 20);
    drop(bodies);
    eventually("they are forgotten", || server.descriptors() <= before);
}
