//! Phases of a run: wall time, CPU time, peak memory, rows and bytes of each.

use std::fs;
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::Error;

/// What one phase took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// `load.read`, `load.decode`, `t01` … `t10`, `save.encode`, `save.sync`; other modes have others.
    pub phase: String,
    /// Wall time in seconds.
    pub seconds: f64,
    /// CPU time of all threads in seconds.
    pub cpu_seconds: f64,
    /// The most memory that was resident during the phase, in bytes; `None` where the kernel did not tell.
    pub peak_bytes: Option<u64>,
    /// Rows that it worked on.
    pub rows: u64,
    /// Bytes that it read or wrote: of files where it reads or writes files, else in memory.
    pub bytes: u64,
}

impl Phase {
    /// Rows a second.
    #[must_use]
    pub fn rows_per_second(&self) -> f64 {
        self.rows as f64 / self.seconds
    }
}

/// Times phases one after another, and tells each when it ends.
pub(crate) struct Phases<'a> {
    rows: u64,
    done: Vec<Phase>,
    tell: &'a mut dyn FnMut(&Phase),
}

impl<'a> Phases<'a> {
    pub(crate) fn new(rows: u64, tell: &'a mut dyn FnMut(&Phase)) -> Self {
        Phases { rows, done: Vec::new(), tell }
    }

    /// Does `work` as the next phase; it gives its result and the bytes it moved.
    pub(crate) fn time<T>(&mut self, phase: &str, work: impl FnOnce() -> Result<(T, u64), Error>) -> Result<T, Error> {
        forget_peak();
        let (start, cpu) = (Instant::now(), cpu_seconds());
        let (value, bytes) = work()?;
        let phase = Phase {
            phase: phase.to_owned(),
            seconds: start.elapsed().as_secs_f64(),
            cpu_seconds: cpu_seconds() - cpu,
            peak_bytes: peak(),
            rows: self.rows,
            bytes,
        };
        (self.tell)(&phase);
        self.done.push(phase);
        Ok(value)
    }

    pub(crate) fn finish(self) -> Vec<Phase> {
        self.done
    }
}

/// What other processes take of the CPUs while this one works.
pub(crate) struct Others {
    start: Instant,
    busy: Option<f64>,
    own: f64,
}

impl Others {
    pub(crate) fn watch() -> Others {
        Others { start: Instant::now(), busy: busy_seconds(), own: cpu_seconds() }
    }

    /// Their share of all CPUs' time since; `None` where the kernel did not tell.
    pub(crate) fn share(&self) -> Option<f64> {
        let all = busy_seconds()? - self.busy?;
        let cpus = std::thread::available_parallelism().ok()?.get() as f64;
        let others = all - (cpu_seconds() - self.own);
        Some((others / (self.start.elapsed().as_secs_f64() * cpus)).clamp(0.0, 1.0))
    }
}

/// CPU time of the whole host in seconds, without waiting and without what a hypervisor took.
fn busy_seconds() -> Option<f64> {
    /// `/proc/stat` counts in hundredths of a second.
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let fields: Vec<f64> =
        stat.lines().next()?.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    let [user, nice, system, _idle, _waiting, interrupts, soft, ..] = fields[..] else { return None };
    Some((user + nice + system + interrupts + soft) / TICKS)
}

/// CPU time of this process in seconds.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Lets the kernel count the peak anew. A kernel that does not goes on with the peak of the process.
fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The peak of resident memory in bytes since it was forgotten.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_has_its_time_and_its_peak() {
        let mut told = Vec::new();
        let mut tell = |phase: &Phase| told.push(phase.phase.clone());
        let mut phases = Phases::new(7, &mut tell);
        let block = phases.time("fill", || Ok((vec![1_u8; 64 << 20], 64 << 20))).unwrap();
        let sum = phases.time("sum", || Ok((block.iter().map(|&x| u64::from(x)).sum::<u64>(), 0))).unwrap();
        let done = phases.finish();
        assert_eq!((sum, told), (64 << 20, vec!["fill".to_owned(), "sum".to_owned()]));
        assert_eq!((done[0].rows, done[0].bytes), (7, 64 << 20));
        assert!(done[0].seconds > 0.0 && done[0].peak_bytes.is_none_or(|peak| peak >= 64 << 20), "{done:?}");
    }
}
