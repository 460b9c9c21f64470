//! What happens to the host while it is measured: a thread apart from the workers reads counters and sensors, each reading
//! with the interval that it is of.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use inventory::{FilesOnly, Live, Outside};
use machine::{CpuSet, allowed, keep_to};
use measure::Interval;

mod snapshot;

use snapshot::{Places, Snapshot};

/// Seconds over which heat and power are said to be sustained.
const SUSTAINED: f64 = 10.0;

/// What to watch, and how often.
#[derive(Clone, Debug)]
pub struct Watch {
    /// `/` for the live host.
    pub root: PathBuf,
    /// Time between two samples; sensors of a host follow about once a second.
    pub interval: Duration,
    /// CPUs of the workers: steal, other load and interrupts are watched there.
    pub workers: CpuSet,
    /// The processes that measure, with those that they start. What others run on the workers' CPUs is other load.
    pub processes: Vec<u32>,
}

impl Watch {
    /// This process and its workers on the live host, once a second.
    #[must_use]
    pub fn new(workers: CpuSet) -> Watch {
        Watch {
            root: PathBuf::from("/"),
            interval: Duration::from_secs(1),
            workers,
            processes: vec![std::process::id()],
        }
    }
}

/// One interval. What the host does not tell is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// When.
    pub interval: Interval,
    /// Share of the workers' CPU time that the hypervisor gave to others.
    pub steal: Option<f64>,
    /// Share of the workers' CPU time that other processes took.
    pub other: Option<f64>,
    /// Share of the workers' CPU time that interrupts took.
    pub interrupts: Option<f64>,
    /// Interrupts that the workers' CPUs served.
    pub interrupt_count: Option<u64>,
    /// Runnable tasks of the whole host, averaged by the kernel over a minute.
    pub load: Option<f64>,
    /// Page faults of the watched processes that were answered from memory.
    pub minor_faults: Option<u64>,
    /// Page faults of the watched processes that had to wait for a drive.
    pub major_faults: Option<u64>,
    /// Mean clock of the workers' CPUs in Hz, as the kernel estimates it.
    pub clock: Option<f64>,
    /// The hottest processor, DIMM, drive or GPU in °C.
    pub hottest: Option<f64>,
    /// The hottest drive in °C.
    pub hottest_drive: Option<f64>,
    /// How often the processor throttled itself for its temperature.
    pub throttles: Option<u64>,
    /// Power in W by source, named by what it covers: `bmc host (DCMI)` and `hwmon power_meter power1` are of the whole
    /// host, `rapl package-0` of a processor, `rapl dram of package-0` of its memory, `nvml GPUs` of the GPUs.
    pub watts: Vec<(String, f64)>,
    /// Memory errors that were corrected.
    pub corrected: Option<u64>,
    /// Memory errors that could not be corrected.
    pub uncorrected: Option<u64>,
    /// Errors that PCIe devices reported, corrected or not.
    pub pcie_errors: Option<u64>,
}

impl Point {
    /// An interval of which nothing is told.
    #[must_use]
    pub fn without_readings(interval: Interval) -> Point {
        Point {
            interval,
            steal: None,
            other: None,
            interrupts: None,
            interrupt_count: None,
            load: None,
            minor_faults: None,
            major_faults: None,
            clock: None,
            hottest: None,
            hottest_drive: None,
            throttles: None,
            watts: Vec::new(),
            corrected: None,
            uncorrected: None,
            pcie_errors: None,
        }
    }
}

/// What was seen from start to stop.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observations {
    /// The intervals, in order.
    pub points: Vec<Point>,
    /// The CPU that the watching thread was kept on; `None` where the workers leave none free.
    pub pinned: Option<u32>,
    /// Share of one CPU that watching took.
    pub cost: f64,
}

impl Observations {
    /// The highest mean over ten seconds of what a point tells; of a shorter series the mean over all of it.
    #[must_use]
    pub fn sustained(&self, of: impl Fn(&Point) -> Option<f64>) -> Option<(f64, Interval)> {
        let told: Vec<(f64, Interval)> =
            self.points.iter().filter_map(|point| Some((of(point)?, point.interval))).collect();
        let mut highest: Option<(f64, Interval)> = None;
        for first in 0..told.len() {
            let (mut sum, mut time, mut window) = (0.0, 0.0, told[first].1);
            for (value, interval) in &told[first..] {
                sum += value * interval.seconds();
                time += interval.seconds();
                window = window.hull(*interval);
                if time >= SUSTAINED {
                    break;
                }
            }
            // A window that the end cuts is whole only where there is no longer one.
            let whole = time > 0.0 && (time >= SUSTAINED || first == 0);
            if whole && highest.is_none_or(|(most, _)| sum / time > most) {
                highest = Some((sum / time, window));
            }
        }
        highest
    }
}

/// Whom to ask beyond the files of the kernel; each asking has its own time.
fn outside(watch: &Watch) -> Box<dyn Outside> {
    if watch.root == Path::new("/") { Box::new(Live::now()) } else { Box::new(FilesOnly) }
}

/// A watch that runs.
#[derive(Debug)]
pub struct Watcher {
    /// Ends the thread when it is dropped.
    stop: Sender<()>,
    thread: JoinHandle<Observations>,
    seen: Arc<Mutex<Vec<Point>>>,
}

impl Watcher {
    /// Starts watching on a thread of its own. The first interval begins before this returns.
    pub fn start(watch: Watch) -> std::io::Result<Watcher> {
        let (stop, stopped) = mpsc::channel::<()>();
        let (ready, is_ready) = mpsc::channel();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&seen);
        let body = move || {
            let pinned = keep_apart(&watch.workers);
            let places = Places::find(&watch, &*outside(&watch));
            let cpu_before = cpu_seconds();
            let mut told = places.ask(&*outside(&watch));
            let first = Snapshot::take(&places, &told);
            let mut last = first.clone();
            // Who started it may have gone on without it.
            let _ = ready.send(());
            loop {
                let end = stopped.recv_timeout(watch.interval) != Err(RecvTimeoutError::Timeout);
                // Who waits for the end does not wait for slow sensors too.
                if !end {
                    told = places.ask(&*outside(&watch));
                }
                let now = Snapshot::take(&places, &told);
                locked(&shared).push(now.since(&last));
                last = now;
                if end {
                    break;
                }
            }
            let cost = (cpu_seconds() - cpu_before) / last.after(&first).seconds();
            Observations { points: std::mem::take(&mut *locked(&shared)), pinned, cost }
        };
        let thread = thread::Builder::new().name("telemetry".to_owned()).spawn(body)?;
        // A thread that died has begun nothing, and sees nothing.
        let _ = is_ready.recv();
        Ok(Watcher { stop, thread, seen })
    }

    /// The intervals that have ended, from the one with this index on.
    #[must_use]
    pub fn seen_since(&self, index: usize) -> Vec<Point> {
        locked(&self.seen).get(index..).unwrap_or_default().to_vec()
    }

    /// Ends it and returns what was seen. A watch that died has seen nothing.
    #[must_use]
    pub fn stop(self) -> Observations {
        drop(self.stop);
        self.thread.join().unwrap_or_default()
    }
}

/// The points; a thread that panicked between two of them left whole ones.
fn locked(points: &Mutex<Vec<Point>>) -> MutexGuard<'_, Vec<Point>> {
    points.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Moves the calling thread to a CPU that no worker has; says which, or `None` where all are taken.
fn keep_apart(workers: &CpuSet) -> Option<u32> {
    let cpu = allowed().ok()?.difference(workers).iter().last()?;
    keep_to(&CpuSet::from_iter([cpu])).ok()?;
    Some(cpu)
}

/// CPU time of the calling thread.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(number: u64) -> Interval {
        Interval::new(number * 1_000_000_000, (number + 1) * 1_000_000_000)
    }

    #[test]
    fn what_was_seen_can_be_asked_while_it_goes_on() {
        let watch = Watch { interval: Duration::from_millis(1), ..Watch::new(CpuSet::default()) };
        let telemetry = Watcher::start(watch).unwrap();
        let mut seen = Vec::new();
        while seen.len() < 3 {
            seen.extend(telemetry.seen_since(seen.len()));
            thread::yield_now();
        }
        let all = telemetry.stop().points;
        assert!(all.len() > seen.len());
        assert_eq!(all[..seen.len()], seen);
        assert!(all.windows(2).all(|pair| pair[0].interval.end == pair[1].interval.start), "no gap: {all:?}");
    }

    #[test]
    fn what_is_sustained_lasts_ten_seconds() {
        let check = |values: &[f64], expect: Option<f64>| {
            let points = values
                .iter()
                .zip(0..)
                .map(|(watts, number)| Point { hottest: Some(*watts), ..Point::without_readings(second(number)) });
            let series = Observations { points: points.collect(), ..Observations::default() };
            let highest = series.sustained(|point| point.hottest);
            assert_eq!(highest.map(|(value, _)| value), expect, "{values:?}");
            assert!(highest.is_none_or(|(_, window)| window.seconds() <= 10.0));
        };
        check(&[], None);
        check(&[50.0, 70.0], Some(60.0));
        // A spike counts with its tenth.
        check(&[50.0, 50.0, 50.0, 150.0, 50.0, 50.0, 50.0, 50.0, 50.0, 50.0, 50.0, 50.0], Some(60.0));
        let rising: Vec<f64> = (0..20).map(f64::from).collect();
        check(&rising, Some(14.5));
    }

    #[test]
    fn a_watch_ends_when_it_is_told_to() {
        let watch = Watch { interval: Duration::from_hours(1), ..Watch::new(CpuSet::default()) };
        let series = Watcher::start(watch).unwrap().stop();
        assert_eq!(series.points.len(), 1);
        assert!(series.cost >= 0.0);
    }
}
