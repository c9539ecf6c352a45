//! One section for each experiment: its drawings, then every number with its
//! range, every error by kind, every note.

use std::fmt::Write as _;

use super::data::Data;
use super::numbers::escape;
use super::plots::{self, Bars, Ink, Lines, Scale, Stacking, ink};

/// Captions, and drawings if there was something to draw.
type Drawings = Vec<(String, Option<String>)>;

/// What an experiment is called and how its drawings are read.
struct Section {
    name: &'static str,
    title: &'static str,
    how: &'static str,
    draw: fn(&Data<'_>) -> Drawings,
}

const SECTIONS: [Section; 10] = [
    Section {
        name: "fanout",
        title: "Fan-out: latency and context switches",
        how: "Left is the usual message, right the unlucky one: at 99 % one \
              in a hundred waited longer. Lower is better, and a line that \
              shoots up at the right is what users complain about.",
        draw: fanout,
    },
    Section {
        name: "idle",
        title: "Idle: what a reader who only reads costs",
        how: "Each colour is a kind of memory, worked out as the slope over \
              the ramp. A straight ramp means the slope can be trusted; R² \
              and the interval are in the table.",
        draw: idle,
    },
    Section {
        name: "ladder",
        title: "Ladder: how many readers until something gives",
        how: "A curve ends where its server did, or where this machine did. \
              What gave is in the notes below the table.",
        draw: ladder,
    },
    Section {
        name: "block",
        title: "Block: one client asks for a long computation",
        how: "Each point is one message: how long until its last reader had \
              it. A triangle is a server that does nothing else meanwhile: \
              all messages of that time come at its end.",
        draw: block,
    },
    Section {
        name: "parallel",
        title: "Parallel: work that takes a processor",
        how: "A line that rises uses more cores; a flat one uses one. \
              Nothing is pinned here, and the generator needs a little too.",
        draw: parallel,
    },
    Section {
        name: "transports",
        title: "Transports: the same chat, each way",
        how: "Bars of one colour are one server. Bytes are HTTP heads, \
              frames and bodies, per message that reached a reader, without \
              TCP and IP.",
        draw: transports,
    },
    Section {
        name: "slow-reader",
        title: "Slow readers: one in a hundred stops reading",
        how: "The two bars of a server should be equally high: neighbours do \
              not notice. That the slow ones were cut and missed nothing is \
              in the table.",
        draw: slow_reader,
    },
    Section {
        name: "backoff",
        title: "Backoff: the server is killed and comes back",
        how: "Each peak is clients knocking at once; a flat low hill is what \
              a server that is trying to get up can bear. The last attempt \
              of a curve is when the last client was back.",
        draw: backoff,
    },
    Section {
        name: "churn",
        title: "Churn: what is left when all have gone",
        how: "The first rounds may rise, since allocators keep what they \
              once had. A line that keeps rising is a leak.",
        draw: churn,
    },
    Section {
        name: "limits",
        title: "Limits: descriptors are taken away",
        how: "No drawing: the table says whether the server survived, \
              whether it burned CPU while it could not accept, and whether \
              it recovered.",
        draw: |_| Vec::new(),
    },
];

/// Every section that has runs, as HTML.
pub fn sections(data: &Data<'_>) -> String {
    let mut html = String::new();
    for section in &SECTIONS {
        if data.cases(section.name).is_empty() {
            continue;
        }
        let contenders = data.contenders_in(section.name);
        // Writing to a String does not fail, here and below.
        let _ = write!(
            html,
            "<section id=\"{}\"><h2>{}</h2>{}",
            section.name,
            section.title,
            legend(section.name, &contenders)
        );
        for (caption, svg) in (section.draw)(data) {
            if let Some(svg) = svg {
                let _ = write!(
                    html,
                    "<figure>{svg}<figcaption>{}</figcaption></figure>",
                    escape(&caption)
                );
            }
        }
        let _ = write!(html, "<p class=\"how\">{}</p>", section.how);
        for case in data.cases(section.name) {
            html += &super::tables::case(data, section.name, case);
        }
        html += "</section>";
    }
    html
}

fn legend(experiment: &str, contenders: &[&str]) -> String {
    let item = |ink: Ink, name: &str| {
        format!(
            "<span><i style=\"background:{}\"></i>{}</span>",
            ink.variable(),
            escape(name)
        )
    };
    let mut items: String =
        contenders.iter().map(|name| item(ink(name), name)).collect();
    if experiment == "idle" {
        items += "<br>";
        let kinds = KINDS.iter().zip(0..);
        items.extend(kinds.map(|((_, name), n)| item(Ink::Kind(n), name)));
    }
    format!("<p class=\"legend\">{items}</p>")
}

/// One curve for each server, from a series of each one's run.
fn curves(
    data: &Data<'_>,
    experiment: &str,
    case: &str,
    name: &str,
    scale: Scale,
) -> (String, Option<String>) {
    let (mut x, mut y) = (String::new(), String::new());
    let mut curves = Vec::new();
    for contender in data.contenders_in(experiment) {
        let Some(series) = data.series(experiment, case, contender, name)
        else {
            continue;
        };
        x.clone_from(&series.x);
        y.clone_from(&series.y);
        curves.push((ink(contender), series.points.clone()));
    }
    let plot = Lines { x, y, scale, curves, ticks: Vec::new() };
    (case.to_owned(), plots::lines(&plot))
}

/// One group of bars for each case, one bar for each server.
fn grouped(
    data: &Data<'_>,
    experiment: &str,
    cases: &[(&str, &str)],
    y: &str,
    value: impl Fn(&str, &str) -> Option<f64>,
) -> Option<String> {
    let groups = cases
        .iter()
        .map(|(case, label)| {
            let bars = data
                .contenders_in(experiment)
                .into_iter()
                .map(|c| (ink(c), value(case, c).unwrap_or(f64::NAN)))
                .collect();
            ((*label).to_owned(), bars)
        })
        .collect();
    let stacking = Stacking::Beside;
    plots::bars(&Bars { y: y.to_owned(), groups, stacking })
}

fn fanout(data: &Data<'_>) -> Drawings {
    let Some(case) = data.busiest_fanout() else { return Vec::new() };
    let mut curves = Vec::new();
    for contender in data.contenders_in("fanout") {
        let all = data.latencies("fanout", case, contender, "delivery");
        let Some(all) = all else { continue };
        // Equal steps for equal factors of rarity: 90, 99, 99.9 …
        let points = (0..=40)
            .map(|step| f64::from(step) / 10.0)
            .map(|nines| {
                let percent = 100.0 * (1.0 - 10f64.powf(-nines));
                (nines, all.percentile_ms(percent))
            })
            .collect();
        curves.push((ink(contender), points));
    }
    let ticks = ["0 %", "90 %", "99 %", "99.9 %", "99.99 %"];
    let ticks = ticks.into_iter().enumerate();
    let plot = Lines {
        x: "of deliveries took no longer".to_owned(),
        y: "ms (log)".to_owned(),
        scale: Scale::Logarithmic,
        curves,
        ticks: ticks.map(|(at, text)| (at as f64, text.into())).collect(),
    };
    let bars = |measure: &str, label: &str| {
        let value =
            |case: &str, c: &str| data.median("fanout", case, c, measure);
        grouped(data, "fanout", &[(case, "")], label, value)
    };
    let three = [
        ("p99_ms", "a reader"),
        ("last_p99_ms", "the last reader"),
        ("ack_p99_ms", "the sender's ack"),
    ];
    let until = |m: &str, c: &str| data.median("fanout", case, c, m);
    vec![
        (format!("Latency of each delivery, {case}"), plots::lines(&plot)),
        (
            format!("p99 until …, {case}"),
            grouped(data, "fanout", &three, "ms", until),
        ),
        (
            format!("Context switches of all threads, {case}"),
            bars("switches_per_delivery", "switches / delivery"),
        ),
        (
            format!("CPU of the server, {case}"),
            bars("cpu_us_per_delivery", "CPU, µs / delivery"),
        ),
    ]
}

/// The kinds of memory and what they are called.
pub const KINDS: [(&str, &str); 4] = [
    ("user_kib", "user memory"),
    ("page_tables_kib", "page tables"),
    ("kernel_stacks_kib", "kernel stacks"),
    ("slab_kib", "sockets and threads in the kernel"),
];

fn idle(data: &Data<'_>) -> Drawings {
    let case = data.cases("idle").first().copied().unwrap_or("");
    let mut groups = Vec::new();
    for contender in data.contenders_in("idle") {
        let bars: Vec<(Ink, f64)> = KINDS
            .iter()
            .zip(0..)
            .filter_map(|((measure, _), kind)| {
                let kib = data.median("idle", case, contender, measure)?;
                Some((Ink::Kind(kind), kib))
            })
            .collect();
        groups.push((contender.to_owned(), bars));
    }
    let y = "KiB per reader".to_owned();
    let stacking = Stacking::Stacked;
    let caption = "Cold: each has just been let in and heard nothing yet";
    vec![
        (caption.to_owned(), plots::bars(&Bars { y, groups, stacking })),
        curves(data, "idle", case, "memory", Scale::Linear),
    ]
}

fn ladder(data: &Data<'_>) -> Drawings {
    let case = data.cases("ladder").first().copied().unwrap_or("");
    let scale = Scale::Logarithmic;
    vec![
        curves(data, "ladder", case, "p95", scale),
        curves(data, "ladder", case, "memory", Scale::Linear),
    ]
}

fn block(data: &Data<'_>) -> Drawings {
    let mut drawn = Vec::new();
    for case in ["inline", "offload"] {
        let scale = Scale::Linear;
        drawn.push(curves(data, "block", case, "timeline", scale));
    }
    drawn
}

fn parallel(data: &Data<'_>) -> Drawings {
    let draw = |case| curves(data, "parallel", case, "work", Scale::Linear);
    vec![draw("inline"), draw("offload")]
}

/// Cases and short names that fit under a group of bars.
const WAYS: [(&str, &str); 7] = [
    ("short poll", "short"),
    ("long poll", "long"),
    ("SSE", "SSE"),
    ("stream", "stream"),
    ("HTTP/2", "HTTP/2"),
    ("WebSocket", "WS"),
    ("WebSocket by hand", "by hand"),
];

fn transports(data: &Data<'_>) -> Drawings {
    let of = |case: &str, c: &str, measure: &str| {
        data.median("transports", case, c, measure)
    };
    let bytes = |case: &str, c: &str| {
        let down = of(case, c, "bytes_down_per_delivery")?;
        Some(down + of(case, c, "bytes_up_per_delivery")?)
    };
    let cpu = |case: &str, c: &str| of(case, c, "cpu_us_per_delivery");
    let fast = |case: &str, c: &str| of(case, c, "p50_ms");
    let name = "transports";
    vec![
        (
            "Bytes on the wire, up and down, per message delivered".into(),
            grouped(data, name, &WAYS, "bytes", bytes),
        ),
        (
            "CPU of the server per message delivered".into(),
            grouped(data, name, &WAYS, "CPU, µs", cpu),
        ),
        (
            "Latency at p50, without the short poll's (it is its timer)".into(),
            grouped(data, name, &WAYS[1..], "ms", fast),
        ),
    ]
}

fn slow_reader(data: &Data<'_>) -> Drawings {
    let name = "slow-reader";
    let case = data.cases(name).first().copied().unwrap_or("");
    let value = |measure: &str, c: &str| data.median(name, case, c, measure);
    let cases = [("before_p99_ms", "without"), ("p99_ms", "with slow readers")];
    let svg = grouped(data, name, &cases, "neighbours' p99, ms", value);
    vec![(case.to_owned(), svg)]
}

fn backoff(data: &Data<'_>) -> Drawings {
    data.cases("backoff")
        .into_iter()
        .map(|c| curves(data, "backoff", c, "attempts", Scale::Linear))
        .collect()
}

fn churn(data: &Data<'_>) -> Drawings {
    let case = data.cases("churn").first().copied().unwrap_or("");
    vec![curves(data, "churn", case, "memory", Scale::Linear)]
}
