//! WebSocket (RFC 6455), twice: by tungstenite, and by hand.
//!
//! A session is what one end of an open WebSocket understands of the bytes it
//! is given. Both kinds have the same three calls, so both servers, and every
//! test, can put one in the place of the other.

mod by_hand;
pub mod dialog;
pub mod frame;
pub mod handshake;
mod library;

pub use by_hand::ByHandSession;
pub use library::LibrarySession;

/// Which code reads the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// tungstenite.
    Library,
    /// Ours, written from the RFC.
    ByHand,
}

/// Something the peer said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A whole text message.
    Text(String),
    /// A whole binary message.
    Binary(Vec<u8>),
    /// A ping; its pong is in the output.
    Ping,
    /// A pong.
    Pong,
    /// The end: the peer closed, or broke a rule. What is owed to it (the
    /// close frame with the right code) is in the output. No event follows.
    Closed {
        /// The close code: the peer's (1005 if it gave none), or the one it
        /// is sent for what it broke.
        code: u16,
        /// The peer's reason, or the rule it broke.
        reason: String,
    },
}

/// The server's side of an open WebSocket.
pub enum Session {
    /// Read by tungstenite.
    Library(LibrarySession),
    /// Read by our own code.
    ByHand(ByHandSession),
}

impl Session {
    /// A session whose messages are at most `max_message` bytes.
    pub fn new(codec: Codec, max_message: usize) -> Session {
        match codec {
            Codec::Library => {
                Session::Library(LibrarySession::new(max_message))
            }
            Codec::ByHand => Session::ByHand(ByHandSession::new(max_message)),
        }
    }

    /// Takes in what the peer sent.
    pub fn receive(&mut self, bytes: &[u8]) {
        match self {
            Session::Library(session) => session.receive(bytes),
            Session::ByHand(session) => session.receive(bytes),
        }
    }

    /// The next thing the peer said; `None` if more bytes are needed. Ask
    /// until then, before it is given more.
    pub fn next_event(&mut self) -> Option<Event> {
        match self {
            Session::Library(session) => session.next_event(),
            Session::ByHand(session) => session.next_event(),
        }
    }

    /// What the session itself has to say: pongs, and the close it owes.
    pub fn take_output(&mut self) -> Vec<u8> {
        match self {
            Session::Library(session) => session.take_output(),
            Session::ByHand(session) => session.take_output(),
        }
    }
}

#[cfg(test)]
mod tests;
