//! Processors: which there are, and which one a process stays on.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The processors this process may run on, ascending.
pub fn allowed_cpus() -> Vec<usize> {
    let set = sched_getaffinity(None).unwrap_or_default();
    (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect()
}

/// Keeps this process, and all it starts from now on, on one processor.
///
/// # Errors
/// `EINVAL` if the processor is not there (sched_setaffinity(2)).
pub fn pin(cpu: usize) -> rustix::io::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set)
}
