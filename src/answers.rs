//! What both servers answer in the same words, whatever they had to wait for.
//!
//! Floor 2: from what the floors below decided to the answer that says it.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::chat::{Message, Page};
use crate::config::Config;
use crate::machine;
use crate::store::Outcome;
use crate::wire::api::Work;
use crate::wire::http::{Problem, Response};
use crate::wire::json::{self, About, LimitsView, Worked};
use crate::wire::stream::Format;

/// A post that is in the history.
pub enum Posted {
    /// It is new.
    New(Arc<Message>),
    /// It was there already: a retry.
    Again(Arc<Message>),
}

/// What became of a post, for its sender.
///
/// # Errors
/// 409 if its id stands for other words, 503 if it could not be made safe;
/// also with no outcome at all, when the journal has ended.
pub fn posted(outcome: Option<Outcome>) -> Result<Posted, Problem> {
    match outcome {
        Some(Outcome::New(message)) => Ok(Posted::New(message)),
        Some(Outcome::Again(message)) => Ok(Posted::Again(message)),
        Some(Outcome::Conflict) => Err(Problem::new(
            409,
            "id_conflict",
            "This id was used for another nick or text: choose a new one.",
        )),
        Some(Outcome::Failed(reason)) => Err(Problem::later(
            503,
            "storage",
            format!("The message could not be made safe: {reason}."),
            5,
        )),
        None => Err(shutting_down()),
    }
}

impl Posted {
    /// The message as it is in the history.
    pub fn message(&self) -> &Message {
        match self {
            Posted::New(message) | Posted::Again(message) => message,
        }
    }

    /// The answer to a POST: 201, or 200 for a retry.
    pub fn response(&self) -> Response {
        let status = match self {
            Posted::New(_) => 201,
            Posted::Again(_) => 200,
        };
        let json = json::message(self.message());
        Response::with_body(status, "application/json", json)
    }
}

/// More posts wait for the disk than may.
pub fn busy() -> Problem {
    let detail = "More is being posted than can be made safe: wait a moment.";
    Problem::later(503, "busy", detail, 1)
}

/// What lies on disk cannot be read.
pub fn unreadable(reason: String) -> Problem {
    let detail = format!("Older messages cannot be read: {reason}.");
    Problem::later(503, "storage", detail, 5)
}

/// The answer to everything but `/healthz` while the server goes.
pub fn shutting_down() -> Problem {
    let detail = "The server is going: come back in a moment.";
    let problem = Problem::later(503, "shutting_down", detail, 1);
    Problem { close: true, ..problem }
}

/// The answer to a client for whom there is no place.
pub fn full() -> Problem {
    let detail = "As many are connected as can be: come back in a moment.";
    let problem = Problem::later(503, "full", detail, 5);
    Problem { close: true, ..problem }
}

/// The answer to a client that does not send its request in time.
pub fn too_slow(part: &str) -> Problem {
    let code = match part {
        "head" => "head_too_slow",
        _ => "body_too_slow",
    };
    let detail = format!("The request's {part} did not come in time.");
    Problem::closing(408, code, detail)
}

/// A page of messages; never kept by anything in between.
pub fn page(page: &Page) -> Response {
    Response::json_now(json::page(page))
}

/// The head of a stream that never ends; nothing in between may keep it back
/// (`x-accel-buffering` is what nginx listens to).
pub fn stream(format: Format) -> Response {
    let media_type = match format {
        Format::Events => "text/event-stream",
        Format::Lines | Format::Frames => "application/x-ndjson",
    };
    Response::with_body(200, media_type, "")
        .field("cache-control", "no-store")
        .field("x-accel-buffering", "no")
}

/// Whether the server is well.
pub fn health(stopping: &AtomicBool) -> Response {
    let (status, body) = match stopping.load(Ordering::Relaxed) {
        true => (503, "shutting down\n"),
        false => (200, "ok\n"),
    };
    Response::with_body(status, "text/plain; charset=utf-8", body)
}

/// What this server is; `threads` is what it counts itself, for systems that
/// do not tell.
pub fn about(
    config: &Config,
    started: Instant,
    connections: usize,
    cap: usize,
    threads: usize,
) -> Response {
    let threads = machine::thread_count().map_or(threads, |n| n as usize);
    let json = json::about(&About {
        server: config.kind.name(),
        version: env!("CARGO_PKG_VERSION"),
        pid: process::id(),
        uptime_s: started.elapsed().as_secs(),
        connections,
        threads,
        limits: LimitsView::new(&config.limits, cap),
    });
    Response::json_now(json)
}

/// Burns processor time, as the demonstration asks: time that this thread
/// really ran, so that two of them on one core take twice as long. It ends
/// early if the server stops.
pub fn burn(work: Work, stopping: &AtomicBool) -> Response {
    let begun = Instant::now();
    let (start, budget) = (processor_time(), Duration::from_millis(work.ms));
    while processor_time().saturating_sub(start) < budget
        && !stopping.load(Ordering::Relaxed)
    {
        (0..1000).for_each(|n| {
            std::hint::black_box(n);
        });
    }
    let json = json::worked(&Worked {
        ms: work.ms,
        offload: work.offload,
        took_ms: begun.elapsed().as_millis() as u64,
    });
    Response::json_now(json)
}

/// How long this thread has run (clock_gettime(2)).
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
