//! The servers that are compared: what they are called and how to start them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::plan::{Entrant, Experiment, Kind};
use crate::server::Recipe;

/// One column of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contender {
    /// What it is, for the planner.
    pub entrant: Entrant,
    /// The program, with the arguments that make it this contender.
    pub command: Vec<String>,
    /// Where to start it.
    pub directory: Option<PathBuf>,
}

/// Options of ours that make runs comparable: nothing on disk, no second
/// port, nothing rationed by address or rate.
const FOR_MEASURING: [&str; 8] = [
    "--history",
    "memory",
    "--admin",
    "none",
    "--max-per-ip",
    "0",
    "--post-rate",
    "0",
];

/// The twins and the textbook's fan-out, in the order of the report.
pub const TWINS: [&str; 3] = ["threads", "event-loop", "mailbox"];

impl Contender {
    /// One of [`TWINS`], run from `program`.
    pub fn twin(name: &str, program: &Path) -> Option<Contender> {
        let (options, kind): (&[&str], Kind) = match name {
            "threads" => (&["--server", "threads"], Kind::Twin),
            "event-loop" => (&["--server", "event-loop"], Kind::Twin),
            "mailbox" => {
                (&["--server", "threads", "--fanout", "mailbox"], Kind::Mailbox)
            }
            _ => return None,
        };
        let mut command = vec![program.display().to_string()];
        let words = options.iter().chain(&FOR_MEASURING);
        command.extend(words.map(|word| (*word).to_owned()));
        let entrant = Entrant { name: name.to_owned(), kind };
        Some(Contender { entrant, command, directory: None })
    }

    /// Its column's name.
    pub fn name(&self) -> &str {
        &self.entrant.name
    }

    /// How to start it for `experiment`, at `address` (port 0: any).
    pub fn recipe(
        &self,
        experiment: Experiment,
        address: SocketAddr,
        cpu: Option<usize>,
    ) -> Recipe {
        let mut command = self.command.clone();
        command.extend(["--listen".to_owned(), address.to_string()]);
        if self.entrant.kind != Kind::Peer {
            let more: &[&str] = match experiment {
                Experiment::Block | Experiment::Parallel => &["--demo"],
                // So that a cut reader can resume however late it comes.
                Experiment::SlowReader => &["--keep-messages", "10000"],
                _ => &[],
            };
            command.extend(more.iter().map(|word| (*word).to_owned()));
        }
        Recipe { command, directory: self.directory.clone(), cpu }
    }
}
