//! HTTP/2: many requests at once on one connection.
//!
//! Only one of the servers speaks it. What the other one says to it is held
//! here as well.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::http2::Http2;
use crate::harness::tunnel::{client, through_tls_as, trusting};
use crate::harness::{
    Kind, PATIENCE, Server, Setup, Socket, TempDir, Wire, get, long_text, say,
    say_many,
};

on_every_server! {
    a_preface_is_understood_or_refused,
    a_slow_preface_is_given_up,
    nobody_is_promised_what_is_not_there,
}

suite! { event_loop_alone, "event-loop",
    every_way_works_on_one_connection
    many_requests_are_answered_at_once
    it_works_over_tls
    an_answer_has_what_it_has_elsewhere
    limits_are_kept
    a_socket_is_not_offered
    posts_are_counted_by_address
    a_poll_is_answered_when_its_time_is_up
    a_stream_that_is_left_is_left
    a_slow_stream_is_ended_and_its_neighbours_go_on
    an_idle_connection_is_ended
    shutting_down_says_bye_and_goes
    rapid_resets_are_ended
    endless_heads_are_ended
    floods_of_questions_hold_up_nobody
    broken_frames_are_ended
    a_silent_client_is_given_up
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The frames' types (RFC 9113, section 6).
mod kind {
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const CONTINUATION: u8 = 9;
}

/// `GET /` in HPACK: three fields of the static table, and a host.
const HEAD: &[u8] = &[0x82, 0x86, 0x84, 0x41, 1, b'a'];
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A connection on which frames are made by hand.
fn by_hand(server: &Server) -> Wire {
    let mut wire = Wire::open(server);
    wire.send(PREFACE);
    wire.send(frame(kind::SETTINGS, 0, 0, &[]));
    wire
}

/// Everything that comes until the end: the type of each frame, and its
/// payload.
fn frames(wire: &mut Wire) -> Vec<(u8, Vec<u8>)> {
    let bytes = wire.rest();
    let (mut rest, mut frames) = (&bytes[..], Vec::new());
    while let Some((head, after)) = rest.split_at_checked(9) {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let Some((payload, after)) = after.split_at_checked(length as usize)
        else {
            break;
        };
        frames.push((head[3], payload.to_vec()));
        rest = after;
    }
    frames
}

/// The next frame: its type, and its payload.
#[track_caller]
fn next_frame(wire: &mut Wire) -> (u8, Vec<u8>) {
    let deadline = Instant::now() + PATIENCE;
    let head = wire.take(9, deadline).expect("a frame");
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let payload = wire.take(length as usize, deadline).expect("all of it");
    (head[3], payload)
}

/// Holds that a client by hand was told to go, and why, if that matters.
#[track_caller]
fn is_sent_away(wire: &mut Wire, reasons: &[u32]) {
    let frames = frames(wire);
    let away = frames.iter().rev().find(|(kind, _)| *kind == kind::GOAWAY);
    let Some((_, payload)) = away else { panic!("{frames:?}") };
    let reason = u32::from_be_bytes(payload[4..8].try_into().unwrap());
    assert!(reasons.contains(&reason), "{reason}");
}

/// Protocol error, flow control error, frame size error, compression error.
const BROKEN: &[u32] = &[1, 3, 6, 9];
/// Enhance your calm.
const CALM: &[u32] = &[11];

fn a_preface_is_understood_or_refused(on: Kind) {
    let server = Server::start(on);
    let mut wire = Wire::open(&server);
    wire.send(PREFACE);
    wire.send(frame(kind::SETTINGS, 0, 0, &[]));
    wire.send(frame(kind::GOAWAY, 0, 0, &[0; 8]));
    let said = wire.rest();
    let settings = said.len() > 9 && said[3] == kind::SETTINGS;
    let refused = said.starts_with(b"HTTP/1.1 505 ");
    assert!(settings || refused, "{}", String::from_utf8_lossy(&said));
}

fn a_slow_preface_is_given_up(on: Kind) {
    let server = Setup::new(on).option("--head-timeout", "0.4").start();
    for part in [&PREFACE[..1], &PREFACE[..7], &PREFACE[..17]] {
        let begun = Instant::now();
        let mut wire = Wire::open(&server);
        wire.send(part);
        assert_eq!(wire.answer().status, 408);
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    // These three letters also begin something else.
    let mut wire = Wire::open(&server);
    wire.send("P");
    std::thread::sleep(Duration::from_millis(20));
    wire.send("UT / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(wire.answer().status, 405);
}

fn nobody_is_promised_what_is_not_there(on: Kind) {
    let directory = TempDir::new();
    let server = over_tls(on, &directory);
    let config =
        trusting(&directory.file("chat-cert.pem"), &["h2", "http/1.1"]);
    let mut tls = client(&config);
    let mut socket = TcpStream::connect(server.address).unwrap();
    while tls.is_handshaking() {
        tls.complete_io(&mut socket).unwrap();
    }
    let agreed = tls.alpn_protocol().unwrap().to_vec();
    let preface = match &agreed[..] {
        b"h2" => PREFACE.to_vec(),
        _ => b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
    };
    let mut stream = rustls::Stream::new(&mut tls, &mut socket);
    stream.write_all(&preface).unwrap();
    let mut first = [0; 4];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first == b"HTTP", agreed == b"http/1.1");
}

fn over_tls(on: Kind, directory: &TempDir) -> Server {
    Setup::new(on)
        .option("--history", directory.file("chat.db"))
        .option("--tls", "self-signed")
        .start()
}

fn every_way_works_on_one_connection(on: Kind) {
    let server = Server::start(on);
    works(&mut Http2::open(server.address), &server);
}

fn it_works_over_tls(on: Kind) {
    let directory = TempDir::new();
    let mut server = over_tls(on, &directory);
    through_tls_as(&mut server, &directory.file("chat-cert.pem"), "h2");
    works(&mut Http2::open(server.address), &server);
}

#[track_caller]
fn works(client: &mut Http2, _server: &Server) {
    let mut lines = client.open_stream("/api/rooms/lobby/stream");
    let mut events = client.open_stream("/api/rooms/lobby/events");
    let hello = client.object(&mut lines, "hello");
    let poll =
        format!("/api/rooms/lobby/messages?after={}&wait=20", hello["last"]);
    let held = client.ask("GET", &poll, &[], "");
    let body = json!({"id": "one", "nick": "ada", "text": "hi"});
    let said = client.post("lobby", &body);
    assert_eq!(said.status, 201, "{said}");
    let said = said.message();
    assert_eq!(client.answer(held).messages(), std::slice::from_ref(&said));
    assert_eq!(client.object(&mut lines, "message")["seq"], said.seq);
    let event = format!("id: {}", said.seq);
    while client.line(&mut events).unwrap().expect("a line") != event {}
    let page = client.get("/api/rooms/lobby/messages");
    assert_eq!(page.messages(), [said]);
    let about = client.get("/api/server").json();
    assert_eq!(about["connections"], 1);
    assert_eq!(client.get("/").status, 200);
    let script = client.get("/static/app.js");
    assert!(script.body.len() > 1000);
}

fn many_requests_are_answered_at_once(on: Kind) {
    let server = Server::start(on);
    say_many(&server, "lobby", 0..50);
    let mut client = Http2::open(server.address);
    // Then it has been told how many there may be at once.
    client.get("/healthz");
    // More than there may be at once: the others wait for their turn.
    let asked: Vec<_> = (0..300)
        .map(|_| client.ask("GET", "/api/rooms/lobby/messages", &[], ""))
        .collect();
    for answer in client.answers(asked) {
        assert_eq!(answer.messages().len(), 50);
    }
}

fn an_answer_has_what_it_has_elsewhere(on: Kind) {
    let server = Server::start(on);
    let mut client = Http2::open(server.address);
    for path in ["/", "/static/app.js", "/healthz", "/nowhere", "/r/A"] {
        let there = client.get(path);
        let here = get(&server, path);
        assert_eq!(there.status, here.status, "{path}");
        assert_eq!(there.body, here.body, "{path}");
        for (name, value) in &here.fields {
            if !matches!(name.as_str(), "date" | "connection") {
                assert_eq!(there.field(name), value, "{path}: {name}");
            }
        }
        assert!(!there.field("date").is_empty());
    }
    let head = client.ask("HEAD", "/static/app.js", &[], "");
    let head = client.answer(head);
    assert!(head.body.is_empty());
    assert_ne!(head.field("content-length"), "0");
    let options = client.ask("OPTIONS", "/healthz", &[], "");
    assert_eq!(client.answer(options).field("allow"), "GET, HEAD, OPTIONS");
}

fn limits_are_kept(on: Kind) {
    let server = Setup::new(on).option("--body-timeout", "0.3").start();
    let mut client = Http2::open(server.address);
    let path = "/api/rooms/lobby/messages";
    let json = ("content-type", "application/json");
    let asked = client.ask("POST", path, &[json], &"x".repeat(20_000));
    client.answer(asked).refused(413, "body_too_large");
    let target = format!("{path}?{}", "x".repeat(9000));
    client.get(&target).refused(414, "target_too_long");
    let names: Vec<_> = (0..70).map(|n| format!("x-{n}")).collect();
    let many: Vec<_> = names.iter().map(|name| (&**name, "1")).collect();
    let asked = client.ask("GET", path, &many, "");
    client.answer(asked).refused(431, "too_many_headers");
    let asked = client.ask("BREW", path, &[], "");
    client.answer(asked).refused(501, "unknown_method");
    let asked = client.ask("DELETE", path, &[], "");
    client.answer(asked).refused(405, "method_not_allowed");
    let foreign = [json, ("origin", "https://elsewhere.example")];
    let asked = client.ask("POST", path, &foreign, "{}");
    client.answer(asked).refused(403, "origin");
    // After all that it goes on.
    assert_eq!(client.get("/healthz").text(), "ok\n");
    let mut slow = by_hand(&server);
    // `POST /`, and then no body.
    slow.send(frame(
        kind::HEADERS,
        END_HEADERS,
        1,
        &[0x83, 0x86, 0x84, 0x41, 1, b'a'],
    ));
    let begun = Instant::now();
    while next_frame(&mut slow).0 != kind::HEADERS {}
    assert!(begun.elapsed() >= Duration::from_millis(250));
}

fn a_socket_is_not_offered(on: Kind) {
    let server = Server::start(on);
    let mut client = Http2::open(server.address);
    let answer = client.get("/api/rooms/lobby/socket");
    answer.refused(400, "bad_request");
    assert!(answer.text().contains("HTTP/1.1"), "{answer}");
}

fn posts_are_counted_by_address(on: Kind) {
    let server = Setup::new(on).option("--post-rate", "1").start();
    let mut client = Http2::open(server.address);
    let mut refused = 0;
    for number in 0..10 {
        let id = number.to_string();
        let body = json!({"id": id, "nick": "ada", "text": "hi"});
        refused += usize::from(client.post("lobby", &body).status == 429);
    }
    assert!(refused >= 4, "{refused}");
}

fn a_poll_is_answered_when_its_time_is_up(on: Kind) {
    let server = Server::start(on);
    let mut client = Http2::open(server.address);
    let begun = Instant::now();
    let page = client.get("/api/rooms/lobby/messages?after=0&wait=1");
    assert!(page.messages().is_empty());
    assert!(begun.elapsed() >= Duration::from_millis(900));
}

fn a_stream_that_is_left_is_left(on: Kind) {
    let server = Server::start(on);
    let mut client = Http2::open(server.address);
    let mut one = client.open_stream("/api/rooms/lobby/stream");
    let two = client.open_stream("/api/rooms/lobby/stream");
    while client.object(&mut one, "presence")["count"] != 2 {}
    drop(two);
    while client.object(&mut one, "presence")["count"] != 1 {}
    drop(client);
    let mut other = Http2::open(server.address);
    let mut stream = other.open_stream("/api/rooms/lobby/stream");
    while other.object(&mut stream, "presence")["count"] != 1 {}
}

fn a_slow_stream_is_ended_and_its_neighbours_go_on(on: Kind) {
    let server = Setup::new(on)
        .option("--max-backlog", "65536")
        .option("--write-timeout", "1")
        .option("--keep-messages", "10000")
        .start();
    let first = say(&server, "lobby", "first").seq;
    let mut client = Http2::open(server.address);
    let path = format!("/api/rooms/lobby/stream?after={first}");
    let mut slow = client.open_stream(&path);
    let mut quick = client.open_stream("/api/rooms/other/stream");
    let mut socket = Socket::path(&server, "/api/rooms/lobby/socket");
    for number in 0..200 {
        let text = long_text(number, 4000);
        socket.send(&json!({
            "type": "post", "id": number.to_string(), "nick": "ada",
            "text": text,
        }));
    }
    for _ in 0..200 {
        socket.until("ack");
    }
    // Its window is shut; the writer gives it up, and it is reset.
    let waited = Instant::now();
    while waited.elapsed() < Duration::from_millis(2500) {
        let said = say(&server, "other", "still here");
        assert_eq!(client.object(&mut quick, "message")["seq"], said.seq);
    }
    let mut seen = 0;
    let end = loop {
        match client.line(&mut slow) {
            Ok(Some(_)) => seen += 1,
            other => break other,
        }
    };
    assert!(seen < 200, "{seen}");
    let reason = end.expect_err("it is broken off").reason();
    assert_eq!(reason, Some(h2::Reason::CANCEL));
    assert_eq!(client.get("/healthz").text(), "ok\n");
}

fn an_idle_connection_is_ended(on: Kind) {
    let server = Setup::new(on).option("--idle-timeout", "0.3").start();
    let mut client = Http2::open(server.address);
    client.get("/healthz");
    client.end().expect("an end that is meant");
    // One that reads a stream is not idle.
    let mut client = Http2::open(server.address);
    let mut stream = client.open_stream("/api/rooms/lobby/stream");
    client.object(&mut stream, "hello");
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(client.get("/healthz").text(), "ok\n");
}

fn shutting_down_says_bye_and_goes(on: Kind) {
    let mut server = Server::start(on);
    let mut client = Http2::open(server.address);
    let mut stream = client.open_stream("/api/rooms/lobby/stream");
    client.object(&mut stream, "hello");
    let _held = client.ask(
        "GET",
        "/api/rooms/lobby/messages?after=9007199254740991&wait=20",
        &[],
        "",
    );
    server.signal(rustix::process::Signal::TERM);
    client.object(&mut stream, "bye");
    assert_eq!(client.line(&mut stream).unwrap(), None);
    client.end().expect("an end that is meant");
    assert!(server.exit().success());
}

fn rapid_resets_are_ended(on: Kind) {
    let server = Server::start(on);
    let mut wire = by_hand(&server);
    let mut flood = Vec::new();
    for stream in (1..20_000).step_by(2) {
        let flags = END_HEADERS | END_STREAM;
        flood.extend(frame(kind::HEADERS, flags, stream, HEAD));
        flood.extend(frame(kind::RST_STREAM, 0, stream, &[0, 0, 0, 8]));
    }
    wire.send(flood);
    is_sent_away(&mut wire, CALM);
    assert_eq!(get(&server, "/healthz").text(), "ok\n");
}

fn endless_heads_are_ended(on: Kind) {
    let server = Server::start(on);
    let mut wire = by_hand(&server);
    wire.send(frame(kind::HEADERS, 0, 1, HEAD));
    // A literal field that is not remembered: `x: 999 times x`.
    let mut field = vec![0x00, 1, b'x', 0x7f, 0xe8, 0x06];
    field.extend(vec![b'x'; 999]);
    for _ in 0..2000 {
        if wire.try_send(frame(kind::CONTINUATION, 0, 1, &field)).is_err() {
            break;
        }
    }
    wire.rest();
    assert_eq!(get(&server, "/healthz").text(), "ok\n");
}

fn floods_of_questions_hold_up_nobody(on: Kind) {
    let server = Server::start(on);
    let settings = frame(kind::SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]);
    let ping = frame(kind::PING, 0, 0, &[7; 8]);
    for question in [settings, ping] {
        // It is asked and asked, and nobody reads the answers.
        let mut socket = TcpStream::connect(server.address).unwrap();
        let briefly = Duration::from_millis(300);
        socket.set_write_timeout(Some(briefly)).unwrap();
        socket.write_all(PREFACE).unwrap();
        let flood = question.repeat(1000);
        for _ in 0..500 {
            let blocked = socket.write_all(&flood).is_err();
            let begun = Instant::now();
            assert_eq!(get(&server, "/healthz").text(), "ok\n");
            assert!(begun.elapsed() < Duration::from_secs(2));
            if blocked {
                break;
            }
        }
    }
    let status = format!("/proc/{}/status", server.pid());
    let status = std::fs::read_to_string(status).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kib < 60_000, "{kib} KiB");
}

fn broken_frames_are_ended(on: Kind) {
    let server = Server::start(on);
    let flags = END_HEADERS | END_STREAM;
    for broken in [
        frame(kind::HEADERS, flags, 2, HEAD),
        frame(kind::HEADERS, flags, 0, HEAD),
        frame(kind::HEADERS, flags, 1, &[0xff; 20]),
        frame(kind::DATA, 0, 1, b"x"),
        frame(kind::PING, 0, 0, b"short"),
        frame(kind::SETTINGS, 0, 0, b"short"),
        frame(kind::CONTINUATION, 0, 1, HEAD),
        vec![0xff; 100],
    ] {
        let mut wire = by_hand(&server);
        wire.send(&broken);
        is_sent_away(&mut wire, BROKEN);
    }
    assert_eq!(get(&server, "/healthz").text(), "ok\n");
}

fn a_silent_client_is_given_up(on: Kind) {
    let server = Server::start(on);
    let mut wire = by_hand(&server);
    let begun = Instant::now();
    let deadline = begun + Duration::from_secs(30);
    // It is sent settings, and pinged, and says nothing to it.
    while wire.take(1, deadline).is_ok() {}
    let given_up = begun.elapsed().as_secs_f64();
    assert!((18.0..25.0).contains(&given_up), "given up at {given_up} s");
}
