//! Which pages may post and open sockets: the `Origin` of a browser.

use crate::harness::{Answer, Kind, OpenBody, Server, Setup, Wire, handshake};

on_every_server! {
    the_same_host_may,
    another_host_may_not,
    no_origin_may,
    an_origin_may_be_allowed,
    reading_needs_no_origin_of_ours,
    an_allowed_page_may_read_what_it_asks,
    an_allowed_page_is_told_what_it_may_send,
    a_server_answers_to_every_name_unless_it_is_told_its_own,
}

const SOCKET: &str = "/api/rooms/lobby/socket";

fn a_server_answers_to_every_name_unless_it_is_told_its_own(on: Kind) {
    let ask = |server: &Server, host: &str| {
        let mut wire = Wire::open(server);
        wire.send(format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        wire.answer()
    };
    let open = Server::start(on);
    assert_eq!(ask(&open, "evil.example:8080").status, 200);
    let named =
        Setup::new(on).option("--allow-host", "chat.example,[::1]").start();
    for ours in ["chat.example", "Chat.Example:8080", "[::1]", "[::1]:80"] {
        assert_eq!(ask(&named, ours).status, 200, "{ours}");
    }
    for theirs in ["evil.example", "chat.example.evil:1", "[::2]:80"] {
        ask(&named, theirs).refused(403, "host");
    }
}

/// Posts from a page of this origin.
fn post_from(server: &Server, origin: &str) -> Answer {
    let body = r#"{"id":"a","nick":"ada","text":"hi"}"#;
    let mut wire = Wire::open(server);
    wire.send(format!(
        "POST /api/rooms/lobby/messages HTTP/1.1\r\nHost: {}\r\n{origin}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        server.host(),
        body.len()
    ));
    wire.answer()
}

/// Opens a socket from a page of this origin.
fn upgrade_from(server: &Server, path: &str, origin: &str) -> Answer {
    let mut wire = Wire::open(server);
    wire.send(handshake(server, path, origin));
    wire.answer()
}

#[track_caller]
fn may(server: &Server, origin: &str) {
    let status = post_from(server, origin).status;
    assert!(matches!(status, 200 | 201), "{origin}: {status}");
    for path in [SOCKET, "/api/echo"] {
        let answer = upgrade_from(server, path, origin);
        assert_eq!(answer.status, 101, "{origin}: {answer}");
    }
}

#[track_caller]
fn may_not(server: &Server, origin: &str) {
    post_from(server, origin).refused(403, "origin");
    for path in [SOCKET, "/api/echo"] {
        upgrade_from(server, path, origin).refused(403, "origin");
    }
}

fn the_same_host_may(on: Kind) {
    let server = Server::start(on);
    may(&server, &format!("Origin: http://{}\r\n", server.host()));
    may(&server, &format!("origin: https://{}\r\n", server.host()));
}

fn another_host_may_not(on: Kind) {
    let server = Server::start(on);
    let port = server.address.port();
    for origin in [
        "http://evil.example",
        "null",
        "",
        "http://127.0.0.1",
        &format!("http://localhost:{port}"),
        &format!("http://127.0.0.1:{port}.evil.example"),
        &format!("http://evil.example/127.0.0.1:{port}"),
        &format!("http://127.0.0.1:{port}@evil.example"),
        "http://127.0.0.1:1",
    ] {
        may_not(&server, &format!("Origin: {origin}\r\n"));
    }
}

fn no_origin_may(on: Kind) {
    may(&Server::start(on), "");
}

fn an_origin_may_be_allowed(on: Kind) {
    let server = Setup::new(on)
        .flag("--allow-origin=https://chat.example")
        .flag("--allow-origin=http://localhost:3000")
        .start();
    may(&server, "Origin: https://chat.example\r\n");
    may(&server, "Origin: http://localhost:3000\r\n");
    may(&server, &format!("Origin: http://{}\r\n", server.host()));
    may_not(&server, "Origin: http://chat.example\r\n");
    may_not(&server, "Origin: https://chat.example.evil.example\r\n");
    may_not(&server, "Origin: http://localhost:3001\r\n");
}

fn reading_needs_no_origin_of_ours(on: Kind) {
    let server = Server::start(on);
    for path in ["stream", "events"] {
        let path = format!("/api/rooms/lobby/{path}");
        let wire = Wire::open(&server);
        let origin = "Origin: http://evil.example\r\n";
        let body = OpenBody::over(wire, server.address, &path, origin);
        let head = body.unwrap().head;
        let allowed = head.field("access-control-allow-origin");
        assert_eq!(allowed, "", "the browser keeps it from the page");
    }
}

/// Asks with a method, from a page of another origin that is allowed or not.
fn ask_from(
    server: &Server,
    request: &str,
    origin: &str,
    fields: &str,
) -> Answer {
    let mut wire = Wire::open(server);
    wire.send(format!(
        "{request} HTTP/1.1\r\nHost: {}\r\nOrigin: {origin}\r\n{fields}\r\n",
        server.host()
    ));
    wire.answer()
}

const FRIEND: &str = "http://friend.example:8081";

fn an_allowed_page_may_read_what_it_asks(on: Kind) {
    let server = Setup::new(on).option("--allow-origin", FRIEND).start();
    let paths =
        ["/api/server", "/api/rooms/lobby/messages", "/healthz", "/nothing"];
    for path in paths {
        let request = format!("GET {path}");
        let friend = ask_from(&server, &request, FRIEND, "");
        assert_eq!(friend.field("access-control-allow-origin"), FRIEND);
        assert!(friend.field("vary").eq_ignore_ascii_case("origin"), "{path}");
        let other = ask_from(&server, &request, "http://evil.example", "");
        assert_eq!(other.field("access-control-allow-origin"), "", "{path}");
    }
    for path in ["stream", "events"] {
        let path = format!("/api/rooms/lobby/{path}");
        let origin = format!("Origin: {FRIEND}\r\n");
        let wire = Wire::open(&server);
        let body = OpenBody::over(wire, server.address, &path, &origin);
        let head = body.unwrap().head;
        assert_eq!(head.field("access-control-allow-origin"), FRIEND);
    }
}

fn an_allowed_page_is_told_what_it_may_send(on: Kind) {
    let server = Setup::new(on).option("--allow-origin", FRIEND).start();
    let asks = "Access-Control-Request-Method: POST\r\n\
                Access-Control-Request-Headers: content-type\r\n";
    let request = "OPTIONS /api/rooms/lobby/messages";
    let friend = ask_from(&server, request, FRIEND, asks);
    assert_eq!(friend.field("access-control-allow-origin"), FRIEND);
    assert!(friend.field("access-control-allow-methods").contains("POST"));
    let fields = friend.field("access-control-allow-headers");
    assert!(fields.eq_ignore_ascii_case("content-type"), "{fields}");
    assert_eq!(friend.field("access-control-allow-credentials"), "");
    let other = ask_from(&server, request, "http://evil.example", asks);
    assert_eq!(other.field("access-control-allow-origin"), "");
}
