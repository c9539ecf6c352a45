//! The generator: one process that is thousands of clients.
//!
//! It runs as a child of the comparison, pinned to a processor of its own,
//! takes [`command::Command`]s from stdin and answers on stdout. It ends when
//! its parent does. It shares no code with the server it measures.

pub mod codec;
pub mod command;
pub mod connection;
pub mod driver;
pub mod engine;
pub mod groups;
pub mod ledger;
pub mod load;
pub mod requests;
pub mod retry;
pub mod scan;
pub mod socket;

use std::io::{self, BufRead as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use mio::{Poll, Waker};

/// Commands waiting at most; the parent sends one at a time.
const COMMANDS: usize = 16;

/// Runs as the generator until stdin ends.
///
/// # Errors
/// Those of the system calls of the loop.
pub fn run(server: SocketAddr) -> io::Result<()> {
    let poll = Poll::new()?;
    // Shared, because a waker that is dropped takes its last call with it.
    let waker = Arc::new(Waker::new(poll.registry(), engine::COMMANDS)?);
    let thread_waker = Arc::clone(&waker);
    let (sender, commands) = sync_channel(COMMANDS);
    // Stdin blocks, so a thread reads it; it ends with the process.
    thread::Builder::new().name("commands".to_owned()).spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            let Ok(command) = serde_json::from_str(&line) else { break };
            if sender.send(command).is_err() || thread_waker.wake().is_err() {
                return;
            }
        }
        drop(sender);
        // Nothing is left to tell if even this fails.
        let _ = thread_waker.wake();
    })?;
    let mut engine = engine::Engine::new(poll, server)?;
    engine.run(&commands, |report| {
        let mut stdout = io::stdout().lock();
        serde_json::to_writer(&mut stdout, report)?;
        stdout.write_all(b"\n")?;
        stdout.flush()
    })?;
    drop(waker);
    Ok(())
}
