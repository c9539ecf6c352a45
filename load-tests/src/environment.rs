//! Where and how the numbers were taken. A number without this is a rumour.

use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// The machine, the build and the settings that a run stands on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// When the comparison began, UTC, RFC 3339.
    pub started_at: String,
    /// The commit that was built; `+ changes` if files differed from it.
    pub commit: String,
    /// `rustc --version`.
    pub rustc: String,
    /// The kernel's version.
    pub kernel: String,
    /// The processor's name.
    pub cpu: String,
    /// How many processors this process may use.
    pub cpus: usize,
    /// Memory of the machine, MiB.
    pub memory_mib: u64,
    /// The load average of the last minute when the comparison began:
    /// above about 0.5, somebody else was using the machine.
    pub load_average: f64,
    /// Limits and network settings as they stood, name and value.
    pub limits: Vec<(String, String)>,
    /// What pre-flight raised or had to scale down.
    pub preflight: Vec<String>,
    /// How processes were pinned.
    pub pinning: String,
    /// The command line of the comparison.
    pub command: Vec<String>,
}

/// Settings of the kernel that change what is measured.
const SETTINGS: [(&str, &str); 9] = [
    ("congestion control", "/proc/sys/net/ipv4/tcp_congestion_control"),
    ("local ports", "/proc/sys/net/ipv4/ip_local_port_range"),
    ("listen backlog (somaxconn)", "/proc/sys/net/core/somaxconn"),
    ("tcp_rmem", "/proc/sys/net/ipv4/tcp_rmem"),
    ("tcp_wmem", "/proc/sys/net/ipv4/tcp_wmem"),
    ("vm.max_map_count", "/proc/sys/vm/max_map_count"),
    ("kernel.pid_max", "/proc/sys/kernel/pid_max"),
    ("kernel.threads-max", "/proc/sys/kernel/threads-max"),
    ("transparent huge pages", "/sys/kernel/mm/transparent_hugepage/enabled"),
];

/// Looks at this machine. What cannot be read is left empty, not guessed.
pub fn observe() -> Environment {
    let mut limits: Vec<(String, String)> = SETTINGS
        .iter()
        .filter_map(|(name, path)| {
            let value = fs::read_to_string(path).ok()?;
            let value: Vec<&str> = value.split_whitespace().collect();
            Some(((*name).to_owned(), value.join(" ")))
        })
        .collect();
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let show = |limit: Option<u64>| {
        limit.map_or("unlimited".to_owned(), |n| n.to_string())
    };
    limits.push((
        "open files (soft, hard)".to_owned(),
        format!("{}, {}", show(files.current), show(files.maximum)),
    ));
    let nice = rustix::process::getpriority_process(None);
    let nice = nice.map_or("unknown".to_owned(), |nice| nice.to_string());
    limits.push(("priority of all processes (nice)".to_owned(), nice));
    Environment {
        started_at: jiff::Timestamp::now().to_string(),
        commit: commit(),
        rustc: output("rustc", &["--version"]),
        kernel: output("uname", &["-sr"]),
        cpu: cpu(),
        cpus: crate::pin::allowed_cpus().len(),
        memory_mib: memory_mib(),
        load_average: load_average(),
        limits,
        preflight: Vec::new(),
        pinning: String::new(),
        command: std::env::args().collect(),
    }
}

fn output(program: &str, arguments: &[&str]) -> String {
    Command::new(program)
        .args(arguments)
        .output()
        .map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
        .unwrap_or_default()
}

fn commit() -> String {
    let commit = output("git", &["rev-parse", "--short=12", "HEAD"]);
    let changes =
        output("git", &["status", "--porcelain", "--untracked-files=no"]);
    if commit.is_empty() || changes.is_empty() {
        commit
    } else {
        commit + " + changes"
    }
}

fn cpu() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|rest| rest.trim_start_matches([' ', '\t', ':']).to_owned())
        .unwrap_or_default()
}

fn memory_mib() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    crate::proc::field_kib(&text, "MemTotal:").unwrap_or(0) / 1024
}

fn load_average() -> f64 {
    fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse().ok())
        .unwrap_or(0.0)
}
