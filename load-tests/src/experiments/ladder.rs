//! *An event loop handles more connections; the OS limits the number of
//! threads.* Readers are added until something gives.

use std::io;
use std::time::Duration;

use crate::generator::command::Opened;
use crate::plan::Experiment;
use crate::schema::{Run, Series};
use crate::server;
use crate::stage::{Stage, messages, readers};

/// Messages a second on each rung: few, so that it is the number of readers
/// that is tested, not the rate.
const RATE: f64 = 4.0;

/// A chat that is slower than this is not real time any more, ms (the bound
/// of the websocket-shootout benchmark, 2016).
const TOO_SLOW_MS: f64 = 500.0;

/// Climbs until something gives, and says what.
pub(super) fn run(stage: &mut Stage<'_>) -> io::Result<Vec<Run>> {
    let rungs = stage.sizes.rungs.clone();
    let top = rungs.last().copied().unwrap_or(0);
    let mut run =
        stage.run(Experiment::Ladder, &format!("up to {top} readers"));
    run.parameter("top", top as f64);
    run.parameter("rate_per_s", RATE);
    let mut generator = stage.generator()?;
    let (mut open, mut gave) = (0, None);
    let (mut latency, mut memory) = (Vec::new(), Vec::new());
    for rung in rungs {
        let opened =
            generator.open(readers("ladder", "ladder", rung - open))?;
        open += opened.open;
        let seconds = stage.sizes.rung_s;
        let mut load = messages("ladder", "ladder", RATE, seconds);
        load.warmup_s = stage.sizes.warmup_s;
        let loaded = generator.load(load)?;
        let p95 = loaded.delivery.percentile_ms(95.0);
        latency.push((open as f64, p95));
        let mib = stage.memory().map(|m| (open as f64, m.total() / 1024.0));
        memory.extend(mib);
        run.measure("p95_ms", p95);
        for (kind, count) in &loaded.errors {
            run.error(kind, *count);
        }
        gave = what_gave(&mut run, &opened, p95);
        if gave.is_some() || !stage.server.is_alive() {
            break;
        }
    }
    run.notes.extend(stage.own_cap());
    run.measure("readers", open as f64);
    run.measure("gave", f64::from(u8::from(gave.is_some())));
    run.notes.push(match gave {
        Some(gave) => format!("At {open} readers something gave: {gave}."),
        None => format!("Nothing gave up to {open} readers."),
    });
    note_afterwards(stage, &mut run);
    let curve = |points, y: &str| Series {
        x: "readers".to_owned(),
        y: y.to_owned(),
        points,
    };
    run.series.insert("p95".to_owned(), curve(latency, "p95, ms"));
    run.series.insert("memory".to_owned(), curve(memory, "memory, MiB"));
    Ok(vec![run])
}

fn what_gave(run: &mut Run, opened: &Opened, p95: f64) -> Option<String> {
    for (kind, count) in &opened.refused {
        run.error(&format!("refused_{kind}"), *count);
    }
    let most = opened.refused.iter().max_by_key(|(_, count)| **count);
    if let Some((kind, count)) = most {
        return Some(format!("{count} connections ended in `{kind}`"));
    }
    (p95 > TOO_SLOW_MS).then(|| format!("p95 is {p95:.0} ms"))
}

/// A server that refuses should still be a server.
fn note_afterwards(stage: &mut Stage<'_>, run: &mut Run) {
    let health =
        server::get(stage.server.address, "/healthz", Duration::from_secs(5));
    run.notes.push(match (stage.server.is_alive(), health) {
        (false, _) => "The server had ended.".to_owned(),
        (true, Ok((status, _))) => {
            format!("The server lived and answered {status} to /healthz.")
        }
        (true, Err(e)) => {
            format!("The server lived but did not answer /healthz: {e}.")
        }
    });
}
