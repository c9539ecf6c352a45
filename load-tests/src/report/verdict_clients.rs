//! The claims that are about ways of being a client: transports, timers,
//! coming back.

use super::numbers::number;
use super::verdicts::{Claim, Question, Verdict};

/// The claims, in the order of the lecture.
pub(super) fn claims(q: &Question<'_>) -> Vec<Claim> {
    vec![polling(q), overlapping(q), duplex(q), herd(q)]
}

fn polling(q: &Question<'_>) -> Claim {
    let of =
        |case, measure| q.data.median("transports", case, "threads", measure);
    let long =
        (of("long poll", "p50_ms"), of("long poll", "requests_per_delivery"));
    let requests = of("short poll", "requests_per_delivery");
    q.claim(
        "Short polling is load and latency; long polling is near real time",
        ("transports", "short poll", "p50_ms"),
        "ms at p50 with short polls",
        |threads, _| match (long, requests) {
            ((Some(p50), Some(long)), Some(short)) => (
                if p50 * 5.0 < threads && long < short {
                    Verdict::Holds
                } else {
                    Verdict::Subtler
                },
                format!(
                    "Long polls: {} ms. But a busy room makes them {} \
                     requests a message, short ones {}: it is quiet rooms \
                     where they save.",
                    number(p50),
                    number(long),
                    number(short)
                ),
            ),
            _ => (Verdict::Open, "Long polls were not measured.".to_owned()),
        },
    )
}

fn overlapping(q: &Question<'_>) -> Claim {
    let wrong = ("transports", "setInterval polls", "shown_out_of_order");
    let twice = q.data.median(wrong.0, wrong.1, "threads", "shown_twice");
    q.claim(
        "setInterval overlaps, and shows answers out of order",
        wrong,
        "messages shown out of order",
        |threads, event_loop| {
            let verdict = if threads + event_loop > 0.0 {
                Verdict::Holds
            } else {
                Verdict::Subtler
            };
            let twice = number(twice.unwrap_or(0.0));
            let sentence = format!(
                "And {twice} shown twice, with 0–200 ms of network between: \
                 the client's mistake, whatever the server."
            );
            (verdict, sentence)
        },
    )
}

fn duplex(q: &Question<'_>) -> Claim {
    let of =
        |case, measure| q.data.median("transports", case, "threads", measure);
    let bytes = |case| {
        let down = of(case, "bytes_down_per_delivery")?;
        Some(down + of(case, "bytes_up_per_delivery")?)
    };
    let (socket, poll) = (bytes("WebSocket"), bytes("long poll"));
    let events = of("SSE", "p50_ms");
    q.claim(
        "WebSocket is true real time",
        ("transports", "WebSocket", "p50_ms"),
        "ms at p50 over WebSocket",
        |threads, _| match (socket, poll, events) {
            (Some(socket), Some(poll), Some(events)) => (
                if events > 1.5 * threads {
                    Verdict::Holds
                } else {
                    Verdict::Subtler
                },
                format!(
                    "{} bytes a message, long polls {}. SSE is at {} ms: to \
                     listen, one direction is as good.",
                    number(socket),
                    number(poll),
                    number(events)
                ),
            ),
            _ => (Verdict::Open, "SSE was not measured.".to_owned()),
        },
    )
}

/// *Back off, or herd.* Its numbers are policies', the same server's twice.
fn herd(q: &Question<'_>) -> Claim {
    let of = |column: &str, policy: &str, measure: &str| {
        q.data.median("backoff", policy, column, measure)
    };
    let peak = "peak_attempts_per_s_after_return";
    let cells = q.columns.iter().map(|column| {
        let once = of(column, "at once", "peak_attempts_per_s");
        let jitter = of(column, "full jitter", peak);
        match (once, jitter) {
            (Some(once), Some(jitter)) => {
                format!("{} → {}", number(once), number(jitter))
            }
            _ => "–".to_owned(),
        }
    });
    let cells = cells.collect();
    let exponential = of("threads", "exponential", peak);
    let jitter = of("threads", "full jitter", peak);
    let back = of("threads", "full jitter", "all_back_after_s");
    let (verdict, sentence) = match (exponential, jitter) {
        (Some(exponential), Some(jitter)) => (
            if jitter < 0.7 * exponential {
                Verdict::Subtler
            } else {
                Verdict::Holds
            },
            format!(
                "Exponential alone still herds: {} attempts a second at the \
                 return, in step; with full jitter {}.{}",
                number(exponential),
                number(jitter),
                back.map_or(String::new(), |s| format!(
                    " Then all are back after {} s.",
                    number(s)
                ))
            ),
        ),
        _ => (Verdict::Open, "Not measured.".to_owned()),
    };
    Claim {
        claim: "Back off, or herd",
        experiment: "backoff",
        unit: "attempts/s at the peak: at once → full jitter".to_owned(),
        cells,
        verdict,
        sentence,
    }
}
