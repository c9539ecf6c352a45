//! The floors: imports go down, never up, never sideways between the twins.
//!
//! The source is read as text: a line that names `crate::…` or `super::…` in
//! code reaches into that module, whether it is a `use` or not.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What each module of the library may name, from the ground up. What is not
/// listed may not be there: a new module is given its floor first.
const FLOORS: &[(&str, &[&str])] = &[
    ("limits", &[]),
    ("chat", &["limits"]),
    ("wire", &["chat", "limits"]),
    ("store", &["chat", "limits"]),
    ("clock", &["chat"]),
    ("metrics", &["chat"]),
    ("site", &["wire"]),
    ("admission", &["limits", "wire"]),
    ("config", &["admission", "limits", "store", "wire"]),
    ("options", &["admission", "config", "limits", "store", "wire"]),
    ("tls", &["config", "store"]),
    ("machine", &["config", "limits"]),
    ("answers", &["chat", "config", "limits", "machine", "store", "wire"]),
    ("heartbeat", &["limits", "wire"]),
    ("xray", &["wire"]),
    ("admin", &["clock", "config", "limits", "metrics"]),
    (
        "launch",
        &[
            "admin", "chat", "clock", "config", "limits", "machine", "metrics",
            "site", "store", "tls",
        ],
    ),
    ("threads", BELOW_THE_TWINS),
    ("event_loop", BELOW_THE_TWINS),
];

/// What both twins stand on. Neither names the other, nor `admin`, nor the
/// command line.
const BELOW_THE_TWINS: &[&str] = &[
    "limits",
    "chat",
    "wire",
    "store",
    "clock",
    "metrics",
    "site",
    "admission",
    "config",
    "tls",
    "machine",
    "answers",
    "heartbeat",
    "xray",
    "launch",
];

/// What is only named in one place, and where that is.
const AT_HOME: &[(&str, &[&str])] = &[
    ("tokio", &["event_loop"]),
    ("hyper", &["event_loop"]),
    ("hyper_util", &["event_loop"]),
    ("h2", &["event_loop"]),
    ("rustls", &["tls"]),
    ("ring", &["tls"]),
    ("rcgen", &["tls"]),
    ("rusqlite", &["store"]),
    ("tiny_http", &["admin"]),
    ("httparse", &["wire"]),
    ("tungstenite", &["wire"]),
];

/// What floors 0 and 1 do without: they are given the time, and bytes.
const NO_WORLD: &[&str] = &[
    "std::thread",
    "std::fs",
    "std::io::stdin",
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "parking_lot",
    "crossbeam_channel",
    "socket2",
    "rustix",
];

/// A file of the library.
struct Source {
    path: PathBuf,
    /// The modules it is in, the outermost first.
    modules: Vec<String>,
    /// Its code: no comments, no tests.
    code: String,
}

impl Source {
    /// The module of the library it belongs to.
    fn floor(&self) -> &str {
        self.modules.first().map_or("", String::as_str)
    }

    /// The modules of the library it names.
    fn names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for path in paths_after(&self.code, "crate::") {
            names.insert(path);
        }
        // Out of module a::b, `super::super::c` is the module c of the crate.
        let up = "super::".repeat(self.modules.len());
        for path in paths_after(&self.code, &up) {
            names.insert(path);
        }
        names.remove(self.floor());
        names
    }
}

/// The names that follow `start` in `code`; a group in braces has several.
fn paths_after(code: &str, start: &str) -> Vec<String> {
    let mut found = Vec::new();
    if start.is_empty() {
        return found;
    }
    for (at, _) in code.match_indices(start) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + start.len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(first_names(group)),
            None => found.push(name(rest)),
        }
    }
    // A type of the crate's root would be a name with a capital letter.
    found.retain(|name| name.starts_with(|c: char| c.is_lowercase()));
    found.retain(|name| name != "super");
    found
}

/// The first name of each member of a group.
fn first_names(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut names = Vec::new();
    let mut start = true;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && !c.is_whitespace() => {
                names.push(name(&group[at..]));
                start = false;
            }
            _ => {}
        }
    }
    names
}

fn name(text: &str) -> String {
    let letter = |c: &char| c.is_alphanumeric() || *c == '_';
    text.chars().take_while(letter).collect()
}

/// Every file under `src`, but for the programs beside the library.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.file_stem().is_some_and(|name| name == "tests") {
                continue;
            } else if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                sources.push(source(&root, path));
            }
        }
    }
    assert!(sources.len() > 10, "the source is not where it was");
    sources
}

fn source(root: &Path, path: PathBuf) -> Source {
    let inside = path.strip_prefix(root).unwrap().with_extension("");
    let mut modules: Vec<String> =
        inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if modules.last().is_some_and(|m| m == "mod" || m == "lib") {
        modules.pop();
    }
    let text = fs::read_to_string(&path).unwrap();
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let lines = text.lines().map(|line| {
        line.split_once("//").map_or(line, |(code, _)| code).trim()
    });
    let code = lines.collect::<Vec<_>>().join("\n");
    Source { path, modules, code }
}

/// Whether code names a crate or path, not only a word that ends with it.
fn mentions(code: &str, path: &str) -> bool {
    code.match_indices(path).any(|(at, _)| {
        let letter = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        let before = code[..at].ends_with(letter);
        let after = code[at + path.len()..].starts_with("::")
            || code[at + path.len()..].starts_with([';', '{', ','])
            || path.contains("::");
        !before && after
    })
}

/// A module of the library is a folder or a file beside `lib.rs`.
fn is_outside(source: &Source) -> bool {
    matches!(source.floor(), "" | "main" | "bin")
}

#[test]
fn imports_go_down() {
    for source in sources() {
        if is_outside(&source) {
            continue;
        }
        let floor = source.floor();
        let allowed = FLOORS.iter().find(|(name, _)| *name == floor);
        let Some((_, allowed)) = allowed else {
            panic!("{floor} has no floor: {}", source.path.display());
        };
        for name in source.names() {
            assert!(
                allowed.contains(&name.as_str()),
                "{floor} may not name {name}: {}",
                source.path.display()
            );
        }
    }
}

#[test]
fn every_crate_has_its_home() {
    for source in sources() {
        for (name, homes) in AT_HOME {
            let at_home = homes.contains(&source.floor());
            assert!(
                at_home || !mentions(&source.code, name),
                "{name} belongs into {homes:?}: {}",
                source.path.display()
            );
        }
    }
}

#[test]
fn the_lowest_floors_do_without_the_world() {
    for source in sources() {
        if !matches!(source.floor(), "limits" | "chat" | "wire") {
            continue;
        }
        for path in NO_WORLD {
            assert!(
                !mentions(&source.code, path),
                "{path} in {}",
                source.path.display()
            );
        }
        // `use std::time::{Duration, Instant};` names it too.
        // (An address from `std::net` is a value, like a number.)
        for word in ["Instant", "SystemTime", "TcpStream", "TcpListener"] {
            let named = source.code.split(|c: char| !c.is_alphanumeric());
            assert!(
                !named.into_iter().any(|name| name == word),
                "{word} in {}",
                source.path.display()
            );
        }
    }
}

#[test]
fn chat_knows_no_format() {
    for source in sources().iter().filter(|s| s.floor() == "chat") {
        for name in ["serde", "serde_json", "bytes", "jiff"] {
            assert!(
                !mentions(&source.code, name),
                "{name} in {}",
                source.path.display()
            );
        }
    }
}

#[test]
fn the_reader_of_imports_reads_them() {
    let code = "use crate::chat::{Room, names::Nick};\n\
                use crate::{limits::MAX, wire::{http, json}};\n\
                let x = crate::store::Place; notcrate::no::x";
    let names: BTreeSet<_> = paths_after(code, "crate::").into_iter().collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    assert_eq!(names, ["chat", "limits", "store", "wire"]);
    assert!(mentions("use tokio::net;", "tokio"));
    assert!(!mentions("let tokio_like = 1;", "tokio"));
    assert!(!mentions("a.h2(x)", "hyper"));
}
