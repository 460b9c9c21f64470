//! `soak` as a whole: hours are counted over kills, what breaks fails it, and what it printed is what its schema says.

#[path = "support/setting.rs"]
mod setting;
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use measure::SoakLog;
use measure::random::SplitMix64;
use record::{Seals, Soak, Store};
use serde_json::Value;
use setting::setting;
use support::{files, hostproof, output, said};

/// A soak of seconds with little memory and files, of a host whose trees tell nothing but a kernel's log.
fn arguments(seconds: f64) -> Vec<String> {
    let hours = (seconds / 3600.0).to_string();
    let words = ["soak", "--hours", &hours, "--no-figures", "--memory", "8MiB", "--files", "8MiB", "--out", "store"];
    words.into_iter().chain(BESIDES).map(str::to_owned).collect()
}

/// The same with figures of memory, by hours that are so short.
fn with_figures(seconds: f64) -> Vec<String> {
    let all = arguments(seconds).into_iter().filter(|word| word != "--no-figures");
    all.chain(["--only", "stream"].map(str::to_owned)).chain(SHORT_HOURS.map(str::to_owned)).collect()
}

const SHORT_HOUR: f64 = 4.0;
const SHORT_HOURS: [&str; 4] = ["--hour", "4", "--profile", "smoke"];

/// What is the same when it goes on.
const BESIDES: [&str; 6] = ["--interval", "1", "--stretch", "1", "--root", "root"];

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("root/dev")).unwrap();
        fs::write(folder.path().join("root/dev/kmsg"), "").unwrap();
        Place(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// The soak of this place as its record has it; none before there was one.
    fn soak(&self) -> Option<Soak> {
        Soak::all(&Store::at(&self.path().join("store"))).unwrap().pop()
    }

    fn journal(&self) -> PathBuf {
        let soaks = fs::read_dir(self.path().join("store/soaks")).unwrap().map(|entry| entry.unwrap().path());
        let mut journals: Vec<PathBuf> =
            soaks.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect();
        assert_eq!(journals.len(), 1);
        journals.remove(0)
    }

    /// Whole entries of the journal.
    fn entries(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.journal()).unwrap();
        text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).collect()
    }

    /// Seconds under load that the journal has.
    fn seconds(&self) -> Vec<f64> {
        self.entries().iter().filter_map(|entry| entry["stretch"]["seconds"].as_f64()).collect()
    }

    /// Processes that work here, but for this one; those that were killed may take a moment to go.
    fn processes(&self) -> usize {
        let here = self.path().canonicalize().unwrap();
        let links = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path().join("cwd"));
        links.filter(|link| fs::read_link(link).is_ok_and(|folder| folder.starts_with(&here))).count()
    }

    /// Starts one and waits until its journal has so many stretches.
    fn started(&self, arguments: &[String], stretches: usize) -> Child {
        let mut child =
            hostproof(self.path()).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_mins(2);
        while !self.path().join("store/soaks").is_dir() || self.seconds_or_none().len() < stretches {
            assert!(child.try_wait().unwrap().is_none() && Instant::now() < deadline, "it ended, or took too long");
            thread::sleep(Duration::from_millis(20));
        }
        child
    }

    fn seconds_or_none(&self) -> Vec<f64> {
        let is_there = fs::read_dir(self.path().join("store/soaks")).unwrap().count() > 1;
        if is_there { self.seconds() } else { Vec::new() }
    }

    fn status(&self) -> (Output, Value) {
        let status = output(self.path(), ["soak", "--status", "--json", "--out", "store"]);
        let json = serde_json::from_slice(&status.stdout).unwrap_or_else(|_| panic!("{}", said(&status)));
        (status, json)
    }
}

#[test]
fn all_loads_pass_on_a_sound_host_and_the_json_is_what_the_schema_says() {
    let place = Place::new();
    let soaked = output(place.path(), arguments(12.0));
    assert_eq!(soaked.status.code(), Some(0), "{}", said(&soaked));
    let text = String::from_utf8(soaked.stdout).unwrap();
    assert!(text.trim_end().lines().last().unwrap().starts_with("PASS: 0.00 of 0.00 hours"), "{text}");
    for words in ["memory: wrong results", "cpu: wrong results", "disk: wrong results", "watch: limits broken"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let (status, json) = place.status();
    assert_eq!(status.status.code(), Some(0));
    assert!(
        json["seconds"].as_f64().unwrap() >= 6.0 && json["compared_bytes"]["memory"].as_f64().unwrap() > 8e6,
        "{json}"
    );
    let left = files(&place.path().join("store"));
    assert!(
        left.iter().all(|file| file.starts_with(place.path().join("store/soaks"))),
        "files of a load stay: {left:?}"
    );
    let drawn = output(place.path(), ["soak", "--status", "--out", "store", "--html", "night.html"]);
    assert_eq!(drawn.status.code(), Some(0), "{}", said(&drawn));
    let page = fs::read_to_string(place.path().join("night.html")).unwrap();
    assert!(page.contains("<h2 id=\"verdict\" class=\"word\">PASS</h2>"), "{page}");
    for title in ["Memory read back and compared", "Operations of the cores, compared", "Files read back and compared"]
    {
        assert!(page.contains(title), "{title}");
    }
    let schema = serde_json::from_slice(&output(place.path(), ["schema", "soak"]).stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert_eq!(validator.iter_errors(&json).map(|error| error.to_string()).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn hours_are_counted_over_a_kill_and_the_record_stays_sealed() {
    let place = Place::new();
    // It does not end by itself before it is killed.
    let planned = 15.0;
    let mut arguments = arguments(planned);
    arguments.extend(["--load".to_owned(), "memory".to_owned()]);
    let mut child = place.started(&arguments, 2);
    child.kill().unwrap();
    child.wait().unwrap();
    let before: f64 = place.seconds().iter().sum();
    let (status, json) = place.status();
    assert_eq!((status.status.code(), json["verdict"].as_str()), (Some(3), Some("INCONCLUSIVE")), "{json}");
    assert!((json["seconds"].as_f64().unwrap() - before).abs() < 1e-6 && before >= 2.0, "{json}");
    // The half of a line that a power cut left.
    let mut text = fs::read_to_string(place.journal()).unwrap();
    text.push_str("{\"stretch\":{\"at\":1");
    fs::write(place.journal(), text).unwrap();
    let refused = output(place.path(), ["soak", "--hours", "1", "--no-figures", "--out", "store", "--memory", "8MiB"]);
    assert!(refused.status.code() == Some(2) && said(&refused).contains("is not over"), "{}", said(&refused));
    let accept = ["accept", "--profile", "smoke", "--soak", "1h", "--out", "store"];
    let refused = output(place.path(), accept);
    assert!(refused.status.code() == Some(2) && said(&refused).contains("is not over"), "{}", said(&refused));
    let words = ["soak", "--continue", "--out", "store"].into_iter().chain(BESIDES);
    let went_on = output(place.path(), words);
    assert_eq!(went_on.status.code(), Some(0), "{}", said(&went_on));
    let (_, json) = place.status();
    assert!((planned..planned + before + 3.0).contains(&json["seconds"].as_f64().unwrap()), "{json}");
    assert_eq!(json["boots"].as_array().unwrap().len(), 2);
    let nothing = output(place.path(), ["soak", "--continue", "--out", "store"]);
    assert!(said(&nothing).contains("waits to go on"), "{}", said(&nothing));
    // Whoever changes an hour is found out.
    let text =
        fs::read_to_string(place.journal()).unwrap().replacen("{\"stretch\":{\"at\":", "{\"stretch\":{\"at\":9", 1);
    fs::write(place.journal(), text).unwrap();
    let changed = output(place.path(), ["soak", "--status", "--out", "store"]);
    assert!(changed.status.code() == Some(2) && said(&changed).contains("was changed"), "{}", said(&changed));
}

#[test]
fn errors_that_came_while_nobody_watched_are_found_when_it_goes_on() {
    let place = Place::new();
    let module = place.path().join("root/sys/devices/system/edac/mc/mc0/dimm0");
    fs::create_dir_all(&module).unwrap();
    let count = |errors: u32| fs::write(module.join("dimm_ce_count"), errors.to_string()).unwrap();
    count(3);
    fs::write(module.join("dimm_label"), "DIMM_A1").unwrap();
    let mut arguments = arguments(12.0);
    arguments.extend(["--load".to_owned(), "cpu".to_owned()]);
    let mut child = place.started(&arguments, 1);
    child.kill().unwrap();
    child.wait().unwrap();
    count(5);
    let words = ["soak", "--continue", "--out", "store"].into_iter().chain(BESIDES);
    let went_on = output(place.path(), words);
    assert_eq!(went_on.status.code(), Some(1), "{}", said(&went_on));
    let (_, json) = place.status();
    let events: Vec<&str> =
        json["events"].as_array().unwrap().iter().map(|event| event["says"].as_str().unwrap()).collect();
    assert_eq!(events, ["DIMM_A1: corrected memory errors grew by 2"]);
    let not_watched = json["not_watched"].to_string();
    assert!(not_watched.contains("temperatures") && !not_watched.contains("EDAC"), "{not_watched}");
}

#[test]
fn what_breaks_fails_it_and_ctrl_c_stops_it_in_order() {
    let place = Place::new();
    let mut arguments = arguments(3600.0);
    arguments.extend(["--load".to_owned(), "cpu".to_owned()]);
    let child = place.started(&arguments, 1);
    fs::write(place.path().join("root/dev/kmsg"), "2,1,1,-;Memory failure: 0x42: recovery action\n").unwrap();
    let told = |place: &Place| fs::read_to_string(place.journal()).unwrap().contains("\"incident\"");
    let deadline = Instant::now() + Duration::from_mins(2);
    while !told(&place) {
        assert!(Instant::now() < deadline, "the event was not told");
        thread::sleep(Duration::from_millis(20));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let stopped = child.wait_with_output().unwrap();
    assert_eq!(stopped.status.code(), Some(130), "{}", said(&stopped));
    let text = String::from_utf8(stopped.stdout).unwrap();
    assert!(text.contains("memory: the kernel says: Memory failure: 0x42: recovery action"), "{text}");
    let ended = output(place.path(), ["soak", "--end", "--out", "store"]);
    assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
    let text = String::from_utf8(ended.stdout).unwrap();
    assert!(
        text.contains("1 events, the first: memory: the kernel says")
            && text.contains("it stopped after 0.")
            && text.contains(" of 1.00 hours"),
        "{text}"
    );
    assert!(text.trim_end().lines().last().unwrap().starts_with("FAIL: "), "{text}");
}

#[test]
fn what_cannot_be_is_refused_before_there_is_a_soak() {
    let place = Place::new();
    let check = |arguments: &[&str], words: &str| {
        let refused = output(place.path(), [&["soak", "--out", "store"], arguments].concat());
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        assert!(said(&refused).contains(words), "{}", said(&refused));
    };
    check(&[], "--hours");
    check(&["--hours", "0"], "more than 0");
    check(&["--hours", "1", "--memory", "9000TB"], "there are");
    check(&["--hours", "1", "--memory", "fast"], "--memory fast");
    check(&["--hours", "1", "--spec", "nobody"], "neither a file nor a built-in system");
    check(&["--hours", "1", "--scratch", "no/such"], "there is no such folder");
    check(&["--status"], "there is no soak");
    check(&["--end"], "waits to go on");
    check(&["--hours", "1", "--status"], "cannot be used with");
    check(&["--continue", "--load", "memory"], "cannot be used with");
    check(&["--continue", "--spec", "mine.toml"], "cannot be used with");
    check(&["--continue", "--on-event", "page-me"], "waits to go on");
}

#[test]
fn figures_are_taken_and_all_is_sealed_hour_by_hour() {
    let place = Place::new();
    let soaked = output(place.path(), with_figures(2.0 * SHORT_HOUR));
    assert_eq!(soaked.status.code(), Some(0), "{}", said(&soaked));
    let entries = place.entries();
    let is = |entry: &Value, kind: &str| entry.get(kind).is_some();
    let parts = entries.split(|entry| is(entry, "sealed"));
    let hours: Vec<&[Value]> = parts.filter(|part| part.iter().any(|entry| is(entry, "stretch"))).collect();
    assert_eq!(hours.len(), 2, "{entries:?}");
    let mut end = 0.0;
    for (number, hour) in (1_u32..).zip(hours) {
        let loaded = hour.iter().position(|entry| is(entry, "stretch")).unwrap();
        let runs: Vec<usize> = (0..hour.len()).filter(|&at| is(&hour[at], "run")).collect();
        assert!(matches!(runs.as_slice(), [run] if *run < loaded), "{hour:?}");
        let id = hour[runs[0]]["run"].as_str().unwrap();
        let shown = output(place.path(), ["show", id, "--out", "store"]);
        assert_eq!(shown.status.code(), Some(0), "{}", said(&shown));
        // What the watch knows stands in each hour.
        assert!(hour.iter().any(|entry| is(entry, "watched")), "{hour:?}");
        end += hour.iter().filter_map(|entry| entry["stretch"]["seconds"].as_f64()).sum::<f64>();
        // A stretch may be twice as long as it is planned.
        let full = f64::from(number) * SHORT_HOUR;
        assert!((full..full + 2.0).contains(&end), "hour {number} ended after {end} s");
    }
    assert!(is(&entries[entries.len() - 2], "ended") && is(&entries[entries.len() - 1], "sealed"), "{entries:?}");
}

/// What must hold of a record after a kill: it is readable, its seals are right, what was there is there, and no second counts
/// that did not pass.
fn check_after_a_kill(soak: &Soak, before: &str, seconds: f64, wall: f64) -> SoakLog {
    assert!(matches!(soak.seals().unwrap(), Seals::Right { .. }), "{:?}", soak.seals());
    let text = fs::read_to_string(soak.path()).unwrap();
    assert!(text.starts_with(before), "what stood in the record was changed");
    let lines: Vec<&str> = text.lines().collect();
    let begun = lines.iter().rposition(|line| line.starts_with("{\"begun\""));
    let sealed = begun.is_none_or(|at| lines[at - 1].starts_with("{\"sealed\""));
    assert!(sealed, "it went on without a seal on what was before: {text}");
    let log = soak.log();
    assert!(
        (seconds - 1e-9..=wall).contains(&log.seconds()),
        "{} s count after {seconds} s, and {wall} s have passed",
        log.seconds()
    );
    log
}

/// Starts it, kills it after so many milliseconds, and waits until its loads and runs are gone, too; the seconds that it had.
fn killed_after(place: &Place, words: &[String], milliseconds: u64) -> f64 {
    let started = Instant::now();
    let mut child = hostproof(place.path()).args(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(Duration::from_millis(milliseconds));
    assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
    let wall = started.elapsed().as_secs_f64();
    let deadline = Instant::now() + Duration::from_mins(5);
    while place.processes() > 0 {
        assert!(Instant::now() < deadline, "{} processes outlive it", place.processes());
        thread::sleep(Duration::from_millis(10));
    }
    wall
}

/// Whole lines of a journal.
fn whole_lines(soak: &Soak) -> String {
    let text = fs::read_to_string(soak.path()).unwrap();
    text[..text.rfind('\n').map_or(0, |end| end + 1)].to_owned()
}

/// Twice here, and as often as `scripts/chaos soak` says there: in figures, under load, while something is noted.
#[test]
fn killed_at_random_it_goes_on_each_time_and_counts_right() {
    let (kills, seed) = (setting("HOSTPROOF_CHAOS_KILLS", 2), setting("HOSTPROOF_CHAOS_SEED", 1));
    let (mut random, place) = (SplitMix64::new(seed), Place::new());
    // It cannot end before the last kill.
    let longest = 8000;
    let planned = (longest * kills) as f64 / 1e3;
    let again = ["soak", "--continue", "--out", "store"].into_iter().chain(BESIDES).chain(SHORT_HOURS);
    let again: Vec<String> = again.map(str::to_owned).collect();
    let words = |place: &Place| if place.soak().is_some() { again.clone() } else { with_figures(planned) };
    let (mut before, mut seconds, mut wall, mut under_load) = (String::new(), 0.0, 0.0, 0);
    for _ in 0..kills {
        wall += killed_after(&place, &words(&place), random.below(longest));
        let Some(soak) = place.soak() else { continue };
        seconds = check_after_a_kill(&soak, &before, seconds, wall).seconds();
        before = whole_lines(&soak);
        let last = before.lines().last().unwrap_or_default();
        under_load += u32::from(last.starts_with("{\"run\"") || last.starts_with("{\"stretch\""));
    }
    let started = Instant::now();
    let ended = output(place.path(), words(&place));
    wall += started.elapsed().as_secs_f64();
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    let soak = place.soak().unwrap();
    let log = check_after_a_kill(&soak, &before, seconds, wall);
    assert!(soak.is_over() && log.seconds() >= planned, "{} s of {planned} s", log.seconds());
    assert!(matches!(soak.seals().unwrap(), Seals::Right { open: false, .. }), "{:?}", soak.seals());
    assert_eq!((log.wrong.len(), log.incidents.len(), log.failures.len()), (0, 0, 0));
    // Runs and their tags stay.
    let of_record = |file: &PathBuf| {
        let in_soaks = file.starts_with(place.path().join("store/soaks"));
        in_soaks || file.ends_with("run.jsonl") || file.ends_with("marks.jsonl")
    };
    let left: Vec<PathBuf> = files(&place.path().join("store")).into_iter().filter(|file| !of_record(file)).collect();
    assert_eq!((left, place.processes()), (Vec::new(), 0), "files and processes of a load stay");
    eprintln!(
        "seed {seed}: {kills} kills, {under_load} of them under load; {:.1} s under load of {planned} s, {seconds:.1} s of them \
         before the last kill, in {wall:.1} s; {} minutes of a second, {} runs with figures, {:?}",
        log.seconds(),
        log.stretches.len(),
        log.runs.len(),
        soak.seals().unwrap(),
    );
}
