//! What runs on the host beside this program: CPU time and traffic of drives over a short window, and whose it is.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::counters::{CpuTicks, ProcessCounters};
use crate::sysfs::Tree;

/// Ticks in a second, as `/proc` counts CPU time.
const TICKS: f64 = 100.0;
/// Bytes in a sector, as the kernel counts them.
const SECTOR: u64 = 512;

/// What happened in the window.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Activity {
    /// Length of the window in seconds.
    pub(super) seconds: f64,
    /// CPUs that others kept busy.
    pub(super) busy: f64,
    /// Share of the CPU time that the hypervisor gave to others.
    pub(super) steal: f64,
    /// Other processes that were seen at both ends of the window.
    pub(super) processes: Vec<Process>,
    /// Drives that were used, each with bytes a second; those with requests in flight at both ends count as used.
    pub(super) drives: BTreeMap<String, f64>,
}

/// Another process.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Process {
    pub(super) id: u32,
    /// Its name, as it gave it to itself.
    pub(super) name: String,
    /// Whether it is a measurement of this suite, or what started this program: a shell, a session.
    pub(super) is_ours: bool,
    /// CPUs that it kept busy.
    pub(super) busy: f64,
    /// Bytes a second that it read from drives or wrote to them; 0 where that may not be known.
    pub(super) bytes: f64,
}

/// Looks twice with `window` between, on the live host; what does not run has no window.
pub(super) fn watch(tree: &Tree, drives: &[String], window: Duration) -> Activity {
    let (started, first) = (Instant::now(), Look::take(tree, drives));
    if tree.is_live() {
        sleep(window);
    }
    Look::take(tree, drives).since(&first, started.elapsed().as_secs_f64(), std::process::id())
}

/// The counters at one time.
#[derive(Clone, Debug, Default)]
struct Look {
    /// Of all CPUs.
    cpus: CpuTicks,
    processes: BTreeMap<u32, Counted>,
    /// Bytes and requests in flight of each drive.
    drives: BTreeMap<String, (u64, u64)>,
}

/// What a process has counted.
#[derive(Clone, Debug, Default)]
struct Counted {
    name: String,
    parent: u32,
    ticks: u64,
    /// From and to drives (for root, or of one's own processes).
    bytes: u64,
}

impl Look {
    fn take(tree: &Tree, drives: &[String]) -> Look {
        let stat = tree.text("/proc/stat").unwrap_or_default();
        let ids = tree.names("/proc").into_iter().filter_map(|name| name.parse::<u32>().ok());
        let drive =
            |name: &String| Some((name.clone(), traffic(&tree.text(&format!("/sys/block/{name}/stat")).ok()?)?));
        Look {
            cpus: stat.lines().find_map(|line| line.strip_prefix("cpu ")).and_then(CpuTicks::parse).unwrap_or_default(),
            processes: ids.filter_map(|id| Some((id, process(tree, id)?))).collect(),
            drives: drives.iter().filter_map(drive).collect(),
        }
    }

    /// A process, the one that started it, and so on.
    fn line_of(&self, own: u32) -> BTreeSet<u32> {
        let mut line = BTreeSet::new();
        let mut next = Some(own);
        while let Some(id) = next.filter(|id| line.insert(*id)) {
            next = self.processes.get(&id).map(|process| process.parent);
        }
        line
    }

    fn since(&self, before: &Look, seconds: f64, own: u32) -> Activity {
        let grown = |now: u64, then: u64| now.saturating_sub(then) as f64;
        let ours = self.line_of(own);
        let used = |id: u32| {
            let (now, then) = (self.processes.get(&id)?, before.processes.get(&id)?);
            let busy = grown(now.ticks, then.ticks) / TICKS / seconds;
            let is_ours = ours.contains(&id) || now.name.starts_with("hostproof");
            Some(Process { id, name: now.name.clone(), is_ours, busy, bytes: grown(now.bytes, then.bytes) / seconds })
        };
        let cpus = self.cpus.since(before.cpus);
        let own_busy = used(own).map_or(0.0, |own| own.busy);
        let busy = cpus.busy as f64 / TICKS / seconds - own_busy;
        let drives = self.drives.iter().filter_map(|(name, (now, in_flight))| {
            let (then, was_in_flight) = before.drives.get(name)?;
            let bytes = grown(*now, *then) / seconds;
            (bytes > 0.0 || (*in_flight > 0 && *was_in_flight > 0)).then(|| (name.clone(), bytes))
        });
        Activity {
            seconds,
            busy: busy.max(0.0),
            steal: if cpus.all > 0 { cpus.steal as f64 / cpus.all as f64 } else { 0.0 },
            processes: self.processes.keys().filter(|id| **id != own).filter_map(|id| used(*id)).collect(),
            drives: drives.collect(),
        }
    }
}

fn process(tree: &Tree, id: u32) -> Option<Counted> {
    let ProcessCounters { name, parent, ticks, .. } =
        ProcessCounters::parse(&tree.text(&format!("/proc/{id}/stat")).ok()?)?;
    let io = tree.text(&format!("/proc/{id}/io")).unwrap_or_default();
    let bytes = |key: &str| crate::sysfs::field(&io, key).and_then(|text| text.parse::<u64>().ok());
    let bytes = bytes("read_bytes").unwrap_or(0).saturating_add(bytes("write_bytes").unwrap_or(0));
    Some(Counted { name, parent, ticks, bytes })
}

/// Bytes and requests in flight in a drive's `stat` (Documentation/block/stat.rst).
fn traffic(stat: &str) -> Option<(u64, u64)> {
    let fields: Vec<u64> = stat.split_whitespace().take(9).filter_map(|field| field.parse().ok()).collect();
    let &[_, _, read, _, _, _, written, _, in_flight] = fields.as_slice() else { return None };
    Some((read.saturating_add(written).saturating_mul(SECTOR), in_flight))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn host(second: u64) -> Look {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: String| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let stat = format!("cpu  {} 0 0 {} 0 0 0 {} 0 0\ncpu0 1 2 3\n", 150 * second, 40 * second, 10 * second);
        write("proc/stat", stat);
        for (id, parent, ticks) in [(7, 1, 110 * second), (8, 1, 0), (9, 8, 30 * second)] {
            write(&format!("proc/{id}/stat"), format!("{id} (a (b) c) R {parent} 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0"));
        }
        write("proc/7/io", format!("read_bytes: {}\nwrite_bytes: {}\n", 3_000_000 * second, 1_000_000 * second));
        write("sys/block/nvme0n1/stat", format!("1 0 {} 0 1 0 {} 0 0", 100 * second, 100 * second));
        write("sys/block/nvme1n1/stat", "1 0 5 0 1 0 5 0 4".to_owned());
        write("sys/block/nvme2n1/stat", "1 0 5 0 1 0 5 0 0".to_owned());
        Look::take(&Tree::new(Path::new(root.path())), &[0, 1, 2].map(|drive| format!("nvme{drive}n1")))
    }

    #[test]
    fn two_looks_tell_who_was_busy() {
        let activity = host(3).since(&host(1), 2.0, 9);
        assert!((activity.busy - 1.2).abs() < 1e-12, "this program's own time is none of others': {}", activity.busy);
        assert!((activity.steal - 0.05).abs() < 1e-12, "{}", activity.steal);
        let process = |id, is_ours, busy, bytes| Process { id, name: "a (b) c".into(), is_ours, busy, bytes };
        assert_eq!(activity.processes, [process(7, false, 1.1, 4e6), process(8, true, 0.0, 0.0)]);
        let drives: Vec<_> = activity.drives.into_iter().collect();
        assert_eq!(drives, [("nvme0n1".to_owned(), 102_400.0), ("nvme1n1".to_owned(), 0.0)]);
    }

    #[test]
    fn a_host_that_does_not_run_is_idle() {
        let root = tempfile::tempdir().unwrap();
        let activity = watch(&Tree::new(root.path()), &["sda".to_owned()], Duration::from_hours(1));
        assert_eq!((activity.busy, activity.steal, activity.processes.len(), activity.drives.len()), (0.0, 0.0, 0, 0));
    }
}
