//! `hostproof soak`: hours in which nothing may break, over crashes and power cuts. All state is in the journal.

mod stretch;

use std::collections::BTreeSet;
use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use measure::{Digest, Ending, Incident, Load, LoadFailure, Quantity, SoakPlan, Unit, Vital, Workload, WrongResult};
use record::{Seals, Soak, SoakEntry, Store};
use rustix::process::{Pid, Signal, kill_process};
use soak::Told;
use verdict::Verdict;
use watch::{Guard, Limits, Reader};

use crate::alarm::{Alarm, found};
use crate::alone::{self, Alone};
use crate::args::SoakArgs;
use crate::commands::watch::{outside, reader_of};
use crate::commands::{look, print, print_json};
use crate::exit::Exit;
use crate::history::History;
use crate::loads::{Heard, Loads, SELF};
use crate::locations::{self, Specification};
use crate::outfile::OutFile;
use crate::output::say;
use crate::plan::boot_id;
use crate::scratch::{self, Scratch};
use crate::{interrupt, systemd_unit, trust};
use stretch::{Counted, StretchSoFar, now};

const HOUR: f64 = 3600.0;
/// How often the loop looks whether somebody wants to stop.
const TICK: Duration = Duration::from_millis(200);
/// What of the memory that is available is written and read back.
const OF_MEMORY: f64 = 0.9;
/// What of the room that is free holds files, and the most: more says no more of a drive, and costs endurance.
const OF_ROOM: f64 = 0.2;
const MOST_FILES: f64 = (64_u64 << 30) as f64;
/// By these words an earlier page is known.
const PAGE: &str = "style-src 'unsafe-inline'; img-src data:";
/// Less is no load.
const LEAST: u64 = 4 << 20;

pub(crate) fn soak(args: &SoakArgs) -> Result<Exit> {
    let store = Store::at(&std::path::absolute(locations::results(args.records.out.as_deref())?)?);
    if args.status {
        let last = Soak::all(&store)?.pop();
        let last = last.with_context(|| format!("there is no soak in {}", store.root().display()))?;
        return show(args, &store, &last);
    }
    std::fs::create_dir_all(store.root()).with_context(|| format!("could not create {}", store.root().display()))?;
    if let Some(file) = &args.html {
        // What cannot be written is said before hours pass.
        drop(OutFile::open(file, PAGE, false)?);
    }
    let lock = Soak::lock(&store)?;
    ensure!(lock.is_some(), "a soak runs in {}: `hostproof soak --status` shows how it fares", store.root().display());
    if args.end {
        let mut soak = unfinished(&store)?;
        end(&mut soak)?;
        return show(args, &store, &soak);
    }
    let soak = if args.go_on { unfinished(&store)? } else { begun(args, &store)? };
    Night::begin(args, &store, soak)?.hours()
}

/// The soak that is not over.
fn unfinished(store: &Store) -> Result<Soak> {
    let soak = Soak::all(store)?.into_iter().rfind(|soak| !soak.is_over());
    let soak = soak.with_context(|| {
        format!("no soak in {} waits to go on: `hostproof soak --hours 48` begins one", store.root().display())
    })?;
    // It says where files are made, and by which specification.
    trust::for_root(soak.path())?;
    Ok(soak)
}

/// A new soak, sized for this host.
fn begun(args: &SoakArgs, store: &Store) -> Result<Soak> {
    let mut loads: Vec<Load> = args.load.iter().copied().collect::<BTreeSet<Load>>().into_iter().collect();
    if loads.is_empty() {
        loads = Load::ALL.to_vec();
    }
    let folder = match &args.scratch {
        Some(folder) => Scratch::typed(folder, Path::new("/"))?,
        None => Scratch::at(store.root(), Path::new("/"))?,
    };
    scratch::takes_files(&folder.folder).with_context(|| {
        format!("no files can be made in {}: give another folder with --scratch", folder.folder.display())
    })?;
    let available = machine::memory_available() as f64;
    let memory = size(args.memory.as_deref(), "--memory", OF_MEMORY * available, available)?;
    let free = folder.place.free.unwrap_or(0) as f64;
    let files = size(args.files.as_deref(), "--files", (OF_ROOM * free).min(MOST_FILES), free)?;
    for (load, bytes, what) in [(Load::Memory, memory, "memory"), (Load::Disk, files, "room for files")] {
        let enough = !loads.contains(&load) || bytes >= LEAST;
        ensure!(enough, "there is too little {what} for the {} load: leave it out with --load", load.name());
    }
    let spec = if Path::new(&args.spec).is_file() { text(Path::new(&args.spec))? } else { args.spec.clone() };
    let program =
        args.alarm.on_event.as_deref().map(|typed| found(typed, env::var_os("PATH").as_deref())).transpose()?;
    let started = Timestamp::now().round(jiff::Unit::Second)?;
    let plan = SoakPlan {
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        seconds: args.hours.context("--hours says how long")? * HOUR,
        loads,
        workloads: if args.no_figures { Vec::new() } else { args.only.clone() },
        memory,
        files,
        folder: text(&folder.folder)?,
        spec,
        prom: args.alarm.prom.as_deref().map(text).transpose()?,
        on_event: program.as_deref().map(text).transpose()?,
        unit_dir: args.install.then(|| text(&args.unit_dir)).transpose()?,
        started: started.to_string(),
    };
    // What cannot be read is said before there is a soak.
    Specification::load(&plan.spec)?;
    // What it could not go on with, it does not begin.
    trust::for_root(store.root())?;
    let unit = plan.unit_dir.clone();
    let mut soak = Soak::start(store, &started.strftime("s%Y%m%dT%H%M%SZ").to_string(), plan)?;
    if let Some(folder) = unit {
        let own = text(&locations::own_file()?)?;
        if let Err(error) =
            systemd_unit::install(systemd_unit::Unit::Soak, Path::new(&folder), &own, &text(store.root())?)
        {
            soak.end(now())?;
            return Err(error.context("the soak was not started"));
        }
    }
    Ok(soak)
}

/// A path as the text that the journal keeps.
fn text(path: &Path) -> Result<String> {
    let path = std::path::absolute(path)?;
    let text =
        path.to_str().with_context(|| format!("the path {} is not UTF-8, which a soak needs", path.display()))?;
    Ok(text.to_owned())
}

/// Ends a soak for good.
fn end(soak: &mut Soak) -> Result<()> {
    if let Some(folder) = soak.log().plan.unit_dir {
        systemd_unit::remove(systemd_unit::Unit::Soak, Path::new(&folder))?;
    }
    Ok(soak.end(now())?)
}

/// A size that was typed, or the usual one; never more than there is.
fn size(typed: Option<&str>, option: &str, usual: f64, most: f64) -> Result<u64> {
    let bytes = match typed {
        None => usual,
        Some(typed) => {
            let quantity: Quantity = typed.parse().with_context(|| format!("{option} {typed}"))?;
            let sane = quantity.unit == Unit::Byte && quantity.value >= LEAST as f64;
            ensure!(sane, "{option} {typed}: expected a size from 4 MiB on, such as 2GiB");
            let there = Quantity::new(most, Unit::Byte);
            ensure!(quantity.value <= most, "{option} {typed}: there are {there}");
            quantity.value
        }
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no more than the host has")]
    Ok(bytes as u64)
}

/// Shows what a soak has proved.
fn show(args: &SoakArgs, store: &Store, soak: &Soak) -> Result<Exit> {
    let log = soak.log();
    let seals = soak.seals()?;
    let sealed = match seals {
        Seals::Right { count, open } => {
            format!("{count} seals are right{}", if open { ", the last minutes are not sealed yet" } else { "" })
        }
        Seals::Broken { line } => {
            format!("line {line} of its record does not fit what stands before it: it was changed")
        }
    };
    let history = History::of(store.clone())?;
    let of_soak = |id: &String| history.runs.iter().find(|run| run.digest.id == *id);
    let runs: Vec<Digest> =
        log.runs.iter().filter_map(|(_, id)| of_soak(id)).map(|run| history.digest(run)).collect::<Result<_>>()?;
    let judged = verdict::soak::judge_soak(&log, &runs);
    if args.json {
        print_json(&report::soak::soak_json(&log, &judged))?;
    } else {
        print(&report::soak::soak(&log, &judged, &sealed, look()))?;
    }
    if let Some(file) = &args.html {
        let page = report::html::soak(&log, &judged, &sealed)?;
        OutFile::open(file, PAGE, false)?
            .write(page.as_bytes())
            .with_context(|| format!("could not write {}", file.display()))?;
    }
    ensure!(!matches!(seals, Seals::Broken { .. }), "the record of soak {} was changed: it proves nothing", soak.id());
    Ok(match judged.verdict {
        Verdict::Pass => Exit::Done,
        Verdict::Fail => Exit::Rejected,
        _ => Exit::Inconclusive,
    })
}

/// A soak while it goes on.
struct Night<'a> {
    args: &'a SoakArgs,
    store: &'a Store,
    soak: Soak,
    plan: SoakPlan,
    alarm: Alarm,
    reader: Reader,
    guard: Guard,
    /// Whether nothing was read yet, and what was not to be read then.
    is_first: bool,
    missing: Vec<String>,
    interrupted: Arc<AtomicBool>,
    /// Seconds under load so far.
    done: f64,
    next_scan: Instant,
    stretch: StretchSoFar,
    /// Whether a load has ended early.
    broken: bool,
    /// Wrong results that are noted, and those of this stretch that are only counted.
    noted: usize,
    counted: Counted,
}

impl<'a> Night<'a> {
    /// Brings to its end what a crash may have left open, and goes on.
    fn begin(args: &'a SoakArgs, store: &'a Store, mut soak: Soak) -> Result<Night<'a>> {
        ensure!(
            !matches!(soak.seals()?, Seals::Broken { .. }),
            "the record of soak {} was changed: it proves nothing",
            soak.id()
        );
        let plan = soak.log().plan;
        let limits = Limits::of(&Specification::load(&plan.spec)?.system);
        // Whom to tell may change on the way.
        let prom = args.alarm.prom.as_deref().or(plan.prom.as_ref().map(Path::new));
        let program = args.alarm.on_event.as_deref().or(plan.on_event.as_ref().map(Path::new));
        let alarm = Alarm::of(prom, program, args.alarm.event_limit, !args.json)?;
        let interrupted = interrupt::flag()?;
        soak.seal()?;
        let boot = boot_id(Path::new("/")).context("this host does not tell its boot")?;
        soak.note(SoakEntry::Begun { at: now(), boot })?;
        let reader = reader_of(&args.root, limits);
        let log = soak.log();
        let done = log.seconds();
        let same_boot = matches!(log.begun.as_slice(), [.., before, now] if before.1 == now.1);
        Ok(Night {
            args,
            store,
            plan,
            alarm,
            reader,
            guard: Guard::since(&log.watched, same_boot),
            is_first: true,
            missing: Vec::new(),
            interrupted,
            done,
            next_scan: Instant::now(),
            stretch: StretchSoFar::new(),
            broken: false,
            noted: log.wrong.len(),
            counted: Counted::default(),
            soak,
        })
    }

    fn stops(&self) -> bool {
        self.broken || self.interrupted.load(Ordering::Relaxed)
    }

    /// All hours that are left; then what they proved.
    fn hours(mut self) -> Result<Exit> {
        let left = Quantity::new((self.plan.seconds - self.done).max(0.0), Unit::Second);
        say(&format!("soak {}: {left} under load are left; Ctrl-C stops it, and --continue goes on", self.soak.id()));
        if let Err(error) = self.all_hours() {
            // What stands is kept, and it can go on where the record can still be written.
            let _ = self.soak.note(SoakEntry::Stopped { at: now() }).and_then(|()| self.soak.seal());
            return Err(error);
        }
        let stopped = self.interrupted.load(Ordering::Relaxed) && self.done < self.plan.seconds;
        if stopped {
            self.soak.note(SoakEntry::Stopped { at: now() })?;
            self.soak.seal()?;
        } else {
            end(&mut self.soak)?;
        }
        let exit = show(self.args, self.store, &self.soak)?;
        Ok(if stopped { Exit::Interrupted } else { exit })
    }

    fn all_hours(&mut self) -> Result<()> {
        while self.done < self.plan.seconds && !self.stops() {
            self.figures()?;
            if self.stops() {
                break;
            }
            // The next figures are due at the next full hour.
            let hour = f64::from(self.args.hour);
            let end = (((self.done / hour).floor() + 1.0) * hour).min(self.plan.seconds);
            self.under_load(end)?;
            self.note_watched()?;
            self.soak.seal()?;
            say(&format!("{:.2} of {:.2} hours", self.done / HOUR, self.plan.seconds / HOUR));
        }
        Ok(())
    }

    /// All loads together until so many seconds are done.
    fn under_load(&mut self, end: f64) -> Result<()> {
        let _alone: Alone = alone::measure(self.args.beside)?;
        let mut loads = Loads::start(&self.plan)?;
        self.stretch = StretchSoFar::new();
        let last = loop {
            if let Some(heard) = loads.wait(TICK) {
                self.hear(heard)?;
            }
            self.scan_if_due()?;
            let seconds = self.stretch.seconds(self.args.stretch);
            if self.done + seconds >= end || self.stops() {
                break seconds;
            }
            if seconds >= f64::from(self.args.stretch) {
                self.close(seconds)?;
            }
        };
        // What the loads had found, and what happened in the last seconds, belongs to them.
        for heard in loads.end() {
            self.hear(heard)?;
        }
        self.scan()?;
        self.close(last)
    }

    fn hear(&mut self, heard: Heard) -> Result<()> {
        match heard {
            Heard::Told(Told::Pass(pass)) => self.stretch.passes.entry(pass.load).or_default().push(pass),
            Heard::Told(Told::Wrong(result)) => self.wrong(result)?,
            Heard::Ended { load, why, is_fault } => self.ended(load, why, is_fault)?,
        }
        Ok(())
    }

    /// Ends the stretch, and begins the next one.
    fn close(&mut self, seconds: f64) -> Result<()> {
        for result in self.counted.take() {
            self.note_wrong(result)?;
        }
        let stretch = std::mem::replace(&mut self.stretch, StretchSoFar::new()).end(seconds);
        self.done += stretch.seconds;
        Ok(self.soak.note(SoakEntry::Stretch(stretch))?)
    }

    fn scan_if_due(&mut self) -> Result<()> {
        if Instant::now() < self.next_scan { Ok(()) } else { self.scan() }
    }

    fn scan(&mut self) -> Result<()> {
        self.next_scan = Instant::now() + Duration::from_secs(self.args.interval);
        let scan = self.reader.scan(now(), &*outside(&self.args.root));
        let is_first = std::mem::take(&mut self.is_first);
        if is_first {
            self.missing = self.reader.not_watched(&scan);
        }
        let incidents = self.guard.look(&scan);
        for incident in &incidents {
            self.soak.note(SoakEntry::Incident(incident.clone()))?;
        }
        self.alarm.tell(&incidents);
        self.alarm.renew(scan.at, scan.signs(), !incidents.is_empty());
        self.stretch.take(&scan);
        if is_first { self.note_watched() } else { Ok(()) }
    }

    /// Notes by what the watch goes on where another process must take it up, and what it does not see.
    fn note_watched(&mut self) -> Result<()> {
        let (values, missing) = (self.guard.watched(), self.missing.clone());
        Ok(self.soak.note(SoakEntry::Watched { at: now(), values, missing })?)
    }

    /// Notes a wrong result; of very many only how many, once a stretch.
    fn wrong(&mut self, result: WrongResult) -> Result<()> {
        if self.noted < stretch::MOST_NOTED {
            self.noted += 1;
            return self.note_wrong(result);
        }
        self.counted.add(result);
        Ok(())
    }

    fn note_wrong(&mut self, result: WrongResult) -> Result<()> {
        let at = now();
        let says =
            format!("{}: {}: {:#018x}, must be {:#018x}", result.part, result.place, result.found, result.expected);
        let (part, vital) = (result.part.clone(), Vital::WrongResults);
        self.soak.note(SoakEntry::Wrong { at, result })?;
        self.alarm.tell(&[Incident { at, part, vital, value: 1.0, limit: Some(0.0), says }]);
        Ok(())
    }

    fn ended(&mut self, load: Load, why: String, is_fault: bool) -> Result<()> {
        let at = now();
        self.broken = true;
        let (part, vital) = (format!("{} load", load.name()), Vital::WrongResults);
        let says = format!("{part}: it ended early: {why}");
        self.soak.note(SoakEntry::Failed(LoadFailure { at, load, why, is_fault }))?;
        self.alarm.tell(&[Incident { at, part, vital, value: 1.0, limit: None, says }]);
        Ok(())
    }

    /// The figures of the workloads, each alone on the host: a run of its own in the store. It is no time under load, and figures
    /// that cannot be taken leave the soak undecided, and end nothing.
    fn figures(&mut self) -> Result<()> {
        if self.plan.workloads.is_empty() {
            return Ok(());
        }
        let known = self.runs()?;
        let only: Vec<&str> = self.plan.workloads.iter().map(|workload: &Workload| workload.name()).collect();
        let mut command = Command::new(SELF);
        // Where this process is killed, no run stays that would measure beside the next one.
        command.args(["--quiet", "run", "--parent", &std::process::id().to_string()]);
        command.args(["--profile", self.args.profile.name(), "--only", &only.join(",")]);
        command.args(["--spec", &self.plan.spec, "--scratch", &self.plan.folder, "--tag", self.soak.id()]).arg("--out");
        command.arg(self.store.root()).stdin(Stdio::null()).stdout(Stdio::null());
        if self.args.beside {
            command.arg("--beside");
        }
        let mut run = command.spawn().context("could not start the run that takes figures")?;
        self.stretch = StretchSoFar::new();
        let status = loop {
            if let Some(status) = run.try_wait()? {
                break status;
            }
            if self.interrupted.load(Ordering::Relaxed)
                && let Some(run) = i32::try_from(run.id()).ok().and_then(Pid::from_raw)
            {
                // It ends its record in order, or has just ended.
                let _ = kill_process(run, Signal::TERM);
            }
            self.scan_if_due()?;
            thread::sleep(TICK);
        };
        if self.interrupted.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Some(new) = self.runs()?.into_iter().rfind(|id| !known.contains(id)) else {
            let why = format!("`hostproof run --only {}` ended with {status}", only.join(","));
            say(&format!("warning: the figures could not be taken: {why}"));
            return Ok(self.soak.note(SoakEntry::NoFigures { at: now(), why })?);
        };
        Ok(self.soak.note(SoakEntry::Run(new))?)
    }

    /// Ids of all whole runs of the store.
    fn runs(&self) -> Result<Vec<String>> {
        let history = History::of(self.store.clone())?;
        let whole = history.runs.iter().filter(|run| run.digest.ending == Ending::Complete);
        Ok(whole.map(|run| run.digest.id.clone()).collect())
    }
}
