//! From jobs to the assignments of their workers: files opened, regions cut, room and rights checked, before anything is written.

mod memory;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use machine::CpuSet;
use measure::{Quantity, Unit, Warning, binary_bytes};

use crate::Error;
use crate::files::{self, FileKind, Files, OpenMode, OpenedFile};
use crate::job::{Amount, Job, JobTarget, Memory};
use crate::pattern::Extent;
use crate::settings::Settings;
use crate::volume::Volume;

pub(crate) use self::memory::{check_maps, check_memory};

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
    /// The group that it is reported in.
    pub(crate) group: u32,
}

/// Names of the files of a worker, and whether they are test files by themselves.
fn names(job: &Job, worker: u32) -> (Vec<PathBuf>, bool) {
    match &job.target {
        JobTarget::Scratch(folders) => {
            let folder = folders.get(worker as usize % folders.len().max(1)).map_or(Path::new("."), PathBuf::as_path);
            let name = |file: u32| {
                let name = job.file_names.replace("$jobnum", &worker.to_string());
                // A name with folders in it is one name: the file has none anyway.
                folder.join(name.replace("$filenum", &file.to_string()).replace('/', "-"))
            };
            ((0..job.files).map(name).collect(), true)
        }
        JobTarget::Paths(paths) => (paths.clone(), false),
    }
}

/// Where the region of a worker begins in a file of `len` bytes.
fn start_of(job: &Job, worker: u32, len: u64) -> Option<u64> {
    job.offset_increment.of(len).checked_mul(u64::from(worker))?.checked_add(job.offset.of(len))
}

/// The bytes of each of a worker's files from its start to the end of the region, where the job states them.
fn stated_end(job: &Job, worker: u32, files: usize) -> Option<u64> {
    match (job.file_size, job.size) {
        (Some(bytes), _) => Some(bytes),
        (None, Some(Amount::Bytes(size))) => start_of(job, worker, 0)?.checked_add(size / files.max(1) as u64),
        _ => None,
    }
}

/// That the test files which are still to be made fit their file systems, all jobs of a phase together.
pub(crate) fn check_room(jobs: &[&Job], files: &mut Files) -> Result<(), Error> {
    let mut ends = BTreeMap::<PathBuf, u64>::new();
    for job in jobs {
        for worker in 0..job.workers {
            let (names, scratch) = names(job, worker);
            let end = stated_end(job, worker, names.len()).unwrap_or(0);
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

/// More bytes than this, and more rounds over the region than that, are not begun without an end in time.
const ENDLESS: (u64, u64) = (1_000_000_000_000, 16);

/// The bytes that a worker transfers at least, of regions of `whole` bytes; `stated` are those before they were cut to
/// whole blocks.
fn amount(job: &Job, whole: u64, stated: u64) -> Result<u64, Error> {
    if job.timing.time_based {
        return Ok(u64::MAX);
    }
    let once = match (job.io_size, job.size, job.file_size) {
        (Some(size), ..) => size.of(stated),
        (None, Some(Amount::Bytes(size)), Some(_)) => size.min(whole),
        // Where nothing says when all blocks were taken, it is enough when as much was.
        _ if !job.takes_each_block_once() => stated,
        _ => whole,
    };
    let bytes = once.saturating_mul(u64::from(job.loops));
    if job.timing.runtime.is_none() && bytes > ENDLESS.0 && bytes / whole.max(1) > ENDLESS.1 {
        let (rounds, size) = (bytes / whole.max(1), Quantity::new(bytes as f64, Unit::Byte));
        let why = format!(
            "each worker would transfer {size}, {rounds} times its region, with no end in time: add runtime=, or ask \
             for a smaller io_size or fewer loops"
        );
        return Err(Error::Plan { job: job.name.clone(), why });
    }
    Ok(bytes)
}

impl<'a> PlannedJob<'a> {
    /// Opens a job's files and cuts their regions.
    pub(crate) fn new(job: &'a Job, files: &mut Files, settings: &Settings) -> Result<Self, Error> {
        check_placement(job, &settings.root)?;
        let mut notes: Vec<Warning> =
            job.not_honoured.iter().map(|what| Warning::NotHonoured { what: what.clone() }).collect();
        let mut assignments = Vec::new();
        let mut all: Vec<OpenedFile> = Vec::new();
        let mut volume = None;
        for worker in 0..job.workers {
            let (names, scratch) = names(job, worker);
            if worker == 0 || scratch {
                let mode = OpenMode { write: job.rw.writes(), direct: job.flags.direct, durability: job.durability };
                for name in &names {
                    let opened = if scratch { files.test_file(name, mode)? } else { files.open(name, mode)? };
                    check_blocks(job, &opened, &settings.root)?;
                    all.push(opened);
                }
            }
            let mine = if scratch { all.len() - names.len()..all.len() } else { 0..all.len() };
            let regions = mine.clone().map(|index| region(job, worker, &mut all[index], names.len()));
            let regions = regions.collect::<Result<Vec<Region>, _>>()?;
            let extents: Vec<Extent> = regions.iter().map(|region| region.extent).collect();
            let volume = volume.get_or_insert_with(|| Volume::of_all(all.iter().map(holder), &settings.root));
            let whole: u64 = extents.iter().map(|extent| extent.len).sum();
            let amount = amount(job, whole, regions.iter().map(|region| region.stated).sum())?;
            let io_wq_cpus = cpus(job, volume.node, &settings.root)?;
            let cpus = io_wq_cpus.as_ref().map(|all| if job.pinned { one_of(all, worker) } else { all.clone() });
            let mine = &all[mine];
            let (files, paths) = mine.iter().map(|one| (Arc::clone(&one.file), one.path.clone())).unzip();
            assignments.push(WorkerAssignment { files, paths, extents, amount, cpus, io_wq_cpus });
        }
        let volume = volume.unwrap_or_default();
        note_files(job, &all, &assignments, &volume, &mut notes);
        Ok(PlannedJob { job, assignments, opened: all, volume, notes, group: 0 })
    }
}

/// The path by which the volume of a file is found: a test file has no name, so its folder; else what is open, not what has its name by now.
fn holder(opened: &OpenedFile) -> PathBuf {
    match opened.kind {
        FileKind::TestFile => files::folder(&opened.path).to_owned(),
        FileKind::Existing | FileKind::Device => PathBuf::from(format!("/proc/self/fd/{}", opened.file.as_raw_fd())),
    }
}

/// The region of a file.
struct Region {
    extent: Extent,
    /// Its bytes before it was cut to whole blocks.
    stated: u64,
}

/// The bytes of a region that starts at `start` of a file.
fn size_of(job: &Job, opened: &OpenedFile, start: u64, count: usize) -> Result<u64, String> {
    let empty = opened.kind == FileKind::TestFile && opened.len == 0;
    let left = opened.len.saturating_sub(start);
    match (job.file_size, job.size) {
        (Some(bytes), Some(Amount::Percent(percent))) => Ok(Amount::Percent(percent).of(bytes)),
        (Some(bytes), _) => bytes.checked_sub(start).ok_or_else(|| format!("its offset is beyond filesize={bytes}")),
        (None, Some(Amount::Bytes(size))) => Ok(size / count as u64),
        (None, Some(Amount::Percent(percent))) if empty => Err(format!(
            "size={percent}% is a share of a file that is not there yet: say the size in bytes, or filesize="
        )),
        (None, Some(percent)) => Ok(percent.of(opened.len).min(left)),
        (None, None) if empty && job.fill => {
            files::room(files::folder(&opened.path)).map_err(|error| error.to_string())
        }
        (None, None) if empty => Err(format!(
            "it has no size, and {} is not there: say size=, or name a file or device that is there",
            opened.path.display()
        )),
        (None, None) => Ok(left),
    }
}

/// The region of one file: whole blocks, within the file. A test file is reserved where it is only written to; what
/// is read is laid out later.
fn region(job: &Job, worker: u32, opened: &mut OpenedFile, count: usize) -> Result<Region, Error> {
    let wrong = |why: String| Error::Plan { job: job.name.clone(), why };
    let beyond = || wrong("its region ends beyond 2^64".to_owned());
    let block = u64::from(job.smallest_block());
    let test = opened.kind == FileKind::TestFile;
    let start = start_of(job, worker, opened.len).ok_or_else(beyond)?;
    let stated = size_of(job, opened, start, count).map_err(wrong)?;
    let len = stated / block * block;
    if len < u64::from(job.least_region()) {
        let stated = binary_bytes(stated as f64);
        return Err(wrong(format!("{stated} of {} are less than one block", opened.path.display())));
    }
    let end = start.checked_add(len).ok_or_else(beyond)?;
    if test && !job.rw.reads() {
        files::reserve(opened, end)?;
    } else if !test && end > opened.len {
        let (path, has) = (opened.path.display(), opened.len);
        return Err(wrong(format!(
            "{path} has {has} bytes and the job reaches to {end}: existing files are not enlarged"
        )));
    }
    Ok(Region { extent: Extent { start, len }, stated })
}

/// That the job's requests are whole blocks of the device, which refuses others past the page cache.
fn check_blocks(job: &Job, opened: &OpenedFile, root: &Path) -> Result<(), Error> {
    let Some(block) = opened.direct.then(|| files::direct_block(opened, root)).flatten() else { return Ok(()) };
    let sizes = [(job.rw.reads(), job.blocks[0]), (job.rw.writes(), job.blocks[1])];
    let odd = sizes.iter().filter(|(has, _)| *has).find(|(_, sizes)| sizes.min % block != 0);
    let path = opened.path.display();
    let why = match (odd, start_of(job, 0, opened.len)) {
        (Some((_, sizes)), _) => {
            format!(
                "bs={} is not a multiple of {block}, the block of {path}: with direct=1 it takes no less",
                sizes.min
            )
        }
        (None, Some(start)) if start % u64::from(block) != 0 => {
            format!("it starts at {start}, which is not a multiple of {block}, the block of {path}, as direct=1 needs")
        }
        _ => return Ok(()),
    };
    Err(Error::Plan { job: job.name.clone(), why })
}

/// That the CPUs and nodes which a job names are there and may be used.
fn check_placement(job: &Job, root: &Path) -> Result<(), Error> {
    let wrong = |why: String| Error::Plan { job: job.name.clone(), why };
    if let Some(cpus) = &job.cpus {
        let ours: CpuSet = allowed().map_err(wrong)?.into_iter().collect();
        let missing = cpus.difference(&ours);
        if !missing.is_empty() {
            let several = if missing.len() > 1 { "s" } else { "" };
            return Err(wrong(format!("cpus_allowed names CPU{several} {missing}, and this process may use {ours}")));
        }
    }
    let bound = if let Memory::Bind(node) = job.memory { Some(node) } else { None };
    let nodes = job.nodes.iter().flat_map(CpuSet::iter).map(|node| ("numa_cpu_nodes", node));
    for (option, node) in nodes.chain(bound.map(|node| ("numa_mem_policy", node))) {
        if !root.join(format!("sys/devices/system/node/node{node}")).exists() {
            return Err(wrong(format!("{option} names node {node}, which this host does not have")));
        }
    }
    Ok(())
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
    if volume.devices.is_empty() && !volume.in_memory() {
        let why = format!(
            "{} names no device below it, so nothing could be checked by what devices count",
            volume.file_system
        );
        notes.push(Warning::Uncertain { why });
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
        let why = format!("{} are sparse; reads of them never reach the device", binary_bytes(holes as f64));
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
    fn a_file_system_that_names_no_device_says_that_nothing_could_be_checked() {
        let check = |file_system: &str, devices: &[&str], expect: Option<u8>| {
            let devices = devices.iter().map(|&name| name.to_owned()).collect();
            let volume = Volume { file_system: file_system.to_owned(), devices, ..Volume::default() };
            let (mut notes, job) = (Vec::new(), Job::new("test", JobTarget::Paths(Vec::new())));
            note_files(&job, &[], &[], &volume, &mut notes);
            assert_eq!(notes.iter().map(Warning::weight).next(), expect, "{notes:?}");
            assert!(notes.iter().all(|note| note.to_string().contains(file_system)), "{notes:?}");
        };
        check("ext4", &["sda"], None);
        check("overlay", &[], Some(2));
        check("tmpfs", &[], Some(5));
    }

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
