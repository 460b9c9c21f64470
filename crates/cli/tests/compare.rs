//! Comparisons, noise, histories and the store through the real binary, from simulated boots.

mod simulate;
mod support;

use std::fs;
use std::path::Path;
use std::time::Instant;

use measure::Run;
use measure::random::SplitMix64;
use record::Store;
use serde_json::Value;
use simulate::Host;
use support::{files, hostproof, output, said};

/// Runs the program with `--out here` and gives its exit code and the JSON that it printed.
fn answer(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let output = hostproof(folder).args(arguments).args(["--out", "here", "--json"]).output().unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {}", said(&output)));
    (output.status.code().unwrap(), json)
}

/// The same for people: everything that it said.
fn run_expecting(folder: &Path, arguments: &[&str], expect: i32) -> String {
    let output = hostproof(folder).args(arguments).args(["--out", "here"]).output().unwrap();
    assert_eq!(output.status.code(), Some(expect), "{arguments:?}: {}", said(&output));
    said(&output)
}

/// Writes a run where it belongs in the store `here`.
fn store(folder: &Path, run: &Run) {
    simulate::write(&Store::at(&folder.join("here")).place(&run.host, &run.id), run);
}

fn boots(folder: &Path, host: &Host, numbers: std::ops::Range<u32>, random: &mut SplitMix64) {
    for number in numbers {
        store(folder, &host.run(number, random));
    }
}

/// The row of a metric.
fn row<'a>(answer: &'a Value, list: &str, metric: &str) -> &'a Value {
    let rows = answer[list].as_array().unwrap();
    rows.iter().find(|row| row["metric"]["name"] == metric).unwrap_or_else(|| panic!("no {metric} in {answer:#}"))
}

#[test]
fn a_planted_step_is_a_regression_of_its_size_and_its_cause_comes_first() {
    let check = |metrics: &'static str, metric: &str, cause: &str| {
        let folder = tempfile::tempdir().unwrap();
        let mut random = SplitMix64::new(7);
        let after = Host::usual()
            .worse(metrics, 0.05)
            .with("bios.version", "1.3")
            .with("os.kernel", "6.2.0")
            .with("drive S1 firmware", "B");
        boots(folder.path(), &Host::usual(), 0..5, &mut random);
        boots(folder.path(), &after, 5..10, &mut random);
        let (code, answer) = answer(folder.path(), &["compare", "--before", "bios=1.2", "--after", "bios=1.3"]);
        assert_eq!((code, &answer["overall"]), (1, &Value::from("REGRESSION")), "{answer:#}");
        let found = row(&answer, "metrics", metric);
        assert_eq!(found["verdict"], "REGRESSION", "{found:#}");
        let change = if found["better"] == "higher" { -0.05 } else { 1.0 / 0.95 - 1.0 };
        let interval: Vec<f64> = serde_json::from_value(found["effect"]["interval_95"].clone()).unwrap();
        println!("{metric}: {}, 95 % {interval:?}, planted {change}", found["effect"]["change"]);
        assert!(interval[0] <= change && change <= interval[1], "{found:#}");
        assert_eq!(answer["suspects"].as_array().unwrap().len(), 3);
        assert_eq!(answer["suspects"][0]["change"]["part"], cause, "{:#}", answer["suspects"]);
        let text = run_expecting(folder.path(), &["compare", "--before", "bios=1.2", "--after", "bios=1.3"], 1);
        assert!(text.contains("REGRESSION") && text.contains("the likeliest cause"), "{text}");
    };
    check("stream", "stream.triad", "bios.version");
    check("disk", "disk.randread.p99", "drive S1 firmware");
}

#[test]
fn without_a_step_nothing_is_worse() {
    const TRIALS: u64 = 10;
    let mut not_worse = 0;
    for trial in 0..TRIALS {
        let folder = tempfile::tempdir().unwrap();
        let mut random = SplitMix64::new(100 + trial);
        boots(folder.path(), &Host::usual(), 0..10, &mut random);
        boots(folder.path(), &Host::usual().with("bios.version", "1.3"), 10..20, &mut random);
        let (code, answer) = answer(folder.path(), &["compare", "--before", "bios=1.2", "--after", "bios=1.3"]);
        assert_ne!(answer["overall"], "REGRESSION", "{answer:#}");
        assert_eq!(code == 0, answer["overall"] == "NOT-WORSE");
        not_worse += u32::from(code == 0);
    }
    // At 1 % noise and a margin of 2.5 % the power is over 99.9 % for each of 15 metrics; crates/verdict simulates many more.
    println!("NOT-WORSE on all critical metrics in {not_worse} of {TRIALS} trials of 10 + 10 boots");
    assert!(not_worse >= 9, "{not_worse}");
}

#[test]
fn what_cannot_be_compared_is_refused_with_the_reason() {
    let check = |alter: fn(&mut Run), arguments: &[&str], code: i32, expect: &str| {
        let folder = tempfile::tempdir().unwrap();
        let mut random = SplitMix64::new(3);
        boots(folder.path(), &Host::usual(), 0..3, &mut random);
        for number in 3..6 {
            let mut run = Host::usual().with("bios.version", "1.3").run(number, &mut random);
            alter(&mut run);
            store(folder.path(), &run);
        }
        let text = run_expecting(folder.path(), &[&["compare"], arguments].concat(), code);
        assert!(text.contains(expect), "{arguments:?}: {text}");
    };
    let sides = ["--before", "bios=1.2", "--after", "bios=1.3"];
    check(|run| run.build.version = "1.0.0".into(), &sides, 4, "suite 0.1.0 and suite 1.0.0");
    check(|run| run.build.profile = "ci".into(), &sides, 4, "differ in their profile (release and ci)");
    check(|run| run.profile = measure::Profile::Quick, &sides, 4, "profile full and profile quick");
    check(
        |run| drop(run.fingerprint.platform.insert("system.serial".into(), "8".into())),
        &sides,
        4,
        "system.serial is 7 and 8",
    );
    check(
        |_| (),
        &["--before", "bios=1.2", "--after", "bios=1.4"],
        2,
        "--after: no run in here is selected: did you mean `bios=1.3`?",
    );
    check(|_| (), &["--before", "bios=1.*", "--after", "bios=1.3"], 2, "is on both sides");
    check(|_| (), &["--before", "colour=blue", "--after", "latest"], 2, "the key is none of");
}

#[test]
fn what_boots_do_not_decide_says_what_would() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = SplitMix64::new(19);
    let noisy = Host { noise: 0.05, ..Host::usual() };
    boots(folder.path(), &noisy, 0..3, &mut random);
    boots(folder.path(), &noisy.with("bios.version", "1.3"), 3..6, &mut random);
    let text = run_expecting(folder.path(), &["compare", "--before", "bios=1.2", "--after", "bios=1.3"], 3);
    assert!(text.contains("INCONCLUSIVE") && text.contains("boots on each side"), "{text}");
}

#[test]
fn noise_says_what_cannot_be_judged_before_anybody_relies_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = SplitMix64::new(5);
    for number in 0..8 {
        let mut run = Host::usual().run(number, &mut random);
        let noisy = Host { noise: 0.05, ..Host::usual() }.run(number, &mut random);
        // Storage is noisy on this host.
        run.attempts[2] = noisy.attempts[2].clone();
        store(folder.path(), &run);
    }
    let (code, answer) = answer(folder.path(), &["noise"]);
    let rows = serde_json::json!({"rows": answer});
    let judged = |metric: &str| row(&rows, "rows", metric)["can_be_judged"].as_bool().unwrap();
    assert_eq!((code, judged("stream.triad"), judged("disk.randread.iops")), (0, true, false), "{answer:#}");
    assert!(run_expecting(folder.path(), &["noise"], 0).contains("CANNOT"));
    run_expecting(folder.path(), &["noise", "bios=9"], 2);
}

#[test]
fn a_history_tells_changes_and_the_baseline_moves_by_hand_only() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = SplitMix64::new(11);
    boots(folder.path(), &Host::usual(), 0..12, &mut random);
    boots(folder.path(), &Host::usual().worse("stream", 0.06).with("bios.version", "1.3"), 12..24, &mut random);
    assert!(run_expecting(folder.path(), &["baseline", "show"], 0).contains("no host has a baseline"));
    assert!(run_expecting(folder.path(), &["trend"], 0).contains("no baseline is set"));
    assert!(
        run_expecting(folder.path(), &["baseline", "set", "bios=1.2"], 0).contains("12 runs are the baseline of node7")
    );
    let (code, trend) = answer(folder.path(), &["trend"]);
    assert_eq!(code, 1, "worse than the baseline: {trend:#}");
    assert_eq!(trend["known_changes"][0]["boot"], 12);
    assert_eq!(row(&trend["known_changes"][0], "metrics", "stream.triad")["verdict"], "REGRESSION");
    assert_eq!(row(&trend, "against_baseline", "dense.hpl")["verdict"], "NOT-WORSE");
    let (code, compared) = answer(folder.path(), &["compare", "--before", "baseline", "--after", "bios=1.3"]);
    assert_eq!((code, &compared["before"]["boots"]), (1, &Value::from(12)));
    run_expecting(folder.path(), &["baseline", "set", "bios=1.3"], 0);
    let (code, shown) = answer(folder.path(), &["baseline", "show"]);
    assert_eq!((code, shown[0]["runs"].as_array().unwrap().len()), (0, 12));
    assert!(run_expecting(folder.path(), &["trend"], 0).contains("baseline"));
}

#[test]
fn a_store_is_kept_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut random = SplitMix64::new(13);
    boots(path, &Host::usual(), 0..3, &mut random);
    boots(path, &Host::usual().with("bios.version", "1.3"), 3..5, &mut random);
    let count =
        |selection: &[&str]| answer(path, &[&["store", "list"], selection].concat()).1.as_array().unwrap().len();
    assert_eq!((count(&[]), count(&["bios=1.3"])), (5, 2));
    assert!(run_expecting(path, &["store", "show", "latest"], 0).contains("stream.triad"));
    assert_eq!(answer(path, &["store", "show", "20260701T00"]).1["config"]["bios.version"], "1.2");
    run_expecting(path, &["store", "tag", "bios=1.3", "new"], 0);
    assert_eq!(count(&["tag=new"]), 2);
    run_expecting(path, &["store", "tag", "20260701T03", "new", "--remove"], 0);
    assert_eq!(count(&["tag=new"]), 1);

    assert!(run_expecting(path, &["store", "verify"], 0).contains("5 records are as they were sealed"));
    run_expecting(path, &["store", "export", "latest", "one.run"], 0);
    run_expecting(path, &["store", "prune", "tag=new", "--why", "a test"], 0);
    assert_eq!(count(&[]), 5, "nothing goes without --yes");
    run_expecting(path, &["store", "prune", "tag=new", "--why", "a test", "--yes"], 0);
    assert_eq!(count(&[]), 4);
    assert_eq!(files(&path.join("here/hosts/node7")).len(), 4);
    run_expecting(path, &["store", "import", "one.run"], 0);
    assert!(run_expecting(path, &["store", "import", "one.run"], 2).contains("is there already"));
    assert_eq!(count(&[]), 5);
    assert!(run_expecting(path, &["store", "reindex"], 0).contains("5 runs are in the index"));
    assert!(run_expecting(path, &["store", "verify"], 0).contains("5 records are as they were sealed"));

    let record = path.join("here/hosts/node7/20260701T000000Z-0000/run.jsonl");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replacen("\"values\":[", "\"values\":[1.0,", 1)).unwrap();
    let verified = run_expecting(path, &["store", "verify"], 1);
    assert!(verified.contains("FAULT: node7/20260701T000000Z-0000 is not the record that was sealed"), "{verified}");
}

#[test]
fn a_run_gets_its_tags_and_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let tags = ["--tag", "good", "--tag", "a-test"];
    let run = hostproof(folder.path())
        .args(["run", "--profile", "smoke", "--only", "stream", "--out", "here"])
        .args(tags)
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let chain = fs::read_to_string(folder.path().join("here/chain.jsonl")).unwrap();
    assert_eq!(chain.lines().count(), 1);
    let (_, listed) = answer(folder.path(), &["store", "list", "tag=good,tag=none"]);
    assert_eq!(listed[0]["tags"], serde_json::json!(["a-test", "good"]));
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    assert_eq!(listed[0]["boot_id"], boot.trim());
    let wrong = output(folder.path(), ["run", "--tag", "a,b", "--dry-run"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", said(&wrong));
}

#[test]
fn a_store_of_ten_thousand_runs_answers() {
    const RUNS: u32 = 10_000;
    const DIFFERENT: u32 = 100;
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("here");
    let mut random = SplitMix64::new(17);
    // A hundred different boots a side, told again under other names: writing each by the library would sync it.
    for (side, host) in
        [Host::usual(), Host::usual().worse("stream.triad", 0.05).with("bios.version", "1.3")].iter().enumerate()
    {
        let originals: Vec<(Run, String)> = (0..DIFFERENT)
            .map(|number| {
                let run = host.run(number, &mut random);
                let path = folder.path().join(format!("{side}-{number}.jsonl"));
                simulate::write(&path, &run);
                (run, fs::read_to_string(path).unwrap())
            })
            .collect();
        for number in 0..RUNS / 2 {
            let (original, text) = &originals[(number % DIFFERENT) as usize];
            let run = host.named(u32::try_from(side).unwrap() * RUNS / 2 + number);
            let place = here.join("node7").join(&run.id);
            fs::create_dir_all(&place).unwrap();
            let header_end = text.find('\n').unwrap();
            let header = text[..header_end]
                .replacen(&original.id, &run.id, 1)
                .replacen(&original.started, &run.started, 1)
                .replacen(original.boot_id.as_ref().unwrap(), run.boot_id.as_ref().unwrap(), 1);
            fs::write(place.join("run.jsonl"), header + &text[header_end..]).unwrap();
        }
    }
    let timed = |arguments: &[&str]| {
        let start = Instant::now();
        let answer = answer(folder.path(), arguments);
        println!("{arguments:?}: {:.2} s", start.elapsed().as_secs_f64());
        answer
    };
    assert!(run_expecting(folder.path(), &["store", "reindex"], 0).contains("10000 runs are in the index"));
    let all = timed(&["compare", "--before", "bios=1.2", "--after", "bios=1.3"]);
    assert_eq!((all.0, &all.1["before"]["boots"]), (1, &Value::from(RUNS / 2)));
    let few = timed(&["compare", "--before", "2026-07-01", "--after", "latest,bios=1.3"]);
    assert_eq!(few.1["before"]["boots"], 24);
    let trend = timed(&["trend"]);
    assert_eq!(trend.1["known_changes"][0]["boot"], RUNS / 2);
    assert_eq!(timed(&["noise"]).0, 0);
    assert_eq!(timed(&["store", "list"]).1.as_array().unwrap().len(), 10_000);
}
