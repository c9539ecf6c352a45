//! What must hold in whatever order the threads run, on the code itself: the
//! outbox, the crew and the rooms run in shuttle's model of a system, which
//! tries orders by the thousand, and finds every deadlock on its way.
//!
//! `TWINCHAT_ORDERS` says how many orders each proof tries.

use std::io::Read;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use shuttle::thread::{JoinHandle, spawn};

use super::crew::{Crew, Waited};
use super::line::Line;
use super::outbox::{Delivery, Outbox};
use crate::config::Fanout;
use crate::metrics::Metrics;
use crate::wire::http::Version;
use crate::wire::stream::{Encoding, Format};

pub(super) mod model;
mod outbox;
mod rooms;

/// Tries a scenario in many orders.
fn in_every_order(scenario: fn()) {
    let orders = std::env::var("TWINCHAT_ORDERS").ok();
    let orders = orders.and_then(|n| n.parse().ok()).unwrap_or(1000);
    shuttle::check_random(scenario, orders);
}

/// Outboxes, and the threads that serve them.
struct World {
    crew: Arc<Crew>,
    delivery: Arc<Delivery>,
}

impl World {
    fn new(fanout: Fanout, bound: usize) -> World {
        let metrics = Arc::new(Metrics::new());
        let crew = Arc::new(Crew::new(100, metrics.threads.clone()));
        let delivery =
            Delivery { crew: Arc::clone(&crew), metrics, bound, fanout };
        World { crew, delivery: Arc::new(delivery) }
    }

    /// An outbox, and what its client sees.
    fn outbox(&self) -> (Arc<Outbox>, Client) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let socket = Arc::new(TcpStream::from(OwnedFd::from(ours)));
        let line = Line::new(socket, None, Duration::from_secs(60));
        let outbox = Outbox::new(line, Arc::clone(&self.delivery));
        (Arc::new(outbox), Client(theirs))
    }

    /// Waits until every writer has ended; nothing is left waiting.
    fn ends(&self) {
        assert!(matches!(self.crew.wait(Duration::MAX / 4), Waited::Gone));
        assert_eq!(self.delivery.metrics.backlog.get(), 0);
    }
}

/// The other end of a line.
struct Client(UnixStream);

impl Client {
    /// All that came until the end, which has to be there.
    fn everything(mut self) -> String {
        self.0.set_nonblocking(true).unwrap();
        let mut all = Vec::new();
        self.0.read_to_end(&mut all).expect("it has ended");
        String::from_utf8_lossy(&all).into_owned()
    }
}

/// JSON lines, as they are.
fn lines() -> Encoding {
    Encoding::over_http(Format::Lines, Version::Http10)
}
