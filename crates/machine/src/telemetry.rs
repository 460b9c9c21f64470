//! What happens to the host while it is measured: a thread apart from the workers samples counters of the kernel,
//! and gates over them say which samples must not count.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use measure::Taint;

use crate::inventory::{FilesOnly, Live, Outside};
use crate::{CpuSet, affinity};

mod snapshot;

use snapshot::{Places, Snapshot};

/// The share of the workers' CPU time that the hypervisor may take.
const STEAL_ALLOWED: f64 = 0.02;
/// The share of the workers' CPU time that other processes may take.
const OTHER_ALLOWED: f64 = 0.05;

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
    /// The processes that measure. What others run on the workers' CPUs is other load.
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    /// Begin in seconds after the start.
    pub from: f64,
    /// End in seconds after the start.
    pub to: f64,
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

/// What was seen from start to stop.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// The intervals, in order.
    pub points: Vec<Point>,
    /// The CPU that the watching thread was kept on; `None` where the workers leave none free.
    pub pinned: Option<u32>,
    /// Share of one CPU that watching took.
    pub cost: f64,
}

impl Series {
    /// Mean power in W by source between these times (seconds after the start); [`Point::watts`] says what each covers.
    #[must_use]
    pub fn power(&self, from: f64, to: f64) -> BTreeMap<String, f64> {
        let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        for point in self.inside(from, to) {
            for (name, watts) in &point.watts {
                let sum = sums.entry(name.clone()).or_default();
                *sum = (sum.0 + watts * (point.to - point.from), sum.1 + point.to - point.from);
            }
        }
        let means = sums.into_iter().filter(|(_, (_, time))| *time > 0.0);
        means.map(|(name, (joules, time))| (name, joules / time)).collect()
    }

    /// The highest temperature in °C between these times (seconds after the start).
    #[must_use]
    pub fn hottest(&self, from: f64, to: f64) -> Option<f64> {
        self.inside(from, to).filter_map(|point| point.hottest).reduce(f64::max)
    }

    /// The highest mean over ten seconds of what a point tells; of a shorter series the mean over all of it.
    #[must_use]
    pub fn sustained(&self, of: impl Fn(&Point) -> Option<f64>) -> Option<f64> {
        let told: Vec<(f64, f64)> =
            self.points.iter().filter_map(|point| Some((of(point)?, point.to - point.from))).collect();
        let mut highest: Option<f64> = None;
        for first in 0..told.len() {
            let (mut sum, mut time) = (0.0, 0.0);
            for (value, length) in &told[first..] {
                sum += value * length;
                time += length;
                if time >= SUSTAINED {
                    break;
                }
            }
            // A window that the end cuts is whole only where there is no longer one.
            if time > 0.0 && (time >= SUSTAINED || first == 0) {
                highest = Some(highest.map_or(sum / time, |highest| highest.max(sum / time)));
            }
        }
        highest
    }

    fn inside(&self, from: f64, to: f64) -> impl Iterator<Item = &Point> {
        self.points.iter().filter(move |point| point.from < to && point.to > from)
    }

    /// Why what was measured between these times (seconds after the start) must not count.
    #[must_use]
    pub fn taints(&self, from: f64, to: f64) -> Vec<Taint> {
        let inside: Vec<&Point> = self.inside(from, to).collect();
        let share = |of: fn(&Point) -> Option<f64>| -> f64 {
            let told = inside.iter().filter_map(|point| Some((of(point)?, point.to - point.from)));
            let (sum, time) =
                told.fold((0.0, 0.0), |(sum, time), (share, length)| (sum + share * length, time + length));
            if time > 0.0 { sum / time } else { 0.0 }
        };
        let count = |of: fn(&Point) -> Option<u64>| -> u64 {
            inside.iter().filter_map(|point| of(point)).fold(0, u64::saturating_add)
        };
        let mut taints = Vec::new();
        for (share, allowed, by) in [
            (share(|point| point.steal), STEAL_ALLOWED, "steal"),
            (share(|point| point.other), OTHER_ALLOWED, "other processes"),
        ] {
            if share > allowed {
                taints.push(Taint::CpuTaken { share, by: by.to_owned() });
            }
        }
        for (count, what) in [
            (count(|point| point.throttles), "times the processor throttled itself for its temperature"),
            (count(|point| point.major_faults), "page faults waited for a drive"),
            (count(|point| point.uncorrected), "memory errors could not be corrected"),
        ] {
            if count > 0 {
                taints.push(Taint::Environment(format!("{count} {what}")));
            }
        }
        taints
    }
}

/// Whom to ask beyond the files of the kernel; each asking has its own time.
fn outside(watch: &Watch) -> Box<dyn Outside> {
    if watch.root == Path::new("/") { Box::new(Live::now()) } else { Box::new(FilesOnly) }
}

/// What the watching thread is asked.
#[derive(Debug)]
enum Ask {
    /// Why what was measured since this time (seconds after the start) must not count.
    Taints { since: f64, answer: Sender<Vec<Taint>> },
    /// To end.
    Stop,
}

/// A watch that runs.
#[derive(Debug)]
pub struct Telemetry {
    asks: Sender<Ask>,
    thread: JoinHandle<Series>,
    /// When it started: the zero of its times.
    pub started: Instant,
}

impl Telemetry {
    /// Starts watching on a thread of its own.
    pub fn start(watch: Watch) -> std::io::Result<Telemetry> {
        let (asks, asked) = mpsc::channel();
        let started = Instant::now();
        let body = move || {
            let pinned = keep_apart(&watch.workers);
            let places = Places::find(&watch, &*outside(&watch));
            let cpu_before = cpu_seconds();
            let mut series = Series { pinned, ..Series::default() };
            let mut told = places.ask(&*outside(&watch));
            let mut last = Snapshot::take(&places, &told, started);
            loop {
                let ask = asked.recv_timeout(watch.interval);
                // Who waits for an answer does not wait for slow sensors too.
                if matches!(ask, Err(RecvTimeoutError::Timeout)) {
                    told = places.ask(&*outside(&watch));
                }
                let now = Snapshot::take(&places, &told, started);
                series.points.push(now.since(&last));
                last = now;
                match ask {
                    Err(RecvTimeoutError::Timeout) => {}
                    // Who asked may have stopped waiting.
                    Ok(Ask::Taints { since, answer }) => drop(answer.send(series.taints(since, f64::INFINITY))),
                    Ok(Ask::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            series.cost = (cpu_seconds() - cpu_before) / started.elapsed().as_secs_f64();
            series
        };
        let thread = thread::Builder::new().name("telemetry".to_owned()).spawn(body)?;
        Ok(Telemetry { asks, thread, started })
    }

    /// Takes a sample now, and says why what was measured since `since` (seconds after the start) must not count.
    #[must_use]
    pub fn taints(&self, since: f64) -> Vec<Taint> {
        let (answer, answers) = mpsc::channel();
        let asked = self.asks.send(Ask::Taints { since, answer });
        asked.ok().and_then(|()| answers.recv().ok()).unwrap_or_default()
    }

    /// Ends it and returns what was seen. A watch that died has seen nothing.
    #[must_use]
    pub fn stop(self) -> Series {
        // A thread that has ended already does not listen, and does not need to.
        let _ = self.asks.send(Ask::Stop);
        self.thread.join().unwrap_or_default()
    }
}

/// Moves the calling thread to a CPU that no worker has; says which, or `None` where all are taken.
fn keep_apart(workers: &CpuSet) -> Option<u32> {
    let allowed = affinity::allowed().ok()?;
    let cpu = allowed.difference(workers).iter().last()?;
    affinity::pin(cpu).ok()?;
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

    fn point(from: f64, steal: f64, throttles: u64) -> Point {
        Point { from, to: from + 1.0, steal: Some(steal), throttles: Some(throttles), ..Point::default() }
    }

    #[test]
    fn gates_look_at_the_window_alone() {
        let series =
            Series { points: vec![point(0.0, 0.5, 0), point(1.0, 0.0, 0), point(2.0, 0.0, 3)], ..Series::default() };
        let check = |from: f64, to: f64, expect: &[&str]| {
            let told: Vec<String> = series.taints(from, to).iter().map(ToString::to_string).collect();
            assert_eq!(told.len(), expect.len(), "{told:?}");
            for (told, expect) in told.iter().zip(expect) {
                assert!(told.contains(expect), "{told}");
            }
        };
        check(1.0, 2.0, &[]);
        check(0.2, 0.9, &["steal took 50.0 %"]);
        check(0.0, 3.0, &["steal took 16.7 %", "3 times the processor throttled"]);
        check(9.0, 10.0, &[]);
    }

    #[test]
    fn a_watch_answers_at_once() {
        let watch = Watch { interval: Duration::from_hours(1), ..Watch::new(CpuSet::default()) };
        let telemetry = Telemetry::start(watch).unwrap();
        assert_eq!(telemetry.taints(0.0), []);
        assert_eq!(telemetry.stop().points.len(), 2);
    }

    #[test]
    fn power_and_heat_are_told_for_the_window() {
        let point = |from: f64, watts: f64| Point {
            watts: vec![("rapl package-0".to_owned(), watts)],
            hottest: Some(watts / 10.0),
            ..point(from, 0.0, 0)
        };
        let series =
            Series { points: vec![point(0.0, 100.0), point(1.0, 300.0), point(2.0, 900.0)], ..Series::default() };
        assert_eq!(series.power(0.0, 2.0).into_iter().collect::<Vec<_>>(), [("rapl package-0".to_owned(), 200.0)]);
        assert_eq!((series.hottest(0.0, 2.0), series.hottest(5.0, 6.0)), (Some(30.0), None));
        assert!(series.power(5.0, 6.0).is_empty());
    }

    #[test]
    fn what_is_sustained_lasts_ten_seconds() {
        let check = |values: &[f64], expect: Option<f64>| {
            let points = values
                .iter()
                .zip(0_u32..)
                .map(|(watts, second)| Point { hottest: Some(*watts), ..point(f64::from(second), 0.0, 0) });
            let series = Series { points: points.collect(), ..Series::default() };
            assert_eq!(series.sustained(|point| point.hottest), expect, "{values:?}");
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
        let series = Telemetry::start(watch).unwrap().stop();
        assert_eq!(series.points.len(), 1);
        assert!(series.points[0].to >= series.points[0].from);
        assert!(series.cost >= 0.0);
    }
}
