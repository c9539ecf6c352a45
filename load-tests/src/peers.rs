//! Other people's stacks, so that the numbers have a scale: the least chat
//! that Node with `ws`, Bun and axum can be, in `load-tests/peers/`.
//!
//! They speak enough of the protocol to be measured: `hello`, `post`, `ack`,
//! `message`. No history, no rules: they have less to do than the twins.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueEnum;

use crate::contender::Contender;
use crate::plan::{Entrant, Kind};

/// A peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    /// Node.js with the `ws` package.
    Node,
    /// Rust with axum on tokio, one thread.
    Axum,
    /// Bun with its own server.
    Bun,
}

impl Peer {
    /// Its column's name.
    pub fn name(self) -> &'static str {
        match self {
            Peer::Node => "node",
            Peer::Axum => "axum",
            Peer::Bun => "bun",
        }
    }

    /// Installs or builds it in `peers`, the directory of their sources.
    ///
    /// # Errors
    /// A sentence that says what is missing; the comparison goes on without.
    pub fn prepare(self, peers: &Path) -> Result<Contender, String> {
        let directory = peers.join(self.name());
        if !directory.is_dir() {
            return Err(format!("{} is not there", directory.display()));
        }
        let command = match self {
            Peer::Node => {
                require("node")?;
                install(&directory)?;
                vec!["node".to_owned(), "server.mjs".to_owned()]
            }
            Peer::Bun => {
                install(&directory)?;
                let own = directory.join("node_modules/.bin/bun");
                vec![own.display().to_string(), "server.js".to_owned()]
            }
            Peer::Axum => {
                let build = ["build", "--release", "--quiet"];
                run("cargo", &build, &directory)?;
                let program = directory.join("target/release/axum-peer");
                vec![program.display().to_string()]
            }
        };
        let entrant =
            Entrant { name: self.name().to_owned(), kind: Kind::Peer };
        Ok(Contender { entrant, command, directory: Some(directory) })
    }
}

/// Where the peers' sources are, from the crate that was built.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

fn install(directory: &Path) -> Result<(), String> {
    if directory.join("node_modules").is_dir() {
        return Ok(());
    }
    require("npm")?;
    run("npm", &["install", "--no-audit", "--no-fund", "--silent"], directory)
}

fn require(program: &str) -> Result<(), String> {
    run(program, &["--version"], Path::new("."))
        .map_err(|_| format!("{program} is not installed"))
}

fn run(
    program: &str,
    arguments: &[&str],
    directory: &Path,
) -> Result<(), String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("{program}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or("it failed").to_owned();
    Err(format!("{program} {}: {last}", arguments.join(" ")))
}
