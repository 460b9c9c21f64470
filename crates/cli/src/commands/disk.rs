//! `hostproof disk JOB.fio`: fio's job files, and its options of jobs, on our own engine.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use disk::histogram::Histogram;
use disk::job::{Direction, Job};
use disk::jobfile::{self, JobText, Surroundings};
use disk::{JobResult, LiveRates, Results, Rights, Settings, fio_json, run_jobs};
use indicatif::ProgressBar;
use measure::{Quantity, Unit};

use crate::alone;
use crate::args::{DiskArgs, Eta, OutputFormat};
use crate::exit::Exit;
use crate::outfile::OutFile;
use crate::output::{print, print_json, quiet, say};
use crate::progress;

/// Columns of the text at most.
const COLUMNS: usize = 100;
const MIB: f64 = 1024.0 * 1024.0;
/// Bytes of a job file from the standard input at most.
const LARGEST_INPUT: u64 = 1 << 20;
/// By which the file of an earlier result is known: what wrote it, as both formats say it.
const MARK: &str = concat!("hostproof-", env!("CARGO_PKG_VERSION_MAJOR"), ".");

/// What was typed, with the options of jobs (`--rw=read`, `--rw read`) in the form that the parser of arguments knows.
pub(crate) fn with_job_options(typed: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let typed: Vec<OsString> = typed.collect();
    let Some(command) = place_of_command(&typed).filter(|&place| typed[place] == "disk") else { return typed };
    let mut rest = typed.into_iter();
    let mut arguments: Vec<OsString> = rest.by_ref().take(command + 1).collect();
    while let Some(argument) = rest.next() {
        let option = argument.to_str().and_then(|text| text.strip_prefix("--"));
        let name = option.map(|option| option.split('=').next().unwrap_or_default());
        match (option, name.and_then(jobfile::is_switch)) {
            (Some(option), Some(is_switch)) => {
                let is_complete = is_switch || option.contains('=');
                let mut option = OsString::from(option);
                if !is_complete && let Some(value) = rest.next() {
                    option.push("=");
                    option.push(value);
                }
                arguments.extend([OsString::from("--job-option"), option]);
            }
            _ => arguments.push(argument),
        }
    }
    arguments
}

/// Where the command stands behind the options that every command has.
fn place_of_command(typed: &[OsString]) -> Option<usize> {
    /// Those of them whose value may be a word of its own.
    const WITH_VALUE: [&str; 2] = ["--width", "--color"];
    let mut place = 1;
    while let Some(option) = typed.get(place)?.to_str().filter(|word| word.starts_with('-')) {
        place += 1 + usize::from(WITH_VALUE.contains(&option));
    }
    Some(place)
}

pub(crate) fn disk(args: &DiskArgs) -> Result<Exit> {
    let texts = args.files.iter().map(|path| read(path)).collect::<Result<Vec<String>>>()?;
    let each = args.files.iter().zip(&texts);
    let files: Vec<JobText<'_>> = each.map(|(path, text)| JobText { path, text }).collect();
    let found = jobfile::read(&args.options, &files, &Surroundings::of_process())?;
    if args.parse_only {
        return Ok(Exit::Done);
    }
    // Before hours of work, and not after.
    let output = args.output.as_ref().map(|path| OutFile::open(path, MARK, args.force)).transpose()?;
    let rights = Rights { write: args.allow_write.clone(), destroy: args.allow_destroy.clone() };
    let settings = Settings { rights, ..Settings::default() };
    logs_may_be_written(&found.jobs, args.force)?;
    let _alone = alone::measure(args.beside)?;
    let shown = Shown::new(args.eta);
    let results = run_jobs(&found.jobs, &settings, &mut |live| shown.show(&live))?;
    shown.end();
    match output {
        None => args.output_format.iter().try_for_each(|format| match format {
            OutputFormat::Json => print_json(&fio_json(&results, &found.globals)),
            OutputFormat::Normal => print(&summary(&results)),
        })?,
        Some(output) => {
            let text = args.output_format.iter().map(|format| match format {
                OutputFormat::Json => ::report::json::pretty(&fio_json(&results, &found.globals)) + "\n",
                OutputFormat::Normal => format!("hostproof-{}\n{}", env!("CARGO_PKG_VERSION"), summary(&results)),
            });
            let path = output.path().to_owned();
            let written = output.write(text.collect::<String>().as_bytes());
            written.with_context(|| format!("could not write {}", path.display()))?;
        }
    }
    write_logs(&results, args.force)?;
    Ok(Exit::Done)
}

fn read(path: &Path) -> Result<String> {
    if path == Path::new("-") {
        let read = io::read_to_string(io::stdin().take(LARGEST_INPUT + 1));
        let text = read.context("could not read the job file from the standard input")?;
        ensure!(text.len() as u64 <= LARGEST_INPUT, "the job file from the standard input is larger than 1 MiB");
        return Ok(text);
    }
    Ok(record::input::read_text(path)?)
}

/// What is shown while jobs run.
enum Shown {
    Nothing,
    Lines,
    Bar(ProgressBar),
}

impl Shown {
    fn new(eta: Eta) -> Self {
        match (eta, io::stderr().is_terminal()) {
            _ if quiet() => Shown::Nothing,
            (Eta::Never, _) | (Eta::Auto, false) => Shown::Nothing,
            (Eta::Auto | Eta::Always, true) => Shown::Bar(progress::bar("disk")),
            (Eta::Always, false) => Shown::Lines,
        }
    }

    fn show(&self, live: &LiveRates) {
        let rate = Quantity::new(live.bandwidth, Unit::BytePerSecond);
        let iops = Quantity::new(live.iops, Unit::IoPerSecond);
        match self {
            Shown::Nothing => {}
            Shown::Lines => {
                let (seconds, percent) = (live.seconds, live.done * 100.0);
                say(&format!("{seconds:6.1} s  {percent:3.0} %  {iops:>14}  {rate}"));
            }
            Shown::Bar(bar) => {
                progress::set(bar, live.done);
                bar.set_message(format!("{iops} · {rate}"));
            }
        }
    }

    fn end(self) {
        if let Shown::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// The logs that a job asks for, as the result of this number: what each holds, and its path.
fn logs_of(job: &Job, number: usize) -> impl Iterator<Item = (&'static str, PathBuf)> + '_ {
    ["bw", "iops"].into_iter().zip(&job.logs).filter_map(move |(kind, prefix)| {
        let prefix = prefix.as_ref()?;
        let prefix = if prefix.is_empty() { &job.name } else { prefix };
        Some((kind, PathBuf::from(format!("{prefix}_{kind}.{number}.log"))))
    })
}

/// An earlier log, or a new file; all lines of all logs end so, fio's too.
fn log_file(path: &Path, force: bool) -> Result<OutFile> {
    OutFile::open(path, ", 0, 0\n", force)
}

/// That no log would be refused after hours of work. How many results there are is known afterwards: one a worker at most.
fn logs_may_be_written(jobs: &[Job], force: bool) -> Result<()> {
    let most = jobs.iter().map(|job| job.workers as usize).sum();
    for job in jobs {
        for number in 1..=most {
            for (_, path) in logs_of(job, number).filter(|(_, path)| path.exists()) {
                drop(log_file(&path, force)?);
            }
        }
    }
    Ok(())
}

/// The logs that jobs ask for, in the layout of fio: milliseconds, value, direction, block size, offset.
fn write_logs(results: &Results, force: bool) -> Result<()> {
    for (number, result) in (1..).zip(&results.jobs) {
        for (kind, path) in logs_of(&result.job, number) {
            let written = log_file(&path, force)?.write(log(result, kind).as_bytes());
            written.with_context(|| format!("could not write the log {}", path.display()))?;
        }
    }
    Ok(())
}

fn log(result: &JobResult, kind: &str) -> String {
    let mut text = String::new();
    for (second, tick) in (1..).zip(&result.seconds) {
        for way in [0, 1].into_iter().filter(|&way: &usize| result.stats[way].operations() > 0) {
            let value = if kind == "bw" { tick.bytes[way] / 1024 } else { tick.operations[way] };
            text += &format!("{}, {value}, {way}, 0, 0\n", second * 1000);
        }
    }
    text
}

/// A paragraph for each job.
fn summary(results: &Results) -> String {
    results.jobs.iter().map(paragraph).collect::<Vec<_>>().join("\n")
}

fn paragraph(result: &JobResult) -> String {
    let mut names = vec![result.job.name.as_str()];
    names.extend(result.also.iter().map(String::as_str));
    let workers = result.workers;
    let mut text = format!("{} ({workers} worker{})\n", names.join(", "), if workers == 1 { "" } else { "s" });
    for (name, direction) in [("read", Direction::Read), ("write", Direction::Write)] {
        text += &direction_lines(result, name, direction);
    }
    if result.verified > 0 {
        text += &format!("  verified: {} blocks\n", result.verified);
    }
    let granted = &result.granted;
    let mut flags = vec![if granted.setup.is_empty() { "plain ring" } else { &granted.setup }];
    let honoured = [
        (result.direct, "O_DIRECT"),
        (granted.fixed_files, "registered files"),
        (granted.fixed_buffers, "registered buffers"),
        (granted.iopoll, "IOPOLL"),
        (granted.sqpoll, "SQPOLL"),
        (granted.uses_io_wq, "requests punted to io-wq"),
        (result.io_wq_threads > 0, "io-wq workers seen"),
    ];
    flags.extend(honoured.iter().filter(|(so, _)| *so).map(|(_, name)| name));
    text += &format!("  honoured: {}\n", flags.join(", "));
    if let Some(law) = result.worst_littles_law() {
        text += &format!("  Little's law: off by {:.2} %\n", law.error() * 100.0);
    }
    for note in &result.notes {
        let words: Vec<String> = note.to_string().split(' ').map(str::to_owned).collect();
        text += &wrapped("  note: ", "    ", &words, " ");
    }
    text
}

fn direction_lines(result: &JobResult, name: &str, direction: Direction) -> String {
    let stats = &result.stats[direction as usize];
    if stats.operations() == 0 {
        return String::new();
    }
    let iops = Quantity::new(result.window.iops(direction), Unit::IoPerSecond);
    let rate = result.window.bandwidth(direction);
    let total = stats.bytes as f64 / MIB;
    let (requests, seconds) = (stats.operations(), result.window.interval.seconds());
    let mut text = format!(
        "  {name:5} {iops}, {} MiB/s ({} MB/s); {} MiB in {requests} requests and {seconds:.3} s\n",
        digits(rate / MIB),
        digits(rate / 1e6),
        digits(total),
    );
    text += &latencies(result, "latency", &stats.latency);
    if let Some(delayed) = &stats.delayed {
        text += &latencies(result, "from the scheduled arrival", delayed);
    }
    text
}

/// Three digits or more.
fn digits(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.4}"),
    }
}

fn latencies(result: &JobResult, name: &str, histogram: &Histogram) -> String {
    let time = |nanos: f64| Quantity::new(nanos / 1e9, Unit::Second);
    let moments = histogram.moments();
    let (mean, deviation) = (time(moments.mean()), time(moments.deviation()));
    let ends = (time(moments.min as f64), time(moments.max as f64));
    let (indent, deeper) = (" ".repeat(8), " ".repeat(10));
    let mut text =
        format!("{indent}{name}: mean {mean}, standard deviation {deviation}, from {} to {}\n", ends.0, ends.1);
    let percentile = |&percent: &f64| Some(format!("p{percent} {}", time(histogram.percentile(percent)? as f64)));
    let each: Vec<String> = result.job.percentiles.iter().filter_map(percentile).collect();
    text += &wrapped(&deeper, &deeper, &each, ", ");
    text
}

/// Words in lines of at most [`COLUMNS`] columns; a word that is longer has a line of its own.
fn wrapped(first: &str, others: &str, words: &[String], between: &str) -> String {
    let mut lines = vec![first.to_owned()];
    let mut begins = true;
    for (index, word) in words.iter().enumerate() {
        let last = index + 1 == words.len();
        let word = if last { word.clone() } else { format!("{word}{}", between.trim_end()) };
        let line = lines.last_mut().expect("there is a first one");
        if !begins && line.chars().count() + 1 + word.chars().count() > COLUMNS {
            lines.push(format!("{others}{word}"));
            continue;
        }
        if !begins {
            line.push(' ');
        }
        line.push_str(&word);
        begins = false;
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_jobs_are_told_from_those_of_the_command() {
        let check = |typed: &str, expect: &str| {
            let typed = typed.split(' ').map(OsString::from);
            let seen: Vec<String> =
                with_job_options(typed).into_iter().map(|text| text.to_string_lossy().into_owned()).collect();
            assert_eq!(seen.join(" "), expect);
        };
        check("hostproof disk a.fio --output-format=json", "hostproof disk a.fio --output-format=json");
        check(
            "hostproof disk --name=a --rw=read --time_based --runtime 5 --stonewall x.fio",
            "hostproof disk --job-option name=a --job-option rw=read --job-option time_based --job-option runtime=5 \
             --job-option stonewall x.fio",
        );
        check("hostproof disk --allow-write /dev/x a", "hostproof disk --allow-write /dev/x a");
        check(
            "hostproof -q --width 80 --color=never disk --rw=read",
            "hostproof -q --width 80 --color=never disk --job-option rw=read",
        );
        check("hostproof run --rw=read", "hostproof run --rw=read");
        check("hostproof", "hostproof");
    }

    #[test]
    fn no_line_is_too_long() {
        let words: Vec<String> = (0..60).map(|number| format!("p{number} 1.25 ms")).collect();
        let text = wrapped("          ", "          ", &words, ", ");
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS && line.starts_with("          p")), "{text}");
        let joined: Vec<&str> = text.lines().map(str::trim).collect();
        assert_eq!(joined.join(" "), words.join(", "));
        assert_eq!(wrapped("note: ", "  ", &["x".repeat(200)], " ").lines().count(), 1);
    }

    #[test]
    fn numbers_have_three_digits() {
        let check = |value: f64, expect: &str| assert_eq!(digits(value), expect);
        check(0.0, "0");
        check(0.012_34, "0.0123");
        check(1.0, "1.00");
        check(12.34, "12.3");
        check(1234.5, "1234");
    }
}
