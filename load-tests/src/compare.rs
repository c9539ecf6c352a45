//! Carries out a plan: starts servers, runs experiments, writes run files,
//! and in the end the report.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::cli::{Compare, RunOptions};
use crate::contender::Contender;
use crate::environment;
use crate::experiments;
use crate::fail_if::Bound;
use crate::interrupt;
use crate::peers;
use crate::pin;
use crate::plan::{self, Experiment, Step};
use crate::preflight;
use crate::progress::Progress;
use crate::report;
use crate::schema::{self, Run};
use crate::server::Server;
use crate::sizes::{Size, Sizes};
use crate::stage::Stage;

/// Any free port of this machine.
const ANY_PORT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Which processors server and generator stay on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pinning {
    server: Option<usize>,
    generator: Option<usize>,
    words: String,
}

impl Pinning {
    fn of(cpus: &[usize]) -> Pinning {
        match cpus {
            [server, generator, ..] => Pinning {
                server: Some(*server),
                generator: Some(*generator),
                words: format!(
                    "server on CPU {server}, generator on CPU {generator}"
                ),
            },
            _ => Pinning::none(),
        }
    }

    fn none() -> Pinning {
        let words = "nothing pinned".to_owned();
        Pinning { server: None, generator: None, words }
    }
}

/// Runs a whole comparison.
///
/// # Errors
/// If a server cannot be built or the results cannot be written.
pub fn compare(options: &Compare) -> io::Result<ExitCode> {
    interrupt::listen()?;
    let contenders = contenders(options)?;
    let mut sizes = Sizes::of(options.size());
    if let Some(repetitions) = options.repetitions {
        sizes.fanout_repetitions = repetitions;
        sizes.repetitions = repetitions;
    }
    let (facts, raised) = preflight::observe();
    let capacity = preflight::capacity(&facts, sizes.most_clients());
    let sizes = sizes.within(&capacity);
    let pinning = match options.no_pin {
        true => Pinning::none(),
        false => Pinning::of(&pin::allowed_cpus()),
    };
    let entrants: Vec<plan::Entrant> =
        contenders.iter().map(|c| c.entrant.clone()).collect();
    let experiments = match options.only.as_slice() {
        [] => Experiment::usual(options.size()),
        only => only,
    };
    let steps = plan::plan(experiments, &entrants, &sizes);
    let mut environment = environment::observe();
    environment.pinning.clone_from(&pinning.words);
    environment.preflight.extend(raised);
    environment.preflight.extend(capacity.sentences);
    let directory = directory(options.out.as_deref());
    schema::write_environment(&directory, &environment)?;
    announce(&environment.preflight, &steps, &directory);
    let mut runs = Vec::new();
    let mut progress = Progress::new(plan::total_seconds(&steps));
    for step in &steps {
        if interrupt::is_interrupted() {
            progress.say("Interrupted: the report has what there is.");
            break;
        }
        progress.begin(&step_name(step));
        match carry_out(step, &contenders, &sizes, &pinning) {
            Ok(new) => {
                for run in &new {
                    schema::write_run(&directory, run)?;
                }
                runs.extend(new);
            }
            Err(_) if interrupt::is_interrupted() => {}
            Err(error) => {
                progress.say(&format!("{}: {error}", step_name(step)));
                let run = failed(step, &error);
                schema::write_run(&directory, &run)?;
                runs.push(run);
            }
        }
        progress.end(step.seconds);
    }
    drop(progress);
    finish(&directory, &runs, &options.fail_if)
}

/// Runs one experiment against a running server.
///
/// # Errors
/// If there is no server, or the experiment cannot be run on it.
pub fn run_one(options: &RunOptions) -> io::Result<ExitCode> {
    interrupt::listen()?;
    let address = loopback(&options.url)?;
    let size = match (options.smoke, options.quick) {
        (true, _) => Size::Smoke,
        (false, true) => Size::Quick,
        (false, false) => Size::Full,
    };
    let mut sizes = Sizes::of(size);
    let (facts, raised) = preflight::observe();
    adjust(&mut sizes, options);
    let capacity = preflight::capacity(&facts, sizes.most_clients());
    let sizes = sizes.within(&capacity);
    let directory = directory(options.out.as_deref());
    let mut environment = environment::observe();
    environment.preflight.extend(raised);
    environment.preflight.extend(capacity.sentences);
    environment.pinning = "not pinned by us".to_owned();
    schema::write_environment(&directory, &environment)?;
    let mut stage = Stage {
        server: Server::running(address, options.pid),
        recipe: None,
        contender: options.name.clone(),
        sizes: &sizes,
        generator_cpu: None,
        pinning: environment.pinning.clone(),
        repetition: 0,
    };
    let runs = experiments::run(options.experiment, &mut stage)?;
    for run in &runs {
        schema::write_run(&directory, run)?;
        print_run(run);
    }
    finish(&directory, &runs, &options.fail_if)
}

/// What the command line wants otherwise.
fn adjust(sizes: &mut Sizes, options: &RunOptions) {
    if let Some(readers) = options.readers {
        sizes.idle_readers = readers;
        sizes.fanout.truncate(1);
        sizes.fanout[0].0 = readers;
        sizes.fanout_many_posters = 0;
        sizes.rungs = vec![readers];
        sizes.transport_readers = readers;
        sizes.slow_readers = readers;
        sizes.churn_clients = readers;
    }
    if let Some(rate) = options.rate {
        sizes.fanout.truncate(1);
        sizes.fanout[0].1 = rate;
        sizes.fanout_many_posters = 0;
    }
    if let Some(seconds) = options.seconds {
        sizes.measure_s = seconds;
        sizes.rung_s = seconds;
        sizes.idle_s = seconds;
        sizes.transport_s = seconds;
        sizes.slow_s = seconds;
    }
}

fn print_run(run: &Run) {
    println!("{} · {} · {}", run.experiment, run.case, run.contender);
    for (name, value) in &run.measures {
        println!("  {name:<32} {value:>14.3}");
    }
    for (kind, count) in &run.errors {
        println!("  error: {kind:<25} {count:>14}");
    }
    if let Some(why) = &run.invalid {
        println!("  INVALID: {why}");
    }
    for note in &run.notes {
        println!("  {note}");
    }
}

/// The servers to compare; what cannot be had is skipped by name.
fn contenders(options: &Compare) -> io::Result<Vec<Contender>> {
    let program = match &options.program {
        Some(program) => program.clone(),
        None if options.servers.is_empty() => PathBuf::new(),
        None => build()?,
    };
    let mut contenders = Vec::new();
    for name in options.servers.iter().filter(|name| !name.is_empty()) {
        let contender = Contender::twin(name, &program);
        contenders.push(contender.ok_or_else(|| {
            io::Error::other(format!("there is no server `{name}`"))
        })?);
    }
    for peer in &options.peers {
        match peer.prepare(&peers::directory()) {
            Ok(contender) => contenders.push(contender),
            Err(why) => eprintln!("Without {}: {why}.", peer.name()),
        }
    }
    Ok(contenders)
}

/// Builds the server with all optimizations and says where it is.
fn build() -> io::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let status = Command::new("cargo")
        .args(["build", "--release", "--quiet", "--package", "twinchat"])
        .current_dir(&root)
        .status()?;
    if !status.success() {
        return Err(io::Error::other("the server does not build"));
    }
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), PathBuf::from);
    target.join("release/twinchat").canonicalize()
}

fn carry_out(
    step: &Step,
    contenders: &[Contender],
    sizes: &Sizes,
    pinning: &Pinning,
) -> io::Result<Vec<Run>> {
    let contender = contenders
        .iter()
        .find(|contender| contender.name() == step.contender)
        .ok_or_else(|| io::Error::other("a step without a server"))?;
    // One processor could not show parallel work, whoever did it.
    let is_pinned = step.is_pinned && step.experiment != Experiment::Parallel;
    let pinning = if is_pinned { pinning.clone() } else { Pinning::none() };
    let recipe = contender.recipe(step.experiment, ANY_PORT, pinning.server);
    let mut stage = Stage {
        server: Server::start(&recipe)?,
        recipe: Some(recipe),
        contender: step.contender.clone(),
        sizes,
        generator_cpu: pinning.generator,
        pinning: pinning.words,
        repetition: step.repetition,
    };
    let mut runs = experiments::run(step.experiment, &mut stage)?;
    if !step.is_pinned {
        for run in &mut runs {
            run.case += " (unpinned)";
        }
    }
    Ok(runs)
}

/// A step that could not be carried out is a result too.
fn failed(step: &Step, error: &io::Error) -> Run {
    let mut run = Run::new(step.experiment.name(), "did not finish");
    run.contender.clone_from(&step.contender);
    run.repetition = step.repetition;
    run.invalid = Some(error.to_string());
    run
}

fn step_name(step: &Step) -> String {
    let pinned = if step.is_pinned { "" } else { ", unpinned" };
    format!(
        "{} · {} · repetition {}{pinned}",
        step.experiment.name(),
        step.contender,
        step.repetition + 1
    )
}

fn announce(preflight: &[String], steps: &[Step], directory: &Path) {
    for sentence in preflight {
        eprintln!("{sentence}");
    }
    let minutes = plan::total_seconds(steps) / 60.0;
    eprintln!(
        "{} steps, about {minutes:.1} minutes; Ctrl-C keeps what there is. \
         Results in {}",
        steps.len(),
        directory.display()
    );
}

/// Where results go: `results/2026-11-21T09-30-00`, unless told otherwise.
fn directory(wanted: Option<&Path>) -> PathBuf {
    match wanted {
        Some(path) => path.to_owned(),
        None => {
            let now = jiff::Timestamp::now().to_string();
            let time: String = now.chars().take(19).collect();
            Path::new("results").join(time.replace(':', "-"))
        }
    }
}

/// Load is for servers on this machine, and never leaves it.
fn loopback(url: &str) -> io::Result<SocketAddr> {
    let wrong = || io::Error::other(format!("{url}: not http://127.…:PORT/"));
    let rest = url.strip_prefix("http://").ok_or_else(wrong)?;
    let address: SocketAddr =
        rest.trim_end_matches('/').parse().map_err(|_| wrong())?;
    match address.ip().is_loopback() && address.is_ipv4() {
        true => Ok(address),
        false => Err(wrong()),
    }
}

fn finish(
    directory: &Path,
    runs: &[Run],
    bounds: &[Bound],
) -> io::Result<ExitCode> {
    if runs.is_empty() {
        return Err(io::Error::other("nothing was measured"));
    }
    let path = report::write(directory)?;
    println!("{}", path.display());
    let broken: Vec<String> =
        bounds.iter().flat_map(|bound| bound.broken_by(runs)).collect();
    for sentence in &broken {
        eprintln!("FAILED {sentence}");
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
