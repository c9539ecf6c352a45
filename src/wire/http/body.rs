//! One request body: how it is measured (RFC 9112, section 6), and how it is
//! put together as its bytes come.

use super::line::{BadLine, LineEnd};
use super::{Problem, Request, Version};

/// Bytes a chunk's extensions may have, from their `;` on. Nobody sends any.
const MAX_EXTENSION: usize = 256;
/// Digits of a chunk's size: what 64 bits hold.
const MAX_DIGITS: usize = 16;

/// The rest of a body that is coming in.
#[derive(Debug)]
pub(super) enum Body {
    /// So many bytes more.
    Length(usize),
    /// Chunks, until one is empty.
    Chunked(Chunked),
}

/// What bounds a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyBounds {
    /// Bytes of the body, however they are framed.
    pub(super) body: usize,
    /// Bytes of the trailers: what the head has left over of its own limit.
    pub(super) trailers: usize,
}

impl Body {
    /// How the body of a request, of which only the head is here, is
    /// measured.
    ///
    /// A message that could be measured in two ways is how one request is
    /// smuggled inside another, so there is one way to say it and no other.
    ///
    /// # Errors
    /// 400 if it is not clear; 413 if it is too long; 501 for a coding other
    /// than `chunked`.
    pub(super) fn measure(
        request: &Request,
        bounds: BodyBounds,
    ) -> Result<Body, Problem> {
        let mut lengths = request.all("content-length");
        let length = lengths.next();
        let coded = request.all("transfer-encoding").next().is_some();
        if lengths.next().is_some() || (coded && length.is_some()) {
            return Err(Problem::malformed("Say the body's length once."));
        }
        if coded && request.version == Version::Http10 {
            return Err(Problem::malformed(
                "HTTP/1.0 has no Transfer-Encoding.",
            ));
        }
        if coded {
            only_chunked(request)?;
            return Ok(Body::Chunked(Chunked::new(bounds)));
        }
        let length = length.map_or(Ok(0), content_length)?;
        match usize::try_from(length) {
            Ok(length) if length <= bounds.body => Ok(Body::Length(length)),
            _ => Err(too_large()),
        }
    }

    /// Whether nothing of it is missing.
    pub(super) fn is_whole(&self) -> bool {
        match self {
            Body::Length(left) => *left == 0,
            Body::Chunked(chunked) => matches!(chunked.part, Part::End),
        }
    }

    /// Takes what it can of `bytes`, adds what it means to `body`, and gives
    /// how many bytes it took.
    ///
    /// # Errors
    /// 400 if chunks are not framed as they must be; 413 or 431 if a bound
    /// is passed.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        body: &mut Vec<u8>,
    ) -> Result<usize, Problem> {
        match self {
            Body::Length(left) => Ok(take_some(left, bytes, body)),
            Body::Chunked(chunked) => chunked.take(bytes, body),
        }
    }
}

/// Moves what is here of the `left` bytes still missing.
fn take_some(left: &mut usize, bytes: &[u8], body: &mut Vec<u8>) -> usize {
    let here = bytes.len().min(*left);
    // Memory grows with what has come, never by what was promised.
    body.extend_from_slice(&bytes[..here]);
    *left -= here;
    here
}

/// `1*DIGIT`, as one field, not a list.
fn content_length(value: &[u8]) -> Result<u64, Problem> {
    std::str::from_utf8(value)
        .ok()
        // `parse` would also take a sign.
        .filter(|text| text.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| {
            Problem::malformed("Content-Length is one decimal number.")
        })
}

/// Refuses every list of codings but the one that says `chunked` and no more.
fn only_chunked(request: &Request) -> Result<(), Problem> {
    let mut codings = 0;
    let words = request
        .all("transfer-encoding")
        .flat_map(|value| value.split(|&b| b == b','))
        .map(<[u8]>::trim_ascii);
    for word in words {
        if word.is_empty() {
            return Err(Problem::malformed(
                "Transfer-Encoding names one coding.",
            ));
        }
        if !word.eq_ignore_ascii_case(b"chunked") {
            let detail = "The only transfer coding here is chunked.";
            let code = "unknown_transfer_coding";
            return Err(Problem::closing(501, code, detail));
        }
        codings += 1;
    }
    match codings {
        1 => Ok(()),
        _ => Err(Problem::malformed("A body is chunked once.")),
    }
}

/// A body in chunks (RFC 9112, section 7.1).
#[derive(Debug)]
pub(super) struct Chunked {
    part: Part,
    line: LineEnd,
    bounds: BodyBounds,
}

/// What comes next in a chunked body.
#[derive(Debug)]
enum Part {
    /// The line with a chunk's size.
    Size,
    /// So many bytes of a chunk's data.
    Data(usize),
    /// The CR LF after them.
    DataEnd,
    /// Trailer lines, until an empty one.
    Trailers,
    /// Nothing more.
    End,
}

impl Chunked {
    fn new(bounds: BodyBounds) -> Chunked {
        Chunked { part: Part::Size, line: LineEnd::default(), bounds }
    }

    fn take(
        &mut self,
        bytes: &[u8],
        body: &mut Vec<u8>,
    ) -> Result<usize, Problem> {
        let mut taken = 0;
        while let Some(more) = self.step(&bytes[taken..], body)? {
            taken += more;
        }
        Ok(taken)
    }

    /// Takes one part, or what is here of a chunk's data; `None` if it needs
    /// more bytes, or no more.
    fn step(
        &mut self,
        bytes: &[u8],
        body: &mut Vec<u8>,
    ) -> Result<Option<usize>, Problem> {
        match &mut self.part {
            Part::Size => self.size_line(bytes, body.len()),
            Part::Data(_) if bytes.is_empty() => Ok(None),
            Part::Data(left) => {
                let taken = take_some(left, bytes, body);
                if *left == 0 {
                    self.part = Part::DataEnd;
                }
                Ok(Some(taken))
            }
            Part::DataEnd => match bytes.get(..2) {
                None => Ok(None),
                Some(b"\r\n") => {
                    self.part = Part::Size;
                    Ok(Some(2))
                }
                Some(_) => {
                    Err(Problem::malformed("A chunk's data ends in CR LF."))
                }
            },
            Part::Trailers => self.trailer_line(bytes),
            Part::End => Ok(None),
        }
    }

    fn size_line(
        &mut self,
        bytes: &[u8],
        so_far: usize,
    ) -> Result<Option<usize>, Problem> {
        let longest = MAX_DIGITS + MAX_EXTENSION;
        let found = self.line.find(bytes, longest);
        let Some(length) = found.map_err(|_| bad_size())? else {
            return Ok(None);
        };
        let size = chunk_size(&bytes[..length]).ok_or_else(bad_size)?;
        self.part = match usize::try_from(size) {
            Ok(0) => Part::Trailers,
            Ok(size) if size <= self.bounds.body - so_far => Part::Data(size),
            _ => return Err(too_large()),
        };
        Ok(Some(length + 2))
    }

    /// Trailers are read as strictly as header fields, and then forgotten:
    /// a field that comes after the body is in time for nothing here.
    fn trailer_line(&mut self, bytes: &[u8]) -> Result<Option<usize>, Problem> {
        let found = self.line.find(bytes, self.bounds.trailers);
        let Some(length) = found.map_err(bad_trailer)? else {
            return Ok(None);
        };
        let line = &bytes[..length + 2];
        if length == 0 {
            self.part = Part::End;
        } else if !is_field(line) {
            return Err(Problem::malformed(
                "A trailer is a name, a colon and a value.",
            ));
        }
        let left = self.bounds.trailers.saturating_sub(line.len());
        self.bounds.trailers = left;
        Ok(Some(line.len()))
    }
}

/// The size in a chunk's first line: hexadecimal, with nothing around it but
/// the extensions after a `;`, which mean nothing to anyone.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let semicolon = line.iter().position(|&b| b == b';');
    let (digits, extension) = line.split_at(semicolon.unwrap_or(line.len()));
    let is_plain = |&b: &u8| !b.is_ascii_control();
    let fits = digits.len() <= MAX_DIGITS && extension.len() <= MAX_EXTENSION;
    if !fits || !extension.iter().all(is_plain) || extension.ends_with(b" ") {
        return None;
    }
    // `from_str_radix` would also take a sign.
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Whether a line, with its end, is one header field.
fn is_field(line: &[u8]) -> bool {
    let mut slot = [httparse::EMPTY_HEADER];
    // One good field, and the empty line that would end a head is missing.
    httparse::parse_headers(line, &mut slot)
        .is_ok_and(|status| status.is_partial())
}

fn bad_size() -> Problem {
    Problem::malformed(
        "A chunk begins with its size in hexadecimal, and CR LF.",
    )
}

fn bad_trailer(line: BadLine) -> Problem {
    match line {
        BadLine::TooLong => head_too_large(),
        BadLine::BareLf => Problem::malformed("A line ends in CR LF."),
    }
}

/// 413: the body is too long.
pub fn too_large() -> Problem {
    let detail = "The body is longer than this server takes.";
    Problem::closing(413, "body_too_large", detail)
}

/// 431: the head, or the trailers after a body, are too long.
pub(super) fn head_too_large() -> Problem {
    let detail = "The header fields are longer than this server takes.";
    Problem::closing(431, "head_too_large", detail)
}
