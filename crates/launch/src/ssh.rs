//! Through the system's `ssh`, with its user's own configuration, keys and jump hosts.
//!
//! What runs on a node is started detached, in a folder that is made by one call, so that a lost connection neither ends it nor
//! starts it twice. Programs and specifications lie on the node by their SHA-256: one that is there is not copied again, and one
//! that runs is never replaced.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use sha2::{Digest as _, Sha256};

use crate::drive::Refused;
use crate::shell::{command, quoted};
use crate::{Error, FleetJournal, Launcher, Look, NodeSet, OpenTry, Seen};

/// Where everything lies on a node, below the user's home.
const FOLDER: &str = ".cache/hostproof";
/// The exit code by which `ssh` says that it is its own.
const OF_SSH: i32 = 255;

/// A launcher that speaks to each node by `ssh`.
#[derive(Debug)]
pub struct SshLauncher {
    fleet: String,
    /// Options of `ssh`.
    options: Vec<String>,
    program: Copied,
    specification: Option<Copied>,
    accept: Vec<String>,
    connections: usize,
}

/// A file that is brought to the nodes.
#[derive(Debug)]
struct Copied {
    bytes: Vec<u8>,
    /// Where it lies there, below the home.
    place: String,
    sha256: String,
}

impl Copied {
    fn of(file: &Path, name: &str) -> Result<Copied, Error> {
        let bytes = fs::read(file).map_err(Error::io("read", file))?;
        let sha256 = hex::encode(Sha256::digest(&bytes));
        Ok(Copied { place: format!("{FOLDER}/files/{sha256}/{name}"), bytes, sha256 })
    }

    /// Says whether it is there.
    fn ask(&self) -> String {
        let place = quoted(&self.place);
        format!(
            "cd || exit 3\n[ \"$(sha256sum 2>/dev/null <{place} | cut -c1-64)\" = {} ] && echo there || echo missing",
            self.sha256
        )
    }

    /// Takes it from the standard input. It gets its name when it is whole.
    fn take(&self) -> String {
        let place = quoted(&self.place);
        let folder = quoted(self.place.rsplit_once('/').map_or("", |(folder, _)| folder));
        format!(
            "cd || exit 3; umask 077; mkdir -p {folder} && cat >{place}.$$ && chmod 700 {place}.$$ && mv {place}.$$ {place}"
        )
    }
}

/// What came of a remote command.
enum Answer {
    Said(Vec<u8>),
    /// The connection, not the command: nothing is known of the command.
    Lost(String),
    Failed(String),
}

impl SshLauncher {
    /// A launcher for a fleet, with so many connections at once.
    pub fn new(fleet: &FleetJournal, connections: usize) -> Result<SshLauncher, Error> {
        let specification = fleet.specification().map(|file| Copied::of(&file, "specification.toml")).transpose()?;
        Ok(SshLauncher {
            fleet: fleet.id.clone(),
            options: fleet.plan.launcher.clone(),
            program: Copied::of(Path::new(&fleet.plan.program), "hostproof")?,
            specification,
            accept: fleet.plan.options.clone(),
            connections: connections.max(1),
        })
    }

    /// The folder of an attempt on its node.
    fn folder(&self, one: &OpenTry) -> String {
        format!("{FOLDER}/fleets/{}/{}/{}", self.fleet, one.node, one.attempt)
    }

    /// What starts an attempt, once: whoever makes the folder starts it.
    fn start(&self, one: &OpenTry) -> String {
        let folder = quoted(&self.folder(one));
        let home = |file: &Copied| format!("\"$HOME\"/{}", quoted(&file.place));
        let mut accept = format!("{} accept --out records --quiet --brief", home(&self.program));
        for option in &self.accept {
            accept += &format!(" {}", quoted(option));
        }
        if let Some(file) = &self.specification {
            accept += &format!(" --spec {}", home(file));
        }
        let inside = format!("echo $$ >pid; {accept} >output 2>&1; echo $? >exit.new; mv exit.new exit");
        format!(
            "cd || exit 3\numask 077\nd={folder}\nmkdir -p \"${{d%/*}}\" || exit 3\nmkdir \"$d\" 2>/dev/null || {{ [ -d \"$d\" ] && echo began && exit 0; \
             exit 3; }}\ncd \"$d\" || exit 3\ncat /proc/sys/kernel/random/boot_id >boot\nHOSTPROOF_NODE={} nohup setsid sh -c {} \
             </dev/null >/dev/null 2>&1 &\necho began\n",
            quoted(&one.node),
            quoted(&inside),
        )
    }

    /// What says how an attempt is: none, starting, running, ended, gone.
    fn state(&self, one: &OpenTry) -> String {
        format!(
            "cd || exit 3\nd={}\nif [ ! -d \"$d\" ]; then echo none; exit 0; fi\ncd \"$d\" || exit 3\nif [ -e exit ]; then echo ended\n\
             elif [ ! -s pid ]; then [ -n \"$(find . -maxdepth 0 -mmin +1)\" ] && echo gone || echo running\n\
             elif [ \"$(cat boot)\" = \"$(cat /proc/sys/kernel/random/boot_id)\" ] && grep -qa hostproof \"/proc/$(cat pid)/cmdline\" \
             2>/dev/null; then echo running\nelif [ -e exit ]; then echo ended\nelse echo gone; fi\n",
            quoted(&self.folder(one))
        )
    }

    /// What brings the newest record, behind its SHA-256.
    fn record(&self, one: &OpenTry) -> String {
        format!(
            "cd || exit 3\ncd {} || exit 3\nnewest=\nfor f in records/hosts/*/*/run.jsonl; do [ -e \"$f\" ] && newest=$f; done\n\
             [ -n \"$newest\" ] || {{ echo none; exit 0; }}\nsha256sum <\"$newest\" | cut -c1-64\ncat \"$newest\"\n",
            quoted(&self.folder(one))
        )
    }

    /// What ends an attempt.
    fn end(&self, one: &OpenTry) -> String {
        format!(
            "cd || exit 3\ncd {} 2>/dev/null || exit 0\n[ -s pid ] || exit 0\n[ \"$(cat boot)\" = \"$(cat /proc/sys/kernel/random/boot_id)\" ] || exit 0\n\
             p=$(cat pid)\ngrep -qa hostproof \"/proc/$p/cmdline\" 2>/dev/null && kill -TERM -- \"-$p\"\nexit 0\n",
            quoted(&self.folder(one))
        )
    }

    /// What is run on the node of an attempt, for people.
    #[must_use]
    pub fn shown(&self, one: &OpenTry) -> String {
        let mut words = self.words(&one.node);
        words.push("sh -s".to_owned());
        let ssh = command(["ssh"].into_iter().chain(words.iter().map(String::as_str)));
        format!("{ssh} <<'END'\n{}END\n", self.start(one))
    }

    fn words(&self, node: &str) -> Vec<String> {
        let fixed = ["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20"].map(str::to_owned);
        self.options.iter().cloned().chain(fixed).chain(["--".to_owned(), node.to_owned()]).collect()
    }

    /// Runs a command on a node, with this on its standard input.
    fn run(&self, node: &str, remote: &str, input: &[u8]) -> Answer {
        let run = || -> std::io::Result<std::process::Output> {
            let mut child = Command::new("ssh")
                .args(self.words(node))
                .arg(remote)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                // A command that ended has no use for the rest; its exit code says why.
                let _ = stdin.write_all(input);
            }
            child.wait_with_output()
        };
        match run() {
            Err(error) => Answer::Failed(format!("`ssh` could not be started: {error}")),
            Ok(output) if output.status.success() => Answer::Said(output.stdout),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim();
                match output.status.code() {
                    Some(OF_SSH) | None => Answer::Lost(format!("ssh: {last}")),
                    Some(code) => Answer::Failed(format!("it ended with {code} on the node: {last}")),
                }
            }
        }
    }

    fn script(&self, node: &str, script: &str) -> Answer {
        self.run(node, "sh -s", script.as_bytes())
    }

    /// Brings a file to a node that has it not.
    fn bring(&self, node: &str, file: &Copied) -> Result<(), String> {
        match self.script(node, &file.ask()) {
            Answer::Said(said) if said.starts_with(b"there") => return Ok(()),
            Answer::Said(_) => {}
            Answer::Lost(why) | Answer::Failed(why) => return Err(why),
        }
        match self.run(node, &format!("sh -c {}", quoted(&file.take())), &file.bytes) {
            Answer::Said(_) => {}
            Answer::Lost(why) | Answer::Failed(why) => return Err(why),
        }
        match self.script(node, &file.ask()) {
            Answer::Said(said) if said.starts_with(b"there") => Ok(()),
            Answer::Said(_) => Err(format!("{} did not arrive as it was sent", file.place)),
            Answer::Lost(why) | Answer::Failed(why) => Err(why),
        }
    }

    fn submit_one(&self, one: &OpenTry) -> Result<String, Refused> {
        for file in std::iter::once(&self.program).chain(&self.specification) {
            // Nothing was begun yet.
            self.bring(&one.node, file).map_err(|why| Refused::No(format!("it could not be reached: {why}")))?;
        }
        match self.script(&one.node, &self.start(one)) {
            Answer::Said(_) => Ok(self.folder(one)),
            Answer::Lost(why) => Err(Refused::Later(why)),
            Answer::Failed(why) => Err(Refused::No(why)),
        }
    }

    fn look_one(&self, one: &OpenTry) -> Look {
        let seen = match self.script(&one.node, &self.state(one)) {
            Answer::Lost(why) | Answer::Failed(why) => Seen::Unreachable(why),
            Answer::Said(said) => match String::from_utf8_lossy(&said).trim() {
                "none" => Seen::Never,
                "running" => Seen::Running,
                "ended" => Seen::Ended(None),
                "gone" => Seen::Ended(Some("its process is gone: the node was booted, or it was killed".to_owned())),
                other => Seen::Unreachable(format!("it answered `{}`", other.chars().take(80).collect::<String>())),
            },
        };
        let job = matches!(seen, Seen::Running | Seen::Ended(_)).then(|| self.folder(one));
        Look { seen, job }
    }

    /// The same for many, with as many connections at once as are allowed; answers in their order.
    fn each<T: Send>(&self, tries: &[OpenTry], run: impl Fn(&OpenTry) -> T + Sync) -> Vec<T> {
        let next = AtomicUsize::new(0);
        let answers: Vec<Mutex<Option<T>>> = tries.iter().map(|_| Mutex::new(None)).collect();
        thread::scope(|scope| {
            for _ in 0..self.connections.min(tries.len()) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(one) = tries.get(index) else { break };
                        let answer = run(one);
                        if let Ok(mut place) = answers[index].lock() {
                            *place = Some(answer);
                        }
                    }
                });
            }
        });
        answers.into_iter().filter_map(|answer| answer.into_inner().ok().flatten()).collect()
    }
}

impl Launcher for SshLauncher {
    /// A node that cannot be reached says so when it is asked.
    fn unavailable(&mut self, _: &NodeSet) -> Result<BTreeMap<String, String>, Error> {
        Ok(BTreeMap::new())
    }

    fn submit(&mut self, tries: &[OpenTry]) -> Vec<Result<String, Refused>> {
        self.each(tries, |one| self.submit_one(one))
    }

    fn look(&mut self, tries: &[OpenTry]) -> Result<Vec<Look>, Error> {
        Ok(self.each(tries, |one| self.look_one(one)))
    }

    fn fetch(&mut self, one: &OpenTry) -> Result<Option<PathBuf>, Error> {
        let fail = |what: String| Error::Command { command: format!("ssh {}", one.node), what };
        let said = match self.script(&one.node, &self.record(one)) {
            Answer::Said(said) => said,
            Answer::Lost(why) | Answer::Failed(why) => return Err(fail(why)),
        };
        let Some(record) = verified(&said).map_err(fail)? else { return Ok(None) };
        let file = one.place.join("run.jsonl");
        fs::create_dir_all(&one.place).map_err(Error::io("create", &one.place))?;
        fs::write(&file, record).map_err(Error::io("write", &file))?;
        Ok(Some(file))
    }

    fn cancel(&mut self, tries: &[OpenTry]) -> Result<(), Error> {
        // A node that cannot be reached goes on; what it measures is not asked for any more.
        let _ = self.each(tries, |one| matches!(self.script(&one.node, &self.end(one)), Answer::Said(_)));
        Ok(())
    }
}

/// The record behind its SHA-256, which it must have; `None` where the node has none.
fn verified(said: &[u8]) -> Result<Option<&[u8]>, String> {
    let end = said.iter().position(|byte| *byte == b'\n').unwrap_or(said.len());
    let (first, rest) = said.split_at(end);
    if first == b"none" {
        return Ok(None);
    }
    let record = rest.get(1..).unwrap_or_default();
    if hex::encode(Sha256::digest(record)).as_bytes() != first {
        return Err("the record did not come as it lies on the node: it is asked for again".to_owned());
    }
    Ok(Some(record))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_what_its_hash_says() {
        let check = |said: &[u8], expect: Result<Option<&[u8]>, &str>| match (verified(said), expect) {
            (Ok(found), Ok(expect)) => assert_eq!(found, expect),
            (Err(error), Err(words)) => assert!(error.contains(words), "{error}"),
            other => panic!("{other:?}"),
        };
        let hash = hex::encode(Sha256::digest(b"a\nb\n"));
        check(format!("{hash}\na\nb\n").as_bytes(), Ok(Some(b"a\nb\n")));
        check(b"none\n", Ok(None));
        check(format!("{hash}\na\nb").as_bytes(), Err("did not come"));
        check(format!("{hash}\n").as_bytes(), Err("did not come"));
        check(b"", Err("did not come"));
        check(b"Welcome to the node\n", Err("did not come"));
    }

    /// Scripts as they run on a node, here in a shell with a home of its own.
    fn node(home: &Path, script: &str) -> String {
        let mut shell = Command::new("sh")
            .arg("-s")
            .env("HOME", home)
            .current_dir(home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let output = shell.wait_with_output().unwrap();
        assert!(output.status.success(), "{script}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    #[test]
    fn an_attempt_is_started_once_and_leaves_its_record() {
        let dir = tempfile::tempdir().unwrap();
        let (home, program) = (dir.path().join("home of it's own"), dir.path().join("program"));
        fs::create_dir(&home).unwrap();
        let text = "#!/bin/sh\nmkdir -p records/hosts/h/1\nprintf '%s|' \"$HOSTPROOF_NODE\" \"$@\" >>records/hosts/h/1/run.jsonl\n\
                    while [ ! -e \"$HOME/go\" ]; do sleep 0.02; done\n";
        fs::write(&program, text).unwrap();
        let copied = Copied::of(&program, "hostproof").unwrap();
        let there = home.join(&copied.place);
        let ssh = SshLauncher {
            fleet: "f1".into(),
            options: Vec::new(),
            program: copied,
            specification: None,
            accept: vec!["--tag".into(), "it's $HOME".into()],
            connections: 1,
        };
        let one = OpenTry { node: "n1".into(), attempt: 1, job: None, place: dir.path().join("place") };
        assert_eq!(node(&home, &ssh.program.ask()), "missing");
        fs::create_dir_all(there.parent().unwrap()).unwrap();
        fs::copy(&program, &there).unwrap();
        fs::set_permissions(&there, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        assert_eq!(node(&home, &ssh.program.ask()), "there");
        assert_eq!(node(&home, &ssh.state(&one)), "none");
        assert_eq!(node(&home, &ssh.start(&one)), "began");
        assert_eq!(node(&home, &ssh.state(&one)), "running");
        assert_eq!(node(&home, &ssh.start(&one)), "began");
        fs::write(home.join("go"), "").unwrap();
        while node(&home, &ssh.state(&one)) == "running" {}
        assert_eq!(node(&home, &ssh.state(&one)), "ended");
        let said = node(&home, &ssh.record(&one));
        let record = String::from_utf8(verified(said.as_bytes()).unwrap().unwrap().to_vec()).unwrap();
        assert_eq!(record, "n1|accept|--out|records|--quiet|--brief|--tag|it's $HOME|");
        assert_eq!(node(&home, &ssh.end(&one)), "");
    }
}
