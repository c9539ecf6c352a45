//! When to try again: the ways of backing off, as a table of waits.
//!
//! Pure, so that the waits can be read, tested, and compared.

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// How a client waits between attempts to come back.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Again as soon as the attempt has failed.
    AtOnce,
    /// At once, then after 3, 10, and from then on 30 s.
    Steps,
    /// After 1, 2, 3 … s, up to [`LONGEST`].
    Linear,
    /// After 1, 2, 4 … s, up to [`LONGEST`]: in step with all the others.
    Exponential,
    /// After a random part of what exponential would wait, so that clients
    /// that were cut together do not come back together (Brooker, *Exponential
    /// backoff and jitter*, AWS Architecture Blog, 2015).
    FullJitter,
}

/// No wait is longer.
pub const LONGEST: Duration = Duration::from_secs(30);

/// "At once" over a real network is a round trip later; without it, clients on
/// the same machine would only measure how fast a loop can spin.
const ROUND_TRIP: Duration = Duration::from_millis(50);

impl Policy {
    /// Every policy, in the order of the report.
    pub const ALL: [Policy; 5] = [
        Policy::AtOnce,
        Policy::Steps,
        Policy::Linear,
        Policy::Exponential,
        Policy::FullJitter,
    ];

    /// Its name in a report.
    pub fn name(self) -> &'static str {
        match self {
            Policy::AtOnce => "at once",
            Policy::Steps => "0/3/10/30 s",
            Policy::Linear => "linear",
            Policy::Exponential => "exponential",
            Policy::FullJitter => "full jitter",
        }
    }

    /// How long to wait after the `failures`th failure in a row, counted from
    /// 0; `random` is anywhere in 0 … 1.
    pub fn wait(self, failures: u32, random: f64) -> Duration {
        let doubled = Duration::from_secs(1 << failures.min(5)).min(LONGEST);
        match self {
            Policy::AtOnce => ROUND_TRIP,
            Policy::Steps => match failures {
                0 => ROUND_TRIP,
                1 => Duration::from_secs(3),
                2 => Duration::from_secs(10),
                _ => LONGEST,
            },
            Policy::Linear => {
                Duration::from_secs(u64::from(failures) + 1).min(LONGEST)
            }
            Policy::Exponential => doubled,
            Policy::FullJitter => doubled.mul_f64(random.clamp(0.0, 1.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(policy: Policy) -> Vec<u64> {
        (0..7).map(|n| policy.wait(n, 1.0).as_secs()).collect()
    }

    #[test]
    fn the_waits_are_what_the_names_say() {
        assert_eq!(seconds(Policy::AtOnce), [0; 7]);
        assert_eq!(seconds(Policy::Steps), [0, 3, 10, 30, 30, 30, 30]);
        assert_eq!(seconds(Policy::Linear), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(seconds(Policy::Exponential), [1, 2, 4, 8, 16, 30, 30]);
        let half = Policy::FullJitter.wait(3, 0.5);
        assert_eq!(half, Duration::from_secs(4));
    }
}
