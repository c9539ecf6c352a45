//! What went wrong, in the words of the protocol: `application/problem+json`
//! (RFC 9457).

use std::borrow::Cow;

use serde::Serialize;

use super::Response;
use crate::chat::Rule;

/// A request that is refused, and the answer that says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The status code.
    pub status: u16,
    /// The error's name, `snake_case`.
    pub code: &'static str,
    /// A sentence that says what to change.
    pub detail: Cow<'static, str>,
    /// A field the status asks for: `Allow`, `Retry-After`. (426 asks for two
    /// that are always the same.)
    pub field: Option<(&'static str, Cow<'static, str>)>,
    /// Whether the connection must end, because nobody can tell where the
    /// next request starts.
    pub close: bool,
}

#[derive(Serialize)]
struct Body<'a> {
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
}

impl Problem {
    /// A problem after which the connection goes on.
    pub fn new(
        status: u16,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Problem {
        let detail = detail.into();
        Problem { status, code, detail, field: None, close: false }
    }

    /// A problem after which the next request's start is unknown.
    pub fn closing(
        status: u16,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Problem {
        Problem { close: true, ..Problem::new(status, code, detail) }
    }

    /// A request that is no HTTP, or may be read in two ways.
    pub(super) fn malformed(detail: &'static str) -> Problem {
        Problem::closing(400, "bad_request", detail)
    }

    /// A problem that passes: the client may try again after `seconds`.
    pub fn later(
        status: u16,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
        seconds: u64,
    ) -> Problem {
        let after = ("retry-after", seconds.to_string().into());
        Problem { field: Some(after), ..Problem::new(status, code, detail) }
    }

    /// 405, with the methods this target has.
    pub fn not_allowed(allow: &'static str) -> Problem {
        let detail = format!("This address answers to {allow}.");
        let mut problem = Problem::new(405, "method_not_allowed", detail);
        problem.field = Some(("allow", allow.into()));
        problem
    }

    /// The seconds of its `Retry-After`, if it has one.
    pub fn retry_after(&self) -> Option<u64> {
        match &self.field {
            Some(("retry-after", seconds)) => seconds.parse().ok(),
            _ => None,
        }
    }

    /// The answer that says it.
    pub fn response(&self) -> Response {
        let body = Body {
            title: super::response::reason(self.status),
            status: self.status,
            code: self.code,
            detail: &self.detail,
        };
        let json = serde_json::to_vec(&body).unwrap_or_default();
        let response =
            Response::with_body(self.status, "application/problem+json", json);
        if self.status == 426 {
            // RFC 9110, section 15.5.22, and RFC 6455, section 4.4.
            return response
                .field("upgrade", "websocket")
                .field("sec-websocket-version", "13");
        }
        match self.field.clone() {
            Some((name, value)) => response.field(name, value),
            None => response,
        }
    }
}

impl From<Rule> for Problem {
    fn from(rule: Rule) -> Problem {
        Problem::new(422, rule.code(), rule.detail())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_an_answer_in_json() {
        let answer = Problem::new(404, "not_found", "No \"x\".").response();
        assert_eq!(answer.status, 404);
        let media_type = ("content-type", "application/problem+json".into());
        assert_eq!(answer.fields, [media_type]);
        assert_eq!(
            std::str::from_utf8(&answer.body).unwrap(),
            r#"{"title":"Not Found","status":404,"code":"not_found","#
                .to_owned()
                + r#""detail":"No \"x\"."}"#
        );
    }

    #[test]
    fn a_status_brings_the_field_it_asks_for() {
        let later = Problem::later(503, "busy", "Later.", 3).response();
        assert_eq!(later.fields[1], ("retry-after", "3".into()));
        let other = Problem::not_allowed("GET, HEAD").response();
        assert_eq!(other.status, 405);
        assert_eq!(other.fields[1], ("allow", "GET, HEAD".into()));
    }

    #[test]
    fn only_some_problems_end_the_connection() {
        assert!(!Problem::new(404, "not_found", "").close);
        assert!(!Problem::later(503, "busy", "", 1).close);
        assert!(Problem::closing(400, "bad_request", "").close);
    }
}
