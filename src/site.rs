//! The web app's files: in the binary, or from a directory while they are
//! being worked on.
//!
//! Floor 2. Every answer says what a browser may do with it: our own scripts
//! and styles, no inline ones, nobody's frame.

use std::borrow::Cow;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use include_dir::{Dir, include_dir};

use crate::wire::http::{Problem, Response};

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/static");

/// Where the web app comes from.
#[derive(Clone, Debug)]
pub struct Site {
    directory: Option<PathBuf>,
    policy: String,
}

impl Site {
    /// The web app from `directory`, or the one in the binary; its pages may
    /// also talk to servers at `origins`.
    pub fn new(directory: Option<PathBuf>, origins: &[String]) -> Site {
        let mut connect = "connect-src 'self'".to_owned();
        for origin in origins {
            let socket = origin.replacen("http", "ws", 1);
            connect.push_str(&format!(" {origin} {socket}"));
        }
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; \
             img-src 'self' data: blob:; font-src 'self'; \
             manifest-src 'self'; {connect}; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'"
        );
        Site { directory, policy }
    }

    /// The page itself; 304 for a browser that has it (`known` is what it
    /// says in `If-None-Match`).
    ///
    /// # Errors
    /// 404 if a directory is served that has none.
    pub fn page(&self, known: Option<&str>) -> Result<Response, Problem> {
        let response = self.asset("index.html", known)?;
        Ok(response
            .field("content-security-policy", self.policy.clone())
            .field("referrer-policy", "no-referrer"))
    }

    /// A file of the web app; 304 for a browser that has it.
    ///
    /// # Errors
    /// 404 if there is none of this name.
    pub fn asset(
        &self,
        path: &str,
        known: Option<&str>,
    ) -> Result<Response, Problem> {
        let Some(body) = self.read(path) else {
            let detail = "The web app has no such file.";
            return Err(Problem::new(404, "not_found", detail));
        };
        let tag = tag(&body);
        let response = if known == Some(&tag) {
            Response::new(304)
        } else {
            let body = match body {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => bytes.into(),
            };
            Response::with_body(200, media_type(path), body)
        };
        // A browser may keep it, and asks each time whether it is still so: a
        // server that was upgraded serves no page of two versions.
        Ok(response.field("cache-control", "no-cache").field("etag", tag))
    }

    fn read(&self, path: &str) -> Option<Cow<'static, [u8]>> {
        let path = Path::new(path);
        let plain = |part| matches!(part, Component::Normal(_));
        if !path.components().all(plain) {
            return None;
        }
        match &self.directory {
            Some(directory) => {
                fs::read(directory.join(path)).ok().map(Cow::Owned)
            }
            None => {
                let file = EMBEDDED.get_file(path)?;
                Some(Cow::Borrowed(file.contents()))
            }
        }
    }
}

/// The name of just these bytes (RFC 9110, section 8.8.3).
fn tag(body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    format!("\"{:016x}\"", hasher.finish())
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "md" | "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_that_has_a_file_is_told_so() {
        let site = Site::new(None, &[]);
        let first = site.page(None).unwrap();
        let (_, tag) = first.fields.iter().find(|f| f.0 == "etag").unwrap();
        assert_eq!(first.status, 200);
        let again = site.page(Some(tag)).unwrap();
        assert_eq!((again.status, again.body.len()), (304, 0));
        assert_eq!(site.page(Some("\"other\"")).unwrap().status, 200);
    }

    #[test]
    fn nobody_climbs_out_of_the_directory() {
        let dir = std::env::temp_dir();
        for site in [Site::new(Some(dir), &[]), Site::new(None, &[])] {
            for path in ["../Cargo.toml", "/etc/passwd", "a/../../b", "", "."] {
                assert_eq!(site.asset(path, None).unwrap_err().status, 404);
            }
        }
    }
}
