//! `hostproof watch`: the watch over a host in service.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use inventory::{FilesOnly, Live, Outside, bmc};
use jiff::Timestamp;
use jiff::civil::Date;
use record::{Store, WearEntry, WearLog};
use rustix::thread::{NanosleepRelativeResult, Timespec, nanosleep};
use watch::{Guard, Limits, Reader, RunsOut, WornOn};

use crate::alarm::Alarm;
use crate::args::WatchArgs;
use crate::commands::print;
use crate::exit::Exit;
use crate::interrupt;
use crate::locations::{self, Specification};
use crate::output::say;

/// How soon a watch that sleeps notices at the latest that it is to end: at once, but where the signal came just before it slept.
const NOTICE: Duration = Duration::from_secs(5);

pub(crate) fn watch(args: &WatchArgs) -> Result<Exit> {
    let store = Store::at(&locations::results(args.records.out.as_deref())?);
    if args.wear {
        print(&wear_of(&WearLog::of(&store).read()?)?)?;
        return Ok(Exit::Done);
    }
    let limits = Limits::of(&Specification::load(&args.spec)?.system);
    let mut alarm = Alarm::new(&args.alarm)?;
    let interrupted = interrupt::flag()?;
    let mut reader = reader_of(&args.root, limits);
    let interval = Duration::from_secs(args.interval);
    let (mut guard, mut today, mut readings) = (Guard::default(), String::new(), 0);
    let mut next = Instant::now();
    while !interrupted.load(Ordering::Relaxed) && args.readings.is_none_or(|most| readings < most) {
        let outside = outside(&args.root);
        let now = Timestamp::now();
        let scan = reader.scan(now.as_duration().as_secs_f64(), &*outside);
        let incidents = guard.look(&scan);
        alarm.tell(&incidents);
        alarm.renew(scan.at, scan.signs(), !incidents.is_empty());
        let day = now.strftime("%Y-%m-%d").to_string();
        if day != today {
            note_wear(&store, &day, &reader, &*outside);
            today = day;
        }
        readings += 1;
        next += interval;
        sleep_until(next, &interrupted);
    }
    Ok(Exit::Done)
}

/// Looks up what there is to read, and says what is not.
pub(crate) fn reader_of(root: &Path, limits: Limits) -> Reader {
    // The list of a controller's sensors takes longer than their readings.
    let beside: Box<dyn Outside> =
        if root == Path::new("/") { Box::new(Live::within(bmc::WHOLE_LISTING)) } else { Box::new(FilesOnly) };
    let reader = Reader::find(root, limits, &*beside);
    say_what_is_not_read(&reader);
    reader
}

/// Says what cannot be watched.
fn say_what_is_not_read(reader: &Reader) {
    if !reader.reads_the_log() {
        say("note: the kernel's log cannot be read, and its words are no events: run as root (sudo)");
    }
}

/// Whom to ask beyond files.
pub(crate) fn outside(root: &Path) -> Box<dyn Outside> {
    if root == Path::new("/") { Box::new(Live::now()) } else { Box::new(FilesOnly) }
}

fn sleep_until(end: Instant, interrupted: &AtomicBool) {
    while !interrupted.load(Ordering::Relaxed) {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        // A signal wakes it, which it does not with the standard library's.
        match Timespec::try_from(left.min(NOTICE)).map(|time| nanosleep(&time)) {
            Ok(NanosleepRelativeResult::Ok | NanosleepRelativeResult::Interrupted(_)) => {}
            Ok(NanosleepRelativeResult::Err(_)) | Err(_) => thread::sleep(left.min(NOTICE)),
        }
    }
}

/// Notes how worn the drives are. A store that cannot be written is said, and the watch goes on.
fn note_wear(store: &Store, day: &str, reader: &Reader, outside: &dyn Outside) {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let entry = |worn: watch::WornDrive| WearEntry {
        day: day.to_owned(),
        host: host.clone(),
        drive: worn.drive,
        used: worn.used,
        written: worn.written,
    };
    let entries: Vec<WearEntry> = reader.wear(outside).into_iter().map(entry).collect();
    if entries.is_empty() {
        return;
    }
    if let Err(error) = WearLog::of(store).add(&entries) {
        say(&format!("warning: the wear of drives could not be noted: {error}"));
    }
}

/// How each drive wore from month to month, and when its endurance runs out.
fn wear_of(entries: &[WearEntry]) -> Result<String> {
    let mut drives: BTreeMap<(&str, &str), Vec<(Date, &WearEntry)>> = BTreeMap::new();
    for entry in entries {
        let day = entry.day.parse().with_context(|| format!("`{}` in the journal of wear is no day", entry.day))?;
        drives.entry((&entry.host, &entry.drive)).or_default().push((day, entry));
    }
    if drives.is_empty() {
        return Ok("No wear is noted yet: `hostproof watch` notes that of NVMe drives once a day, as root.".to_owned());
    }
    let mut text = String::new();
    for ((host, drive), mut said) in drives {
        said.sort_by_key(|(day, _)| *day);
        text += &format!("{host}: {drive}\n");
        let mut months: BTreeMap<(i16, i8), &WearEntry> = BTreeMap::new();
        for (day, entry) in &said {
            months.insert((day.year(), day.month()), entry);
        }
        for ((year, month), entry) in months {
            let written = measure::Quantity::new(entry.written, measure::Unit::Byte);
            text += &format!("  {year}-{month:02}  {:.0} % used  {written} written\n", 100.0 * entry.used);
        }
        text += &format!("  {}\n", end_of(&said));
    }
    Ok(text)
}

fn end_of(said: &[(Date, &WearEntry)]) -> String {
    let epoch = Date::constant(1970, 1, 1);
    let days = |day: &Date| day.duration_since(epoch).as_secs_f64() / 86_400.0;
    let worn: Vec<WornOn> = said.iter().map(|(day, entry)| WornOn { day: days(day), used: entry.used }).collect();
    #[expect(clippy::cast_possible_truncation, reason = "days since 1970")]
    let day = |day: f64| match Timestamp::from_second((day * 86_400.0) as i64) {
        Ok(day) => day.strftime("%Y-%m-%d").to_string(),
        Err(_) => "the year 9999".to_owned(),
    };
    match watch::runs_out(&worn) {
        None => "what was said is of one day: no pace".to_owned(),
        Some(RunsOut::Past) => "its endurance has run out".to_owned(),
        Some(RunsOut::Between(first, last)) => {
            format!("at this pace its endurance runs out between {} and {}", day(first), day(last))
        }
        Some(RunsOut::NotBefore(first)) => format!("at this pace its endurance does not run out before {}", day(first)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wear_is_told_by_month_with_its_end() {
        let entry = |day: &str, used: f64| WearEntry {
            day: day.to_owned(),
            host: "node7".to_owned(),
            drive: "MODEL S1".to_owned(),
            used,
            written: 2e12,
        };
        let said = wear_of(&[entry("2026-01-02", 0.10), entry("2026-01-30", 0.12), entry("2026-04-12", 0.20)]).unwrap();
        let expect = "node7: MODEL S1\n  2026-01  12 % used  2.000 TB written\n  2026-04  20 % used  2.000 TB written\n  \
                      at this pace its endurance runs out between 2028-04-08 and 2028-09-16\n";
        assert_eq!(said.replace("2 TB", "2.000 TB"), expect);
        assert!(wear_of(&[]).unwrap().starts_with("No wear is noted yet"));
        assert!(wear_of(&[entry("yesterday", 0.1)]).is_err());
    }
}
