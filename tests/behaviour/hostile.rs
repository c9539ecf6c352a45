//! Bytes that nobody means well with, and what each of them comes to.
//!
//! After each: the process lives, its descriptors and threads are back to
//! where they were, and a good client is served.

use serde_json::json;

use crate::harness::{Answer, Kind, Wire, handshake, mask, opcode};
use crate::siege::Siege;

on_every_server! {
    heads,
    targets,
    bodies,
    words,
    frames,
}

/// The end of an ordinary head.
const REST: &str = "HTTP/1.1\r\nHost: a\r\n\r\n";

/// Heads that are none.
const BROKEN_HEADS: &[&str] = &[
    "\0",
    "\0\r\n\r\n",
    "\r",
    "\n",
    "\u{feff}GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nA\0: b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nA: \x01\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nA B: c\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nA(: c\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n\tc\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nA: b\rC: d\r\n\r\n",
    "GET / HTTP/1.1\r\rHost: a\r\r\r\r",
    "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost:\r\nHost:\r\n\r\n",
    "GET / http/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.\r\nHost: a\r\n\r\n",
    "GET / HTTP/11\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "\u{16}\u{3}\u{1}\u{0}\u{5}\u{1}\u{0}\u{0}\u{1}\u{0}\r\n\r\n",
    "SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "EHLO there\r\n\r\n",
    "*1\r\n$4\r\nPING\r\n\r\n",
];

/// Heads that are unusual, and what they may be answered with.
const ODD_HEADS: &[(&str, &[u16])] = &[
    ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", &[400, 505]),
    ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", &[200, 505]),
    ("GET / HTTP/9.9\r\nHost: a\r\n\r\n", &[505]),
    ("GET / HTTP/1.1\nHost: a\n\n", &[200, 400]),
    ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", &[200]),
    ("GET / HTTP/1.1\r\nHost: a\r\nA:\r\n\r\n", &[200]),
    ("GET / HTTP/1.1\r\nHOST: a\r\n\r\n", &[200]),
    ("GET / HTTP/1.1\r\nHost: a\r\nA: é\r\n\r\n", &[200, 400]),
    ("GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", &[417]),
    ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n", &[200, 400]),
    ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", &[400, 405, 501]),
    ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", &[405, 501]),
    ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", &[200, 204]),
    ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", &[400, 404]),
    ("G\u{e9}T / HTTP/1.1\r\nHost: a\r\n\r\n", &[400, 501]),
    ("GETGETGETGETGET / HTTP/1.1\r\nHost: a\r\n\r\n", &[501]),
    ("get / HTTP/1.1\r\nHost: a\r\n\r\n", &[501]),
];

fn heads(on: Kind) {
    let mut siege = Siege::begin(on);
    let bad: &[u16] = &[400];
    for bytes in BROKEN_HEADS {
        // What ends before it can be told wrong is only left.
        siege.send(bytes, &[bad, &[0]].concat());
    }
    for (bytes, statuses) in ODD_HEADS {
        siege.send(bytes, statuses);
    }
    siege.send("A".repeat(100_000), &[400, 414, 431, 501]);
    siege.send("\r\n".repeat(50_000), &[0, 400, 431]);
    siege.send(format!("GET / HTTP/1.1\r\n{}", "A:b\r\n".repeat(9000)), &[431]);
    siege.send(format!("GET /{} {REST}", "?".repeat(20_000)), &[414]);
    siege.stood(50);
}

fn targets(on: Kind) {
    let mut siege = Siege::begin(on);
    for target in [
        "/..",
        "/../../etc/passwd",
        "/static/../../Cargo.toml",
        "/static/%2e%2e/%2e%2e/Cargo.toml",
        "/static/..%2f..%2fCargo.toml",
        "/static/....//Cargo.toml",
        "/static//etc/passwd",
        "/static/%00",
        "/static/%",
        "/static/%zz",
        "/static/%c0%ae%c0%ae/x",
        "/static/\\..\\x",
        "/static/",
        "/static",
        "//",
        "//evil.example/",
        "/r/%2e%2e",
        "/r/lobby/../x",
        "/r/a%00b",
        "/api/rooms//messages",
        "/api/rooms/%6c%6f%62%62%79%00/messages",
        "/api/rooms/../server",
        "/api/rooms/a/messages/../events",
        "/api/rooms/a;b/messages",
        "/api/rooms/a/MESSAGES",
        "/api//server",
        "/API/server",
        "http://",
        "https://a:b@c/",
        "a:80",
        "/api/rooms/a/messages?after=%31%32%",
        "/api/rooms/a/messages?after=0&after=0",
        "/api/rooms/a/messages?limit=1e2",
        "/api/rooms/a/messages?limit=0x10",
        "/api/rooms/a/messages?limit=٣",
        "/api/rooms/a/messages?wait=-0",
        "/api/rooms/a/messages?after=+1",
        "/api/rooms/a/events?after=18446744073709551616",
        "/api/rooms/a/stream?nick=%E2%80%AE",
        "/api/rooms/a/socket?after=x",
        "/api/work?ms=1",
    ] {
        let request = format!("GET {target} {REST}");
        siege.send(request, &[400, 404, 422, 426]);
    }
    siege.stood(40);
}

/// A post with fields and a body of the attacker's.
fn post(fields: &str, body: &str) -> String {
    format!(
        "POST /api/rooms/siege/messages HTTP/1.1\r\nHost: a\r\n\
         Content-Type: application/json\r\n{fields}\r\n{body}"
    )
}

fn bodies(on: Kind) {
    let mut siege = Siege::begin(on);
    let hidden = "GET /api/server HTTP/1.1\r\nHost: a\r\n\r\n";
    for fields in [
        "Content-Length: 0\r\nContent-Length: 50\r\n",
        "Content-Length: 50\r\ncontent-length: 0\r\n",
        "Content-Length: 0, 0, 50\r\n",
        "Content-Length: 0x0\r\n",
        "Content-Length: 1e1\r\n",
        "Content-Length: \t\r\n",
        "Content-Length: 0;x\r\n",
        "Content-Length: ٣\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity, chunked\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding\r\n",
        " Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding:\r\n",
    ] {
        siege.send(post(fields, hidden), &[400, 413, 501]);
    }
    let chunked = "Transfer-Encoding: chunked\r\n";
    for body in [
        "g\r\n",
        "1\r\na",
        "1 \r\na\r\n0\r\n\r\n",
        "\t1\r\na\r\n0\r\n\r\n",
        "+1\r\na\r\n0\r\n\r\n",
        "1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
        "7fffffffffffffff\r\na",
        "ffffffffffffffff\r\na",
        "10000000000000000\r\na",
        "1\r\naX\r\n0\r\n\r\n",
        "1\r\na\n0\r\n\r\n",
        "1;\0\r\na\r\n0\r\n\r\n",
        "0\r\nX\r\n\r\n",
        "0\r\nContent-Length: 5\0\r\n\r\n",
    ] {
        siege.send(post(chunked, body), &[0, 400, 413]);
    }
    let long = format!("1;{}\r\na\r\n", "x".repeat(100_000));
    siege.send(post(chunked, &long), &[400, 413, 431]);
    let trailers = format!("0\r\n{}", "A: b\r\n".repeat(10_000));
    siege.send(post(chunked, &trailers), &[400, 413, 431]);
    let crumbs = "1\r\n \r\n".repeat(20_000);
    siege.send(post(chunked, &crumbs), &[413]);
    siege.send(post("Content-Length: 9\r\n", "short"), &[0, 400]);
    siege.send(
        post("Expect: 100-continue\r\nContent-Length: 99999\r\n", ""),
        &[413, 417],
    );
    siege.stood(40);
}

/// Bodies that are no posts.
const NO_POSTS: [&str; 27] = [
    "",
    " ",
    "null",
    "true",
    "1",
    "\"\"",
    "[]",
    "{}",
    "{\"id\"}",
    "{,}",
    "{\"id\":\"a\",\"nick\":\"b\",\"text\":\"c\",}",
    "{'id':'a','nick':'b','text':'c'}",
    "{\"id\":\"a\",\"nick\":\"b\",\"text\":NaN}",
    "{\"id\":\"a\",\"nick\":\"b\",\"text\":\"\\ud800\"}",
    "{\"id\":\"a\",\"nick\":\"b\",\"text\":\"\\udc00\\ud800\"}",
    "{\"id\":\"a\",\"nick\":\"b\",\"text\":\"a\nb\"}",
    "{\"id\":\"a\",\"nick\":\"b\",\"text\":\"\\x\"}",
    "{\"id\":\"a\",\"nick\":\"b\",\"text\":\"\\u00g0\"}",
    "{\"id\":\"a\",\"nick\":\"b\",\"text\":{\"$gt\":\"\"}}",
    "{\"id\":[\"a\"],\"nick\":\"b\",\"text\":\"c\"}",
    "{\"id\":true,\"nick\":\"b\",\"text\":\"c\"}",
    "{\"ID\":\"a\",\"Nick\":\"b\",\"TEXT\":\"c\"}",
    "{\"id\":\"a\",\"nick\":\"b\",\"text\":\"c\",\"text\":\"d\"}",
    "{\"id\":\"a\",\"nick\":\"b\",\"text\":\"c\"}{}",
    "\u{feff}{\"id\":\"a\",\"nick\":\"b\",\"text\":\"c\"}",
    "{\"id\":\"a\",\"nick\":\"b\",\"text\":\"c\"",
    "/**/{\"id\":\"a\",\"nick\":\"b\",\"text\":\"c\"}",
];

fn words(on: Kind) {
    let mut siege = Siege::begin(on);
    let bombs = ["[", "{\"a\":", "[{\"a\":"].map(|open| open.repeat(4000));
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    let mut texts = NO_POSTS.map(str::to_owned).to_vec();
    texts.extend(bombs);
    texts.push(deep);
    for text in texts {
        let length = format!("Content-Length: {}\r\n", text.len());
        siege.send(post(&length, &text), &[400, 413]);
    }
    let long = "x".repeat(5000);
    for (id, nick, text) in [
        ("../../x", "a", "b"),
        ("a\r\nb", "a", "b"),
        ("'; drop table messages; --", "a", "b"),
        ("\u{661}", "a", "b"),
        (&*long, "a", "b"),
        ("a", "a\u{0}", "b"),
        ("a", "\u{202e}a", "b"),
        ("a", "\u{2066}a", "b"),
        ("a", "a\u{200b}", "b"),
        ("a", "a\u{200d}b", "b"),
        ("a", "\u{3164}", "b"),
        ("a", "\u{ad}", "b"),
        ("a", "a\u{feff}", "b"),
        ("a", "\u{e0041}", "b"),
        ("a", "<script>", "b"),
        ("a", "a\u{2028}b", "b"),
        ("a", &*long, "b"),
        ("a", "a", "\u{1b}[2J"),
        ("a", "a", "\u{9b}31m"),
        ("a", "a", "a\u{8}b"),
        ("a", "a", "a\r\nid: 1\r\n\r\n"),
        ("a", "a", "\u{0}"),
        ("a", "a", " \n\t "),
        ("a", "a", &*long),
    ] {
        let body = json!({"id": id, "nick": nick, "text": text}).to_string();
        let length = format!("Content-Length: {}\r\n", body.len());
        siege.send(post(&length, &body), &[422]);
    }
    siege.stood(50);
}

fn frames(on: Kind) {
    let mut siege = Siege::begin(on);
    let text = 0x80 | opcode::TEXT;
    for first in [0x83, 0x84, 0x87, 0x8b, 0x8f, 0xc1, 0xa1, 0x91, 0xf1, 0x03] {
        siege.frames(&mask(first, b"{}"), &[1002]);
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535_u16] {
        let close = mask(0x88, &code.to_be_bytes());
        siege.frames(&close, &[1002]);
    }
    for payload in
        [&b"\xff"[..], b"\xc0\xaf", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80"]
    {
        siege.frames(&mask(text, payload), &[1007]);
    }
    let split = [mask(opcode::TEXT, b"\xf0\x9f"), mask(0x80, b"\xff")];
    siege.frames(&split.concat(), &[1007]);
    siege.frames(&mask(0x88, b"\x03\xe8\xff"), &[1002, 1007]);
    siege.frames(&mask(0x88, b"\x03"), &[1002]);
    siege.frames(&mask(0x88, &[0; 126]), &[1002, 1009]);
    siege.frames(&mask(0x89, &[0; 126]), &[1002, 1009]);
    siege.frames(&mask(0x09, b""), &[1002]);
    siege.frames(&mask(0x08, b"\x03\xe8"), &[1002]);
    siege.frames(&mask(0x00, b"x"), &[1002]);
    siege.frames(&mask(0x80, b"x"), &[1002]);
    siege.frames(b"\x81\x00", &[1002]);
    siege.frames(b"\x89\x00", &[1002]);
    siege.frames(b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", &[1002, 1009]);
    siege.frames(&mask(text, &[b' '; 20_000]), &[1009]);
    siege.frames(&mask(0x82, b"{}"), &[1003]);
    let empty = [mask(opcode::TEXT, b""), mask(0, b"").repeat(400)].concat();
    siege.frames(&empty, &[0, 1008, 1009]);
    let begun = [mask(opcode::TEXT, b"a"), mask(opcode::TEXT, b"b")].concat();
    siege.frames(&begun, &[1002]);
    siege.frames(&mask(text, b"").repeat(20), &[0]);
    siege.frames(&mask(0x8a, b"unasked").repeat(20), &[0]);
    siege.frames(
        &mask(text, b"{\"type\":\"ack\",\"id\":\"a\",\"seq\":1}"),
        &[0],
    );
    siege.frames(&mask(0x89, b"").repeat(100_000), &[0, 1008]);
    siege.frames(&mask(text, b"{}").repeat(100_000), &[0, 1008]);
    half_a_handshake(&mut siege);
    siege.stood(90);
}

fn half_a_handshake(siege: &mut Siege) {
    let whole = handshake(&siege.server, "/api/rooms/siege/socket", "");
    for end in [20, 60, 100, whole.len() - 2] {
        siege.send(&whole[..end], &[0, 400]);
    }
    let answered = |answer: Option<Answer>| answer.map_or(0, |a| a.status);
    let mut wire = Wire::open(&siege.server);
    wire.send(whole.replace("GET", "POST"));
    assert!(matches!(answered(wire.answer_or_end()), 400 | 405));
    drop(wire);
    siege.stands();
}
