//! What comes after an answer: another request, the end, or the turn of the
//! connection into something that has no requests.
//!
//! The request is gone by then. A reader stays for hours, and should keep
//! nothing of how it came in. Twin: `threads/turn.rs`.

use std::rc::Rc;

use bytes::Bytes;

use super::connection::Connection;
use super::rooms::Room;
use super::{socket, stream};
use crate::metrics::Transport;
use crate::wire::api::Reading;
use crate::wire::http::Framing;
use crate::wire::stream::Encoding;
use crate::wire::websocket::Codec;

/// What comes after an answer.
pub(super) enum Then {
    /// The next request.
    Next,
    /// The end of the connection.
    End,
    /// No request any more.
    Turn(Box<Turn>),
}

/// What a connection can turn into.
pub(super) enum Turn {
    /// A stream of a room's news.
    Stream(Opening),
    /// A WebSocket to a room.
    Chat(Opening, Codec),
    /// A WebSocket that sends everything back, and the head that opens it.
    Echo(Bytes, Codec),
}

/// Someone who is about to read a room.
pub(super) struct Opening {
    /// The room.
    pub(super) room: Rc<Room>,
    /// Where the reader stopped, and what it is called.
    pub(super) reading: Reading,
    /// How it is written to.
    pub(super) encoding: Encoding,
    /// What it is counted as.
    pub(super) transport: Transport,
    /// The head of the answer that never ends.
    pub(super) head: Bytes,
}

impl Then {
    /// What comes after an answer that was framed so.
    pub(super) fn after(framing: Framing) -> Then {
        match framing.keep_alive {
            true => Then::Next,
            false => Then::End,
        }
    }
}

impl From<Turn> for Then {
    fn from(turn: Turn) -> Then {
        Then::Turn(Box::new(turn))
    }
}

impl Turn {
    /// Serves what the connection has turned into, until it ends.
    pub(super) async fn serve(self, connection: &mut Connection) {
        // (In boxes: a future is as large as the largest that is part of it.)
        match self {
            Turn::Stream(opening) => {
                Box::pin(stream::serve(connection, opening)).await;
            }
            Turn::Chat(opening, codec) => {
                Box::pin(socket::chat(connection, opening, codec)).await;
            }
            Turn::Echo(head, codec) => {
                Box::pin(socket::echo(connection, &head, codec)).await;
            }
        }
    }
}
