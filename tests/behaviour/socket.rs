//! `GET /api/rooms/{room}/socket` and `socket-by-hand`: WebSocket.

use serde_json::json;

use crate::harness::{
    Kind, Message, PlainSocket, Server, Socket, eventually, get, handshake,
    mask, opcode, say, say_many, texts,
};

on_every_codec! {
    hello_comes_first,
    history_then_live,
    a_post_is_acknowledged_and_comes_back,
    the_same_id_again_is_acknowledged_again,
    a_post_that_is_refused_is_told_why,
    what_is_no_object_is_told_so,
    unknown_types_do_no_harm,
    a_post_may_come_in_fragments_with_a_ping_between,
    a_post_may_come_byte_by_byte,
    many_posts_may_come_at_once,
    a_post_may_come_with_the_handshake,
    pings_are_answered,
    pings_in_words_are_answered_in_words,
    a_close_is_answered,
    a_close_without_a_code_is_answered,
    binary_is_not_taken,
    text_that_is_not_utf8_is_not_taken,
    a_message_too_big_is_not_taken,
    fragments_too_big_together_are_not_taken,
    a_broken_frame_is_a_protocol_error,
    no_compression_is_agreed_on,
    a_reader_that_leaves_is_forgotten,
}

/// The socket of the lobby that a codec reads.
fn path(codec: &str) -> String {
    format!("/api/rooms/lobby/socket{codec}")
}

/// A socket of the lobby.
#[track_caller]
fn open(server: &Server, codec: &str) -> Socket {
    Socket::path(server, &path(codec))
}

/// A plain socket that has been greeted.
#[track_caller]
fn greeted(server: &Server, codec: &str) -> PlainSocket {
    let mut socket = PlainSocket::open(server, &path(codec));
    let hello = socket.until(opcode::TEXT);
    let hello: serde_json::Value =
        serde_json::from_slice(&hello.payload).unwrap();
    assert_eq!(hello["type"], "hello");
    socket
}

/// A post as text.
fn words(id: &str) -> String {
    json!({"type": "post", "id": id, "nick": "ada", "text": id}).to_string()
}

/// Holds that the server has exactly these messages.
#[track_caller]
fn has(server: &Server, expected: &[&str]) {
    let path = "/api/rooms/lobby/messages";
    eventually("the messages are there", || {
        get(server, path).messages().len() >= expected.len()
    });
    assert_eq!(texts(&get(server, path).messages()), expected);
}

fn hello_comes_first(on: Kind, codec: &str) {
    let server = Server::start(on);
    let said = say(&server, "lobby", "hi");
    let mut socket = open(&server, codec);
    let hello = socket.any();
    assert_eq!(hello["type"], "hello");
    assert_eq!(hello["room"], "lobby");
    assert_eq!(hello["server"], on.0);
    assert_eq!(hello["last"], said.seq);
    assert_eq!(hello["gap"], false);
    assert_eq!(Message::read(&socket.next()), said);
}

fn history_then_live(on: Kind, codec: &str) {
    let server = Server::start(on);
    let said = say_many(&server, "lobby", 0..60);
    let mut latest = open(&server, codec);
    latest.any();
    let after = format!("{}?after={}", path(codec), said[57].seq);
    let mut resumed = Socket::path(&server, &after);
    resumed.any();
    for expected in &said[10..] {
        assert_eq!(Message::read(&latest.next()), *expected);
    }
    for expected in &said[58..] {
        assert_eq!(Message::read(&resumed.next()), *expected);
    }
    let live = say(&server, "lobby", "live");
    assert_eq!(Message::read(&latest.next()), live);
    assert_eq!(Message::read(&resumed.next()), live);
}

fn a_post_is_acknowledged_and_comes_back(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut sender = open(&server, codec);
    let mut other = open(&server, codec);
    assert_eq!(sender.any()["type"], "hello");
    assert_eq!(other.any()["type"], "hello");
    sender.post("one", "hi");
    let told = [sender.next(), sender.next()];
    let of_type =
        |kind| told.iter().find(|value| value["type"] == kind).unwrap();
    let message = Message::read(of_type("message"));
    assert_eq!(message.id, "one");
    assert_eq!(of_type("ack")["id"], "one");
    assert_eq!(of_type("ack")["seq"], message.seq);
    assert_eq!(Message::read(&other.next()), message);
}

fn the_same_id_again_is_acknowledged_again(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = open(&server, codec);
    socket.post("one", "hi");
    let first = socket.until("ack");
    socket.post("one", "hi");
    assert_eq!(socket.until("ack"), first);
    has(&server, &["hi"]);
}

fn a_post_that_is_refused_is_told_why(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = open(&server, codec);
    let mut refused = |post: serde_json::Value, code: &str| {
        socket.send(&post);
        let error = socket.until("error");
        assert_eq!(error["code"], code, "{error}");
        assert!(error["detail"].as_str().unwrap().ends_with('.'), "{error}");
        if let Some(id) = post["id"].as_str() {
            assert_eq!(error["id"], id, "{error}");
        }
    };
    let post = |id: &str, nick: &str, text: &str| json!({"type": "post", "id": id, "nick": nick, "text": text});
    refused(post("a", "ada", ""), "bad_text");
    refused(post("b", "", "hi"), "bad_nick");
    refused(post("c", "\u{202e}", "hi"), "bad_nick");
    refused(post("d", "ada", &"x".repeat(4097)), "bad_text");
    refused(post("a b", "ada", "hi"), "bad_id");
    refused(json!({"type": "post", "nick": "ada", "text": "x"}), "bad_json");
    socket.post("one", "hi");
    assert_eq!(socket.until("ack")["id"], "one");
    socket.post("one", "other");
    let error = socket.until("error");
    assert_eq!(error["code"], "id_conflict");
    assert_eq!(error["id"], "one");
    has(&server, &["hi"]);
}

fn what_is_no_object_is_told_so(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = open(&server, codec);
    for text in ["", "hi", "{", "null", "[]", "7", "{}", "{\"type\":7}"] {
        socket.text(text);
        assert_eq!(socket.until("error")["code"], "bad_json", "{text}");
    }
    socket.text(&"[".repeat(10_000));
    assert_eq!(socket.until("error")["code"], "bad_json");
    socket.post("one", "still open");
    assert_eq!(socket.until("ack")["id"], "one");
}

fn unknown_types_do_no_harm(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = open(&server, codec);
    socket.send(&json!({"type": "mood", "mood": "good"}));
    assert_eq!(socket.until("error")["code"], "bad_json");
    socket.send(&json!({
        "type": "post", "id": "a", "nick": "ada", "text": "hi", "new": [1],
    }));
    assert_eq!(socket.until("ack")["id"], "a");
}

fn a_post_may_come_in_fragments_with_a_ping_between(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = greeted(&server, codec);
    let post = json!({"type": "post", "id": "a", "nick": "ada", "text": "é👋"});
    let text = post.to_string();
    let last = text.len() - 1;
    for (at, byte) in text.bytes().enumerate() {
        let kind = if at == 0 { opcode::TEXT } else { opcode::CONTINUATION };
        let end = if at == last { 0x80 } else { 0 };
        socket.send(end | kind, &[byte]);
        if at == last / 2 {
            socket.send(0x80 | opcode::PING, b"between");
        }
    }
    assert_eq!(socket.until(opcode::PONG).payload, b"between");
    has(&server, &["é👋"]);
}

fn a_post_may_come_byte_by_byte(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = greeted(&server, codec);
    for byte in mask(0x80 | opcode::TEXT, words("slowly").as_bytes()) {
        socket.wire.send([byte]);
    }
    has(&server, &["slowly"]);
}

fn many_posts_may_come_at_once(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = open(&server, codec);
    let mut bytes = Vec::new();
    for number in 0..200 {
        let text = words(&number.to_string());
        bytes.extend(mask(0x80 | opcode::TEXT, text.as_bytes()));
    }
    greeted(&server, codec).wire.send(bytes);
    for number in 0..200 {
        let message = Message::read(&socket.until("message"));
        assert_eq!(message.text, number.to_string());
    }
}

fn a_post_may_come_with_the_handshake(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut wire = crate::harness::Wire::open(&server);
    let mut bytes = handshake(&server, &path(codec), "").into_bytes();
    bytes.extend(mask(0x80 | opcode::TEXT, words("early").as_bytes()));
    wire.send(bytes);
    assert_eq!(wire.answer().status, 101);
    has(&server, &["early"]);
}

fn pings_are_answered(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = greeted(&server, codec);
    for payload in [&b""[..], b"hi", &[0xff; 125]] {
        socket.send(0x80 | opcode::PING, payload);
        assert_eq!(socket.until(opcode::PONG).payload, payload);
    }
    socket.send(0x80 | opcode::PONG, b"nobody asked");
    socket.send(0x80 | opcode::PING, b"last");
    assert_eq!(socket.until(opcode::PONG).payload, b"last");
}

fn pings_in_words_are_answered_in_words(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = open(&server, codec);
    socket.send(&json!({"type": "ping"}));
    assert_eq!(socket.until("pong"), json!({"type": "pong"}));
}

fn a_close_is_answered(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = greeted(&server, codec);
    socket.send(0x80 | opcode::CLOSE, b"\x03\xe8done");
    let close = socket.until(opcode::CLOSE);
    assert_eq!(close.close_code(), 1000);
    socket.wire.closed();
    let mut client = open(&server, codec);
    client.any();
    client.close();
    assert_eq!(client.closed(), 1000);
}

fn a_close_without_a_code_is_answered(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = greeted(&server, codec);
    socket.send(0x80 | opcode::CLOSE, b"");
    let close = socket.until(opcode::CLOSE);
    assert!(matches!(close.close_code(), 1000 | 1005), "{close:?}");
    socket.wire.closed();
}

fn binary_is_not_taken(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = greeted(&server, codec);
    socket.send(0x80 | opcode::BINARY, words("a").as_bytes());
    socket.is_closed_with(1003);
    has(&server, &[]);
}

fn text_that_is_not_utf8_is_not_taken(on: Kind, codec: &str) {
    let server = Server::start(on);
    for bytes in [&b"\xff"[..], b"\xc0\x80", b"\xed\xa0\x80", b"abc\xf0\x9f"] {
        let mut socket = greeted(&server, codec);
        socket.send(0x80 | opcode::TEXT, bytes);
        socket.is_closed_with(1007);
    }
}

fn a_message_too_big_is_not_taken(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = greeted(&server, codec);
    socket.send(0x80 | opcode::TEXT, &vec![b' '; (16 << 10) + 1]);
    socket.is_closed_with(1009);
    let mut socket = greeted(&server, codec);
    // Only the head of a frame that would be 2^63 - 1 bytes long.
    let mut head = vec![0x80 | opcode::TEXT, 0xff, 0x7f];
    head.extend([0xff; 7]);
    head.extend([0; 4]);
    socket.wire.send(head);
    socket.is_closed_with(1009);
    let mut socket = open(&server, codec);
    socket.text(&" ".repeat(16 << 10));
    assert_eq!(socket.until("error")["code"], "bad_json");
}

fn fragments_too_big_together_are_not_taken(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut socket = greeted(&server, codec);
    socket.send(opcode::TEXT, &[b' '; 1000]);
    for _ in 0..17 {
        socket.send(opcode::CONTINUATION, &[b' '; 1000]);
    }
    socket.is_closed_with(1009);
}

fn a_broken_frame_is_a_protocol_error(on: Kind, codec: &str) {
    let server = Server::start(on);
    let text = 0x80 | opcode::TEXT;
    for (what, bytes) in [
        ("not masked", b"\x81\x02hi".to_vec()),
        ("a reserved bit", mask(0x40 | text, b"hi")),
        ("another reserved bit", mask(0x10 | text, b"hi")),
        ("a reserved opcode", mask(0x83, b"hi")),
        ("a reserved control opcode", mask(0x8b, b"hi")),
        ("a ping in fragments", mask(opcode::PING, b"hi")),
        ("a ping too long", mask(0x80 | opcode::PING, &[0; 126])),
        ("a continuation of nothing", mask(0x80, b"hi")),
        (
            "a text within a text",
            [mask(opcode::TEXT, b"a"), mask(text, b"b")].concat(),
        ),
        ("half a close code", mask(0x80 | opcode::CLOSE, b"\x03")),
        ("a close code of 999", mask(0x80 | opcode::CLOSE, b"\x03\xe7")),
        ("a close code of 1005", mask(0x80 | opcode::CLOSE, b"\x03\xed")),
        ("a length of 2^63", {
            let mut head = vec![text, 0xff, 0x80];
            head.extend([0; 11]);
            head
        }),
    ] {
        let mut socket = greeted(&server, codec);
        socket.wire.send(bytes);
        let close = socket.until(opcode::CLOSE);
        // What is too large may be told so before what is malformed.
        let large = what.contains("2^63") && close.close_code() == 1009;
        assert!(close.close_code() == 1002 || large, "{what}: {close:?}");
        socket.wire.finish();
        socket.wire.closed();
    }
    let mut socket = greeted(&server, codec);
    socket.send(0x80 | opcode::CLOSE, b"\x03\xe8\xff");
    let code = socket.until(opcode::CLOSE).close_code();
    assert!(matches!(code, 1002 | 1007), "a reason that is not UTF-8: {code}");
}

fn no_compression_is_agreed_on(on: Kind, codec: &str) {
    let server = Server::start(on);
    let mut wire = crate::harness::Wire::open(&server);
    let fields = "Sec-WebSocket-Extensions: permessage-deflate\r\n\
                  Sec-WebSocket-Protocol: chat\r\n";
    wire.send(handshake(&server, &path(codec), fields));
    let answer = wire.answer();
    crate::harness::accepted(&answer);
    assert_eq!(answer.field("sec-websocket-protocol"), "");
}

fn a_reader_that_leaves_is_forgotten(on: Kind, codec: &str) {
    let server = Server::start(on);
    let descriptors = server.descriptors_at_rest();
    let threads = server.threads();
    let mut sockets: Vec<_> = (0..20).map(|_| open(&server, codec)).collect();
    assert!(server.descriptors() >= descriptors + 20);
    for socket in sockets.iter_mut().take(10) {
        socket.close();
    }
    drop(sockets);
    eventually("they are forgotten", || {
        server.descriptors() <= descriptors && server.threads() <= threads
    });
}
