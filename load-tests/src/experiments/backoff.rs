//! *Back off, or herd.* The server is killed and comes back; when do its
//! clients?

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::generator::command::Counted;
use crate::generator::retry::Policy;
use crate::plan::Experiment;
use crate::schema::{Run, Series};
use crate::server::Server;
use crate::stage::{Stage, readers};

/// Attempts are counted in slots of this length, ms.
const SLOT_MS: f64 = 100.0;

/// One crash for each policy.
pub(super) fn run(stage: &mut Stage<'_>) -> io::Result<Vec<Run>> {
    let policies = stage.sizes.policies.clone();
    policies.into_iter().map(|policy| one(stage, policy)).collect()
}

fn one(stage: &mut Stage<'_>, policy: Policy) -> io::Result<Run> {
    let Some(mut recipe) = stage.recipe.clone() else {
        return Err(io::Error::other(
            "backoff kills the server and starts it again, so it only runs \
             on servers that `compare` has started",
        ));
    };
    let sizes = stage.sizes;
    let mut run = stage.run(Experiment::Backoff, policy.name());
    run.parameter("clients", sizes.backoff_clients as f64);
    run.parameter("away_s", sizes.backoff_away_s);
    let mut generator = stage.generator()?;
    let mut open = readers("clients", "backoff", sizes.backoff_clients);
    open.retry = Some(policy);
    generator.open(open)?;
    stage.server.kill();
    let killed = Instant::now();
    thread::sleep(Duration::from_secs_f64(sizes.backoff_away_s));
    // The same port, or nobody would find it.
    let address = stage.server.address.to_string();
    if let Some(at) = recipe.command.iter().position(|w| w == "--listen") {
        recipe.command[at + 1] = address;
    }
    stage.server = Server::start(&recipe)?;
    let away = killed.elapsed().as_secs_f64();
    let deadline = Duration::from_secs_f64(sizes.backoff_wait_s);
    let restarted = Instant::now();
    let counted = loop {
        let counted = generator.count()?;
        let open = counted.open.get("clients").copied().unwrap_or(0);
        if open == sizes.backoff_clients || restarted.elapsed() > deadline {
            break counted;
        }
        thread::sleep(Duration::from_millis(50));
    };
    note(&mut run, &counted, away);
    Ok(run)
}

/// Writes down what the clients did; instants count from the crash.
fn note(run: &mut Run, counted: &Counted, away: f64) {
    let clients = run.parameters.get("clients").copied().unwrap_or(0.0);
    let missing = (clients - counted.back_ms.len() as f64).max(0.0);
    run.measure("not_back", missing);
    run.measure("attempts", counted.attempts_ms.len() as f64);
    run.measure("away_s", away);
    let last = counted.back_ms.iter().copied().fold(0.0, f64::max) / 1000.0;
    if missing == 0.0 {
        run.measure("all_back_after_s", (last - away).max(0.0));
    }
    let end = counted.attempts_ms.iter().copied().fold(0.0, f64::max);
    let mut slots = vec![0.0; (end / SLOT_MS) as usize + 1];
    for at in &counted.attempts_ms {
        slots[(at / SLOT_MS) as usize] += 1000.0 / SLOT_MS;
    }
    let back_at = (away * 1000.0 / SLOT_MS) as usize;
    let peak = |slots: &[f64]| slots.iter().copied().fold(0.0, f64::max);
    run.measure("peak_attempts_per_s", peak(&slots));
    let after = slots.get(back_at..).map_or(0.0, peak);
    run.measure("peak_attempts_per_s_after_return", after);
    let points = slots
        .into_iter()
        .enumerate()
        .map(|(slot, rate)| (slot as f64 * SLOT_MS / 1000.0, rate))
        .collect();
    let x = "s since the crash".to_owned();
    let y = "attempts a second".to_owned();
    run.series.insert("attempts".to_owned(), Series { x, y, points });
}
