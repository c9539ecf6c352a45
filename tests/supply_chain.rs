//! What comes in with the dependencies: their licences, whether one is there
//! twice, and where they are from. `deny.toml` says what may.
//!
//! It asks cargo and nobody else, which needs no network once it has fetched.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Every package that a build may take in.
fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// What is in quotes in a list of `deny.toml`.
fn listed(list: &str) -> BTreeSet<&'static str> {
    let rules = include_str!("../deny.toml");
    let (_, rest) = rules.split_once(&format!("\n{list} = [")).unwrap();
    let (inside, _) = rest.split_once("\n]").unwrap();
    inside.split('"').skip(1).step_by(2).collect()
}

/// Whether a licence expression (SPDX) is met by what is allowed.
fn is_allowed(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let plain = expression.replace(['(', ')'], "").replace('/', " OR ");
    plain.split(" AND ").all(|part| {
        let mut choices = part.split(" OR ").map(str::trim);
        choices.any(|licence| allowed.contains(licence))
    })
}

#[test]
fn every_licence_is_allowed() {
    let allowed = listed("allow");
    for package in packages() {
        let licence = package["license"].as_str().unwrap_or("none");
        let name = &package["name"];
        assert!(is_allowed(licence, &allowed), "{name}: {licence}");
    }
    assert!(!is_allowed("GPL-3.0", &allowed));
    assert!(!is_allowed("MIT AND GPL-3.0", &allowed));
    assert!(is_allowed("GPL-3.0 OR MIT", &allowed));
}

#[test]
fn nothing_is_there_twice_that_is_not_known_to_be() {
    let mut versions = BTreeMap::<String, BTreeSet<String>>::new();
    for package in packages() {
        let text = |field: &str| package[field].as_str().unwrap().to_owned();
        versions.entry(text("name")).or_default().insert(text("version"));
    }
    versions.retain(|_, versions| versions.len() > 1);
    let twice: BTreeSet<_> = versions.keys().map(String::as_str).collect();
    let known = listed("skip");
    let unknown: Vec<_> = twice.difference(&known).collect();
    assert!(unknown.is_empty(), "there twice: {unknown:?}");
    let gone: Vec<_> = known.difference(&twice).collect();
    assert!(gone.is_empty(), "no longer there twice: {gone:?}");
}

#[test]
fn everything_is_from_the_one_registry() {
    let mut sources = BTreeSet::new();
    for package in packages() {
        match package["source"].as_str() {
            // Our own.
            None => assert!(package["id"].as_str().unwrap().contains("path")),
            Some(source) => {
                assert!(source.starts_with("registry+"), "{source}");
                sources.insert(source.to_owned());
            }
        }
    }
    assert_eq!(sources.len(), 1, "{sources:?}");
    let index = sources.first().unwrap();
    assert!(index.ends_with("/crates.io-index"), "{index}");
}

#[test]
fn unsafe_is_forbidden_here() {
    let manifest = include_str!("../Cargo.toml");
    assert!(manifest.contains("unsafe_code = \"forbid\""));
}
