//! *What is left?* Clients come and go in rounds. Memory may grow in the
//! first; if it goes on growing, something leaks.

use std::io;

use crate::plan::Experiment;
use crate::schema::{Run, Series};
use crate::stage::{Stage, messages, readers};
use crate::stats;

/// Rounds that may grow: allocators keep what they have once had.
const SETTLING: usize = 1;

/// Rounds of arriving, hearing one message, and leaving.
pub(super) fn run(stage: &mut Stage<'_>) -> io::Result<Vec<Run>> {
    let sizes = stage.sizes;
    let (clients, rounds) = (sizes.churn_clients, sizes.churn_rounds);
    let case = format!("{rounds} × {clients} clients");
    let mut run = stage.run(Experiment::Churn, &case);
    run.parameter("clients", clients as f64);
    run.parameter("rounds", rounds as f64);
    let empty = stage.settled_memory();
    let (mut points, mut seconds) = (Vec::new(), 0.0);
    points.extend(empty.map(|m| (0.0, m.total() / 1024.0)));
    for round in 1..=rounds {
        let mut generator = stage.generator()?;
        let opened = generator.open(readers("churn", "churn", clients))?;
        seconds += opened.seconds;
        for (kind, count) in opened.refused {
            run.error(&format!("refused_{kind}"), count);
        }
        let loaded = generator.load(messages("churn", "churn", 10.0, 0.1))?;
        for (kind, count) in &loaded.errors {
            run.error(kind, *count);
        }
        generator.close("churn")?;
        stage.wait_for_sockets(empty.map_or(0.0, |m| m.sockets));
        let memory = stage.settled_memory();
        points.extend(memory.map(|m| (round as f64, m.total() / 1024.0)));
        if let (Some(empty), Some(memory)) = (empty, memory) {
            let left = memory.threads - empty.threads;
            run.measure("threads_left", left);
            run.measure("sockets_left", memory.sockets - empty.sockets);
        }
    }
    run.measure("opened_per_s", (clients * rounds) as f64 / seconds.max(1e-3));
    let later: Vec<(f64, f64)> =
        points.iter().copied().skip(1 + SETTLING).collect();
    if let Some(line) = stats::line(&later) {
        let per_client = line.slope * 1024.0 / clients as f64;
        run.measure("growth_kib_per_client", per_client);
        let uncertain = line.slope_ci95 * 1024.0 / clients as f64;
        run.measure("growth_kib_per_client_ci95", uncertain);
    }
    let (x, y) = ("rounds".to_owned(), "memory left, MiB".to_owned());
    run.series.insert("memory".to_owned(), Series { x, y, points });
    Ok(vec![run])
}
