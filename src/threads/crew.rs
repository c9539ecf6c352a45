//! The threads that serve clients: each named, counted, and joined. Twin:
//! `event_loop/crew.rs`.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus_client::metrics::gauge::Gauge;

use super::system::{Builder, Condvar, JoinHandle, Mutex};

/// The stack of a client's thread. It is reserved, not used: the kernel gives
/// memory to the pages that are touched (a test goes down the deepest path).
const STACK: usize = 128 << 10;

/// The threads that are at work for clients.
pub(super) struct Crew {
    members: Mutex<Members>,
    /// Told when the last one has left.
    gone: Condvar,
    /// The most there may be at once.
    most: usize,
    gauge: Gauge,
}

#[derive(Default)]
struct Members {
    next: u64,
    working: HashMap<u64, JoinHandle<()>>,
    /// Threads that are through, to be joined by whoever comes next.
    finished: Vec<JoinHandle<()>>,
}

impl Crew {
    /// Nobody yet, and never more than `most`.
    pub(super) fn new(most: usize, gauge: Gauge) -> Crew {
        let members = Mutex::default();
        Crew { members, gone: Condvar::new(), most, gauge }
    }

    /// Starts a thread.
    ///
    /// # Errors
    /// There are as many as there may be, or the system has none left. Past
    /// the limit on memory maps a new thread would abort the process, so
    /// asking the system is not enough.
    pub(super) fn start(
        self: &Arc<Crew>,
        name: String,
        work: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        // A thread that ends at once waits for this lock before it looks for
        // its own handle.
        let mut members = self.members.lock();
        for finished in members.finished.drain(..) {
            join(finished);
        }
        if members.working.len() >= self.most {
            return Err(io::Error::other("every thread is taken"));
        }
        let number = members.next;
        members.next += 1;
        let crew = Arc::clone(self);
        let builder = Builder::new().name(name).stack_size(STACK);
        let handle = builder.spawn(move || {
            let _leave = Leave { crew, number };
            work();
        })?;
        members.working.insert(number, handle);
        self.gauge.inc();
        Ok(())
    }

    /// Waits until everyone has left, at most for `time`.
    pub(super) fn wait(&self, time: Duration) -> Waited {
        let deadline = Instant::now() + time;
        let mut members = self.members.lock();
        while !members.working.is_empty() {
            if self.gone.wait_until(&mut members, deadline).timed_out() {
                return Waited::Late(members.working.len());
            }
        }
        members.finished.drain(..).for_each(join);
        Waited::Gone
    }
}

/// How waiting for the crew ended.
pub(super) enum Waited {
    /// Everyone has left, and is joined.
    Gone,
    /// So many are still there.
    Late(usize),
}

/// Leaves the crew, also when a thread panics.
struct Leave {
    crew: Arc<Crew>,
    number: u64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        let mut members = self.crew.members.lock();
        let own = members.working.remove(&self.number);
        members.finished.extend(own);
        self.crew.gauge.dec();
        if members.working.is_empty() {
            self.crew.gone.notify_all();
        }
    }
}

/// A thread that panicked has said so on standard error, and its client's
/// connection is closed; there is nothing to do but go on.
fn join(handle: JoinHandle<()>) {
    let _ = handle.join();
}
