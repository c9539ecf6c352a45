//! What group commit buys: one poster against 64, each waiting for its own
//! message to be safe before it sends the next.
//!
//!     cargo bench --bench journal -- [DIRECTORY]
//!
//! The directory has to be on the disk in question; a tmpfs has no fsync to
//! wait for. By default it is the working directory.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};
use twinchat::chat::{Draft, MessageId, Nick, RoomName, Rule, Text};
use twinchat::store::{Journal, Outcome, Place, Post, Settled, Store};

/// How long each number of posters is measured.
const ROUND: Duration = Duration::from_secs(3);
/// How often, turn and turn about.
const ROUNDS: usize = 3;
/// Posters at once.
const MANY: usize = 64;

type Ticket = Sender<Outcome>;

/// What was measured in one round.
struct Round {
    /// Messages made safe in a second.
    rate: f64,
    /// Messages in a batch, on average.
    batch: f64,
    /// The median of what a batch took, in microseconds.
    commit: u128,
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args().skip(1).find(|a| !a.starts_with('-'));
    let directory = PathBuf::from(directory.unwrap_or_else(|| ".".into()));
    println!("posters  messages/s  per batch  commit (median)");
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let one = measure(&directory, 1)?;
        let many = measure(&directory, MANY)?;
        for (posters, round) in [(1, &one), (MANY, &many)] {
            let Round { rate, batch, commit } = round;
            println!("{posters:7}  {rate:10.0}  {batch:9.1}  {commit:12} µs");
        }
        ratios.push(many.rate / one.rate);
    }
    ratios.sort_by(f64::total_cmp);
    println!("{MANY} against one, median: {:.1} times", ratios[ROUNDS / 2]);
    Ok(())
}

fn measure(directory: &Path, posters: usize) -> Result<Round, Box<dyn Error>> {
    let directory = tempfile::tempdir_in(directory)?;
    let place = Place::File(directory.path().join("twinchat.db"));
    let commits = Arc::new(Mutex::new(Vec::new()));
    let deliver = {
        let commits = commits.clone();
        move |batch: Vec<Settled<Ticket>>, took: Duration| {
            commits.lock().expect("nobody panics").push(took.as_micros());
            for settled in batch {
                let _ = settled.ticket.send(settled.outcome);
            }
        }
    };
    let journal =
        Journal::start(Store::open(&place, 1000, 0)?, deliver, |reason| {
            panic!("{reason}")
        })?;
    let posted = AtomicU64::new(0);
    let begun = Instant::now();
    thread::scope(|scope| {
        for poster in 0..posters {
            let (journal, posted) = (&journal, &posted);
            scope.spawn(move || {
                for n in 0.. {
                    if begun.elapsed() >= ROUND {
                        return;
                    }
                    say(journal, poster, n);
                    posted.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let seconds = begun.elapsed().as_secs_f64();
    journal.close();
    let posted = posted.into_inner() as f64;
    let mut commits = commits.lock().expect("nobody panics");
    commits.sort_unstable();
    Ok(Round {
        rate: posted / seconds,
        batch: posted / commits.len() as f64,
        commit: commits[commits.len() / 2],
    })
}

/// Posts one message, and waits until it is safe.
fn say(journal: &Journal<Ticket>, poster: usize, n: u32) {
    let (ticket, outcome) = bounded(1);
    let draft = draft(poster, n).expect("every word keeps its rule");
    let room = RoomName::new("lobby").expect("a good name");
    let post = Post { room, draft, at: 0, ticket };
    journal.post(post).expect("the queue has room for everyone");
    let outcome = outcome.recv().expect("every post is settled");
    assert!(matches!(outcome, Outcome::New(_)), "{outcome:?}");
}

fn draft(poster: usize, n: u32) -> Result<Draft, Rule> {
    Ok(Draft {
        id: MessageId::new(&format!("{poster}-{n}"))?,
        nick: Nick::new("ada")?,
        text: Text::new(
            "Sixty-four bytes or so, as people send them to a chat.",
        )?,
    })
}
