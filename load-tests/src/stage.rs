//! What every experiment stands on: a server, a generator, and the numbers to
//! run with.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::generator::command::{Load, Loaded, Open, Transport};
use crate::generator::driver::Generator;
use crate::plan::Experiment;
use crate::proc::{self, Effort, Memory, Spent};
use crate::schema::Run;
use crate::server::{Recipe, Server};
use crate::sizes::Sizes;

/// A run in which the generator was late by more than this part of the
/// reported p99 has measured the generator.
const TOLERATED_LAG: f64 = 0.1;

/// Length of each text, bytes: a short chat line. A message is about 100
/// bytes more.
pub const TEXT_BYTES: usize = 32;

/// How long memory may take to settle.
const SETTLE: Duration = Duration::from_millis(1500);

/// One server and all that is needed to measure it.
#[derive(Debug)]
pub struct Stage<'a> {
    /// The server.
    pub server: Server,
    /// How to start it again; `None` if we did not start it.
    pub recipe: Option<Recipe>,
    /// Its column.
    pub contender: String,
    /// The numbers to run with.
    pub sizes: &'a Sizes,
    /// The generator's processor.
    pub generator_cpu: Option<usize>,
    /// Which processor each has, in words.
    pub pinning: String,
    /// Which repetition this is.
    pub repetition: usize,
}

impl Stage<'_> {
    /// A new generator for the server.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn generator(&self) -> io::Result<Generator> {
        Generator::start(self.server.address, self.generator_cpu)
    }

    /// An empty run of this stage.
    pub fn run(&self, experiment: Experiment, case: &str) -> Run {
        let mut run = Run::new(experiment.name(), case);
        run.contender.clone_from(&self.contender);
        run.repetition = self.repetition;
        run.pinning.clone_from(&self.pinning);
        if let Some(recipe) = &self.recipe {
            run.command.clone_from(&recipe.command);
        }
        run
    }

    /// What the server itself said of how many it will take.
    pub fn own_cap(&self) -> Option<String> {
        let said = self.server.said.iter();
        let cap = said.filter_map(|line| line.split_once("connections "));
        cap.map(|(_, cap)| format!("At its start it said: {cap}.")).next()
    }

    /// The server's memory now, if its process is known.
    pub fn memory(&self) -> Option<Memory> {
        proc::memory(self.server.pid?)
    }

    /// The server's counters now, if its process is known.
    pub fn effort(&self) -> Option<Effort> {
        proc::effort(self.server.pid?)
    }

    /// What the server has spent since `before`.
    pub fn spent(&self, before: Option<&Effort>) -> Option<Spent> {
        Some(self.effort()?.since(before?))
    }

    /// The server's memory once it has stopped changing: allocators and the
    /// kernel finish their work a moment after the last answer.
    pub fn settled_memory(&self) -> Option<Memory> {
        let deadline = Instant::now() + SETTLE;
        let mut before = self.memory()?;
        loop {
            thread::sleep(Duration::from_millis(150));
            let now = self.memory()?;
            let change = (now.total() - before.total()).abs();
            if change < 0.001 * now.total() || Instant::now() > deadline {
                return Some(now);
            }
            before = now;
        }
    }

    /// Waits until the server has closed all but `sockets` of its sockets, or
    /// for 10 s.
    pub fn wait_for_sockets(&self, sockets: f64) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            match self.memory() {
                Some(memory) if memory.sockets > sockets => {}
                _ => return,
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// `readers` over WebSocket in `room`, as group `group`.
pub fn readers(group: &str, room: &str, readers: usize) -> Open {
    Open {
        group: group.to_owned(),
        transport: Transport::WebSocket,
        room: room.to_owned(),
        readers,
        per_connection: 1,
        poll_every_ms: 1000,
        retry: None,
        receive_buffer: None,
        deadline_s: 10.0 + readers as f64 / 500.0,
    }
}

/// `rate` messages a second for `seconds` to the group `group` in `room`.
pub fn messages(group: &str, room: &str, rate: f64, seconds: f64) -> Load {
    Load {
        groups: vec![group.to_owned()],
        untimed: Vec::new(),
        room: room.to_owned(),
        rate,
        seconds,
        warmup_s: 0.0,
        posters: 1,
        over_http: false,
        text_bytes: TEXT_BYTES,
        drain_s: 5.0,
    }
}

/// Writes down what a load found: latencies, errors, and whether to believe
/// them.
pub fn note_load(run: &mut Run, loaded: &Loaded) {
    run.latencies("delivery", "", &loaded.delivery);
    run.latencies("last_reader", "last_", &loaded.last_reader);
    run.latencies("ack", "ack_", &loaded.ack);
    run.latencies("lag", "lag_", &loaded.lag);
    run.latencies("read_lag", "read_lag_", &loaded.read_lag);
    run.measure("p95_ms", loaded.delivery.percentile_ms(95.0));
    run.measure("posted", loaded.posted as f64);
    run.measure("expected", (loaded.posted * loaded.readers) as f64);
    run.measure("delivered", loaded.delivered as f64);
    if loaded.seconds > 0.0 {
        let rate = loaded.delivered as f64 / loaded.seconds;
        run.measure("deliveries_per_s", rate);
    }
    for (kind, count) in &loaded.errors {
        run.error(kind, *count);
    }
    run.invalid = why_invalid(loaded);
}

/// Why the latencies of a load must not be reported, if so.
fn why_invalid(loaded: &Loaded) -> Option<String> {
    if loaded.delivered == 0 {
        return Some("nothing was delivered".to_owned());
    }
    let mut lag = loaded.lag.percentile_ms(99.0);
    if !loaded.kernel_timestamps {
        lag += loaded.read_lag.percentile_ms(99.0);
    }
    let p99 = loaded.delivery.percentile_ms(99.0);
    (lag > TOLERATED_LAG * p99).then(|| {
        format!(
            "the generator itself was {lag:.2} ms late at p99, more than \
             10 % of the p99 of {p99:.2} ms"
        )
    })
}

/// Writes down what the server spent on `deliveries` deliveries.
pub fn note_spent(run: &mut Run, spent: Option<Spent>, deliveries: u64) {
    let Some(spent) = spent else { return };
    let switches = (spent.voluntary + spent.involuntary) as f64;
    let each = |value: f64| value / deliveries.max(1) as f64;
    run.measure("cpu_ms", spent.cpu_ms);
    run.measure("cpu_us_per_delivery", each(spent.cpu_ms * 1000.0));
    run.measure("switches_per_delivery", each(switches));
    run.measure("voluntary_per_delivery", each(spent.voluntary as f64));
    run.measure("involuntary_per_delivery", each(spent.involuntary as f64));
    run.measure("cpu_percent", spent.cpu_ms / 10.0 / spent.seconds);
    if spent.ended_threads > 0 {
        run.notes.push(format!(
            "{} threads ended while it ran; their switches are not counted",
            spent.ended_threads
        ));
    }
}
