//! What is counted while the server runs, for the operator and for
//! `/api/server`.
//!
//! Floor 2: plain atomics, shared by both twins; `admin` shows them.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// What an open connection is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Transport {
    /// Requests and answers.
    Http,
    /// A held long poll.
    LongPoll,
    /// Server-sent events.
    Events,
    /// JSON lines.
    Stream,
    /// A WebSocket to a room.
    Socket,
    /// A WebSocket that sends everything back.
    Echo,
}

/// The label of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ByTransport {
    /// What it is used for.
    pub transport: Transport,
}

/// The label of a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ByCode {
    /// The error's name in the protocol.
    pub code: String,
}

/// All that is counted.
#[derive(Debug)]
pub struct Metrics {
    /// Open connections, by what they are used for.
    pub connections: Family<ByTransport, Gauge>,
    /// Threads of this process that are ours.
    pub threads: Gauge,
    /// Messages taken in, each once.
    pub messages: Counter,
    /// Messages given out, once for each reader.
    pub deliveries: Counter,
    /// Pieces of news in one broadcast.
    pub batch: Histogram,
    /// How long one broadcast took, to all readers.
    pub broadcast: Histogram,
    /// How long one transaction of the journal took, its fsync included.
    pub commit: Histogram,
    /// Readers cut because they were too slow.
    pub cut: Counter,
    /// Requests and posts refused, by the error's name.
    pub refusals: Family<ByCode, Counter>,
    /// Bytes waiting for slow readers.
    pub backlog: Gauge,
    /// Whether the server is shutting down.
    pub stopping: AtomicBool,
}

impl Metrics {
    /// Everything at zero.
    pub fn new() -> Metrics {
        // 10 µs to 10 s, in half decades.
        let times = || Histogram::new(exponential_buckets(1e-5, 3.162, 13));
        Metrics {
            connections: Family::default(),
            threads: Gauge::default(),
            messages: Counter::default(),
            deliveries: Counter::default(),
            batch: Histogram::new(exponential_buckets(1.0, 2.0, 12)),
            broadcast: times(),
            commit: times(),
            cut: Counter::default(),
            refusals: Family::default(),
            backlog: Gauge::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// Counts a refusal.
    pub fn refuse(&self, code: &str) {
        let label = ByCode { code: code.to_owned() };
        self.refusals.get_or_create(&label).inc();
    }

    /// The gauge of connections used for `transport`.
    pub fn open(&self, transport: Transport) -> Gauge {
        self.connections.get_or_create(&ByTransport { transport }).clone()
    }

    /// Counts one broadcast.
    pub fn broadcast(&self, news: usize, deliveries: usize, took: Duration) {
        self.batch.observe(news as f64);
        self.broadcast.observe(took.as_secs_f64());
        self.deliveries.inc_by(deliveries as u64);
    }

    /// All of it under the names the operator sees.
    pub fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix("twinchat");
        let mut add = |name: &str, help: &str, metric: Shown| match metric {
            Shown::Counter(c) => registry.register(name, help, c),
            Shown::Gauge(g) => registry.register(name, help, g),
            Shown::Histogram(h) => registry.register(name, help, h),
            Shown::Seconds(h) => {
                registry.register_with_unit(name, help, Unit::Seconds, h);
            }
        };
        use Shown::{Counter as C, Gauge as G, Histogram as H, Seconds as S};
        add("threads", "Threads of the server", G(self.threads.clone()));
        add("messages", "Messages taken in", C(self.messages.clone()));
        add("deliveries", "Messages given out", C(self.deliveries.clone()));
        add("broadcast_batch", "News in one broadcast", H(self.batch.clone()));
        add("broadcast", "One broadcast", S(self.broadcast.clone()));
        add("commit", "One commit and its fsync", S(self.commit.clone()));
        add("slow_readers_cut", "Readers cut", C(self.cut.clone()));
        add("backlog_bytes", "Bytes for slow readers", G(self.backlog.clone()));
        registry.register(
            "connections",
            "Open connections",
            self.connections.clone(),
        );
        registry.register(
            "refusals",
            "What was refused",
            self.refusals.clone(),
        );
        registry
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

/// A metric, and how it is shown.
enum Shown {
    Counter(Counter),
    Gauge(Gauge),
    Histogram(Histogram),
    Seconds(Histogram),
}
