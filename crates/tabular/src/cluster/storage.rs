//! How fast the shared folder is for all workers at once: each writes a file of its own, and when all have, reads it again.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;

use measure::Interval;

use super::transfer::{BLOCK, Order, Transfer, Way};
use super::wire::{Handed, Moved};
use super::{Options, Session, WorkerReport};
use crate::Error;
use crate::pipeline::tasks::PLAN;

/// The subcommand that moves files, one after the other.
const COMMAND: &[&str] = &["storage"];
/// File systems that are memory.
const MEMORY: [&str; 2] = ["tmpfs", "ramfs"];
/// The share of pages in memory from which on a rate is not that of storage.
const MANY: f64 = 0.25;

/// What all workers moved one way in one round.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    /// Bytes a second of all together, from the first's beginning to the last's end.
    pub bytes_per_second: f64,
    /// The share of that time in which a worker moved bytes, on average.
    pub at_once: f64,
    /// When, on the clock of this host.
    pub interval: Interval,
}

/// The rates of a folder for some workers.
#[derive(Clone, Debug, PartialEq)]
pub struct Rates {
    /// Of each round, to the folder: until all was on the disk.
    pub write: Vec<Rate>,
    /// Of each round, from the folder: until all was found to be what was written.
    pub read: Vec<Rate>,
    /// Bytes of each worker in a round.
    pub bytes: u64,
    /// Who worked.
    pub workers: Vec<WorkerReport>,
    /// The file systems, as the workers' kernels call them.
    pub file_systems: Vec<String>,
    /// The largest share of pages of a file that were in memory although they had been dropped; `None` where no kernel told.
    pub in_memory: Option<f64>,
}

impl Rates {
    /// Why what was written never left memory; `None` where it did.
    #[must_use]
    pub fn written_to_memory(&self) -> Option<String> {
        let memory = self.file_systems.iter().find(|name| MEMORY.contains(&name.as_str()))?;
        Some(format!("the folder lies on {memory}, which is memory: this is no rate of storage"))
    }

    /// Why what was read came from memory; `None` where it did not, as far as the workers' kernels tell.
    #[must_use]
    pub fn read_from_memory(&self) -> Option<String> {
        let kept = self.in_memory.filter(|share| *share > MANY).map(|share| {
            let percent = 100.0 * share;
            format!("{percent:.0} % of pages were in memory although they had been dropped: this is no rate of storage")
        });
        self.written_to_memory().or(kept)
    }
}

/// Measures a folder that all workers see, by so many bytes of each and so often. Of the workers of the cluster work as many
/// as the options say. The files are gone at the end.
///
/// # Errors
///
/// If the workers cannot be had as [`run`](super::run) wants them, one is lost, or what is read is not what was written.
pub fn measure(options: &Options, folder: &Path, bytes: u64, rounds: usize) -> Result<Rates, Error> {
    let workers = options.workers.unwrap_or(1);
    let options = Options { workers: Some(workers), ..options.clone() };
    let bytes = bytes.next_multiple_of(BLOCK).max(BLOCK);
    order(folder, bytes)?;
    let tasks = tasks(workers, rounds);
    let done = Session { command: COMMAND, work: folder, tasks: &tasks, already: 0 }.hold(&options, &mut |_| ())?;
    let mut rates = rates(&done.account.moved, done.host.handed_over);
    let mut of = |way| (0..rounds).filter_map(|round| rates.remove(&(round, way))).collect();
    let moved: Vec<&Moved> = done.account.moved.iter().map(|(_, _, moved)| moved).collect();
    let mut file_systems: Vec<String> = moved.iter().map(|moved| moved.file_system.clone()).collect();
    file_systems.sort_unstable();
    file_systems.dedup();
    let in_memory = moved.iter().filter_map(|moved| moved.in_memory).reduce(f64::max);
    let (write, read) = (of(Way::Write), of(Way::Read));
    Ok(Rates { write, read, bytes, workers: done.account.workers(), file_systems, in_memory })
}

/// Writes what the processes go by, so that all workers are seen to see this folder.
pub(super) fn order(folder: &Path, bytes: u64) -> Result<(), Error> {
    let path = folder.join(PLAN);
    let order = Order { bytes, key: RandomState::new().build_hasher().finish() };
    let text = serde_json::to_vec(&order).map_err(|error| Error::Cluster(error.to_string()))?;
    fs::write(&path, text).map_err(|error| Error::io("cannot write", &path, error))
}

/// What is moved in which order: nobody reads until all have written, nor writes again until all have read.
fn tasks(workers: usize, rounds: usize) -> Vec<Handed> {
    let (mut tasks, mut before) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        for way in [Way::Write, Way::Read] {
            let all = (0..workers).map(|worker| Transfer { round, way, worker });
            let ids: Vec<String> = all.map(Transfer::id).collect();
            let handed = ids.iter().enumerate();
            tasks.extend(handed.map(|(on, id)| Handed { id: id.clone(), after: before.clone(), on: Some(on) }));
            before = ids;
        }
    }
    tasks
}

/// What was moved each way in each round. Of each file is known when it had been moved, in seconds since the tasks were handed
/// over at `handed_over`, and how long it took: so processes' starts are not counted.
fn rates(moved: &[(String, f64, Moved)], handed_over: u64) -> BTreeMap<(usize, Way), Rate> {
    let mut groups: BTreeMap<(usize, Way), Vec<(f64, &Moved)>> = BTreeMap::new();
    for (id, end, moved) in moved {
        if let Some(transfer) = Transfer::of(id) {
            groups.entry((transfer.round, transfer.way)).or_default().push((*end, moved));
        }
    }
    groups.into_iter().map(|(key, group)| (key, rate(&group, handed_over))).collect()
}

fn rate(group: &[(f64, &Moved)], handed_over: u64) -> Rate {
    let start = group.iter().map(|(end, moved)| end - moved.seconds).fold(f64::INFINITY, f64::min);
    let end = group.iter().map(|(end, _)| *end).fold(0.0, f64::max);
    let bytes: u64 = group.iter().map(|(_, moved)| moved.bytes).sum();
    let busy: f64 = group.iter().map(|(_, moved)| moved.seconds).sum();
    #[expect(clippy::cast_sign_loss, reason = "a time after the tasks were handed over")]
    let stamp = |seconds: f64| handed_over + (seconds.max(0.0) * 1e9) as u64;
    Rate {
        bytes_per_second: bytes as f64 / (end - start),
        at_once: busy / (group.len() as f64 * (end - start)),
        interval: Interval::new(stamp(start), stamp(end)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_write_before_one_reads_and_read_before_one_writes_again() {
        let told: Vec<_> =
            tasks(2, 2).into_iter().map(|task| (task.id, task.after.join(" "), task.on.unwrap())).collect();
        let expect = [
            ("write-0-0", "", 0),
            ("write-0-1", "", 1),
            ("read-0-0", "write-0-0 write-0-1", 0),
            ("read-0-1", "write-0-0 write-0-1", 1),
            ("write-1-0", "read-0-0 read-0-1", 0),
            ("write-1-1", "read-0-0 read-0-1", 1),
            ("read-1-0", "write-1-0 write-1-1", 0),
            ("read-1-1", "write-1-0 write-1-1", 1),
        ];
        assert_eq!(told, expect.map(|(id, after, on)| (id.to_owned(), after.to_owned(), on)));
    }

    #[test]
    fn a_rate_is_of_all_bytes_from_the_first_beginning_to_the_last_end() {
        let moved = |seconds| Moved { bytes: 1_000, seconds, file_system: "xfs".to_owned(), in_memory: None };
        let event = |id: &str, end, seconds| (id.to_owned(), end, moved(seconds));
        let all = [
            event("write-0-0", 3.0, 2.0),
            event("write-0-1", 5.0, 3.0),
            event("read-0-0", 7.0, 1.0),
            event("read-0-1", 7.0, 1.0),
        ];
        let rates = rates(&all, 1_000_000_000);
        let write =
            Rate { bytes_per_second: 500.0, at_once: 0.625, interval: Interval::new(2_000_000_000, 6_000_000_000) };
        assert_eq!(rates[&(0, Way::Write)], write);
        assert_eq!((rates[&(0, Way::Read)].bytes_per_second, rates[&(0, Way::Read)].at_once), (2_000.0, 1.0));
        assert_eq!(rates.len(), 2);
    }

    #[test]
    fn what_memory_answered_is_called_so() {
        let check = |file_systems: &[&str], in_memory: Option<f64>, written: Option<&str>, read: Option<&str>| {
            let file_systems = file_systems.iter().map(|&name| name.to_owned()).collect();
            let (write, workers) = (Vec::new(), Vec::new());
            let rates = Rates { read: write.clone(), write, bytes: BLOCK, workers, file_systems, in_memory };
            let starts = |why: Option<String>, with: Option<&str>| match (why, with) {
                (Some(why), Some(with)) => assert!(why.starts_with(with), "{why}"),
                (why, with) => assert_eq!(why.as_deref(), with),
            };
            starts(rates.written_to_memory(), written);
            starts(rates.read_from_memory(), read);
        };
        check(&["xfs", "nfs4"], Some(0.0), None, None);
        check(&["nfs4"], None, None, None);
        let tmpfs = Some("the folder lies on tmpfs, which is memory");
        check(&["tmpfs", "xfs"], None, tmpfs, tmpfs);
        check(&["xfs"], Some(0.5), None, Some("50 % of pages were in memory although they had been dropped"));
    }
}
