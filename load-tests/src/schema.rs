//! The run file: everything one run measured, as JSON, one file a run.
//!
//! Reports, diffs and `--fail-if` read nothing but these. The schema's number
//! grows when a field changes its meaning; new fields do not change it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::histogram::Latencies;

/// The version of the run file that this program writes and reads.
pub const SCHEMA: u32 = 1;

/// One run of one experiment against one server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The experiment's name: `idle`, `fanout` …
    pub experiment: String,
    /// What exactly was asked of the server; runs with the same experiment
    /// and case are repetitions: `1000 readers, 100/s`.
    pub case: String,
    /// The server's column in the report: `threads`, `event-loop` …
    pub contender: String,
    /// The command that started the server; empty if it was running already.
    pub command: Vec<String>,
    /// Which repetition this is, from 0, in the order they were run.
    pub repetition: usize,
    /// When it began, UTC, RFC 3339.
    pub started_at: String,
    /// Which processor each had: `server on 0, generator on 1`.
    pub pinning: String,
    /// What was set: readers, rate, seconds … A name ends in its unit.
    pub parameters: BTreeMap<String, f64>,
    /// What was found. A name ends in its unit: `p99_ms`, `user_kib`.
    pub measures: BTreeMap<String, f64>,
    /// Whole distributions: `delivery`, `last_reader`, `ack`, `lag` …
    pub histograms: BTreeMap<String, Latencies>,
    /// Curves, by name.
    pub series: BTreeMap<String, Series>,
    /// Errors by kind (`lost`, `twice`, `out_of_order`, `closed_1013` …).
    /// A kind that did not happen is absent.
    pub errors: BTreeMap<String, u64>,
    /// Why the numbers of this run must not be used, if so.
    pub invalid: Option<String>,
    /// What a reader has to know: limits met, load scaled down.
    pub notes: Vec<String>,
}

/// Points of one curve.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The horizontal axis with its unit.
    pub x: String,
    /// The vertical axis with its unit.
    pub y: String,
    /// The points, in order of x.
    pub points: Vec<(f64, f64)>,
}

impl Run {
    /// A run that has measured nothing yet.
    pub fn new(experiment: &str, case: &str) -> Run {
        Run {
            schema: SCHEMA,
            experiment: experiment.to_owned(),
            case: case.to_owned(),
            contender: String::new(),
            command: Vec::new(),
            repetition: 0,
            started_at: jiff::Timestamp::now().to_string(),
            pinning: String::new(),
            parameters: BTreeMap::new(),
            measures: BTreeMap::new(),
            histograms: BTreeMap::new(),
            series: BTreeMap::new(),
            errors: BTreeMap::new(),
            invalid: None,
            notes: Vec::new(),
        }
    }

    /// Writes down what was set.
    pub fn parameter(&mut self, name: &str, value: f64) {
        self.parameters.insert(name.to_owned(), value);
    }

    /// Writes down what was found, if it is a number.
    pub fn measure(&mut self, name: &str, value: f64) {
        if value.is_finite() {
            self.measures.insert(name.to_owned(), value);
        }
    }

    /// Adds to the count of one kind of error; 0 leaves no trace.
    pub fn error(&mut self, kind: &str, count: u64) {
        if count > 0 {
            *self.errors.entry(kind.to_owned()).or_default() += count;
        }
    }

    /// Keeps a distribution whole, and its percentiles as measures
    /// (`{prefix}p50_ms` … `{prefix}max_ms`) if it has any values.
    pub fn latencies(&mut self, name: &str, prefix: &str, l: &Latencies) {
        if l.count() == 0 {
            return;
        }
        const PERCENTILES: [(&str, f64); 5] = [
            ("p50", 50.0),
            ("p90", 90.0),
            ("p99", 99.0),
            ("p999", 99.9),
            ("p9999", 99.99),
        ];
        for (label, percent) in PERCENTILES {
            let name = format!("{prefix}{label}_ms");
            self.measure(&name, l.percentile_ms(percent));
        }
        self.measure(&format!("{prefix}max_ms"), l.max_ms());
        self.histograms.insert(name.to_owned(), l.clone());
    }

    /// The file's name: what it is can be read in a directory listing.
    pub fn file_name(&self) -> String {
        let words = format!(
            "{}-{}-{}-{}",
            self.experiment, self.case, self.contender, self.repetition
        );
        let mut name = String::new();
        for letter in words.chars() {
            if letter.is_ascii_alphanumeric() || letter == '.' {
                name.push(letter.to_ascii_lowercase());
            } else if !name.ends_with('-') {
                name.push('-');
            }
        }
        name + ".json"
    }
}

/// A directory of run files, with the machine they were taken on.
#[derive(Clone, Debug)]
pub struct Results {
    /// Where and how the runs were made.
    pub environment: Environment,
    /// The runs, in the order of their files' names.
    pub runs: Vec<Run>,
}

/// The file that says where and how a directory's runs were made.
const ENVIRONMENT: &str = "environment.json";

/// Writes one run into `directory`, whole or not at all.
///
/// # Errors
/// Those of the file system.
pub fn write_run(directory: &Path, run: &Run) -> io::Result<PathBuf> {
    write(directory, &run.file_name(), &serde_json::to_vec(run)?)
}

/// Writes the environment into `directory`.
///
/// # Errors
/// Those of the file system.
pub fn write_environment(
    directory: &Path,
    environment: &Environment,
) -> io::Result<PathBuf> {
    write(directory, ENVIRONMENT, &serde_json::to_vec_pretty(environment)?)
}

/// A Ctrl-C between two writes must not leave half a file behind.
fn write(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    fs::create_dir_all(directory)?;
    let unfinished = directory.join(format!(".{name}.part"));
    let path = directory.join(name);
    fs::write(&unfinished, bytes)?;
    fs::rename(unfinished, &path)?;
    Ok(path)
}

/// Reads every run file in `directory`.
///
/// # Errors
/// A sentence that names the file which cannot be read or is of another
/// schema: a report from half the runs would not say that it is one.
pub fn read(directory: &Path) -> Result<Results, String> {
    let say = |path: &Path, e: &dyn std::fmt::Display| {
        format!("{}: {e}", path.display())
    };
    let mut paths: Vec<PathBuf> = fs::read_dir(directory)
        .map_err(|e| say(directory, &e))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .filter(|path| !path.ends_with(ENVIRONMENT))
        .collect();
    paths.sort();
    let mut runs = Vec::new();
    for path in paths {
        let bytes = fs::read(&path).map_err(|e| say(&path, &e))?;
        let run: Run =
            serde_json::from_slice(&bytes).map_err(|e| say(&path, &e))?;
        if run.schema != SCHEMA {
            return Err(say(
                &path,
                &format!("schema {}, not {SCHEMA}", run.schema),
            ));
        }
        runs.push(run);
    }
    let path = directory.join(ENVIRONMENT);
    let environment = match fs::read(&path) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map_err(|e| say(&path, &e))?
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Environment::default(),
        Err(e) => return Err(say(&path, &e)),
    };
    Ok(Results { environment, runs })
}
