//! Campaigns through the real binary: over reboots, kills and power cuts.
//!
//! The host's `/proc` and `/sys` are a folder (`--root`), so that a test can reboot it and flash its firmware. The command
//! that measures is `hostproof store import` of a record with planted values: a real command of a user, which leaves a run
//! of the boot in the store as a measurement does. One test measures for real.

mod simulate;
mod support;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use measure::Run;
use measure::random::SplitMix64;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use simulate::Host;
use support::{files, hostproof, output, said};

/// A host whose boots and firmware the test decides, with a store.
struct Lab {
    folder: tempfile::TempDir,
    boots: u32,
    /// Process groups of commands whose step was killed: a boot ends them too.
    orphans: Vec<Pid>,
}

impl Lab {
    fn new() -> Lab {
        let lab = Lab { folder: tempfile::tempdir().unwrap(), boots: 0, orphans: Vec::new() };
        for folder in ["proc/sys/kernel/random", "sys/class/dmi/id"] {
            fs::create_dir_all(lab.path("root").join(folder)).unwrap();
        }
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Reboots with a BIOS.
    fn boot(&mut self, bios: &str) {
        for orphan in self.orphans.drain(..) {
            // It may have ended long ago.
            let _ = kill_process_group(orphan, Signal::KILL);
        }
        self.wait_for_the_dead();
        self.boots += 1;
        fs::write(self.path("root/proc/sys/kernel/random/boot_id"), format!("boot-{:05}\n", self.boots)).unwrap();
        fs::write(self.path("root/sys/class/dmi/id/bios_version"), format!("{bios}\n")).unwrap();
    }

    /// Waits until nobody has the campaign's lock: a killed process lives on for a moment.
    fn wait_for_the_dead(&self) {
        if let Ok(lock) = fs::File::open(self.path("here/campaigns/lock")) {
            lock.lock().unwrap();
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = hostproof(self.folder.path());
        command.args(arguments).args(["--out", "here"]);
        command
    }

    fn run_expecting(&self, arguments: &[&str], expect: i32) -> String {
        let output = self.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(expect), "{arguments:?}: {}", said(&output));
        said(&output)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(arguments).arg("--json").output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {}", said(&output)))
    }

    /// Starts a campaign from BIOS 1.2 to 1.3, whose command takes a little time before and after it imports, and does not
    /// import while it is held.
    fn start(&self, boots: u32) {
        let program = env!("CARGO_BIN_EXE_hostproof");
        let held = "while [ -e held ]; do sleep 0.01; done";
        let script = format!("sleep 0.03; {held}; '{program}' store import incoming.jsonl --out here; sleep 0.03");
        let boots = boots.to_string();
        let output = hostproof(self.folder.path())
            .args([
                "campaign", "start", "--boots", &boots, "--order", "ABBA", "--before", "bios=1.2", "--after",
                "bios=1.3",
            ])
            .args(["--root", "root", "--out", "here", "--", "sh", "-c", &script])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }

    /// What is next: the number of the boot in the plan, the BIOS that it needs, and how many are measured; `None` where all
    /// are.
    fn next(&self) -> Option<(u64, &'static str, usize)> {
        let status = self.json(&["campaign", "status"]);
        let number = status["next"]["boot"].as_u64()?;
        let measured = status["measured"].as_object().unwrap().len();
        Some((number, if status["next"]["side"] == "before" { "1.2" } else { "1.3" }, measured))
    }

    /// Whether the command of the next step may import.
    fn hold(&self, held: bool) {
        if held {
            fs::write(self.path("held"), "").unwrap();
        } else if self.path("held").exists() {
            fs::remove_file(self.path("held")).unwrap();
        }
    }

    /// Lays out what the command will measure on this boot: values that follow from the number in the plan alone.
    fn prepare(&self, number: u64, bios: &str, attempt: u32) {
        let host = Host::usual().with("bios.version", bios);
        let host = if bios == "1.3" { host.worse("stream", 0.05) } else { host };
        let run =
            Run { boot_id: Some(format!("boot-{:05}", self.boots)), ..host.run(attempt, &mut SplitMix64::new(number)) };
        let file = self.path("incoming.jsonl");
        // The command of a killed step may still read the one before.
        let fresh = self.path("fresh.jsonl");
        simulate::write(&fresh, &run);
        fs::rename(fresh, file).unwrap();
    }
}

/// What decides: the verdict and the effect of each metric.
fn verdict(answer: &Value) -> Vec<String> {
    let row = |row: &Value| format!("{} {} {}", row["metric"]["name"], row["verdict"], row["effect"]["log_gain"]);
    let rows = answer["metrics"].as_array().unwrap().iter().map(row);
    std::iter::once(answer["overall"].to_string()).chain(rows).collect()
}

/// How a step is stopped.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stop {
    /// Everything ends, and the host boots again.
    PowerCut,
    /// The step and its command are killed.
    Kill,
    /// The step is killed, and its command lives on.
    Orphan,
}

/// Makes a whole campaign, with these many steps stopped at random points; gives what decides.
fn campaign(boots: u32, stops: u32) -> Vec<String> {
    let mut lab = Lab::new();
    let mut random = SplitMix64::new(u64::from(stops));
    let mut counts = [0; 3];
    lab.boot("1.2");
    lab.start(boots);
    let mut step = Duration::ZERO;
    let mut attempt = 0;
    while let Some((number, bios, measured)) = lab.next() {
        if lab.told_to_boot() {
            // What is next is asked again: a command that lived on may have ended before the boot.
            lab.boot(bios);
            continue;
        }
        attempt += 1;
        assert!(attempt < stops + 2 * boots + 10, "it does not go on");
        lab.prepare(number, bios, attempt);
        // On a slow machine many steps end before they are stopped. The last boot waits for the last stop.
        let last = measured + 1 == 2 * boots as usize && counts.iter().sum::<u32>() < stops;
        lab.hold(last);
        let began = Instant::now();
        let mut child = lab
            .command(&["campaign", "next"])
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        if attempt == 1 || counts.iter().sum::<u32>() == stops {
            let status = child.wait().unwrap();
            // 3: the command of the step before had lived on, and this boot is measured already.
            assert!(matches!(status.code(), Some(0 | 3)), "attempt {attempt}: {status}");
            step = if attempt == 1 { began.elapsed() } else { step };
            continue;
        }
        let how = [Stop::PowerCut, Stop::Kill, Stop::Orphan][attempt as usize % if last { 2 } else { 3 }];
        // One point in each part of the step, at a random place in it.
        let part = f64::from(counts.iter().sum::<u32>() * 7 % stops) + random.uniform();
        sleep(step.mul_f64(part / f64::from(stops)));
        let pid = Pid::from_child(&child);
        // It may have ended in time.
        let _ =
            if how == Stop::Orphan { kill_process(pid, Signal::KILL) } else { kill_process_group(pid, Signal::KILL) };
        child.wait().unwrap();
        counts[how as usize] += 1;
        match how {
            Stop::Orphan => lab.orphans.push(pid),
            Stop::Kill => lab.wait_for_the_dead(),
            Stop::PowerCut => lab.boot(bios),
        }
    }
    let status = lab.json(&["campaign", "status"]);
    println!(
        "{stops} stops (power cut, kill, orphan: {counts:?}): {} attempts, {} failed",
        status["attempts"],
        status["failures"].as_array().unwrap().len()
    );
    assert_eq!(status["measured"].as_object().unwrap().len(), 2 * boots as usize);
    assert_eq!(counts.iter().sum::<u32>(), stops, "all boots were measured before the last stop");
    let answer = lab.json(&["campaign", "finish"]);
    assert!(lab.run_expecting(&["store", "verify"], 0).contains("as they were sealed"));
    assert!(lab.json(&["campaign", "status"])["finished"].as_bool().unwrap());
    let id = status["id"].as_str().unwrap().to_owned();
    let again = [format!("tag={id}:before"), format!("tag={id}:after")];
    let again = lab.json(&["compare", "--before", &again[0], "--after", &again[1], "--paired"]);
    assert_eq!(verdict(&again), verdict(&answer), "by the tags that it leaves");
    verdict(&answer)
}

impl Lab {
    /// Whether the host must boot before the next step.
    fn told_to_boot(&self) -> bool {
        let status = self.json(&["campaign", "status"]);
        !status["next"]["tasks"].as_array().unwrap().is_empty()
    }
}

#[test]
fn a_campaign_that_is_stopped_at_fifty_points_ends_with_the_same_verdict() {
    let undisturbed = campaign(15, 0);
    let worse = undisturbed.iter().filter(|row| row.contains("REGRESSION")).count();
    assert_eq!(worse, 6, "the whole and the five metrics that were made worse: {undisturbed:?}");
    assert_eq!(campaign(15, 50), undisturbed);
}

#[test]
fn a_step_says_what_has_to_be_done_and_checks_that_it_was() {
    let mut lab = Lab::new();
    lab.run_expecting(&["campaign", "next"], 2);
    lab.boot("1.3");
    let wrong = lab.run_expecting(&["campaign", "start", "--root", "root", "--after", "bios=1.3"], 2);
    assert!(wrong.contains("meets the conditions after the update (bios=1.3) already"), "{wrong}");
    lab.run_expecting(&["campaign", "start", "--root", "root", "--after", "colour=blue"], 2);
    lab.boot("1.1");
    lab.start(2);
    let again = lab.run_expecting(&["campaign", "start", "--root", "root", "--after", "bios=1.3"], 2);
    assert!(again.contains("is not finished yet"), "{again}");
    let text = lab.run_expecting(&["campaign", "next"], 3);
    assert!(text.contains("bring the host to bios=1.2; it has 1.1") && text.contains("reboot"), "{text}");
    lab.boot("1.2");
    lab.prepare(0, "1.2", 1);
    assert!(lab.run_expecting(&["campaign", "next"], 0).contains("1 of 4 boots are measured"));
    // The same boot is not measured twice, and the wrong firmware is told.
    let text = lab.run_expecting(&["campaign", "next"], 3);
    assert!(text.contains("bring the host to bios=1.3; it has 1.2"), "{text}");
    lab.boot("1.3");
    // A command that leaves nothing of this boot is a failed attempt, which is kept.
    fs::remove_file(lab.path("incoming.jsonl")).unwrap();
    lab.run_expecting(&["campaign", "next"], 2);
    lab.prepare(1, "1.3", 2);
    lab.run_expecting(&["campaign", "next"], 0);
    let text = lab.run_expecting(&["campaign", "next"], 3);
    assert!(text.contains("reboot") && !text.contains("bring"), "{text}");
    let text = lab.run_expecting(&["campaign", "status"], 0);
    assert!(text.contains("3 attempts, 1 of them failed") && text.contains("boot 2: "), "{text}");
    assert!(lab.run_expecting(&["campaign", "finish"], 2).contains("2 of 4 boots are measured"));
    lab.run_expecting(&["campaign", "finish", "--abandon"], 0);
    assert!(lab.run_expecting(&["campaign", "status"], 0).contains("finished"));
    assert_eq!(lab.json(&["store", "list"]).as_array().unwrap().len(), 2);
}

#[test]
fn every_boot_of_a_side_has_one_configuration() {
    let mut lab = Lab::new();
    lab.boot("1.2");
    lab.start(2);
    let slots = [(0, "1.2"), (1, "1.3"), (2, "1.3")];
    for (number, bios) in slots {
        lab.boot(bios);
        lab.prepare(number, bios, u32::try_from(number).unwrap());
        let kernel = if number == 2 { "6.2.0" } else { "6.1.0" };
        fs::write(lab.path("root/proc/sys/kernel/osrelease"), kernel).unwrap();
        let text = lab.run_expecting(&["campaign", "next"], if number == 2 { 3 } else { 0 });
        assert!(number < 2 || text.contains("bring os.kernel back to 6.1.0"), "{text}");
    }
}

#[test]
fn the_unit_is_there_as_long_as_the_campaign() {
    let lab = {
        let mut lab = Lab::new();
        lab.boot("1.2");
        lab
    };
    let start = ["campaign", "start", "--root", "root", "--after", "bios=1.3", "--install", "--unit-dir", "units"];
    fs::write(lab.path("units"), "no folder").unwrap();
    assert!(lab.run_expecting(&start, 2).contains("the campaign was not started"));
    fs::remove_file(lab.path("units")).unwrap();
    let text = lab.run_expecting(&start, 0);
    let unit = lab.path("units/hostproof-campaign.service");
    assert!(text.contains("hostproof-campaign.service"), "{text}");
    let written = fs::read_to_string(&unit).unwrap();
    let store = lab.path("here");
    assert!(written.contains(&format!("campaign next --out \"{}\"", store.display())), "{written}");
    assert!(lab.path("units/multi-user.target.wants/hostproof-campaign.service").is_symlink());
    lab.run_expecting(&["campaign", "finish", "--abandon"], 0);
    assert!(!unit.exists() && !lab.path("units/multi-user.target.wants/hostproof-campaign.service").is_symlink());
}

#[test]
fn a_campaign_measures_this_host_by_the_suite_itself() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_hostproof");
    let start = output(
        folder.path(),
        ["campaign", "start", "--boots", "2", "--after", "kernel=none-such", "--out", "here", "--", program, "run"]
            .into_iter()
            .chain(["--profile", "smoke", "--only", "stream", "--out", "here"]),
    );
    assert_eq!(start.status.code(), Some(0), "{}", said(&start));
    let next = || output(folder.path(), ["campaign", "next", "--out", "here"]);
    let first = next();
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    assert!(said(&first).contains("1 of 4 boots are measured"), "{}", said(&first));
    let second = next();
    assert_eq!(second.status.code(), Some(3), "{}", said(&second));
    assert!(said(&second).contains("bring the host to kernel=none-such"), "{}", said(&second));
    let names = files(&folder.path().join("here/campaigns"));
    assert_eq!(names.len(), 2, "a journal and a lock: {names:?}");
}

#[test]
fn runs_of_one_boot_are_made_in_turn() {
    let mut lab = Lab::new();
    lab.boot("1.2");
    fs::create_dir_all(lab.path("root/proc/sys/vm")).unwrap();
    let sysctl = |lab: &Lab, value: &str| fs::write(lab.path("root/proc/sys/vm/swappiness"), value).unwrap();
    sysctl(&lab, "60\n");
    let start = |more: &[&str], expect: i32| {
        let program = env!("CARGO_BIN_EXE_hostproof");
        let start = ["campaign", "start", "--within-boot", "--root", "root", "--out", "here"];
        let command = ["--", program, "store", "import", "incoming.jsonl", "--out", "here"];
        let output = output(lab.folder.path(), start.iter().chain(more).chain(&command));
        assert_eq!(output.status.code(), Some(expect), "{}", said(&output));
        said(&output)
    };
    assert!(start(&["--after", "bios=1.3"], 2).contains("bios=1.3 changes with a reboot"));
    assert!(start(&["--after", "sysctl.vm.swappiness=10", "--boots", "6"], 2).contains("at least 8 runs on each side"));
    assert!(start(&["--after", "sysctl.vm.none=10"], 2).contains("could not read the sysctl vm.none"));
    start(&["--before", "sysctl.vm.swappiness=60", "--after", "sysctl.vm.swappiness=10"], 0);
    for turn in 0..16_u64 {
        let value = if [1, 2].contains(&(turn % 4)) { "10\n" } else { "60\n" };
        sysctl(&lab, if value == "10\n" { "60\n" } else { "10\n" });
        let text = lab.run_expecting(&["campaign", "next"], 3);
        assert!(text.contains("bring the host to sysctl.vm.swappiness=") && !text.contains("reboot"), "{text}");
        sysctl(&lab, value);
        lab.prepare(turn, "1.2", u32::try_from(turn).unwrap());
        lab.run_expecting(&["campaign", "next"], 0);
    }
    let answer = lab.json(&["campaign", "finish"]);
    assert_eq!(answer["pairs"], 8, "{answer:#}");
    assert!(answer["overall"].as_str().unwrap().ends_with("-IN-THIS-BOOT"), "{answer:#}");
}

#[test]
fn a_campaign_within_a_boot_ends_with_it() {
    let mut lab = Lab::new();
    lab.boot("1.2");
    fs::create_dir_all(lab.path("root/proc/sys/vm")).unwrap();
    fs::write(lab.path("root/proc/sys/vm/swappiness"), "60\n").unwrap();
    let program = env!("CARGO_BIN_EXE_hostproof");
    let start =
        ["campaign", "start", "--within-boot", "--root", "root", "--after", "sysctl.vm.swappiness=10", "--out", "here"];
    let command = ["--", program, "store", "import", "incoming.jsonl", "--out", "here"];
    let started = output(lab.folder.path(), start.iter().chain(&command));
    assert_eq!(started.status.code(), Some(0), "{}", said(&started));
    lab.prepare(0, "1.2", 0);
    lab.run_expecting(&["campaign", "next"], 0);
    lab.boot("1.2");
    assert!(lab.run_expecting(&["campaign", "next"], 3).contains("the host has booted"));
}

#[test]
fn a_campaign_says_how_many_boots_this_host_needs() {
    let mut lab = Lab::new();
    lab.boot("1.2");
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let mut random = SplitMix64::new(5);
    for number in 0..12 {
        let run = Run { host: name.clone(), ..Host::usual().run(number, &mut random) };
        simulate::write(&record::Store::at(&lab.path("here")).place(&run.host, &run.id), &run);
    }
    let text = lab.run_expecting(&["campaign", "start", "--root", "root", "--after", "bios=1.3"], 0);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let of = |before: &str, after: &str| {
        let rest = text.split(before).nth(1).unwrap_or_else(|| panic!("{text}"));
        rest.split(after).next().unwrap().trim().parse::<u32>().unwrap()
    };
    // Five pairs of boots with 1 % of noise and fifteen metrics or more.
    assert!(of("not worse in", "%") < 70 && of("with --boots", "it would") > 5, "{text}");
    lab.run_expecting(&["campaign", "finish", "--abandon"], 0);
}
