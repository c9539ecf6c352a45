//! Streams: server-sent events and JSON lines, one answer that never ends.
//!
//! The thread first writes what its reader has missed, waiting for it as long
//! as it must; then it lets it into the room, where others write to it, and
//! only reads, to notice when it leaves. Twin: `event_loop/stream.rs`.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::connection::Connection;
use super::rooms::{Reader, Room};
use super::turn::{Opening, Then, Turn};
use crate::answers;
use crate::clock;
use crate::limits::{LATEST, STREAM_PING};
use crate::metrics::Transport;
use crate::wire::api::{self, Reading};
use crate::wire::http::{Method, Problem, Request};
use crate::wire::json::Hello;
use crate::wire::stream::{Encoding, Format};

/// Room for the first bytes to a reader. What is as large as this, the
/// allocator takes back; what is small, a thread keeps for as long as it
/// lives (malloc's tcache).
const OPENING: usize = 4 << 10;

/// Opens a stream.
pub(super) fn open(
    connection: &mut Connection,
    request: &Request,
    reading: Reading,
    format: Format,
) -> Result<Then, Problem> {
    let head = answers::stream(format);
    if request.method == Method::Head {
        return Ok(connection.respond(request, head));
    }
    let room = connection.server.rooms.room(&reading.room)?;
    let origin = api::shared_with(request, &connection.server.config.rules);
    let head = head.shared_with(origin);
    let head = head.encode_open(request.version, clock::now());
    let encoding = Encoding::over_http(format, request.version);
    let transport = match format {
        Format::Events => Transport::Events,
        Format::Lines | Format::Frames => Transport::Stream,
    };
    let opening = Opening { room, reading, encoding, transport, head };
    Ok(Turn::Stream(opening).into())
}

/// Serves a stream until its client leaves or the server goes.
pub(super) fn serve(connection: &mut Connection, opening: Opening) {
    let _use = connection.used_for(opening.transport);
    let room = Arc::clone(&opening.room);
    if let Ok(reader) = enter(connection, opening) {
        wait(connection, &reader);
        leave(connection, &room, &reader);
    }
}

/// Writes what a reader has missed, then lets it into the room.
///
/// # Errors
/// It left, it was too slow, or it lost its place while it was reading.
pub(super) fn enter(
    connection: &mut Connection,
    opening: Opening,
) -> io::Result<Arc<Reader>> {
    let Opening { room, reading, encoding, head, .. } = opening;
    let outbox = Arc::clone(&connection.outbox);
    let mut page = room.page(reading.after, LATEST);
    let hello = encoding.hello(Hello {
        room: room.name(),
        server: connection.server.config.kind.name(),
        last: room.last(),
        gap: page.gap,
    });
    let messages = encoding.messages(&page.messages);
    let mut opening = Vec::with_capacity(OPENING);
    for part in [&head[..], &hello, &messages] {
        opening.extend_from_slice(part);
    }
    outbox.write(&opening)?;
    // A reader stays for hours: it keeps nothing of how it came in.
    drop((head, hello, messages, opening));
    outbox.subscribe(encoding)?;
    let reader = Reader::new(outbox, encoding, reading.nick);
    while let Err(missing) = room.join(&reader, page.last, LATEST) {
        if missing.gap {
            return Err(io::ErrorKind::TimedOut.into());
        }
        page = missing;
        reader.outbox.write(&encoding.messages(&page.messages))?;
    }
    connection.server.rooms.announce(&room);
    Ok(reader)
}

/// Takes a reader out of its room.
pub(super) fn leave(
    connection: &Connection,
    room: &Arc<Room>,
    reader: &Arc<Reader>,
) {
    room.leave(reader);
    connection.server.rooms.announce(room);
}

/// Pings until the reader leaves, or until the server goes and says so.
fn wait(connection: &mut Connection, reader: &Reader) {
    let ping = Bytes::from(reader.encoding.ping());
    let mut next_ping = Instant::now() + STREAM_PING;
    loop {
        match connection.read(next_ping) {
            Ok(Some(bytes)) if bytes.is_empty() => break,
            // There is nothing to say on a stream; it is not kept either.
            Ok(Some(_)) => (),
            Ok(None) => {
                reader.outbox.push(ping.clone());
                next_ping += STREAM_PING;
            }
            Err(_) => break,
        }
    }
    if connection.server.is_stopping() {
        reader.outbox.finish(reader.encoding.bye().into());
    }
}
