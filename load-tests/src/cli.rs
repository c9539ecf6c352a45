//! The command line.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::fail_if::Bound;
use crate::peers::Peer;
use crate::plan::Experiment;
use crate::sizes::Size;

/// Measures every claim about both of Twinchat's servers, and draws it.
#[derive(Debug, Parser)]
#[command(name = "load-tests", version)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Run every experiment on every server and write a report
    Compare(Compare),
    /// Run one experiment against a server that is running already
    Run(RunOptions),
    /// Write report.html again from a folder of run files
    Report {
        /// The folder
        directory: PathBuf,
    },
    /// Say which differences between two folders are real
    Diff {
        /// The folder from before
        before: PathBuf,
        /// The folder from after
        after: PathBuf,
    },
    /// The child process that is thousands of clients
    #[command(hide = true)]
    Generator {
        /// The server
        server: SocketAddr,
        /// The processor to stay on
        #[arg(long)]
        cpu: Option<usize>,
    },
    /// Become another program, on one processor
    #[command(hide = true)]
    Pinned {
        /// The processor to stay on
        #[arg(long)]
        cpu: Option<usize>,
        /// The program and its arguments
        #[arg(last = true)]
        command: Vec<OsString>,
    },
}

/// Options of `compare`.
#[derive(Debug, Args)]
pub struct Compare {
    /// At most 3 minutes instead of 30
    #[arg(long)]
    pub quick: bool,
    /// Seconds: only to see that everything works
    #[arg(long)]
    pub smoke: bool,
    /// Only these experiments
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<Experiment>,
    /// How often to repeat everything, instead of the size's own numbers
    #[arg(long, value_name = "N")]
    pub repetitions: Option<usize>,
    /// Which of our servers: threads, event-loop, mailbox
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "threads,event-loop,mailbox"
    )]
    pub servers: Vec<String>,
    /// Other people's servers beside ours
    #[arg(long, value_delimiter = ',')]
    pub peers: Vec<Peer>,
    /// Where to write [default: results/TIME]
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Leave processes on whatever processor they are given
    #[arg(long)]
    pub no_pin: bool,
    /// The server to run [default: build it and take target/release/twinchat]
    #[arg(long)]
    pub program: Option<PathBuf>,
    /// Exit with 1 if this holds: 'fanout.p99_ms>20'
    #[arg(long, value_name = "BOUND")]
    pub fail_if: Vec<Bound>,
}

impl Compare {
    /// How thorough it is to be.
    pub fn size(&self) -> Size {
        match (self.smoke, self.quick) {
            (true, _) => Size::Smoke,
            (false, true) => Size::Quick,
            (false, false) => Size::Full,
        }
    }
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct RunOptions {
    /// What to run
    pub experiment: Experiment,
    /// The server: http://127.0.0.1:8080/
    #[arg(long)]
    pub url: String,
    /// Its process, for memory and processor time
    #[arg(long)]
    pub pid: Option<u32>,
    /// What to call it in the report
    #[arg(long, default_value = "server")]
    pub name: String,
    /// As small as in a quick comparison
    #[arg(long)]
    pub quick: bool,
    /// As small as in a smoke test
    #[arg(long)]
    pub smoke: bool,
    /// Readers, instead of the experiment's own number
    #[arg(long)]
    pub readers: Option<usize>,
    /// Messages a second, for fanout
    #[arg(long)]
    pub rate: Option<f64>,
    /// Length of a measurement, s
    #[arg(long)]
    pub seconds: Option<f64>,
    /// Where to write [default: results/TIME]
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Exit with 1 if this holds: 'fanout.p99_ms>20'
    #[arg(long, value_name = "BOUND")]
    pub fail_if: Vec<Bound>,
}
