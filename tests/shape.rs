//! The shape of the source: files that fit a lesson, and comments that fit
//! a file.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a file without its tests.
const LINES: usize = 400;
/// Lines of a module's own documentation.
const DOC: usize = 10;

/// Every file of the server, its path from the root, without its tests.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    let mut folders = vec![root.join("src"), root.join("load-tests/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.file_stem().is_some_and(|name| name == "tests") {
                continue;
            } else if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
                let path = path.strip_prefix(root).unwrap().to_owned();
                sources.push((path, code.to_owned()));
            }
        }
    }
    assert!(sources.len() > 30, "the source is not where it was");
    sources
}

fn lines_of(folder: &str) -> usize {
    let sources = sources();
    let inside = sources.iter().filter(|(path, _)| path.starts_with(folder));
    inside.map(|(_, code)| code.lines().count()).sum()
}

#[test]
fn a_file_can_be_read_in_one_go() {
    for (path, code) in sources() {
        let lines = code.lines().count();
        assert!(lines <= LINES, "{}: {lines} lines", path.display());
    }
}

#[test]
fn every_file_says_what_it_is_in_a_few_lines() {
    for (path, code) in sources() {
        let doc = code.lines().filter(|line| line.starts_with("//!")).count();
        // The library's own is the table of contents.
        let most = if path.ends_with("lib.rs") { 2 * DOC } else { DOC };
        assert!((1..=most).contains(&doc), "{}: {doc}", path.display());
    }
}

#[test]
fn the_twins_share_more_than_they_have() {
    let own = lines_of("src/threads") + lines_of("src/event_loop");
    let all = lines_of("src");
    assert!(own * 100 <= all * 45, "{own} of {all} lines are the twins'");
}
