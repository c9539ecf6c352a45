//! What a process costs, read from `/proc`: memory by kind, processor time,
//! context switches.
//!
//! Never RSS ÷ N: RSS counts shared pages for each process and leaves out
//! page tables, kernel stacks and sockets (proc(5), and the kernel's
//! Documentation/filesystems/proc.rst).

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

/// A thread's kernel stack, KiB (x86-64 and arm64: `THREAD_SIZE`).
const KERNEL_STACK_KIB: f64 = 16.0;

/// One tick of `/proc/PID/stat`, ms: `USER_HZ` is 100 everywhere Linux runs.
const TICK_MS: f64 = 10.0;

/// Sizes of one open socket in the kernel, by slab: the TCP socket, its inode,
/// file and directory entry.
const SOCKET_SLABS: [&str; 4] = ["TCP", "sock_inode_cache", "filp", "dentry"];

/// What one thread takes in slabs besides its stack.
const THREAD_SLABS: [&str; 1] = ["task_struct"];

/// The memory of one process at one moment, KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Memory {
    /// Its share of user memory (PSS from `smaps_rollup`).
    pub user: f64,
    /// Page tables (VmPTE).
    pub page_tables: f64,
    /// Kernel stacks: threads × 16 KiB.
    pub kernel_stacks: f64,
    /// Its threads' and sockets' objects in the slab allocator, worked out
    /// from their number and the sizes in `/proc/slabinfo`; 0 if that
    /// cannot be read (it is root's).
    pub slab: f64,
    /// Bytes in socket buffers, of the whole machine, both ends (`TCP: mem`
    /// in `/proc/net/sockstat`).
    pub buffers: f64,
    /// Threads.
    pub threads: f64,
    /// Open sockets.
    pub sockets: f64,
}

impl Memory {
    /// All kinds that belong to the process alone.
    pub fn total(&self) -> f64 {
        self.user + self.page_tables + self.kernel_stacks + self.slab
    }
}

/// Measures the memory of process `pid`; `None` once it has ended.
pub fn memory(pid: u32) -> Option<Memory> {
    let rollup = read(pid, "smaps_rollup")?;
    let status = read(pid, "status")?;
    let threads = field_kib(&status, "Threads:")? as f64;
    let sockets = sockets(pid) as f64;
    let slabs = slab_sizes();
    let size = |names: &[&str]| -> f64 {
        names.iter().filter_map(|name| slabs.get(*name)).sum::<f64>() / 1024.0
    };
    Some(Memory {
        user: field_kib(&rollup, "Pss:")? as f64,
        page_tables: field_kib(&status, "VmPTE:").unwrap_or(0) as f64,
        kernel_stacks: threads * KERNEL_STACK_KIB,
        slab: sockets * size(&SOCKET_SLABS) + threads * size(&THREAD_SLABS),
        buffers: socket_buffers_kib(),
        threads,
        sockets,
    })
}

/// The number after `name` in a file of `Name:   123 kB` lines.
pub fn field_kib(text: &str, name: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
}

fn read(pid: u32, name: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/{name}")).ok()
}

fn sockets(pid: u32) -> usize {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return 0;
    };
    entries
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}

/// Bytes of one object, by the slab's name (slabinfo(5)).
fn slab_sizes() -> BTreeMap<String, f64> {
    let text = fs::read_to_string("/proc/slabinfo").unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next()?.to_owned();
            Some((name, words.nth(2)?.parse().ok()?))
        })
        .collect()
}

/// Pages of 4 KiB in all TCP buffers, as KiB.
fn socket_buffers_kib() -> f64 {
    let text = fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    text.lines()
        .find(|line| line.starts_with("TCP:"))
        .and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .map_or(0.0, |pages| pages * 4.0)
}

/// What one thread has used up to one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    /// Times it gave up the processor to wait.
    voluntary: u64,
    /// Times it was pushed off the processor.
    involuntary: u64,
    /// Time on a processor, ns (the first field of `schedstat`).
    ran: u64,
}

/// Processor time and context switches of a process up to one moment.
#[derive(Clone, Debug)]
pub struct Effort {
    at: Instant,
    /// Processor time of all threads, ended ones too, ms, in ticks.
    ticks_ms: f64,
    /// Each living thread's.
    threads: BTreeMap<u32, Used>,
}

/// What happened between two [`Effort`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// Seconds between the two.
    pub seconds: f64,
    /// Processor time, ms. If a thread has ended meanwhile it is only exact
    /// to 10 ms: then the kernel's ticks are all there is.
    pub cpu_ms: f64,
    /// Times a thread gave up the processor to wait.
    pub voluntary: u64,
    /// Times a thread was pushed off the processor.
    pub involuntary: u64,
    /// Threads that ended in between: their switches are lost to us.
    pub ended_threads: u64,
}

/// Reads the counters of process `pid`; `None` once it has ended.
pub fn effort(pid: u32) -> Option<Effort> {
    let stat = read(pid, "stat")?;
    // The second field is the name in brackets and may contain blanks:
    // count from the last bracket. utime and stime are fields 14 and 15.
    let rest = stat.rsplit_once(')')?.1;
    let ticks: f64 = rest
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|word| word.parse::<f64>().ok())
        .sum();
    let mut threads = BTreeMap::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let Ok(name) = entry.map(|e| e.file_name()) else { continue };
        let Ok(tid) = name.to_string_lossy().parse::<u32>() else { continue };
        // A thread may end between the listing and the reading.
        threads.extend(used(pid, tid).map(|used| (tid, used)));
    }
    Some(Effort { at: Instant::now(), ticks_ms: ticks * TICK_MS, threads })
}

fn used(pid: u32, tid: u32) -> Option<Used> {
    let status = read(pid, &format!("task/{tid}/status"))?;
    let schedstat = read(pid, &format!("task/{tid}/schedstat"))?;
    let ran = schedstat.split(' ').next()?.parse().ok()?;
    Some(Used {
        voluntary: field_kib(&status, "voluntary_ctxt_switches:")?,
        involuntary: field_kib(&status, "nonvoluntary_ctxt_switches:")?,
        ran,
    })
}

impl Effort {
    /// What was spent from `earlier` to this.
    pub fn since(&self, earlier: &Effort) -> Spent {
        let mut spent = Spent {
            seconds: self.at.duration_since(earlier.at).as_secs_f64(),
            ..Spent::default()
        };
        let mut ran = 0;
        for (tid, now) in &self.threads {
            let before = earlier.threads.get(tid).copied().unwrap_or_default();
            spent.voluntary += now.voluntary.saturating_sub(before.voluntary);
            spent.involuntary +=
                now.involuntary.saturating_sub(before.involuntary);
            ran += now.ran.saturating_sub(before.ran);
        }
        spent.ended_threads = earlier
            .threads
            .keys()
            .filter(|tid| !self.threads.contains_key(tid))
            .count() as u64;
        spent.cpu_ms = match spent.ended_threads {
            0 => ran as f64 / 1e6,
            _ => self.ticks_ms - earlier.ticks_ms,
        };
        spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_threads_and_effort() {
        let pid = std::process::id();
        let memory = memory(pid).expect("we are alive");
        assert!(memory.user > 100.0 && memory.threads >= 1.0);
        assert_eq!(memory.kernel_stacks, memory.threads * 16.0);
        let before = effort(pid).expect("we are alive");
        let spent = effort(pid).expect("still").since(&before);
        assert!(spent.cpu_ms >= 0.0 && spent.seconds >= 0.0);
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "Pss:     12 kB\nPss_Anon:  3 kB\nThreads:\t7\n";
        assert_eq!(field_kib(text, "Pss:"), Some(12));
        assert_eq!(field_kib(text, "Threads:"), Some(7));
        assert_eq!(field_kib(text, "Swap:"), None);
    }
}
