//! What a process costs, read from `/proc`: memory by kind, processor time,
//! context switches.
//!
//! Never RSS ÷ N: RSS counts shared pages for each process and leaves out
//! page tables, kernel stacks and sockets (proc(5), and the kernel's
//! Documentation/filesystems/proc.rst).

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use nix::time::ClockId;
use nix::unistd::Pid;

/// A thread's kernel stack, KiB (x86-64 and arm64: `THREAD_SIZE`).
const KERNEL_STACK_KIB: f64 = 16.0;

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
}

/// Processor time and context switches of a process up to one moment.
#[derive(Clone, Debug)]
pub struct Effort {
    at: Instant,
    /// Processor time of all threads, ended ones too, ms.
    cpu_ms: f64,
    /// Each living thread's.
    threads: BTreeMap<u32, Used>,
}

/// What happened between two [`Effort`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// Seconds between the two.
    pub seconds: f64,
    /// Processor time of all threads, ended ones too, ms.
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
    // Not the ticks of `/proc/PID/stat`: 10 ms are long. The process's clock
    // also has what threads used that nobody saw begin and end.
    let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(pid as i32)).ok()?;
    let time = clock.now().ok()?;
    let cpu_ms = time.tv_sec() as f64 * 1e3 + time.tv_nsec() as f64 / 1e6;
    let mut threads = BTreeMap::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let Ok(name) = entry.map(|e| e.file_name()) else { continue };
        let Ok(tid) = name.to_string_lossy().parse::<u32>() else { continue };
        // A thread may end between the listing and the reading.
        threads.extend(used(pid, tid).map(|used| (tid, used)));
    }
    Some(Effort { at: Instant::now(), cpu_ms, threads })
}

fn used(pid: u32, tid: u32) -> Option<Used> {
    let status = read(pid, &format!("task/{tid}/status"))?;
    Some(Used {
        voluntary: field_kib(&status, "voluntary_ctxt_switches:")?,
        involuntary: field_kib(&status, "nonvoluntary_ctxt_switches:")?,
    })
}

impl Effort {
    /// What was spent from `earlier` to this.
    pub fn since(&self, earlier: &Effort) -> Spent {
        let mut spent = Spent {
            seconds: self.at.duration_since(earlier.at).as_secs_f64(),
            cpu_ms: self.cpu_ms - earlier.cpu_ms,
            ..Spent::default()
        };
        for (tid, now) in &self.threads {
            let before = earlier.threads.get(tid).copied().unwrap_or_default();
            spent.voluntary += now.voluntary.saturating_sub(before.voluntary);
            spent.involuntary +=
                now.involuntary.saturating_sub(before.involuntary);
        }
        spent.ended_threads = earlier
            .threads
            .keys()
            .filter(|tid| !self.threads.contains_key(tid))
            .count() as u64;
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
