//! `hostproof fleet start`, `stop` and `print`.

use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use jiff::Timestamp;
use launch::kubernetes::{self, Pod};
use launch::{
    FleetEnd, FleetEvent, FleetJournal, FleetPlan, Limits, NodeSet, NodeState, OpenTry, SlurmLauncher, SshLauncher, Via,
};
use record::Store;
use verdict::Acceptance;

use super::answers::answers;
use super::status::{Shown, Watch};
use super::{CONNECTIONS, launcher, open, store};
use crate::args::{Arguments, Command, FleetPrintArgs, FleetStartArgs, PrintFor, Records, ViaName};
use crate::commands::{look, print};
use crate::exit::Exit;
use crate::interrupt;
use crate::locations::{self, Specification};
use crate::output::say;

pub(super) fn start(args: &FleetStartArgs) -> Result<Exit> {
    let store = store(&args.records)?;
    let mut fleet = match &args.nodes {
        Some(nodes) => {
            let plan = plan(args, nodes)?;
            let name = args.name.clone().map_or_else(name_of_now, Ok)?;
            if args.dry_run {
                return dry_run(&store, &name, plan);
            }
            FleetJournal::begin(&store, &name, plan)?
        }
        None => FleetJournal::open(&store, args.name.as_deref().unwrap_or_default())?,
    };
    let id = fleet.id.clone();
    let lock = fleet.lock()?;
    ensure!(
        lock.is_some(),
        "another process launches the fleet {id}: `hostproof fleet status {id}` shows how far it is"
    );
    fleet.refresh()?;
    if let Some(nodes) = &args.again {
        let foreign = nodes.without(&fleet.node_set());
        ensure!(foreign.is_empty(), "{foreign} is not in the fleet {id}");
        fleet.note(FleetEvent::Again { nodes: nodes.names().to_vec() })?;
    }
    if fleet.is_stopped() {
        fleet.note(FleetEvent::Continued {})?;
    }
    say(&format!(
        "fleet {id}: {} nodes; if this is ended, `hostproof fleet start --name {id}` goes on",
        fleet.plan.nodes.len()
    ));
    let limits = Limits {
        pending: args.max_pending,
        open: args.max_running.unwrap_or(if fleet.plan.via == Via::Ssh { CONNECTIONS } else { usize::MAX }),
        pause: Duration::from_secs(args.poll),
    };
    let mut launcher = launcher(&fleet, limits.open)?;
    let interrupted = interrupt::flag()?;
    let mut watch = Watch::begin();
    let outcome = launch::drive(&mut fleet, &mut *launcher, &store, limits, &interrupted, &mut |fleet, seen| {
        watch.show(fleet, seen);
    });
    watch.end();
    ended(&store, &fleet, outcome?)
}

/// What is said and answered when driving ended.
fn ended(store: &Store, fleet: &FleetJournal, outcome: FleetEnd) -> Result<Exit> {
    let id = &fleet.id;
    match outcome {
        FleetEnd::Done => {}
        FleetEnd::Stopped => {
            say(&format!("the fleet {id} was stopped"));
            return Ok(Exit::Interrupted);
        }
        FleetEnd::Interrupted => {
            say(&format!(
                "this launcher was ended, and what it began goes on: `hostproof fleet start --name {id}` takes what came, \
                 `hostproof fleet stop {id}` cancels it"
            ));
            return Ok(Exit::Interrupted);
        }
        FleetEnd::Unreachable(nodes) => say(&format!(
            "{} could not be reached, and what was begun there goes on: `hostproof fleet start --name {id}` asks again",
            NodeSet::of(nodes)
        )),
    }
    let answers = answers(store, fleet)?;
    print(&Shown::of(fleet, &answers, &std::collections::BTreeMap::new()).text(look()))?;
    let came = |wanted: Acceptance| answers.values().flatten().filter(|answer| answer.acceptance == wanted).count();
    Ok(if came(Acceptance::Rejected) > 0 {
        Exit::Rejected
    } else if came(Acceptance::Accepted) == fleet.plan.nodes.len() {
        Exit::Done
    } else {
        Exit::Inconclusive
    })
}

fn name_of_now() -> Result<String> {
    Ok(Timestamp::now().round(jiff::Unit::Second)?.strftime("f%Y%m%dT%H%M%SZ").to_string())
}

/// What was typed as what the fleet is to do.
fn plan(args: &FleetStartArgs, nodes: &NodeSet) -> Result<FleetPlan> {
    let via = match args.via {
        Some(ViaName::Ssh) => Via::Ssh,
        Some(ViaName::Slurm) | None => Via::Slurm,
    };
    let slurm = args.slurm.options();
    ensure!(
        via == Via::Slurm || (slurm.is_empty() && args.state.is_none()),
        "--time, --partition, --reservation and --state are of Slurm"
    );
    ensure!(via == Via::Ssh || args.ssh_config.is_none(), "--ssh-config is of ssh");
    let mut nodes = args.exclude.as_ref().map_or_else(|| nodes.clone(), |out| nodes.without(out));
    if let Some(state) = &args.state {
        let lines = launch::node_lines(&nodes)?;
        let fits = |name: &&String| lines.get(*name).is_some_and(|line| line.plain_state() == state.to_lowercase());
        nodes = NodeSet::of(nodes.names().iter().filter(fits).cloned());
        ensure!(!nodes.is_empty(), "no node of the set is {state} in Slurm");
    }
    let mut seed = None;
    if let Some(count) = args.sample {
        let drawn = args.seed.map_or_else(seed_of_now, Ok)?;
        say(&format!("{} of {} nodes, drawn with --seed {drawn}", count.min(nodes.len()), nodes.len()));
        nodes = launch::sample(&nodes, count, drawn);
        seed = Some(drawn);
    }
    ensure!(!nodes.is_empty(), "no node is left: the set is empty");
    let (options, specification) = options(&args.options)?;
    let program = match &args.program {
        Some(program) => std::path::absolute(program)?,
        None => locations::own_file()?,
    };
    let config = args.ssh_config.as_deref().map(std::path::absolute).transpose()?;
    let config = config.map(|file| text(&file)).transpose()?;
    let launcher = config.map_or(slurm, |file| vec!["-F".to_owned(), file]);
    Ok(FleetPlan {
        nodes: nodes.names().to_vec(),
        via,
        program: text(&program)?,
        options,
        specification,
        launcher,
        seed,
        at: Timestamp::now().round(jiff::Unit::Second)?.to_string(),
    })
}

fn seed_of_now() -> Result<u64> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("this host's clock is wrong")?.as_secs())
}

fn text(path: &Path) -> Result<String> {
    let text = path.to_str().with_context(|| format!("the path {} is not UTF-8", path.display()))?;
    Ok(text.to_owned())
}

/// The options of `accept` without a specification that is a file, and that file's text: every node is judged by the same,
/// also where the file is edited meanwhile.
fn options(typed: &[String]) -> Result<(Vec<String>, Option<String>)> {
    let ours = ["hostproof", "accept", "--out", "records", "--brief"].map(str::to_owned);
    let parsed = Arguments::try_parse_from(ours.iter().chain(typed)).map_err(|wrong| {
        anyhow::anyhow!("the options behind `--` are none that `accept` takes here: {}", wrong.render())
    })?;
    let Command::Accept(accept) = parsed.command else { bail!("the options behind `--` are none of `accept`") };
    ensure!(!accept.run.dry_run && accept.run.with.is_none(), "--dry-run and --with are of one host: leave them out");
    let specification = Specification::load(&accept.run.spec)?;
    if spec::source(&accept.run.spec).is_some() {
        return Ok((typed.to_vec(), None));
    }
    let mut kept = Vec::new();
    let mut words = typed.iter();
    while let Some(word) = words.next() {
        if word == "--spec" {
            words.next();
        } else if !word.starts_with("--spec=") {
            kept.push(word.clone());
        }
    }
    Ok((kept, Some(specification.source.text)))
}

/// A fleet as it would be begun; nothing of it is left behind.
fn dry_run(store: &Store, name: &str, plan: FleetPlan) -> Result<Exit> {
    let nothing = tempfile::tempdir().context("could not make a temporary folder")?;
    let fleet = FleetJournal::begin(&Store::at(nothing.path()), name, plan)?;
    let place =
        |path: &Path| -> Result<std::path::PathBuf> { Ok(store.root().join(path.strip_prefix(nothing.path())?)) };
    let mut printed = String::new();
    let (slurm, ssh) = match fleet.plan.via {
        Via::Slurm => (Some(SlurmLauncher::new(&fleet)), None),
        Via::Ssh => (None, Some(SshLauncher::new(&fleet, 1)?)),
    };
    for node in &fleet.plan.nodes {
        let one = OpenTry { node: node.clone(), attempt: 1, job: None, place: place(&fleet.place(node, 1))? };
        printed += &slurm.as_ref().map(|slurm| slurm.shown(&one)).unwrap_or_default();
        printed += &ssh.as_ref().map(|ssh| ssh.shown(&one)).unwrap_or_default();
    }
    let (here, there) = (nothing.path().to_string_lossy().into_owned(), store.root().to_string_lossy().into_owned());
    print(&printed.replace(&here, &there))?;
    say(&format!("nothing was submitted: {} nodes, {}", fleet.plan.nodes.len(), fleet.node_set()));
    Ok(Exit::Done)
}

pub(super) fn stop(fleet: &str, records: &Records) -> Result<Exit> {
    let (store, mut fleet) = open(records, fleet)?;
    fleet.note(FleetEvent::Stopped {})?;
    let mut launcher = launcher(&fleet, CONNECTIONS)?;
    let (came, cancelled) = launch::settle_stopped(&mut fleet, &mut *launcher, &store)?;
    let waiting = fleet.nodes().iter().filter(|(_, state, _)| *state == NodeState::Waiting).count();
    print(&format!(
        "the fleet {} is stopped: {cancelled} attempts were cancelled, {came} records were taken in, {waiting} nodes were not asked",
        fleet.id
    ))?;
    Ok(Exit::Done)
}

pub(super) fn print_for(args: &FleetPrintArgs) -> Result<Exit> {
    let plan = FleetPlan {
        nodes: args.nodes.names().to_vec(),
        via: Via::Slurm,
        program: args.program.clone(),
        options: args.options.clone(),
        specification: None,
        launcher: args.slurm.options(),
        seed: None,
        at: String::new(),
    };
    match args.via {
        PrintFor::Slurm => dry_run(&store(&args.records)?, &args.name, plan),
        PrintFor::K8s => {
            let given = |value: &Option<String>| value.clone().unwrap_or_default();
            let pod = Pod {
                image: args.image.clone(),
                cpus: given(&args.cpus),
                memory: given(&args.memory),
                folder: args.host_path.clone(),
            };
            crate::commands::print_json(&kubernetes::jobs(&args.name, &plan, &pod))?;
            Ok(Exit::Done)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_of_accept_are_held_against_accept() {
        let check = |typed: &[&str], expect: Result<&[&str], &str>| {
            let typed: Vec<String> = typed.iter().map(|word| (*word).to_owned()).collect();
            match (options(&typed).map_err(|error| format!("{error:#}")), expect) {
                (Ok((kept, _)), Ok(expect)) => assert_eq!(kept, expect),
                (Err(error), Err(words)) => assert!(error.contains(words), "{error}"),
                other => panic!("{typed:?}: {other:?}"),
            }
        };
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("my spec.toml");
        std::fs::write(&file, spec::source(crate::args::DEFAULT_SPEC).unwrap().text).unwrap();
        let file = file.to_str().unwrap();
        check(&[], Ok(&[]));
        check(&["--profile", "smoke", "--only", "stream"], Ok(&["--profile", "smoke", "--only", "stream"]));
        check(&["--spec", crate::args::DEFAULT_SPEC], Ok(&["--spec", crate::args::DEFAULT_SPEC]));
        check(&["--profil", "smoke"], Err("none that `accept` takes"));
        check(&["--out", "x"], Err("cannot be used multiple times"));
        check(&["--json"], Err("cannot be used"));
        check(&["--dry-run"], Err("are of one host"));
        check(&["--spec", "nonsense"], Err("neither a file"));
        // A text of several systems cannot be judged by; one of one is taken along.
        if spec::parse(&std::fs::read_to_string(file).unwrap(), file).unwrap().len() == 1 {
            check(&["--spec", file, "--beside"], Ok(&["--beside"]));
            check(&["--beside", &format!("--spec={file}")], Ok(&["--beside"]));
        }
    }
}
