//! The experiments. Each puts one or more of the lecture's claims to the
//! proof and writes down runs; what they mean, the report says.

mod backoff;
mod block;
mod churn;
mod fanout;
mod idle;
mod ladder;
mod limits;
mod parallel;
mod slow_reader;
mod transports;

use std::io;

use crate::plan::Experiment;
use crate::schema::Run;
use crate::stage::Stage;

/// Runs one experiment.
///
/// # Errors
/// If the server or the generator cannot go on; runs that were finished
/// before that are lost with it.
pub fn run(
    experiment: Experiment,
    stage: &mut Stage<'_>,
) -> io::Result<Vec<Run>> {
    match experiment {
        Experiment::Idle => idle::run(stage),
        Experiment::Fanout => fanout::run(stage),
        Experiment::Ladder => ladder::run(stage),
        Experiment::Transports => transports::run(stage),
        Experiment::Block => block::run(stage),
        Experiment::Parallel => parallel::run(stage),
        Experiment::Limits => limits::run(stage),
        Experiment::SlowReader => slow_reader::run(stage),
        Experiment::Churn => churn::run(stage),
        Experiment::Backoff => backoff::run(stage),
    }
}
