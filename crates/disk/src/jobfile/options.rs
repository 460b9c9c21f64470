//! The options of job files: one table, from which the parser, its error messages and the documentation are made.

use std::path::PathBuf;

use super::draft::{JobDraft, choose, cpus};
use super::values;
use crate::job::{Durability, Ends, FileOrder};

/// Reads the value of an option into a job.
type Setter = fn(&mut JobDraft, &str) -> Result<(), String>;

/// What becomes of an option.
#[derive(Clone, Copy)]
enum OptionEffect {
    /// It is honoured.
    Set(Setter),
    /// It is known and changes nothing of what is measured, or cannot be honoured, for this reason, which is a note of the
    /// result.
    Note(&'static str),
    /// It shapes the load and is not supported: why, and what comes next to it.
    Refuse(&'static str),
}

/// A row of the table.
pub(super) struct OptionRow {
    name: &'static str,
    alias: Option<&'static str>,
    effect: OptionEffect,
    /// Whether it may stand without a value.
    is_switch: bool,
}

impl OptionRow {
    const fn or(self, alias: &'static str) -> Self {
        OptionRow { alias: Some(alias), ..self }
    }

    const fn switch(self) -> Self {
        OptionRow { is_switch: true, ..self }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.alias)
    }
}

const fn row(name: &'static str, set: Setter) -> OptionRow {
    OptionRow { name, alias: None, effect: OptionEffect::Set(set), is_switch: false }
}

const fn note(name: &'static str, why: &'static str) -> OptionRow {
    OptionRow { name, alias: None, effect: OptionEffect::Note(why), is_switch: false }
}

const fn refuse(name: &'static str, why: &'static str) -> OptionRow {
    OptionRow { name, alias: None, effect: OptionEffect::Refuse(why), is_switch: false }
}

macro_rules! set {
    (|$draft:ident, $value:ident| $body:expr) => {
        |$draft: &mut JobDraft, $value: &str| {
            $body;
            Ok(())
        }
    };
}

const RECORDED: &str = "everything is always recorded";
const ENTIRE: &str = "each block that was written is checked as a whole when the writes are done";
const UNIQUE: &str = "each sector carries a tag of its offset, so no two blocks are equal";
const FAILURE: &str = "the first request that fails ends the run";
const TIMED: &str = "the clock is read at the same places in every run";
const LIMITS: &str = "a rate that is not reached ends nothing";
const REPLAY: &str = "I/O is not replayed from a log; describe it by rw=, bs= and rate=";

/// Every option that is known, by topic.
pub(super) const TABLE: &[OptionRow] = &[
    // The job.
    row("description", |_, _| Ok(())),
    row("name", set!(|d, v| d.renamed = Some(v.to_owned()))),
    row("numjobs", set!(|d, v| d.job.workers = values::count(v, 1, 4096)?)),
    row("stonewall", set!(|d, v| d.job.stonewall = values::flag(v)?)).or("wait_for_previous").switch(),
    row("new_group", set!(|d, v| d.job.new_group = values::flag(v)?)).switch(),
    row("group_reporting", set!(|d, v| d.job.grouped = values::flag(v)?)).switch(),
    row("wait_for", set!(|d, v| d.job.wait_for = Some(v.to_owned()))),
    row("exitall", set!(|d, v| d.exit_all = values::flag(v)?)).switch(),
    row(
        "exit_what",
        set!(|d, v| {
            d.exit_what = choose(v, &[("group", Ends::Group), ("stonewall", Ends::Phase), ("all", Ends::All)])?;
        }),
    ),
    row("thread", |_, v| values::flag(v).map(|_| ())).or("threads").switch(),
    row("kb_base", |_, _| Ok(())), // read before the others
    note("exitall_on_error", FAILURE).switch(),
    note("unit_base", "both bytes and bits are told from the result"),
    note("nice", "workers have the level of this process"),
    // What is read and written.
    row("rw", JobDraft::rw).or("readwrite"),
    row("rwmixread", set!(|d, v| d.read_percent = values::percent_of(v)?)),
    row("rwmixwrite", set!(|d, v| d.read_percent = 100 - values::percent_of(v)?)),
    row("rw_sequencer", set!(|d, v| d.job.identical = choose(v, &[("sequential", false), ("identical", true)])?)),
    row("bs", |d, v| values::blocks(v, d.kb).map(|sizes| d.blocks(sizes))).or("blocksize"),
    row("bsrange", |d, v| values::block_ranges(v, d.kb).map(|sizes| d.blocks(sizes))).or("blocksize_range"),
    row("bssplit", JobDraft::block_shares),
    row("blockalign", set!(|d, v| d.align = values::blocks(v, d.kb)?[0].map(|blocks| blocks.min))).or("ba"),
    row("size", set!(|d, v| d.job.size = Some(values::amount(v, d.kb)?).filter(|size| size.of(100) > 0))),
    row("io_size", set!(|d, v| d.job.io_size = Some(values::amount(v, d.kb)?).filter(|size| size.of(100) > 0)))
        .or("io_limit"),
    row("filesize", set!(|d, v| d.job.file_size = Some(values::bytes(v, d.kb)?).filter(|&size| size > 0))),
    row("fill_device", set!(|d, v| d.job.fill = values::flag(v)?)).or("fill_fs"),
    row("offset", set!(|d, v| d.job.offset = values::amount(v, d.kb)?)).or("fileoffset"),
    row("offset_increment", set!(|d, v| d.job.offset_increment = values::amount(v, d.kb)?)),
    row("number_ios", set!(|d, v| d.job.requests = Some(values::bytes(v, d.kb)?).filter(|&count| count > 0))),
    row("loops", set!(|d, v| d.job.loops = values::count(v, 0, u32::MAX)?.max(1))),
    row("norandommap", set!(|d, v| d.job.random_map = !values::flag(v)?)).switch(),
    row("percentage_random", set!(|d, v| d.job.random_percent = values::percent_of(v)?)),
    row("random_distribution", JobDraft::distribution),
    row("randseed", set!(|d, v| d.job.seed = values::bytes(v, d.kb)?)),
    row("randrepeat", |d, v| {
        if !values::flag(v)? {
            d.job.not_honoured.push("randrepeat=0: the order depends on randseed alone".to_owned());
        }
        Ok(())
    }),
    note("allrandrepeat", "the order depends on randseed alone"),
    note("random_generator", "random blocks are a permutation, which needs no memory and takes each once"),
    note("softrandommap", "the map of random blocks needs no memory"),
    row("zonemode", |d, v| match v {
        "none" | "strided" => {
            d.strided = Some(v == "strided");
            Ok(())
        }
        "zbd" => Err("zoned devices are not supported; zonemode=strided is, on others".to_owned()),
        _ => Err(format!("`{v}` is none of none, strided")),
    }),
    row("zonesize", set!(|d, v| d.zones.size = values::bytes(v, d.kb)?)),
    row("zonerange", set!(|d, v| d.zones.range = values::bytes(v, d.kb)?)),
    row("zoneskip", set!(|d, v| d.zones.skip = values::bytes(v, d.kb)?)),
    // Files.
    row("filename", |d, v| values::paths(v).map(|names| d.filenames.extend(names))),
    row("directory", |d, v| {
        values::paths(v).map(|names| d.directories = names.into_iter().map(PathBuf::from).collect())
    }),
    row("filename_format", set!(|d, v| d.file_names = Some(v.to_owned()))),
    row("nrfiles", set!(|d, v| d.job.files = values::count(v, 0, 1024)?.max(1))).or("nr_files"),
    row("file_service_type", |d, v| {
        let kind = v.split(':').next().unwrap_or_default();
        let kinds = [
            ("roundrobin", FileOrder::RoundRobin),
            ("random", FileOrder::Random),
            ("sequential", FileOrder::Sequential),
        ];
        choose(kind, &kinds).map(|order| d.job.file_order = order)
    }),
    row("unlink", |d, v| {
        if !values::flag(v)? {
            d.job.not_honoured.push("unlink=0: test files that this tool makes are always removed".to_owned());
        }
        Ok(())
    }),
    note("unlink_each_loop", "test files are removed at the end"),
    note("openfiles", "all files are open all the time"),
    note("unique_filename", "test files have no names"),
    note("allow_file_create", "a name that is not there stands for a test file"),
    note("allow_mounted_write", "what is in use is written to with --allow-destroy alone"),
    note("create_serialize", "test files are written one after the other"),
    note("create_fsync", "test files are on the disk before the start"),
    note("create_on_open", "test files are made before the start"),
    note("overwrite", "test files that are read are written before, those that are written are reserved"),
    note("fallocate", "test files are written in full, so that no hole is read"),
    note("fadvise_hint", "the kernel is told nothing of the order"),
    note("file_append", "files are written within the region that the job states"),
    note("invalidate", "the cached pages of a buffered file are always dropped before the start"),
    note("pre_read", "the cached pages of a buffered file are always dropped before the start"),
    refuse("opendir", "files are named one by one: filename=a:b"),
    // How.
    row("ioengine", JobDraft::engine),
    row("direct", set!(|d, v| d.job.flags.direct = values::flag(v)?)),
    row("buffered", set!(|d, v| d.job.flags.direct = !values::flag(v)?)),
    row(
        "atomic",
        |_, v| if values::flag(v)? { Err("O_ATOMIC is in no kernel; direct=1 is".to_owned()) } else { Ok(()) },
    ),
    row("sync", |d, v| {
        let kinds = [
            ("none", Durability::None),
            ("0", Durability::None),
            ("dsync", Durability::Data),
            ("sync", Durability::All),
            ("1", Durability::All),
        ];
        choose(v, &kinds).map(|kind| d.job.durability = kind)
    }),
    row("fsync", set!(|d, v| d.job.syncs.fsync = values::count(v, 0, u32::MAX)?)),
    row("fdatasync", set!(|d, v| d.job.syncs.fdatasync = values::count(v, 0, u32::MAX)?)),
    row("end_fsync", set!(|d, v| d.job.syncs.at_end = values::flag(v)?)),
    row("fsync_on_close", set!(|d, v| d.job.syncs.at_end |= values::flag(v)?)),
    row("iodepth", set!(|d, v| d.job.queue.depth = values::count(v, 1, 32768)?)),
    row("iodepth_batch", set!(|d, v| d.submit = Some(values::count(v, 1, 32768)?))).or("iodepth_batch_submit"),
    row("iodepth_batch_complete_min", set!(|d, v| d.job.queue.complete = values::count(v, 0, 32768)?.max(1)))
        .or("iodepth_batch_complete"),
    row("iodepth_batch_complete_max", set!(|d, v| d.complete_most = values::count(v, 0, 32768)?)),
    note("iodepth_low", "the queue is refilled as soon as a request completes"),
    note(
        "io_submit_mode",
        "each worker submits its own requests; with a rate, a stall is charged to those that it delays",
    ),
    note("serialize_overlap", "overlapping requests are sent as they come"),
    row("fixedbufs", set!(|d, v| d.job.flags.fixed_buffers = values::flag(v)?)).switch(),
    row("registerfiles", set!(|d, v| d.job.flags.fixed_files = values::flag(v)?)).switch(),
    row("hipri", set!(|d, v| d.job.flags.iopoll = values::flag(v)?)).switch(),
    row("sqthread_poll", set!(|d, v| d.job.flags.sqpoll = values::flag(v)?)).switch(),
    note("sqthread_poll_cpu", "the kernel chooses the CPU of its thread"),
    note("nonvectored", "requests have one buffer each"),
    note("force_async", "whether a request is punted follows from the file"),
    note("mem", "buffers are in huge pages where there are some").or("iomem"),
    note("iomem_align", "buffers begin on pages").or("mem_align"),
    note("hugepage-size", "the kernel chooses the size"),
    note("lockmem", "buffers are registered with fixedbufs"),
    row("prio", set!(|d, v| d.priority.level = values::count(v, 0, 7)?)),
    row("prioclass", set!(|d, v| d.priority.class = values::count(v, 0, 3)?)),
    note("cmdprio_percentage", "all requests of a job have its prio"),
    note("cmdprio_class", "all requests of a job have its prioclass"),
    note("cmdprio", "all requests of a job have its prio"),
    note("cmdprio_bssplit", "all requests of a job have its prio"),
    note("ioscheduler", "the scheduler of the device stays as it is"),
    // Data.
    row("refill_buffers", set!(|d, v| d.job.refill = values::flag(v)?)).switch(),
    row("buffer_compress_percentage", set!(|d, v| d.job.compressible = values::percent_of(v)?)),
    note("buffer_compress_chunk", "each sector has its share of zeros"),
    note("scramble_buffers", "no two writes are alike"),
    note("zero_buffers", UNIQUE).switch(),
    note("buffer_pattern", UNIQUE),
    note("dedupe_percentage", UNIQUE),
    note("dedupe_mode", UNIQUE),
    note("dedupe_working_set_percentage", UNIQUE),
    note("dedupe_global", UNIQUE),
    row("verify", JobDraft::verify),
    row("do_verify", set!(|d, v| d.job.read_back = values::flag(v)?)),
    note("verify_backlog", ENTIRE),
    note("verify_backlog_batch", ENTIRE),
    note("verify_interval", ENTIRE),
    note("verify_pattern", ENTIRE),
    note("verify_offset", ENTIRE),
    note("verify_async", ENTIRE),
    note("verify_async_cpus", ENTIRE),
    note("verify_dump", "the message names the offset and what is wrong"),
    note("verify_fatal", FAILURE),
    note("verifysort", ENTIRE),
    note("verify_state_save", "what was written is checked by the job itself"),
    refuse("verify_only", "a job checks what it wrote: verify=crc32c with rw=write"),
    note("continue_on_error", FAILURE),
    note("ignore_error", FAILURE),
    note("error_dump", "an error names its request"),
    // Time.
    row("runtime", set!(|d, v| d.job.timing.runtime = Some(values::seconds(v)?).filter(|&seconds| seconds > 0.0)))
        .or("timeout"),
    row("time_based", set!(|d, v| d.job.timing.time_based = values::flag(v)?)).switch(),
    row("ramp_time", set!(|d, v| d.job.timing.ramp = values::seconds(v)?)),
    row("startdelay", set!(|d, v| d.job.timing.delay = values::seconds(v)?)),
    row("thinktime", set!(|d, v| d.think = values::microseconds(v)?)),
    row("thinktime_blocks", set!(|d, v| d.think_after = values::count(v, 0, u32::MAX)?.max(1))),
    note("thinktime_spin", "a worker sleeps while it thinks"),
    note("thinktime_blocks_type", "requests that were completed are counted"),
    refuse("thinktime_iotime", "pauses come after thinktime_blocks= requests"),
    row("rate", |d, v| values::byte_rates(v, d.kb).map(|rates| d.rates(rates))),
    row("rate_iops", |d, v| values::request_rates(v).map(|rates| d.rates(rates))),
    row("rate_process", set!(|d, v| d.job.poisson = choose(v, &[("linear", false), ("poisson", true)])?)),
    note("rate_min", LIMITS).or("ratemin"),
    note("rate_iops_min", LIMITS),
    note("rate_cycle", LIMITS).or("ratecycle"),
    note("rate_ignore_thinktime", "arrivals are scheduled in advance"),
    row("steadystate", set!(|d, v| d.steady = Some(values::steady(v, d.kb)?))).or("ss"),
    row("steadystate_duration", set!(|d, v| d.steady_duration = values::seconds(v)?)).or("ss_dur"),
    row("steadystate_ramp_time", set!(|d, v| d.steady_ramp = values::seconds(v)?)).or("ss_ramp"),
    row("latency_target", set!(|d, v| d.target.seconds = values::microseconds(v)?)),
    row("latency_window", set!(|d, v| d.target.window = values::microseconds(v)?)),
    row("latency_percentile", set!(|d, v| d.target.percent = values::percentiles(v)?.last().copied().unwrap_or(100.0))),
    row("latency_run", set!(|d, v| d.target.goes_on = values::flag(v)?)),
    refuse("max_latency", "no latency ends a run; read the percentiles"),
    row("flow", set!(|d, v| d.flow.weight = values::count(v, 0, 1_000_000)?)),
    row("flow_id", set!(|d, v| d.flow.id = values::count(v, 0, u32::MAX)?)),
    row("flow_sleep", set!(|d, v| d.flow.sleep = values::microseconds(v)?)),
    note("flow_watermark", "the shares of a flow hold for each request"),
    // Where it runs.
    row("cpus_allowed", set!(|d, v| d.job.cpus = Some(cpus(v)?))),
    row("cpus_allowed_policy", set!(|d, v| d.job.pinned = choose(v, &[("shared", false), ("split", true)])?)),
    row("numa_cpu_nodes", set!(|d, v| d.job.nodes = Some(cpus(v)?))),
    row("numa_mem_policy", JobDraft::memory),
    refuse("cpumask", "CPUs are named by their numbers: cpus_allowed=0-3"),
    refuse("cgroup", "a run is in the control group of its process: systemd-run --scope"),
    refuse("uid", "a run has the rights of its process"),
    refuse("gid", "a run has the rights of its process"),
    // What is reported.
    row("percentile_list", set!(|d, v| d.job.percentiles = values::percentiles(v)?)),
    row("write_bw_log", set!(|d, v| d.job.logs[0] = Some(v.to_owned()))).switch(),
    row("write_iops_log", set!(|d, v| d.job.logs[1] = Some(v.to_owned()))).switch(),
    note("write_lat_log", "the distributions of latencies are in the JSON").switch(),
    note("write_hist_log", "the distributions of latencies are in the JSON").switch(),
    note("log_avg_msec", "logs have a line a second"),
    note("log_entries", "logs have a line a second"),
    note("log_offset", "logs have a line a second"),
    note("log_prio", "logs have a line a second"),
    note("log_max_value", "logs have the mean of each second"),
    note("log_hist_msec", "the distributions of latencies are in the JSON"),
    note("log_hist_coarseness", "the distributions of latencies are in the JSON"),
    note("log_unix_epoch", "logs begin at the start of the run"),
    note("log_alternate_epoch", "logs begin at the start of the run"),
    note("per_job_logs", "each result has logs of its own"),
    note("bwavgtime", "the series has a value a second"),
    note("iopsavgtime", "the series has a value a second"),
    note("gtod_reduce", TIMED),
    note("disable_lat", RECORDED),
    note("disable_clat", RECORDED),
    note("disable_slat", RECORDED),
    note("disable_bw_measurement", RECORDED).or("disable_bw"),
    note("clat_percentiles", RECORDED),
    note("lat_percentiles", RECORDED),
    note("slat_percentiles", RECORDED),
    note("block_error_percentiles", FAILURE),
    note("unified_rw_reporting", "reads and writes are told apart"),
    note("significant_figures", "numbers have three digits or more"),
    note("disk_util", RECORDED),
    note("stats", RECORDED),
    note("clocksource", "the clock is CLOCK_MONOTONIC"),
    note("gtod_cpu", TIMED),
    note("write_hint", "the device is told nothing of the lifetime"),
    refuse("read_iolog", REPLAY),
    refuse("write_iolog", "requests are not logged one by one; write_bw_log= has a line a second"),
    refuse("profile", "there are no profiles; write the options out"),
    refuse("exec_prerun", "no other program is started: do that in a script"),
    refuse("exec_postrun", "no other program is started: do that in a script"),
];

/// The row of an option.
fn find(name: &str) -> Option<&'static OptionRow> {
    TABLE.iter().find(|row| row.names().any(|known| known == name))
}

/// The known option whose name looks most like this one.
fn nearest(name: &str) -> &'static str {
    let names = TABLE.iter().filter(|row| !matches!(row.effect, OptionEffect::Refuse(_))).flat_map(OptionRow::names);
    let closeness = |known: &&str| strsim::jaro_winkler(known, name);
    names.max_by(|a, b| closeness(a).total_cmp(&closeness(b))).unwrap_or("rw")
}

/// Takes one option of a job.
pub(super) fn set(draft: &mut JobDraft, key: &str, value: Option<&str>) -> Result<(), String> {
    let name = key.to_ascii_lowercase();
    let Some(row) = find(&name) else {
        return Err(format!("unknown option `{key}`; did you mean `{}`?", nearest(&name)));
    };
    match value {
        None if !row.is_switch => return Err(format!("{key} needs a value: {key}=…")),
        Some("") => return Err(format!("{key} has no value (a variable that is not set is empty)")),
        _ => {}
    }
    let text = value.unwrap_or_default();
    match row.effect {
        OptionEffect::Set(take) => take(draft, text).map_err(|why| format!("{key}: {why}"))?,
        OptionEffect::Note(_) if text == "0" => {}
        OptionEffect::Note(why) => draft.job.not_honoured.push(format!("{key}: {why}")),
        OptionEffect::Refuse(why) => return Err(format!("{key} is not supported: {why}")),
    }
    // As fio prints them: under its own name of the option, and without switches that have no value.
    if !text.is_empty() {
        draft.job.options.push((row.name.to_owned(), text.to_owned()));
    }
    Ok(())
}

/// Whether an option may stand without a value; `None` where it is not known.
#[must_use]
pub fn is_switch(name: &str) -> Option<bool> {
    find(name).map(|row| row.is_switch)
}

/// The names of all options that are honoured, for the documentation.
pub fn honoured() -> impl Iterator<Item = &'static str> {
    TABLE.iter().filter(|row| matches!(row.effect, OptionEffect::Set(_))).flat_map(OptionRow::names)
}

/// Options that are known and change nothing, with the reason.
pub fn not_honoured() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.iter().filter_map(|row| if let OptionEffect::Note(why) = row.effect { Some((row.name, why)) } else { None })
}
