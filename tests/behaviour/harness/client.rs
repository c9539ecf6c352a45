//! An ordinary HTTP client: ureq.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Response;

use super::{Answer, Message, Server};

/// One agent for all. It keeps no connection, so that a test can count those
/// of a server.
static AGENT: LazyLock<Agent> = LazyLock::new(|| {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(45)))
        .max_idle_connections(0)
        .max_idle_connections_per_host(0)
        .build()
        .into()
});

/// GETs a path.
#[track_caller]
pub fn get(server: &Server, path: &str) -> Answer {
    read(AGENT.get(server.url(path)).call().expect("an answer"))
}

/// Posts to a room, whatever it is.
#[track_caller]
pub fn post(server: &Server, room: &str, body: &Value) -> Answer {
    post_json(server, &format!("/api/rooms/{room}/messages"), body)
}

/// Posts JSON to a path.
#[track_caller]
pub fn post_json(server: &Server, path: &str, body: &Value) -> Answer {
    read(AGENT.post(server.url(path)).send_json(body).expect("an answer"))
}

/// Posts a text with an id of its own, and holds that it is taken.
#[track_caller]
pub fn say(server: &Server, room: &str, text: &str) -> Message {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let id = format!("say-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let body = json!({"id": id, "nick": "ada", "text": text});
    let answer = post(server, room, &body);
    assert_eq!(answer.status, 201, "{answer}");
    let message = answer.message();
    assert_eq!(message.id, id);
    assert_eq!(message.nick, "ada");
    message
}

/// Posts the numbers of a range as texts, one after the other.
#[track_caller]
pub fn say_many(
    server: &Server,
    room: &str,
    numbers: std::ops::Range<usize>,
) -> Vec<Message> {
    numbers.map(|number| say(server, room, &number.to_string())).collect()
}

fn read(response: Response<ureq::Body>) -> Answer {
    let (head, mut body) = response.into_parts();
    let fields = head.headers.iter().map(|(name, value)| {
        let value = value.to_str().expect("a field in ASCII");
        (name.as_str().to_owned(), value.to_owned())
    });
    let fields = fields.collect();
    let body = body.read_to_vec().expect("the whole body");
    Answer { status: head.status.as_u16(), fields, body }
}
