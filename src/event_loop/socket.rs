//! WebSockets: to a room, and to an echo.
//!
//! The session understands the bytes, the task acts on what they mean, and
//! everything that is said to the client, pongs too, goes through the outbox,
//! so that frames never interleave. Twin: `threads/socket.rs`.

use std::io;
use std::rc::Rc;

use bytes::Bytes;
use tokio::time::Instant;

use super::connection::Connection;
use super::rooms::{Reader, Room};
use super::server::Pending;
use super::stream::{enter, leave};
use super::turn::{Opening, Then, Turn};
use crate::admission::Bucket;
use crate::chat::{MessageId, Nick};
use crate::clock;
use crate::heartbeat::Heartbeat;
use crate::limits::{FRAME_BURST, FRAME_RATE, MAX_ECHO, TYPING};
use crate::metrics::Transport;
use crate::wire::api::{self, Reading};
use crate::wire::http::{Problem, Request};
use crate::wire::json::{self, Heard};
use crate::wire::stream::Encoding;
use crate::wire::websocket::{Codec, Event, Session, frame, handshake};

/// Opens a WebSocket to a room.
pub(super) fn open(
    connection: &Connection,
    request: &Request,
    reading: Reading,
    codec: Codec,
) -> Result<Then, Problem> {
    let head = upgrade(connection, request, codec)?;
    let room = connection.server.rooms.room(&reading.room)?;
    let (encoding, transport) = (Encoding::FRAMES, Transport::Socket);
    let opening = Opening { room, reading, encoding, transport, head };
    Ok(Turn::Chat(opening, codec).into())
}

/// Opens a WebSocket that sends everything back.
pub(super) fn open_echo(
    connection: &Connection,
    request: &Request,
    codec: Codec,
) -> Result<Then, Problem> {
    let head = upgrade(connection, request, codec)?;
    Ok(Turn::Echo(head, codec).into())
}

/// The head that makes a socket of a connection.
fn upgrade(
    connection: &Connection,
    request: &Request,
    codec: Codec,
) -> Result<Bytes, Problem> {
    api::check_origin(request, &connection.server.config.rules)?;
    let upgrade = handshake::answer(request, codec)?;
    Ok(upgrade.encode_open(request.version, clock::now()))
}

/// Serves a WebSocket to a room, until either side closes it.
pub(super) async fn chat(
    connection: &mut Connection,
    opening: Opening,
    codec: Codec,
) {
    let _use = connection.used_for(opening.transport);
    let room = Rc::clone(&opening.room);
    if let Ok(reader) = enter(connection, opening).await {
        let limit = connection.server.config.limits.socket_message;
        let session = Session::new(codec, limit);
        let mut chat = Chat::new(connection, session, room, reader);
        chat.run().await;
        leave(chat.connection, &chat.room, &chat.reader);
    }
}

/// One client's socket to a room.
struct Chat<'a> {
    connection: &'a mut Connection,
    session: Session,
    room: Rc<Room>,
    reader: Rc<Reader>,
    /// Posts from the last read that are on their way to the disk.
    pending: Vec<(MessageId, Pending)>,
    /// When its client last said that it is writing.
    typed: Option<Instant>,
    /// The frames it may send besides posts.
    frames: Bucket,
}

impl<'a> Chat<'a> {
    fn new(
        connection: &'a mut Connection,
        session: Session,
        room: Rc<Room>,
        reader: Rc<Reader>,
    ) -> Chat<'a> {
        let pending = Vec::new();
        let typed = None;
        let frames = Bucket::full(FRAME_BURST, Instant::now().into_std());
        Chat { connection, session, room, reader, pending, typed, frames }
    }

    async fn run(&mut self) {
        let rest = self.connection.take_rest();
        let mut clock = Heartbeat::start();
        let mut then = self.receive(&rest).await;
        while let Then::Next = then {
            match self.connection.read(clock.next_ping().into()).await {
                Ok(Some(bytes)) if bytes.is_empty() => return self.say_bye(),
                Ok(Some(bytes)) => {
                    clock.hear();
                    then = self.receive(&bytes).await;
                }
                Err(_) => return self.say_bye(),
                Ok(None) if clock.is_silent() => return,
                Ok(None) => self.reader.outbox.push(clock.ping()),
            }
        }
    }

    /// Acts on everything that a read brought, then answers all of it: posts
    /// that came together are made safe together.
    async fn receive(&mut self, bytes: &[u8]) -> Then {
        self.session.receive(bytes);
        let mut close = None;
        while close.is_none()
            && let Some(event) = self.session.next_event()
        {
            close = self.act(event);
        }
        for (id, pending) in std::mem::take(&mut self.pending) {
            match pending.wait().await {
                Ok(posted) => self.say(&json::ack(posted.message())),
                Err(problem) => self.refuse(&problem, Some(&id)),
            }
        }
        if let Some(close) = close {
            self.reader.outbox.finish(close.into());
            return Then::End;
        }
        let output = self.session.take_output();
        if !output.is_empty() {
            self.reader.outbox.push(output.into());
        }
        Then::Next
    }

    /// Acts on an event; the bytes of a close, if that is what it leads to.
    fn act(&mut self, event: Event) -> Option<Vec<u8>> {
        let posts = self.pending.len();
        let close = self.act_on(event);
        let is_post = self.pending.len() > posts;
        if close.is_some() || is_post || self.may_go_on() {
            return close;
        }
        Some(frame::close(1008, "more frames than a person can send"))
    }

    /// Whether its client keeps to the number of frames it may send. (Posts
    /// are counted for its address, wherever they come from.)
    fn may_go_on(&mut self) -> bool {
        self.frames
            .take(FRAME_RATE, FRAME_BURST, Instant::now().into_std())
            .is_ok()
    }

    fn act_on(&mut self, event: Event) -> Option<Vec<u8>> {
        match event {
            Event::Text(text) => match json::parse_said(&text) {
                Ok(heard) => self.carry_out(heard),
                Err((problem, id)) => self.refuse(&problem, id.as_deref()),
            },
            Event::Binary(_) => {
                return Some(frame::close(1003, "a chat is text, in JSON"));
            }
            Event::Ping | Event::Pong => (),
            Event::Closed { code, reason } => {
                tracing::debug!(code, ?reason, "a socket closed");
                return Some(self.session.take_output());
            }
        }
        None
    }

    /// The task was woken because the server goes; or the client left, and
    /// there is nobody to tell.
    fn say_bye(&self) {
        if self.connection.server.is_stopping() {
            self.reader.outbox.finish(Encoding::FRAMES.bye().into());
        }
    }

    fn carry_out(&mut self, heard: Heard) {
        match heard {
            Heard::Post(draft) => {
                let id = draft.id.clone();
                let client = self.connection.client;
                let server = &self.connection.server;
                match server.post(self.room.name(), draft, client) {
                    Ok(pending) => self.pending.push((id, pending)),
                    Err(problem) => self.refuse(&problem, Some(&id)),
                }
            }
            Heard::Join(nick) => self.join(nick),
            Heard::Typing => self.typing(),
            Heard::Ping => self.say(&json::pong()),
        }
    }

    fn join(&mut self, nick: Nick) {
        self.room.rename(&self.reader, nick);
        self.connection.server.rooms.announce(&self.room);
    }

    fn typing(&mut self) {
        let now = Instant::now();
        let again = self.typed.is_some_and(|typed| now - typed < TYPING);
        if !again && self.room.typing(&self.reader).is_some() {
            self.typed = Some(now);
        }
    }

    fn refuse(&mut self, problem: &Problem, id: Option<&str>) {
        self.connection.server.metrics.refuse(problem.code);
        self.say(&json::error(problem, id));
    }

    fn say(&mut self, json: &[u8]) {
        self.reader.outbox.push(frame::text(json).into());
    }
}

/// Serves a WebSocket that sends every message back.
pub(super) async fn echo(
    connection: &mut Connection,
    head: &[u8],
    codec: Codec,
) {
    let _use = connection.used_for(Transport::Echo);
    let session = Session::new(codec, MAX_ECHO);
    // It ends as it ends: there is nobody left to be told.
    let _ = run_echo(connection, session, head).await;
}

async fn run_echo(
    connection: &mut Connection,
    mut session: Session,
    head: &[u8],
) -> io::Result<()> {
    connection.outbox.write(head).await?;
    session.receive(&connection.take_rest());
    let mut clock = Heartbeat::start();
    loop {
        while let Some(event) = session.next_event() {
            let answer = match event {
                Event::Text(text) => frame::text(text.as_bytes()),
                Event::Binary(bytes) => frame::binary(&bytes),
                Event::Ping | Event::Pong => session.take_output(),
                Event::Closed { .. } => {
                    connection.outbox.finish(session.take_output().into());
                    return Ok(());
                }
            };
            connection.outbox.write(&answer).await?;
        }
        match connection.read(clock.next_ping().into()).await? {
            Some(bytes) if bytes.is_empty() => break,
            Some(bytes) => {
                clock.hear();
                session.receive(&bytes);
            }
            None if clock.is_silent() => return Ok(()),
            None => connection.outbox.write(&clock.ping()).await?,
        }
    }
    if connection.server.is_stopping() {
        connection.outbox.finish(Encoding::FRAMES.bye().into());
    }
    Ok(())
}
