//! The report: one file that needs nothing else, from run files alone. Its
//! first screen is for a projector: claims, numbers, verdicts.

pub mod data;
pub mod numbers;
pub mod plots;
pub mod sections;
pub mod tables;
mod verdict_clients;
pub mod verdicts;

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use data::Data;
use numbers::escape;
use verdicts::{Claim, Verdict};

use crate::environment::Environment;
use crate::schema;

/// The looks, light, dark and on paper.
const STYLE: &str = include_str!("report.css");

/// Writes `report.html` into a folder of run files; returns its path.
///
/// # Errors
/// If a run file cannot be read or the report not be written.
pub fn write(directory: &Path) -> io::Result<PathBuf> {
    let results = schema::read(directory).map_err(io::Error::other)?;
    let data = Data::new(&results);
    let html = page(&data, &results.environment);
    let path = directory.join("report.html");
    fs::write(&path, html)?;
    Ok(path)
}

fn page(data: &Data<'_>, environment: &Environment) -> String {
    let columns = data.contenders();
    let claims = verdicts::claims(data, &columns);
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>Twinchat: the claims, measured</title>\
         <style>{STYLE}</style></head><body><main>\
         <header><h1>Threads or an event loop: the claims, measured</h1>\
         <p>{}</p></header>",
        escape(&summary(environment))
    );
    html += &claim_table(&claims, &columns);
    html += &otherwise(&claims);
    html += &sections::sections(data);
    html += &method(environment);
    html + "</main></body></html>"
}

/// One line that says what these numbers stand on.
fn summary(environment: &Environment) -> String {
    let e = environment;
    format!(
        "{} · {} CPUs, {} GiB · {} · commit {} · {}",
        e.cpu,
        e.cpus,
        e.memory_mib.div_ceil(1024),
        e.kernel,
        e.commit,
        e.started_at.get(..16).unwrap_or_default().replace('T', " ")
    )
}

fn claim_table(claims: &[Claim], columns: &[&str]) -> String {
    let mut html = "<table class=\"claims\"><thead><tr><th></th>\
                    <th>The lecture says</th>"
        .to_owned();
    for column in columns {
        // Writing to a String does not fail, here and below.
        let _ = write!(html, "<th>{}</th>", escape(column));
    }
    html += "<th>What was measured</th></tr></thead><tbody>";
    for claim in claims {
        let (class, word) = mark(claim.verdict);
        let _ = write!(
            html,
            "<tr><td class=\"mark {class}\">{word}</td>\
             <td><a href=\"#{}\">{}</a><small>{}</small></td>",
            claim.experiment,
            claim.claim,
            escape(&claim.unit)
        );
        for cell in &claim.cells {
            let _ = write!(html, "<td class=\"number\">{cell}</td>");
        }
        let _ = write!(html, "<td>{}</td></tr>", escape(&claim.sentence));
    }
    html + "</tbody></table>"
}

/// Words, not only colours: not everyone tells green from red.
fn mark(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Holds => ("holds", "holds"),
        Verdict::Subtler => ("subtler", "subtler"),
        Verdict::Otherwise => ("otherwise", "otherwise"),
        Verdict::Open => ("open", "open"),
    }
}

/// Where the lecture has it differently, and why.
fn otherwise(claims: &[Claim]) -> String {
    let items: String = claims
        .iter()
        .filter(|claim| {
            matches!(claim.verdict, Verdict::Otherwise | Verdict::Subtler)
        })
        .map(|claim| {
            format!(
                "<li><b>{}</b> {}</li>",
                claim.claim,
                escape(&claim.sentence)
            )
        })
        .collect();
    if items.is_empty() {
        return String::new();
    }
    format!(
        "<section><h2>Otherwise than the lecture has it</h2>\
         <ul>{items}</ul></section>"
    )
}

/// How it was measured, and on what.
fn method(environment: &Environment) -> String {
    let mut rows = String::new();
    let mut row = |name: &str, value: &str| {
        let (name, value) = (escape(name), escape(value));
        let _ = write!(rows, "<tr><th>{name}</th><td>{value}</td></tr>");
    };
    let e = environment;
    row("commit", &e.commit);
    row("compiler", &e.rustc);
    row("kernel", &e.kernel);
    row("processor", &format!("{}, {} usable", e.cpu, e.cpus));
    row("memory", &format!("{} MiB", e.memory_mib));
    row("pinning", &e.pinning);
    let load = format!("{:.2} when it began", e.load_average);
    row("load average", &load);
    for (name, value) in &e.limits {
        row(name, value);
    }
    for sentence in &e.preflight {
        row("pre-flight", sentence);
    }
    row("command", &e.command.join(" "));
    let warning = if e.load_average > 0.7 * e.cpus as f64 {
        "<p class=\"alarm\">The machine was busy with something else when \
         this began: take the latencies with care.</p>"
    } else {
        ""
    };
    format!(
        "<section id=\"method\"><h2>How, and on what</h2>{warning}<p>\
         One process is all clients. It posts on a schedule, and a message's \
         latency counts from the instant it was due, not from when it could \
         be sent (no coordinated omission). Arrival is the kernel's receive \
         timestamp, so that the generator's own reading is not the server's \
         latency. A run in which the generator posted late by more than \
         10 % of the reported p99 is not reported. Every reader must get \
         every message once, in one order; what is not so is an error, by \
         kind. Repetitions are interleaved A B B A; tables show the median \
         and, in brackets, the range. Loopback has no distance: only \
         differences between servers mean anything.</p>\
         <div class=\"wide\"><table>{rows}</table></div></section>"
    )
}
