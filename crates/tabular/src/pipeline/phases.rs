//! Phases of a run: wall time, CPU time, peak memory, rows and bytes of each.

use std::fs;

use machine::Clock;
use measure::Interval;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::Error;

/// What one phase took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// `load.read`, `load.decode`, `t01` … `t10`, `save.encode`, `save.sync`; other modes have others.
    pub phase: String,
    /// When.
    pub interval: Interval,
    /// Wall time in seconds: the length of the interval.
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

/// What one phase took a peer, as its script tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerPhase {
    /// Its name, as [`Phase::phase`].
    pub phase: String,
    /// Wall time in seconds.
    pub seconds: f64,
}

/// Times phases one after another, and emits each when it ends.
pub(crate) struct Phases<'a> {
    rows: u64,
    done: Vec<Phase>,
    emit: &'a mut dyn FnMut(&Phase),
}

impl<'a> Phases<'a> {
    pub(crate) fn new(rows: u64, emit: &'a mut dyn FnMut(&Phase)) -> Self {
        Phases { rows, done: Vec::new(), emit }
    }

    /// Does `work` as the next phase; it gives its result and the bytes it moved.
    pub(crate) fn time<T>(&mut self, phase: &str, work: impl FnOnce() -> Result<(T, u64), Error>) -> Result<T, Error> {
        forget_peak();
        let (start, cpu) = (Clock::now(), cpu_seconds());
        let (value, bytes) = work()?;
        let interval = Interval::new(start, Clock::now());
        let phase = Phase {
            phase: phase.to_owned(),
            interval,
            seconds: interval.seconds(),
            cpu_seconds: cpu_seconds() - cpu,
            peak_bytes: peak(),
            rows: self.rows,
            bytes,
        };
        (self.emit)(&phase);
        self.done.push(phase);
        Ok(value)
    }

    pub(crate) fn finish(self) -> Vec<Phase> {
        self.done
    }
}

/// CPU time of this process in seconds.
pub(super) fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Lets the kernel count the peak anew. Older kernels ignore this; the peak is then the process's.
pub(super) fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The peak of resident memory in bytes since it was forgotten.
pub(super) fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_has_its_time_and_its_peak() {
        let mut ended = Vec::new();
        let mut emit = |phase: &Phase| ended.push(phase.phase.clone());
        let mut phases = Phases::new(7, &mut emit);
        let block = phases.time("fill", || Ok((vec![1_u8; 64 << 20], 64 << 20))).unwrap();
        let sum = phases.time("sum", || Ok((block.iter().map(|&x| u64::from(x)).sum::<u64>(), 0))).unwrap();
        let done = phases.finish();
        assert_eq!((sum, ended), (64 << 20, vec!["fill".to_owned(), "sum".to_owned()]));
        assert_eq!((done[0].rows, done[0].bytes), (7, 64 << 20));
        assert!(done[0].interval.start > 0 && done[0].interval.end <= done[1].interval.start);
        assert!(done[0].seconds > 0.0 && done[0].peak_bytes.is_none_or(|peak| peak >= 64 << 20), "{done:?}");
    }
}
