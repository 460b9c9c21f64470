//! One store of each design through the real binary: what comparisons and histories must not leave out, or say too surely.

mod simulate;
mod support;

use std::fs;
use std::ops::Range;
use std::path::Path;

use measure::random::SplitMix64;
use measure::{Better, Labels, MetricId, NotMeasured, Outcome, Reason, Run, Unit, Workload, metrics};
use record::Store;
use serde_json::Value;
use simulate::Host;
use support::{files, hostproof, output, said};

const SIDES: [&str; 5] = ["compare", "--before", "bios=1.2", "--after", "bios=1.3"];

/// A store in a folder of its own.
struct Design(tempfile::TempDir, SplitMix64);

impl Design {
    fn new(seed: u64) -> Design {
        Design(tempfile::tempdir().unwrap(), SplitMix64::new(seed))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn put(&self, run: &Run) {
        simulate::write(&Store::at(&self.path().join("here")).place(&run.host, &run.id), run);
    }

    fn boots(&mut self, host: &Host, numbers: Range<u32>, alter: impl Fn(u32, &mut Run)) {
        for number in numbers {
            let mut run = host.run(number, &mut self.1);
            alter(number, &mut run);
            self.put(&run);
        }
    }

    /// What the program says, in one line, and its exit code.
    fn says(&self, arguments: &[&str]) -> (i32, String) {
        let output = output(self.path(), arguments.iter().chain(&["--out", "here"]));
        let text = said(&output).split_whitespace().collect::<Vec<_>>().join(" ");
        (output.status.code().unwrap(), text)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = hostproof(self.path()).args(arguments).args(["--out", "here", "--json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {}", said(&output)))
    }
}

fn row<'a>(answer: &'a Value, metric: &str) -> &'a Value {
    answer["metrics"].as_array().unwrap().iter().find(|row| row["metric"]["name"] == metric).unwrap()
}

/// Repetitions of triad that fail, from the first.
fn fail(run: &mut Run, repetitions: usize, reason: &Reason) {
    let triad = |outcome: &&mut Outcome| outcome.measured().is_some_and(|one| one.metric.is(&metrics::STREAM_TRIAD));
    let outcomes = run.attempts.iter_mut().flat_map(|attempt| &mut attempt.outcomes);
    for outcome in outcomes.filter(triad).take(repetitions) {
        *outcome = Outcome::NotMeasured(NotMeasured::new(&metrics::STREAM_TRIAD, Labels::new(), reason.clone()));
    }
}

#[test]
fn failures_are_evidence() {
    let wrong = Reason::WrongResult("3 elements".into());
    let check = |failing: Range<u32>, alter: &dyn Fn(&mut Run), code: i32, verdict: &str, words: &str| {
        let mut design = Design::new(3);
        let host = Host { noise: 0.004, ..Host::usual() };
        design.boots(&host, 0..6, |_, _| ());
        design.boots(&host.clone().with("bios.version", "1.3"), 6..12, |number, run| {
            if failing.contains(&number) {
                alter(run);
            }
        });
        let (found, text) = design.says(&SIDES);
        assert!(found == code && text.contains(words), "{found}: {text}");
        let answer = design.json(&SIDES);
        let triad = row(&answer, "stream.triad");
        assert_eq!(triad["verdict"], verdict, "{triad:#}");
        assert_eq!(triad["before"]["failures"]["boots"], 0);
        assert_eq!(triad["after"]["failures"]["boots"], failing.len());
    };
    let lost = |run: &mut Run| {
        let id = MetricId { name: Workload::Stream.name().into(), labels: Labels::new() };
        let dead = NotMeasured { id, reason: Reason::WorkerDied("signal 11".into()) };
        run.attempts[0].outcomes = vec![Outcome::NotMeasured(dead)];
    };
    let value = |run: &mut Run, value: f64| {
        for outcome in &mut run.attempts[0].outcomes {
            let Outcome::Measured(one) = outcome else { continue };
            one.samples.iter_mut().for_each(|sample| sample.value = value);
        }
    };
    check(6..9, &|run| fail(run, 5, &wrong), 3, "INCONCLUSIVE", "15 of 30 repetitions (15 wrong) in 3 of 6 boots");
    check(6..9, &lost, 3, "INCONCLUSIVE", "3 lost");
    check(6..9, &|run| value(run, 0.0), 3, "INCONCLUSIVE", "15 without a value");
    check(6..9, &|run| value(run, f64::NAN), 3, "INCONCLUSIVE", "15 without a value");
    check(6..12, &|run| fail(run, 4, &wrong), 1, "REGRESSION", "24 of 30 repetitions (24 wrong) in 6 of 6 boots");
    check(6..12, &|run| fail(run, 5, &wrong), 1, "REGRESSION", "no usable value after");
}

#[test]
fn the_page_counts_what_failed_and_knows_the_history() {
    let mut design = Design::new(5);
    design.boots(&Host::usual().with("bios.version", "1.1"), 0..12, |_, _| ());
    design.boots(&Host::usual(), 12..15, |_, _| ());
    design.boots(&Host::usual().with("bios.version", "1.3"), 15..18, |number, run| {
        if number == 15 {
            fail(run, 2, &Reason::WrongResult("3 elements".into()));
        }
    });
    let runs: Vec<String> = (12..18).map(|number| Host::usual().named(number).id).collect();
    let arguments: Vec<&str> = std::iter::once("report").chain(runs.iter().map(String::as_str)).collect();
    let (code, text) = design.says(&[&arguments[..], &["--html", "page.html"]].concat());
    assert_eq!(code, 0, "{text}");
    assert_eq!(files(&design.path().join("here/hosts/node7")).len(), 18, "a report changes nothing in the store");
    let page = fs::read_to_string(design.path().join("page.html")).unwrap().replace("&#x27;", "'");
    assert!(page.contains("2 of 15 failed") && page.contains("0 of 15 failed"));
    let answer = design.json(&SIDES);
    let rows = answer["metrics"].as_array().unwrap();
    let moderated = rows.iter().filter(|row| row["effect"]["method"] == "moderated").count();
    assert!(moderated > 5, "{answer:#}");
    for row in rows {
        // Names and figures of the sentence as the page escapes them.
        let reason = row["reason"].as_str().unwrap();
        assert!(page.contains(reason), "{reason}");
    }
}

#[test]
fn units_and_directions_are_those_of_the_catalogue() {
    let check = |alter: fn(&mut measure::Metric), expect: &str| {
        let mut design = Design::new(7);
        design.boots(&Host::usual(), 0..3, |_, _| ());
        design.boots(&Host::usual().with("bios.version", "1.3"), 3..6, |_, run| {
            for outcome in run.attempts.iter_mut().flat_map(|attempt| &mut attempt.outcomes) {
                let Outcome::Measured(one) = outcome else { continue };
                if one.metric.is(&metrics::STREAM_TRIAD) {
                    alter(&mut one.metric);
                }
            }
        });
        let (code, text) = design.says(&SIDES);
        assert!(code == 4 && text.contains(expect), "{code}: {text}");
        let (code, text) = design.says(&["trend"]);
        assert!(code == 0 && text.contains("3 runs of another machine"), "{code}: {text}");
    };
    check(
        |metric| metric.unit = Unit::FlopPerSecond,
        "has stream.triad in flop/s, higher is better; it is a metric in B/s",
    );
    check(|metric| metric.better = Better::Lower, "has stream.triad in B/s, lower is better");
}

#[test]
fn a_side_of_one_boot_is_not_judged_whatever_the_history() {
    let check = |before: u32, after: u32| {
        let mut design = Design::new(11);
        // Quieter than what follows.
        design.boots(&Host { noise: 0.001, ..Host::usual() }.with("bios.version", "1.1"), 0..20, |_, _| ());
        design.boots(&Host::usual(), 20..20 + before, |_, _| ());
        design.boots(&Host::usual().with("bios.version", "1.3"), 30..30 + after, |_, _| ());
        let (code, text) = design.says(&SIDES);
        assert!(code == 3 && text.contains("a side of one boot has no spread to judge by"), "{code}: {text}");
        assert!(text.contains("2 boots on each side could decide, by the noise of its history"), "{text}");
        assert_eq!(row(&design.json(&SIDES), "stream.triad")["verdict"], "CANNOT-BE-JUDGED");
    };
    check(1, 1);
    check(2, 1);
    check(5, 1);
    check(1, 5);
}

#[test]
fn an_odd_history_hides_nothing() {
    let check = |odd: fn(u32) -> f64| {
        let mut design = Design::new(13);
        for number in 0..20 {
            let by = odd(number);
            design.boots(&Host::usual().with("bios.version", "1.1").worse("", by), number..number + 1, |_, _| ());
        }
        design.boots(&Host::usual(), 20..25, |_, _| ());
        design.boots(&Host::usual().with("bios.version", "1.3").worse("stream.triad", 0.06), 25..30, |_, _| ());
        let answer = design.json(&SIDES);
        assert_eq!(row(&answer, "stream.triad")["verdict"], "REGRESSION", "{:#}", row(&answer, "stream.triad"));
        assert_eq!(row(&answer, "stream.triad")["effect"]["method"], "welch");
    };
    check(|number| if number == 3 { 0.3 } else { 0.0 });
    check(|number| 0.01 * f64::from(number));
}

#[test]
fn a_wrong_clock_invents_no_change() {
    let mut design = Design::new(17);
    for number in 0..12 {
        let host = if number < 6 { Host::usual() } else { Host::usual().with("bios.version", "1.3") };
        let mut run = host.run(number, &mut design.1);
        if number == 9 {
            // Before the clock was set.
            let wrong = Host::usual().named(0);
            (run.id, run.started) = ("19700101T000000Z-00ff".into(), "1970-01-01T00:00:07Z".into());
            assert_ne!(run.boot_id, wrong.boot_id);
        }
        design.put(&run);
        // Records are sealed when they end.
        assert_eq!(design.says(&["store", "list"]).0, 0);
    }
    let trend = design.json(&["trend"]);
    let known = trend["known_changes"].as_array().unwrap();
    assert_eq!((known.len(), &known[0]["boot"], trend["boots"].as_array().unwrap().len()), (1, &Value::from(6), 11));
    let (_, text) = design.says(&["trend"]);
    assert!(text.contains("1 boots, for instance that of run 19700101T000000Z-00ff"), "{text}");
}

#[test]
fn refusals_name_the_real_reason() {
    let check = |arguments: &[&str], alter: fn(&mut Run), code: i32, expect: &str| {
        let mut design = Design::new(19);
        design.boots(&Host::usual(), 0..5, |_, _| ());
        design.boots(&Host::usual().with("bios.version", "1.3"), 5..9, |_, run| alter(run));
        let (found, text) = design.says(arguments);
        assert!(found == code && text.contains(expect), "{found}: {text}");
    };
    let paired = [&SIDES[..], &["--paired"]].concat();
    check(&paired, |_| (), 2, "5 boots before and 4 after cannot be paired");
    let other = |run: &mut Run| {
        run.host = "node8".into();
        run.fingerprint.platform.insert("system.serial".into(), "8".into());
    };
    check(&SIDES, other, 4, "host node7 and host node8, system.serial is 7 and 8");
    let same_boot = |run: &mut Run| run.boot_id = Some("boot-00000".into());
    check(&SIDES, same_boot, 2, "boots are the unit of comparison, because memory is trained");
    check(&SIDES, same_boot, 2, "compare --within-boot");
}

/// Runs of one boot in the order ABBA; those after have another firmware in a drive.
fn in_turn(pairs: u32, worse: f64, alter: impl Fn(bool, &mut Run)) -> Design {
    let mut design = Design::new(23);
    for turn in 0..2 * pairs {
        let is_after = [false, true, true, false][turn as usize % 4];
        let host = Host { noise: 0.005, ..Host::usual() };
        let host =
            if is_after { host.with("drive S1 firmware", "B").worse("disk.seqread.bandwidth", worse) } else { host };
        design.boots(&host, turn..turn + 1, |_, run| {
            run.boot_id = Some("one".into());
            alter(is_after, run);
        });
    }
    design
}

#[test]
fn what_changes_without_a_reboot_is_compared_within_a_boot() {
    let within = ["compare", "--before", "nvme_fw=A", "--after", "nvme_fw=B", "--within-boot"];
    let check = |design: &Design, code: i32, expect: &str| {
        let (found, text) = design.says(&within);
        assert!(found == code && text.contains(expect), "{found}: {text}");
    };
    check(&in_turn(10, 0.0, |_, _| ()), 0, "NOT-WORSE-IN-THIS-BOOT");
    let worse = in_turn(10, 0.06, |_, _| ());
    check(&worse, 3, "WORSE-IN-THIS-BOOT What holds in one boot need not hold in the next");
    assert_eq!(row(&worse.json(&within), "disk.seqread.bandwidth")["verdict"], "WORSE-IN-THIS-BOOT");
    check(&in_turn(6, 0.0, |_, _| ()), 2, "6 pairs are too few: 8 are the least");
    let bios = |is_after: bool, run: &mut Run| {
        let version = if is_after { "1.3" } else { "1.2" };
        run.fingerprint.config.insert("bios.version".into(), version.into());
    };
    check(&in_turn(8, 0.0, bios), 2, "bios.version differs, and it changes with a reboot");
}
