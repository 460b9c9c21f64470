//! Through Slurm: a job for each node, with all workloads in its batch script. What Slurm says of a job's end is only a reason for
//! a missing record.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::drive::{Refused, record_in};
use crate::shell::{command, quoted};
use crate::{Error, FleetJournal, Launcher, Look, NodeSet, OpenTry, Seen};

/// Words of `sbatch` by which it may take the job later, or took it without our hearing of it.
const LATER: [&str; 5] = ["ontact", "imed out", "emporarily", "imit", "onnection"];

/// A launcher that speaks to Slurm by its commands.
#[derive(Debug)]
pub struct SlurmLauncher {
    fleet: String,
    program: String,
    options: Vec<String>,
    sbatch: Vec<String>,
}

/// A job as `squeue` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct JobLine {
    id: String,
    name: String,
    state: String,
    comment: String,
}

/// A node as `sinfo` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeLine {
    /// Slurm's name for it.
    pub name: String,
    /// Its state in Slurm's words, such as `drained*`.
    pub state: String,
    /// The reason that somebody gave; empty where there is none.
    pub reason: String,
}

impl NodeLine {
    /// Why no job can run there now.
    fn trouble(&self) -> Option<String> {
        let state = self.plain_state();
        // A node is unknown for a moment after the controller has started anew, and one that saves power is woken by its job.
        let is_bad =
            !state.contains("power") && ["drain", "down", "fail", "error"].iter().any(|bad| state.contains(bad));
        let reason = if self.reason.is_empty() { String::new() } else { format!(" ({})", self.reason) };
        is_bad.then(|| format!("Slurm has it {}{reason}", self.state))
    }

    /// The state without the marks behind it.
    #[must_use]
    pub fn plain_state(&self) -> String {
        self.state.trim_end_matches(|c: char| !c.is_ascii_alphabetic()).to_lowercase()
    }

    /// Whether it is drained, or will be when its job ends.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.plain_state().contains("drain")
    }
}

impl SlurmLauncher {
    /// A launcher for a fleet.
    #[must_use]
    pub fn new(fleet: &FleetJournal) -> SlurmLauncher {
        let plan = &fleet.plan;
        let mut options = plan.options.clone();
        if let Some(file) = fleet.specification() {
            options.extend(["--spec".to_owned(), file.to_string_lossy().into_owned()]);
        }
        SlurmLauncher { fleet: fleet.id.clone(), program: plan.program.clone(), options, sbatch: plan.launcher.clone() }
    }

    fn name(&self, node: &str) -> String {
        format!("hostproof-{}-{node}", self.fleet)
    }

    /// What `sbatch` is told, without the script.
    fn arguments(&self, one: &OpenTry) -> Vec<String> {
        let output = one.place.join("output").to_string_lossy().into_owned();
        let fixed = ["--parsable", "--no-requeue", "--exclusive", "--mem=0", "-w", &one.node, "-J"];
        let mut words: Vec<String> = fixed.map(str::to_owned).to_vec();
        words.extend([self.name(&one.node), "--comment".to_owned(), comment(one.attempt), "-o".to_owned(), output]);
        words.extend(["-D".to_owned(), one.place.to_string_lossy().into_owned()]);
        words.extend(self.sbatch.iter().cloned());
        words
    }

    /// The batch script of an attempt. The program runs in it and not under `srun`, which might bind it to fewer CPUs.
    fn script(&self, one: &OpenTry) -> String {
        let place = one.place.to_string_lossy();
        let records = format!("{place}/records");
        let accept = [self.program.as_str(), "accept", "--out", &records, "--quiet", "--brief"];
        let accept = command(accept.into_iter().chain(self.options.iter().map(String::as_str)));
        format!(
            "#!/bin/sh\n# hostproof fleet {}, node {}, attempt {}\n: >{} || exit 2\nHOSTPROOF_NODE={} exec {accept}\n",
            self.fleet,
            one.node,
            one.attempt,
            quoted(&format!("{place}/started")),
            quoted(&one.node),
        )
    }

    /// What would be submitted for a node: the command, and its script.
    #[must_use]
    pub fn shown(&self, one: &OpenTry) -> String {
        let words = self.arguments(one);
        let submit = command(["sbatch"].into_iter().chain(words.iter().map(String::as_str)));
        format!("{submit} <<'END'\n{}END\n", self.script(one))
    }
}

/// By this the attempts of a node, whose jobs have one name, are told apart.
fn comment(attempt: u32) -> String {
    format!("attempt={attempt}")
}

impl Launcher for SlurmLauncher {
    fn unavailable(&mut self, nodes: &NodeSet) -> Result<BTreeMap<String, String>, Error> {
        let lines = node_lines(nodes)?;
        let trouble = |name: &String| match lines.get(name) {
            None => Some((name.clone(), "Slurm knows no node of this name".to_owned())),
            Some(line) => line.trouble().map(|why| (name.clone(), why)),
        };
        Ok(nodes.names().iter().filter_map(trouble).collect())
    }

    fn submit(&mut self, tries: &[OpenTry]) -> Vec<Result<String, Refused>> {
        tries.iter().map(|one| submitted(&self.arguments(one), &self.script(one))).collect()
    }

    fn look(&mut self, tries: &[OpenTry]) -> Result<Vec<Look>, Error> {
        // By user and not by job: of one that Slurm forgot, `squeue -j` is an error.
        let user = rustix::process::geteuid().as_raw().to_string();
        let text = output("squeue", &["-h", "-t", "all", "-u", &user, "-o", "%A|%T|%k|%j"])?;
        let jobs = jobs(&text);
        let mut looks = Vec::with_capacity(tries.len());
        for one in tries {
            let found = found(&jobs, one, &self.name(&one.node));
            looks.push(match (found, &one.job) {
                (Some(job), _) => Look { seen: seen(job), job: Some(job.id.clone()) },
                (None, Some(job)) => Look {
                    seen: Seen::Ended(Some(format!("Slurm no longer knows its job {job}"))),
                    job: Some(job.clone()),
                },
                (None, None) if one.place.join("started").exists() => {
                    Look { seen: Seen::Ended(Some("Slurm no longer knows its job".to_owned())), job: None }
                }
                (None, None) => Look { seen: Seen::Never, job: None },
            });
        }
        Ok(looks)
    }

    fn fetch(&mut self, one: &OpenTry) -> Result<Option<PathBuf>, Error> {
        // A folder on the network is read anew where it is listed.
        let _ = fs::read_dir(&one.place);
        Ok(record_in(&one.place))
    }

    fn cancel(&mut self, tries: &[OpenTry]) -> Result<(), Error> {
        let jobs: Vec<&str> = tries.iter().filter_map(|one| one.job.as_deref()).collect();
        // Without a job `scancel` would complain, and with an empty one take others'.
        for some in jobs.chunks(100) {
            output("scancel", some)?;
        }
        Ok(())
    }
}

/// Submits a script; gives the job's id.
fn submitted(arguments: &[String], script: &str) -> Result<String, Refused> {
    let run = || -> std::io::Result<std::process::Output> {
        let mut child = Command::new("sbatch")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(script.as_bytes())?;
        }
        child.wait_with_output()
    };
    let output = run().map_err(|error| Refused::No(format!("`sbatch` could not be started: {error}")))?;
    answered(
        output.status.success(),
        &String::from_utf8_lossy(&output.stdout),
        &String::from_utf8_lossy(&output.stderr),
    )
}

/// What `sbatch` answered.
fn answered(success: bool, stdout: &str, stderr: &str) -> Result<String, Refused> {
    // With several clusters the name of one follows.
    let id = stdout.trim().split(';').next().unwrap_or_default();
    if success && !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(id.to_owned());
    }
    let said =
        format!("sbatch: {}", stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no job id").trim());
    if success || LATER.iter().any(|word| said.contains(word)) {
        Err(Refused::Later(said))
    } else {
        Err(Refused::No(said))
    }
}

/// The jobs in what `squeue -o '%A|%T|%k|%j'` printed; the name comes last, because others' may hold anything.
fn jobs(text: &str) -> Vec<JobLine> {
    let job = |line: &str| {
        let mut parts = line.trim().splitn(4, '|').map(str::to_owned);
        Some(JobLine { id: parts.next()?, state: parts.next()?, comment: parts.next()?, name: parts.next()? })
    };
    text.lines()
        .filter_map(job)
        .filter(|job| !job.id.is_empty() && job.id.bytes().all(|b| b.is_ascii_digit()))
        .collect()
}

/// The job of an attempt: by its id, else by name and comment, the newest.
fn found<'a>(jobs: &'a [JobLine], one: &OpenTry, name: &str) -> Option<&'a JobLine> {
    match &one.job {
        Some(id) => jobs.iter().find(|job| job.id == *id),
        None => jobs
            .iter()
            .filter(|job| job.name == name && job.comment == comment(one.attempt))
            .max_by_key(|job| job.id.parse::<u64>().unwrap_or_default()),
    }
}

fn seen(job: &JobLine) -> Seen {
    match job.state.as_str() {
        "PENDING" | "CONFIGURING" | "REQUEUED" | "REQUEUE_HOLD" | "RESV_DEL_HOLD" | "SPECIAL_EXIT" => Seen::Pending,
        "RUNNING" | "COMPLETING" | "SUSPENDED" | "STOPPED" | "SIGNALING" | "STAGE_OUT" | "RESIZING" => Seen::Running,
        // The program's exit code tells of its verdict; what counts is the record.
        "COMPLETED" | "FAILED" => Seen::Ended(None),
        state => Seen::Ended(Some(format!("its job {} ended as {state}", job.id))),
    }
}

/// What `sinfo` says of nodes, by their names.
pub fn node_lines(nodes: &NodeSet) -> Result<BTreeMap<String, NodeLine>, Error> {
    // %N is the node's name; %n would be that of its host, which virtual nodes share. All nodes are asked for: of one that
    // is not known, `sinfo` says nothing.
    let text = output("sinfo", &["-h", "-N", "-a", "-o", "%N|%T|%E", "-n", &nodes.to_string()])?;
    Ok(parsed_nodes(&text))
}

fn parsed_nodes(text: &str) -> BTreeMap<String, NodeLine> {
    let line = |line: &str| {
        let mut parts = line.trim_end().splitn(3, '|').map(|part| part.trim().to_owned());
        let (name, state, reason) = (parts.next()?, parts.next()?, parts.next()?);
        let reason = if reason == "none" || reason == "(null)" { String::new() } else { reason };
        Some((name.clone(), NodeLine { name, state, reason }))
    };
    text.lines().filter_map(line).collect()
}

/// Drains a node.
pub fn drain_node(node: &str, reason: &str) -> Result<(), Error> {
    update(node, &["state=drain", &format!("reason={reason}")])
}

/// Takes a node back.
pub fn resume_node(node: &str) -> Result<(), Error> {
    update(node, &["state=resume"])
}

fn update(node: &str, what: &[&str]) -> Result<(), Error> {
    let node = format!("nodename={node}");
    output("scontrol", &[&["update", node.as_str()], what].concat()).map(|_| ())
}

/// What a program printed.
fn output(program: &str, arguments: &[&str]) -> Result<String, Error> {
    let fail = |what: String| Error::Command { command: command([&[program], arguments].concat()), what };
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| fail(format!("could not be started: {error}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let mut what = format!("ended with {}", output.status);
    let said = String::from_utf8_lossy(&output.stderr);
    if let Some(line) = said.lines().rfind(|line| !line.trim().is_empty()) {
        let _ = write!(what, ": {}", line.trim());
    }
    Err(fail(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(job: Option<&str>) -> OpenTry {
        OpenTry {
            node: "n01".into(),
            attempt: 2,
            job: job.map(str::to_owned),
            place: "/s/fleets/f 1/nodes/n01/2".into(),
        }
    }

    fn launcher() -> SlurmLauncher {
        SlurmLauncher {
            fleet: "f1".into(),
            program: "/opt/host proof".into(),
            options: vec!["--profile".into(), "full".into()],
            sbatch: vec!["--time=60".into()],
        }
    }

    #[test]
    fn a_job_is_submitted_so() {
        let text = launcher().shown(&one(None));
        let expect = "sbatch --parsable --no-requeue --exclusive --mem=0 -w n01 -J hostproof-f1-n01 --comment attempt=2 -o \
                      '/s/fleets/f 1/nodes/n01/2/output' -D '/s/fleets/f 1/nodes/n01/2' --time=60 <<'END'\n#!/bin/sh\n# hostproof \
                      fleet f1, node n01, attempt 2\n: >'/s/fleets/f 1/nodes/n01/2/started' || exit 2\nHOSTPROOF_NODE=n01 exec \
                      '/opt/host proof' accept --out '/s/fleets/f 1/nodes/n01/2/records' --quiet --brief --profile full\nEND\n";
        assert_eq!(text, expect);
    }

    #[test]
    fn what_sbatch_answers_is_an_id_or_a_reason() {
        let check = |success: bool, stdout: &str, stderr: &str, expect: Result<&str, &str>| match (
            answered(success, stdout, stderr),
            expect,
        ) {
            (Ok(id), Ok(expect)) => assert_eq!(id, expect),
            (Err(Refused::Later(why)), Err(words)) => assert!(format!("later {why}").contains(words), "{why}"),
            (Err(Refused::No(why)), Err(words)) => assert!(format!("no {why}").contains(words), "{why}"),
            other => panic!("{other:?}"),
        };
        check(true, "12\n", "", Ok("12"));
        check(true, "12;cluster\n", "", Ok("12"));
        // `sbatch -Q` prints nothing: an empty id would mean every job to `scontrol show job`.
        check(true, "", "", Err("later sbatch: no job id"));
        check(true, "\n", "", Err("later"));
        check(
            false,
            "",
            "sbatch: error: Batch job submission failed: Invalid account\n",
            Err("no sbatch: sbatch: error"),
        );
        check(false, "", "slurm_load: Unable to contact slurm controller (connect failure)\n", Err("later"));
        check(false, "", "sbatch: error: QOSMaxSubmitJobPerUserLimit\n", Err("later"));
    }

    #[test]
    fn a_job_is_found_by_its_id_or_its_name_and_attempt() {
        let listed = "7|COMPLETED|attempt=1|hostproof-f1-n01\n9|RUNNING|attempt=2|hostproof-f1-n01\n8|PENDING|attempt=2|hostproof-f1-n01\n\
                      10|RUNNING|(null)|a|b c\n\nslurm_load_jobs error\n";
        let jobs = jobs(listed);
        assert_eq!(jobs.len(), 4);
        assert_eq!(jobs[3].name, "a|b c");
        let check = |job: Option<&str>, name: &str, expect: Option<&str>| {
            assert_eq!(found(&jobs, &one(job), name).map(|job| job.id.as_str()), expect);
        };
        check(Some("8"), "hostproof-f1-n01", Some("8"));
        check(Some("99"), "hostproof-f1-n01", None);
        check(None, "hostproof-f1-n01", Some("9"));
        check(None, "hostproof-f2-n01", None);
    }

    #[test]
    fn what_slurm_calls_an_end_is_a_reason_and_no_verdict() {
        let check = |state: &str, expect: Seen| {
            let job = JobLine { id: "5".into(), name: String::new(), state: state.into(), comment: String::new() };
            assert_eq!(seen(&job), expect, "{state}");
        };
        check("PENDING", Seen::Pending);
        check("RUNNING", Seen::Running);
        check("COMPLETING", Seen::Running);
        check("COMPLETED", Seen::Ended(None));
        check("FAILED", Seen::Ended(None));
        for state in
            ["NODE_FAIL", "TIMEOUT", "CANCELLED", "PREEMPTED", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE", "NEWS"]
        {
            check(state, Seen::Ended(Some(format!("its job 5 ended as {state}"))));
        }
    }

    #[test]
    fn nodes_are_read_with_their_whole_reason() {
        let text = "n01|idle|none\nn02|drained*|bad DIMM | see ticket 7\nn03|draining|hostproof f1/20260701T1-ab memory.stream\nn01|idle|none\n\
                    n04|down*|Not responding\nn05|allocated|none\nn06|idle*|none\n\
                    n07|unknown|none\nn08|powered_down|none\nnonsense\n";
        let nodes = parsed_nodes(text);
        assert_eq!(nodes.len(), 8);
        let check = |name: &str, reason: &str, drained: bool, trouble: Option<&str>| {
            let node = &nodes[name];
            assert_eq!((node.reason.as_str(), node.is_drained()), (reason, drained));
            assert_eq!(node.trouble().as_deref(), trouble);
        };
        check("n01", "", false, None);
        check("n02", "bad DIMM | see ticket 7", true, Some("Slurm has it drained* (bad DIMM | see ticket 7)"));
        let ours = "hostproof f1/20260701T1-ab memory.stream";
        check("n03", ours, true, Some(&format!("Slurm has it draining ({ours})")));
        check("n04", "Not responding", false, Some("Slurm has it down* (Not responding)"));
        check("n05", "", false, None);
        // It does not respond for a moment, as after it was taken back.
        check("n06", "", false, None);
        check("n07", "", false, None);
        check("n08", "", false, None);
    }
}
