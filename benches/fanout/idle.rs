//! What readers take who only wait.

use std::time::Duration;

use crate::crowd::Crowd;
use crate::poster::{Schedule, post_all};
use crate::proc::Process;
use crate::server::{Place, Server, Shape};
use crate::{Options, Outcome, wait_for};

/// How soon everyone must have a post, and how long that is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Memory is settled when it is the same after this time; who is here is told
/// to everyone once a second while they come.
const SETTLED: Duration = Duration::from_secs(2);

const HEAD: &str = concat!(
    "server            PSS KiB  page tables KiB  kernel stacks KiB  ",
    "threads  descriptors  all had a post after ms  lost"
);

/// Measures each server with and without its readers.
pub(crate) fn measure(
    options: &Options,
    readers: usize,
    place: Place,
) -> Outcome<()> {
    println!("{readers} idle readers; what each one adds; {place}");
    println!("{HEAD}");
    for shape in &options.shapes {
        println!("{}", row(*shape, options, readers, place)?);
    }
    Ok(())
}

fn row(
    shape: Shape,
    options: &Options,
    readers: usize,
    place: Place,
) -> Outcome<String> {
    let server = Server::start(shape, &options.program, place)?;
    let process = Process(server.pid());
    // The first reader touches what all of them share.
    let first = Crowd::connect(&server, 1)?;
    let before = process.size()?;
    let mut crowd = Crowd::connect(&server, readers)?;
    let mut last = 0;
    wait_for(60 * PATIENCE, || {
        crowd.rest(SETTLED)?;
        let pss = process.pss()?;
        let settled = pss.abs_diff(last) < pss / 1000;
        last = pss;
        Ok(settled.then_some(()))
    })?;
    let after = process.size()?;
    let posters = crowd.sockets(1)?;
    let one = Schedule::new("one", 1, 1);
    let poster = post_all(&posters, one)?;
    crowd.listen(one, PATIENCE)?;
    poster.join()?;
    drop(first);
    let each = |after: u64, before: u64| {
        after.saturating_sub(before) as f64 / readers as f64
    };
    let kib = |after, before| each(after, before) / 1024.0;
    let tally = &crowd.tally;
    Ok(format!(
        "{:16}  {:7.1}  {:15.1}  {:17.1}  {:7.2}  {:11.2}  {:23.0}  {:4}",
        shape.name(),
        kib(after.pss, before.pss),
        kib(after.page_tables, before.page_tables),
        kib(after.kernel_stacks, before.kernel_stacks),
        each(after.threads, before.threads),
        each(after.descriptors, before.descriptors),
        tally.latency.max() as f64 / 1e3,
        readers as u64 - tally.delivered,
    ))
}
