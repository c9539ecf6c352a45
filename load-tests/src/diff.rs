//! Two result folders side by side: which differences are real.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::schema::Run;
use crate::stats::{differs, spread};

/// A difference smaller than this part is noise, whatever the ranges say:
/// two builds of the same commit differ by as much.
const FLOOR: f64 = 0.05;

/// What identifies a number: experiment, case, server, measure.
type Key = (String, String, String, String);

/// The differences from `before` to `after`, as text for a terminal.
pub fn diff(before: &[Run], after: &[Run]) -> String {
    let (before, after) = (values(before), values(after));
    let keys: BTreeSet<&Key> = before.keys().chain(after.keys()).collect();
    let (mut text, mut same) = (String::new(), 0);
    let mut missing = 0;
    for key in keys {
        let (Some(a), Some(b)) = (before.get(key), after.get(key)) else {
            missing += 1;
            continue;
        };
        match differs(a, b, FLOOR) {
            Some(true) => line(&mut text, key, a, b),
            _ => same += 1,
        }
    }
    if text.is_empty() {
        text += "No difference beyond the noise.\n";
    }
    // Writing to a String does not fail.
    let _ = write!(
        text,
        "\n{same} numbers differ by no more than their own range or {} %",
        FLOOR * 100.0
    );
    let _ = writeln!(text, "; {missing} are in one folder only.");
    text
}

fn line(text: &mut String, key: &Key, a: &[f64], b: &[f64]) {
    let (experiment, case, contender, measure) = key;
    let (Some(a), Some(b)) = (spread(a), spread(b)) else { return };
    let change = match a.median {
        0.0 => "new".to_owned(),
        median => format!("{:+.0} %", 100.0 * (b.median / median - 1.0)),
    };
    let _ = writeln!(
        text,
        "{experiment} · {case} · {contender} · {measure}: \
         {:.3} [{:.3}–{:.3}] → {:.3} [{:.3}–{:.3}]  {change}",
        a.median, a.low, a.high, b.median, b.low, b.high
    );
}

/// Every valid measure and error count, by what it is of.
fn values(runs: &[Run]) -> BTreeMap<Key, Vec<f64>> {
    let mut values: BTreeMap<Key, Vec<f64>> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.invalid.is_none()) {
        let errors =
            run.errors.iter().map(|(k, n)| (format!("errors.{k}"), *n as f64));
        let measures = run.measures.iter().map(|(k, v)| (k.clone(), *v));
        for (measure, value) in measures.chain(errors) {
            let key = (
                run.experiment.clone(),
                run.case.clone(),
                run.contender.clone(),
                measure,
            );
            values.entry(key).or_default().push(value);
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(values: &[f64]) -> Vec<Run> {
        values
            .iter()
            .map(|value| {
                let mut run = Run::new("fanout", "c");
                run.contender = "threads".to_owned();
                run.measure("p99_ms", *value);
                run
            })
            .collect()
    }

    #[test]
    fn only_differences_beyond_the_noise_are_shown() {
        let text = diff(&runs(&[10.0, 12.0]), &runs(&[11.0, 13.0]));
        assert!(text.starts_with("No difference"), "{text}");
        let text = diff(&runs(&[10.0, 10.2]), &runs(&[20.0, 20.4]));
        assert!(text.contains("threads · p99_ms"), "{text}");
        assert!(text.contains("+100 %"), "{text}");
    }
}
