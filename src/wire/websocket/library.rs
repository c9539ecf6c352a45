//! A session by tungstenite, over a stream that is only memory.

use super::Event;

/// The server's side of an open WebSocket, understood by tungstenite.
pub struct LibrarySession {}

impl LibrarySession {
    /// A session whose messages are at most `max_message` bytes.
    pub fn new(_max_message: usize) -> LibrarySession {
        LibrarySession {}
    }

    /// Takes in what the peer sent.
    pub fn receive(&mut self, _bytes: &[u8]) {}

    /// The next thing the peer said; `None` if more bytes are needed.
    pub fn next_event(&mut self) -> Option<Event> {
        None
    }

    /// What the session itself has to say: pongs, and the close it owes.
    pub fn take_output(&mut self) -> Vec<u8> {
        Vec::new()
    }
}
