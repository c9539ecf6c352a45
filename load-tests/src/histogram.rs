//! Latencies, kept whole: an HdrHistogram of microseconds with three
//! significant digits, written down in its V2 format.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{
    Deserializer, Serializer as _, V2Serializer,
};
use serde::{Deserialize, Serialize};

/// The largest latency that is told apart from any longer one: 10 minutes.
const HIGHEST_US: u64 = 600_000_000;

/// A distribution of durations. Serializes to base64 of HdrHistogram V2, so
/// that runs can be merged later without losing anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, HIGHEST_US, 3)
            .expect("1 to 600 s at 3 digits is within what it can hold");
        Latencies(histogram)
    }
}

impl Latencies {
    /// Counts one duration, in nanoseconds.
    pub fn record_ns(&mut self, nanoseconds: u64) {
        self.0.saturating_record((nanoseconds / 1000).max(1));
    }

    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The duration that `percent` of all do not exceed, in milliseconds.
    pub fn percentile_ms(&self, percent: f64) -> f64 {
        self.0.value_at_percentile(percent) as f64 / 1000.0
    }

    /// The longest, in milliseconds.
    pub fn max_ms(&self) -> f64 {
        self.0.max() as f64 / 1000.0
    }

    /// The mean, in milliseconds.
    pub fn mean_ms(&self) -> f64 {
        self.0.mean() / 1000.0
    }

    /// Adds all of `other`'s durations.
    pub fn merge(&mut self, other: &Latencies) {
        self.0.add(&other.0).expect("every histogram here has the same bounds");
    }
}

impl From<Latencies> for String {
    fn from(latencies: Latencies) -> String {
        let mut bytes = Vec::new();
        V2Serializer::new()
            .serialize(&latencies.0, &mut bytes)
            .expect("writing to memory does not fail");
        STANDARD.encode(bytes)
    }
}

impl TryFrom<String> for Latencies {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bytes = STANDARD.decode(text).map_err(|e| e.to_string())?;
        let histogram: Histogram<u64> = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|e| format!("not an HdrHistogram: {e:?}"))?;
        let mut latencies = Latencies::default();
        latencies.0.add(&histogram).map_err(|e| format!("{e:?}"))?;
        Ok(latencies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_one_to_a_thousand_are_known() {
        let mut latencies = Latencies::default();
        for ms in 1..=1000 {
            latencies.record_ns(ms * 1_000_000);
        }
        for (percent, ms) in [(50.0, 500.0), (90.0, 900.0), (99.0, 990.0)] {
            let measured = latencies.percentile_ms(percent);
            assert!((measured - ms).abs() <= ms * 0.002, "{measured}");
        }
        assert_eq!(latencies.count(), 1000);
    }

    #[test]
    fn a_histogram_survives_being_written_down_and_merged() {
        let mut a = Latencies::default();
        a.record_ns(5_000_000);
        let text = serde_json::to_string(&a).unwrap();
        let mut b: Latencies = serde_json::from_str(&text).unwrap();
        assert_eq!(a, b);
        b.merge(&a);
        assert_eq!(b.count(), 2);
        assert!(serde_json::from_str::<Latencies>("\"junk\"").is_err());
    }
}
