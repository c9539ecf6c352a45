//! The twins: the same files, the same public functions in the same order.
//!
//! A function that only one of them has, and every other difference that is
//! the lesson, is marked `// Twin:` with one sentence.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A public function: its name, and whether a mark stands above it.
type Function = (String, bool);

/// The files of one of the twins, by name.
fn files(twin: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(twin);
    let paths = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    // A folder is what only one of them has: see below.
    let entries = paths.filter(|path| path.is_file()).map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    });
    let files: BTreeMap<_, _> = entries.collect();
    assert!(files.len() > 5, "{twin} is not where it was");
    files
}

/// The public functions of a file, in order.
fn functions(code: &str) -> Vec<Function> {
    let mut functions = Vec::new();
    let mut marked = false;
    for line in code.lines().map(str::trim) {
        if line.starts_with("//") || line.starts_with("#[") {
            marked |= line.contains("Twin:");
            continue;
        }
        if let Some(name) = public_function(line) {
            functions.push((name, marked));
        }
        marked = false;
    }
    functions
}

/// The name of the function that a line declares, if it is public.
fn public_function(line: &str) -> Option<String> {
    let rest = line.strip_prefix("pub")?;
    let rest = match rest.strip_prefix('(') {
        Some(rest) => rest.split_once(')')?.1,
        None => rest,
    };
    let rest = rest.trim_start();
    let rest = rest.strip_prefix("async ").unwrap_or(rest);
    let rest = rest.strip_prefix("const ").unwrap_or(rest);
    let name = rest.strip_prefix("fn ")?;
    let end = name.find(['(', '<'])?;
    Some(name[..end].to_owned())
}

/// Where two lists part: the first functions that are neither the same nor
/// explained by a mark.
fn difference(one: &[Function], other: &[Function]) -> Option<String> {
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    loop {
        match (one.peek(), other.peek()) {
            (None, None) => return None,
            (Some((a, _)), Some((b, _))) if a == b => {
                one.next();
                other.next();
            }
            (Some((_, true)), _) => drop(one.next()),
            (_, Some((_, true))) => drop(other.next()),
            (a, b) => return Some(format!("{a:?} and {b:?}")),
        }
    }
}

/// The marks of a file: where each begins, and its words.
fn marks(code: &str) -> Vec<(usize, String)> {
    let mut marks = Vec::new();
    let mut lines = code.lines().map(str::trim).enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let Some((comment, words)) = line.split_once("Twin: ") else {
            continue;
        };
        let mut words = words.to_owned();
        let sign = comment.split(' ').next().unwrap();
        while let Some((_, next)) = lines.peek() {
            let Some(more) = next.strip_prefix(sign) else { break };
            if more.trim().is_empty() || !more.starts_with(' ') {
                break;
            }
            words = format!("{words} {}", more.trim());
            lines.next();
        }
        marks.push((number + 1, words));
    }
    marks
}

#[test]
fn the_twins_have_the_same_files() {
    let threads: Vec<_> = files("threads").into_keys().collect();
    let event_loop: Vec<_> = files("event_loop").into_keys().collect();
    assert_eq!(threads, event_loop);
}

#[test]
fn what_only_one_has_is_known() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let alone = |twin: &str| -> Vec<_> {
        let entries = fs::read_dir(src.join(twin)).unwrap();
        let folders = entries.map(|e| e.unwrap()).filter(|e| e.path().is_dir());
        let mut names: Vec<_> = folders.map(|f| f.file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(alone("event_loop"), ["http2"]);
    // One thread at a time needs no locks, and no proof that they are right.
    assert_eq!(alone("threads"), ["system", "tests"]);
}

#[test]
fn the_twins_have_the_same_functions_in_the_same_order() {
    let event_loop = files("event_loop");
    for (name, code) in files("threads") {
        let other = functions(&event_loop[&name]);
        let difference = difference(&functions(&code), &other);
        assert_eq!(difference, None, "{name}: threads and event_loop");
    }
}

#[test]
fn every_file_names_its_twin() {
    for (twin, other) in [("threads", "event_loop"), ("event_loop", "threads")]
    {
        for (name, code) in files(twin) {
            let docs = code.lines().take_while(|l| l.starts_with("//!"));
            let docs: Vec<_> = docs.map(|l| l[3..].trim()).collect();
            let expected = match &*name {
                "mod.rs" => format!("Twin: `{other}`."),
                name => format!("Twin: `{other}/{name}`."),
            };
            assert!(docs.join(" ").ends_with(&expected), "{twin}/{name}");
        }
    }
}

#[test]
fn every_mark_is_one_sentence() {
    for twin in ["threads", "event_loop"] {
        for (name, code) in files(twin) {
            for (line, words) in marks(&code) {
                let place = format!("{twin}/{name}:{line}: {words}");
                assert!(words.ends_with('.'), "no sentence: {place}");
                let ends = words.matches(". ").count();
                assert_eq!(ends, 0, "more than a sentence: {place}");
            }
        }
    }
}

#[test]
fn the_twins_are_about_the_same_size() {
    let lines = |twin: &str| {
        let files = files(twin);
        files.values().map(|code| code.lines().count()).sum::<usize>()
    };
    let (one, other) = (lines("threads"), lines("event_loop"));
    let (less, more) = (one.min(other), one.max(other));
    assert!(more * 10 <= less * 12, "{one} lines and {other} lines");
}

#[test]
fn the_reader_of_functions_reads_them() {
    let code = "pub fn a() {\n/// Doc.\n// Twin: why.\n#[must_use]\n\
                pub(super) async fn b<T>(\nfn c() {\npub(crate) const fn d()";
    let found = functions(code);
    let found: Vec<_> = found.iter().map(|(n, m)| (&**n, *m)).collect();
    assert_eq!(found, [("a", false), ("b", true), ("d", false)]);
    let marks = marks("  // Twin: one\n  // two.\n  let x = 1;");
    assert_eq!(marks, [(1, "one two.".to_owned())]);
}
