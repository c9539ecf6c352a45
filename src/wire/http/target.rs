//! The target of a request: the four forms of RFC 9112, section 3.2.

use std::net::Ipv6Addr;

use super::{Method, Problem};

/// What a request line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    /// The path and perhaps a query; `*` or, for CONNECT, the authority.
    pub(super) path: String,
    /// The host and perhaps a port, if they stood in the target: they count,
    /// whatever `Host` says.
    pub(super) authority: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Reads the target of a request of this method.
    ///
    /// # Errors
    /// 400 if it has none of the four forms, or holds a byte that a URI
    /// cannot hold.
    pub(super) fn parse(
        method: Method,
        target: &'a str,
    ) -> Result<Target<'a>, Problem> {
        // A fragment (`#…`) is the browser's own and is never sent.
        if !target.bytes().all(|b| b.is_ascii_graphic() && b != b'#') {
            return Err(Problem::malformed(
                "The target holds a byte that no URI has.",
            ));
        }
        if target.starts_with('/') {
            return Ok(Target::origin(target));
        }
        match method {
            Method::Options if target == "*" => Ok(Target::origin(target)),
            Method::Connect if is_authority(target.as_bytes()) => {
                Ok(Target::origin(target))
            }
            _ => Target::absolute(target),
        }
    }

    fn origin(path: &str) -> Target<'static> {
        Target { path: path.to_owned(), authority: None }
    }

    /// `http://host/path`, as a client sends it that takes us for a proxy.
    /// Servers must understand it (section 3.2.2).
    fn absolute(target: &'a str) -> Result<Target<'a>, Problem> {
        let rest = without_scheme(target).ok_or_else(no_form)?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if !is_authority(authority.as_bytes()) {
            return Err(no_form());
        }
        let path = match path.starts_with('/') {
            true => path.to_owned(),
            // `http://host?query` has the path `/` all the same.
            false => ["/", path].concat(),
        };
        Ok(Target { path, authority: Some(authority) })
    }
}

fn without_scheme(target: &str) -> Option<&str> {
    let (scheme, rest) = target.split_once("://")?;
    let known = ["http", "https"];
    known.iter().any(|s| scheme.eq_ignore_ascii_case(s)).then_some(rest)
}

/// Whether this is a host and perhaps a port, and nothing else: no user, no
/// list, no blank (RFC 3986, section 3.2.2, and fewer marks than it allows).
pub(super) fn is_authority(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']').is_some_and(|(address, port)| {
            address.parse::<Ipv6Addr>().is_ok()
                && (port.is_empty()
                    || port.strip_prefix(':').is_some_and(is_port))
        });
    }
    let (host, port) = text.split_once(':').unwrap_or((text, ""));
    !host.is_empty() && host.bytes().all(is_host_byte) && is_port(port)
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)
}

/// A port may be left out, and even after its colon.
fn is_port(port: &str) -> bool {
    port.bytes().all(|b| b.is_ascii_digit())
        && (port.is_empty() || port.parse::<u16>().is_ok())
}

fn no_form() -> Problem {
    Problem::malformed("The target must begin with / or with http://.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(method: Method, target: &str) -> Option<String> {
        Target::parse(method, target).ok().map(|t| t.path)
    }

    #[test]
    fn a_path_is_kept_as_it_is() {
        for target in ["/", "/a?b=c&d", "//a", "/%00", "/a?http://b", "/*"] {
            let parsed = Target::parse(Method::Get, target).unwrap();
            assert_eq!(parsed.path, target);
            assert_eq!(parsed.authority, None);
        }
    }

    #[test]
    fn a_whole_address_gives_up_its_host() {
        for (target, path, authority) in [
            ("http://a/b?c", "/b?c", "a"),
            ("http://a:80", "/", "a:80"),
            ("HTTPS://a.b?c", "/?c", "a.b"),
            ("http://[::1]:8080/b", "/b", "[::1]:8080"),
            ("http://a?b/c", "/?b/c", "a"),
        ] {
            let parsed = Target::parse(Method::Get, target).unwrap();
            assert_eq!(
                (&*parsed.path, parsed.authority),
                (path, Some(authority))
            );
        }
    }

    #[test]
    fn two_forms_belong_to_one_method_each() {
        assert_eq!(path(Method::Options, "*").as_deref(), Some("*"));
        assert_eq!(path(Method::Get, "*"), None);
        assert_eq!(path(Method::Options, "**"), None);
        assert_eq!(path(Method::Connect, "a:443").as_deref(), Some("a:443"));
        assert_eq!(path(Method::Get, "a:443"), None);
        assert_eq!(path(Method::Connect, "a:443/"), None);
    }

    #[test]
    fn what_is_no_target() {
        for target in [
            "",
            "a",
            "a/b",
            "?a",
            "/a#b",
            "/\u{e9}",
            "/a\tb",
            "/a b",
            "/\x7f",
            "ftp://a/",
            "http:/a",
            "http://",
            "http:///a",
            "http://u@a/",
            "://a/",
            "http://a b/",
            "/\0",
        ] {
            assert_eq!(path(Method::Get, target), None, "{target:?}");
        }
    }

    #[test]
    fn hosts() {
        for host in [
            "a",
            "A-1.b",
            "127.0.0.1",
            "127.0.0.1:80",
            "a:",
            "a:65535",
            "[::1]",
            "[::1]:1",
            "a_b",
        ] {
            assert!(is_authority(host.as_bytes()), "{host}");
        }
        for host in [
            "", ":80", "a:b", "a:65536", "a:+1", "a,b", "a b", "a/b", "u@a",
            "[::1", "::1", "[::1]1", "[a]", "a:1:2", "\u{e9}", "[::1]:x", "[]",
        ] {
            assert!(!is_authority(host.as_bytes()), "{host}");
        }
        assert!(!is_authority(b"\xff"));
    }
}
