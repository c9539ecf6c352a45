//! The server that is measured: the real program, in a process of its own.

use std::env::current_exe;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use clap::ValueEnum;
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::Outcome;

/// The core of the server.
const SERVER_CORE: usize = 0;
/// The core of this program.
const OWN_CORE: usize = 1;

/// A shape of server.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shape {
    /// Not a server: a loop that sends, to know what the kernel takes.
    Bare,
    /// A thread per client; whoever broadcasts writes to every socket.
    Direct,
    /// A thread, a channel and a writer thread per client.
    Mailbox,
    /// One thread for everyone.
    EventLoop,
}

impl Shape {
    /// What it is called, in a table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Shape::Bare => "bare send loop",
            Shape::Direct => "threads, direct",
            Shape::Mailbox => "threads, mailbox",
            Shape::EventLoop => "event loop",
        }
    }

    /// What runs it: for everything but the bare loop, the real program.
    fn command(self, program: &Path) -> Outcome<Command> {
        let kind: &[&str] = match self {
            Shape::Bare => {
                let mut command = Command::new(current_exe()?);
                command.arg("--bare");
                return Ok(command);
            }
            Shape::Direct => &["--server", "threads", "--fanout", "direct"],
            Shape::Mailbox => &["--server", "threads", "--fanout", "mailbox"],
            Shape::EventLoop => &["--server", "event-loop"],
        };
        let mut command = Command::new(program);
        // Without a disk and without rates: only the fan-out is measured.
        command
            .args(kind)
            .args(["--listen", "127.0.0.1:0", "--history", "memory"])
            .args(["--admin", "none", "--max-per-ip", "0"])
            .args(["--post-rate", "0"]);
        Ok(command)
    }
}

/// Where the two processes run.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// Each has a core.
    Pinned,
    /// Wherever the scheduler puts them.
    Anywhere,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Pinned => write!(
                f,
                "server on core {SERVER_CORE}, readers on core {OWN_CORE}"
            ),
            Place::Anywhere => write!(f, "server and readers on any core"),
        }
    }
}

/// A running server; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts one.
    pub(crate) fn start(
        shape: Shape,
        program: &Path,
        place: Place,
    ) -> Outcome<Server> {
        let mut command = shape.command(program)?;
        let before = sched_getaffinity(None)?;
        if let Place::Pinned = place {
            // A child runs where its parent may run when it is born.
            run_on(SERVER_CORE)?;
        }
        let child = command.stdout(Stdio::piped()).spawn();
        match place {
            Place::Pinned => run_on(OWN_CORE)?,
            Place::Anywhere => sched_setaffinity(None, &before)?,
        }
        let mut child = child?;
        let stdout = child.stdout.take().ok_or("it has no output")?;
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            let url = line.strip_prefix("listening on http://");
            if let Some(address) = url {
                let address = address.trim_end_matches('/').parse()?;
                return Ok(Server { child, address });
            }
        }
        Err("the server ended before it listened".into())
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody is told bye: thousands of them would not hear it any more.
        let pid = Pid::from_child(&self.child);
        let _ = kill_process(pid, Signal::KILL);
        let _ = self.child.wait();
    }
}

fn run_on(core: usize) -> Outcome<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}
