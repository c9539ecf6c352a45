//! How much of everything: the numbers that each experiment is run with, for
//! a smoke test, a quick comparison and a full one. Pure.

use crate::generator::command::Transport;
use crate::generator::retry::Policy;
use crate::preflight::Capacity;

/// How thorough a comparison is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Seconds: does everything work?
    Smoke,
    /// At most three minutes: what is it roughly?
    Quick,
    /// At most thirty minutes: numbers to quote.
    Full,
}

/// Every number that an experiment is run with.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
    /// `idle`: readers at the top of the ramp, and steps up to there.
    pub idle_readers: usize,
    /// `idle`: steps of the ramp.
    pub idle_steps: usize,
    /// `idle`: how long to watch readers do nothing, s. A multiple of the
    /// servers' 10 s between heartbeats, or chance decides how many fall in.
    pub idle_s: f64,
    /// `fanout`: readers and messages a second of each case.
    pub fanout: Vec<(usize, f64)>,
    /// `fanout`: readers of the case with 64 posters.
    pub fanout_many_posters: usize,
    /// `fanout`: length of one measurement, s.
    pub measure_s: f64,
    /// `fanout`, `ladder`: warm-up before it, s.
    pub warmup_s: f64,
    /// `ladder`: length of the measurement on each rung, s.
    pub rung_s: f64,
    /// `ladder`: readers on each rung.
    pub rungs: Vec<usize>,
    /// `transports`: which, and with how many readers.
    pub transports: Vec<Transport>,
    /// `transports`: readers on each.
    pub transport_readers: usize,
    /// `transports`: length of each measurement, s.
    pub transport_s: f64,
    /// `block`: how long the computation takes, ms.
    pub block_ms: u64,
    /// `parallel`: clients that compute at a time.
    pub parallel_clients: Vec<usize>,
    /// `parallel`: length of each measurement, s.
    pub parallel_s: f64,
    /// `slow-reader`: readers, of which 1 % (at least one) stop.
    pub slow_readers: usize,
    /// `slow-reader`: length, s.
    pub slow_s: f64,
    /// `churn`: clients that come and go in each round.
    pub churn_clients: usize,
    /// `churn`: rounds.
    pub churn_rounds: usize,
    /// `backoff`: clients.
    pub backoff_clients: usize,
    /// `backoff`: how long the server is away, s.
    pub backoff_away_s: f64,
    /// `backoff`: how long to wait for everyone, s.
    pub backoff_wait_s: f64,
    /// `backoff`: which policies.
    pub policies: Vec<Policy>,
    /// Repetitions of `fanout`, whose noise matters most.
    pub fanout_repetitions: usize,
    /// Repetitions of everything else.
    pub repetitions: usize,
    /// Whether to repeat `fanout` with nothing pinned.
    pub is_unpinned_too: bool,
}

/// Every transport, in the order the lecture brings them.
const TRANSPORTS: [Transport; 7] = [
    Transport::ShortPoll,
    Transport::LongPoll,
    Transport::Events,
    Transport::Stream,
    Transport::Http2,
    Transport::WebSocket,
    Transport::ByHand,
];

impl Sizes {
    /// The numbers for `size`, before the machine is asked.
    pub fn of(size: Size) -> Sizes {
        match size {
            Size::Smoke => Sizes::smoke(),
            Size::Quick => Sizes::quick(),
            Size::Full => Sizes::full(),
        }
    }

    fn smoke() -> Sizes {
        Sizes {
            idle_readers: 40,
            idle_steps: 4,
            idle_s: 0.1,
            fanout: vec![(20, 50.0)],
            fanout_many_posters: 0,
            measure_s: 0.4,
            warmup_s: 0.1,
            rung_s: 0.4,
            rungs: vec![20, 40],
            transports: vec![Transport::LongPoll, Transport::Events],
            transport_readers: 5,
            transport_s: 0.4,
            block_ms: 100,
            parallel_clients: vec![1, 2],
            parallel_s: 0.2,
            slow_readers: 10,
            slow_s: 0.6,
            churn_clients: 20,
            churn_rounds: 3,
            backoff_clients: 10,
            backoff_away_s: 0.3,
            backoff_wait_s: 3.0,
            policies: vec![Policy::AtOnce],
            fanout_repetitions: 1,
            repetitions: 1,
            is_unpinned_too: false,
        }
    }

    fn quick() -> Sizes {
        Sizes {
            idle_readers: 1000,
            idle_steps: 4,
            idle_s: 10.0,
            fanout: vec![(100, 100.0), (1000, 50.0)],
            fanout_many_posters: 100,
            measure_s: 1.3,
            warmup_s: 0.5,
            rung_s: 1.3,
            rungs: vec![1000, 3000],
            transports: TRANSPORTS.to_vec(),
            transport_readers: 100,
            transport_s: 1.0,
            block_ms: 800,
            parallel_clients: vec![1, 2, 4],
            parallel_s: 0.5,
            slow_readers: 100,
            slow_s: 5.0,
            churn_clients: 500,
            churn_rounds: 4,
            backoff_clients: 200,
            backoff_away_s: 1.0,
            backoff_wait_s: 4.0,
            policies: vec![
                Policy::AtOnce,
                Policy::Exponential,
                Policy::FullJitter,
            ],
            fanout_repetitions: 1,
            repetitions: 1,
            is_unpinned_too: false,
        }
    }

    fn full() -> Sizes {
        Sizes {
            idle_readers: 5000,
            idle_steps: 10,
            idle_s: 20.0,
            fanout: vec![
                (100, 100.0),
                (1000, 20.0),
                (1000, 100.0),
                (1000, 200.0),
            ],
            fanout_many_posters: 200,
            measure_s: 6.0,
            warmup_s: 1.0,
            rung_s: 3.0,
            rungs: vec![1000, 2000, 4000, 8000, 12_000, 16_000, 19_000],
            transports: TRANSPORTS.to_vec(),
            transport_readers: 300,
            transport_s: 5.0,
            block_ms: 2000,
            parallel_clients: vec![1, 2, 4, 8],
            parallel_s: 3.0,
            slow_readers: 200,
            slow_s: 10.0,
            churn_clients: 1000,
            churn_rounds: 8,
            backoff_clients: 500,
            backoff_away_s: 10.0,
            backoff_wait_s: 35.0,
            policies: Policy::ALL.to_vec(),
            fanout_repetitions: 4,
            repetitions: 2,
            is_unpinned_too: true,
        }
    }

    /// The most clients that any experiment asks for.
    pub fn most_clients(&self) -> usize {
        self.rungs.iter().copied().max().unwrap_or(0).max(self.idle_readers)
    }

    /// The same with no more clients than the machine allows.
    pub fn within(mut self, capacity: &Capacity) -> Sizes {
        // The ramp must be the same for all servers, or slopes could not be
        // compared; the ladder is there to find each one's own limit.
        self.idle_readers = self.idle_readers.min(capacity.threads);
        self.rungs.retain(|rung| *rung <= capacity.clients);
        if self.rungs.is_empty() {
            self.rungs.push(capacity.clients);
        }
        for case in &mut self.fanout {
            case.0 = case.0.min(capacity.threads);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_machine_gets_a_smaller_run() {
        let capacity =
            Capacity { clients: 3000, threads: 2000, sentences: Vec::new() };
        let sizes = Sizes::of(Size::Full).within(&capacity);
        assert_eq!(sizes.idle_readers, 2000);
        assert_eq!(sizes.rungs, [1000, 2000]);
        let none = Capacity { clients: 500, ..capacity };
        assert_eq!(Sizes::of(Size::Full).within(&none).rungs, [500]);
    }
}
