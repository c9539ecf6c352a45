//! What to run, in which order, and how long it will take. Pure: nothing here
//! looks at a machine or starts anything.
//!
//! Repetitions are interleaved A B B A: whatever drifts while they run (the
//! machine's temperature, a neighbour's work) falls on all servers alike.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::generator::retry::Policy;
use crate::sizes::{Size, Sizes};

/// Every experiment there is, in the order of the report.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Experiment {
    /// Memory and processor time of readers who only read.
    Idle,
    /// Latency at fixed rates, and that every reader sees the same.
    Fanout,
    /// How many readers until something gives.
    Ladder,
    /// The same chat over every transport.
    Transports,
    /// What one long computation does to everyone else.
    Block,
    /// Whether computations run beside each other.
    Parallel,
    /// What a server does without descriptors.
    Limits,
    /// What readers who stop reading do to the others.
    SlowReader,
    /// What is left after clients have come and gone.
    Churn,
    /// How clients come back after a crash.
    Backoff,
}

impl Experiment {
    /// Its name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Experiment::Idle => "idle",
            Experiment::Fanout => "fanout",
            Experiment::Ladder => "ladder",
            Experiment::Transports => "transports",
            Experiment::Block => "block",
            Experiment::Parallel => "parallel",
            Experiment::Limits => "limits",
            Experiment::SlowReader => "slow-reader",
            Experiment::Churn => "churn",
            Experiment::Backoff => "backoff",
        }
    }

    /// The experiment of this name.
    pub fn named(name: &str) -> Option<Experiment> {
        Experiment::from_str(name, false).ok()
    }

    /// What is run when nothing was named: a smoke test shows that servers
    /// start, clients connect and reports are written, in seconds.
    pub fn usual(size: Size) -> &'static [Experiment] {
        match size {
            Size::Smoke => &[Experiment::Idle, Experiment::Fanout],
            Size::Quick | Size::Full => Experiment::value_variants(),
        }
    }

    /// Whether a server that only has rooms and WebSockets can do it.
    pub fn suits_peers(self) -> bool {
        use Experiment::*;
        matches!(self, Idle | Fanout | Ladder | Churn)
    }

    /// Whether the mailbox fan-out differs from the direct one in it.
    pub fn concerns_fanout(self) -> bool {
        use Experiment::*;
        matches!(self, Idle | Fanout | Ladder)
    }
}

/// One step of a comparison: one experiment with one server.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What to run.
    pub experiment: Experiment,
    /// The server's column.
    pub contender: String,
    /// Which repetition, from 0.
    pub repetition: usize,
    /// Whether server and generator each stay on a processor of their own.
    pub is_pinned: bool,
    /// How long it takes, about, s.
    pub seconds: f64,
}

/// A server in the comparison, as far as planning goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrant {
    /// Its column's name.
    pub name: String,
    /// Which kind of server it is.
    pub kind: Kind,
}

/// Kinds of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of the twins.
    Twin,
    /// A twin with the textbook's fan-out.
    Mailbox,
    /// Somebody else's server.
    Peer,
}

/// All steps, in the order they are to be run.
pub fn plan(
    experiments: &[Experiment],
    entrants: &[Entrant],
    sizes: &Sizes,
) -> Vec<Step> {
    let mut steps = Vec::new();
    for experiment in experiments {
        let repetitions = match experiment {
            Experiment::Fanout => sizes.fanout_repetitions,
            // A policy is the clients' affair; once is enough.
            Experiment::Backoff => 1,
            _ => sizes.repetitions,
        };
        let mut unpinned = 0;
        if *experiment == Experiment::Fanout && sizes.is_unpinned_too {
            unpinned = 2;
        }
        for round in 0..repetitions + unpinned {
            let is_pinned = round < repetitions;
            let repetition =
                if is_pinned { round } else { round - repetitions };
            let mut names: Vec<&Entrant> = entrants
                .iter()
                .filter(|entrant| takes_part(entrant, *experiment))
                .collect();
            if round % 2 == 1 {
                names.reverse();
            }
            steps.extend(names.into_iter().map(|entrant| Step {
                experiment: *experiment,
                contender: entrant.name.clone(),
                repetition,
                is_pinned,
                seconds: seconds(*experiment, sizes),
            }));
        }
    }
    steps
}

fn takes_part(entrant: &Entrant, experiment: Experiment) -> bool {
    match entrant.kind {
        Kind::Twin => true,
        Kind::Mailbox => experiment.concerns_fanout(),
        Kind::Peer => experiment.suits_peers(),
    }
}

/// How long a server takes to start and to end, about, s.
const START_AND_STOP: f64 = 0.4;

/// Handshakes a second, about: what opening thousands of readers costs.
const OPENED_PER_S: f64 = 5000.0;

/// How long one step takes, about, s.
fn seconds(experiment: Experiment, sizes: &Sizes) -> f64 {
    let load = sizes.measure_s + sizes.warmup_s + 0.4;
    let opening = |readers: usize| readers as f64 / OPENED_PER_S;
    let own = match experiment {
        Experiment::Idle => {
            let steps = sizes.idle_steps as f64;
            sizes.idle_s + 0.4 * steps + 1.5 + opening(sizes.idle_readers)
        }
        Experiment::Fanout => {
            let many = usize::from(sizes.fanout_many_posters > 0);
            let readers: usize = sizes.fanout.iter().map(|c| c.0).sum();
            load * (sizes.fanout.len() + many) as f64 + opening(readers)
        }
        Experiment::Ladder => {
            let top = sizes.rungs.iter().copied().max().unwrap_or(0);
            let each = sizes.rung_s + sizes.warmup_s + 0.4;
            each * sizes.rungs.len() as f64 + opening(top) * 2.0
        }
        Experiment::Transports => {
            let each = sizes.transport_s + 0.6;
            each * (sizes.transports.len() + 1) as f64
        }
        Experiment::Block => 2.0 * (2.5 * sizes.block_ms as f64 / 1e3 + 1.0),
        Experiment::Parallel => {
            let clients = sizes.parallel_clients.len() as f64;
            2.0 * (sizes.parallel_s + 0.2) * clients
        }
        Experiment::Limits => 3.0,
        Experiment::SlowReader => sizes.slow_s + 1.5,
        Experiment::Churn => {
            let rounds = sizes.churn_rounds as f64;
            (0.6 + opening(sizes.churn_clients)) * rounds
        }
        Experiment::Backoff => sizes
            .policies
            .iter()
            .map(|policy| {
                let back = match policy {
                    Policy::AtOnce => 1.0,
                    Policy::Steps => sizes.backoff_wait_s,
                    _ => sizes.backoff_away_s.min(sizes.backoff_wait_s),
                };
                sizes.backoff_away_s + back + 1.0
            })
            .sum(),
    };
    own + START_AND_STOP
}

/// How long all steps take together, about, s.
pub fn total_seconds(steps: &[Step]) -> f64 {
    steps.iter().map(|step| step.seconds).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entrants() -> Vec<Entrant> {
        [
            ("threads", Kind::Twin),
            ("event-loop", Kind::Twin),
            ("mailbox", Kind::Mailbox),
        ]
        .map(|(name, kind)| Entrant { name: name.to_owned(), kind })
        .to_vec()
    }

    #[test]
    fn repetitions_are_interleaved_a_b_b_a() {
        let mut sizes = Sizes::of(Size::Full);
        sizes.is_unpinned_too = false;
        let steps = plan(&[Experiment::Fanout], &entrants()[..2], &sizes);
        let order: Vec<(&str, usize)> = steps
            .iter()
            .map(|step| (step.contender.as_str(), step.repetition))
            .collect();
        assert_eq!(
            order[..4],
            [
                ("threads", 0),
                ("event-loop", 0),
                ("event-loop", 1),
                ("threads", 1)
            ]
        );
        assert_eq!(order.len(), 8);
    }

    #[test]
    fn each_size_keeps_its_promise() {
        for (size, most) in
            [(Size::Smoke, 20.0), (Size::Quick, 180.0), (Size::Full, 1800.0)]
        {
            let sizes = Sizes::of(size);
            let steps = plan(Experiment::usual(size), &entrants(), &sizes);
            let seconds = total_seconds(&steps);
            assert!(seconds < most, "{size:?} takes {seconds} s");
        }
    }

    #[test]
    fn a_column_only_runs_what_concerns_it() {
        let sizes = Sizes::of(Size::Quick);
        let steps = plan(&[Experiment::Block], &entrants(), &sizes);
        assert!(steps.iter().all(|step| step.contender != "mailbox"));
    }
}
