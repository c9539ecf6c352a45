//! *Threads run in parallel.* More and more clients ask for work that takes a
//! processor; a server that uses two gets twice as much done.
//!
//! Nothing is pinned here: a server on one processor could not show it.

use std::io;

use crate::generator::command::Requests;
use crate::plan::Experiment;
use crate::schema::{Run, Series};
use crate::stage::Stage;

/// One piece of work, ms: short enough for many, long enough that HTTP does
/// not matter.
const WORK_MS: u64 = 20;

/// Once where requests are handled, once handed to other threads.
pub(super) fn run(stage: &mut Stage<'_>) -> io::Result<Vec<Run>> {
    Ok(vec![one(stage, "inline", "")?, one(stage, "offload", "&offload=1")?])
}

fn one(stage: &Stage<'_>, case: &str, option: &str) -> io::Result<Run> {
    let mut run = stage.run(Experiment::Parallel, case);
    run.parameter("work_ms", WORK_MS as f64);
    let mut points = Vec::new();
    for clients in &stage.sizes.parallel_clients {
        let requested = stage.generator()?.requests(Requests {
            path: format!("/api/work?ms={WORK_MS}{option}"),
            clients: *clients,
            seconds: stage.sizes.parallel_s,
            at_most: u64::MAX,
        })?;
        for (kind, count) in &requested.errors {
            run.error(kind, *count);
        }
        let rate = requested.completed as f64 / requested.seconds.max(0.001);
        run.measure(&format!("per_s_with_{clients}"), rate);
        points.push((*clients as f64, rate));
    }
    let alone = points.first().map_or(0.0, |point| point.1);
    let best = points.iter().map(|point| point.1).fold(0.0, f64::max);
    if alone > 0.0 {
        run.measure("speed_up", best / alone);
    }
    let (x, y) = ("clients".to_owned(), "pieces of work a second".to_owned());
    run.series.insert("work".to_owned(), Series { x, y, points });
    Ok(run)
}
