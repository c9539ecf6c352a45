//! An answer over HTTP, however it was fetched.

use serde_json::Value;

use super::Message;

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The fields, names in lower case, in order.
    pub fields: Vec<(String, String)>,
    /// The body, without its framing.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a field; empty if there is none.
    pub fn field(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, value)| value)
    }

    /// Whether the connection ends with this answer.
    pub fn closes(&self) -> bool {
        self.field("connection").eq_ignore_ascii_case("close")
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error} in {self}"),
        }
    }

    /// The message this is, after a post.
    #[track_caller]
    pub fn message(&self) -> Message {
        assert!(matches!(self.status, 200 | 201), "{self}");
        assert!(self.field("content-type").starts_with("application/json"));
        Message::read(&self.json())
    }

    /// The messages of a page.
    #[track_caller]
    pub fn messages(&self) -> Vec<Message> {
        assert_eq!(self.status, 200, "{self}");
        let json = self.json();
        let list = json["messages"].as_array().expect("a list of messages");
        list.iter().map(Message::read).collect()
    }

    /// A number of a page.
    #[track_caller]
    pub fn number(&self, name: &str) -> u64 {
        let json = self.json();
        json[name].as_u64().unwrap_or_else(|| panic!("{name} in {json}"))
    }

    /// A yes or no of a page.
    #[track_caller]
    pub fn flag(&self, name: &str) -> bool {
        let json = self.json();
        json[name].as_bool().unwrap_or_else(|| panic!("{name} in {json}"))
    }

    /// Holds a refusal against the protocol: its status, its code, and the
    /// shape every problem has.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self}");
        assert_eq!(self.field("content-type"), "application/problem+json");
        let json = self.json();
        assert_eq!(json["status"], status, "{json}");
        assert_eq!(json["code"], code, "{json}");
        assert!(!json["title"].as_str().unwrap().is_empty(), "{json}");
        let detail = json["detail"].as_str().unwrap();
        assert!(detail.ends_with('.'), "a sentence: {json}");
        if matches!(status, 429 | 503) {
            let seconds = self.field("retry-after").parse::<u64>();
            assert!(seconds.is_ok_and(|s| s >= 1), "{self}");
        }
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}: ", self.status, self.fields)?;
        f.write_str(&String::from_utf8_lossy(&self.body))
    }
}
