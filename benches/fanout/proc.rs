//! What the kernel says of a process (proc(5)).

use std::fs;
use std::time::Duration;

use crate::Outcome;

/// The unit of times in `/proc/PID/stat`: a hundredth of a second, on every
/// architecture (USER_HZ, time(7)).
const TICK: Duration = Duration::from_millis(10);

/// A process, by its number.
#[derive(Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

/// What a process has done so far.
#[derive(Clone, Copy, Default)]
pub(crate) struct Work {
    /// Processor time of all its threads, also of those that have ended.
    pub(crate) time: Duration,
    /// Context switches of the threads it has now.
    pub(crate) switches: u64,
}

impl Work {
    /// What was done since an earlier reading. Switches of threads that have
    /// ended in between are missing, and the difference is then too small.
    pub(crate) fn since(&self, before: &Work) -> Work {
        Work {
            time: self.time.saturating_sub(before.time),
            switches: self.switches.saturating_sub(before.switches),
        }
    }
}

/// What a process takes.
pub(crate) struct Size {
    /// Its memory, shared pages divided by those who share them, in bytes.
    pub(crate) pss: u64,
    /// Its page tables, in bytes: kernel memory.
    pub(crate) page_tables: u64,
    /// The stacks in the kernel of all threads on this machine, in bytes.
    pub(crate) kernel_stacks: u64,
    /// Its threads.
    pub(crate) threads: u64,
    /// Its descriptors.
    pub(crate) descriptors: u64,
}

impl Process {
    /// What it has done so far.
    pub(crate) fn work(self) -> Outcome<Work> {
        let stat = self.read("stat")?;
        // The second field is a name in brackets, and may have spaces in it;
        // utime and stime are the 14th and the 15th.
        let (_, fields) = stat.rsplit_once(')').ok_or("no name in stat")?;
        let fields = fields.split_whitespace().skip(11).take(2);
        let ticks: Result<Vec<u32>, _> = fields.map(str::parse).collect();
        let time = TICK * ticks?.iter().sum();
        let mut switches = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.0))? {
            // One that has just ended cannot be asked.
            let status = fs::read_to_string(task?.path().join("status"));
            let status = status.unwrap_or_default();
            switches += field(&status, "voluntary_ctxt_switches:");
            switches += field(&status, "nonvoluntary_ctxt_switches:");
        }
        Ok(Work { time, switches })
    }

    /// What it takes.
    pub(crate) fn size(self) -> Outcome<Size> {
        let status = self.read("status")?;
        let meminfo = fs::read_to_string("/proc/meminfo")?;
        let descriptors = fs::read_dir(format!("/proc/{}/fd", self.0))?;
        Ok(Size {
            pss: self.pss()?,
            page_tables: field(&status, "VmPTE:") << 10,
            kernel_stacks: field(&meminfo, "KernelStack:") << 10,
            threads: field(&status, "Threads:"),
            descriptors: descriptors.count() as u64,
        })
    }

    /// Its memory in bytes, shared pages divided by those who share them.
    pub(crate) fn pss(self) -> Outcome<u64> {
        Ok(field(&self.read("smaps_rollup")?, "Pss:") << 10)
    }

    fn read(self, file: &str) -> Outcome<String> {
        Ok(fs::read_to_string(format!("/proc/{}/{file}", self.0))?)
    }
}

/// The number behind a name at the start of a line; 0 if there is none.
fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
