//! *Never block the main thread.* One client asks for seconds of work; what
//! the others see is drawn.

use std::io;
use std::thread;
use std::time::Duration;

use crate::generator::command::{Command, Requests};
use crate::plan::Experiment;
use crate::schema::{Run, Series};
use crate::stage::{Stage, messages, note_load, readers};

/// The others.
const READERS: usize = 50;

/// Messages a second while it happens: a point in the plot every 20 ms.
const RATE: f64 = 50.0;

/// Once where the request is handled, once handed to another thread.
pub(super) fn run(stage: &mut Stage<'_>) -> io::Result<Vec<Run>> {
    Ok(vec![one(stage, "inline", "")?, one(stage, "offload", "&offload=1")?])
}

fn one(stage: &Stage<'_>, case: &str, option: &str) -> io::Result<Run> {
    let ms = stage.sizes.block_ms;
    let block = ms as f64 / 1000.0;
    let mut run = stage.run(Experiment::Block, case);
    run.parameter("work_ms", ms as f64);
    run.parameter("readers", READERS as f64);
    run.parameter("rate_per_s", RATE);
    let room = format!("block-{case}");
    let mut generator = stage.generator()?;
    generator.open(readers("others", &room, READERS))?;
    let load = messages("others", &room, RATE, 2.5 * block);
    generator.tell(&Command::Load(load))?;
    thread::sleep(Duration::from_secs_f64(0.2 + 0.5 * block));
    generator.tell(&Command::Requests(Requests {
        path: format!("/api/work?ms={ms}{option}"),
        clients: 1,
        seconds: 1.0,
        at_most: 1,
    }))?;
    let loaded = generator.loaded()?;
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
