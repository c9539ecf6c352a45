//! Load tests: every claim about the two servers, put to the proof.
//!
//! From below: `stats` and `histogram` know numbers; `plan` and `preflight`
//! what to run; `generator` is the child process that is thousands of clients;
//! `experiments` use it and write run files (`schema`); `report`, `diff` and
//! `fail_if` read nothing but run files.

pub mod cli;
pub mod compare;
pub mod contender;
pub mod diff;
pub mod environment;
pub mod experiments;
pub mod fail_if;
pub mod generator;
pub mod histogram;
pub mod interrupt;
pub mod peers;
pub mod pin;
pub mod plan;
pub mod preflight;
pub mod proc;
pub mod progress;
pub mod report;
pub mod schema;
pub mod server;
pub mod sizes;
pub mod stage;
pub mod stats;
