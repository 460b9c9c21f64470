//! `hostproof plan`: which worker runs where, and which bytes lie on which node.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use machine::{Layout, Machine, Siblings, Source, Topology, place};
use measure::Profile;
use measure::{Quantity, Unit, binary_bytes};
use report::terminal::PlacementRow;
use rustix::process::{Resource, Rlimit};

use crate::args::PlanArgs;
use crate::commands::{look, print, print_json};
use crate::exit::Exit;
use crate::locations;

/// The memory workload's arrays: a, b and c.
const ARRAYS: usize = 3;

/// Set in the process that reads the topology.
const INSIDE: &str = "HOSTPROOF_PLAN_INSIDE";
/// How long it may take, and bytes of its address space: many times what the largest host needs.
const PATIENCE: Duration = Duration::from_mins(1);
const ADDRESS_SPACE: u64 = 16 << 30;

/// hwloc ends its process over some descriptions: it reads them in a process of its own, and this one says why that ended.
pub(crate) fn plan(args: &PlanArgs) -> Result<Exit> {
    if std::env::var_os(INSIDE).is_some() {
        let most = |limit: Option<u64>| Some(limit.map_or(ADDRESS_SPACE, |limit| limit.min(ADDRESS_SPACE)));
        let now = rustix::process::getrlimit(Resource::As);
        // A lower one is always allowed.
        let _ =
            rustix::process::setrlimit(Resource::As, Rlimit { current: most(now.current), maximum: most(now.maximum) });
        return place_here(args);
    }
    let arguments = std::env::args_os().skip(1);
    let mut child = Command::new(locations::own_file()?).args(arguments).env(INSIDE, "1").spawn()?;
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                child.kill()?;
                child.wait()?;
                bail!("the topology took longer to read than a minute: give a smaller one");
            }
            None => thread::sleep(Duration::from_millis(2)),
        }
    };
    ended(status, args.topology.topology.as_deref().unwrap_or("this host"))
}

/// How the process that read the topology of `what` ended.
fn ended(status: ExitStatus, what: &str) -> Result<Exit> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(Exit::Done),
        (None, Some(signal)) => bail!(
            "hwloc cannot read the topology of {what}: it ended its process by signal {signal}; check the description, or the \
             file that `lstopo` wrote"
        ),
        // It has said why.
        _ => Ok(Exit::Unusable),
    }
}

fn place_here(args: &PlanArgs) -> Result<Exit> {
    let machine = Machine::detect(&source(args.topology.topology.as_deref()))?;
    let siblings = if args.smt { Siblings::EverySmtThread } else { Siblings::OnePerCore };
    let workers = place(&machine.topology, siblings)?;
    let array = match &args.array {
        Some(typed) => bytes(typed)?,
        None => usize::try_from(stream::Config::for_profile(Profile::Quick, &machine)?.array_bytes)?,
    };
    let layout = Layout::plan(&machine.topology, &workers, array, ARRAYS)?;
    let left_out = left_out(&machine.topology, &layout);
    if args.json {
        print_json(&json(&layout, array, &left_out))?;
    } else {
        print(&report::terminal::paragraph(&summary(&layout, siblings, array), 0, look()))?;
        print(&report::terminal::placement(&rows(&layout), look()))?;
        left_out.iter().try_for_each(|line| print(&report::terminal::paragraph(line, 0, look())))?;
    }
    Ok(Exit::Done)
}

/// The plan in one sentence.
fn summary(layout: &Layout, siblings: Siblings, array: usize) -> String {
    let several = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let packages: BTreeSet<u32> = layout.workers.iter().map(|share| share.worker.package).collect();
    let nodes: Vec<u64> = layout.nodes.iter().map(|node| node.bytes).filter(|bytes| *bytes > 0).collect();
    let (least, most) = (nodes.iter().min().copied().unwrap_or(0), nodes.iter().max().copied().unwrap_or(0));
    let each = if least == most {
        binary_bytes(most as f64)
    } else {
        format!("{} to {}", binary_bytes(least as f64), binary_bytes(most as f64))
    };
    format!(
        "{}, one for each {}, on {} and {}; {ARRAYS} arrays of {}: {each} on {}",
        several(layout.workers.len(), "worker"),
        if siblings == Siblings::EverySmtThread { "SMT thread" } else { "core" },
        several(packages.len(), "socket"),
        several(nodes.len(), "NUMA node"),
        binary_bytes(array as f64),
        if nodes.len() == 1 { "it" } else { "each node" },
    )
}

/// What of the host no worker uses, and so no headline tells.
fn left_out(topology: &Topology, layout: &Layout) -> Vec<String> {
    let mut lines = Vec::new();
    let unused = layout.nodes.iter().filter(|share| share.bytes == 0);
    for node in unused.filter_map(|share| topology.node(share.node)).filter(|node| node.memory > 0) {
        let kind = node.kind.as_deref().map_or_else(String::new, |kind| format!("{kind}, "));
        let size = binary_bytes(node.memory as f64);
        lines.push(format!(
            "Node {} ({kind}{size}) holds no worker's array: only the matrices of nodes (stream.matrix.*) measure it",
            node.os_index
        ));
    }
    for node in topology.nodes.iter().filter(|node| node.memory == 0 && topology.nodes.iter().any(|any| any.memory > 0))
    {
        lines.push(format!(
            "Node {} has no memory: its cores use that of the nearest nodes that have some",
            node.os_index
        ));
    }
    if !topology.offline.is_empty() {
        let several = if topology.offline.len() > 1 { "CPUs" } else { "CPU" };
        lines.push(format!("{several} {}: switched off, and not measured", topology.offline));
    }
    lines
}

/// What exists, or looks like the name of a file, is an XML topology; a synthetic description has numbers behind colons.
fn source(typed: Option<&str>) -> Source {
    match typed {
        None => Source::Host,
        Some(text) if !text.contains(':') || looks_like_a_file(Path::new(text)) => Source::Xml(text.into()),
        Some(text) => Source::Synthetic(text.to_owned()),
    }
}

fn looks_like_a_file(path: &Path) -> bool {
    path.exists() || path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xml"))
}

fn bytes(typed: &str) -> Result<usize> {
    let quantity: Quantity = typed.parse().with_context(|| format!("--array {typed}"))?;
    let sane = quantity.unit == Unit::Byte && quantity.value >= 1.0 && quantity.value <= 1e18;
    ensure!(sane, "--array {typed}: expected a size such as 2GiB");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be between 1 and 1e18")]
    Ok(quantity.value as usize)
}

/// One entry for each worker with its CPU, core, node and bytes, and one for each node with its bytes.
fn json(layout: &Layout, array: usize, left_out: &[String]) -> serde_json::Value {
    let workers: Vec<_> = layout
        .workers
        .iter()
        .map(|share| {
            let worker = share.worker;
            serde_json::json!({
                "worker": worker.index, "cpu": worker.cpu, "core": worker.core, "package": worker.package,
                "node": worker.node, "bytes": share.bytes,
            })
        })
        .collect();
    let nodes: Vec<_> = layout
        .nodes
        .iter()
        .map(|node| serde_json::json!({"node": node.node, "bytes": node.bytes, "available": node.available}))
        .collect();
    serde_json::json!({
        "array_bytes": array, "arrays": ARRAYS, "workers": workers, "nodes": nodes, "left_out": left_out,
    })
}

fn rows(layout: &Layout) -> Vec<PlacementRow> {
    let row = |share: &machine::Share| PlacementRow {
        worker: share.worker.index,
        cpu: share.worker.cpu,
        core: share.worker.core,
        package: share.worker.package,
        node: share.worker.node,
        bytes: share.bytes,
    };
    layout.workers.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_begins_with_a_sentence() {
        let check = |description: &str, siblings: Siblings, array: usize, expect: &str| {
            let topology = Topology::read(&Source::Synthetic(description.to_owned())).unwrap();
            let workers = place(&topology, siblings).unwrap();
            let layout = Layout::plan(&topology, &workers, array, ARRAYS).unwrap();
            assert_eq!(summary(&layout, siblings, array), expect);
        };
        check(
            "pack:2 numa:2 core:4 pu:2",
            Siblings::OnePerCore,
            1 << 30,
            "16 workers, one for each core, on 2 sockets and 4 NUMA nodes; 3 arrays of 1 GiB: 768 MiB on each node",
        );
        check(
            "pack:1 numa:1 core:1 pu:2",
            Siblings::EverySmtThread,
            64 << 20,
            "2 workers, one for each SMT thread, on 1 socket and 1 NUMA node; 3 arrays of 64 MiB: 192 MiB on it",
        );
    }

    #[test]
    fn what_no_worker_uses_is_said() {
        let check = |description: &str, change: fn(&mut Topology), expect: &[&str]| {
            let mut topology = Topology::read(&Source::Synthetic(description.to_owned())).unwrap();
            change(&mut topology);
            let workers = place(&topology, Siblings::OnePerCore).unwrap();
            let layout = Layout::plan(&topology, &workers, 1 << 30, ARRAYS).unwrap();
            let lines = left_out(&topology, &layout);
            assert_eq!(lines.len(), expect.len(), "{lines:?}");
            assert!(lines.iter().zip(expect).all(|(line, expect)| line.starts_with(expect)), "{lines:?}");
        };
        check("pack:2 numa:1 core:2 pu:1", |_| {}, &[]);
        let hbm = |topology: &mut Topology| topology.nodes[1].kind = Some("HBM".to_owned());
        let beside = "pack:1 [numa(memory=64GB)] [numa(memory=16GB)] core:2 pu:1";
        check(beside, hbm, &["Node 1 (HBM, 14.90 GiB)"]);
        check(
            "pack:2 numa:1(memory=64GB) core:2 pu:1",
            |topology| topology.nodes[1].memory = 0,
            &["Node 1 has no memory"],
        );
        check(
            "pack:2 numa:1 core:2 pu:1",
            |topology| topology.offline = "5-7".parse().unwrap(),
            &["CPUs 5-7: switched off"],
        );
    }

    #[test]
    fn names_of_files_are_no_descriptions() {
        let check = |text: &str, is_file: bool| {
            assert_eq!(matches!(source(Some(text)), Source::Xml(_)), is_file, "{text}");
        };
        check("no-such-file.xml", true);
        check("/no/such/folder/node7.xml", true);
        check("node7", true);
        check("no:such:file.XML", true);
        check("pack:2 numa:1 core:64 pu:2", false);
        check("pu:4", false);
    }

    #[test]
    fn a_process_that_a_library_ended_is_a_reason() {
        let check = |raw: i32, expect: Result<Exit, &str>| match (ended(ExitStatus::from_raw(raw), "host.xml"), expect)
        {
            (Ok(exit), Ok(expect)) => assert_eq!(exit, expect),
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
            other => panic!("{raw}: {other:?}"),
        };
        check(0, Ok(Exit::Done));
        check(2 << 8, Ok(Exit::Unusable));
        check(101 << 8, Ok(Exit::Unusable));
        check(6, Err("hwloc cannot read the topology of host.xml: it ended its process by signal 6"));
        check(11, Err("signal 11"));
    }
}
