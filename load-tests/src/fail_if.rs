//! `--fail-if 'fanout.p99_ms>20'`: a bound that turns a number into an exit
//! code, for CI.

use std::fmt;
use std::str::FromStr;

use crate::schema::Run;
use crate::stats;

/// A bound on one measure of one experiment, of one server or of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The experiment's name.
    experiment: String,
    /// The server's column; every one if absent.
    contender: Option<String>,
    /// The measure, or `errors.KIND`.
    measure: String,
    /// Which side of the limit fails.
    is_broken: Comparison,
    limit: f64,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Comparison::Less => value < limit,
            Comparison::LessOrEqual => value <= limit,
            Comparison::Greater => value > limit,
            Comparison::GreaterOrEqual => value >= limit,
        }
    }
}

/// Longest first, or `>=` would be read as `>`.
const COMPARISONS: [(&str, Comparison); 4] = [
    (">=", Comparison::GreaterOrEqual),
    ("<=", Comparison::LessOrEqual),
    (">", Comparison::Greater),
    ("<", Comparison::Less),
];

impl FromStr for Bound {
    type Err = String;

    /// Reads `EXPERIMENT.MEASURE>NUMBER` or
    /// `EXPERIMENT.SERVER.MEASURE>NUMBER`; also `>=`, `<` and `<=`; the
    /// measure of an error's kind is `errors.KIND`.
    fn from_str(text: &str) -> Result<Bound, String> {
        let wrong =
            |what: &str| format!("`{text}`: {what}; try `fanout.p99_ms>20`");
        let (symbol, is_broken) = COMPARISONS
            .into_iter()
            .find(|(symbol, _)| text.contains(symbol))
            .ok_or_else(|| wrong("there is no comparison in it"))?;
        let (path, limit) = text
            .split_once(symbol)
            .ok_or_else(|| wrong("there is no comparison in it"))?;
        let limit: f64 = limit
            .trim()
            .parse()
            .map_err(|_| wrong("what follows the comparison is no number"))?;
        let path = path.trim().replace(".errors.", ".errors:");
        let words: Vec<&str> = path.split('.').collect();
        let (experiment, contender, measure) = match words[..] {
            [experiment, measure] => (experiment, None, measure),
            [experiment, contender, measure] => {
                (experiment, Some(contender.to_owned()), measure)
            }
            _ => return Err(wrong("it is not EXPERIMENT.MEASURE")),
        };
        if crate::plan::Experiment::named(experiment).is_none() {
            return Err(wrong("there is no such experiment"));
        }
        Ok(Bound {
            experiment: experiment.to_owned(),
            contender,
            measure: measure.to_owned(),
            is_broken,
            limit,
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Bound {
    /// What breaks this bound, in sentences. The median of repetitions is
    /// held against it; runs that are invalid break it, and so does a bound
    /// on something that nobody measured: a check that checks nothing must
    /// not pass.
    pub fn broken_by(&self, runs: &[Run]) -> Vec<String> {
        let mine: Vec<&Run> = runs
            .iter()
            .filter(|run| run.experiment == self.experiment)
            .filter(|run| {
                let name = self.contender.as_ref();
                name.is_none_or(|name| *name == run.contender)
            })
            .collect();
        let mut columns: Vec<(&str, &str)> =
            mine.iter().map(|r| (&*r.contender, &*r.case)).collect();
        columns.sort_unstable();
        columns.dedup();
        let (mut broken, mut checked) = (Vec::new(), 0);
        for (contender, case) in columns {
            let of: Vec<&Run> = mine
                .iter()
                .copied()
                .filter(|r| r.contender == contender && r.case == case)
                .collect();
            let values: Vec<f64> = of
                .iter()
                .filter(|run| run.invalid.is_none())
                .filter_map(|run| self.value(run))
                .collect();
            let invalid = of.iter().filter(|r| r.invalid.is_some()).count();
            if invalid == of.len() {
                broken.push(format!("{self}: {contender}, {case}: invalid"));
            }
            let Some(spread) = stats::spread(&values) else { continue };
            checked += 1;
            if self.is_broken.holds(spread.median, self.limit) {
                broken.push(format!(
                    "{self}: {contender}, {case}: {:.3}",
                    spread.median
                ));
            }
        }
        if checked == 0 && broken.is_empty() {
            broken.push(format!("{self}: nothing like that was measured"));
        }
        broken
    }

    fn value(&self, run: &Run) -> Option<f64> {
        match self.measure.strip_prefix("errors:") {
            Some(kind) => {
                Some(run.errors.get(kind).copied().unwrap_or(0) as f64)
            }
            None => run.measures.get(&self.measure).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(contender: &str, p99: f64) -> Run {
        let mut run = Run::new("fanout", "a case");
        run.contender = contender.to_owned();
        run.measure("p99_ms", p99);
        run
    }

    fn broken(text: &str, runs: &[Run]) -> usize {
        let bound: Bound = text.parse().expect("a bound");
        bound.broken_by(runs).len()
    }

    #[test]
    fn a_bound_is_held_against_the_median_of_each_server() {
        let runs = [
            run("threads", 10.0),
            run("threads", 30.0),
            run("threads", 12.0),
            run("event-loop", 21.0),
        ];
        assert_eq!(broken("fanout.p99_ms>20", &runs), 1);
        assert_eq!(broken("fanout.threads.p99_ms > 20", &runs), 0);
        assert_eq!(broken("fanout.p99_ms>=12", &runs), 2);
        assert_eq!(broken("fanout.p99_ms<20", &runs), 1);
    }

    #[test]
    fn errors_can_be_bounded_and_are_0_when_absent() {
        let mut lossy = run("threads", 1.0);
        lossy.error("lost", 3);
        assert_eq!(broken("fanout.errors.lost>0", &[lossy]), 1);
        assert_eq!(broken("fanout.errors.lost>0", &[run("a", 1.0)]), 0);
    }

    #[test]
    fn what_was_not_measured_or_is_invalid_does_not_pass() {
        assert_eq!(broken("fanout.p98_ms>20", &[run("a", 1.0)]), 1);
        assert_eq!(broken("idle.total_kib>20", &[run("a", 1.0)]), 1);
        let mut invalid = run("a", 1.0);
        invalid.invalid = Some("late".to_owned());
        assert_eq!(broken("fanout.p99_ms>20", &[invalid]), 1);
    }

    #[test]
    fn nonsense_is_explained() {
        for text in ["fanout.p99_ms", "fanout>3", "nothing.x>3", "idle.a>b"] {
            let error = text.parse::<Bound>().expect_err(text);
            assert!(error.contains("try `fanout"), "{error}");
        }
    }
}
