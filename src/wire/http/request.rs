//! A request, whole: what its head and its body say.

/// The methods of RFC 9110 and RFC 5789; any other is answered with 501.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the method of its name")]
pub enum Method {
    Get,
    Head,
    Post,
    Options,
    Put,
    Patch,
    Delete,
    Connect,
    Trace,
}

/// The version of HTTP a request came in. Every answer is an HTTP/1.1 answer,
/// but an HTTP/1.0 client cannot read chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0: no chunks; the connection ends with the answer.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2, parsed elsewhere.
    Http2,
}

/// A whole request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What to do.
    pub method: Method,
    /// What to do it to: a path and perhaps a query, always beginning with
    /// `/` (or `*`, for OPTIONS).
    pub target: String,
    /// The version it came in.
    pub version: Version,
    /// The header fields, names in lower case, values trimmed, in order.
    pub fields: Vec<(String, Vec<u8>)>,
    /// The body, put together.
    pub body: Vec<u8>,
    /// Whether another request may follow on this connection.
    pub keep_alive: bool,
}

impl Request {
    /// The value of the first field of this name (in lower case), if it is
    /// UTF-8.
    pub fn field(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.iter().find(|(n, _)| n == name)?;
        std::str::from_utf8(value).ok()
    }

    /// Whether a comma-separated list field (`Connection`, `Upgrade`) has
    /// this token, in any case, over all fields of the name.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.fields
            .iter()
            .filter(|(n, _)| n == name)
            .filter_map(|(_, value)| std::str::from_utf8(value).ok())
            .flat_map(|value| value.split(','))
            .any(|word| word.trim().eq_ignore_ascii_case(token))
    }
}
