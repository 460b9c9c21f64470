//! Drives a fleet: asks nodes as limits allow, looks at what was asked, and takes what came.
//!
//! Each step is noted before and after it, so that the process may be killed between any two: the next one asks the launcher.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use measure::Ending;
use record::{Store, bundle};
use sha2::{Digest as _, Sha256};

use crate::{Error, FleetEvent, FleetJournal, NodeSet, NodeState};

/// How long a record may take to be seen here after its job ended: folders on the network are late.
const GRACE: Duration = Duration::from_secs(10);
/// How often the launcher may fail to answer before it is given up, to be gone on with by the next call.
const PATIENCE: u32 = 20;

/// An attempt that was begun and has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenTry {
    /// The node.
    pub node: String,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The launcher's name for it, where it is known.
    pub job: Option<String>,
    /// The folder of the attempt.
    pub place: PathBuf,
}

/// What a launcher sees of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It was never begun: the launcher was killed before it could ask.
    Never,
    /// It waits for its node.
    Pending,
    /// It runs.
    Running,
    /// It ended; with the reason, where it ended otherwise than by itself.
    Ended(Option<String>),
    /// Nothing can be told now.
    Unreachable(String),
}

/// An attempt as it is seen, with the launcher's name for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// What is seen.
    pub seen: Seen,
    /// The launcher's name, where it was found out.
    pub job: Option<String>,
}

/// Why an attempt could not be begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It may be begun later, or was begun although nothing was heard.
    Later(String),
    /// It will not be.
    No(String),
}

/// A way to begin attempts on nodes.
pub trait Launcher {
    /// Which of the nodes cannot be asked now, each with the reason.
    fn unavailable(&mut self, nodes: &NodeSet) -> Result<BTreeMap<String, String>, Error>;
    /// Begins attempts; gives the launcher's name for each, in their order.
    fn submit(&mut self, tries: &[OpenTry]) -> Vec<Result<String, Refused>>;
    /// Looks at attempts, in their order.
    fn look(&mut self, tries: &[OpenTry]) -> Result<Vec<Look>, Error>;
    /// Brings the record of an attempt that ended; `None` where there is none.
    fn fetch(&mut self, one: &OpenTry) -> Result<Option<PathBuf>, Error>;
    /// Ends attempts that wait or run.
    fn cancel(&mut self, tries: &[OpenTry]) -> Result<(), Error>;
}

/// How much is begun at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attempts that wait for their nodes.
    pub pending: usize,
    /// Attempts that wait or run.
    pub open: usize,
    /// How long to wait between two looks.
    pub pause: Duration,
}

/// How driving ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FleetEnd {
    /// Every node has a record or no answer.
    Done,
    /// Somebody stopped the fleet.
    Stopped,
    /// The user ended this launcher; what was begun goes on.
    Interrupted,
    /// Nodes could not be reached for too long; what was begun there goes on.
    Unreachable(Vec<String>),
}

/// The state of driving that need not outlive the process.
struct Drive<'a> {
    fleet: &'a mut FleetJournal,
    launcher: &'a mut dyn Launcher,
    store: &'a Store,
    limits: Limits,
    /// When an attempt was first seen as ended without a record.
    ended: BTreeMap<String, Instant>,
    /// How often each node could not be reached in a row.
    silent: BTreeMap<String, u32>,
}

/// Drives a fleet until nothing is left to do. `show` is told after each look what is seen of the open attempts.
pub fn drive(
    fleet: &mut FleetJournal,
    launcher: &mut dyn Launcher,
    store: &Store,
    limits: Limits,
    interrupted: &AtomicBool,
    show: &mut dyn FnMut(&FleetJournal, &BTreeMap<String, Seen>),
) -> Result<FleetEnd, Error> {
    let mut drive = Drive { fleet, launcher, store, limits, ended: BTreeMap::new(), silent: BTreeMap::new() };
    let mut failures = 0;
    loop {
        drive.fleet.refresh()?;
        if drive.fleet.is_stopped() {
            return Ok(FleetEnd::Stopped);
        }
        match drive.step() {
            Ok(seen) => {
                failures = 0;
                show(drive.fleet, &seen);
                if let Some(outcome) = drive.outcome() {
                    return Ok(outcome);
                }
            }
            // A controller that starts anew is back in a minute. What concerns the journal or the store is no such thing.
            Err(error @ Error::Command { .. }) if failures < PATIENCE => {
                failures += 1;
                if failures == PATIENCE {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
        if pause(limits.pause, interrupted) {
            return Ok(FleetEnd::Interrupted);
        }
    }
}

/// Waits; gives whether the user wants to end it.
fn pause(time: Duration, interrupted: &AtomicBool) -> bool {
    let until = Instant::now() + time;
    while Instant::now() < until && !interrupted.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(50).min(time));
    }
    interrupted.load(Ordering::Relaxed)
}

impl Drive<'_> {
    /// One round: look, take what came, ask who is next.
    fn step(&mut self) -> Result<BTreeMap<String, Seen>, Error> {
        let open = open(self.fleet);
        let looks = if open.is_empty() { Vec::new() } else { self.launcher.look(&open)? };
        let mut seen = BTreeMap::new();
        let mut never = Vec::new();
        for (one, look) in open.into_iter().zip(looks) {
            if let Some(job) = look.job.filter(|job| one.job.as_ref() != Some(job)) {
                self.fleet.note(FleetEvent::Submitted { node: one.node.clone(), attempt: one.attempt, job })?;
            }
            if matches!(look.seen, Seen::Pending | Seen::Running) {
                self.silent.remove(&one.node);
            }
            match look.seen {
                Seen::Never => never.push(one),
                Seen::Ended(why) => self.settle(&one, why)?,
                Seen::Unreachable(why) => {
                    *self.silent.entry(one.node.clone()).or_default() += 1;
                    seen.insert(one.node, Seen::Unreachable(why));
                }
                other => drop(seen.insert(one.node, other)),
            }
        }
        self.submit(never, &mut seen)?;
        self.ask(&mut seen)?;
        self.give_up_on_waiting(&mut seen)?;
        Ok(seen)
    }

    /// How it ended, where nothing is left to do.
    fn outcome(&self) -> Option<FleetEnd> {
        let mut unreachable = Vec::new();
        for (node, state, _) in self.fleet.nodes() {
            match state {
                NodeState::Measured { .. } | NodeState::NoAnswer { .. } => {}
                NodeState::Open { .. } if self.silent.get(node).is_some_and(|times| *times >= PATIENCE) => {
                    unreachable.push(node.to_owned());
                }
                NodeState::Open { .. } | NodeState::Waiting => return None,
            }
        }
        Some(if unreachable.is_empty() { FleetEnd::Done } else { FleetEnd::Unreachable(unreachable) })
    }

    /// Takes the record of an attempt that ended, or notes that there is none.
    fn settle(&mut self, one: &OpenTry, why: Option<String>) -> Result<(), Error> {
        match self.launcher.fetch(one) {
            Ok(Some(file)) => {
                let event = taken(self.store, one, &file)?;
                self.fleet.note(event)
            }
            Ok(None) => {
                let is_normal = why.is_none();
                let first = *self.ended.entry(one.node.clone()).or_insert_with(Instant::now);
                if is_normal && first.elapsed() < GRACE {
                    return Ok(());
                }
                self.ended.remove(&one.node);
                let why = why.unwrap_or_else(|| "it ended and left no record".to_owned());
                self.fleet.note(no_answer(one, format!("{why}{}", last_words(&one.place))))
            }
            // Next time, then.
            Err(Error::Command { .. }) => {
                *self.silent.entry(one.node.clone()).or_default() += 1;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Asks as many of the waiting nodes as the limits allow.
    fn ask(&mut self, seen: &mut BTreeMap<String, Seen>) -> Result<(), Error> {
        let nodes = self.fleet.nodes();
        let open = nodes.iter().filter(|(_, state, _)| matches!(state, NodeState::Open { .. })).count();
        let pending = seen.values().filter(|seen| matches!(seen, Seen::Pending)).count();
        let room = self.limits.open.saturating_sub(open).min(self.limits.pending.saturating_sub(pending));
        let waiting: Vec<(String, u32)> = nodes
            .iter()
            .filter(|(_, state, _)| *state == NodeState::Waiting)
            .map(|(node, _, attempts)| ((*node).to_owned(), *attempts))
            .collect();
        if room == 0 || waiting.is_empty() {
            return Ok(());
        }
        let unavailable = self.launcher.unavailable(&NodeSet::of(waiting.iter().map(|(node, _)| node.clone())))?;
        let mut tries = Vec::new();
        for (node, attempts) in waiting {
            if let Some(why) = unavailable.get(&node) {
                self.fleet.note(FleetEvent::NoAnswer { node, attempt: 0, why: why.clone() })?;
            } else if tries.len() < room {
                let (attempt, at) = (attempts + 1, seconds());
                self.fleet.note(FleetEvent::Asked { node: node.clone(), attempt, at })?;
                let place = self.fleet.place(&node, attempt);
                tries.push(OpenTry { node, attempt, job: None, place });
            }
        }
        self.submit(tries, seen)
    }

    fn submit(&mut self, tries: Vec<OpenTry>, seen: &mut BTreeMap<String, Seen>) -> Result<(), Error> {
        for one in &tries {
            fs::create_dir_all(&one.place).map_err(Error::io("create", &one.place))?;
        }
        let answers = if tries.is_empty() { Vec::new() } else { self.launcher.submit(&tries) };
        for (one, answer) in tries.into_iter().zip(answers) {
            let OpenTry { node, attempt, .. } = one.clone();
            match answer {
                Ok(job) => self.fleet.note(FleetEvent::Submitted { node: node.clone(), attempt, job })?,
                Err(Refused::Later(_)) => {}
                Err(Refused::No(why)) => {
                    self.fleet.note(no_answer(&one, why))?;
                    continue;
                }
            }
            seen.insert(node, Seen::Pending);
        }
        Ok(())
    }

    /// Where all that is left waits for nodes that were drained or went down meanwhile, it would wait for ever.
    fn give_up_on_waiting(&mut self, seen: &mut BTreeMap<String, Seen>) -> Result<(), Error> {
        let open = open(self.fleet);
        let all_wait = open.iter().all(|one| seen.get(&one.node) == Some(&Seen::Pending) && one.job.is_some());
        if open.is_empty() || !all_wait {
            return Ok(());
        }
        let unavailable = self.launcher.unavailable(&NodeSet::of(open.iter().map(|one| one.node.clone())))?;
        if !open.iter().all(|one| unavailable.contains_key(&one.node)) {
            return Ok(());
        }
        self.launcher.cancel(&open)?;
        for one in open {
            seen.remove(&one.node);
            let why = unavailable.get(&one.node).cloned().unwrap_or_default();
            self.fleet.note(no_answer(&one, format!("while it waited: {why}")))?;
        }
        Ok(())
    }
}

/// Ends what is left of a fleet that was stopped: what has a record is taken, the rest is cancelled; gives how many of each.
pub fn settle_stopped(
    fleet: &mut FleetJournal,
    launcher: &mut dyn Launcher,
    store: &Store,
) -> Result<(usize, usize), Error> {
    fleet.refresh()?;
    let open = open(fleet);
    if open.is_empty() {
        return Ok((0, 0));
    }
    let looks = launcher.look(&open)?;
    let (mut taken_in, mut left) = (0, Vec::new());
    for (mut one, look) in open.into_iter().zip(looks) {
        one.job = look.job.or(one.job);
        let came = if matches!(look.seen, Seen::Ended(_)) { launcher.fetch(&one)? } else { None };
        match came {
            Some(file) => {
                fleet.note(taken(store, &one, &file)?)?;
                taken_in += 1;
            }
            None => left.push(one),
        }
    }
    launcher.cancel(&left)?;
    for one in &left {
        fleet.note(no_answer(one, "the fleet was stopped".to_owned()))?;
    }
    Ok((taken_in, left.len()))
}

/// The attempts of a fleet that have not ended.
fn open(fleet: &FleetJournal) -> Vec<OpenTry> {
    let open = |(node, state, attempt): (&str, NodeState, u32)| match state {
        NodeState::Open { job } => {
            Some(OpenTry { node: node.to_owned(), attempt, job, place: fleet.place(node, attempt) })
        }
        _ => None,
    };
    fleet.nodes().into_iter().filter_map(open).collect()
}

impl FleetJournal {
    /// The attempts that have not ended.
    #[must_use]
    pub fn open_tries(&self) -> Vec<OpenTry> {
        open(self)
    }
}

/// Takes a record into the store; what is no whole record of the node is no answer.
fn taken(store: &Store, one: &OpenTry, file: &Path) -> Result<FleetEvent, Error> {
    let bytes = fs::read(file).map_err(Error::io("read", file))?;
    let run = match bundle::read(&bytes, file) {
        Ok((run, _)) => run,
        Err(error) => return Ok(no_answer(one, format!("its record cannot be read: {error}"))),
    };
    let wrong = match run.ending {
        Ending::Complete => None,
        Ending::Interrupted => Some("it was interrupted".to_owned()),
        Ending::Cut => Some("it was cut off".to_owned()),
    };
    let wrong = wrong.or_else(|| (run.name() != one.node).then(|| format!("it is of the node {}", run.name())));
    if let Some(wrong) = wrong {
        return Ok(no_answer(one, format!("its record does not count: {wrong}{}", last_words(&one.place))));
    }
    match bundle::import(store, file) {
        Ok(_) => {}
        // It was taken in before the launcher was killed.
        Err(record::Error::Exists(there)) if fs::read(&there).is_ok_and(|known| known == bytes) => {}
        Err(error) => return Err(error.into()),
    }
    let sha256 = hex::encode(Sha256::digest(&bytes));
    Ok(FleetEvent::Record { node: one.node.clone(), attempt: one.attempt, run: run.id, sha256, at: seconds() })
}

fn no_answer(one: &OpenTry, why: String) -> FleetEvent {
    FleetEvent::NoAnswer { node: one.node.clone(), attempt: one.attempt, why }
}

/// The last line that the node's program said, for people.
fn last_words(place: &Path) -> String {
    const MOST: usize = 200;
    let bytes = fs::read(place.join("output")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(4096)..]).into_owned();
    let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    let last: String = last.trim().chars().take(MOST).collect();
    if last.is_empty() { String::new() } else { format!("; it last said: {last}") }
}

/// The records of an attempt's folder: the newest, where several are there.
pub(crate) fn record_in(place: &Path) -> Option<PathBuf> {
    let mut found = BTreeSet::new();
    for host in fs::read_dir(place.join("records/hosts")).ok()?.flatten() {
        for run in fs::read_dir(host.path()).ok().into_iter().flatten().flatten() {
            let file = run.path().join("run.jsonl");
            if file.is_file() {
                found.insert((run.file_name(), file));
            }
        }
    }
    found.pop_last().map(|(_, file)| file)
}

/// Seconds since 1970.
fn seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

#[cfg(test)]
mod tests;
