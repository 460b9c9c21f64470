//! The options of job files: one table, from which the parser, its error messages and the documentation are made.

use std::path::{Path, PathBuf};

use machine::CpuSet;

use super::values;
use crate::job::{Access, Amount, Blocks, Checksum, Job, JobTarget, Memory, Queue, ReadWriteMix};
use crate::steady::SteadyCriterion;

/// A job while its options are read.
#[derive(Clone, Debug)]
pub(super) struct JobDraft {
    job: Job,
    filenames: Vec<String>,
    directory: Option<PathBuf>,
    mixed: bool,
    read_percent: u8,
    submit: Option<u32>,
    complete_most: u32,
    steady: Option<SteadyCriterion>,
    steady_duration: f64,
    steady_ramp: f64,
}

/// What becomes of an option.
#[derive(Clone, Copy)]
enum OptionEffect {
    /// It is honoured.
    Set(fn(&mut JobDraft, &str) -> Result<(), String>),
    /// It is known, and cannot be honoured for this reason, which is a note of the result.
    Not(&'static str),
}

/// A row of the table.
struct OptionRow {
    name: &'static str,
    alias: Option<&'static str>,
    effect: OptionEffect,
}

const fn row(name: &'static str, set: fn(&mut JobDraft, &str) -> Result<(), String>) -> OptionRow {
    OptionRow { name, alias: None, effect: OptionEffect::Set(set) }
}

const fn with_alias(
    name: &'static str,
    alias: &'static str,
    set: fn(&mut JobDraft, &str) -> Result<(), String>,
) -> OptionRow {
    OptionRow { name, alias: Some(alias), effect: OptionEffect::Set(set) }
}

const fn not(name: &'static str, why: &'static str) -> OptionRow {
    OptionRow { name, alias: None, effect: OptionEffect::Not(why) }
}

macro_rules! set {
    (|$draft:ident, $value:ident| $body:expr) => {
        |$draft: &mut JobDraft, $value: &str| {
            $body;
            Ok(())
        }
    };
}

/// Every option that is known, by name.
const TABLE: &[OptionRow] = &[
    with_alias("bs", "blocksize", |d, v| values::blocks(v).map(|sizes| d.blocks(sizes))),
    with_alias("bsrange", "blocksize_range", |d, v| values::block_ranges(v).map(|sizes| d.blocks(sizes))),
    row("cpus_allowed", set!(|d, v| d.job.cpus = Some(cpus(v)?))),
    row("cpus_allowed_policy", set!(|d, v| d.job.pinned = choose(v, &[("shared", false), ("split", true)])?)),
    row("description", |_, _| Ok(())),
    row("direct", set!(|d, v| d.job.flags.direct = values::flag(v)?)),
    row("directory", set!(|d, v| d.directory = Some(PathBuf::from(v)))),
    row("end_fsync", set!(|d, v| d.job.syncs.at_end = values::flag(v)?)),
    row("fdatasync", set!(|d, v| d.job.syncs.fdatasync = values::count(v, 0, u32::MAX)?)),
    row("filename", set!(|d, v| d.filenames = values::paths(v)?)),
    row("fixedbufs", set!(|d, v| d.job.flags.fixed_buffers = values::flag(v)?)),
    row("fsync", set!(|d, v| d.job.syncs.fsync = values::count(v, 0, u32::MAX)?)),
    row("group_reporting", set!(|d, v| d.job.grouped = values::flag(v)?)),
    row("hipri", set!(|d, v| d.job.flags.iopoll = values::flag(v)?)),
    row("io_size", set!(|d, v| d.job.io_size = Some(values::amount(v)?))),
    row("iodepth", set!(|d, v| d.job.queue.depth = values::count(v, 1, 32768)?)),
    with_alias("iodepth_batch", "iodepth_batch_submit", |d, v| {
        d.submit = Some(values::count(v, 1, 32768)?);
        Ok(())
    }),
    with_alias("iodepth_batch_complete_min", "iodepth_batch_complete", |d, v| {
        d.job.queue.complete = values::count(v, 0, 32768)?.max(1);
        Ok(())
    }),
    row("iodepth_batch_complete_max", set!(|d, v| d.complete_most = values::count(v, 0, 32768)?)),
    not("iodepth_low", "the queue is refilled as soon as a request completes"),
    row("ioengine", |d, v| {
        match v {
            "io_uring" => {}
            other => d.job.not_honoured.push(format!("ioengine={other}: io_uring was used")),
        }
        Ok(())
    }),
    row("name", set!(|d, v| v.clone_into(&mut d.job.name))),
    row("norandommap", set!(|d, v| d.job.random_map = !values::flag(v)?)),
    row("numa_cpu_nodes", set!(|d, v| d.job.nodes = Some(cpus(v)?))),
    row("numa_mem_policy", JobDraft::memory),
    row("numjobs", set!(|d, v| d.job.workers = values::count(v, 1, 4096)?)),
    row("offset", set!(|d, v| d.job.offset = values::amount(v)?)),
    row("percentile_list", set!(|d, v| d.job.percentiles = values::percentiles(v)?)),
    row("ramp_time", set!(|d, v| d.job.timing.ramp = values::seconds(v)?)),
    row("randrepeat", |d, v| {
        if !values::flag(v)? {
            d.job.not_honoured.push("randrepeat=0: the order depends on randseed alone".to_owned());
        }
        Ok(())
    }),
    row("randseed", set!(|d, v| d.job.seed = values::bytes(v)?)),
    row("rate_iops", JobDraft::rate),
    with_alias("rw", "readwrite", JobDraft::rw),
    row("refill_buffers", set!(|d, v| d.job.refill = values::flag(v)?)),
    row("registerfiles", set!(|d, v| d.job.flags.fixed_files = values::flag(v)?)),
    row("runtime", set!(|d, v| d.job.timing.runtime = Some(values::seconds(v)?).filter(|&seconds| seconds > 0.0))),
    row("rwmixread", set!(|d, v| d.read_percent = percent(v)?)),
    row("rwmixwrite", set!(|d, v| d.read_percent = 100 - percent(v)?)),
    row("size", set!(|d, v| d.job.size = Some(values::amount(v)?))),
    row("sqthread_poll", set!(|d, v| d.job.flags.sqpoll = values::flag(v)?)),
    with_alias("steadystate", "ss", set!(|d, v| d.steady = Some(values::steady(v)?))),
    with_alias("steadystate_duration", "ss_dur", set!(|d, v| d.steady_duration = values::seconds(v)?)),
    with_alias("steadystate_ramp_time", "ss_ramp", set!(|d, v| d.steady_ramp = values::seconds(v)?)),
    with_alias("stonewall", "wait_for_previous", set!(|d, v| d.job.stonewall = values::flag(v)?)),
    row("thread", |_, v| values::flag(v).map(|_| ())),
    row("time_based", set!(|d, v| d.job.timing.time_based = values::flag(v)?)),
    row("unlink", |d, v| {
        if !values::flag(v)? {
            d.job.not_honoured.push("unlink=0: test files that this tool makes are always removed".to_owned());
        }
        Ok(())
    }),
    not("fallocate", "test files are written in full, so that no hole is read"),
    not("invalidate", "the cached pages of a buffered file are always dropped before the start"),
    row("verify", set!(|d, v| d.job.verify = checksum(v)?)),
];

/// The names of all options that are honoured, for the documentation and for error messages.
pub fn honoured() -> impl Iterator<Item = &'static str> {
    TABLE.iter().filter(|row| matches!(row.effect, OptionEffect::Set(_))).flat_map(names)
}

/// Options that are known and not honoured, with the reason.
pub fn not_honoured() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.iter().filter_map(|row| match row.effect {
        OptionEffect::Not(why) => Some((row.name, why)),
        OptionEffect::Set(_) => None,
    })
}

fn names(row: &OptionRow) -> impl Iterator<Item = &'static str> {
    std::iter::once(row.name).chain(row.alias)
}

impl JobDraft {
    /// What fio's options are before any is given.
    pub(super) fn new() -> Self {
        let mut job = Job::new("", JobTarget::Paths(Vec::new()));
        job.flags.direct = false;
        job.flags.fixed_files = false;
        job.flags.fixed_buffers = false;
        JobDraft {
            job,
            filenames: Vec::new(),
            directory: None,
            mixed: false,
            read_percent: 50,
            submit: None,
            complete_most: 0,
            steady: None,
            steady_duration: 0.0,
            steady_ramp: 0.0,
        }
    }

    /// The section's name, until an option says another.
    pub(super) fn name(&mut self, name: &str) {
        name.clone_into(&mut self.job.name);
    }

    /// Takes one option.
    pub(super) fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let name = key.to_ascii_lowercase();
        let Some(row) = TABLE.iter().find(|row| names(row).any(|known| known == name)) else {
            let mut known: Vec<&str> = TABLE.iter().flat_map(names).collect();
            known.sort_unstable();
            return Err(format!("unknown option `{key}`; known options are {}", known.join(", ")));
        };
        match row.effect {
            OptionEffect::Set(set) => set(self, value).map_err(|why| format!("{key}: {why}"))?,
            OptionEffect::Not(why) => self.job.not_honoured.push(format!("{key}: {why}")),
        }
        // As fio prints them: under its own name of the option, and without switches that have no value.
        if !value.is_empty() {
            self.job.options.push((row.name.to_owned(), value.to_owned()));
        }
        Ok(())
    }

    /// The options so far become those that all later jobs start from.
    pub(super) fn forget_options(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.job.options)
    }

    fn blocks(&mut self, sizes: [Option<Blocks>; 2]) {
        for (block, size) in self.job.blocks.iter_mut().zip(sizes) {
            *block = size.unwrap_or(*block);
        }
    }

    fn rw(&mut self, value: &str) -> Result<(), String> {
        use Access::{Random, Sequential};
        let mixed = ReadWriteMix::Mixed { read_percent: 50 };
        let kinds = [
            ("read", (Sequential, ReadWriteMix::Read)),
            ("write", (Sequential, ReadWriteMix::Write)),
            ("rw", (Sequential, mixed)),
            ("readwrite", (Sequential, mixed)),
            ("randread", (Random, ReadWriteMix::Read)),
            ("randwrite", (Random, ReadWriteMix::Write)),
            ("randrw", (Random, mixed)),
        ];
        (self.job.access, self.job.rw) = choose(value, &kinds)?;
        self.mixed = self.job.rw == mixed;
        Ok(())
    }

    fn memory(&mut self, value: &str) -> Result<(), String> {
        let (mode, nodes) = value.split_once(':').unwrap_or((value, ""));
        match mode {
            "default" | "local" => self.job.memory = Memory::Local,
            "bind" => match nodes.parse() {
                Ok(node) => self.job.memory = Memory::Bind(node),
                Err(_) => self.job.not_honoured.push(format!("numa_mem_policy={value}: only one node is supported")),
            },
            "prefer" | "interleave" => {
                self.job.not_honoured.push(format!("numa_mem_policy={value}: buffers are local or bound to a node"));
            }
            _ => return Err(format!("`{value}` is none of default, local, bind:NODE, prefer:NODE, interleave:NODES")),
        }
        Ok(())
    }

    fn rate(&mut self, value: &str) -> Result<(), String> {
        let rates: Vec<&str> = value.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        match rates[..] {
            [one] => self.job.rate = Some(values::count(one, 1, 100_000_000)?),
            _ => return Err(format!("`{value}`: only one rate for reads and writes together is supported")),
        }
        Ok(())
    }

    /// The job, where its options fit together.
    pub(super) fn finish(mut self, dir: &Path) -> Result<Job, String> {
        if self.mixed {
            self.job.rw = ReadWriteMix::Mixed { read_percent: self.read_percent };
        }
        if let Some(criterion) = self.steady {
            if self.steady_duration < 2.0 {
                return Err("ss needs ss_dur of at least 2 seconds".to_owned());
            }
            let (duration, ramp) = (self.steady_duration, self.steady_ramp);
            self.job.steady = Some(SteadyCriterion { duration, ramp, ..criterion });
        }
        let job = &mut self.job;
        if self.complete_most != 0 && self.complete_most < job.queue.depth {
            let text =
                format!("iodepth_batch_complete_max={}: all completions that are there are reaped", self.complete_most);
            job.not_honoured.push(text);
        }
        let depth = job.queue.depth;
        job.queue.submit = self.submit.map_or(Queue::deep(depth).submit, |most| most.min(depth));
        job.queue.complete = job.queue.complete.min(depth);
        let directory = self.directory.map(|directory| dir.join(directory));
        if self.filenames.is_empty() {
            job.target = JobTarget::Scratch(directory.unwrap_or_else(|| dir.to_owned()));
        } else {
            let base = directory.as_deref().unwrap_or(dir);
            job.target = JobTarget::Paths(self.filenames.iter().map(|name| base.join(name)).collect());
        }
        fits_together(job)?;
        Ok(self.job)
    }
}

fn fits_together(job: &Job) -> Result<(), String> {
    if job.timing.time_based && job.timing.runtime.is_none() {
        return Err("time_based needs a runtime".to_owned());
    }
    if matches!(job.target, JobTarget::Scratch(_)) && !matches!(job.size, Some(Amount::Bytes(_))) {
        return Err("a test file needs a size in bytes".to_owned());
    }
    if matches!(&job.target, JobTarget::Paths(paths) if paths.len() > 1024) {
        return Err("at most 1024 files are supported".to_owned());
    }
    if job.verify.is_some() {
        if job.blocks.iter().any(|blocks| blocks.min != blocks.max) || job.blocks[0] != job.blocks[1] {
            return Err("verify needs one block size".to_owned());
        }
        if job.blocks[0].min < 64 {
            return Err("verify needs blocks of at least 64 bytes: each has a header".to_owned());
        }
        if job.workers > 1 && job.rw.writes() && matches!(job.target, JobTarget::Paths(_)) {
            return Err("verify cannot tell whose data it reads where several workers write one file: \
                        leave out filename, or use one worker"
                .to_owned());
        }
    }
    Ok(())
}

fn choose<T: Copy>(value: &str, choices: &[(&str, T)]) -> Result<T, String> {
    choices.iter().find(|(name, _)| *name == value).map(|&(_, choice)| choice).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        format!("`{value}` is none of {}", names.join(", "))
    })
}

fn checksum(value: &str) -> Result<Option<Checksum>, String> {
    choose(
        value,
        &[
            ("0", None),
            ("crc32c", Some(Checksum::Crc32c)),
            ("crc32c-intel", Some(Checksum::Crc32c)),
            ("xxhash", Some(Checksum::Xxhash)),
        ],
    )
}

fn percent(value: &str) -> Result<u8, String> {
    values::count(value, 0, 100).map(|percent| u8::try_from(percent).unwrap_or(100))
}

fn cpus(value: &str) -> Result<CpuSet, String> {
    let set: CpuSet = value.parse().map_err(|error: machine::Error| error.to_string())?;
    if set.is_empty() { Err("the list is empty".to_owned()) } else { Ok(set) }
}
