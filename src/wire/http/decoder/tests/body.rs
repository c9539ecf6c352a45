//! The rules of a body.

use super::*;

/// A POST with these fields, each with its line end, and what follows.
fn post(fields: &str, rest: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n{rest}").into_bytes()
}

fn chunked(rest: &str) -> Vec<u8> {
    post("Transfer-Encoding: chunked\r\n", rest)
}

#[test]
fn a_length_says_where_the_body_ends() {
    let body = |n: &str, rest: &str| {
        request(post(&format!("Content-Length: {n}\r\n"), rest)).body
    };
    assert_eq!(body("5", "hello"), b"hello");
    assert_eq!(body("0", ""), b"");
    assert_eq!(body("0003", "a\r\n"), b"a\r\n");
    assert_eq!(request(post("", "")).body, b"");
}

#[test]
fn any_method_may_have_a_body() {
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"] {
        let text = format!(
            "{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
        );
        assert_eq!(request([text.as_bytes(), b""].concat()).body, b"ab");
    }
}

#[test]
fn a_length_is_one_plain_number() {
    for value in [
        "",
        "+1",
        "-1",
        "1 1",
        "0x1",
        "a",
        "1,1",
        "1, 1",
        "1.0",
        "\u{b9}",
        "18446744073709551616",
        "1_0",
        "1;",
    ] {
        let bytes = post(&format!("Content-Length: {value}\r\n"), "a");
        assert_eq!(refusal(bytes), BAD, "{value}");
    }
    let twice = "Content-Length: 1\r\ncontent-length: 1\r\n";
    assert_eq!(refusal(post(twice, "a")), BAD);
}

#[test]
fn a_length_over_the_limit_is_refused_by_the_head_alone() {
    let refused = (413, "body_too_large");
    for value in ["16385", "1000000000000", "18446744073709551615"] {
        let bytes = post(&format!("Content-Length: {value}\r\n"), "");
        assert_eq!(refusal(bytes), refused);
    }
    let body = "a".repeat(16384);
    let full = request(post("Content-Length: 16384\r\n", &body));
    assert_eq!(full.body.len(), 16384);
}

#[test]
fn a_length_and_a_coding_contradict_each_other() {
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n",
        "Transfer-Encoding:\r\nContent-Length: 0\r\n",
    ] {
        assert_eq!(refusal(post(fields, "0\r\n\r\n")), BAD, "{fields}");
    }
}

#[test]
fn chunked_is_the_only_coding() {
    let with = |value: &str| {
        post(&format!("Transfer-Encoding: {value}\r\n"), "0\r\n\r\n")
    };
    assert_eq!(request(with("Chunked")).body, b"");
    for value in [
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "identity",
        "chunked;a=b",
        "xchunked",
        "\"chunked\"",
        "chunked chunked",
        "\u{e9}",
    ] {
        let refused = refusal(with(value));
        assert_eq!(refused, (501, "unknown_transfer_coding"), "{value}");
    }
    for value in [
        "",
        ",",
        "chunked,",
        ",chunked",
        "chunked, chunked",
        "chunked\r\nTransfer-Encoding: chunked",
        "\x0bchunked",
    ] {
        assert_eq!(refusal(with(value)), BAD, "{value}");
    }
    let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(refusal(old), BAD);
}

#[test]
fn chunks_are_put_together() {
    for (chunks, body) in [
        ("0\r\n\r\n", ""),
        ("5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("1\r\na\r\n2\r\nbc\r\n00\r\n\r\n", "abc"),
        ("0000000000000002\r\n\r\n\r\n0\r\n\r\n", "\r\n"),
        ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("a;b=\"c d\";e\r\n0123456789\r\n0;f\r\n\r\n", "0123456789"),
        ("1;\r\na\r\n0\r\nA: b\r\nc:\r\n\r\n", "a"),
    ] {
        let found = request(chunked(chunks));
        assert_eq!(found.body, body.as_bytes(), "{chunks:?}");
        assert_eq!(found.field("a"), None);
    }
}

#[test]
fn a_chunk_begins_with_a_plain_size() {
    for chunks in [
        "\r\n",
        "5 \r\n",
        " 5\r\n",
        "5\t\r\n",
        "+5\r\n",
        "-5\r\n",
        "0x5\r\n",
        "g\r\n",
        ";a\r\n",
        "5 ;a\r\n",
        "5\n",
        "5\rhello",
        "5;a\n",
        "5;a\x01\r\n",
        "5;a\tb\r\n",
        "5;a\rb\r\n",
        "5;a \r\n",
        "00000000000000005\r\n",
        "5,5\r\n",
        "\u{b2}\r\n",
        "5\0\r\n",
    ] {
        let bytes = chunked(&format!("{chunks}hello\r\n0\r\n\r\n"));
        assert_eq!(refusal(bytes), BAD, "{chunks:?}");
    }
}

#[test]
fn a_chunk_ends_in_cr_lf() {
    for end in ["", "\n", "\r", "\r\r\n", "x\r\n", "\n\r"] {
        let bytes = chunked(&format!("5\r\nhello{end}0\r\n\r\n"));
        assert_eq!(refusal(bytes), BAD, "{end:?}");
    }
}

#[test]
fn extensions_are_bounded() {
    let chunk = |n: usize| {
        let extension = "a".repeat(n - 1);
        chunked(&format!("1;{extension}\r\na\r\n0\r\n\r\n"))
    };
    assert_eq!(request(chunk(256)).body, b"a");
    assert_eq!(refusal(chunk(257)), BAD);
    assert_eq!(refusal(chunked(&format!("1;{}", "a".repeat(999)))), BAD);
}

#[test]
fn chunks_are_counted_together() {
    let limits = Limits { body: 6, ..Limits::default() };
    let refused = (413, "body_too_large");
    let exact = chunked("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n");
    assert_eq!(decode_within(&limits, &exact).0[0].body, b"hello!");
    let over = chunked("5\r\nhello\r\n2\r\n");
    assert_eq!(refusal_within(&limits, over), refused);
    for size in ["7", "ffffffff", "ffffffffffffffff"] {
        let bytes = chunked(&format!("{size}\r\n"));
        assert_eq!(refusal_within(&limits, bytes), refused);
    }
}

#[test]
fn trailers_are_fields_too() {
    for trailers in [
        "a\r\n\r\n",
        "a : b\r\n\r\n",
        " a: b\r\n\r\n",
        "a: b\n\r\n",
        "a: b\r\n\n",
        "a: \0\r\n\r\n",
        "a: b\rc\r\n\r\n",
        ": a\r\n\r\n",
        "a: b\r\n c\r\n\r\n",
        "\n",
        "a: b\r\r\n\r\n",
    ] {
        let bytes = chunked(&format!("0\r\n{trailers}"));
        assert_eq!(refusal(bytes), BAD, "{trailers:?}");
    }
}

#[test]
fn trailers_count_against_the_head() {
    let head = chunked("").len();
    let limits = Limits { head: head + 40, ..Limits::default() };
    let with =
        |n: usize| chunked(&format!("0\r\n{}\r\n", "a: 345678\r\n".repeat(n)));
    assert_eq!(decode_within(&limits, &with(3)).0.len(), 1);
    let refused = (431, "head_too_large");
    assert_eq!(refusal_within(&limits, with(4)), refused);
    let endless = chunked(&format!("0\r\na: {}", "b".repeat(99)));
    assert_eq!(refusal_within(&limits, endless), refused);
}
