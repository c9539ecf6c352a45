//! The command line: options, then one of the two servers. The only place
//! that exits.

use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;
use twinchat::config::Kind;
use twinchat::launch::Launch;
use twinchat::options::{Command, Options, Serve};
use twinchat::{admin, event_loop, threads};

fn main() -> ExitCode {
    let options = Options::parse();
    log();
    let done = match options.command {
        None => serve(options.serve),
        Some(Command::Serve(serving)) => serve(*serving),
        Some(Command::Healthcheck(check)) => admin::healthcheck(check.admin),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("twinchat: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn serve(options: Serve) -> Result<(), String> {
    let launch = Launch::new(options.config()?)?;
    match launch.config.kind {
        Kind::Threads => threads::run(launch),
        Kind::EventLoop => event_loop::run(launch),
    }
}

/// Logs go to standard error, as much as `RUST_LOG` asks for; what clients
/// said is written in them with its control characters escaped.
fn log() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .init();
}
