//! The handshake: an HTTP request asks to become a WebSocket (RFC 6455,
//! section 4.2).
//!
//! It is answered with 101, after which the connection speaks frames, or with
//! the problem that says what the client left out. Extensions and subprotocols
//! may be offered; none is ever chosen, which refuses them politely. Whose
//! page may ask (`Origin`) is not decided here.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::{Codec, by_hand};
use crate::wire::http::{Method, Problem, Request, Response, Version};

/// The one version there is (RFC 6455, section 4.1, item 9).
const VERSION: &str = "13";
/// Bytes behind a key, once it is decoded from base64 (section 4.1, item 7).
const KEY_LENGTH: usize = 16;

/// Answers a request for a socket: the 101 that opens it, its accept key
/// worked out by `codec`. Frames follow the request at once.
///
/// # Errors
/// The answer that is due instead: 400, 405 or 426.
pub fn answer(request: &Request, codec: Codec) -> Result<Response, Problem> {
    check_http(request)?;
    check_upgrade(request)?;
    check_version(request)?;
    let key = check_key(request)?;
    let accept = match codec {
        Codec::Library => {
            tungstenite::handshake::derive_accept_key(key.as_bytes())
        }
        Codec::ByHand => by_hand::accept_key(key),
    };
    Ok(Response::new(101)
        .field("upgrade", "websocket")
        .field("connection", "Upgrade")
        .field("sec-websocket-accept", accept))
}

/// Section 4.2.1, item 1: a GET, in HTTP/1.1 or higher. (Higher is not this:
/// HTTP/2 opens sockets in another way, RFC 8441.)
fn check_http(request: &Request) -> Result<(), Problem> {
    match request.method {
        Method::Get => (),
        // A HEAD cannot become a socket: it gets the head that a plain GET
        // would.
        Method::Head => return Err(upgrade_required()),
        _ => return Err(Problem::not_allowed("GET")),
    }
    if request.version != Version::Http11 {
        return Err(bad_request("A WebSocket begins with HTTP/1.1."));
    }
    // What follows the head are frames: nobody could tell a body from them.
    if !request.body.is_empty() {
        return Err(bad_request("A WebSocket's request has no body."));
    }
    Ok(())
}

/// Items 3 and 4: `Upgrade: websocket`, and `Connection: Upgrade`, so that no
/// proxy passes on a wish that was meant for itself.
fn check_upgrade(request: &Request) -> Result<(), Problem> {
    if !request.has_token("upgrade", "websocket") {
        return Err(upgrade_required());
    }
    if !request.has_token("connection", "upgrade") {
        let detail = "`Upgrade` needs `Connection: Upgrade` beside it.";
        return Err(bad_request(detail));
    }
    Ok(())
}

/// Item 6, and section 4.4: a version we do not speak is answered with the
/// one we do.
fn check_version(request: &Request) -> Result<(), Problem> {
    if only(request, "sec-websocket-version") == Some(VERSION) {
        return Ok(());
    }
    let detail = "Ask with one `Sec-WebSocket-Version: 13`; there is no other.";
    Err(Problem::new(426, "websocket_version", detail))
}

/// Item 5: one key, 16 bytes in base64. It is no secret: it shows that the
/// answer comes from someone who read it as a WebSocket's.
fn check_key(request: &Request) -> Result<&str, Problem> {
    only(request, "sec-websocket-key")
        .filter(|key| {
            BASE64_STANDARD
                .decode(key)
                .is_ok_and(|bytes| bytes.len() == KEY_LENGTH)
        })
        .ok_or_else(|| {
            bad_request(
                "Send one `Sec-WebSocket-Key`: 16 random bytes in base64.",
            )
        })
}

/// A field's value, if the field is there exactly once.
fn only<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let mut values = request.fields.iter().filter(|(n, _)| n == name);
    let (_, value) = values.next()?;
    if values.next().is_some() {
        return None;
    }
    std::str::from_utf8(value).ok()
}

fn upgrade_required() -> Problem {
    let detail = "This address is a WebSocket: ask with `Upgrade: websocket`.";
    Problem::new(426, "upgrade_required", detail)
}

fn bad_request(detail: &'static str) -> Problem {
    Problem::new(400, "bad_request", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The request of RFC 6455, section 1.3, extras included.
    fn request() -> Request {
        let fields = [
            ("host", "server.example.com"),
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("origin", "http://example.com"),
            ("sec-websocket-protocol", "chat, superchat"),
            ("sec-websocket-extensions", "permessage-deflate"),
            ("sec-websocket-version", "13"),
        ];
        Request {
            method: Method::Get,
            target: "/chat".into(),
            version: Version::Http11,
            fields: fields
                .iter()
                .map(|&(name, value)| (name.into(), value.into()))
                .collect(),
            body: Vec::new(),
            keep_alive: true,
        }
    }

    /// The request with one field's values in place of its own.
    fn with(name: &str, values: &[&str]) -> Request {
        let mut request = request();
        request.fields.retain(|(n, _)| n != name);
        for &value in values {
            request.fields.push((name.into(), value.into()));
        }
        request
    }

    fn refusal(request: &Request) -> (u16, &'static str) {
        let answers = [Codec::Library, Codec::ByHand]
            .map(|codec| answer(request, codec).unwrap_err());
        assert_eq!(answers[0], answers[1]);
        (answers[0].status, answers[0].code)
    }

    #[test]
    fn the_example_of_section_1_3_is_answered_as_there() {
        for codec in [Codec::Library, Codec::ByHand] {
            let answer = answer(&request(), codec).unwrap();
            assert_eq!(answer.status, 101);
            assert_eq!(
                answer.fields,
                [
                    ("upgrade", "websocket".into()),
                    ("connection", "Upgrade".into()),
                    (
                        "sec-websocket-accept",
                        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".into()
                    ),
                ]
            );
        }
    }

    #[test]
    fn tokens_may_be_in_lists_and_in_any_case() {
        for request in [
            with("upgrade", &["WebSocket"]),
            with("upgrade", &["h2c", "websocket"]),
            with("connection", &["keep-alive, Upgrade"]),
            with("sec-websocket-extensions", &[]),
        ] {
            assert!(answer(&request, Codec::ByHand).is_ok());
        }
    }

    #[test]
    fn without_an_upgrade_it_is_required() {
        let upgrade_required = (426, "upgrade_required");
        assert_eq!(refusal(&with("upgrade", &[])), upgrade_required);
        assert_eq!(refusal(&with("upgrade", &["h2c"])), upgrade_required);
        let head = Request { method: Method::Head, ..request() };
        assert_eq!(refusal(&head), upgrade_required);
        let bad_request = (400, "bad_request");
        assert_eq!(refusal(&with("connection", &[])), bad_request);
        assert_eq!(refusal(&with("connection", &["close"])), bad_request);
    }

    #[test]
    fn other_versions_are_told_ours() {
        for values in [&[][..], &["8"], &["13, 8"], &["13", "13"]] {
            let request = with("sec-websocket-version", values);
            assert_eq!(refusal(&request), (426, "websocket_version"));
            let problem = answer(&request, Codec::ByHand).unwrap_err();
            let fields = problem.response().fields;
            assert!(fields.contains(&("sec-websocket-version", "13".into())));
            assert!(fields.contains(&("upgrade", "websocket".into())));
        }
    }

    #[test]
    fn a_key_is_sixteen_bytes_once() {
        let good = "dGhlIHNhbXBsZSBub25jZQ==";
        for values in [
            &[][..],
            &[""],
            &["dGhlIHNhbXBsZSBub25jZQ"],
            &["dGhlIHNhbXBsZSBub25j"],
            &["dGhlIHNhbXBsZSBub25jZWU="],
            &["dGhlIHNhbXBsZSBub25j!!=="],
            &[good, good],
        ] {
            let request = with("sec-websocket-key", values);
            assert_eq!(refusal(&request), (400, "bad_request"), "{values:?}");
        }
    }

    #[test]
    fn it_is_a_get_in_http_1_1_without_a_body() {
        let post = Request { method: Method::Post, ..request() };
        assert_eq!(refusal(&post), (405, "method_not_allowed"));
        for version in [Version::Http10, Version::Http2] {
            let other = Request { version, ..request() };
            assert_eq!(refusal(&other), (400, "bad_request"));
        }
        let body = Request { body: vec![0x81], ..request() };
        assert_eq!(refusal(&body), (400, "bad_request"));
    }
}
