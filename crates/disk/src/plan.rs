//! From jobs to the assignments of their workers: files opened, regions cut, room and rights checked, before anything is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use machine::{CpuSet, memory_available};
use measure::Warning;

use crate::Error;
use crate::files::{self, FileKind, Files, OpenMode, OpenedFile};
use crate::job::{Amount, Job, JobTarget};
use crate::pattern::Extent;
use crate::ring::buffer_bytes;
use crate::settings::Settings;
use crate::volume::Volume;

/// What one worker is to do, and where.
#[derive(Debug, Default)]
pub(crate) struct WorkerAssignment {
    pub(crate) files: Vec<Arc<File>>,
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) extents: Vec<Extent>,
    /// Bytes that it transfers at most.
    pub(crate) amount: u64,
    /// CPUs that it may run on.
    pub(crate) cpus: Option<CpuSet>,
    /// CPUs that its io-wq workers may run on.
    pub(crate) io_wq_cpus: Option<CpuSet>,
}

/// A job that can start.
#[derive(Debug)]
pub(crate) struct PlannedJob<'a> {
    pub(crate) job: &'a Job,
    pub(crate) assignments: Vec<WorkerAssignment>,
    pub(crate) opened: Vec<OpenedFile>,
    pub(crate) volume: Volume,
    /// What is not as it was asked for.
    pub(crate) notes: Vec<Warning>,
}

/// Names of the files of a worker, and whether they are test files by themselves.
fn names(job: &Job, worker: u32) -> (Vec<PathBuf>, bool) {
    match &job.target {
        JobTarget::Scratch(dir) => (vec![dir.join(format!("{}.{worker}.0", job.name))], true),
        JobTarget::Paths(paths) => (paths.clone(), false),
    }
}

/// The bytes of each of a job's files from its start to the end of the region, where it states them.
fn stated_end(job: &Job, files: usize) -> Option<u64> {
    match (job.size?, job.offset) {
        (Amount::Bytes(size), Amount::Bytes(offset)) => offset.checked_add(size / files.max(1) as u64),
        _ => None,
    }
}

/// That the test files which are still to be made fit their file systems, all jobs of a phase together.
pub(crate) fn check_room(jobs: &[&Job], files: &mut Files) -> Result<(), Error> {
    let mut ends = BTreeMap::<PathBuf, u64>::new();
    for job in jobs {
        for worker in 0..job.workers {
            let (names, scratch) = names(job, worker);
            let end = stated_end(job, names.len()).unwrap_or(0);
            for name in names {
                if !scratch && !files.is_test_file(&name)? {
                    continue;
                }
                let known = ends.entry(name).or_default();
                *known = (*known).max(end);
            }
        }
    }
    let mut systems = BTreeMap::<u64, (PathBuf, u64)>::new();
    for (name, end) in ends {
        let dir = files::folder(&name);
        let about =
            fs::metadata(dir).map_err(|source| Error::File { path: dir.to_owned(), what: "examined", source })?;
        let system = systems.entry(about.dev()).or_insert_with(|| (dir.to_owned(), 0));
        system.1 = system.1.saturating_add(end.saturating_sub(files.len_of_made(&name)));
    }
    systems.values().filter(|(_, needed)| *needed > 0).try_for_each(|(dir, needed)| files::check_room(dir, *needed))
}

/// That the buffers of all workers of a phase fit the memory.
pub(crate) fn check_memory(jobs: &[&Job]) -> Result<(), Error> {
    let bytes = |job: &&Job| buffer_bytes(job.queue.depth, job.largest_block()) as u64 * u64::from(job.workers);
    let (needed, available) = (jobs.iter().map(bytes).sum::<u64>(), memory_available());
    if needed <= available / 2 {
        return Ok(());
    }
    let names: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
    let why = format!(
        "its buffers would take {needed} bytes and {available} are available: use a smaller iodepth, bs or numjobs"
    );
    Err(Error::Plan { job: names.join(", "), why })
}

impl<'a> PlannedJob<'a> {
    /// Opens a job's files and cuts their regions.
    pub(crate) fn new(job: &'a Job, files: &mut Files, settings: &Settings) -> Result<Self, Error> {
        let mut notes: Vec<Warning> =
            job.not_honoured.iter().map(|what| Warning::NotHonoured { what: what.clone() }).collect();
        let mut assignments = Vec::new();
        let mut all: Vec<OpenedFile> = Vec::new();
        let mut volume = None;
        for worker in 0..job.workers {
            let (names, scratch) = names(job, worker);
            if worker == 0 || scratch {
                let mode = OpenMode { write: job.rw.writes(), direct: job.flags.direct };
                for name in &names {
                    let opened =
                        if scratch { files.test_file(name, job.flags.direct)? } else { files.open(name, mode)? };
                    all.push(opened);
                }
            }
            let mine = if scratch { all.len() - names.len()..all.len() } else { 0..all.len() };
            let extents =
                mine.clone().map(|index| region(job, &mut all[index], names.len())).collect::<Result<Vec<_>, _>>()?;
            let volume = volume.get_or_insert_with(|| Volume::of_all(all.iter().map(holder), &settings.root));
            let whole: u64 = extents.iter().map(|extent| extent.len).sum();
            let amount =
                if job.timing.time_based { u64::MAX } else { job.io_size.map_or(whole, |size| size.of(whole)) };
            let io_wq_cpus = cpus(job, volume.node, &settings.root)?;
            let cpus = io_wq_cpus.as_ref().map(|all| if job.pinned { one_of(all, worker) } else { all.clone() });
            let mine = &all[mine];
            let (files, paths) = mine.iter().map(|one| (Arc::clone(&one.file), one.path.clone())).unzip();
            assignments.push(WorkerAssignment { files, paths, extents, amount, cpus, io_wq_cpus });
        }
        let volume = volume.unwrap_or_default();
        note_files(job, &all, &assignments, &volume, &mut notes);
        Ok(PlannedJob { job, assignments, opened: all, volume, notes })
    }
}

/// The path by which the volume of a file is found: a test file has no name, so its folder; else what is open, not what has its name by now.
fn holder(opened: &OpenedFile) -> PathBuf {
    match opened.kind {
        FileKind::TestFile => files::folder(&opened.path).to_owned(),
        FileKind::Existing | FileKind::Device => PathBuf::from(format!("/proc/self/fd/{}", opened.file.as_raw_fd())),
    }
}

/// The region of one file: whole blocks, within the file. A test file is reserved where it is only written to; what
/// is read is laid out later.
fn region(job: &Job, opened: &mut OpenedFile, count: usize) -> Result<Extent, Error> {
    let wrong = |why: String| Error::Plan { job: job.name.clone(), why };
    let block = u64::from(job.smallest_block());
    let test = opened.kind == FileKind::TestFile;
    let (start, size) = match (job.size, job.offset) {
        (Some(Amount::Bytes(size)), Amount::Bytes(offset)) => (offset, size / count as u64),
        (size, offset) if test && opened.len == 0 => {
            return Err(wrong(format!("a test file needs sizes in bytes, not {size:?} from {offset:?}")));
        }
        (size, offset) => {
            let start = offset.of(opened.len);
            let left = opened.len.saturating_sub(start);
            let size = match size {
                None => left,
                Some(Amount::Bytes(size)) => size / count as u64,
                Some(percent) => percent.of(opened.len).min(left),
            };
            (start, size)
        }
    };
    let len = size / block * block;
    if len < u64::from(job.largest_block()) {
        return Err(wrong(format!("{size} bytes of {} are less than one block", opened.path.display())));
    }
    let end = start.checked_add(len).ok_or_else(|| wrong("its region ends beyond 2^64".to_owned()))?;
    if test && !job.rw.reads() {
        files::reserve(opened, end)?;
    } else if !test && end > opened.len {
        let (path, has) = (opened.path.display(), opened.len);
        return Err(wrong(format!(
            "{path} has {has} bytes and the job reaches to {end}: existing files are not enlarged"
        )));
    }
    Ok(Extent { start, len })
}

/// The CPUs of a job: those that it names, those of its nodes, or those of the device's node.
fn cpus(job: &Job, node: Option<u32>, root: &Path) -> Result<Option<CpuSet>, Error> {
    let of_node = |node: u32| -> Result<CpuSet, Error> {
        let path = root.join(format!("sys/devices/system/node/node{node}/cpulist"));
        let text = fs::read_to_string(&path).map_err(|source| Error::File { path, what: "read", source })?;
        Ok(text.parse()?)
    };
    match (&job.cpus, &job.nodes, node) {
        (Some(cpus), ..) => Ok(Some(cpus.clone())),
        (None, Some(nodes), _) => {
            let sets = nodes.iter().map(of_node).collect::<Result<Vec<CpuSet>, Error>>()?;
            Ok(Some(CpuSet(sets.into_iter().flat_map(|set| set.0).collect::<BTreeSet<u32>>())))
        }
        // A hint: where the node's CPUs are not known, or are not this process's, the scheduler chooses.
        (None, None, Some(node)) => {
            let ours = allowed().unwrap_or_default();
            let set = of_node(node).map(|set| CpuSet(set.iter().filter(|cpu| ours.contains(cpu)).collect()));
            Ok(set.ok().filter(|set| !set.is_empty()))
        }
        (None, None, None) => Ok(None),
    }
}

/// One CPU of a set for each worker, in turn.
fn one_of(all: &CpuSet, worker: u32) -> CpuSet {
    all.iter().nth(worker as usize % all.len().max(1)).into_iter().collect()
}

/// Notes what of the files is not as it should be.
fn note_files(
    job: &Job,
    opened: &[OpenedFile],
    assignments: &[WorkerAssignment],
    volume: &Volume,
    notes: &mut Vec<Warning>,
) {
    if job.flags.direct && opened.iter().any(|file| !file.direct) {
        let what = format!("direct: {} does not support O_DIRECT, so I/O was buffered", volume.file_system);
        notes.push(Warning::NotHonoured { what });
    }
    if volume.in_memory() {
        let why = format!("{} keeps its files in memory, so no device was measured", volume.file_system);
        notes.push(Warning::OtherThing { why });
    }
    notes.extend(volume.arrays.iter().cloned().map(Warning::Note));
    if let Some(zfs) = &volume.zfs {
        let version = zfs.version.as_deref().unwrap_or("of unknown version");
        let why = format!("ZFS {version} works synchronously below io_uring: requests are punted to io-wq");
        notes.push(Warning::Note(why));
    }
    if opened.iter().any(|file| file.kind == FileKind::TestFile) && matches!(job.target, JobTarget::Paths(_)) {
        let what = "filename: a file that did not exist is an unnamed test file, removed at the end";
        notes.push(Warning::Note(what.to_owned()));
    }
    if opened.iter().any(|file| file.kind != FileKind::TestFile) && job.rw.reads() {
        let why = "what is read was not written by this run: its data may be compressible or cached";
        notes.push(Warning::Uncertain { why: why.to_owned() });
    }
    let read = assignments.first().filter(|_| job.rw.reads());
    let existing = |assignment: &&WorkerAssignment| -> u64 {
        let files = assignment.files.iter().zip(&assignment.extents).zip(opened);
        let old = files.filter(|(_, opened)| opened.kind == FileKind::Existing);
        old.map(|((file, extent), _)| files::holes(file, extent.start, extent.len)).sum()
    };
    let holes = read.as_ref().map_or(0, existing);
    if holes > 0 {
        let why = format!("{holes} bytes are sparse; reads of them never reach the device");
        notes.push(Warning::OtherThing { why });
    }
}

/// The CPUs that the calling thread may run on, as the kernel says.
pub(crate) fn allowed() -> Result<Vec<u32>, String> {
    let set = rustix::thread::sched_getaffinity(None).map_err(|error| format!("its CPUs are unknown: {error}"))?;
    let most = rustix::thread::CpuSet::MAX_CPU;
    Ok((0..most).filter(|&cpu| set.is_set(cpu)).filter_map(|cpu| u32::try_from(cpu).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_placed_as_the_job_says_or_by_their_device() {
        let dir = tempfile::tempdir().unwrap();
        let ours = allowed().unwrap();
        let list = |cpus: &[u32]| cpus.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        // Node 0 has our CPUs and others, node 1 has others alone.
        for (node, cpus) in [(0, format!("{},60000", list(&ours))), (1, "60001-60002".to_owned())] {
            let folder = dir.path().join(format!("sys/devices/system/node/node{node}"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("cpulist"), cpus + "\n").unwrap();
        }
        let check = |cpus: Option<&str>, nodes: Option<&str>, device: Option<u32>, expect: Option<&str>| {
            let set = |text: &str| text.parse::<CpuSet>().unwrap();
            let mut job = Job::new("test", JobTarget::Paths(Vec::new()));
            (job.cpus, job.nodes) = (cpus.map(set), nodes.map(set));
            let found = self::cpus(&job, device, dir.path()).unwrap();
            assert_eq!(found, expect.map(set), "{cpus:?} {nodes:?} {device:?}");
        };
        check(None, None, None, None);
        check(None, None, Some(0), Some(&list(&ours)));
        check(None, None, Some(1), None);
        check(None, None, Some(2), None);
        check(Some("5"), Some("1"), Some(0), Some("5"));
        check(None, Some("1"), Some(0), Some("60001-60002"));
        let all: CpuSet = "3,5,9".parse().unwrap();
        let own: Vec<String> = (0..4).map(|worker| one_of(&all, worker).to_string()).collect();
        assert_eq!(own, ["3", "5", "9", "3"]);
    }
}
