//! The protocol's JSON: what the server says, and what clients may say.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::http::Problem;
use crate::chat::{Draft, Message, MessageId, Millis, Nick, Page, Seq, Text};
use crate::limits::Limits;

/// A message as every transport shows it.
#[derive(Serialize)]
#[serde(tag = "type", rename = "message")]
struct MessageView<'a> {
    seq: Seq,
    at: String,
    nick: &'a str,
    text: &'a str,
    id: &'a str,
}

/// Everything else a server says on a socket, as events or as lines.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Say<'a> {
    Hello(Hello<'a>),
    Ack { id: &'a str, seq: Seq },
    Error(Refused<'a>),
    Bye { retry_ms: u64 },
    Ping,
    Pong,
    Presence { nicks: &'a [&'a str], count: usize },
    Typing { nick: &'a str },
}

#[derive(Serialize)]
struct Refused<'a> {
    code: &'a str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    /// What `Retry-After` says over HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_ms: Option<u64>,
}

#[derive(Serialize)]
struct PageView<'a> {
    messages: Vec<MessageView<'a>>,
    last: Seq,
    gap: bool,
    more: bool,
}

/// `{"type":"message",…}`.
pub fn message(message: &Message) -> Vec<u8> {
    encode(&view(message))
}

/// `{"messages":[…],"last":…,"gap":…,"more":…}`.
pub fn page(page: &Page) -> Vec<u8> {
    encode(&PageView {
        messages: page.messages.iter().map(|m| view(m)).collect(),
        last: page.last,
        gap: page.gap,
        more: page.more,
    })
}

/// What a stream or a socket begins with.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Hello<'a> {
    /// The room's name.
    pub room: &'a str,
    /// Which twin serves.
    pub server: &'a str,
    /// The newest number in the room.
    pub last: Seq,
    /// Whether something may be missing since the reader's cursor.
    pub gap: bool,
}

/// `{"type":"hello",…}`.
pub fn hello(hello: Hello<'_>) -> Vec<u8> {
    encode(&Say::Hello(hello))
}

/// To the sender of a post: it is safe, under this number.
pub fn ack(message: &Message) -> Vec<u8> {
    encode(&Say::Ack { id: &message.id, seq: message.seq })
}

/// To the sender of something that is refused; with its id if it had one.
pub fn error(problem: &Problem, id: Option<&str>) -> Vec<u8> {
    let Problem { code, ref detail, .. } = *problem;
    let retry_ms = problem.retry_after().map(|seconds| seconds * 1000);
    encode(&Say::Error(Refused { code, detail, id, retry_ms }))
}

/// Before the server goes: come back after `retry_ms` milliseconds.
pub fn bye(retry_ms: u64) -> Vec<u8> {
    encode(&Say::Bye { retry_ms })
}

/// A line that only says that the stream is alive.
pub fn ping() -> Vec<u8> {
    encode(&Say::Ping)
}

/// The answer to a client's own `{"type":"ping"}`: browsers keep WebSocket
/// pings to themselves, so a page cannot notice a dead socket by them.
pub fn pong() -> Vec<u8> {
    encode(&Say::Pong)
}

/// Who is in a room: at most the first few by name, and how many in all.
pub fn presence(nicks: &[&str], count: usize) -> Vec<u8> {
    encode(&Say::Presence { nicks, count })
}

/// Someone is writing.
pub fn typing(nick: &str) -> Vec<u8> {
    encode(&Say::Typing { nick })
}

/// What a server says of itself.
#[derive(Serialize)]
#[expect(missing_docs, reason = "each is the field of its name")]
pub struct About<'a> {
    pub server: &'a str,
    pub version: &'a str,
    pub pid: u32,
    pub uptime_s: u64,
    pub connections: usize,
    pub threads: usize,
    pub limits: LimitsView,
}

/// The limits, as clients see them: bytes, seconds and counts.
#[derive(Serialize)]
pub struct LimitsView {
    connections: usize,
    request_line_bytes: usize,
    head_bytes: usize,
    headers: usize,
    body_bytes: usize,
    message_bytes: usize,
    backlog_bytes: usize,
    history_messages: usize,
    rooms: usize,
    presence_nicks: usize,
    connections_per_address: usize,
    posts_per_second: u32,
    head_s: f64,
    idle_s: f64,
    write_s: f64,
}

impl LimitsView {
    /// What clients may know of `limits`, with the cap on connections.
    pub fn new(limits: &Limits, connections: usize) -> LimitsView {
        LimitsView {
            connections,
            request_line_bytes: limits.request_line,
            head_bytes: limits.head,
            headers: limits.headers,
            body_bytes: limits.body,
            message_bytes: limits.socket_message,
            backlog_bytes: limits.backlog,
            history_messages: limits.history,
            rooms: limits.rooms,
            presence_nicks: limits.presence,
            connections_per_address: limits.per_address,
            posts_per_second: limits.post_rate,
            head_s: limits.head_time.as_secs_f64(),
            idle_s: limits.idle_time.as_secs_f64(),
            write_s: limits.write_time.as_secs_f64(),
        }
    }
}

/// `{"server":…,"version":…,…}`.
pub fn about(about: &About<'_>) -> Vec<u8> {
    encode(about)
}

/// Work that was done: what was asked, and how long it took.
#[derive(Serialize)]
#[expect(missing_docs, reason = "each is the field of its name")]
pub struct Worked {
    pub ms: u64,
    pub offload: bool,
    pub took_ms: u64,
}

/// `{"ms":…,"offload":…,"took_ms":…}`.
pub fn worked(worked: &Worked) -> Vec<u8> {
    encode(worked)
}

/// A dialog with a socket, byte by byte.
#[derive(Serialize)]
#[expect(missing_docs, reason = "each is the field of its name")]
pub struct Dialog<'a> {
    pub path: &'a str,
    pub sent: &'a str,
    pub section: &'a str,
    pub due: &'a str,
    pub ended: bool,
    pub spoken: Vec<Spoken>,
}

/// What one side of it said at once: bytes in hexadecimal, and when.
#[derive(Serialize)]
#[expect(missing_docs, reason = "each is the field of its name")]
pub struct Spoken {
    pub from: &'static str,
    pub at_ms: f64,
    pub hex: String,
}

/// `{"path":…,"sent":…,"section":…,"due":…,"ended":…,"spoken":[…]}`.
pub fn dialog(dialog: &Dialog<'_>) -> Vec<u8> {
    encode(dialog)
}

/// What is to be looked at: which socket, and what is said to it.
#[derive(Deserialize)]
#[expect(missing_docs, reason = "each is the field of its name")]
pub struct XrayAsked {
    pub target: String,
    #[serde(default = "lobby")]
    pub room: String,
    pub send: String,
    #[serde(default = "hello_text")]
    pub text: String,
}

fn lobby() -> String {
    "lobby".into()
}

fn hello_text() -> String {
    "Hello".into()
}

/// The body of a POST that asks for an X-ray.
///
/// # Errors
/// 400 if it is not an object of that shape.
pub fn parse_xray(body: &[u8]) -> Result<XrayAsked, Problem> {
    serde_json::from_slice(body).map_err(malformed)
}

/// What a client may say on a socket.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// A message to be posted.
    Post(Draft),
    /// Its sender's nick, for the list of who is here.
    Join(Nick),
    /// Its sender is writing.
    Typing,
    /// Its sender wants to know whether the line is alive.
    Ping,
}

/// What a client sends on a socket; the rest of it is read when it is known
/// what it is. (serde's way to read both at once keeps what it does not know
/// yet, as deep as it is nested: a client could use up a thread's stack.)
#[derive(Deserialize)]
struct Said {
    #[serde(rename = "type")]
    kind: Kind,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Post,
    Join,
    Typing,
    Ping,
}

#[derive(Deserialize)]
struct Named {
    nick: String,
}

/// A post, before the rules are asked. A number as a text, a missing nick or
/// a field given twice is malformed.
#[derive(Deserialize)]
struct Posted {
    id: String,
    nick: String,
    text: String,
}

/// The body of a POST.
///
/// # Errors
/// 400 if it is not an object with three strings, 422 if one of them breaks
/// its rule.
pub fn parse_post(body: &[u8]) -> Result<Draft, Problem> {
    let posted: Posted = object(body)?;
    posted.check()
}

/// A text message from a socket.
///
/// # Errors
/// As for [`parse_post`], with the id if there was one.
pub fn parse_said(text: &str) -> Result<Heard, (Problem, Option<String>)> {
    let bad = |problem| (problem, id_in(text));
    let Said { kind } = object(text.as_bytes()).map_err(bad)?;
    match kind {
        Kind::Post => {
            let posted: Posted = object(text.as_bytes()).map_err(bad)?;
            posted
                .check()
                .map_err(|problem| (problem, Some(posted.id)))
                .map(Heard::Post)
        }
        Kind::Join => {
            let Named { nick } = object(text.as_bytes()).map_err(bad)?;
            let nick = Nick::new(&nick).map_err(|rule| (rule.into(), None))?;
            Ok(Heard::Join(nick))
        }
        Kind::Typing => Ok(Heard::Typing),
        Kind::Ping => Ok(Heard::Ping),
    }
}

impl Posted {
    fn check(&self) -> Result<Draft, Problem> {
        Ok(Draft {
            id: MessageId::new(&self.id)?,
            nick: Nick::new(&self.nick)?,
            text: Text::new(&self.text)?,
        })
    }
}

/// The id in a message that could not be understood otherwise, so that its
/// sender knows which one it was.
fn id_in(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Only {
        id: String,
    }
    serde_json::from_str(text).ok().map(|Only { id }| id)
}

/// Reads an object. (For one that it knows, serde would also take a list.)
fn object<T: for<'a> Deserialize<'a>>(json: &[u8]) -> Result<T, Problem> {
    if json.trim_ascii_start().first() != Some(&b'{') {
        let detail = "Not the JSON expected: an object.";
        return Err(Problem::new(400, "bad_json", detail));
    }
    serde_json::from_slice(json).map_err(malformed)
}

fn malformed(error: serde_json::Error) -> Problem {
    Problem::new(400, "bad_json", format!("Not the JSON expected: {error}."))
}

fn view(message: &Message) -> MessageView<'_> {
    let Message { seq, at, ref nick, ref text, ref id } = *message;
    MessageView { seq, at: timestamp(at), nick, text, id }
}

/// An instant as RFC 3339 writes it, always with three digits of a second.
fn timestamp(at: Millis) -> String {
    let at = Timestamp::from_millisecond(at).unwrap_or_default();
    format!("{at:.3}")
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("strings and numbers always encode")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hi() -> Message {
        let draft = Draft {
            id: MessageId::new("c0ffee-1").unwrap(),
            nick: Nick::new("ada").unwrap(),
            text: Text::new("hi\n\"you\"").unwrap(),
        };
        draft.numbered(12, 1_795_253_400_123)
    }

    #[test]
    fn a_message_reads_as_the_protocol_writes_it() {
        let json = String::from_utf8(message(&hi())).unwrap();
        assert_eq!(
            json,
            r#"{"type":"message","seq":12,"at":"2026-11-21T09:30:00.123Z","nick":"ada","text":"hi\n\"you\"","id":"c0ffee-1"}"#
        );
    }

    #[test]
    fn a_whole_second_keeps_its_digits() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_post_has_three_strings() {
        let good = br#"{"id":"a","nick":" ada ","text":"hi","new":[1]}"#;
        assert_eq!(&*parse_post(good).unwrap().nick, "ada");
        let deep = "[".repeat(10_000);
        for bad in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"id":"a","nick":"ada"}"#,
            r#"{"id":1,"nick":"ada","text":"hi"}"#,
            r#"{"id":"a","id":"b","nick":"ada","text":"hi"}"#,
            r#"{"id":"a","nick":"ada","text":"\ud800"}"#,
            "\u{feff}{\"id\":\"a\",\"nick\":\"b\",\"text\":\"c\"}",
            r#"{"id":"a","nick":"ada","text":"hi"} x"#,
            &deep,
            &format!(r#"{{"x":{deep}"#),
        ] {
            let problem = parse_post(bad.as_bytes()).unwrap_err();
            assert_eq!((problem.status, problem.code), (400, "bad_json"));
        }
        let rule = br#"{"id":"a","nick":"a\u202eb","text":"hi"}"#;
        assert_eq!(parse_post(rule).unwrap_err().status, 422);
    }

    #[test]
    fn what_is_said_on_a_socket() {
        let post = r#"{"type":"post","id":"a","nick":"b","text":"c"}"#;
        assert!(matches!(parse_said(post), Ok(Heard::Post(_))));
        assert_eq!(parse_said(r#"{"type":"typing"}"#), Ok(Heard::Typing));
        assert_eq!(parse_said(r#"{"type":"ping"}"#), Ok(Heard::Ping));
        let (problem, id) =
            parse_said(r#"{"type":"post","id":"a","nick":"b"}"#).unwrap_err();
        assert_eq!((problem.status, id.as_deref()), (400, Some("a")));
        let (problem, id) =
            parse_said(r#"{"type":"post","id":"a","nick":"","text":"c"}"#)
                .unwrap_err();
        assert_eq!((problem.code, id.as_deref()), ("bad_nick", Some("a")));
    }

    #[test]
    fn a_list_is_no_object() {
        assert!(parse_post(br#"["a","b","c"]"#).is_err());
        assert!(parse_said(r#"["ping"]"#).is_err());
        assert!(parse_said(r#"["post","b","c"]"#).is_err());
    }

    #[test]
    fn what_is_nested_deep_takes_no_stack() {
        let nested = format!("{}{}", "[".repeat(8000), "]".repeat(8000));
        let post = format!(
            r#"{{"x":{nested},"id":"a","nick":"b","text":"c","type":"post"}}"#
        );
        let small = std::thread::Builder::new().stack_size(32 << 10);
        let parse = move || parse_said(&post).is_ok();
        assert!(small.spawn(parse).unwrap().join().unwrap());
    }
}
