//! *Threads use more memory; idle threads cost.* Readers are added step by
//! step; memory per reader is the slope, never a quotient.

use std::io;
use std::thread;
use std::time::Duration;

use crate::plan::Experiment;
use crate::proc::Memory;
use crate::schema::{Run, Series};
use crate::stage::{Stage, messages, note_spent, readers};
use crate::stats;

/// Messages that each reader gets between cold and warm.
const WARMING: f64 = 10.0;

/// Their rate a second: slow enough that nobody falls behind.
const WARMING_RATE: f64 = 20.0;

/// A kind of memory: its name, and how much of it there is.
type Kind = (&'static str, fn(&Memory) -> f64);

/// The kinds of memory, as they are stacked in the report.
const KINDS: [Kind; 4] = [
    ("user", |m| m.user),
    ("page_tables", |m| m.page_tables),
    ("kernel_stacks", |m| m.kernel_stacks),
    ("slab", |m| m.slab),
];

/// Ramps up, warms, watches, and lets everyone go.
pub(super) fn run(stage: &mut Stage<'_>) -> io::Result<Vec<Run>> {
    let sizes = stage.sizes;
    let steps = sizes.idle_steps.max(3);
    let each = (sizes.idle_readers / steps).max(1);
    let most = each * steps;
    let mut run = stage.run(Experiment::Idle, &format!("up to {most} readers"));
    run.parameter("readers", most as f64);
    run.parameter("steps", steps as f64);
    let mut generator = stage.generator()?;
    let mut ramp = vec![(0.0, stage.settled_memory())];
    for step in 1..=steps {
        let opened = generator.open(readers("idle", "idle", each))?;
        for (kind, count) in opened.refused {
            run.error(&format!("refused_{kind}"), count);
        }
        ramp.push(((step * each) as f64, stage.settled_memory()));
    }
    note_ramp(&mut run, &ramp);
    let seconds = WARMING / WARMING_RATE;
    let load = messages("idle", "idle", WARMING_RATE, seconds);
    let loaded = generator.load(load)?;
    for (kind, count) in &loaded.errors {
        run.error(kind, *count);
    }
    let (empty, warm) = (ramp[0].1, stage.settled_memory());
    if let (Some(empty), Some(warm)) = (empty, warm) {
        for (name, of) in KINDS {
            let kib = (of(&warm) - of(&empty)) / most as f64;
            run.measure(&format!("warm_{name}_kib"), kib);
        }
        let kib = (warm.total() - empty.total()) / most as f64;
        run.measure("warm_total_kib", kib);
        let buffers = (warm.buffers - empty.buffers) / most as f64;
        run.measure("warm_buffers_kib_both_ends", buffers);
    }
    watch(stage, &mut run, most);
    generator.close("idle")?;
    note_residue(stage, &mut run, empty);
    Ok(vec![run])
}

/// Slopes, with what is not known about them.
fn note_ramp(run: &mut Run, ramp: &[(f64, Option<Memory>)]) {
    let points = |of: &dyn Fn(&Memory) -> f64| -> Vec<(f64, f64)> {
        ramp.iter().filter_map(|(n, m)| Some((*n, of(m.as_ref()?)))).collect()
    };
    for (name, of) in KINDS {
        if let Some(line) = stats::line(&points(&of)) {
            run.measure(&format!("{name}_kib"), line.slope);
        }
    }
    let totals = points(&Memory::total);
    if let Some(line) = stats::line(&totals) {
        run.measure("total_kib", line.slope);
        run.measure("total_kib_ci95", line.slope_ci95);
        run.measure("total_r2", line.r_squared);
        run.measure("empty_mib", line.intercept / 1024.0);
    }
    if let Some(line) = stats::line(&points(&|m| m.threads)) {
        run.measure("threads_per_reader", line.slope);
    }
    let (x, y) = ("readers".to_owned(), "server memory, MiB".to_owned());
    let points = totals.iter().map(|(n, kib)| (*n, kib / 1024.0)).collect();
    run.series.insert("memory".to_owned(), Series { x, y, points });
}

/// What readers cost while nothing happens but heartbeats.
fn watch(stage: &Stage<'_>, run: &mut Run, readers: usize) {
    let seconds = stage.sizes.idle_s;
    run.parameter("watched_s", seconds);
    let before = stage.effort();
    thread::sleep(Duration::from_secs_f64(seconds));
    let Some(spent) = stage.spent(before.as_ref()) else { return };
    note_spent(run, Some(spent), 0);
    for name in ["cpu_ms", "cpu_us_per_delivery", "switches_per_delivery"] {
        run.measures.remove(name);
    }
    run.measures.retain(|name, _| !name.ends_with("_per_delivery"));
    let reader_seconds = readers as f64 * spent.seconds;
    let us = spent.cpu_ms * 1000.0 / reader_seconds;
    run.measure("idle_cpu_us_per_reader_s", us);
    let switches = (spent.voluntary + spent.involuntary) as f64;
    run.measure("idle_switches_per_reader_s", switches / reader_seconds);
}

/// What is left when all have gone.
fn note_residue(stage: &Stage<'_>, run: &mut Run, empty: Option<Memory>) {
    let Some(empty) = empty else { return };
    stage.wait_for_sockets(empty.sockets);
    if let Some(after) = stage.settled_memory() {
        let mib = (after.total() - empty.total()) / 1024.0;
        run.measure("residue_mib", mib);
        run.measure("residue_threads", after.threads - empty.threads);
        run.measure("residue_sockets", after.sockets - empty.sockets);
    }
}
