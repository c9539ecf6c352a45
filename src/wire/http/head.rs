//! One request head (RFC 9112, sections 2 to 5): where it ends, what it
//! says, and every rule it must keep.
//!
//! `httparse` reads it; what `httparse` forgives is refused here. Whatever is
//! wrong with a head, the connection ends with the answer: who is wrong about
//! one request may be wrong about where the next one starts.

use httparse::{EMPTY_HEADER, Error, Header, Status};

use super::body::{Body, BodyBounds, head_too_large};
use super::line::{BadLine, LineEnd};
use super::target::{Target, is_authority};
use super::{Method, Problem, Request, Version};
use crate::limits::Limits;

/// What bounds a request: the part of `Limits` that every connection keeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    line: usize,
    head: usize,
    fields: usize,
    body: usize,
}

impl Bounds {
    pub(super) fn of(limits: &Limits) -> Bounds {
        Bounds {
            // So that a line that is too long is always the line's fault.
            line: limits.request_line.min(limits.head),
            head: limits.head,
            fields: limits.headers,
            body: limits.body,
        }
    }
}

/// Looks for the empty line that ends a head, and for a head that has too
/// much of anything, as its bytes come.
#[derive(Debug, Default)]
pub(super) struct HeadEnd {
    /// Whole lines so far.
    lines: usize,
    /// Their bytes.
    bytes: usize,
    /// The search for the end of the next line.
    line: LineEnd,
}

impl HeadEnd {
    /// The length of the head that `bytes` begin with; `None` if its end is
    /// not here. Called again, it goes on from where it was.
    ///
    /// # Errors
    /// 414 or 431 as soon as a bound is passed; 400 for a lone LF.
    pub(super) fn find(
        &mut self,
        bytes: &[u8],
        bounds: &Bounds,
    ) -> Result<Option<usize>, Problem> {
        loop {
            let limit = match self.lines {
                0 => bounds.line,
                _ => bounds.head - self.bytes,
            };
            let found = self.line.find(&bytes[self.bytes..], limit);
            let Some(length) = found.map_err(|bad| self.refuse(bad))? else {
                return Ok(None);
            };
            self.bytes += length + 2;
            if self.bytes > bounds.head {
                return Err(head_too_large());
            }
            if length == 0 {
                return Ok(Some(self.bytes));
            }
            // The request line is not a field.
            if self.lines > bounds.fields {
                return Err(too_many_headers());
            }
            self.lines += 1;
        }
    }

    fn refuse(&self, line: BadLine) -> Problem {
        match line {
            BadLine::BareLf => Problem::malformed("A line ends in CR LF."),
            BadLine::TooLong if self.lines > 0 => head_too_large(),
            BadLine::TooLong => target_too_long(),
        }
    }
}

/// What a head says.
#[derive(Debug)]
pub(super) struct Head {
    /// The request, its body still empty.
    pub(super) request: Request,
    /// How its body is measured.
    pub(super) body: Body,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub(super) waits: bool,
}

impl Head {
    /// Reads a head, from its first byte to the end of its empty line.
    ///
    /// # Errors
    /// The answer that says which rule it breaks, always closing.
    pub(super) fn parse(
        bytes: &[u8],
        bounds: &Bounds,
    ) -> Result<Head, Problem> {
        let request = read(bytes)?;
        let left = bounds.head - bytes.len();
        let bounds = BodyBounds { body: bounds.body, trailers: left };
        let body = Body::measure(&request, bounds)?;
        // An HTTP/1.0 client would take 100 for the answer.
        let waits =
            expects_continue(&request)? && request.version == Version::Http11;
        Ok(Head { request, body, waits })
    }
}

/// The request that a head describes, its body still empty.
fn read(bytes: &[u8]) -> Result<Request, Problem> {
    // One slot a line is enough: on the heap, as a thread pays for its
    // deepest stack as long as it lives.
    let lines = bytes.iter().filter(|&&b| b == b'\n').count();
    let mut slots = vec![EMPTY_HEADER; lines];
    let mut head = httparse::Request::new(&mut slots);
    match head.parse(bytes) {
        Ok(Status::Complete(length)) if length == bytes.len() => {}
        Ok(_) => {
            return Err(Problem::malformed(
                "The request line is not complete.",
            ));
        }
        Err(error) => return Err(misread(error, bytes)),
    }
    let version = match head.version {
        Some(0) => Version::Http10,
        _ => Version::Http11,
    };
    let method = Method::from_token(head.method.unwrap_or_default())
        .ok_or_else(unknown_method)?;
    let target = Target::parse(method, head.path.unwrap_or_default())?;
    let mut request = Request {
        method,
        target: target.path,
        version,
        fields: fields(head.headers, version, target.authority)?,
        body: Vec::new(),
        keep_alive: false,
    };
    // An HTTP/1.0 client may ask for a connection that stays. It never gets
    // one: then nobody has to know what old proxies do with it.
    request.keep_alive =
        version == Version::Http11 && !request.has_token("connection", "close");
    Ok(request)
}

/// The fields, with `Host` as section 3.2 wants it: one that is sane, and
/// the target's own host in its place if it has one.
fn fields(
    headers: &[Header<'_>],
    version: Version,
    authority: Option<&str>,
) -> Result<Vec<(String, Vec<u8>)>, Problem> {
    let mut fields = Vec::with_capacity(headers.len());
    let mut hosts = 0;
    for header in headers {
        let mut value = header.value;
        if header.name.eq_ignore_ascii_case("host") {
            hosts += 1;
            if !is_authority(value) {
                return Err(Problem::malformed(
                    "Host is a host name and perhaps a port.",
                ));
            }
            value = authority.map_or(value, str::as_bytes);
        }
        fields.push((header.name.to_ascii_lowercase(), value.to_vec()));
    }
    match (hosts, version, authority) {
        (1, _, _) | (0, Version::Http10, None) => {}
        (0, Version::Http10, Some(host)) => {
            fields.push(("host".to_owned(), host.as_bytes().to_vec()));
        }
        _ => return Err(Problem::malformed("A request has one Host field.")),
    }
    Ok(fields)
}

/// Whether `Expect` says `100-continue`, the only expectation there is (RFC
/// 9110, section 10.1.1).
fn expects_continue(request: &Request) -> Result<bool, Problem> {
    let mut expects = false;
    for value in request.all("expect") {
        if !value.eq_ignore_ascii_case(b"100-continue") {
            let detail = "The only expectation met here is 100-continue.";
            return Err(Problem::closing(417, "expectation_failed", detail));
        }
        expects = true;
    }
    Ok(expects)
}

/// What `httparse` could not read, in our words.
fn misread(error: Error, head: &[u8]) -> Problem {
    match error {
        Error::TooManyHeaders => too_many_headers(),
        Error::Version if names_a_version(head) => {
            let detail = "This server speaks HTTP/1.1 and HTTP/1.0 here.";
            Problem::closing(505, "http_version", detail)
        }
        Error::HeaderName => Problem::malformed(
            "A header field is a name, a colon at once after it, and a \
             value on the same line.",
        ),
        Error::HeaderValue => Problem::malformed(
            "A header field's value has no control characters.",
        ),
        Error::Token | Error::Version | Error::NewLine | Error::Status => {
            Problem::malformed(
                "A request line is a method, a target and HTTP/1.1, with \
                 one space between them.",
            )
        }
    }
}

/// Whether the third word of the request line is some version of HTTP.
fn names_a_version(head: &[u8]) -> bool {
    let line = head.split(|&b| b == b'\r').next().unwrap_or_default();
    match line.split(|&b| b == b' ').nth(2) {
        Some([b'H', b'T', b'T', b'P', b'/', major, b'.', minor]) => {
            major.is_ascii_digit() && minor.is_ascii_digit()
        }
        _ => false,
    }
}

/// 414: the request line, or what it asks for, is too long.
pub fn target_too_long() -> Problem {
    let detail = "The request line is longer than this server takes.";
    Problem::closing(414, "target_too_long", detail)
}

/// 501: a method that there is not, or that this server does not know.
pub fn unknown_method() -> Problem {
    let detail = "This server does not know this method.";
    Problem::closing(501, "unknown_method", detail)
}

/// 431: too many header fields.
pub fn too_many_headers() -> Problem {
    let detail = "The request has more header fields than this server takes.";
    Problem::closing(431, "too_many_headers", detail)
}
