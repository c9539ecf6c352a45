//! Bytes on their way to one reader, and what happens when it is slow.
//!
//! Anyone may push. While nothing waits, the bytes go straight to the socket
//! in a call that never blocks. What does not fit goes to a backlog, and a
//! writer task is started for this one slow reader; it waits until the reader
//! takes more, and ends when the backlog is empty. Past its bound the reader
//! is cut. Twin: `threads/outbox.rs`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::net::Shutdown;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;

use super::crew::Crew;
use super::line::{Line, PIECE};
use crate::metrics::Metrics;
use crate::wire::stream::Encoding;

/// What a reader that is cut is told, if it can be told anything.
const TOO_SLOW: &str = "too slow: come back and resume from your cursor";

/// What all outboxes share.
pub(super) struct Delivery {
    /// Where writers come from.
    pub(super) crew: Rc<Crew>,
    /// What is counted.
    pub(super) metrics: Arc<Metrics>,
    /// Unsent bytes kept for one reader.
    pub(super) bound: usize,
}

/// The way to one client.
pub(super) struct Outbox {
    line: Line,
    delivery: Rc<Delivery>,
    state: RefCell<State>,
    /// Told when nothing is left unsent.
    sent: Notify,
    /// Whether its client waits for news, rather than to ask again.
    waits: Cell<bool>,
    /// Whether the client's own task is to find the end, whatever it reads.
    woken: Cell<bool>,
    wake: Notify,
}

struct State {
    way: Way,
    /// Bytes pushed and not yet written.
    unsent: usize,
    /// How its reader is written to, once it is one.
    encoding: Option<Encoding>,
    /// What the writer says last, when the way has ended before it.
    farewell: Vec<u8>,
}

/// What a client waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    /// A stream, a socket or a held poll: whatever comes.
    ForNews,
    /// Nothing, or the answer to what it asked.
    ForAnswer,
}

/// How bytes go out at the moment.
enum Way {
    /// Nothing waits: whoever pushes sends.
    Straight,
    /// A writer is at it; what is pushed waits here.
    // Twin: a queue that two threads share is a channel; here it is a queue.
    Backlog(VecDeque<Bytes>),
    /// Nothing more is taken; this is still to be written.
    Ended(VecDeque<Bytes>),
}

impl Outbox {
    /// The outbox of a new connection.
    pub(super) fn new(line: Line, delivery: Rc<Delivery>) -> Outbox {
        let state = State {
            way: Way::Straight,
            unsent: 0,
            encoding: None,
            farewell: Vec::new(),
        };
        Outbox {
            line,
            delivery,
            state: RefCell::new(state),
            sent: Notify::new(),
            waits: Cell::new(false),
            woken: Cell::new(false),
            wake: Notify::new(),
        }
    }

    /// The line, for its one reader.
    pub(super) fn line(&self) -> &Line {
        &self.line
    }

    /// From here on this is a reader's, in `encoding`.
    pub(super) fn subscribe(&self, encoding: Encoding) {
        self.state.borrow_mut().encoding = Some(encoding);
    }

    /// Sends bytes, or has them sent, and never waits. They are dropped if
    /// the way has ended; the client's own task finds out by itself.
    pub(super) fn push(self: &Rc<Outbox>, bytes: Bytes) {
        self.put(&mut self.state.borrow_mut(), bytes);
    }

    /// Pushes the last bytes there will be, then closes the sending half.
    pub(super) fn finish(self: &Rc<Outbox>, farewell: Bytes) {
        let mut state = self.state.borrow_mut();
        self.put(&mut state, farewell);
        if let Way::Straight = state.way {
            self.line.close();
        }
        state.end();
    }

    /// Writes all of `bytes`, waiting for the client where it must: for its
    /// own task, with an answer to what it asked.
    ///
    /// # Errors
    /// The connection is broken, or a piece took too long.
    pub(super) async fn write(&self, bytes: &[u8]) -> io::Result<()> {
        // A poll that was held may have been answered with more than went out
        // at once: its writer comes first.
        while self.state.borrow().unsent > 0 {
            self.sent.notified().await;
        }
        if let Way::Ended(_) = self.state.borrow().way {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.line.write(bytes).await
    }

    /// Wakes the client's own task out of its `read`, which finds the end.
    // Twin: a thread is woken out of a system call by ending what it reads; a
    // task waits for several things at once, and this is one of them.
    pub(super) fn wake(&self) {
        self.woken.set(true);
        self.wake.notify_one();
    }

    /// The same, if its client waits for news: one that is between two
    /// requests may still ask.
    pub(super) fn wake_reader(&self) {
        if self.waits.get() {
            self.wake();
        }
    }

    /// Says whether its client waits for news.
    pub(super) fn set_waiting(&self, waits: Waits) {
        self.waits.set(waits == Waits::ForNews);
    }

    /// Whether it has been woken.
    // Twin: a thread's read returns by itself.
    pub(super) fn is_woken(&self) -> bool {
        self.woken.get()
    }

    /// Waits until it is woken.
    // Twin: a thread waits for this and for bytes in the same call.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Breaks the connection off.
    pub(super) fn abort(&self) {
        self.state.borrow_mut().end();
        self.line.shut(Shutdown::Both);
        self.wake();
    }

    fn put(self: &Rc<Outbox>, state: &mut State, bytes: Bytes) {
        match state.way {
            Way::Straight => self.put_straight(state, bytes),
            // What does not fit is not sealed either: a record that is left
            // out makes all that follow it unreadable.
            Way::Backlog(_) if self.fits(state, bytes.len()) => {
                let sealed = self.line.seal(bytes);
                self.queue(state, sealed);
            }
            Way::Backlog(_) => self.cut(state),
            Way::Ended(_) => (),
        }
    }

    fn put_straight(self: &Rc<Outbox>, state: &mut State, bytes: Bytes) {
        let sealed = self.line.seal(bytes);
        match self.line.send(&sealed) {
            Ok(sent) if sent == sealed.len() => (),
            Ok(sent) => self.put_late(state, sealed.slice(sent..)),
            Err(_) => self.hang_up(state),
        }
    }

    fn put_late(self: &Rc<Outbox>, state: &mut State, rest: Bytes) {
        if rest.len() > self.delivery.bound {
            // Its beginning is out: nothing can be said behind that.
            self.delivery.metrics.cut.inc();
            return self.hang_up(state);
        }
        state.way = Way::Backlog(VecDeque::new());
        self.queue(state, rest);
        let outbox = Rc::clone(self);
        self.delivery.crew.start(async move { outbox.drain().await });
    }

    fn fits(&self, state: &State, length: usize) -> bool {
        state.unsent + length <= self.delivery.bound
    }

    fn queue(&self, state: &mut State, sealed: Bytes) {
        let Way::Backlog(backlog) = &mut state.way else { return };
        let length = sealed.len();
        state.unsent += length;
        self.delivery.metrics.backlog.inc_by(length as i64);
        backlog.push_back(sealed);
    }

    /// Takes nothing more for a reader that is too slow, and has it told.
    fn cut(&self, state: &mut State) {
        self.delivery.metrics.cut.inc();
        let end = |encoding: Encoding| encoding.end(1013, TOO_SLOW);
        state.farewell = state.encoding.map(end).unwrap_or_default();
        state.end();
        self.wake();
    }

    fn hang_up(&self, state: &mut State) {
        state.way = Way::Ended(VecDeque::new());
        self.line.shut(Shutdown::Both);
    }

    /// The life of a writer: until the backlog is empty, or ends.
    async fn drain(&self) {
        loop {
            match self.next() {
                Next::Piece(piece) => {
                    if self.write_with_more(piece.into()).await.is_err() {
                        self.abort();
                        return self.settle_rest();
                    }
                }
                Next::Nothing => return,
                Next::Farewell(farewell) => {
                    // Whoever has left already is not told.
                    let _ = self.line.write(&farewell).await;
                    return self.line.close();
                }
            }
        }
    }

    /// What a writer does next. From the moment that it is nothing, it has no
    /// say: another may have been started.
    fn next(&self) -> Next {
        let mut state = self.state.borrow_mut();
        if let Some(bytes) = state.next() {
            return Next::Piece(bytes);
        }
        if let Way::Ended(_) = state.way {
            return Next::Farewell(std::mem::take(&mut state.farewell));
        }
        state.way = Way::Straight;
        Next::Nothing
    }

    /// Small pieces leave together.
    async fn write_with_more(&self, mut piece: Vec<u8>) -> io::Result<()> {
        while piece.len() < PIECE
            && let Some(more) = self.state.borrow_mut().next()
        {
            piece.extend_from_slice(&more);
        }
        let written = self.line.write_sealed(&piece).await;
        self.settle(piece.len());
        written
    }

    /// What is left will not be written.
    fn settle_rest(&self) {
        loop {
            let next = self.state.borrow_mut().next();
            let Some(left) = next else { return };
            self.settle(left.len());
        }
    }

    /// So many bytes wait no longer.
    fn settle(&self, length: usize) {
        self.delivery.metrics.backlog.dec_by(length as i64);
        let mut state = self.state.borrow_mut();
        state.unsent -= length;
        if state.unsent == 0 {
            self.sent.notify_waiters();
        }
    }
}

/// Acts on those that are still there.
pub(super) fn for_each(outboxes: &[Weak<Outbox>], act: impl Fn(&Outbox)) {
    let there = outboxes.iter().filter_map(Weak::upgrade);
    there.for_each(|outbox| act(&outbox));
}

/// What a writer does.
enum Next {
    /// It writes this, and what has come since.
    Piece(Bytes),
    /// It ends; the way is straight again.
    Nothing,
    /// It says this, and closes the sending half: nothing more is taken.
    Farewell(Vec<u8>),
}

impl State {
    /// Takes nothing more. A writer that is at it writes what is left.
    fn end(&mut self) {
        let left = match &mut self.way {
            Way::Straight => VecDeque::new(),
            Way::Backlog(left) | Way::Ended(left) => std::mem::take(left),
        };
        self.way = Way::Ended(left);
    }

    fn next(&mut self) -> Option<Bytes> {
        match &mut self.way {
            Way::Straight => None,
            Way::Backlog(left) | Way::Ended(left) => left.pop_front(),
        }
    }
}
