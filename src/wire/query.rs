//! The query of an address: `after`, `before`, `limit`, `wait`, `nick`, and
//! the demonstration's `ms` and `offload`.

use super::http::Problem;
use crate::chat::{Nick, Seq};
use crate::limits::{LATEST, MAX_PAGE, MAX_SEQ, MAX_WAIT, MAX_WORK};

/// What a query says, each parameter checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The cursor: messages after this one.
    pub after: Option<Seq>,
    /// Scrolling back: messages before this one.
    pub before: Option<Seq>,
    /// How many messages an answer may carry.
    pub limit: Option<usize>,
    /// How many seconds a poll may be held.
    pub wait: Option<u64>,
    /// Who is reading, for the list of who is here.
    pub nick: Option<Nick>,
    /// How many milliseconds of work to demonstrate.
    pub ms: Option<u64>,
    /// Whether that work may be handed to another thread.
    pub offload: Option<u64>,
}

impl Query {
    /// Reads the part of a target behind its `?`. Parameters of other names
    /// are ignored.
    ///
    /// # Errors
    /// 400 `bad_query` for a parameter that is malformed, out of range or
    /// given twice; 422 for a nick that breaks its rule.
    pub fn parse(query: &str) -> Result<Query, Problem> {
        let mut parsed = Query::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            parsed.set(name, value)?;
        }
        if parsed.after.is_some() && parsed.before.is_some() {
            return Err(bad("Give either after or before, not both."));
        }
        Ok(parsed)
    }

    /// The number of messages an answer may carry.
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(LATEST)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        let twice = match name {
            "after" => self.after.replace(cursor(value)?).is_some(),
            "before" => self.before.replace(cursor(value)?).is_some(),
            "limit" => {
                let limit = number(name, value, 1, MAX_PAGE as u64)?;
                self.limit.replace(limit as usize).is_some()
            }
            "wait" => {
                let wait = number(name, value, 0, MAX_WAIT.as_secs())?;
                self.wait.replace(wait).is_some()
            }
            "ms" => {
                let most = MAX_WORK.as_millis() as u64;
                self.ms.replace(number(name, value, 0, most)?).is_some()
            }
            "offload" => {
                self.offload.replace(number(name, value, 0, 1)?).is_some()
            }
            "nick" => {
                let nick = Nick::new(&decode(value)?)?;
                self.nick.replace(nick).is_some()
            }
            _ => false,
        };
        if twice {
            return Err(bad(format!("Give {name} once.")));
        }
        Ok(())
    }
}

/// A cursor as clients write it: digits, below 2^53.
///
/// # Errors
/// 400 `bad_query`.
pub fn cursor(value: &str) -> Result<Seq, Problem> {
    number("A cursor", value, 0, MAX_SEQ)
}

fn number(
    name: &str,
    value: &str,
    least: u64,
    most: u64,
) -> Result<u64, Problem> {
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let number: Option<u64> = value.parse().ok().filter(|_| digits);
    number.filter(|n| (least..=most).contains(n)).ok_or_else(|| {
        bad(format!("{name} is a whole number from {least} to {most}."))
    })
}

/// Percent-decoding (RFC 3986, section 2.1), with `+` for a space as forms
/// write it.
fn decode(value: &str) -> Result<String, Problem> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()).zip(hex(rest.next())).map_or_else(
                || Err(bad("After a % come two hexadecimal digits.")),
                |(high, low)| Ok(high << 4 | low),
            )?,
            other => other,
        });
    }
    String::from_utf8(bytes)
        .map_err(|_| bad("A parameter is UTF-8, percent-encoded."))
}

fn hex(digit: Option<u8>) -> Option<u8> {
    (digit? as char).to_digit(16).map(|value| value as u8)
}

fn bad(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(400, "bad_query", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_query_says() {
        let query = Query::parse("after=7&wait=25&x=%zz&nick=a%20b+c").unwrap();
        assert_eq!(query.after, Some(7));
        assert_eq!(query.wait, Some(25));
        assert_eq!(query.nick.as_deref(), Some("a b c"));
        assert_eq!(query.limit(), 50);
        assert_eq!(Query::parse(""), Ok(Query::default()));
        let most = Query::parse("after=9007199254740991&limit=200").unwrap();
        assert_eq!((most.after, most.limit()), (Some(MAX_SEQ), 200));
    }

    #[test]
    fn what_a_query_may_not_say() {
        for bad in [
            "after=",
            "after",
            "after=-1",
            "after=+1",
            "after=1.5",
            "after=9007199254740992",
            "after=99999999999999999999999",
            "after=1&after=1",
            "after=1&before=9",
            "limit=0",
            "limit=201",
            "wait=31",
            "wait=x",
            "nick=%f",
            "nick=%ff",
            "offload=2",
        ] {
            let problem = Query::parse(bad).unwrap_err();
            assert_eq!((problem.status, problem.code), (400, "bad_query"));
        }
        assert_eq!(Query::parse("nick=%00").unwrap_err().status, 422);
    }
}
