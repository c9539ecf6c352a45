//! Before anything runs: which limits will stop it, what we may raise, and
//! what has to be smaller because we may not.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors a process needs besides its clients'.
const SPARE_FILES: u64 = 100;

/// Threads the rest of the machine needs.
const SPARE_THREADS: u64 = 1000;

/// Memory maps of one Rust thread: its stack and guard, and those of its
/// signal stack.
const MAPS_PER_THREAD: u64 = 4;

/// Clients that one source address has ports for, and how many addresses the
/// generator uses.
const SOURCE_ADDRESSES: u64 = 16;

/// The limits of this machine that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Open files of one process.
    pub open_files: u64,
    /// Processes and threads of the machine.
    pub pid_max: u64,
    /// Memory maps of one process.
    pub max_map_count: u64,
    /// Ports for outgoing connections.
    pub ports: u64,
    /// Memory that is free for us, MiB.
    pub memory_mib: u64,
}

/// What the limits allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Clients at most, whatever the server is.
    pub clients: usize,
    /// Clients at most of a server that has a thread for each.
    pub threads: usize,
    /// What a reader of the report has to know.
    pub sentences: Vec<String>,
}

/// Raises what we may, then reads the limits.
pub fn observe() -> (Facts, Vec<String>) {
    let raised = raise_open_files();
    let number = |path: &str| -> u64 {
        fs::read_to_string(path)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(u64::MAX)
    };
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let ports = range
        .ok()
        .and_then(|text| {
            let mut ends = text.split_whitespace();
            let (low, high) = (ends.next()?, ends.next()?);
            Some(high.parse::<u64>().ok()? - low.parse::<u64>().ok()?)
        })
        .unwrap_or(28_000);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = crate::proc::field_kib(&memory, "MemAvailable:");
    let facts = Facts {
        open_files: getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX),
        pid_max: number("/proc/sys/kernel/pid_max"),
        max_map_count: number("/proc/sys/vm/max_map_count"),
        ports,
        memory_mib: available.unwrap_or(u64::MAX) / 1024,
    };
    (facts, raised)
}

/// Raises the soft limit of open files to the hard one. The hard one is the
/// administrator's.
fn raise_open_files() -> Vec<String> {
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: before.maximum, maximum: before.maximum };
    if before.current == before.maximum {
        return Vec::new();
    }
    let show = |n: Option<u64>| n.map_or("unlimited".into(), thousands);
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => vec![format!(
            "Raised the limit of open files from {} to {}.",
            show(before.current),
            show(before.maximum)
        )],
        Err(e) => vec![format!("Could not raise open files: {e}.")],
    }
}

/// What `facts` allow, if `wanted` clients are asked for.
pub fn capacity(facts: &Facts, wanted: usize) -> Capacity {
    let wanted = wanted as u64;
    let mut sentences = Vec::new();
    let mut lowest = |wanted: u64, whom: &str, limits: &[(u64, &str)]| {
        let smallest = limits.iter().min_by_key(|(limit, _)| *limit);
        let Some((limit, name)) = smallest else { return wanted };
        if *limit < wanted {
            sentences.push(format!(
                "{whom}: at most {} clients instead of {}, because of {name}.",
                thousands(*limit),
                thousands(wanted)
            ));
        }
        wanted.min(*limit)
    };
    // A client and its server's end take about 64 KiB together at worst.
    let by_memory = facts.memory_mib.saturating_mul(1024 / 64);
    let clients = lowest(
        wanted,
        "Every server",
        &[
            (facts.open_files.saturating_sub(SPARE_FILES), "open files"),
            (facts.ports.saturating_mul(SOURCE_ADDRESSES), "local ports"),
            (by_memory, "memory"),
        ],
    );
    let threads = lowest(
        clients,
        "A thread per client",
        &[
            (facts.pid_max.saturating_sub(SPARE_THREADS), "kernel.pid_max"),
            (facts.max_map_count / MAPS_PER_THREAD, "vm.max_map_count"),
        ],
    );
    Capacity { clients: clients as usize, threads: threads as usize, sentences }
}

/// A number with thin gaps, as the servers print theirs: `16 290`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts = Facts {
        open_files: 20_000,
        pid_max: 32_768,
        max_map_count: 65_530,
        ports: 28_231,
        memory_mib: 20_000,
    };

    #[test]
    fn a_small_run_is_not_scaled_down() {
        let capacity = capacity(&FACTS, 1000);
        assert_eq!((capacity.clients, capacity.threads), (1000, 1000));
        assert!(capacity.sentences.is_empty());
    }

    #[test]
    fn the_first_limit_met_is_named() {
        let capacity = capacity(&FACTS, 50_000);
        assert_eq!(capacity.clients, 19_900);
        assert_eq!(capacity.threads, 16_382);
        assert!(capacity.sentences[0].contains("open files"));
        assert!(capacity.sentences[1].contains("vm.max_map_count"));
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(thousands(7), "7");
        assert_eq!(thousands(16_290), "16\u{202f}290");
    }
}
