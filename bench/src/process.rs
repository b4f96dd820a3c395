//! What the kernel says that this process takes.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Linux counts processor time for programs in hundredths of a second, on every architecture.
const MS_PER_TICK: u64 = 10;

/// Processor time so far, of all threads, in milliseconds; exact to 10.
pub(crate) fn cpu_ms() -> Result<u64> {
    let stat = fs::read_to_string("/proc/self/stat").context("reading /proc/self/stat")?;
    // The program's name, in brackets, may hold spaces: what is behind it begins with the third field.
    let (_, fields) = stat
        .rsplit_once(')')
        .context("/proc/self/stat names the program")?;
    let ticks: Result<Vec<u64>, _> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse)
        .collect();
    Ok(ticks?.iter().sum::<u64>() * MS_PER_TICK)
}

/// Processor time of this thread so far.
pub(crate) fn thread_time() -> Result<Duration> {
    let path = "/proc/thread-self/schedstat";
    let text = fs::read_to_string(path).with_context(|| format!("reading {path}"))?;
    let spent = text.split_whitespace().next();
    let spent = spent.with_context(|| format!("{path} is empty"))?;
    Ok(Duration::from_nanos(spent.parse()?))
}

/// Memory of this process that is in use and not swapped out, in bytes.
pub(crate) fn resident_bytes() -> Result<u64> {
    resident_bytes_of("self")
}

/// The same of a process that is named by its number.
pub(crate) fn resident_bytes_of(process: &str) -> Result<u64> {
    let path = format!("/proc/{process}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let line = line.with_context(|| format!("{path} has a line VmRSS"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_waits_takes_no_time_and_one_that_works_does() {
        let (waiting, start) = (thread_time().unwrap(), thread_time().unwrap());
        assert!(start - waiting < Duration::from_millis(20));
        let mut sum = 0u64;
        while thread_time().unwrap() < start + Duration::from_millis(30) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(sum > 0);
    }

    #[test]
    fn work_takes_time_and_memory_that_the_kernel_sees() {
        let (cpu, memory) = (cpu_ms().unwrap(), resident_bytes().unwrap());
        let mut held: Vec<Vec<u8>> = Vec::new();
        while cpu_ms().unwrap() < cpu + 30 {
            held.push(vec![1; 1 << 16]);
            held.truncate(512);
        }
        held.resize(512, vec![1; 1 << 16]);
        assert!(resident_bytes().unwrap() > memory + (16 << 20));
        assert_eq!(held.len(), 512);
    }
}
