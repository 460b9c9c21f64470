//! Processes that transform: one for the whole host, or one for each NUMA node, all at the same time.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use machine::{CpuSet, Machine, Siblings, place};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::placed::environment;
use crate::Error;
use crate::pipeline::{Cache, Mode, Report};

/// A part of the data and the CPUs that transform it.
pub(super) struct Shard {
    pub(super) input: PathBuf,
    pub(super) output: PathBuf,
    pub(super) cpus: CpuSet,
}

/// The CPUs of each node that has some, one thread of each core.
pub(super) fn nodes(machine: &Machine) -> Result<Vec<CpuSet>, Error> {
    let workers = place(&machine.topology, Siblings::OnePerCore).map_err(|error| Error::Config(error.to_string()))?;
    let mut nodes: Vec<u32> = workers.iter().map(|worker| worker.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let of = |node: u32| workers.iter().filter(|worker| worker.node == node).map(|worker| worker.cpu).collect();
    Ok(nodes.into_iter().map(of).collect())
}

/// Transforms all shards at once, each by a process of its own.
pub(super) fn transform(shards: &[Shard], mode: Mode, cache: Cache) -> Result<Vec<Report>, Error> {
    thread::scope(|scope| {
        let start = |shard| thread::Builder::new().spawn_scoped(scope, move || process(shard, mode, cache));
        let running: Vec<_> = shards.iter().map(start).collect();
        let joined = running.into_iter().map(|one| match one {
            Ok(one) => one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(error) => Err(Error::Process(format!("a thread could not be started: {error}"))),
        });
        joined.collect()
    })
}

/// The last line that a process prints.
#[derive(Deserialize)]
struct Last<T> {
    report: T,
}

fn process(shard: &Shard, mode: Mode, cache: Cache) -> Result<Report, Error> {
    let mut command = command(shard, cache)?;
    command.args(["--mode", mode.name()]).envs(environment(shard.cpus.len()));
    last_report(&mut command)
}

/// This program, to transform a shard.
pub(super) fn command(shard: &Shard, cache: Cache) -> Result<Command, Error> {
    let program =
        std::env::current_exe().map_err(|error| Error::io("cannot find", Path::new("/proc/self/exe"), error))?;
    let mut command = Command::new(program);
    command
        .args(["run", "--json", "--cache", cache.name()])
        .args(["--cpus", &shard.cpus.to_string(), "--parent", &std::process::id().to_string()])
        .arg("--in")
        .arg(&shard.input)
        .arg("--out")
        .arg(&shard.output);
    Ok(command)
}

/// Runs a process to its end; the report that it prints last.
pub(super) fn last_report<T: DeserializeOwned>(command: &mut Command) -> Result<T, Error> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).output();
    let output = output.map_err(|error| Error::io("cannot start", Path::new(command.get_program()), error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().and_then(|line| serde_json::from_str::<Last<T>>(line).ok());
    match last {
        Some(last) if output.status.success() => Ok(last.report),
        _ => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(Error::Process(format!("{}: {}", output.status, said.trim())))
        }
    }
}
