//! Kills, full disks, closed terminals, damaged indexes and odd clocks at random, over runs, campaigns and the store.
//!
//! It is not part of the tests: `scripts/chaos` runs it for as long as is wanted. The seed that it prints repeats what it did,
//! as far as the moment of a kill can be repeated.

#[path = "support/setting.rs"]
mod setting;
#[allow(dead_code, reason = "other test programs use the rest of it")]
mod simulate;
#[allow(dead_code, reason = "other test programs use the rest of it")]
mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use measure::Ending;
use measure::random::SplitMix64;
use record::{Chain, Fault, Index, Store};
use rustix::process::{Pid, Signal, kill_process_group};
use setting::setting;
use simulate::Host;
use support::{hostproof, output, said};

struct Chaos {
    folder: tempfile::TempDir,
    random: SplitMix64,
    /// Whether the folder lies on a file system of its own, which may be filled.
    may_fill: bool,
    boots: u32,
    imported: u32,
    done: BTreeMap<&'static str, u32>,
}

impl Chaos {
    fn below(&mut self, end: u64) -> u64 {
        self.random.below(end)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn store(&self) -> Store {
        Store::at(&self.path("here"))
    }

    fn count(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }

    /// Starts a command with streams that work, or do not.
    fn start(&mut self, arguments: &[&str]) -> Child {
        let mut command = hostproof(self.folder.path());
        if self.below(4) == 0 {
            self.count("limits on the size of files");
            let program = command.get_program().to_owned();
            command = Command::new("bash");
            let limit = format!("ulimit -f {}; exec \"$0\" \"$@\"", self.below(300));
            command.args(["-c", &limit]).arg(program);
            command.current_dir(self.folder.path()).env("HOSTPROOF_BESIDE", "1");
        }
        command.args(arguments).args(["--out", "here"]).process_group(0);
        for stream in 0..2 {
            let stdio: Stdio = match self.below(4) {
                0 => File::create("/dev/full").unwrap().into(),
                1 => {
                    let (reader, writer) = std::io::pipe().unwrap();
                    drop(reader);
                    writer.into()
                }
                _ => Stdio::null(),
            };
            if stream == 0 {
                command.stdout(stdio)
            } else {
                command.stderr(stdio)
            };
        }
        command.spawn().unwrap()
    }

    /// Lets a command run, or stops it at a random moment in some way.
    fn run(&mut self, what: &'static str, arguments: &[&str], longest: u64) {
        let hog = self.fill();
        let mut child = self.start(arguments);
        let group = Pid::from_child(&child);
        self.count(what);
        let (signals, name): (&[Signal], _) = match self.below(6) {
            0 => (&[Signal::KILL], "kills"),
            1 => (&[Signal::TERM], "polite kills"),
            2 => (&[Signal::HUP, Signal::HUP, Signal::TERM], "closed terminals"),
            3 => (&[Signal::INT], "Ctrl-C"),
            _ => (&[], ""),
        };
        if !signals.is_empty() {
            sleep(Duration::from_millis(self.below(longest)));
            self.count(name);
            for signal in signals {
                let _ = kill_process_group(group, *signal);
            }
        }
        check_end(what, child.wait().unwrap());
        // A worker or a command of a campaign may live on for a moment.
        let _ = kill_process_group(group, Signal::KILL);
        if let Some(hog) = hog {
            fs::remove_file(hog).unwrap();
        }
    }

    /// Fills the disk up to a little, and gives what has to be removed.
    fn fill(&mut self) -> Option<PathBuf> {
        if !self.may_fill || self.below(4) != 0 {
            return None;
        }
        self.count("full disks");
        let left = self.below(120) << 10;
        let free = rustix::fs::statvfs(self.folder.path()).map(|about| about.f_bavail * about.f_frsize).unwrap();
        let hog = self.path("hog");
        let _ = fs::write(&hog, vec![0; usize::try_from(free.saturating_sub(left)).unwrap()]);
        Some(hog)
    }

    fn damage_the_index(&mut self) {
        self.count("damaged indexes");
        let file = self.path("here/.index.sqlite");
        let Ok(mut bytes) = fs::read(&file) else { return };
        let at = usize::try_from(self.below(bytes.len().max(1) as u64)).unwrap();
        match self.below(4) {
            0 => bytes.truncate(at),
            1 => fs::write(self.path("here/.index.sqlite.new"), b"left by a kill").unwrap(),
            2 => bytes = b"rubbish".to_vec(),
            _ => bytes.iter_mut().skip(at).take(9).for_each(|byte| *byte ^= 0x55),
        }
        fs::write(&file, bytes).unwrap();
    }

    /// A run from a clock that was wrong, or a record whose file has another time.
    fn turn_the_clock(&mut self) {
        self.count("odd clocks");
        let records = self.store().list().unwrap();
        if let Some(entry) = records.get(usize::try_from(self.below(records.len().max(1) as u64)).unwrap()) {
            let time = std::time::UNIX_EPOCH + Duration::from_secs(self.below(4_000_000_000));
            File::options().append(true).open(&entry.path).unwrap().set_modified(time).unwrap();
        }
        let started = ["1970-01-01T00:00:01Z", "2099-12-31T23:59:59Z"][usize::from(self.below(2) == 0)];
        let id = format!("{}-{:04x}", started.replace(['-', ':'], ""), self.imported);
        self.import(|run| (run.started, run.id) = (started.to_owned(), id.clone()));
    }

    fn import(&mut self, change: impl Fn(&mut measure::Run)) {
        self.imported += 1;
        let mut run = Host::usual().run(self.imported, &mut SplitMix64::new(u64::from(self.imported)));
        change(&mut run);
        let file = self.path("incoming.jsonl");
        let _ = fs::remove_file(&file);
        simulate::write(&file, &run);
        self.run("imports", &["store", "import", "incoming.jsonl"], 30);
    }

    /// A step of a campaign, in which a host that is a folder boots first.
    fn campaign(&mut self) {
        self.boots += 1;
        let bios = ["1.2", "1.3"][usize::from(self.below(2) == 0)];
        for (file, text) in [
            ("root/proc/sys/kernel/random/boot_id", format!("boot-{:05}\n", self.boots)),
            ("root/sys/class/dmi/id/bios_version", format!("{bios}\n")),
        ] {
            fs::create_dir_all(self.path(file).parent().unwrap()).unwrap();
            fs::write(self.path(file), text).unwrap();
        }
        let host = Host::usual().with("bios.version", bios);
        let mut run = host.run(10_000 + self.boots, &mut SplitMix64::new(u64::from(self.boots)));
        run.boot_id = Some(format!("boot-{:05}", self.boots));
        let file = self.path("campaign.jsonl");
        let _ = fs::remove_file(&file);
        simulate::write(&file, &run);
        let program = env!("CARGO_BIN_EXE_hostproof");
        let script = format!("'{program}' store import campaign.jsonl --out here");
        match self.below(8) {
            0 => {
                let start = [
                    "campaign", "start", "--boots", "3", "--before", "bios=1.2", "--after", "bios=1.3", "--root",
                    "root",
                ];
                let mut command = hostproof(self.folder.path());
                command.args(start).args(["--out", "here", "--", "sh", "-c", &script]);
                self.count("campaigns");
                check_end("campaign start", command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap());
            }
            1 => self.run("campaign finish", &["campaign", "finish", "--abandon"], 50),
            2 => self.run("campaign status", &["campaign", "status"], 50),
            _ => self.run("campaign steps", &["campaign", "next"], 100),
        }
    }

    fn step(&mut self) {
        match self.below(12) {
            0..4 => self.run("runs", &["run", "--profile", "smoke", "--only", "stream"], 2500),
            4 => self.run("lists", &["store", "list"], 50),
            5 => {
                let beside = self.start(&["store", "list"]);
                self.run("reindexes beside a list", &["store", "reindex"], 50);
                check_end("list", { beside }.wait().unwrap());
            }
            6 => self.damage_the_index(),
            7 => self.turn_the_clock(),
            8 => self.run("tags", &["store", "tag", "latest", "good"], 50),
            _ => self.campaign(),
        }
        for entry in self.store().list().unwrap() {
            record::read(&entry.path).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

/// It answered, or was stopped by what we sent; it did not panic or crash.
fn check_end(what: &str, status: ExitStatus) {
    match (status.code(), status.signal()) {
        (Some(0..=4 | 130), _) | (None, Some(1 | 2 | 9 | 15)) => {}
        _ => panic!("{what} ended with {status}"),
    }
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

#[test]
#[ignore = "it takes as long as is wanted; scripts/chaos runs it"]
fn no_record_is_lost() {
    let seed = setting("HOSTPROOF_CHAOS_SEED", 1);
    let end = Instant::now() + Duration::from_secs(60 * setting("HOSTPROOF_CHAOS_MINUTES", 1));
    let may_fill = setting("HOSTPROOF_CHAOS_MAY_FILL", 0) == 1;
    let (folder, random) = (tempfile::tempdir().unwrap(), SplitMix64::new(seed));
    let mut chaos = Chaos { folder, random, may_fill, boots: 0, imported: 0, done: BTreeMap::new() };
    let mut steps = 0;
    while Instant::now() < end {
        chaos.step();
        steps += 1;
    }

    let store = chaos.store();
    let listed = output(chaos.folder.path(), ["store", "list", "--out", "here"]);
    assert_eq!(listed.status.code(), Some(0), "{}", said(&listed));
    let entries = store.list().unwrap();
    let index = Index::open(&store).unwrap();
    assert!(index.trouble().is_none() && index.unreadable().unwrap().is_empty());
    assert_eq!(index.runs().unwrap().len(), entries.len());
    let verified = Chain::at(store.root()).verify(&entries).unwrap();
    assert_eq!(verified.faults, Vec::<Fault>::new());
    let runs: Vec<_> = entries.iter().map(|entry| record::read(&entry.path).unwrap()).collect();
    let ended = |ending: Ending| runs.iter().filter(|run| run.ending == ending).count();
    let (complete, interrupted, cut) = (ended(Ending::Complete), ended(Ending::Interrupted), ended(Ending::Cut));
    assert_eq!((verified.sound, verified.open.len()), (complete + interrupted, cut));
    let hosts = fs::read_dir(store.root().join("hosts")).unwrap().map(|host| host.unwrap().path());
    let folders: Vec<PathBuf> =
        hosts.flat_map(|host| fs::read_dir(host).unwrap()).map(|run| run.unwrap().path()).collect();
    let empty = folders.iter().filter(|folder| is_empty(folder)).count();
    eprintln!(
        "seed {seed}: {steps} steps, {:?}; {} records begun: {complete} complete, {interrupted} interrupted, all sealed, {cut} cut; \
         {} readable, {empty} empty folders",
        chaos.done,
        entries.len(),
        runs.len(),
    );
}
