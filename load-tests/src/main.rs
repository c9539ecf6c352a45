//! The load tests' command line; the only place that exits.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use load_tests::cli::{Action, Options};
use load_tests::{compare, diff, generator, pin, report, schema, server};

fn main() -> ExitCode {
    match act(Options::parse().action) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("load-tests: {error}");
            ExitCode::from(2)
        }
    }
}

fn act(action: Action) -> io::Result<ExitCode> {
    match action {
        Action::Compare(options) => compare::compare(&options),
        Action::Run(options) => compare::run_one(&options),
        Action::Report { directory } => {
            let path = report::write(&directory)?;
            println!("{}", path.display());
            Ok(ExitCode::SUCCESS)
        }
        Action::Diff { before, after } => {
            let read =
                |path: &Path| schema::read(path).map_err(io::Error::other);
            let (before, after) = (read(&before)?, read(&after)?);
            print!("{}", diff::diff(&before.runs, &after.runs));
            Ok(ExitCode::SUCCESS)
        }
        Action::Generator { server, cpu } => {
            if let Some(cpu) = cpu {
                pin::pin(cpu)?;
            }
            generator::run(server)?;
            Ok(ExitCode::SUCCESS)
        }
        Action::Pinned { cpu, command } => {
            Err(server::become_pinned(cpu, &command))
        }
    }
}
