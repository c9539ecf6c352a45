//! The lecture's claims, a number for each server, and what the numbers say
//! of the claim. Nothing here knows the answer beforehand: every sentence is
//! chosen by what was measured.

use super::data::Data;
use super::numbers::{number, with_unit};

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The numbers say the same.
    Holds,
    /// It is true, but not as it is told.
    Subtler,
    /// The numbers say something else.
    Otherwise,
    /// It was not measured, or not validly.
    Open,
}

/// One row of the first table.
#[derive(Clone, Debug)]
pub struct Claim {
    /// What the lecture says.
    pub claim: &'static str,
    /// The experiment it is put to.
    pub experiment: &'static str,
    /// What the numbers are.
    pub unit: String,
    /// Each server's number, in the order of columns.
    pub cells: Vec<String>,
    /// What became of it.
    pub verdict: Verdict,
    /// Why, in a sentence.
    pub sentence: String,
}

/// A number of the thread server and of the event loop.
type Pair = Option<(f64, f64)>;

/// Where a number is found, and how it is shown.
pub(super) struct Question<'a> {
    /// The runs.
    pub(super) data: &'a Data<'a>,
    /// The servers.
    pub(super) columns: &'a [&'a str],
}

/// How many times larger `a` is; 1 if both are nothing.
fn times(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { f64::from(u8::from(a <= 0.0)) }
}

impl Question<'_> {
    /// A claim whose numbers are medians of one measure.
    pub(super) fn claim(
        &self,
        claim: &'static str,
        from: (&'static str, &str, &str),
        unit: &str,
        judge: impl Fn(f64, f64) -> (Verdict, String),
    ) -> Claim {
        let (experiment, case, measure) = from;
        let of =
            |column: &str| self.data.median(experiment, case, column, measure);
        let pair: Pair = of("threads").zip(of("event-loop"));
        let cells = self.columns.iter().map(|c| with_unit(of(c), ""));
        let (verdict, sentence) = match pair {
            Some((threads, event_loop)) => judge(threads, event_loop),
            None => (Verdict::Open, self.why_open(experiment, case)),
        };
        let cells = cells.map(|cell| cell.trim_end().to_owned()).collect();
        let unit = unit.to_owned();
        Claim { claim, experiment, unit, cells, verdict, sentence }
    }

    /// A number that is missing, or was measured and may not be used.
    fn why_open(&self, experiment: &str, case: &str) -> String {
        let ran = |c| !self.data.runs(experiment, case, c).is_empty();
        match ran("threads") && ran("event-loop") {
            true => "Measured, but not validly: why is said below.".to_owned(),
            false => "Not measured on both servers.".to_owned(),
        }
    }

    fn first_case(&self, experiment: &str) -> &str {
        self.data.cases(experiment).first().copied().unwrap_or("")
    }
}

/// Every claim, in the order of the lecture, with the headline first.
pub fn claims(data: &Data<'_>, columns: &[&str]) -> Vec<Claim> {
    let question = Question { data, columns };
    let mut claims = vec![
        switching(&question),
        memory(&question),
        idle(&question),
        latency(&question),
        connections(&question),
        blocking(&question),
        parallel(&question),
        safety(&question),
        slow(&question),
        leaks(&question),
    ];
    claims.extend(super::verdict_clients::claims(&question));
    claims
}

fn switching(q: &Question<'_>) -> Claim {
    let case = q.data.busiest_fanout().unwrap_or("");
    let measure = "switches_per_delivery";
    let mailbox = q.data.median("fanout", case, "mailbox", measure);
    q.claim(
        "Threads pay for context switching",
        ("fanout", case, measure),
        "switches per delivery",
        |threads, event_loop| match mailbox {
            Some(mailbox) if mailbox > 3.0 * threads => (
                Verdict::Otherwise,
                format!(
                    "Not the threads switch, the mailbox does: a writer \
                     thread per reader takes {} switches for each message \
                     delivered, threads that write straight to the sockets \
                     {}, the event loop {}.",
                    number(mailbox),
                    number(threads),
                    number(event_loop)
                ),
            ),
            _ => (
                if threads > 2.0 * event_loop && threads > 0.1 {
                    Verdict::Holds
                } else {
                    Verdict::Otherwise
                },
                format!(
                    "{} switches a delivery against {}.",
                    number(threads),
                    number(event_loop)
                ),
            ),
        },
    )
}

fn memory(q: &Question<'_>) -> Claim {
    let case = q.first_case("idle");
    let user = |c| q.data.median("idle", case, c, "user_kib").unwrap_or(0.0);
    let own = (user("threads"), user("event-loop"));
    q.claim(
        "Threads use more memory",
        ("idle", case, "total_kib"),
        "KiB per idle reader, kernel included",
        |threads, event_loop| {
            let more = times(threads, event_loop);
            let verdict = match more {
                m if m > 1.5 => Verdict::Holds,
                m if m > 1.1 => Verdict::Subtler,
                _ => Verdict::Otherwise,
            };
            let sentence = format!(
                "{} times as much. In user memory alone {} against {} KiB; \
                 the rest is the kernel's: stacks, page tables, sockets.",
                number(more),
                number(own.0),
                number(own.1)
            );
            (verdict, sentence)
        },
    )
}

fn idle(q: &Question<'_>) -> Claim {
    let case = q.first_case("idle");
    q.claim(
        "Idle threads cost",
        ("idle", case, "idle_cpu_us_per_reader_s"),
        "µs of CPU per idle reader and second",
        |threads, event_loop| {
            let percent = |us: f64| number(us * 1000.0 / 1e4);
            let verdict = if threads > 1.5 * event_loop && threads > 1.0 {
                Verdict::Holds
            } else {
                Verdict::Subtler
            };
            let sentence = format!(
                "A thousand idle readers keep a core {} % busy with threads \
                 and {} % with the event loop: heartbeats cost either.",
                percent(threads),
                percent(event_loop)
            );
            (verdict, sentence)
        },
    )
}

fn latency(q: &Question<'_>) -> Claim {
    let case = q.data.busiest_fanout().unwrap_or("");
    q.claim(
        "An event loop answers faster under load",
        ("fanout", case, "p99_ms"),
        "ms until a reader has a message, p99",
        |threads, event_loop| {
            let ratio = times(threads, event_loop);
            let verdict = match ratio {
                r if r > 1.3 => Verdict::Holds,
                r if r > 0.77 => Verdict::Subtler,
                _ => Verdict::Otherwise,
            };
            let what = match verdict {
                Verdict::Holds => "Faster",
                Verdict::Subtler => "About the same",
                _ => "Slower",
            };
            (verdict, format!("{what} at {case}."))
        },
    )
}

fn connections(q: &Question<'_>) -> Claim {
    let case = q.first_case("ladder");
    let note = |contender| -> String {
        let runs = q.data.runs("ladder", case, contender);
        let notes = runs.iter().flat_map(|run| &run.notes);
        let mut gave = notes.filter_map(|n| n.split_once(" gave: "));
        gave.next().map_or("nothing gave".to_owned(), |(_, what)| {
            what.trim_end_matches('.').replace('`', "")
        })
    };
    let (threads_note, loop_note) = (note("threads"), note("event-loop"));
    q.claim(
        "An event loop handles more connections; the OS limits threads",
        ("ladder", case, "readers"),
        "readers at most",
        |threads, event_loop| {
            let nothing = "nothing gave";
            let both = threads_note == nothing && loop_note == nothing;
            let verdict = match event_loop > 1.05 * threads {
                true => Verdict::Holds,
                false if both => Verdict::Open,
                false => Verdict::Otherwise,
            };
            let sentence = format!(
                "Threads: {threads_note}. Event loop: {loop_note}. What \
                 each then answered is below."
            );
            (verdict, sentence)
        },
    )
}

fn blocking(q: &Question<'_>) -> Claim {
    let offloaded = q.data.median("block", "offload", "event-loop", "max_ms");
    q.claim(
        "Never block the main thread",
        ("block", "inline", "max_ms"),
        "ms, the longest wait of everyone else",
        |threads, event_loop| {
            let verdict = if event_loop > 3.0 * threads {
                Verdict::Holds
            } else {
                Verdict::Otherwise
            };
            let offload = offloaded.map_or(String::new(), |ms| {
                format!(" Handed to another thread: {} ms.", number(ms))
            });
            let sentence = format!(
                "One client's work keeps everyone of the event loop waiting \
                 {} times as long as with threads.{offload}",
                number(times(event_loop, threads))
            );
            (verdict, sentence)
        },
    )
}

fn parallel(q: &Question<'_>) -> Claim {
    let offload =
        q.data.median("parallel", "offload", "event-loop", "speed_up");
    q.claim(
        "Threads run in parallel",
        ("parallel", "inline", "speed_up"),
        "times the work of one client",
        |threads, event_loop| {
            let verdict = if threads > 1.3 && event_loop < 1.2 {
                Verdict::Holds
            } else {
                Verdict::Otherwise
            };
            let offload = offload.map_or(String::new(), |x| {
                format!(
                    " Handed to worker threads, the loop's does {}.",
                    number(x)
                )
            });
            let what = match verdict {
                Verdict::Holds => {
                    "A thread per client uses the cores there are; one loop \
                     uses one."
                }
                _ => "This run does not show it; was the machine busy?",
            };
            (verdict, format!("{what}{offload}"))
        },
    )
}

fn safety(q: &Question<'_>) -> Claim {
    let case = q
        .data
        .cases("fanout")
        .into_iter()
        .find(|case| case.contains(" from "))
        .unwrap_or("");
    let wrong = |column: &str| -> Option<u64> {
        let runs = q.data.runs("fanout", case, column);
        runs.first()?;
        let errors = q.data.errors("fanout", case, column);
        Some(errors.iter().map(|(_, count)| count).sum())
    };
    let all: Vec<Option<u64>> = q.columns.iter().map(|c| wrong(c)).collect();
    let (verdict, sentence) = match (wrong("threads"), wrong("event-loop")) {
        (Some(0), Some(0)) => (
            Verdict::Holds,
            "64 at once: nothing lost, nothing twice, one order for all. \
             It has to be thought about, and it was.",
        ),
        (Some(_), Some(_)) => (
            Verdict::Otherwise,
            "Something was lost, came twice or in another order: see fanout.",
        ),
        _ => (Verdict::Open, "Not measured on both servers."),
    };
    let cell = |n: &Option<u64>| n.map_or("–".into(), |n| number(n as f64));
    Claim {
        claim: "One must think about thread safety",
        experiment: "fanout",
        unit: "errors with 64 posters".to_owned(),
        cells: all.iter().map(cell).collect(),
        verdict,
        sentence: sentence.to_owned(),
    }
}

fn slow(q: &Question<'_>) -> Claim {
    let case = q.first_case("slow-reader");
    let of = |measure| q.data.median("slow-reader", case, "threads", measure);
    let (before, cut) = (of("before_p99_ms"), of("cut"));
    let lost: u64 = ["threads", "event-loop"]
        .iter()
        .flat_map(|c| q.data.errors("slow-reader", case, c))
        .filter(|(kind, _)| kind == "lost" || kind == "gap")
        .map(|(_, count)| count)
        .sum();
    q.claim(
        "A slow reader must not slow the others",
        ("slow-reader", case, "p99_ms"),
        "ms, the neighbours' p99 while 1 % do not read",
        |threads, _| {
            let before = before.unwrap_or(0.0);
            let fine = threads < 2.0 * before + 5.0 && lost == 0;
            let verdict =
                if fine { Verdict::Holds } else { Verdict::Otherwise };
            let sentence = format!(
                "Without them it is {} ms. {} were cut and came back; {lost} \
                 messages were missed.",
                number(before),
                number(cut.unwrap_or(0.0))
            );
            (verdict, sentence)
        },
    )
}

fn leaks(q: &Question<'_>) -> Claim {
    let case = q.first_case("churn");
    q.claim(
        "Who leaves must leave nothing behind",
        ("churn", case, "growth_kib_per_client"),
        "KiB left for each client that came and went",
        |threads, event_loop| {
            let verdict = if threads.max(event_loop) < 0.5 {
                Verdict::Holds
            } else {
                Verdict::Otherwise
            };
            let what = match verdict {
                Verdict::Holds => "Memory stays where it is after a round.",
                _ => "Memory still grows; see churn, and its interval.",
            };
            (verdict, what.to_owned())
        },
    )
}
