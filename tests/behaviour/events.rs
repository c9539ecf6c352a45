//! `GET /api/rooms/{room}/events`: server-sent events.

use std::time::{Duration, Instant};

use crate::harness::{
    Kind, Message, OpenBody, Server, Wire, get, post, say, say_many,
};

on_every_server! {
    hello_comes_first,
    history_then_live,
    the_last_event_id_wins_over_after,
    a_last_event_id_that_is_none_is_refused,
    every_line_of_an_event_is_its_own,
    silence_is_broken_by_comments,
    a_reader_that_leaves_is_forgotten,
}

const EVENTS: &str = "/api/rooms/lobby/events";

/// The next message; what is said about who is there is passed over.
#[track_caller]
fn message(body: &mut OpenBody) -> Message {
    loop {
        let event = body.event();
        if event.event == "message" {
            let message = Message::read(&event.json());
            assert_eq!(event.id, Some(message.seq.to_string()));
            return message;
        }
        assert!(
            matches!(&*event.event, "presence" | "typing" | "ping"),
            "{event:?}"
        );
    }
}

fn resumed(server: &Server, path: &str, id: &str) -> OpenBody {
    let fields = format!("Last-Event-ID: {id}\r\n");
    let wire = Wire::open(server);
    OpenBody::over(wire, server.address, path, &fields).unwrap()
}

fn hello_comes_first(on: Kind) {
    let server = Server::start(on);
    let said = say(&server, "lobby", "hi");
    let mut body = OpenBody::open(&server, EVENTS);
    let kind = body.head.field("content-type");
    assert!(kind.starts_with("text/event-stream"), "{kind}");
    assert!(body.head.field("cache-control").contains("no-store"));
    let hello = body.event();
    assert_eq!(hello.event, "hello");
    assert!(hello.retry.is_some(), "{hello:?}");
    let json = hello.json();
    assert_eq!(json["room"], "lobby");
    assert_eq!(json["server"], on.0);
    assert_eq!(json["last"], said.seq);
    assert_eq!(json["gap"], false);
}

fn history_then_live(on: Kind) {
    let server = Server::start(on);
    let said = say_many(&server, "lobby", 0..60);
    let mut latest = OpenBody::open(&server, EVENTS);
    latest.event();
    let after = format!("{EVENTS}?after={}", said[57].seq);
    let mut resumed = OpenBody::open(&server, &after);
    resumed.event();
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

fn the_last_event_id_wins_over_after(on: Kind) {
    let server = Server::start(on);
    let said = say_many(&server, "lobby", 0..5);
    let path = format!("{EVENTS}?after={}", said[0].seq);
    let mut body = resumed(&server, &path, &said[3].seq.to_string());
    assert_eq!(body.event().json()["gap"], false);
    assert_eq!(message(&mut body), said[4]);
}

fn a_last_event_id_that_is_none_is_refused(on: Kind) {
    let server = Server::start(on);
    for id in ["x", "-1", "99999999999999999999"] {
        let mut wire = Wire::open(&server);
        wire.send(format!(
            "GET {EVENTS} HTTP/1.1\r\nHost: {}\r\nLast-Event-ID: {id}\r\n\r\n",
            server.host()
        ));
        wire.answer().refused(400, "bad_query");
    }
}

fn every_line_of_an_event_is_its_own(on: Kind) {
    let server = Server::start(on);
    let mut body = OpenBody::open(&server, EVENTS);
    body.event();
    let text = "one\n\nevent: bye\ndata: {}\n\nid: 1\n\u{2028}end";
    let json = serde_json::json!({"id": "a", "nick": "ada", "text": text});
    let said = post(&server, "lobby", &json).message();
    assert_eq!(said.text, text);
    assert_eq!(message(&mut body), said);
}

fn silence_is_broken_by_comments(on: Kind) {
    let server = Server::start(on);
    let mut body = OpenBody::open(&server, EVENTS);
    let start = Instant::now();
    let deadline = start + Duration::from_secs(30);
    let ping = loop {
        let line = body.line(deadline).expect("a comment");
        if line.starts_with(':') {
            break line;
        }
    };
    assert_eq!(ping, ": ping");
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
        (0..20).map(|_| OpenBody::open(&server, EVENTS)).collect();
    assert!(server.descriptors() >= before + 20);
    drop(bodies);
    crate::harness::eventually("they are forgotten", || {
        server.descriptors() <= before
    });
    assert_eq!(get(&server, "/healthz").status, 200);
}
