//! Run files, asked questions: which servers, which cases, what median.

use crate::histogram::Latencies;
use crate::schema::{Results, Run, Series};
use crate::stats::{Spread, spread};

/// The order of columns; whatever else there is comes after.
const COLUMNS: [&str; 6] =
    ["threads", "event-loop", "mailbox", "node", "axum", "bun"];

/// The runs of a folder.
#[derive(Debug)]
pub struct Data<'a> {
    runs: &'a [Run],
}

impl<'a> Data<'a> {
    /// Asks `results`.
    pub fn new(results: &'a Results) -> Data<'a> {
        Data { runs: &results.runs }
    }

    /// Every server, in the order of columns.
    pub fn contenders(&self) -> Vec<&'a str> {
        self.contenders_of(|_| true)
    }

    /// The servers that ran `experiment`.
    pub fn contenders_in(&self, experiment: &str) -> Vec<&'a str> {
        self.contenders_of(|run| run.experiment == experiment)
    }

    fn contenders_of(&self, wanted: impl Fn(&Run) -> bool) -> Vec<&'a str> {
        let mut names: Vec<&str> = self
            .runs
            .iter()
            .filter(|run| wanted(run))
            .map(|run| run.contender.as_str())
            .collect();
        names.sort_by_key(|name| {
            let place = COLUMNS.iter().position(|column| column == name);
            (place.unwrap_or(COLUMNS.len()), *name)
        });
        names.dedup();
        names
    }

    /// The cases of `experiment`, in the order they were first run.
    pub fn cases(&self, experiment: &str) -> Vec<&'a str> {
        let mut runs: Vec<&Run> =
            self.runs.iter().filter(|r| r.experiment == experiment).collect();
        runs.sort_by(|a, b| a.started_at.cmp(&b.started_at));
        let mut cases: Vec<&str> = Vec::new();
        for run in runs {
            if !cases.contains(&run.case.as_str()) {
                cases.push(&run.case);
            }
        }
        cases
    }

    /// Every repetition of a case on a server, invalid ones too.
    pub fn runs(
        &self,
        experiment: &str,
        case: &str,
        contender: &str,
    ) -> Vec<&'a Run> {
        self.runs
            .iter()
            .filter(|run| {
                run.experiment == experiment
                    && run.case == case
                    && run.contender == contender
            })
            .collect()
    }

    /// The repetitions whose numbers may be used.
    fn valid(
        &self,
        experiment: &str,
        case: &str,
        contender: &str,
    ) -> impl Iterator<Item = &'a Run> {
        self.runs(experiment, case, contender)
            .into_iter()
            .filter(|run| run.invalid.is_none())
    }

    /// The median of a measure over the valid repetitions.
    pub fn spread(
        &self,
        experiment: &str,
        case: &str,
        contender: &str,
        measure: &str,
    ) -> Option<Spread> {
        let values: Vec<f64> = self
            .valid(experiment, case, contender)
            .filter_map(|run| run.measures.get(measure).copied())
            .collect();
        spread(&values)
    }

    /// The same, only the median.
    pub fn median(
        &self,
        experiment: &str,
        case: &str,
        contender: &str,
        measure: &str,
    ) -> Option<f64> {
        Some(self.spread(experiment, case, contender, measure)?.median)
    }

    /// All valid repetitions' distributions, merged.
    pub fn latencies(
        &self,
        experiment: &str,
        case: &str,
        contender: &str,
        name: &str,
    ) -> Option<Latencies> {
        let mut all: Option<Latencies> = None;
        for run in self.valid(experiment, case, contender) {
            let Some(one) = run.histograms.get(name) else { continue };
            match &mut all {
                Some(all) => all.merge(one),
                None => all = Some(one.clone()),
            }
        }
        all
    }

    /// The first valid repetition's curve.
    pub fn series(
        &self,
        experiment: &str,
        case: &str,
        contender: &str,
        name: &str,
    ) -> Option<&'a Series> {
        self.valid(experiment, case, contender)
            .find_map(|run| run.series.get(name))
    }

    /// Errors of all repetitions together, by kind.
    pub fn errors(
        &self,
        experiment: &str,
        case: &str,
        contender: &str,
    ) -> Vec<(String, u64)> {
        let mut errors = std::collections::BTreeMap::new();
        for run in self.runs(experiment, case, contender) {
            for (kind, count) in &run.errors {
                *errors.entry(kind.clone()).or_default() += count;
            }
        }
        errors.into_iter().collect()
    }

    /// The case of `fanout` to quote: pinned, with one poster, and with the
    /// most deliveries a second of those that are valid on both twins; of
    /// all, if none is.
    pub fn busiest_fanout(&self) -> Option<&'a str> {
        let load = |run: &Run| {
            let of = |name| run.parameters.get(name).copied().unwrap_or(0.0);
            of("readers") * of("rate_per_s")
        };
        let mut cases: Vec<&Run> = self
            .runs
            .iter()
            .filter(|run| run.experiment == "fanout")
            .filter(|run| !run.case.ends_with("(unpinned)"))
            .filter(|run| run.parameters.get("posters") == Some(&1.0))
            .collect();
        cases.sort_by(|a, b| load(b).total_cmp(&load(a)));
        let is_valid = |run: &&Run| {
            ["threads", "event-loop"].iter().all(|contender| {
                self.valid("fanout", &run.case, contender).next().is_some()
            })
        };
        let best = cases.iter().copied().find(is_valid);
        best.or(cases.first().copied()).map(|run| run.case.as_str())
    }
}
