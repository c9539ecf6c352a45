//! The tasks that serve clients: each counted, and waited for. Twin:
//! `threads/crew.rs`.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::Notify;
use tokio::task;
use tokio::time::timeout;

/// The tasks that are at work for clients.
pub(super) struct Crew {
    working: Cell<usize>,
    /// Told when the last one has left.
    gone: Notify,
    gauge: Gauge,
}

impl Crew {
    /// Nobody yet.
    // Twin: there is no most, because a task is a few hundred bytes of memory
    // and not something the system counts and runs out of.
    pub(super) fn new(gauge: Gauge) -> Crew {
        Crew { working: Cell::new(0), gone: Notify::new(), gauge }
    }

    /// Starts a task.
    // Twin: starting a task cannot fail, and nothing of it runs before the
    // one who starts it waits for something.
    pub(super) fn start(
        self: &Rc<Crew>,
        work: impl Future<Output = ()> + 'static,
    ) {
        self.working.set(self.working.get() + 1);
        self.gauge.inc();
        let leave = Leave { crew: Rc::clone(self) };
        // (In a box: a future that is moved into another has its room there
        // twice, once to come in and once to run.)
        let work = Box::pin(work);
        task::spawn_local(async move {
            let _leave = leave;
            work.await;
        });
    }

    /// Waits until everyone has left, at most for `time`.
    pub(super) async fn wait(&self, time: Duration) -> Waited {
        let all = async {
            while self.working.get() > 0 {
                self.gone.notified().await;
            }
        };
        match timeout(time, all).await {
            Ok(()) => Waited::Gone,
            Err(_) => Waited::Late(self.working.get()),
        }
    }
}

/// How waiting for the crew ended.
pub(super) enum Waited {
    /// Everyone has left.
    Gone,
    /// So many are still there.
    Late(usize),
}

/// Leaves the crew, also when a task panics.
struct Leave {
    crew: Rc<Crew>,
}

impl Drop for Leave {
    fn drop(&mut self) {
        let left = self.crew.working.get() - 1;
        self.crew.working.set(left);
        self.crew.gauge.dec();
        if left == 0 {
            self.crew.gone.notify_one();
        }
    }
}
