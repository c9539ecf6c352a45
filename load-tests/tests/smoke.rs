//! The whole tool, from outside: it compares servers, and a server that loses
//! messages cannot look like one that does not.

mod lossy;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use load_tests::schema::{self, Run};
use load_tests::server::{Recipe, Server};

/// The server of this workspace, in whichever profile the tests are built.
///
/// Cargo gives a test only the programs of its own package; the workspace's
/// others are beside it. `cargo test --workspace` builds them first, `cargo
/// test -p load-tests` does not: then it is built here.
fn twinchat() -> PathBuf {
    let own = Path::new(env!("CARGO_BIN_EXE_load-tests"));
    let directory = own.parent().expect("programs are in a directory");
    let program = directory.join("twinchat");
    if !program.is_file() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "twinchat"]);
        if directory.ends_with("release") {
            build.arg("--release");
        }
        let status = build.status().expect("cargo runs");
        assert!(status.success(), "the server does not build");
    }
    program
}

/// A folder of this test's own, removed when it is done.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let name = format!("load-tests-{name}-{}", std::process::id());
        Folder(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that cannot be removed is not this test's finding.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn load_tests(arguments: &[&str], out: &Folder) -> Output {
    Command::new(env!("CARGO_BIN_EXE_load-tests"))
        .args(arguments)
        .arg("--out")
        .arg(&out.0)
        .output()
        .expect("the load tests start")
}

fn start_server() -> Server {
    let mut command = vec![twinchat().display().to_string()];
    let options = "--listen 127.0.0.1:0 --history memory --admin none \
                   --max-per-ip 0 --post-rate 0";
    command.extend(options.split_whitespace().map(str::to_owned));
    Server::start(&Recipe { command, directory: None, cpu: None })
        .expect("the server starts")
}

/// One `fanout` of 20 readers against `url`.
fn fanout(url: &str, out: &Folder, more: &[&str]) -> (Output, Vec<Run>) {
    let mut arguments = vec!["run", "fanout", "--smoke", "--url", url];
    arguments.extend(more);
    let output = load_tests(&arguments, out);
    let runs = schema::read(&out.0).map(|results| results.runs);
    (output, runs.unwrap_or_default())
}

#[test]
fn a_smoke_comparison_writes_runs_and_a_report() {
    let out = Folder::new("smoke");
    let program = twinchat().display().to_string();
    let arguments = ["compare", "--quick", "--smoke", "--program", &program];
    let output = load_tests(&arguments, &out);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let results = schema::read(&out.0).expect("the run files are readable");
    for server in ["threads", "event-loop", "mailbox"] {
        for experiment in ["idle", "fanout"] {
            let run = results.runs.iter().find(|run| {
                run.contender == server && run.experiment == experiment
            });
            let run = run.expect("every server ran every experiment");
            assert_eq!(run.errors, BTreeMap::new(), "{experiment} {server}");
        }
    }
    let page = fs::read_to_string(out.0.join("report.html"));
    let page = page.expect("there is a report");
    assert!(page.contains("Threads use more memory"));
    for outside in ["http://", "https://", "<script"] {
        let found = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!found.contains(outside), "the report needs {outside}");
    }
}

#[test]
fn a_server_that_loses_messages_is_reported() {
    let server = start_server();
    let proxy = lossy::start(server.address, lossy::Mischief::Lose(7));
    let out = Folder::new("lossy");
    let url = format!("http://{proxy}/");
    let bound = ["--fail-if", "fanout.errors.lost>0"];
    let (output, runs) = fanout(&url, &out, &bound);
    assert_eq!(output.status.code(), Some(1), "losses must fail the bound");
    let run = runs.first().expect("there is a run file");
    let lost = run.errors.get("lost").copied().unwrap_or(0);
    assert!(lost > 0, "{:?}", run.errors);
    let measure = |name: &str| run.measures.get(name).copied();
    assert!(measure("delivered") < measure("expected"));
}

#[test]
fn a_server_that_repeats_messages_is_reported() {
    let server = start_server();
    let proxy = lossy::start(server.address, lossy::Mischief::Repeat(5));
    let out = Folder::new("repeating");
    let (_, runs) = fanout(&format!("http://{proxy}/"), &out, &[]);
    let run = runs.first().expect("there is a run file");
    assert!(run.errors.contains_key("twice"), "{:?}", run.errors);
}

#[test]
fn a_server_that_does_all_well_has_no_errors() {
    let server = start_server();
    let out = Folder::new("clean");
    let url = format!("http://{}/", server.address);
    let bound = ["--fail-if", "fanout.errors.lost>0"];
    let (output, runs) = fanout(&url, &out, &bound);
    let run = runs.first().expect("there is a run file");
    assert_eq!(run.errors, BTreeMap::new());
    assert!(run.measures.get("delivered").is_some_and(|n| *n > 0.0));
    // A busy machine may make the run invalid, and then the bound, which it
    // cannot vouch for, fails; never because of losses.
    if run.invalid.is_none() {
        assert!(output.status.success());
    }
}

#[test]
fn load_never_leaves_this_machine() {
    let out = Folder::new("far");
    for url in
        ["http://192.0.2.1:80/", "http://example.com/", "http://[::1]:80/"]
    {
        let (output, _) = fanout(url, &out, &[]);
        assert_eq!(output.status.code(), Some(2), "{url}");
    }
}
