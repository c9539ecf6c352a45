//! What this machine allows: how many clients can be connected at once.
//!
//! Floor 2. Worked out before the first client comes, because the limits bite
//! in ugly ways: past `vm.max_map_count` a new thread's guard page cannot be
//! mapped, and the process aborts. Where there is no `/proc` (macOS), only
//! the descriptors and the process limit are known.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::{Config, Fanout, Kind};

/// Descriptors for everything that is not a client: listeners, the journal's
/// files, the operator's endpoint, and a few that are being refused.
const OWN_DESCRIPTORS: u64 = 64;
/// Threads for everything that is not a client: the journal, the operator's
/// endpoint, and writers for readers that are slow at the moment.
const OWN_THREADS: u64 = 32;
/// What one thread maps: its stack, its signal stack, and a guard for each.
const MAPS_PER_THREAD: u64 = 4;
/// Maps the process has before the first client, and may make besides.
const OWN_MAPS: u64 = 250;

/// How many may be connected, and what set that number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cap {
    /// The most connections at once.
    pub connections: usize,
    /// What set it, with its value.
    pub because: String,
    /// The most threads of ours at once, clients' and others'.
    pub threads: usize,
}

/// One of the machine's limits, in connections.
struct Bound {
    connections: u64,
    name: String,
    value: u64,
}

/// Works out the cap, after raising the descriptor limit as far as it goes.
pub fn cap(config: &Config) -> Cap {
    let mut bounds = vec![descriptors()];
    let mut most_threads = u64::MAX;
    if config.kind == Kind::Threads {
        let each = match config.fanout {
            Fanout::Direct => 1,
            Fanout::Mailbox => 2,
        };
        for Bound { connections: free, name, value } in threads() {
            most_threads = most_threads.min(free);
            let connections = free.saturating_sub(OWN_THREADS) / each;
            bounds.push(Bound { connections, name, value });
        }
    }
    bounds.extend(config.max_connections.map(|asked| Bound {
        connections: asked as u64,
        name: "--max-connections".into(),
        value: asked as u64,
    }));
    let least = bounds
        .into_iter()
        .min_by_key(|bound| bound.connections)
        .expect("descriptors are always a bound");
    Cap {
        connections: least.connections.max(1) as usize,
        because: format!("{} {}", least.name, spaced(least.value)),
        threads: most_threads as usize,
    }
}

/// A number with its digits in groups of three: `65 530`.
pub fn spaced(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// Each client is one descriptor (getrlimit(2), RLIMIT_NOFILE).
fn descriptors() -> Bound {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // The soft limit is for programs that use select(2); this one may take
    // all it can get. Where the hard limit cannot be had, the soft one stays.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    Bound {
        connections: allowed.saturating_sub(OWN_DESCRIPTORS),
        name: "descriptors".into(),
        value: allowed,
    }
}

/// Everything that bounds the number of threads; the number of threads each
/// allows this process to add.
fn threads() -> Vec<Bound> {
    let others = running_threads();
    let mut bounds = Vec::new();
    let mut add = |name: &str, value: u64, free: u64| {
        let name = name.to_owned();
        bounds.push(Bound { connections: free, name, value });
    };
    if let Some(pids) = number("/proc/sys/kernel/pid_max") {
        add("kernel.pid_max", pids, pids.saturating_sub(300 + others));
    }
    if let Some(threads) = number("/proc/sys/kernel/threads-max") {
        add("kernel.threads-max", threads, threads.saturating_sub(others));
    }
    if let Some(maps) = number("/proc/sys/vm/max_map_count") {
        let free = maps.saturating_sub(OWN_MAPS) / MAPS_PER_THREAD;
        add("vm.max_map_count", maps, free);
    }
    // The kernel counts the threads of the whole user, and lets root pass.
    let limit = getrlimit(Resource::Nproc).current;
    if let Some(limit) = limit
        && !rustix::process::getuid().is_root()
    {
        add("max user processes", limit, limit.saturating_sub(others));
    }
    for (limit, used) in control_groups() {
        add("cgroup pids.max", limit, limit.saturating_sub(used));
    }
    bounds
}

/// All threads on this machine that this process can see, from the fourth
/// field of `/proc/loadavg` ("running/all").
fn running_threads() -> u64 {
    let loadavg = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let all = loadavg.split_whitespace().nth(3).and_then(|field| {
        let (_, all) = field.split_once('/')?;
        all.parse().ok()
    });
    all.unwrap_or(0)
}

/// The `pids.max` and `pids.current` of every control group this process is
/// in, in either version of them.
fn control_groups() -> Vec<(u64, u64)> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut found = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next())
        else {
            continue;
        };
        let root = match controllers {
            "" => "/sys/fs/cgroup",
            list if list.split(',').any(|name| name == "pids") => {
                "/sys/fs/cgroup/pids"
            }
            _ => continue,
        };
        let group = Path::new(root).join(path.trim_start_matches('/'));
        let above = group.ancestors().take_while(|dir| dir.starts_with(root));
        found.extend(above.filter_map(|dir: &Path| {
            let limit = number(dir.join("pids.max"))?;
            Some((limit, number(dir.join("pids.current")).unwrap_or(0)))
        }));
    }
    found
}

/// The threads this process has, where the system tells (proc_pid_status(5)).
pub fn thread_count() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("Threads:"))?;
    line.trim().parse().ok()
}

fn number(path: impl Into<PathBuf>) -> Option<u64> {
    fs::read_to_string(path.into()).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_threes() {
        assert_eq!(spaced(7), "7");
        assert_eq!(spaced(999), "999");
        assert_eq!(spaced(65_530), "65 530");
        assert_eq!(spaced(1_000_000), "1 000 000");
    }
}
