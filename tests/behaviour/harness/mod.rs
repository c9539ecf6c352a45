//! What the tests stand on: a server in its own process, and clients for it.
//!
//! Nothing here uses the code under test, except for the names of signals:
//! what the server says is read by parsers of our own, by ureq's and by
//! tungstenite's client.

mod answer;
mod body;
mod checker;
mod client;
pub mod http2;
mod message;
mod plain_socket;
mod reader;
mod server;
mod socket;
mod temp;
pub mod tunnel;
mod wire;

pub use answer::Answer;
pub use body::OpenBody;
pub use checker::Checker;
pub use client::{get, post, post_json, say, say_many};
pub use message::{Message, seqs, texts};
pub use plain_socket::{PlainSocket, accepted, handshake, mask, opcode};
pub use reader::{Event, Reader, Transport};
pub use server::{Kind, Server, Setup, binary};
pub use socket::Socket;
pub use temp::TempDir;
pub use wire::{Wire, is_late};

use std::time::{Duration, Instant};

/// How long anything may take that should happen at once. Only a test that
/// fails waits for so long.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Asks again and again until `condition` holds; panics when it does not
/// within [`PATIENCE`].
#[track_caller]
pub fn eventually(what: &str, condition: impl FnMut() -> bool) {
    eventually_within(PATIENCE, what, condition);
}

/// Asks again and again until `condition` holds; panics when it does not
/// within `patience`.
#[track_caller]
pub fn eventually_within(
    patience: Duration,
    what: &str,
    mut condition: impl FnMut() -> bool,
) {
    let deadline = Instant::now() + patience;
    while !condition() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A sentence of `length` bytes that differs for every `number`.
pub fn long_text(number: usize, length: usize) -> String {
    let mut text = format!("{number}:");
    text.extend(std::iter::repeat_n('x', length - text.len()));
    text
}
