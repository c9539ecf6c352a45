//! What a broadcast costs: many WebSocket readers in one room, on loopback,
//! for each shape of server in turn.
//!
//!     cargo bench --bench fanout -- [--shapes direct,mailbox] [--idle 10000]
//!
//! Open loop: posts leave at fixed instants whether or not the ones before
//! have arrived, and a delivery's latency counts from the instant its post
//! was due, so a server that stalls is charged for everyone it kept waiting.
//! The server has one core and this program the other, unless `--unpinned`.
//! The bare loop, in the same run, says what the kernel takes of it all.

mod bare;
mod crowd;
mod idle;
mod poster;
mod proc;
mod server;
mod table;

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;

use crowd::Crowd;
use poster::{Schedule, post_all};
use proc::Process;
use server::{Place, Server, Shape};
use table::Row;

/// Posts before those that count, to warm everything up.
const WARM_UP: u64 = 100;
/// How long deliveries may be late before they are given up as lost.
const PATIENCE: Duration = Duration::from_secs(10);

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What a broadcast costs, for each shape of server.
#[derive(Parser)]
struct Options {
    /// The servers, measured in turn.
    #[arg(long, value_delimiter = ',')]
    #[arg(default_value = "bare,direct,mailbox,event-loop")]
    shapes: Vec<Shape>,
    /// WebSocket readers in the room.
    #[arg(long, default_value_t = 1000)]
    readers: usize,
    /// How many of them post too.
    #[arg(long, default_value_t = 1)]
    posters: usize,
    /// Posts a second, each rate in its own run.
    #[arg(long, value_delimiter = ',', default_value = "100,1000")]
    rates: Vec<u32>,
    /// How long each run posts, in seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How often everything is measured, turn and turn about.
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// Let the scheduler place the server and this program.
    #[arg(long)]
    unpinned: bool,
    /// Measure what so many readers take who only wait.
    #[arg(long, num_args = 0..=1, default_missing_value = "1000")]
    idle: Option<usize>,
    /// Another build of the program, to compare with.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_twinchat"))]
    program: PathBuf,
    /// Be the bare loop.
    #[arg(long, hide = true)]
    bare: bool,
    /// Cargo says so to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Outcome<()> {
    let options = Options::parse();
    if options.bare {
        return bare::serve();
    }
    let place = match options.unpinned {
        true => Place::Anywhere,
        false => Place::Pinned,
    };
    if let Some(readers) = options.idle {
        return idle::measure(&options, readers, place);
    }
    println!(
        "{} readers and {} posters on loopback, {} s a run; {place}",
        options.readers, options.posters, options.seconds,
    );
    println!("{}", Row::HEAD);
    for _ in 0..options.rounds {
        for rate in &options.rates {
            for shape in &options.shapes {
                println!("{}", measure(&options, *shape, *rate, place)?);
            }
        }
    }
    Ok(())
}

/// One run: a fresh server, everyone connected, posts at `rate`.
fn measure(
    options: &Options,
    shape: Shape,
    rate: u32,
    place: Place,
) -> Outcome<Row> {
    let server = Server::start(shape, &options.program, place)?;
    let mut crowd = Crowd::connect(&server, options.readers)?;
    let posters = crowd.sockets(options.posters)?;
    let warm_up = Schedule::new("warm-up", rate, WARM_UP);
    let poster = post_all(&posters, warm_up)?;
    crowd.listen(warm_up, PATIENCE)?;
    poster.join()?;
    crowd.forget();

    let process = Process(server.pid());
    let before = process.work()?;
    let posts = u64::from(rate) * options.seconds;
    let schedule = Schedule::new("run", rate, posts);
    let poster = post_all(&posters, schedule)?;
    crowd.listen(schedule, PATIENCE)?;
    let took = schedule.start.elapsed();
    let work = process.work()?.since(&before);
    // In a server that is overrun, the last posts may never be taken.
    drop(server);
    poster.join()?;
    let expected = posts * options.readers as u64;
    Ok(Row { shape, rate, took, work, expected, tally: crowd.tally })
}

/// Polls `check` until it gives something, or the time is up.
fn wait_for<T>(
    time: Duration,
    mut check: impl FnMut() -> Outcome<Option<T>>,
) -> Outcome<T> {
    let until = Instant::now() + time;
    loop {
        if let Some(found) = check()? {
            return Ok(found);
        }
        if Instant::now() > until {
            return Err("it did not happen in time".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
