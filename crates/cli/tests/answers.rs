//! What a person asks, and how soon the program answers; how wide it writes.

#[allow(dead_code, reason = "other test programs use the rest of it")]
#[path = "simulate/documented.rs"]
mod documented;
#[allow(dead_code, reason = "other test programs use the rest of it")]
mod simulate;
#[allow(dead_code, reason = "other test programs use the rest of it")]
mod support;

use std::path::Path;

use measure::random::SplitMix64;
use record::Store;
use simulate::Host;
use support::{hostproof, said};

/// A record of the documented machine.
const DOCUMENTED: &str = "documented/run.jsonl";
/// What lines to be typed begin with.
const COMMANDS: [&str; 7] = ["hostproof ", "sudo ", "echo ", "df ", "top ", "mpstat ", "zpool "];
/// A record of half of that machine.
const HALF: &str = "half/run.jsonl";
/// The first and the last lines in which an answer is looked for.
const NEAR: usize = 10;

/// Five boots before an update of the BIOS and five after it, which made triad 8 % slower.
fn store() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut random = SplitMix64::new(11);
    let (before, after) = (Host::usual().with("bios.version", "1.2"), Host::usual().with("bios.version", "1.3"));
    let after = after.worse("stream.triad", 0.08);
    for number in 0..10 {
        let run = if number < 5 { &before } else { &after }.run(number, &mut random);
        simulate::write(&Store::at(&folder.path().join("here")).place(&run.host, &run.id), &run);
    }
    simulate::write(&folder.path().join(DOCUMENTED), &documented::run());
    simulate::write(&folder.path().join(HALF), &documented::half());
    folder
}

fn lines(folder: &Path, arguments: &str) -> Vec<String> {
    let output = hostproof(folder).args(arguments.split(' ')).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.is_empty(), "{arguments}: {}", said(&output));
    text.lines().map(str::to_owned).collect()
}

#[test]
fn each_question_is_answered_in_the_first_or_last_ten_lines() {
    let folder = store();
    let check = |question: &str, arguments: &str, words: &[&str]| {
        let lines = lines(folder.path(), arguments);
        let near = |at: usize| at < NEAR || at + NEAR >= lines.len();
        let found: Vec<&str> =
            lines.iter().enumerate().filter(|(at, _)| near(*at)).map(|(_, line)| line.as_str()).collect();
        let found = found.join(" ");
        for word in words {
            assert!(found.contains(word), "{question} ({arguments}): `{word}` is not in\n{found}");
        }
    };
    let documented = format!("judge {DOCUMENTED}");
    let drives = "test files in /data/test: nvme1n1, nvme2n1";
    let record = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/0.1.0/complete/run.jsonl");
    let disturbed = format!("show {record} dense.dgemm");
    let compare = "compare --before bios=1.2 --after bios=1.3 --out here";
    // The ten questions.
    check("Which figures fail?", "judge latest --out here", &["NOT DECIDED", "memory.stream.achievable"]);
    check("Is this the machine?", "inspect --spec PY-HPC-2024.Q3", &["match", "differ", "unknown", "cpu.cores"]);
    check("What disturbed it?", &disturbed, &["3 disturbed", "Disturbed: steal took", "of the CPU time"]);
    check("Did the update make it worse?", compare, &["REGRESSION", "stream.triad −"]);
    check("Which drive was measured?", &documented, &[drives]);
    check("How long will it take?", "run --profile full --dry-run", &["in all"]);
    check("Is the document possible?", "audit", &["2 impossible"]);
    let half = format!("judge {HALF}");
    check("How near is it to its own ceiling?", &half, &["Of own ceiling", "memory.peak_read", "91.9 %"]);
    check("How sure is that?", compare, &["95 %", "p worse"]);
    check("What should I do next?", "judge latest --out here", &["hostproof report", "--out here"]);
    // And more.
    check("What differs between them?", compare, &["bios.version: 1.2 → 1.3"]);
    check("How many boots do I need?", "noise --out here", &["boots on each side end as NOT-WORSE"]);
    check("What does this metric mean?", "show latest stream.triad --out here", &["Bytes a second that triad reads"]);
    check("What should I mend first?", "doctor", &["not told by this host; with --all: what they are"]);
    check("Where would workers run?", "plan", &["one for each core", "NUMA node"]);
}

#[test]
fn every_line_fits_in_utf8_and_in_ascii() {
    let folder = store();
    let commands = [
        "judge latest --out here",
        "judge latest --all --out here",
        "show latest --out here",
        "show latest --how --out here",
        "show latest stream. --out here",
        "compare --before bios=1.2 --after bios=1.3 --out here",
        "compare --before bios=1.2 --after bios=1.3 --all --out here",
        "noise --out here",
        "trend --out here",
        "store list --out here",
        "inspect --spec PY-HPC-2024.Q3",
        "inspect --spec PY-HPC-2024.Q3 --all",
        "doctor --all",
        "plan",
        "judge documented/run.jsonl",
        "judge documented/run.jsonl --all",
        "spec list",
        "spec show PY-HPC-2024.Q3",
        "audit",
    ];
    for command in commands {
        for width in [80, 100, 200] {
            for ascii in [false, true] {
                let locale = if ascii { "C" } else { "C.UTF-8" };
                let arguments: Vec<&str> = command.split(' ').collect();
                let width_argument = format!("--width={width}");
                let output = hostproof(folder.path())
                    .args(arguments)
                    .arg(width_argument)
                    .env("LC_ALL", locale)
                    .output()
                    .unwrap();
                let text = String::from_utf8(output.stdout).unwrap();
                for line in text.lines() {
                    // A word that is longer than a line, a path for instance, stays whole, and so does what is typed.
                    let is_whole =
                        !line.trim().contains(' ') || COMMANDS.iter().any(|name| line.trim().starts_with(name));
                    let fits = line.chars().count() <= width || is_whole;
                    assert!(fits, "{command} --width {width}: {line}");
                    assert!(!ascii || line.is_ascii(), "{command}: {line}");
                }
            }
        }
    }
}

#[test]
fn colour_and_silence_are_as_asked_for() {
    let folder = store();
    let run = |arguments: &[&str]| {
        hostproof(folder.path()).env_remove("NO_COLOR").args(arguments).args(["--out", "here"]).output().unwrap()
    };
    let is_coloured = |arguments: &[&str]| String::from_utf8_lossy(&run(arguments).stdout).contains('\u{1b}');
    assert!(is_coloured(&["judge", "latest", "--color", "always"]));
    assert!(!is_coloured(&["judge", "latest", "--color", "never"]));
    assert!(!is_coloured(&["judge", "latest"]), "into a pipe");
    let measured = run(&["run", "--only", "stream", "--profile", "smoke", "--brief", "--quiet"]);
    assert_eq!(String::from_utf8_lossy(&measured.stderr), "", "{}", said(&measured));
    assert!(!measured.stdout.is_empty());
}
