//! The rules of a head.

use super::*;

fn head(line: &str, fields: &str) -> Vec<u8> {
    format!("{line}\r\n{fields}\r\n").into_bytes()
}

/// A good request but for these fields, each with its line end.
fn with(fields: &str) -> Vec<u8> {
    head("POST / HTTP/1.1", &format!("Host: a\r\n{fields}"))
}

/// A good request but for its first line.
fn line(line: &str) -> Vec<u8> {
    head(line, "Host: a\r\n")
}

#[test]
fn a_request_says_all_this() {
    let found = request(
        b"PUT /a?b=c HTTP/1.1\r\nHost: a.b:80\r\nX-Odd:\t a \xff b \t\r\n\
          EMPTY:  \r\nx-odd:2\r\n\r\n",
    );
    assert_eq!(found.method, Method::Put);
    assert_eq!(found.target, "/a?b=c");
    assert_eq!(found.version, Version::Http11);
    assert!(found.keep_alive);
    let fields: Vec<_> =
        found.fields.iter().map(|(n, v)| (&**n, &**v)).collect();
    assert_eq!(
        fields,
        [
            ("host", &b"a.b:80"[..]),
            ("x-odd", b"a \xff b"),
            ("empty", b""),
            ("x-odd", b"2"),
        ]
    );
}

#[test]
fn nine_methods_and_no_other() {
    for (name, method) in [
        ("GET", Method::Get),
        ("HEAD", Method::Head),
        ("POST", Method::Post),
        ("OPTIONS", Method::Options),
        ("PUT", Method::Put),
        ("PATCH", Method::Patch),
        ("DELETE", Method::Delete),
        ("TRACE", Method::Trace),
        ("CONNECT", Method::Connect),
    ] {
        assert_eq!(request(line(&format!("{name} / HTTP/1.1"))).method, method);
    }
    for name in ["get", "BREW", "PROPFIND", "G", "GETT", "!"] {
        let refused = refusal(line(&format!("{name} / HTTP/1.1")));
        assert_eq!(refused, (501, "unknown_method"), "{name}");
    }
}

#[test]
fn two_versions_and_no_other() {
    assert_eq!(request(line("GET / HTTP/1.0")).version, Version::Http10);
    for version in ["HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/3.0"] {
        let refused = refusal(line(&format!("GET / {version}")));
        assert_eq!(refused, (505, "http_version"), "{version}");
    }
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    assert_eq!(refusal(preface), (505, "http_version"));
    for version in
        ["", "HTTP", "HTTP/1", "HTTP/11", "HTTP/1.10", "http/1.1", "HTTPS/1.1"]
    {
        assert_eq!(
            refusal(line(&format!("GET / {version}"))),
            BAD,
            "{version}"
        );
    }
}

#[test]
fn a_request_line_has_three_words_and_two_spaces() {
    for text in [
        "GET",
        "GET /",
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        " GET / HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET\t/\tHTTP/1.1",
        "GET / a HTTP/1.1",
        "G@T / HTTP/1.1",
        "G\u{e9}T / HTTP/1.1",
        "hello",
    ] {
        assert_eq!(refusal(line(text)), BAD, "{text:?}");
    }
}

#[test]
fn a_target_is_a_path() {
    for text in
        ["", "a", "*", "/\u{e9}", "/#", "/\0", "/\x7f", "/\t", "ftp://a/"]
    {
        assert_eq!(refusal(line(&format!("GET {text} HTTP/1.1"))), BAD);
    }
    assert_eq!(request(line("OPTIONS * HTTP/1.1")).target, "*");
    assert_eq!(request(line("CONNECT b:443 HTTP/1.1")).target, "b:443");
}

#[test]
fn a_whole_address_replaces_the_host() {
    let found = request(line("GET http://b.c:1/d?e HTTP/1.1"));
    assert_eq!(found.target, "/d?e");
    assert_eq!(found.all("host").collect::<Vec<_>>(), [b"b.c:1"]);
    let old = request(head("GET http://b HTTP/1.0", ""));
    assert_eq!((&*old.target, old.field("host")), ("/", Some("b")));
    // The field must be there and sane all the same.
    assert_eq!(refusal(head("GET http://b/ HTTP/1.1", "")), BAD);
    assert_eq!(refusal(head("GET http://b/ HTTP/1.1", "Host: ,\r\n")), BAD);
    assert_eq!(refusal(line("GET http://u:p@b/ HTTP/1.1")), BAD);
}

#[test]
fn one_host() {
    assert_eq!(refusal(head("GET / HTTP/1.1", "")), BAD);
    assert_eq!(refusal(with("Host: a\r\n")), BAD);
    assert_eq!(refusal(with("hOST: b\r\n")), BAD);
    for host in ["", "a b", "a,b", "a/b", "u@a", "a:b", "\u{e9}"] {
        let fields = format!("Host: {host}\r\n");
        assert_eq!(refusal(head("GET / HTTP/1.1", &fields)), BAD, "{host}");
    }
    assert_eq!(request(head("GET / HTTP/1.0", "")).field("host"), None);
    let twice = "Host: a\r\nHost: a\r\n";
    assert_eq!(refusal(head("GET / HTTP/1.0", twice)), BAD);
}

#[test]
fn a_connection_stays_unless_it_is_old_or_says_close() {
    assert!(request(with("Connection: keep-alive\r\n")).keep_alive);
    assert!(!request(with("Connection: x, Close\r\n")).keep_alive);
    assert!(
        !request(with("Connection: x\r\nConnection: close\r\n")).keep_alive
    );
    let old = head("GET / HTTP/1.0", "Connection: keep-alive\r\n");
    assert!(!request(old).keep_alive);
}

#[test]
fn lines_end_in_cr_lf_and_hold_neither() {
    for bytes in [
        &b"GET / HTTP/1.1\nHost: a\r\n\r\n"[..],
        b"GET / HTTP/1.1\r\nHost: a\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\n",
        b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\rb\r\n\r\n",
        b"GET /\r HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
        b"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        assert_eq!(refusal(bytes), BAD, "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_field_is_a_name_a_colon_and_a_value() {
    for fields in [
        "X : a\r\n",
        "X\t: a\r\n",
        " X: a\r\n",
        ": a\r\n",
        "X\r\n",
        "X: a\r\n b\r\n",
        "X: a\r\n\tb\r\n",
        "X: a\0b\r\n",
        "X: a\x01b\r\n",
        "X: a\x7fb\r\n",
        "X\0: a\r\n",
        "X@Y: a\r\n",
        "\u{e9}: a\r\n",
    ] {
        assert_eq!(refusal(with(fields)), BAD, "{fields:?}");
    }
    // A folded line before any field.
    assert_eq!(refusal(head("GET / HTTP/1.1", " a\r\nHost: a\r\n")), BAD);
}

#[test]
fn a_few_empty_lines_are_forgiven() {
    for lines in 0..=4 {
        let bytes = [&b"\r\n".repeat(lines), GET].concat();
        assert_eq!(requests([&bytes[..], &bytes].concat()).len(), 2);
    }
    assert_eq!(refusal(b"\r\n".repeat(5)), BAD);
}

#[test]
fn one_expectation_can_be_met() {
    assert!(request(with("Expect: 100-Continue\r\n")).keep_alive);
    for value in ["", "200-ok", "100-continue, b", "100"] {
        let refused = refusal(with(&format!("Expect: {value}\r\n")));
        assert_eq!(refused, (417, "expectation_failed"), "{value}");
    }
    let old = head("GET / HTTP/1.0", "Expect: 200-ok\r\n");
    assert_eq!(refusal(old), (417, "expectation_failed"));
}

/// A limit of 40 bytes is for the line, of 200 for the head.
fn small() -> Limits {
    Limits { request_line: 40, head: 200, headers: 4, ..Limits::default() }
}

#[test]
fn a_line_is_too_long_before_it_has_ended() {
    // 14 bytes are not the target's.
    let line = |n: usize| format!("GET /{} HTTP/1.1", "a".repeat(n - 14));
    let exact = head(&line(40), "Host: a\r\n");
    assert_eq!(decode_within(&small(), &exact).0.len(), 1);
    let refused = (414, "target_too_long");
    let over = head(&line(41), "Host: a\r\n");
    assert_eq!(refusal_within(&small(), over), refused);
    assert_eq!(refusal_within(&small(), "a".repeat(41)), refused);
    assert_eq!(decode_within(&small(), &[b'a'; 40]), (vec![], None));
    // Even where the whole head is the smaller limit.
    let limits = Limits { request_line: 900, ..small() };
    assert_eq!(refusal_within(&limits, "a".repeat(201)), refused);
}

#[test]
fn a_head_is_too_large_before_it_has_ended() {
    let fill = |n: usize| {
        let empty = line("GET / HTTP/1.1").len() + "X: \r\n".len();
        let value = "a".repeat(n - empty);
        head("GET / HTTP/1.1", &format!("Host: a\r\nX: {value}\r\n"))
    };
    assert_eq!(decode_within(&small(), &fill(200)).0.len(), 1);
    let refused = (431, "head_too_large");
    assert_eq!(refusal_within(&small(), fill(201)), refused);
    assert_eq!(refusal_within(&small(), fill(202)), refused);
    assert_eq!(refusal_within(&small(), fill(203)), refused);
    assert_eq!(refusal_within(&small(), &fill(999)[..250]), refused);
}

#[test]
fn headers_are_counted_before_the_head_has_ended() {
    let fields = |n: usize| format!("Host: a\r\n{}", "x:\r\n".repeat(n - 1));
    let exact = head("GET / HTTP/1.1", &fields(4));
    assert_eq!(decode_within(&small(), &exact).0.len(), 1);
    let over = format!("GET / HTTP/1.1\r\n{}", fields(5));
    let refused = (431, "too_many_headers");
    assert_eq!(refusal_within(&small(), over), refused);
}

#[test]
fn the_default_limits_hold() {
    let long = format!("GET /{} HTTP/1.1", "a".repeat(8192 - 14));
    assert_eq!(requests(line(&long)).len(), 1);
    let fields = "x: y\r\n".repeat(63);
    assert_eq!(request(with(&fields)).all("x").count(), 63);
    let refused = (431, "too_many_headers");
    assert_eq!(refusal(with(&format!("{fields}x: y\r\n"))), refused);
}
