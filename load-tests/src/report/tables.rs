//! Every number of a case: the median with its range for each server, errors
//! by kind, why runs are invalid, notes.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::data::Data;
use super::numbers::{escape, number, range};
use crate::schema::Run;

/// The table of one case.
pub fn case(data: &Data<'_>, experiment: &str, case: &str) -> String {
    let columns: Vec<&str> = data
        .contenders_in(experiment)
        .into_iter()
        .filter(|name| !data.runs(experiment, case, name).is_empty())
        .collect();
    let mut measures = BTreeSet::new();
    for column in &columns {
        for run in data.runs(experiment, case, column) {
            measures.extend(run.measures.keys().map(String::as_str));
        }
    }
    let mut rows = String::new();
    for measure in measures {
        let mut row = format!("<tr><th>{}</th>", escape(measure));
        for column in &columns {
            let cell = data
                .spread(experiment, case, column, measure)
                .map_or("–".to_owned(), range);
            let _ = write!(row, "<td>{cell}</td>");
        }
        rows += &row;
    }
    rows += &error_row(data, experiment, case, &columns);
    let heads: String = columns
        .iter()
        .map(|name| format!("<th>{}</th>", escape(name)))
        .collect();
    format!(
        "<details><summary>{}</summary><div class=\"wide\"><table>\
         <thead><tr><th></th>{heads}</tr></thead><tbody>{rows}</tbody>\
         </table></div>{}</details>{}",
        escape(case),
        commands(data, experiment, case, &columns),
        findings(data, experiment, case, &columns)
            + &alarms(data, experiment, case, &columns)
    )
}

fn error_row(
    data: &Data<'_>,
    experiment: &str,
    case: &str,
    columns: &[&str],
) -> String {
    let mut row = "<tr class=\"errors\"><th>errors</th>".to_owned();
    for column in columns {
        let errors = data.errors(experiment, case, column);
        let text = match errors.as_slice() {
            [] => "none".to_owned(),
            errors => errors
                .iter()
                .map(|(kind, n)| format!("{} {kind}", number(*n as f64)))
                .collect::<Vec<_>>()
                .join(", "),
        };
        let _ = write!(row, "<td>{}</td>", escape(&text));
    }
    row + "</tr>"
}

/// What each server was started with, and where it was pinned.
fn commands(
    data: &Data<'_>,
    experiment: &str,
    case: &str,
    columns: &[&str],
) -> String {
    list(data, experiment, case, columns, |run| {
        let command = run.command.join(" ");
        let short = command.rsplit_once('/').map_or(&*command, |c| c.1);
        match short {
            "" => Vec::new(),
            short => vec![format!("{short} ({})", run.pinning)],
        }
    })
}

/// What was found that is not a number: it belongs to the result.
fn findings(
    data: &Data<'_>,
    experiment: &str,
    case: &str,
    columns: &[&str],
) -> String {
    list(data, experiment, case, columns, |run| run.notes.clone())
}

/// Sentences of all runs, each once, with whose they are.
fn list(
    data: &Data<'_>,
    experiment: &str,
    case: &str,
    columns: &[&str],
    sentences: impl Fn(&Run) -> Vec<String>,
) -> String {
    let mut items: Vec<String> = Vec::new();
    for column in columns {
        for run in data.runs(experiment, case, column) {
            for sentence in sentences(run) {
                let item = format!(
                    "<li><b>{}</b> {}</li>",
                    escape(column),
                    escape(&sentence)
                );
                if !items.contains(&item) {
                    items.push(item);
                }
            }
        }
    }
    match items.is_empty() {
        true => String::new(),
        false => format!("<ul class=\"notes\">{}</ul>", items.concat()),
    }
}

/// What must not be overlooked: invalid runs, and messages that did not
/// arrive as they should. Not folded away with the table.
fn alarms(
    data: &Data<'_>,
    experiment: &str,
    case: &str,
    columns: &[&str],
) -> String {
    let mut alarms = String::new();
    for column in columns {
        let runs = data.runs(experiment, case, column);
        let mut reasons = runs.iter().filter_map(|r| r.invalid.as_ref());
        if let Some(why) = reasons.next() {
            let _ = write!(
                alarms,
                "<p class=\"alarm\">{}, {}: {} of {} runs not reported, \
                 because {}.</p>",
                escape(case),
                escape(column),
                1 + reasons.count(),
                runs.len(),
                escape(why)
            );
        }
        for (kind, count) in data.errors(experiment, case, column) {
            let _ = write!(
                alarms,
                "<p class=\"alarm\">{}, {}: {} × {}</p>",
                escape(case),
                escape(column),
                number(count as f64),
                escape(&kind)
            );
        }
    }
    alarms
}
