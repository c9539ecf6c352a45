//! An answer, and how it becomes bytes.

use std::borrow::Cow;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use super::{Method, Request, Version};
use crate::chat::Millis;

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The fields of its own; `content-length`, `connection` and `date` are
    /// added when it is encoded.
    pub fields: Vec<(&'static str, Cow<'static, str>)>,
    /// The body.
    pub body: Bytes,
}

/// What an answer's bytes depend on besides the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// Whether the request was a HEAD: the same head, no body.
    pub head_only: bool,
    /// Whether the connection goes on after it.
    pub keep_alive: bool,
}

impl Framing {
    /// How the answer to `request` is framed.
    pub fn of(request: &Request) -> Framing {
        Framing {
            head_only: request.method == Method::Head,
            keep_alive: request.keep_alive,
        }
    }

    /// The framing of an answer after which the connection ends.
    pub fn last() -> Framing {
        Framing { head_only: false, keep_alive: false }
    }
}

impl Response {
    /// An answer without fields of its own and without a body.
    pub fn new(status: u16) -> Response {
        Response { status, fields: Vec::new(), body: Bytes::new() }
    }

    /// An answer with a body of a media type.
    pub fn with_body(
        status: u16,
        media_type: &'static str,
        body: impl Into<Bytes>,
    ) -> Response {
        let fields = vec![("content-type", Cow::Borrowed(media_type))];
        Response { status, fields, body: body.into() }
    }

    /// JSON that is true now and not later: nothing may keep it.
    pub fn json_now(json: Vec<u8>) -> Response {
        Response::with_body(200, "application/json", json)
            .field("cache-control", "no-store")
    }

    /// The same answer with one more field.
    #[must_use]
    pub fn field(
        mut self,
        name: &'static str,
        value: impl Into<Cow<'static, str>>,
    ) -> Response {
        self.fields.push((name, value.into()));
        self
    }

    /// The same answer, for a page of another origin if there is one (Fetch
    /// Standard, section 3.2).
    #[must_use]
    pub fn shared_with(self, origin: Option<String>) -> Response {
        match origin {
            Some(origin) => self
                .field("access-control-allow-origin", origin)
                .field("access-control-expose-headers", "retry-after")
                .field("vary", "origin"),
            None => self,
        }
    }

    /// The fields that the answer has in every version of HTTP.
    pub fn all_fields(
        &self,
        now: Millis,
    ) -> impl Iterator<Item = (&'static str, Cow<'static, str>)> {
        let mut date = Vec::new();
        http_date(now, &mut date);
        let date = String::from_utf8_lossy(&date).into_owned();
        let added = [
            ("x-content-type-options", Cow::Borrowed("nosniff")),
            ("date", date.into()),
        ];
        self.fields.iter().cloned().chain(added)
    }

    /// The whole answer as bytes, its body measured by `content-length`.
    pub fn encode(&self, framing: Framing, now: Millis) -> Bytes {
        let mut out = self.head(framing, now);
        // RFC 9110, section 8.6: no content-length with 1xx and 204; with 304
        // it would be that of the body which is not sent again.
        if self.status >= 200 && !matches!(self.status, 204 | 304) {
            out.extend_from_slice(b"content-length: ");
            decimal(self.body.len(), &mut out);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        if !framing.head_only {
            out.extend_from_slice(&self.body);
        }
        out.into()
    }

    /// The head of an answer whose body has no end yet: in chunks, or, for an
    /// HTTP/1.0 client, until the connection ends. (The 101 of an upgrade has
    /// no body at all.)
    pub fn encode_open(&self, version: Version, now: Millis) -> Bytes {
        let upgrade = self.status == 101;
        let framing = Framing { head_only: false, keep_alive: upgrade };
        let mut out = self.head(framing, now);
        if !upgrade && version == Version::Http11 {
            out.extend_from_slice(b"transfer-encoding: chunked\r\n");
        }
        out.extend_from_slice(b"\r\n");
        out.into()
    }

    fn head(&self, framing: Framing, now: Millis) -> Vec<u8> {
        let mut out = Vec::with_capacity(256 + self.body.len());
        out.extend_from_slice(b"HTTP/1.1 ");
        decimal(self.status.into(), &mut out);
        out.push(b' ');
        out.extend_from_slice(reason(self.status).as_bytes());
        out.extend_from_slice(b"\r\n");
        for (name, value) in &self.fields {
            for part in [name.as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                out.extend_from_slice(part);
            }
        }
        out.extend_from_slice(b"x-content-type-options: nosniff\r\ndate: ");
        http_date(now, &mut out);
        out.extend_from_slice(b"\r\n");
        if !framing.keep_alive {
            out.extend_from_slice(b"connection: close\r\n");
        }
        out
    }
}

/// One chunk of a body that has no end yet (RFC 9112, section 7.1).
pub fn chunk(data: &[u8]) -> Vec<u8> {
    let mut out = format!("{:x}\r\n", data.len()).into_bytes();
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
    out
}

/// The chunk that ends a body.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// The date as HTTP writes it (RFC 9110, section 5.6.7).
fn http_date(now: Millis, out: &mut Vec<u8>) {
    let now = Timestamp::from_millisecond(now).unwrap_or_default();
    let printed = DateTimePrinter::new().print_timestamp_rfc9110(&now, out);
    debug_assert!(printed.is_ok(), "it only fails for years beyond 9999");
}

/// A number in decimal, without the allocation of `to_string`: every answer
/// has two of them.
fn decimal(number: usize, out: &mut Vec<u8>) {
    let start = out.len();
    let mut rest = number;
    loop {
        out.push(b"0123456789"[rest % 10]);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out[start..].reverse();
}

pub(super) fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_answer() {
        let answer = Response::with_body(200, "text/plain", "ok");
        let bytes = answer.encode(Framing::last(), 784_111_777_000);
        assert_eq!(
            std::str::from_utf8(&bytes).unwrap(),
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\
             x-content-type-options: nosniff\r\n\
             date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
             connection: close\r\ncontent-length: 2\r\n\r\nok"
        );
    }

    #[test]
    fn a_head_alone_measures_the_body_it_leaves_out() {
        let answer = Response::with_body(200, "text/plain", "ok");
        let framing = Framing { head_only: true, keep_alive: true };
        let bytes = answer.encode(framing, 0);
        assert!(bytes.ends_with(b"content-length: 2\r\n\r\n"));
        assert!(!bytes.windows(10).any(|w| w == b"connection"));
    }

    #[test]
    fn an_open_body_comes_in_chunks_except_for_the_oldest_clients() {
        let answer = Response::new(200);
        let modern = answer.encode_open(Version::Http11, 0);
        assert!(modern.ends_with(b"transfer-encoding: chunked\r\n\r\n"));
        let old = answer.encode_open(Version::Http10, 0);
        assert!(!old.windows(7).any(|w| w == b"chunked"));
        assert_eq!(
            chunk(&[b'x'; 26]),
            [b"1a\r\n", &[b'x'; 26][..], b"\r\n"].concat()
        );
    }
}
