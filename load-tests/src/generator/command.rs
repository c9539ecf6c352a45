//! What the comparison asks of its generator, and what it hears back: one
//! JSON object a line, over the child process's stdin and stdout.

use std::collections::BTreeMap;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::retry::Policy;
use crate::histogram::Latencies;

/// A way for messages to reach a reader.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Ask on a timer, set again after each answer.
    ShortPoll,
    /// Ask, and be answered when there is news.
    LongPoll,
    /// Server-sent events.
    Events,
    /// One JSON object a line, over HTTP/1.1.
    Stream,
    /// The same lines over HTTP/2: many readers share a connection.
    Http2,
    /// WebSocket, the server using its library.
    WebSocket,
    /// WebSocket, the server using its own codec.
    ByHand,
}

impl Transport {
    /// Its name in a report.
    pub fn name(self) -> &'static str {
        match self {
            Transport::ShortPoll => "short poll",
            Transport::LongPoll => "long poll",
            Transport::Events => "SSE",
            Transport::Stream => "stream",
            Transport::Http2 => "HTTP/2",
            Transport::WebSocket => "WebSocket",
            Transport::ByHand => "WebSocket by hand",
        }
    }

    /// Whether its connections can also post.
    pub fn is_duplex(self) -> bool {
        matches!(self, Transport::WebSocket | Transport::ByHand)
    }
}

/// What the generator is told to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Connect readers. Answered by [`Report::Opened`].
    Open(Open),
    /// Post on a schedule and count what arrives. Answered by
    /// [`Report::Loaded`] once everything has arrived, or should have.
    Load(Load),
    /// Ask for one path again and again. Answered by [`Report::Requested`].
    Requests(Requests),
    /// Stop reading from every connection of a group. Not answered.
    Pause(String),
    /// Read again. Not answered.
    Resume(String),
    /// Close every connection of a group. Answered by [`Report::Closed`].
    Close(String),
    /// How things stand now. Answered by [`Report::Counted`].
    Count,
}

/// Readers to connect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// A name to speak of them by.
    pub group: String,
    /// How they read.
    pub transport: Transport,
    /// The room they read.
    pub room: String,
    /// How many.
    pub readers: usize,
    /// How many share a connection; more than 1 only with HTTP/2.
    pub per_connection: usize,
    /// Pause between a short poll's answer and the next question, ms.
    pub poll_every_ms: u64,
    /// Whether and when to connect again after losing the connection.
    pub retry: Option<Policy>,
    /// Size of each socket's receive buffer, bytes; the system's if absent.
    pub receive_buffer: Option<usize>,
    /// How long to go on trying, s.
    pub deadline_s: f64,
}

/// Messages to post.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// The groups of which every reader must receive every message.
    pub groups: Vec<String>,
    /// Those of them whose deliveries are checked but not timed.
    pub untimed: Vec<String>,
    /// The room to post in.
    pub room: String,
    /// Messages a second, of all posters together.
    pub rate: f64,
    /// How long to post, s, after the warm-up.
    pub seconds: f64,
    /// How long to post before anything is counted, s.
    pub warmup_s: f64,
    /// How many post, in turn.
    pub posters: usize,
    /// Post over HTTP even if the readers' own sockets could.
    pub over_http: bool,
    /// Length of each text, bytes.
    pub text_bytes: usize,
    /// How long to wait for stragglers after the last post, s.
    pub drain_s: f64,
}

/// Requests to make, each client the next when it has its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    /// The path asked for, with its query.
    pub path: String,
    /// How many ask at a time.
    pub clients: usize,
    /// No new request after this long, s.
    pub seconds: f64,
    /// No new request after this many.
    pub at_most: u64,
}

/// What the generator found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The group is open, as far as it ever will be.
    Opened(Opened),
    /// The load is over.
    Loaded(Box<Loaded>),
    /// The requests are over.
    Requested(Box<Requested>),
    /// The group is closed.
    Closed,
    /// How things stand.
    Counted(Counted),
    /// The generator cannot go on.
    Failed(String),
}

/// What became of an [`Open`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// Readers that are reading.
    pub open: usize,
    /// Connections not made, by what happened instead.
    pub refused: BTreeMap<String, u64>,
    /// How long it took, s.
    pub seconds: f64,
}

/// What became of a [`Load`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Loaded {
    /// Messages posted, without the warm-up.
    pub posted: u64,
    /// Readers that were to receive each.
    pub readers: u64,
    /// Deliveries that came, without the warm-up.
    pub delivered: u64,
    /// Deliveries that came, with the warm-up: what the server's processor
    /// time is divided by.
    pub copies: u64,
    /// From the intended instant to each reader.
    pub delivery: Latencies,
    /// From the intended instant to the last reader of each message.
    pub last_reader: Latencies,
    /// From the intended instant to the sender's acknowledgement.
    pub ack: Latencies,
    /// How late the generator itself posted.
    pub lag: Latencies,
    /// How long arrived bytes waited for the generator to read them. Part of
    /// the latencies only if the kernel gives no timestamps.
    pub read_lag: Latencies,
    /// Whether arrival is the kernel's timestamp, not the time of reading.
    pub kernel_timestamps: bool,
    /// For each message: intended instant (ms from the first), time until
    /// its last reader had it (ms; absent if one never did).
    pub timeline: Vec<(f64, Option<f64>)>,
    /// Traffic while the load lasted.
    pub wire: Wire,
    /// From the first counted post to the last delivery, s.
    pub seconds: f64,
    /// Errors by kind.
    pub errors: BTreeMap<String, u64>,
}

/// What became of [`Requests`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Requested {
    /// Requests answered with 200.
    pub completed: u64,
    /// From first request to last answer, s.
    pub seconds: f64,
    /// From each request to its whole answer.
    pub latency: Latencies,
    /// Errors by kind.
    pub errors: BTreeMap<String, u64>,
}

/// Traffic as the program sees it: HTTP heads and WebSocket frames counted,
/// TCP and IP headers not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wire {
    /// Bytes to the server.
    pub up: u64,
    /// Bytes from the server.
    pub down: u64,
    /// HTTP requests, handshakes included.
    pub requests: u64,
    /// Connections made.
    pub connections: u64,
}

/// How things stand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    /// Readers that are reading, by group.
    pub open: BTreeMap<String, usize>,
    /// When each connection was attempted, ms since the first loss of a
    /// connection.
    pub attempts_ms: Vec<f64>,
    /// When each reader that had lost its connection was back, likewise.
    pub back_ms: Vec<f64>,
    /// When each connection was lost, ms since the first loss.
    pub lost_ms: Vec<f64>,
    /// Lost connections by kind: `closed_1013`, `reset`, `eof` …
    pub lost: BTreeMap<String, u64>,
    /// Traffic since the generator started.
    pub wire: Wire,
}
