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
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::crew::Crew;
use crate::metrics::Metrics;
use crate::wire::stream::Encoding;

/// Bytes that are written in one go, and that must be taken in `write_time`:
/// a reader that takes less than 6 KiB a second is too slow.
const PIECE: usize = 64 << 10;
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
    /// How long one piece may take.
    pub(super) write_time: Duration,
}

/// The way to one client.
pub(super) struct Outbox {
    socket: TcpStream,
    delivery: Rc<Delivery>,
    state: RefCell<State>,
    /// Bytes pushed and not yet written.
    unsent: Cell<usize>,
    /// Whether its client waits for news, rather than to ask again.
    waits: Cell<bool>,
    /// Whether the client's own task is to find the end, whatever it reads.
    woken: Cell<bool>,
    wake: Notify,
}

struct State {
    way: Way,
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
    pub(super) fn new(socket: TcpStream, delivery: Rc<Delivery>) -> Outbox {
        let state =
            State { way: Way::Straight, encoding: None, farewell: Vec::new() };
        Outbox {
            socket,
            delivery,
            state: RefCell::new(state),
            unsent: Cell::new(0),
            waits: Cell::new(false),
            woken: Cell::new(false),
            wake: Notify::new(),
        }
    }

    /// The socket, for its one reader.
    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
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
            self.shut(Shutdown::Write);
        }
        state.end();
    }

    /// Writes all of `bytes`, waiting for the client where it must: for its
    /// own task, with an answer to what it asked.
    ///
    /// # Errors
    /// The connection is broken, or a piece took too long.
    pub(super) async fn write(&self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(PIECE) {
            self.write_piece(piece).await?;
        }
        Ok(())
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
        self.state.borrow_mut().way = Way::Ended(VecDeque::new());
        self.shut(Shutdown::Both);
        self.wake();
    }

    fn put(self: &Rc<Outbox>, state: &mut State, bytes: Bytes) {
        match state.way {
            Way::Straight => match self.send(&bytes) {
                Ok(sent) if sent == bytes.len() => (),
                Ok(sent) => self.put_late(state, bytes.slice(sent..)),
                Err(_) => self.hang_up(state),
            },
            Way::Backlog(_) => self.queue(state, bytes),
            Way::Ended(_) => (),
        }
    }

    fn put_late(self: &Rc<Outbox>, state: &mut State, rest: Bytes) {
        state.way = Way::Backlog(VecDeque::new());
        self.queue(state, rest);
        let outbox = Rc::clone(self);
        self.delivery.crew.start(async move { outbox.drain().await });
    }

    fn queue(&self, state: &mut State, bytes: Bytes) {
        let Way::Backlog(backlog) = &mut state.way else { return };
        let length = bytes.len();
        if self.unsent.get() + length <= self.delivery.bound {
            self.unsent.set(self.unsent.get() + length);
            self.delivery.metrics.backlog.inc_by(length as i64);
            backlog.push_back(bytes);
            return;
        }
        self.delivery.metrics.cut.inc();
        let end = |encoding: Encoding| encoding.end(1013, TOO_SLOW);
        state.farewell = state.encoding.map(end).unwrap_or_default();
        state.end();
        self.wake();
    }

    fn hang_up(&self, state: &mut State) {
        state.way = Way::Ended(VecDeque::new());
        self.shut(Shutdown::Both);
    }

    /// The life of a writer: until the backlog is empty, or ends.
    async fn drain(&self) {
        while let Some(mut piece) = self.next_piece() {
            while piece.len() < PIECE
                && let Some(more) = self.state.borrow_mut().next()
            {
                piece.extend_from_slice(&more);
            }
            let written = self.write(&piece).await;
            self.settle(piece.len());
            if written.is_err() {
                self.abort();
                break;
            }
        }
        while let Some(left) = self.state.borrow_mut().next() {
            self.settle(left.len());
        }
        let farewell = {
            let mut state = self.state.borrow_mut();
            let Way::Ended(_) = state.way else { return };
            std::mem::take(&mut state.farewell)
        };
        // Whoever has left already is not told.
        let _ = self.write(&farewell).await;
        self.shut(Shutdown::Write);
    }

    /// What waits; `None` once nothing does, and the way is straight again or
    /// has ended.
    fn next_piece(&self) -> Option<Vec<u8>> {
        let mut state = self.state.borrow_mut();
        if let Some(bytes) = state.next() {
            return Some(bytes.into());
        }
        if let Way::Backlog(_) = state.way {
            state.way = Way::Straight;
        }
        None
    }

    /// Sends as much as the socket takes at once.
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.socket.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            result => result,
        }
    }

    async fn write_piece(&self, mut piece: &[u8]) -> io::Result<()> {
        // The deadline is for the whole piece: a reader that takes a byte
        // now and then does not win time by it.
        let deadline = Instant::now() + self.delivery.write_time;
        while !piece.is_empty() {
            match self.send(piece)? {
                0 => self.wait_for_room(deadline).await?,
                sent => piece = &piece[sent..],
            }
        }
        Ok(())
    }

    /// Waits until the socket takes bytes again.
    async fn wait_for_room(&self, deadline: Instant) -> io::Result<()> {
        match timeout_at(deadline, self.socket.writable()).await {
            Ok(result) => result,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// So many bytes wait no longer.
    fn settle(&self, length: usize) {
        self.unsent.set(self.unsent.get() - length);
        self.delivery.metrics.backlog.dec_by(length as i64);
    }

    /// It fails if the peer was quicker; the connection is just as closed.
    fn shut(&self, half: Shutdown) {
        let _ = SockRef::from(&self.socket).shutdown(half);
    }
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
