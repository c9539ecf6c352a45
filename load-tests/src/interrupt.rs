//! Ctrl-C: stop the run that is under way, keep those that are done.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static CHILDREN: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Listens for SIGINT and SIGTERM from now on.
///
/// # Errors
/// If the handlers cannot be installed.
pub fn listen() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for _ in signals.forever() {
            INTERRUPTED.store(true, Ordering::SeqCst);
            // Whoever waits for a child's answer is woken by its end.
            for pid in children().drain(..) {
                kill(pid, Signal::KILL);
            }
        }
    })?;
    Ok(())
}

/// Whether someone wants us to stop.
pub fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// A child that is to end when we are interrupted.
pub fn adopt(pid: u32) {
    children().push(pid);
}

/// A child that has ended by itself.
pub fn release(pid: u32) {
    children().retain(|child| *child != pid);
}

fn children() -> std::sync::MutexGuard<'static, Vec<u32>> {
    CHILDREN.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Sends a signal to a child of ours; it may have ended already.
pub fn kill(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid as i32) {
        let _ = kill_process(pid, signal);
    }
}
