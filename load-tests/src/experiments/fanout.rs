//! *Context switching; thread safety; true real time.* An open loop at fixed
//! rates: latency counts from the instant a message was due.

use std::io;

use crate::generator::driver::Generator;
use crate::plan::Experiment;
use crate::schema::{Run, Series};
use crate::stage::{Stage, messages, note_load, note_spent, readers};

/// Posters in the case that looks for races.
const MANY_POSTERS: usize = 64;

/// Their messages a second, together.
const MANY_POSTERS_RATE: f64 = 200.0;

/// Each case in a room of its own, on one server.
pub(super) fn run(stage: &mut Stage<'_>) -> io::Result<Vec<Run>> {
    let mut runs = Vec::new();
    for (number, (readers, rate)) in stage.sizes.fanout.iter().enumerate() {
        let case = format!("{readers} readers, {rate}/s");
        let room = format!("fanout-{number}");
        runs.push(one(stage, &case, &room, *readers, *rate, 1)?);
    }
    let readers = stage.sizes.fanout_many_posters;
    if readers > 0 {
        let case = format!(
            "{readers} readers, {MANY_POSTERS_RATE}/s from {MANY_POSTERS}"
        );
        let rate = MANY_POSTERS_RATE;
        let room = "fanout-posters";
        runs.push(one(stage, &case, room, readers, rate, MANY_POSTERS)?);
    }
    Ok(runs)
}

fn one(
    stage: &Stage<'_>,
    case: &str,
    room: &str,
    count: usize,
    rate: f64,
    posters: usize,
) -> io::Result<Run> {
    let mut run = stage.run(Experiment::Fanout, case);
    run.parameter("readers", count as f64);
    run.parameter("rate_per_s", rate);
    run.parameter("posters", posters as f64);
    run.parameter("measure_s", stage.sizes.measure_s);
    run.parameter("warmup_s", stage.sizes.warmup_s);
    let mut generator: Generator = stage.generator()?;
    let opened = generator.open(readers("readers", room, count))?;
    for (kind, count) in opened.refused {
        run.error(&format!("refused_{kind}"), count);
    }
    let mut load = messages("readers", room, rate, stage.sizes.measure_s);
    load.warmup_s = stage.sizes.warmup_s;
    load.posters = posters;
    let before = stage.effort();
    let loaded = generator.load(load)?;
    note_spent(&mut run, stage.spent(before.as_ref()), loaded.copies);
    note_load(&mut run, &loaded);
    let points = loaded
        .timeline
        .iter()
        .filter_map(|(at, whole)| Some((at / 1000.0, (*whole)?)))
        .collect();
    let (x, y) = ("s".to_owned(), "until the last reader, ms".to_owned());
    run.series.insert("timeline".to_owned(), Series { x, y, points });
    Ok(run)
}
