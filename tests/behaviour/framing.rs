//! Bytes that are almost requests, and what each of them is answered with.

use std::time::Duration;

use crate::harness::{Answer, Kind, Server, Setup, Wire, get};

on_every_server! {
    bytes_that_are_no_request_are_refused,
    what_leaves_the_next_request_unclear_closes,
    bodies_are_framed_strictly,
    a_request_line_too_long_is_refused,
    a_head_too_large_is_refused,
    too_many_headers_are_refused,
    requests_may_come_byte_by_byte,
    requests_may_be_pipelined,
    a_thousand_requests_unread_do_no_harm,
    a_body_is_not_taken_for_a_request,
    half_a_request_and_goodbye_does_no_harm,
}

/// Sends bytes with `{host}` filled in, and reads the answer.
fn answer_to(server: &Server, bytes: &str) -> (Wire, Answer) {
    let mut wire = Wire::open(server);
    wire.send(bytes.replace("{host}", &server.host()));
    let answer = wire.answer();
    (wire, answer)
}

fn bytes_that_are_no_request_are_refused(on: Kind) {
    let server = Server::start(on);
    for bytes in [
        "\0\0\0\0\r\n\r\n",
        "hello\r\n\r\n",
        "GET\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/1.1 x\r\nHost: {host}\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : {host}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nNo colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\n folded: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nX: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nX: a\0b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nX: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\n: empty\r\n\r\n",
        "GET nothing HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03\r\n\r\n",
    ] {
        let (mut wire, answer) = answer_to(&server, bytes);
        assert_eq!(answer.status, 400, "{bytes:?}: {answer}");
        answer.refused(400, "bad_request");
        assert!(answer.closes(), "{bytes:?}");
        wire.closed();
    }
    assert_eq!(get(&server, "/healthz").status, 200);
}

fn what_leaves_the_next_request_unclear_closes(on: Kind) {
    let server = Server::start(on);
    let post = "POST /api/rooms/a/messages HTTP/1.1\r\nHost: {host}\r\n\
                Content-Type: application/json\r\n";
    let second = "GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n";
    for (fields, status) in [
        ("Content-Length: 1\r\nContent-Length: 2\r\n", 400),
        ("Content-Length: 1, 2\r\n", 400),
        ("Content-Length: -1\r\n", 400),
        ("Content-Length: +1\r\n", 400),
        ("Content-Length: 0x1\r\n", 400),
        ("Content-Length: 1 1\r\n", 400),
        ("Content-Length: \r\n", 400),
        ("Content-Length: 99999999999999999999999999\r\n", 400),
        ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", 400),
        ("Transfer-Encoding: chunked, chunked\r\n", 400),
        ("Transfer-Encoding: gzip\r\n", 501),
        ("Transfer-Encoding: gzip, chunked\r\n", 501),
        ("Transfer-Encoding: xchunked\r\n", 501),
        ("Transfer-Encoding: identity\r\n", 501),
    ] {
        let bytes = format!("{post}{fields}\r\n0\r\n\r\n{second}");
        let (mut wire, answer) = answer_to(&server, &bytes);
        // A length beyond any number may also be called too large.
        let large = fields.contains("9999") && answer.status == 413;
        assert!(answer.status == status || large, "{fields}: {answer}");
        assert!(answer.closes(), "{fields}: {answer}");
        wire.closed();
    }
}

fn bodies_are_framed_strictly(on: Kind) {
    let server = Server::start(on);
    let head = "POST /api/rooms/a/messages HTTP/1.1\r\nHost: {host}\r\n\
                Content-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    for body in [
        "x\r\n\r\n",
        "-1\r\nx\r\n",
        " 1\r\nx\r\n0\r\n\r\n",
        "0x1\r\nx\r\n0\r\n\r\n",
        "1\nx\r\n0\r\n\r\n",
        "1\r\nxx\r\n0\r\n\r\n",
        "1\r\nx\n0\r\n\r\n",
        "ffffffffffffffffff\r\nx",
        "\r\n",
    ] {
        let (mut wire, answer) = answer_to(&server, &format!("{head}{body}"));
        let large = body.starts_with("fff") && answer.status == 413;
        assert!(answer.status == 400 || large, "{body:?}: {answer}");
        assert!(answer.closes(), "{body:?}: {answer}");
        wire.closed();
    }
}

fn a_request_line_too_long_is_refused(on: Kind) {
    let server = Server::start(on);
    let path = "a".repeat(9000);
    let (mut wire, answer) =
        answer_to(&server, &format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n"));
    answer.refused(414, "target_too_long");
    wire.closed();
    // The same without an end.
    let (mut wire, answer) = answer_to(&server, &format!("GET /{path}"));
    answer.refused(414, "target_too_long");
    wire.closed();
    let setup = Setup::new(on).option("--max-request-line", "100");
    let server = setup.start();
    let path = "a".repeat(100);
    let (_, answer) =
        answer_to(&server, &format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n"));
    answer.refused(414, "target_too_long");
    assert_eq!(get(&server, "/healthz").status, 200);
}

fn a_head_too_large_is_refused(on: Kind) {
    let server = Server::start(on);
    let value = "a".repeat(17_000);
    for end in ["\r\n\r\n", ""] {
        let bytes =
            format!("GET / HTTP/1.1\r\nHost: {{host}}\r\nX: {value}{end}");
        let (mut wire, answer) = answer_to(&server, &bytes);
        answer.refused(431, "head_too_large");
        wire.closed();
    }
    let fitting = "a".repeat(15_000);
    let bytes = format!(
        "GET /healthz HTTP/1.1\r\nHost: {{host}}\r\nX: {fitting}\r\n\r\n"
    );
    assert_eq!(answer_to(&server, &bytes).1.status, 200);
}

fn too_many_headers_are_refused(on: Kind) {
    let server = Server::start(on);
    let request = |count| {
        let fields = "X: y\r\n".repeat(count);
        format!("GET /healthz HTTP/1.1\r\nHost: {{host}}\r\n{fields}\r\n")
    };
    assert_eq!(answer_to(&server, &request(63)).1.status, 200);
    let (mut wire, answer) = answer_to(&server, &request(64));
    answer.refused(431, "too_many_headers");
    wire.closed();
}

fn requests_may_come_byte_by_byte(on: Kind) {
    let server = Server::start(on);
    let body = r#"{"id":"a","nick":"ada","text":"hi"}"#;
    let request = format!(
        "POST /api/rooms/a/messages HTTP/1.1\r\nHost: {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}\
         GET /healthz HTTP/1.1\r\nHost: {0}\r\n\r\n",
        server.host(),
        body.len()
    );
    let mut wire = Wire::open(&server);
    for byte in request.bytes() {
        wire.send([byte]);
    }
    assert_eq!(wire.answer().status, 201);
    assert_eq!(wire.answer().status, 200);
}

fn requests_may_be_pipelined(on: Kind) {
    let server = Server::start(on);
    let host = server.host();
    let mut bytes = String::new();
    for number in 0..20 {
        let body = format!(r#"{{"id":"{number}","nick":"a","text":"b"}}"#);
        bytes += &format!(
            "POST /api/rooms/a/messages HTTP/1.1\r\nHost: {host}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n\
             {body}GET /api/rooms/a/messages?limit=1 HTTP/1.1\r\n\
             Host: {host}\r\n\r\n",
            body.len()
        );
    }
    let mut wire = Wire::open(&server);
    wire.send(bytes);
    for number in 0..20 {
        let answer = wire.answer();
        assert_eq!(answer.status, 201, "{answer}");
        let messages = wire.answer().messages();
        assert_eq!(messages[0].id, number.to_string());
    }
}

fn a_thousand_requests_unread_do_no_harm(on: Kind) {
    let setup = Setup::new(on).option("--write-timeout", "1");
    let server = setup.start();
    let request = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", server.host());
    let before = server.descriptors_at_rest();
    let mut wire = Wire::narrow(&server);
    for _ in 0..20 {
        if wire.try_send(request.repeat(1000)).is_err() {
            break;
        }
    }
    assert_eq!(get(&server, "/healthz").status, 200);
    drop(wire);
    crate::harness::eventually("it is given up", || {
        server.descriptors() <= before
    });
}

fn a_body_is_not_taken_for_a_request(on: Kind) {
    let server = Server::start(on);
    let inner =
        format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", server.host());
    let bytes = format!(
        "GET /api/server HTTP/1.1\r\nHost: {{host}}\r\nContent-Length: {}\r\n\
         \r\n{inner}",
        inner.len()
    );
    let (mut wire, answer) = answer_to(&server, &bytes);
    assert!(matches!(answer.status, 200 | 400), "{answer}");
    assert!(wire.is_quiet_for(Duration::from_millis(200)) || answer.closes());
}

fn half_a_request_and_goodbye_does_no_harm(on: Kind) {
    let server = Server::start(on);
    let before = server.descriptors_at_rest();
    let whole = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", server.host());
    for end in 0..whole.len() {
        let mut wire = Wire::open(&server);
        wire.send(&whole[..end]);
        wire.finish();
        wire.rest();
    }
    crate::harness::eventually("all are closed", || {
        server.descriptors() <= before
    });
    assert_eq!(get(&server, "/healthz").status, 200);
}
