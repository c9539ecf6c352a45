//! *The OS sets limits.* Descriptors are taken away from a running server,
//! behind its back: does it refuse in words, spin, or fall over; and does it
//! recover?

use std::fs;
use std::io;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::plan::Experiment;
use crate::schema::Run;
use crate::stage::{Stage, readers};

/// Descriptors it may still open.
const LEFT: u64 = 40;

/// Clients that want one.
const WANTED: usize = 100;

/// How long to watch it without descriptors, s.
const WATCH_S: f64 = 1.0;

/// Takes descriptors away, watches, gives them back.
pub(super) fn run(stage: &mut Stage<'_>) -> io::Result<Vec<Run>> {
    let mut run = stage.run(Experiment::Limits, "out of descriptors");
    let pid = stage.server.pid.and_then(|pid| Pid::from_raw(pid as i32));
    let Some(pid) = pid else {
        return Err(io::Error::other("limits needs --pid"));
    };
    let used = fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero()))?
        .count() as u64;
    let lowered = Rlimit { current: Some(used + LEFT), maximum: None };
    let hard = rustix::process::getrlimit(Resource::Nofile).maximum;
    let lowered = Rlimit { maximum: hard, ..lowered };
    let before = prlimit(Some(pid), Resource::Nofile, lowered)?;
    let outcome = starve(stage, &mut run);
    prlimit(Some(pid), Resource::Nofile, before)?;
    outcome?;
    let mut generator = stage.generator()?;
    let opened = generator.open(readers("after", "limits", WANTED))?;
    let all_back = opened.open == WANTED;
    run.measure("recovered", f64::from(u8::from(all_back)));
    Ok(vec![run])
}

fn starve(stage: &mut Stage<'_>, run: &mut Run) -> io::Result<()> {
    let mut generator = stage.generator()?;
    let mut open = readers("during", "limits", WANTED);
    open.deadline_s = 1.5;
    let opened = generator.open(open)?;
    run.measure("open", opened.open as f64);
    for (kind, count) in &opened.refused {
        run.error(&format!("refused_{kind}"), *count);
    }
    let before = stage.effort();
    thread::sleep(Duration::from_secs_f64(WATCH_S));
    if let Some(spent) = stage.spent(before.as_ref()) {
        let percent = spent.cpu_ms / 10.0 / spent.seconds;
        run.measure("cpu_percent_while_full", percent);
    }
    let is_alive = stage.server.is_alive();
    run.measure("survived", f64::from(u8::from(is_alive)));
    generator.close("during")
}
