//! What every HTTP answer has in common: methods, targets, refusals.

use crate::harness::{Kind, Server, Wire, get, handshake};

on_every_server! {
    it_says_what_it_is,
    it_is_healthy,
    head_is_get_without_a_body,
    options_says_what_is_allowed,
    a_method_that_is_not_allowed_is_told_which_are,
    an_unknown_method_is_not_implemented,
    an_unknown_path_is_not_found,
    answers_are_dated_and_not_sniffed,
    a_connection_is_kept_alive,
    a_client_may_ask_to_close,
    an_http_1_0_client_is_served,
    another_major_version_is_refused,
    an_upgrade_to_another_version_is_told_ours,
    an_upgrade_to_something_else_is_refused,
    expect_100_continue_is_answered,
    another_expectation_fails,
    a_target_may_be_absolute,
    paths_do_not_lead_out,
}

/// Sends one request without a body, and reads the answer.
fn ask(server: &Server, method: &str, path: &str) -> crate::harness::Answer {
    let mut wire = Wire::open(server);
    wire.send(format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\n\r\n",
        server.host()
    ));
    if method == "HEAD" { wire.answer_to_head() } else { wire.answer() }
}

fn it_says_what_it_is(on: Kind) {
    let server = Server::start(on);
    let answer = get(&server, "/api/server");
    assert_eq!(answer.status, 200);
    let json = answer.json();
    assert_eq!(json["server"], on.0);
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(json["pid"], server.pid());
    assert!(json["uptime_s"].as_f64().unwrap() < 60.0, "{json}");
    assert!(json["connections"].as_u64().unwrap() >= 1, "{json}");
    assert!(json["threads"].as_u64().unwrap() >= 1, "{json}");
    let limits = json["limits"].as_object().unwrap();
    assert!(limits.len() >= 10, "{json}");
}

fn it_is_healthy(on: Kind) {
    let server = Server::start(on);
    let answer = get(&server, "/healthz");
    assert_eq!((answer.status, answer.text().trim()), (200, "ok"));
}

fn head_is_get_without_a_body(on: Kind) {
    let server = Server::start(on);
    for path in
        ["/", "/r/lobby", "/healthz", "/api/server", "/api/rooms/a/messages"]
    {
        let head = ask(&server, "HEAD", path);
        let get = ask(&server, "GET", path);
        assert_eq!(head.status, 200, "{path}: {head}");
        assert_eq!(head.field("content-type"), get.field("content-type"));
        if path != "/api/server" {
            let length = |a: &crate::harness::Answer| {
                a.field("content-length").to_owned()
            };
            assert_eq!(length(&head), length(&get), "{path}");
        }
    }
    let mut wire = Wire::open(&server);
    let host = server.host();
    for path in ["events", "stream"] {
        wire.send(format!(
            "HEAD /api/rooms/a/{path} HTTP/1.1\r\nHost: {host}\r\n\r\n"
        ));
        assert_eq!(wire.answer_to_head().status, 200, "{path}");
    }
    wire.send(format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    assert_eq!(wire.answer().status, 200);
}

fn options_says_what_is_allowed(on: Kind) {
    let server = Server::start(on);
    for (path, allowed) in [
        ("/", "GET, HEAD, OPTIONS"),
        ("/api/server", "GET, HEAD, OPTIONS"),
        ("/api/rooms/a/messages", "GET, HEAD, OPTIONS, POST"),
        ("/api/rooms/a/events", "GET, HEAD, OPTIONS"),
        ("/api/rooms/a/stream", "GET, HEAD, OPTIONS"),
    ] {
        let answer = ask(&server, "OPTIONS", path);
        assert!(matches!(answer.status, 200 | 204), "{path}: {answer}");
        let mut allow: Vec<_> =
            answer.field("allow").split(',').map(str::trim).collect();
        allow.sort_unstable();
        assert_eq!(allow.join(", "), allowed, "{path}");
    }
    let answer = ask(&server, "OPTIONS", "*");
    assert!(matches!(answer.status, 200 | 204), "{answer}");
}

fn a_method_that_is_not_allowed_is_told_which_are(on: Kind) {
    let server = Server::start(on);
    for (method, path) in [
        ("POST", "/"),
        ("POST", "/healthz"),
        ("PUT", "/api/rooms/a/messages"),
        ("DELETE", "/api/rooms/a/messages"),
        ("PATCH", "/api/rooms/a/events"),
        ("TRACE", "/"),
    ] {
        let answer = ask(&server, method, path);
        answer.refused(405, "method_not_allowed");
        assert!(answer.field("allow").contains("GET"), "{answer}");
    }
}

fn an_unknown_method_is_not_implemented(on: Kind) {
    let server = Server::start(on);
    for method in ["BREW", "get", "PROPFIND"] {
        ask(&server, method, "/").refused(501, "unknown_method");
    }
}

fn an_unknown_path_is_not_found(on: Kind) {
    let server = Server::start(on);
    for path in [
        "/nothing",
        "/api",
        "/api/rooms",
        "/api/rooms/a",
        "/api/rooms/a/nothing",
        "/api/rooms/a/messages/",
        "/metrics",
        "/favicon.icon",
    ] {
        ask(&server, "GET", path).refused(404, "not_found");
    }
}

fn answers_are_dated_and_not_sniffed(on: Kind) {
    let server = Server::start(on);
    for path in ["/", "/api/server", "/nothing", "/api/rooms/a/messages"] {
        let answer = ask(&server, "GET", path);
        assert!(answer.field("date").ends_with(" GMT"), "{path}: {answer}");
        let sniff = answer.field("x-content-type-options");
        assert_eq!(sniff, "nosniff", "{path}");
        assert_eq!(answer.field("set-cookie"), "", "{path}");
    }
}

fn a_connection_is_kept_alive(on: Kind) {
    let server = Server::start(on);
    let mut wire = Wire::open(&server);
    for _ in 0..100 {
        wire.send(format!(
            "GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n",
            server.host()
        ));
        let answer = wire.answer();
        assert_eq!(answer.status, 200);
        assert!(!answer.closes());
    }
}

fn a_client_may_ask_to_close(on: Kind) {
    let server = Server::start(on);
    let mut wire = Wire::open(&server);
    wire.send(format!(
        "GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        server.host()
    ));
    assert!(wire.answer().closes());
    wire.closed();
}

fn an_http_1_0_client_is_served(on: Kind) {
    let server = Server::start(on);
    let mut wire = Wire::open(&server);
    wire.send("GET /healthz HTTP/1.0\r\n\r\n");
    assert_eq!(wire.answer().status, 200);
    wire.closed();
    let mut wire = Wire::open(&server);
    wire.send("GET /api/rooms/a/stream HTTP/1.0\r\n\r\n");
    let deadline = std::time::Instant::now() + crate::harness::PATIENCE;
    let head = wire.head(deadline).unwrap();
    assert_eq!(head.status, 200);
    assert_eq!(head.field("transfer-encoding"), "", "1.0 knows no chunks");
    assert_eq!(wire.take(1, deadline).unwrap(), b"{");
}

fn another_major_version_is_refused(on: Kind) {
    let server = Server::start(on);
    let mut wire = Wire::open(&server);
    wire.send("GET / HTTP/3.0\r\nHost: a\r\n\r\n");
    wire.answer().refused(505, "http_version");
    wire.closed();
}

fn an_upgrade_to_another_version_is_told_ours(on: Kind) {
    let server = Server::start(on);
    let path = "/api/rooms/a/socket";
    for version in ["8", "14", "13, 8", ""] {
        let mut wire = Wire::open(&server);
        let request = handshake(&server, path, "");
        let ours = "Sec-WebSocket-Version: 13";
        let theirs = format!("Sec-WebSocket-Version: {version}");
        wire.send(request.replace(ours, &theirs));
        let answer = wire.answer();
        answer.refused(426, "websocket_version");
        assert_eq!(answer.field("sec-websocket-version"), "13");
    }
}

fn an_upgrade_to_something_else_is_refused(on: Kind) {
    let server = Server::start(on);
    let path = "/api/rooms/a/socket";
    let answer = ask(&server, "GET", path);
    answer.refused(426, "upgrade_required");
    assert!(answer.field("upgrade").eq_ignore_ascii_case("websocket"));
    let mut wire = Wire::open(&server);
    let other = handshake(&server, path, "").replace("websocket", "h2c");
    wire.send(other);
    wire.answer().refused(426, "upgrade_required");
    let mut wire = Wire::open(&server);
    let half = handshake(&server, path, "");
    wire.send(half.replace("Connection: Upgrade", "Connection: close"));
    wire.answer().refused(400, "bad_request");
    for key in
        ["", "short", "dGhlIHNhbXBsZSBub25jZQ=", "not base64 at all!!!!!!!!"]
    {
        let mut wire = Wire::open(&server);
        let ours = "dGhlIHNhbXBsZSBub25jZQ==";
        wire.send(handshake(&server, path, "").replace(ours, key));
        wire.answer().refused(400, "bad_request");
    }
}

fn expect_100_continue_is_answered(on: Kind) {
    let server = Server::start(on);
    let body = r#"{"id":"a","nick":"ada","text":"hi"}"#;
    let mut wire = Wire::open(&server);
    wire.send(format!(
        "POST /api/rooms/a/messages HTTP/1.1\r\nHost: {}\r\n\
         Content-Type: application/json\r\nExpect: 100-continue\r\n\
         Content-Length: {}\r\n\r\n",
        server.host(),
        body.len()
    ));
    assert_eq!(wire.answer().status, 100);
    wire.send(body);
    assert_eq!(wire.answer().status, 201);
}

fn another_expectation_fails(on: Kind) {
    let server = Server::start(on);
    let mut wire = Wire::open(&server);
    wire.send(format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nExpect: miracles\r\n\r\n",
        server.host()
    ));
    wire.answer().refused(417, "expectation_failed");
}

fn a_target_may_be_absolute(on: Kind) {
    let server = Server::start(on);
    let answer = ask(&server, "GET", &server.url("/healthz"));
    assert_eq!(answer.status, 200, "{answer}");
}

fn paths_do_not_lead_out(on: Kind) {
    let server = Server::start(on);
    for path in [
        "/../Cargo.toml",
        "/static/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/%2e%2e%2fCargo.toml",
        "/..%5cCargo.toml",
        "//etc/passwd",
        "/r/../../etc/passwd",
        "/app.js%00.html",
        "/./././index.html/..",
    ] {
        let answer = ask(&server, "GET", path);
        assert!(matches!(answer.status, 400 | 404 | 422), "{path}: {answer}");
    }
}
