//! The model: shuttle's locks and threads behind the names of the real ones,
//! and sockets that take as much as they please.

use std::collections::VecDeque;
use std::net::TcpStream;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Instant;

use rustix::event::{PollFd, Timespec};
use rustix::io::{Errno, Result};
use rustix::net::SendFlags;
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync;
use shuttle::thread::yield_now;
pub(in crate::threads) use shuttle::thread::{Builder, JoinHandle};

/// A lock as parking_lot has it: it knows no poison.
#[derive(Default)]
pub(in crate::threads) struct Mutex<T>(sync::Mutex<T>);

/// What holds a lock; empty only while it waits.
pub(in crate::threads) struct Guard<'a, T>(Option<sync::MutexGuard<'a, T>>);

const HELD: &str = "a guard holds its lock";

impl<T> Mutex<T> {
    pub(in crate::threads) fn new(value: T) -> Mutex<T> {
        Mutex(sync::Mutex::new(value))
    }

    pub(in crate::threads) fn lock(&self) -> Guard<'_, T> {
        Guard(self.0.lock().ok())
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().expect(HELD)
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_deref_mut().expect(HELD)
    }
}

/// Something to wait for.
pub(in crate::threads) struct Condvar(sync::Condvar);

/// Whether a wait was too long. Here no time passes, so that a thread that
/// nobody wakes is a deadlock, and is found.
pub(in crate::threads) struct TimedOut;

impl TimedOut {
    pub(in crate::threads) fn timed_out(&self) -> bool {
        false
    }
}

impl Condvar {
    pub(in crate::threads) fn new() -> Condvar {
        Condvar(sync::Condvar::new())
    }

    pub(in crate::threads) fn wait<T>(&self, guard: &mut Guard<'_, T>) {
        let held = guard.0.take().expect(HELD);
        guard.0 = self.0.wait(held).ok();
    }

    pub(in crate::threads) fn wait_until<T>(
        &self,
        guard: &mut Guard<'_, T>,
        _deadline: Instant,
    ) -> TimedOut {
        self.wait(guard);
        TimedOut
    }

    pub(in crate::threads) fn notify_all(&self) {
        self.0.notify_all();
    }
}

struct Channel<T> {
    queue: Mutex<Queue<T>>,
    changed: Condvar,
    capacity: usize,
}

struct Queue<T> {
    waiting: VecDeque<T>,
    open: bool,
}

/// The end of a channel that is filled.
pub(in crate::threads) struct Sender<T>(Arc<Channel<T>>);

/// The end of a channel that is emptied.
pub(in crate::threads) struct Receiver<T>(Arc<Channel<T>>);

/// A channel with room for so many.
pub(in crate::threads) fn bounded<T>(
    capacity: usize,
) -> (Sender<T>, Receiver<T>) {
    let waiting = VecDeque::new();
    let queue = Mutex::new(Queue { waiting, open: true });
    let changed = Condvar::new();
    let channel = Arc::new(Channel { queue, changed, capacity });
    (Sender(Arc::clone(&channel)), Receiver(channel))
}

impl<T> Sender<T> {
    pub(in crate::threads) fn is_full(&self) -> bool {
        self.0.queue.lock().waiting.len() >= self.0.capacity
    }

    pub(in crate::threads) fn try_send(
        &self,
        value: T,
    ) -> std::result::Result<(), T> {
        if self.is_full() {
            return Err(value);
        }
        self.0.queue.lock().waiting.push_back(value);
        self.0.changed.notify_all();
        Ok(())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.queue.lock().open = false;
        self.0.changed.notify_all();
    }
}

impl<T> Receiver<T> {
    pub(in crate::threads) fn recv(&self) -> std::result::Result<T, ()> {
        let mut queue = self.0.queue.lock();
        while queue.waiting.is_empty() && queue.open {
            self.0.changed.wait(&mut queue);
        }
        queue.waiting.pop_front().ok_or(())
    }

    pub(in crate::threads) fn try_recv(&self) -> std::result::Result<T, ()> {
        self.0.queue.lock().waiting.pop_front().ok_or(())
    }

    pub(in crate::threads) fn try_iter(&self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| self.try_recv().ok())
    }
}

/// send(2) on a socket that takes all, some, or none.
pub(in crate::threads) fn send(
    socket: &Arc<TcpStream>,
    bytes: &[u8],
    flags: SendFlags,
) -> Result<usize> {
    yield_now();
    match thread_rng().gen_range(0..=bytes.len()) {
        0 if !bytes.is_empty() => Err(Errno::AGAIN),
        some => rustix::net::send(socket, &bytes[..some], flags),
    }
}

/// poll(2) that lets the others go on, and finds room.
pub(in crate::threads) fn poll(
    sockets: &mut [PollFd<'_>],
    _timeout: Option<&Timespec>,
) -> Result<usize> {
    yield_now();
    Ok(sockets.len())
}
