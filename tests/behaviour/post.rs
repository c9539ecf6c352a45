//! `POST /api/rooms/{room}/messages`: what is taken, and what is refused.

use serde_json::{Value, json};

use crate::harness::{
    Answer, Kind, OpenBody, Server, Setup, TempDir, Wire, eventually, get,
    post, say, texts,
};

on_every_server! {
    a_post_is_answered_with_its_message,
    the_same_id_again_is_the_same_message,
    the_same_id_with_other_words_is_a_conflict,
    an_id_belongs_to_its_room,
    retries_are_known_after_a_restart,
    words_are_trimmed,
    words_that_break_a_rule_are_refused,
    what_is_not_a_post_is_refused,
    only_json_is_taken,
    json_may_come_with_a_charset_or_in_chunks,
    a_body_too_large_is_refused,
    unknown_fields_are_ignored,
    every_script_is_welcome,
    a_room_beyond_the_last_is_refused,
    looking_makes_no_room,
    a_retry_is_known_beyond_memory,
}

fn words(id: &str, nick: &str, text: &str) -> Value {
    json!({"id": id, "nick": nick, "text": text})
}

/// Posts a body of any bytes and any type.
fn post_bytes(server: &Server, fields: &str, body: &[u8]) -> Answer {
    let mut wire = Wire::open(server);
    wire.send(format!(
        "POST /api/rooms/lobby/messages HTTP/1.1\r\nHost: {}\r\n{fields}\
         Content-Length: {}\r\n\r\n",
        server.host(),
        body.len()
    ));
    wire.send(body);
    wire.answer()
}

fn post_json(server: &Server, body: &[u8]) -> Answer {
    post_bytes(server, "Content-Type: application/json\r\n", body)
}

fn a_post_is_answered_with_its_message(on: Kind) {
    let server = Server::start(on);
    let answer = post(&server, "lobby", &words("c0ffee-1", "ada", "hi"));
    assert_eq!(answer.status, 201, "{answer}");
    let message = answer.message();
    assert_eq!(message.id, "c0ffee-1");
    assert_eq!(message.nick, "ada");
    assert_eq!(message.text, "hi");
    let messages = get(&server, "/api/rooms/lobby/messages").messages();
    assert_eq!(messages, std::slice::from_ref(&message));
    assert!(say(&server, "lobby", "next").seq > message.seq);
}

fn the_same_id_again_is_the_same_message(on: Kind) {
    let server = Server::start(on);
    let first = post(&server, "lobby", &words("one", "ada", "hi"));
    say(&server, "lobby", "between");
    for again in ["hi", " hi "] {
        let again = post(&server, "lobby", &words("one", "ada", again));
        assert_eq!(again.status, 200, "{again}");
        assert_eq!(again.message(), first.message());
    }
    let messages = get(&server, "/api/rooms/lobby/messages").messages();
    assert_eq!(texts(&messages), ["hi", "between"]);
}

fn the_same_id_with_other_words_is_a_conflict(on: Kind) {
    let server = Server::start(on);
    post(&server, "lobby", &words("one", "ada", "hi"));
    post(&server, "lobby", &words("one", "ada", "other"))
        .refused(409, "id_conflict");
    post(&server, "lobby", &words("one", "bob", "hi"))
        .refused(409, "id_conflict");
    let messages = get(&server, "/api/rooms/lobby/messages").messages();
    assert_eq!(texts(&messages), ["hi"]);
}

fn an_id_belongs_to_its_room(on: Kind) {
    let server = Server::start(on);
    let here = post(&server, "here", &words("one", "ada", "hi"));
    let there = post(&server, "there", &words("one", "bob", "ho"));
    assert_eq!((here.status, there.status), (201, 201));
}

fn retries_are_known_after_a_restart(on: Kind) {
    let dir = TempDir::new();
    let setup = Setup::new(on).option("--history", dir.file("chat.db"));
    let mut server = setup.start();
    let first = post(&server, "lobby", &words("one", "ada", "hi")).message();
    server.stop();
    let server = setup.start();
    let again = post(&server, "lobby", &words("one", "ada", "hi"));
    assert_eq!((again.status, again.message()), (200, first));
    post(&server, "lobby", &words("one", "ada", "ho"))
        .refused(409, "id_conflict");
}

fn words_are_trimmed(on: Kind) {
    let server = Server::start(on);
    let body = words("one", "  ada\t", "\n two\n\tlines  ");
    let message = post(&server, "lobby", &body).message();
    assert_eq!(message.nick, "ada");
    assert_eq!(message.text, "two\n\tlines");
}

fn words_that_break_a_rule_are_refused(on: Kind) {
    let server = Server::start(on);
    let refused = |room: &str, body: Value, code: &str| {
        post(&server, room, &body).refused(422, code);
    };
    for id in ["", "a b", "a.b", "é", "a\0", &"a".repeat(65)] {
        refused("lobby", words(id, "ada", "hi"), "bad_id");
    }
    let long = "é".repeat(25);
    for nick in ["", " ", "a\nb", "a\u{202e}b", "a\u{200b}", "<b>", &long] {
        refused("lobby", words("one", nick, "hi"), "bad_nick");
    }
    for text in ["", " \n ", "a\0", "a\u{1b}[2J", "a\rb", &"x".repeat(4097)] {
        refused("lobby", words("one", "ada", text), "bad_text");
    }
    for room in ["Lobby", "-x", "a_b", &"a".repeat(33)] {
        refused(room, words("one", "ada", "hi"), "bad_room");
    }
    assert!(get(&server, "/api/rooms/lobby/messages").messages().is_empty());
}

fn what_is_not_a_post_is_refused(on: Kind) {
    let server = Server::start(on);
    for body in [
        &b""[..],
        b"{",
        b"null",
        b"[]",
        b"\"hi\"",
        b"{}",
        br#"{"id":"a","nick":"b"}"#,
        br#"{"id":1,"nick":"b","text":"c"}"#,
        br#"{"id":"a","nick":null,"text":"c"}"#,
        br#"{"id":"a","nick":"b","text":["c"]}"#,
        br#"{"id":"a","nick":"b","text":"c"} x"#,
        br#"{"id":"a","nick":"b","text":"\ud800"}"#,
        b"{\"id\":\"a\",\"nick\":\"b\",\"text\":\"\xff\"}",
        b"\xef\xbb\xbf{\"id\":\"a\",\"nick\":\"b\",\"text\":\"c\"}",
        br#"{"id":"a","id":"a","nick":"b","text":"c"}"#,
        &b"[".repeat(10_000),
    ] {
        post_json(&server, body).refused(400, "bad_json");
    }
    assert!(get(&server, "/api/rooms/lobby/messages").messages().is_empty());
}

fn only_json_is_taken(on: Kind) {
    let server = Server::start(on);
    let body = words("one", "ada", "hi").to_string();
    for fields in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: multipart/form-data; boundary=x\r\n",
        "Content-Type: application/jsonp\r\n",
        "Content-Type: text/plain; application/json\r\n",
    ] {
        post_bytes(&server, fields, body.as_bytes()).refused(415, "media_type");
    }
}

fn json_may_come_with_a_charset_or_in_chunks(on: Kind) {
    let server = Server::start(on);
    let body = words("one", "ada", "hi").to_string();
    for kind in ["application/json; charset=utf-8", "Application/JSON"] {
        let fields = format!("Content-Type: {kind}\r\n");
        let answer = post_bytes(&server, &fields, body.as_bytes());
        assert!(matches!(answer.status, 200 | 201), "{answer}");
    }
    let mut wire = Wire::open(&server);
    wire.send(format!(
        "POST /api/rooms/lobby/messages HTTP/1.1\r\nHost: {}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        server.host()
    ));
    for byte in body.as_bytes() {
        wire.send(b"1;x=y\r\n");
        wire.send([*byte]);
        wire.send(b"\r\n");
    }
    wire.send(b"0\r\nTrailer: ignored\r\n\r\n");
    assert_eq!(wire.answer().status, 200);
}

fn a_body_too_large_is_refused(on: Kind) {
    let server = Server::start(on);
    let body = vec![b' '; (16 << 10) + 1];
    let answer = post_json(&server, &body);
    answer.refused(413, "body_too_large");
    let mut wire = Wire::open(&server);
    wire.send(format!(
        "POST /api/rooms/lobby/messages HTTP/1.1\r\nHost: {}\r\n\
         Content-Type: application/json\r\n\
         Content-Length: 1000000000000\r\n\r\nx",
        server.host()
    ));
    wire.answer().refused(413, "body_too_large");
    wire.closed();
    let mut wire = Wire::open(&server);
    wire.send(format!(
        "POST /api/rooms/lobby/messages HTTP/1.1\r\nHost: {}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        server.host()
    ));
    for _ in 0..17 {
        wire.send(b"400\r\n");
        wire.send(vec![b' '; 1024]);
        wire.send(b"\r\n");
    }
    wire.answer().refused(413, "body_too_large");
    wire.closed();
    let mut whole = words("one", "ada", "hi").to_string().into_bytes();
    whole.resize(16 << 10, b' ');
    assert_eq!(post_json(&server, &whole).status, 201);
}

fn unknown_fields_are_ignored(on: Kind) {
    let server = Server::start(on);
    let body = json!({
        "id": "one", "nick": "ada", "text": "hi", "type": "post",
        "seq": 7, "at": "never", "mood": {"deep": [1, 2, 3]},
    });
    let message = post(&server, "lobby", &body).message();
    assert_ne!(message.seq, 7);
    assert_ne!(message.at, "never");
}

fn every_script_is_welcome(on: Kind) {
    let server = Server::start(on);
    for (id, nick, text) in [
        ("a", "Зоя", "привет 👋🏽"),
        ("b", "नमस्ते", "e\u{301} \u{202e}backwards"),
        ("c", "O'Brien-2.0_x", "</script><img onerror=alert(1)>"),
        ("d", "李", "\"quotes\" \\ and \u{2028} lines"),
    ] {
        let body = words(id, nick, text);
        let message = post(&server, "lobby", &body).message();
        assert_eq!((&*message.nick, &*message.text), (nick, text));
    }
    let longest = "é".repeat(2048);
    let body = words("e", &"é".repeat(24), &longest);
    assert_eq!(post(&server, "lobby", &body).message().text, longest);
}

fn a_room_beyond_the_last_is_refused(on: Kind) {
    let server = Setup::new(on).option("--max-rooms", "3").start();
    for room in ["a", "b", "c"] {
        say(&server, room, "hi");
    }
    post(&server, "d", &words("one", "ada", "hi")).refused(503, "rooms_full");
    say(&server, "a", "still open");
}

fn looking_makes_no_room(on: Kind) {
    let server = Setup::new(on).option("--max-rooms", "3").start();
    for number in 0..10 {
        let room = format!("looked-at-{number}");
        let path = format!("/api/rooms/{room}/messages");
        assert_eq!(get(&server, &path).status, 200);
        for kind in ["events", "stream"] {
            let path = format!("/api/rooms/{room}/{kind}");
            eventually("those who left make room", || {
                let wire = Wire::open(&server);
                OpenBody::over(wire, server.address, &path, "").is_ok()
            });
        }
    }
    eventually("there is room for one who speaks", || {
        post(&server, "spoken-in", &words("a", "ada", "hi")).status != 503
    });
}

fn a_retry_is_known_beyond_memory(on: Kind) {
    let dir = TempDir::new();
    let setup = Setup::new(on).option("--history", dir.file("chat.db"));
    let server = setup.option("--keep-messages", "5").start();
    let first = post(&server, "lobby", &words("first", "ada", "hi")).message();
    for _ in 0..20 {
        say(&server, "lobby", "later");
    }
    let again = post(&server, "lobby", &words("first", "ada", "hi"));
    assert_eq!((again.status, again.message()), (200, first));
    post(&server, "lobby", &words("first", "ada", "ho"))
        .refused(409, "id_conflict");
}
