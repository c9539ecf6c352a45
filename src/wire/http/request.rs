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

impl Method {
    /// The method of this name; `None` if this server does not know it.
    /// Methods are in upper case (RFC 9110, section 9.1): `get` is another.
    pub fn from_token(token: &str) -> Option<Method> {
        Some(match token {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            "OPTIONS" => Method::Options,
            "PUT" => Method::Put,
            "PATCH" => Method::Patch,
            "DELETE" => Method::Delete,
            "CONNECT" => Method::Connect,
            "TRACE" => Method::Trace,
            _ => return None,
        })
    }
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
    /// `/` (or `*`, for OPTIONS; or a host and port, for CONNECT).
    pub target: String,
    /// The version it came in.
    pub version: Version,
    /// The header fields, names in lower case, values without the blanks
    /// around them, in order.
    pub fields: Vec<(String, Vec<u8>)>,
    /// The body, put together.
    pub body: Vec<u8>,
    /// Whether another request may follow on this connection. Never after
    /// one in HTTP/1.0.
    pub keep_alive: bool,
}

impl Request {
    /// A request that came over HTTP/2, where others have taken care of
    /// frames and lengths. Its `:authority` goes in as the field `host`.
    pub fn over_http2(
        method: Method,
        target: String,
        fields: Vec<(String, Vec<u8>)>,
        body: Vec<u8>,
    ) -> Request {
        let version = Version::Http2;
        Request { method, target, version, fields, body, keep_alive: true }
    }

    /// The values of all fields of one name (in lower case).
    pub fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.fields
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, value)| value.as_slice())
    }

    /// The value of the first field of this name (in lower case), if it is
    /// UTF-8.
    pub fn field(&self, name: &str) -> Option<&str> {
        let value = self.all(name).next()?;
        std::str::from_utf8(value).ok()
    }

    /// Whether there is a field of this name (in lower case), whatever it
    /// says.
    pub fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|(n, _)| n == name)
    }

    /// Whether a comma-separated list field (`Connection`, `Upgrade`) has
    /// this token, in any case, over all fields of the name.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        let token = token.as_bytes();
        self.all(name)
            .flat_map(|value| value.split(|&b| b == b','))
            .any(|word| word.trim_ascii().eq_ignore_ascii_case(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &[(&str, &[u8])]) -> Request {
        let fields = fields
            .iter()
            .map(|&(name, value)| (name.into(), value.into()))
            .collect();
        Request::over_http2(Method::Get, "/".into(), fields, Vec::new())
    }

    #[test]
    fn methods_are_in_upper_case() {
        assert_eq!(Method::from_token("GET"), Some(Method::Get));
        assert_eq!(Method::from_token("PATCH"), Some(Method::Patch));
        for token in ["get", "Get", "GETS", "", "PRI"] {
            assert_eq!(Method::from_token(token), None);
        }
    }

    #[test]
    fn the_first_field_of_a_name_counts() {
        let request = request(&[("a", b"1"), ("a", b"2"), ("b", b"\xff")]);
        assert_eq!(request.field("a"), Some("1"));
        assert_eq!(request.field("b"), None);
        assert_eq!(request.field("c"), None);
    }

    #[test]
    fn a_token_is_found_in_any_case_and_any_field() {
        let request = request(&[
            ("connection", b"keep-alive,  Upgrade"),
            ("connection", b"\xff, close"),
        ]);
        for token in ["keep-alive", "upgrade", "UPGRADE", "close"] {
            assert!(request.has_token("connection", token), "{token}");
        }
        assert!(!request.has_token("connection", "keep"));
        assert!(!request.has_token("upgrade", "upgrade"));
    }
}
