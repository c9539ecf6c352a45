//! *Short polling is load and latency; long polling is nearly real time; SSE
//! and HTTP/2 go one way; WebSocket is duplex and fast.* The same chat over
//! each, and what each message costs.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::generator::command::Transport;
use crate::generator::scan::{self, Word};
use crate::plan::Experiment;
use crate::schema::Run;
use crate::server;
use crate::stage::{Stage, messages, note_load, note_spent, readers};

/// Messages a second.
const RATE: f64 = 10.0;

/// Pause between a short poll's answer and the next question, ms.
const POLL_EVERY_MS: u64 = 500;

/// Readers that share an HTTP/2 connection.
const PER_CONNECTION: usize = 50;

/// Every transport in turn, then the polls that overlap.
pub(super) fn run(stage: &mut Stage<'_>) -> io::Result<Vec<Run>> {
    let mut runs = Vec::new();
    for transport in &stage.sizes.transports {
        runs.push(one(stage, *transport)?);
    }
    runs.push(overlapping(stage)?);
    Ok(runs)
}

fn one(stage: &Stage<'_>, transport: Transport) -> io::Result<Run> {
    let count = stage.sizes.transport_readers;
    let mut run = stage.run(Experiment::Transports, transport.name());
    run.parameter("readers", count as f64);
    run.parameter("rate_per_s", RATE);
    let room = format!("over-{}", transport.name().replace([' ', '/'], "-"));
    let room = room.to_ascii_lowercase();
    let mut generator = stage.generator()?;
    let mut open = readers("readers", &room, count);
    open.transport = transport;
    open.poll_every_ms = POLL_EVERY_MS;
    open.per_connection = PER_CONNECTION;
    if transport == Transport::ShortPoll {
        run.parameter("poll_every_ms", POLL_EVERY_MS as f64);
    }
    open.deadline_s = 5.0;
    let opened = generator.open(open)?;
    if opened.open == 0 {
        let why: Vec<&str> =
            opened.refused.keys().map(String::as_str).collect();
        run.notes.push(format!("Not offered: {}.", why.join(", ")));
        run.invalid = Some("this server does not offer it".to_owned());
        return Ok(run);
    }
    let mut load = messages("readers", &room, RATE, stage.sizes.transport_s);
    load.over_http = !transport.is_duplex();
    let before = stage.effort();
    let loaded = generator.load(load)?;
    note_spent(&mut run, stage.spent(before.as_ref()), loaded.copies);
    note_load(&mut run, &loaded);
    let each = |value: u64| value as f64 / loaded.copies.max(1) as f64;
    run.measure("bytes_up_per_delivery", each(loaded.wire.up));
    run.measure("bytes_down_per_delivery", each(loaded.wire.down));
    run.measure("requests_per_delivery", each(loaded.wire.requests));
    // The poster's own connection is not a reader's.
    let posters = u64::from(!transport.is_duplex());
    let connections = loaded.wire.connections.saturating_sub(posters);
    run.measure("connections", connections as f64);
    Ok(run)
}

/// How often the overlapping client asks.
const TICK: Duration = Duration::from_millis(50);

/// The longest its network delays an answer, ms.
const JITTER_MS: u64 = 200;

/// `setInterval` polling: the next question does not wait for the last
/// answer. On a network whose answers take 0 to 200 ms (here the client adds
/// the delay, loopback has none) answers overtake each other.
fn overlapping(stage: &Stage<'_>) -> io::Result<Run> {
    let mut run = stage.run(Experiment::Transports, "setInterval polls");
    run.parameter("tick_ms", TICK.as_millis() as f64);
    run.parameter("jitter_ms", JITTER_MS as f64);
    let room = "overlapping";
    let mut generator = stage.generator()?;
    generator.open(readers("readers", room, 1))?;
    let seconds = stage.sizes.transport_s;
    let load = messages("readers", room, 2.0 * RATE, seconds);
    generator.tell(&crate::generator::command::Command::Load(load))?;
    let shown = poll_on_a_timer(stage, room, seconds)?;
    generator.loaded()?;
    let mut highest = 0;
    let (mut twice, mut disordered) = (0, 0);
    let mut seen = std::collections::BTreeSet::new();
    for seq in &shown {
        if !seen.insert(*seq) {
            twice += 1;
        }
        // Below a newer one, whether it was there before or not.
        if *seq < highest {
            disordered += 1;
        }
        highest = highest.max(*seq);
    }
    run.measure("shown", shown.len() as f64);
    run.measure("shown_twice", f64::from(twice));
    run.measure("shown_out_of_order", f64::from(disordered));
    Ok(run)
}

/// The messages in the order a naive client would show them.
fn poll_on_a_timer(
    stage: &Stage<'_>,
    room: &str,
    seconds: f64,
) -> io::Result<Vec<u64>> {
    let (sender, answers) = mpsc::sync_channel::<(Option<u64>, Vec<u64>)>(256);
    let (mut shown, mut cursor) = (Vec::new(), None);
    let mut workers = Vec::new();
    let began = Instant::now();
    let mut tick = 0_u64;
    while began.elapsed().as_secs_f64() < seconds + 0.2 {
        // A multiplicative step through 0 … 200: spread, and repeatable.
        let delay = Duration::from_millis(tick * 83 % JITTER_MS);
        tick += 1;
        let (address, sender) = (stage.server.address, sender.clone());
        let after: String =
            cursor.map_or(String::new(), |c: u64| format!("?after={c}"));
        let path = format!("/api/rooms/{room}/messages{after}");
        let worker = thread::Builder::new().spawn(move || {
            let patience = Duration::from_secs(5);
            let Ok((_, body)) = server::get(address, &path, patience) else {
                return;
            };
            thread::sleep(delay);
            let (mut words, mut last) = (Vec::new(), None);
            scan::messages(body.as_bytes(), 0, &mut words);
            scan::cursor(body.as_bytes(), &mut words);
            let mut seqs = Vec::new();
            for word in words {
                match word {
                    Word::Message { seq, .. } => seqs.push(seq),
                    Word::Cursor(cursor) => last = Some(cursor),
                    _ => {}
                }
            }
            // Nobody listens any more: the measurement is over.
            let _ = sender.send((last, seqs));
        })?;
        workers.push(worker);
        thread::sleep(TICK);
        for (last, seqs) in answers.try_iter() {
            cursor = last.or(cursor);
            shown.extend(seqs);
        }
    }
    for worker in workers {
        // A worker cannot panic, and if it did its answer is just missing.
        let _ = worker.join();
    }
    drop(sender);
    shown.extend(answers.try_iter().flat_map(|(_, seqs)| seqs));
    Ok(shown)
}
