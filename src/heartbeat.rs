//! When a socket's peer was last heard, and when it is asked next.
//!
//! Floor 2: both twins wait for what this says, each in its way.

use std::time::Instant;

use bytes::Bytes;

use crate::limits::{SOCKET_PING, SOCKET_SILENT};
use crate::wire::websocket::frame;

/// One socket's clock.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    heard: Instant,
    next_ping: Instant,
}

impl Heartbeat {
    /// The peer was heard just now: it opened the socket.
    pub fn start() -> Heartbeat {
        let now = Instant::now();
        Heartbeat { heard: now, next_ping: now + SOCKET_PING }
    }

    /// The peer said something.
    pub fn hear(&mut self) {
        self.heard = Instant::now();
    }

    /// When the peer is to be asked for a sign of life.
    pub fn next_ping(&self) -> Instant {
        self.next_ping
    }

    /// Whether the peer is to be given up.
    pub fn is_silent(&self) -> bool {
        self.heard.elapsed() >= SOCKET_SILENT
    }

    /// The question; the next one is due later.
    pub fn ping(&mut self) -> Bytes {
        self.next_ping += SOCKET_PING;
        Bytes::from_static(frame::PING)
    }
}
