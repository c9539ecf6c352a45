//! *Slow readers.* One in a hundred stops reading. The others should not
//! notice; the slow ones should be cut, come back, and miss nothing.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::generator::command::{Command, Load, Loaded};
use crate::generator::driver::Generator;
use crate::generator::retry::Policy;
use crate::plan::Experiment;
use crate::schema::Run;
use crate::stage::{Stage, messages, note_load, readers};

/// Messages a second.
const RATE: f64 = 200.0;

/// Long texts, so that what is not read fills the kernel's buffers (up to
/// 4 MiB with usual settings) in seconds.
const TEXT_BYTES: usize = 4000;

/// The slow ones' receive buffers, bytes: as of a phone in a tunnel.
const RECEIVE_BUFFER: usize = 4096;

/// When the slow ones stop, and when they read again, as parts of the time.
const PAUSE_AT: f64 = 0.05;
const RESUME_AT: f64 = 0.85;

/// First without, then with slow readers.
pub(super) fn run(stage: &mut Stage<'_>) -> io::Result<Vec<Run>> {
    let sizes = stage.sizes;
    let slow = (sizes.slow_readers / 100).max(1);
    let fast = sizes.slow_readers - slow;
    let mut run =
        stage.run(Experiment::SlowReader, &format!("{slow} of {fast}"));
    run.parameter("readers", fast as f64);
    run.parameter("slow_readers", slow as f64);
    run.parameter("rate_per_s", RATE);
    run.parameter("text_bytes", TEXT_BYTES as f64);
    let mut generator = stage.generator()?;
    generator.open(readers("fast", "slow", fast))?;
    let before = generator.load(load(&["fast"], sizes.slow_s * 0.1))?;
    run.latencies("delivery_before", "before_", &before.delivery);
    let mut open = readers("slow", "slow", slow);
    open.receive_buffer = Some(RECEIVE_BUFFER);
    open.retry = Some(Policy::AtOnce);
    generator.open(open)?;
    let memory = stage.memory();
    let (loaded, peak) = with_slow_readers(stage, &mut run, &mut generator)?;
    note_load(&mut run, &loaded);
    if let Some(memory) = memory {
        run.measure("memory_before_mib", memory.total() / 1024.0);
        run.measure("memory_peak_mib", peak / 1024.0);
    }
    let counted = generator.count()?;
    let cut: u64 = counted.lost.values().sum();
    run.measure("cut", cut as f64);
    let resumed = counted.open.get("slow").copied().unwrap_or(0);
    run.measure("resumed", resumed as f64);
    // Being cut and coming back is what should happen, not an error.
    for (kind, count) in counted.lost {
        run.errors.remove(&format!("connection_{kind}"));
        run.notes.push(format!("{count} cut with `{kind}`"));
    }
    Ok(vec![run])
}

fn load(groups: &[&str], seconds: f64) -> Load {
    let mut load = messages("", "slow", RATE, seconds.max(0.3));
    load.groups = groups.iter().map(|name| (*name).to_owned()).collect();
    load.untimed = vec!["slow".to_owned()];
    load.text_bytes = TEXT_BYTES;
    load
}

/// Returns what was delivered, and the highest memory, KiB.
fn with_slow_readers(
    stage: &Stage<'_>,
    run: &mut Run,
    generator: &mut Generator,
) -> io::Result<(Loaded, f64)> {
    let seconds = stage.sizes.slow_s;
    generator.tell(&Command::Load(load(&["fast", "slow"], seconds)))?;
    thread::sleep(Duration::from_secs_f64(seconds * PAUSE_AT));
    generator.tell(&Command::Pause("slow".to_owned()))?;
    let paused = Instant::now();
    let before = stage.memory();
    let (mut peak, mut cut_after) = (0.0_f64, None);
    let pause = seconds * (RESUME_AT - PAUSE_AT);
    while paused.elapsed().as_secs_f64() < pause {
        thread::sleep(Duration::from_millis(50));
        let Some(memory) = stage.memory() else { continue };
        peak = peak.max(memory.total());
        let fewer = before.is_some_and(|b| memory.sockets < b.sockets);
        if fewer && cut_after.is_none() {
            cut_after = Some(paused.elapsed().as_secs_f64());
        }
    }
    if let Some(seconds) = cut_after {
        run.measure("cut_after_s", seconds);
    }
    generator.tell(&Command::Resume("slow".to_owned()))?;
    Ok((generator.loaded()?, peak))
}
