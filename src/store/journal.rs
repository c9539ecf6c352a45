//! The journal: one thread that makes messages safe, a batch at a time.
//!
//! An fsync costs the same for one message as for a thousand. So the thread
//! takes everything that has queued up while the disk was busy with the batch
//! before, and pays once for all of it: load makes batches bigger instead of
//! queues longer.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::{Mutex, RwLock};

use super::{Ledger, Outcome, Post, Settled, Store, Trouble};

/// Posts that may wait for the disk, and the most that one batch takes. At
/// 4 KiB a text this is 16 MiB at worst; a poster past it is told to come back.
const QUEUE: usize = 4096;

/// The way to the journal's thread. Dropped without [`close`](Journal::close)
/// it still finishes what is queued, but nobody waits for that.
#[derive(Debug)]
pub struct Journal<T> {
    /// `None` once closed.
    queue: RwLock<Option<Sender<Post<T>>>>,
    /// `None` once joined.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl<T: Send + 'static> Journal<T> {
    /// Starts the journal's thread over a store.
    ///
    /// `deliver` is called on that thread with each batch, once it is safe,
    /// in the order of its numbers, and with how long the disk took. The next
    /// batch waits until it returns. `fatal` is called at most once, when
    /// nobody can tell any more what is on the disk; the batch in question is
    /// not delivered, and no other post is taken.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn start(
        store: Store,
        deliver: impl FnMut(Vec<Settled<T>>, Duration) + Send + 'static,
        fatal: impl FnOnce(String) + Send + 'static,
    ) -> io::Result<Journal<T>> {
        Journal::over(store.into_ledger(), deliver, fatal)
    }

    pub(super) fn over(
        ledger: Box<dyn Ledger>,
        deliver: impl FnMut(Vec<Settled<T>>, Duration) + Send + 'static,
        fatal: impl FnOnce(String) + Send + 'static,
    ) -> io::Result<Journal<T>> {
        let (queue, posts) = bounded(QUEUE);
        let thread = thread::Builder::new()
            .name("journal".into())
            .spawn(move || keep(ledger, posts, deliver, fatal))?;
        Ok(Journal {
            queue: RwLock::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Queues a post, without ever waiting. Its outcome is delivered later.
    ///
    /// # Errors
    /// The post itself, if the queue is full or the journal has closed.
    pub fn post(&self, post: Post<T>) -> Result<(), Post<T>> {
        match &*self.queue.read() {
            Some(queue) => queue.try_send(post).map_err(|e| e.into_inner()),
            None => Err(post),
        }
    }

    /// Takes no more posts, and returns once everything queued has been
    /// delivered and the file is tidy. Not to be called from `deliver`.
    pub fn close(&self) {
        drop(self.queue.write().take());
        let thread = self.thread.lock().take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the journal's thread panicked");
        }
    }
}

/// The life of the journal's thread.
fn keep<T>(
    mut ledger: Box<dyn Ledger>,
    posts: Receiver<Post<T>>,
    mut deliver: impl FnMut(Vec<Settled<T>>, Duration),
    fatal: impl FnOnce(String),
) {
    while let Ok(first) = posts.recv() {
        let queued = posts.try_iter().take(QUEUE - 1);
        let (batch, tickets): (Vec<_>, Vec<_>) =
            std::iter::once(first).chain(queued).map(Post::split).unzip();
        let begun = Instant::now();
        let outcomes = match ledger.record(&batch) {
            Ok(outcomes) => outcomes,
            Err(Trouble::Passing(reason)) => {
                tracing::error!("{} posts not kept: {reason}", batch.len());
                vec![Outcome::Failed(reason); batch.len()]
            }
            Err(Trouble::Fatal(reason)) => {
                drop(posts);
                return fatal(reason);
            }
        };
        deliver(settle(batch, outcomes, tickets), begun.elapsed());
    }
    ledger.close();
}

fn settle<T>(
    batch: Vec<Post<()>>,
    outcomes: Vec<Outcome>,
    tickets: Vec<T>,
) -> Vec<Settled<T>> {
    let rooms = batch.into_iter().map(|post| post.room);
    rooms
        .zip(outcomes)
        .zip(tickets)
        .map(|((room, outcome), ticket)| Settled { room, outcome, ticket })
        .collect()
}

impl<T> Post<T> {
    /// The post for the disk, and the ticket that stays behind.
    fn split(self) -> (Post<()>, T) {
        let Post { room, draft, at, ticket } = self;
        (Post { room, draft, at, ticket: () }, ticket)
    }
}
