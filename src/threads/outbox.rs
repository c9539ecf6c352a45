//! Bytes on their way to one reader, and what happens when it is slow.
//!
//! Anyone may push. While nothing waits, the bytes go straight to the socket
//! in a call that never blocks. What does not fit goes to a backlog, and a
//! writer thread is started for this one slow reader; it waits until the
//! reader takes more, and ends when the backlog is empty. Past its bound the
//! reader is cut. Twin: `event_loop/outbox.rs`.

use std::io;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use bytes::Bytes;

use super::crew::Crew;
use super::line::{Line, PIECE};
use super::system::{Condvar, Mutex, Receiver, Sender, bounded};
use crate::config::Fanout;
use crate::metrics::Metrics;
use crate::wire::stream::Encoding;

/// Pushes that may wait for one reader, however small they are; the bound on
/// their bytes is usually met first.
const BACKLOG: usize = 4096;
/// The same for a mailbox, which each reader has from the start: as in the
/// textbook, it is paid for whether it is used or not.
const MAILBOX: usize = 1024;
/// What a reader that is cut is told, if it can be told anything.
const TOO_SLOW: &str = "too slow: come back and resume from your cursor";

/// What all outboxes share.
pub(super) struct Delivery {
    /// Where writers come from.
    pub(super) crew: Arc<Crew>,
    /// What is counted.
    pub(super) metrics: Arc<Metrics>,
    /// Unsent bytes kept for one reader.
    pub(super) bound: usize,
    /// How readers are written to.
    pub(super) fanout: Fanout,
}

/// The way to one client.
pub(super) struct Outbox {
    line: Line,
    delivery: Arc<Delivery>,
    state: Mutex<State>,
    /// Told when nothing is left unsent.
    sent: Condvar,
    /// Whether its client waits for news, rather than to ask again.
    waits: AtomicBool,
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
    /// A writer is at it; what is pushed waits in its channel.
    Backlog(Sender<Bytes>),
    /// Nothing more is taken.
    Ended,
}

impl Outbox {
    /// The outbox of a new connection.
    pub(super) fn new(line: Line, delivery: Arc<Delivery>) -> Outbox {
        let state = State {
            way: Way::Straight,
            unsent: 0,
            encoding: None,
            farewell: Vec::new(),
        };
        Outbox {
            line,
            delivery,
            state: Mutex::new(state),
            sent: Condvar::new(),
            waits: AtomicBool::new(false),
        }
    }

    /// The line, for its one reader.
    pub(super) fn line(&self) -> &Line {
        &self.line
    }

    /// From here on this is a reader's, in `encoding`. The textbook's readers
    /// get their channel and their writer here.
    ///
    /// # Errors
    /// There is no thread left for a writer.
    pub(super) fn subscribe(
        self: &Arc<Outbox>,
        encoding: Encoding,
    ) -> io::Result<()> {
        let mut state = self.state.lock();
        state.encoding = Some(encoding);
        if self.delivery.fanout == Fanout::Mailbox {
            self.start_writer(&mut state, MAILBOX)?;
        }
        Ok(())
    }

    /// Sends bytes, or has them sent, and never waits. They are dropped if
    /// the way has ended; the client's own thread finds out by itself.
    pub(super) fn push(self: &Arc<Outbox>, bytes: Bytes) {
        self.put(&mut self.state.lock(), bytes);
    }

    /// Pushes the last bytes there will be, then closes the sending half.
    pub(super) fn finish(self: &Arc<Outbox>, farewell: Bytes) {
        let mut state = self.state.lock();
        self.put(&mut state, farewell);
        if let Way::Straight = state.way {
            self.line.close();
        }
        // A writer that is at it notices that its channel has lost its other
        // end, and closes when it is through.
        state.way = Way::Ended;
    }

    /// Writes all of `bytes`, waiting for the client where it must: for its
    /// own thread, with an answer to what it asked.
    ///
    /// # Errors
    /// The connection is broken, or a piece took too long.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        // A poll that was held may have been answered with more than went out
        // at once: its writer comes first.
        let mut state = self.state.lock();
        while state.unsent > 0 {
            self.sent.wait(&mut state);
        }
        if let Way::Ended = state.way {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        drop(state);
        self.line.write(bytes)
    }

    /// Wakes the client's own thread out of its `read`, which finds the end.
    pub(super) fn wake(&self) {
        self.line.shut(Shutdown::Read);
    }

    /// The same, if its client waits for news: one that is between two
    /// requests may still ask.
    pub(super) fn wake_reader(&self) {
        if self.waits.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    /// Says whether its client waits for news.
    pub(super) fn set_waiting(&self, waits: Waits) {
        self.waits.store(waits == Waits::ForNews, Ordering::Relaxed);
    }

    /// Breaks the connection off.
    pub(super) fn abort(&self) {
        self.state.lock().way = Way::Ended;
        self.line.shut(Shutdown::Both);
    }

    fn put(self: &Arc<Outbox>, state: &mut State, bytes: Bytes) {
        match &state.way {
            Way::Straight => self.put_straight(state, bytes),
            // What does not fit is not sealed either: a record that is left
            // out makes all that follow it unreadable.
            Way::Backlog(backlog)
                if !backlog.is_full() && self.fits(state, bytes.len()) =>
            {
                let sealed = self.line.seal(bytes);
                self.queue(state, sealed);
            }
            Way::Backlog(_) => self.cut(state),
            Way::Ended => (),
        }
    }

    fn put_straight(self: &Arc<Outbox>, state: &mut State, bytes: Bytes) {
        let sealed = self.line.seal(bytes);
        match self.line.send(&sealed) {
            Ok(sent) if sent == sealed.len() => (),
            Ok(sent) => self.put_late(state, sealed.slice(sent..)),
            Err(_) => self.hang_up(state),
        }
    }

    fn put_late(self: &Arc<Outbox>, state: &mut State, rest: Bytes) {
        if rest.len() > self.delivery.bound {
            // Its beginning is out: nothing can be said behind that.
            self.delivery.metrics.cut.inc();
            return self.hang_up(state);
        }
        match self.start_writer(state, BACKLOG) {
            Ok(()) => self.queue(state, rest),
            // No thread is left to wait for this reader: it is cut, and comes
            // back when it can.
            Err(_) => self.hang_up(state),
        }
    }

    fn fits(&self, state: &State, length: usize) -> bool {
        state.unsent + length <= self.delivery.bound
    }

    fn queue(&self, state: &mut State, sealed: Bytes) {
        let Way::Backlog(backlog) = &state.way else { return };
        let length = sealed.len();
        state.unsent += length;
        self.delivery.metrics.backlog.inc_by(length as i64);
        // There is room: only who holds the state's lock fills it.
        let _ = backlog.try_send(sealed);
    }

    /// Takes nothing more for a reader that is too slow, and has it told.
    fn cut(&self, state: &mut State) {
        self.delivery.metrics.cut.inc();
        let end = |encoding: Encoding| encoding.end(1013, TOO_SLOW);
        state.farewell = state.encoding.map(end).unwrap_or_default();
        state.way = Way::Ended;
        self.wake();
    }

    fn hang_up(&self, state: &mut State) {
        state.way = Way::Ended;
        self.line.shut(Shutdown::Both);
    }

    fn start_writer(
        self: &Arc<Outbox>,
        state: &mut State,
        capacity: usize,
    ) -> io::Result<()> {
        let (sender, backlog) = bounded(capacity);
        let outbox = Arc::clone(self);
        self.delivery
            .crew
            .start("writer".into(), move || outbox.drain(&backlog))?;
        state.way = Way::Backlog(sender);
        Ok(())
    }

    /// The life of a writer: until the backlog is empty, or ends.
    fn drain(&self, backlog: &Receiver<Bytes>) {
        loop {
            match self.next(backlog) {
                Next::Piece(piece) => {
                    if self.write_with_more(piece.into(), backlog).is_err() {
                        self.abort();
                        let left = backlog.try_iter().map(|b| b.len());
                        return self.settle(left.sum());
                    }
                }
                Next::Nothing => return,
                Next::Farewell(farewell) => {
                    // Whoever has left already is not told.
                    let _ = self.line.write(&farewell);
                    return self.line.close();
                }
            }
        }
    }

    /// What a writer does next. From the moment that it is nothing, it has no
    /// say: another may have been started.
    fn next(&self, backlog: &Receiver<Bytes>) -> Next {
        if self.delivery.fanout == Fanout::Mailbox
            && let Ok(bytes) = backlog.recv()
        {
            return Next::Piece(bytes);
        }
        // Everyone who pushes holds this lock: what is not here by now will
        // find the way straight.
        let mut state = self.state.lock();
        if let Ok(bytes) = backlog.try_recv() {
            return Next::Piece(bytes);
        }
        if let Way::Ended = state.way {
            return Next::Farewell(std::mem::take(&mut state.farewell));
        }
        state.way = Way::Straight;
        Next::Nothing
    }

    /// Small pieces leave together.
    fn write_with_more(
        &self,
        mut piece: Vec<u8>,
        backlog: &Receiver<Bytes>,
    ) -> io::Result<()> {
        while piece.len() < PIECE
            && let Ok(more) = backlog.try_recv()
        {
            piece.extend_from_slice(&more);
        }
        let written = self.line.write_sealed(&piece);
        self.settle(piece.len());
        written
    }

    /// So many bytes wait no longer.
    fn settle(&self, length: usize) {
        self.delivery.metrics.backlog.dec_by(length as i64);
        let mut state = self.state.lock();
        state.unsent -= length;
        if state.unsent == 0 {
            self.sent.notify_all();
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
