//! Every number that bounds what the network may ask of this server.
//!
//! One file, so that their relations can be seen: a head fits its buffer, a
//! post fits its body, a whole page of history fits no bound on purpose (it is
//! written by the one who asked, who may wait). Imports nothing.

use std::time::Duration;

/// The largest `seq`: what a JavaScript number still holds exactly.
pub const MAX_SEQ: u64 = (1 << 53) - 1;
/// Messages a reader without a cursor begins with.
pub const LATEST: usize = 50;
/// The most messages one answer to `messages` may carry.
pub const MAX_PAGE: usize = 200;
/// The longest a long poll may ask to be held.
pub const MAX_WAIT: Duration = Duration::from_secs(30);
/// Bytes an echo endpoint takes in one message.
pub const MAX_ECHO: usize = 1 << 20;
/// The longest the demonstration of blocking may burn the processor.
pub const MAX_WORK: Duration = Duration::from_secs(10);

/// How long a socket may stay silent before it is asked for a sign of life.
pub const SOCKET_PING: Duration = Duration::from_secs(10);
/// How long a socket may stay silent before it is given up: two pings.
pub const SOCKET_SILENT: Duration = Duration::from_secs(20);
/// How often a stream without news says that it is still there.
pub const STREAM_PING: Duration = Duration::from_secs(15);
/// Frames a second that a socket may send besides the posts that are counted
/// for its address: pings, and whatever is refused.
pub const FRAME_RATE: f64 = 50.0;
/// How many of them may come at once.
pub const FRAME_BURST: f64 = 500.0;
/// How often one socket's typing is passed on.
pub const TYPING: Duration = Duration::from_secs(2);
/// How often a room's readers are told who is here.
pub const PRESENCE: Duration = Duration::from_secs(1);
/// What a client is told to wait before it comes back after `bye`.
pub const RETRY: Duration = Duration::from_secs(1);

/// The limits an operator may move; the defaults are the protocol's.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a request line, from the method to its line end.
    pub request_line: usize,
    /// Bytes of a whole request head, the request line included.
    pub head: usize,
    /// Header fields in one head.
    pub headers: usize,
    /// From the first byte of a head to its last.
    pub head_time: Duration,
    /// From the first byte of a body to its last.
    pub body_time: Duration,
    /// How long a connection may stand idle between two requests.
    pub idle_time: Duration,
    /// How long one write may make no progress before its reader is cut.
    pub write_time: Duration,
    /// Bytes of a request body.
    pub body: usize,
    /// Bytes of one WebSocket message, put together from its fragments.
    pub socket_message: usize,
    /// Unsent bytes kept for one reader; past it the reader is cut (1013).
    pub backlog: usize,
    /// Messages of a room kept in memory.
    pub history: usize,
    /// Rooms that may exist.
    pub rooms: usize,
    /// People named in one presence; the others are only counted.
    pub presence: usize,
    /// Open connections from one address; 0 lifts it.
    pub per_address: usize,
    /// Posts a second from one address, in bursts of five times as many; 0
    /// lifts it.
    pub post_rate: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            request_line: 8 << 10,
            head: 16 << 10,
            headers: 64,
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(60),
            write_time: Duration::from_secs(10),
            body: 16 << 10,
            socket_message: 16 << 10,
            backlog: 256 << 10,
            history: 1000,
            rooms: 1000,
            presence: 100,
            per_address: 256,
            post_rate: 10,
        }
    }
}
