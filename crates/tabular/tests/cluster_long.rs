//! What `scripts/long cluster` does: sizes that take minutes, and processes that are killed at random.

#[path = "support/cluster.rs"]
mod cluster;

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use cluster::Case;
use measure::random::SplitMix64;
use rustix::process::{Signal, kill_process};
use serde_json::Value;
use tabular::generate::Config;
use tabular::{Digest, verify};

/// What a worker may have at most, beside the peak of one process.
const MOST_OF_PEAK: f64 = 1.15;
/// Runs with kills.
const RUNS: u32 = 30;
/// Within which a kill comes: about what a run takes.
const WITHIN: Duration = Duration::from_millis(2500);

/// The digest of each column of the result, floats by their bits.
fn digests(case: &Case) -> Vec<(&'static str, Digest)> {
    verify::digests(&case.path("result")).unwrap()
}

fn forget_result(case: &Case) {
    fs::remove_dir_all(case.path("result")).unwrap();
}

/// The most of a number in some objects.
fn most(all: &Value, of: &str) -> f64 {
    all.as_array().unwrap().iter().filter_map(|one| one[of].as_f64()).fold(0.0, f64::max)
}

#[test]
#[ignore = "ten minutes and 8 GB of disk: scripts/long cluster"]
fn any_size_has_the_bits_of_one_process_on_any_number_of_workers() {
    for megabytes in [100, 1000, 4000] {
        let case = Case::with(|data| Config::new(Config::rows_of(megabytes * 1_000_000), data));
        let alone = case.end(case.start(&[])).report();
        let expect = digests(&case);
        // What has equal digests is accepted with it.
        let options = verify::Options::default();
        let verified = verify::verify(&case.path("result"), &case.path("data"), &options, &|_| ()).unwrap();
        let peak = most(&alone["phases"], "peak_bytes");
        println!("{megabytes} MB, one process: {} rows accepted, peak {:.0} MB", verified.rows, peak / 1e6);
        for workers in [1, 2, 4] {
            forget_result(&case);
            let Some(ended) = case.run(&["--cluster", &format!("local:{workers}")]) else { return };
            let report = ended.report();
            assert_eq!(digests(&case), expect, "{megabytes} MB on {workers} workers");
            case.nothing_is_left(&["result"]);
            let of_worker = most(&report["workers"], "peak_bytes");
            let (seconds, peak_ratio) = (report["tasks_seconds"].as_f64().unwrap(), of_worker / peak);
            println!(
                "{megabytes} MB, {workers} workers: equal, {seconds:.1} s, peak of a worker {peak_ratio:.2} of that"
            );
            assert!(
                megabytes < 4000 || peak_ratio <= MOST_OF_PEAK,
                "a worker had {of_worker} bytes, one process {peak}"
            );
        }
    }
}

/// Kills one of the run's processes, the client among them, at a random moment; whether there was one.
fn kill_one(case: &Case, random: &mut SplitMix64) -> bool {
    let alive = case.alive();
    if alive.is_empty() {
        return false;
    }
    let (pid, line) = &alive[random.index(alive.len())];
    println!("    {}", line.split(" -c ").next().unwrap_or(line));
    kill_process(*pid, Signal::KILL).is_ok()
}

#[test]
#[ignore = "ten minutes: scripts/long cluster"]
fn whoever_is_killed_the_result_is_right_or_there_is_a_reason() {
    let case = Case::with(|data| Config::new(Config::rows_of(100_000_000), data));
    case.end(case.start(&[])).report();
    let expect = digests(&case);
    let seed = std::env::var("HOSTPROOF_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_130);
    let mut random = SplitMix64::new(seed);
    let (mut right, mut ended_early) = (0, 0);
    for run in 0..RUNS {
        forget_result(&case);
        println!("run {run} of seed {seed}, killed:");
        let (begin, mut child) = (Instant::now(), case.start(&["--cluster", "local:2", "--resume"]));
        let mut moments: Vec<Duration> = (0..=run % 3).map(|_| WITHIN.mul_f64(random.uniform())).collect();
        moments.sort();
        for moment in moments {
            while child.try_wait().unwrap().is_none() && begin.elapsed() < moment {
                sleep(Duration::from_millis(2));
            }
            kill_one(&case, &mut random);
        }
        let ended = case.end(child);
        case.nothing_runs_but(&[]);
        if ended.code == Some(0) {
            right += 1;
        } else {
            // The client itself was killed, or says why it ended.
            assert!(ended.code.is_none() || ended.said.lines().any(|line| line.starts_with("error: ")), "{ended:?}");
            ended_early += 1;
            println!("    {}", ended.said.lines().last().unwrap_or("the client was killed"));
            case.end(case.start(&["--cluster", "local:2", "--resume"])).report();
        }
        assert_eq!(digests(&case), expect, "run {run}");
        case.nothing_is_left(&["result"]);
    }
    println!(
        "{RUNS} runs: {right} went on to the result, {ended_early} ended and were gone on with; all have equal bits"
    );
}
