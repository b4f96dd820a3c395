//! What the kernel says that this process takes.

use std::fs;

use anyhow::{Context, Result};

/// Linux counts processor time for programs in hundredths of a second, on every architecture.
const MS_PER_TICK: u64 = 10;

/// Processor time so far, of all threads, in milliseconds; exact to 10.
pub(super) fn cpu_ms() -> Result<u64> {
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

/// Memory that is in use and not swapped out, in bytes.
pub(super) fn resident_bytes() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("reading /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let line = line.context("/proc/self/status has a line VmRSS")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

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
