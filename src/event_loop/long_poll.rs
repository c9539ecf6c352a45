//! A long poll: a request that is held until there is news.
//!
//! It is a reader that wants one answer. The broadcast writes that answer;
//! the poll's own task stays in `read`, so it notices a client that leaves,
//! and answers itself when the time is up. Twin: `threads/long_poll.rs`.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::connection::{Connection, Heard};
use super::outbox::Outbox;
use super::turn::Then;
use crate::answers;
use crate::chat::{Page, RoomName, Seq};
use crate::metrics::Transport;
use crate::wire::api;
use crate::wire::http::{Framing, Method, Problem, Request};
use crate::wire::query::Query;
use crate::wire::stream::Batch;

/// A poll that waits for its one answer.
pub(super) struct Held {
    outbox: Rc<Outbox>,
    after: Seq,
    limit: usize,
    framing: Framing,
    /// The other origin whose page asks, if it may.
    origin: Option<String>,
    /// Whoever finds this false may answer, and nobody after.
    answered: Cell<bool>,
}

/// Answers a poll, at once or when there is something to say.
pub(super) async fn serve(
    connection: &mut Connection,
    request: &Request,
    room: &RoomName,
    query: &Query,
) -> Result<Then, Problem> {
    let limit = query.limit();
    let rooms = &connection.server.rooms;
    let page = match query.before {
        Some(seq) => match rooms.before(room, seq, limit) {
            Some(page) => page,
            None => connection.server.read_older(room, seq, limit).await?,
        },
        None => rooms.page(room, query.after, limit),
    };
    let wait = Duration::from_secs(query.wait.unwrap_or(0));
    let nothing_to_wait_for = query.after.is_none()
        || request.method == Method::Head
        || wait.is_zero()
        || page.has_news()
        // The next request is here ahead of this one's answer: whoever sends
        // it does not want to wait for news.
        || connection.has_more();
    if nothing_to_wait_for {
        let answer = answers::page(&page);
        return Ok(connection.respond(request, answer).await);
    }
    let held = Held::new(connection, request, page.last, limit);
    hold(connection, request, room, &held, wait).await
}

async fn hold(
    connection: &mut Connection,
    request: &Request,
    room: &RoomName,
    held: &Rc<Held>,
    wait: Duration,
) -> Result<Then, Problem> {
    let _use = connection.used_for(Transport::LongPoll);
    let room = connection.server.rooms.room(room)?;
    if let Err(page) = room.hold(held) {
        let answer = answers::page(&page);
        return Ok(connection.respond(request, answer).await);
    }
    let heard = connection.receive(Instant::now() + wait).await;
    room.release(held);
    match heard {
        // A server that stops wakes its tasks as if they had read the end; the
        // client is still there, and is owed an answer.
        Heard::End if !connection.server.is_stopping() => {
            held.forget();
            Ok(Then::End)
        }
        // The time is up; or the next request is here, as above.
        Heard::End | Heard::Bytes | Heard::Nothing => {
            let mut framing = held.framing;
            framing.keep_alive &= !connection.server.is_stopping();
            let page = room.page(Some(held.after), held.limit);
            held.answer_with(&page, framing);
            Ok(Then::after(framing))
        }
    }
}

impl Held {
    fn new(
        connection: &Connection,
        request: &Request,
        after: Seq,
        limit: usize,
    ) -> Rc<Held> {
        Rc::new(Held {
            outbox: Rc::clone(&connection.outbox),
            after,
            limit,
            framing: Framing::of(request),
            origin: api::shared_with(request, &connection.server.config.rules),
            answered: Cell::new(false),
        })
    }

    /// Where its client has read to.
    pub(super) fn after(&self) -> Seq {
        self.after
    }

    /// How many messages its client takes.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Answers with the news of a broadcast, unless it has been answered.
    pub(super) fn answer(&self, batch: &Batch) {
        let page = batch.page(self.after, self.limit);
        self.answer_with(&page, self.framing);
    }

    /// Its client is gone: there is nobody to answer.
    fn forget(&self) {
        self.answered.set(true);
    }

    fn answer_with(&self, page: &Page, framing: Framing) {
        if self.answered.replace(true) {
            return;
        }
        let answer = answers::page(page).shared_with(self.origin.clone());
        self.outbox.push(self.outbox.line().encode(&answer, framing));
        // Twin: a stream of HTTP/2 ends with its answer, and so does the task
        // that waits for what its client says next.
        if self.outbox.line().is_stream() {
            self.outbox.wake();
        }
    }
}
