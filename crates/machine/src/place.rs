//! Which worker runs where.

use std::collections::BTreeMap;

use crate::{Core, Error, Node, Topology};

/// Where a worker runs and where its memory lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worker {
    /// Its place in the team, from 0.
    pub index: usize,
    /// The CPU (hardware thread) that it is pinned to, as the operating system numbers it.
    pub cpu: u32,
    /// Index of the core in [`Topology::cores`].
    pub core: u32,
    /// NUMA node of its memory, as the operating system numbers it.
    pub node: u32,
    /// Package, from 0.
    pub package: u32,
}

/// The workers of one socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Package, from 0.
    pub package: u32,
    /// Their places in the team.
    pub members: Vec<usize>,
}

/// The sockets that a team works on, where these are several: what a sum over all of them may hide is told of each.
#[must_use]
pub fn sockets(workers: &[Worker]) -> Vec<Socket> {
    let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (place, worker) in workers.iter().enumerate() {
        members.entry(worker.package).or_default().push(place);
    }
    let several = members.len() > 1;
    members.into_iter().filter(|_| several).map(|(package, members)| Socket { package, members }).collect()
}

/// How many hardware threads of a core get a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Siblings {
    /// One: siblings share the execution units and the caches.
    #[default]
    OnePerCore,
    /// All of them.
    EverySmtThread,
}

/// Places a worker on every core (or every hardware thread) that this process may use, in the order of the topology,
/// so that neighbours in the team are neighbours in the machine.
///
/// Where a control group grants less CPU time than there are workers, as many are placed as it feeds, spread evenly:
/// more would be stopped in the middle of their work.
pub fn place(topology: &Topology, siblings: Siblings) -> Result<Vec<Worker>, Error> {
    let mut seats = Vec::new();
    let homes = homes(topology)?;
    for (core, node) in topology.cores.iter().zip(homes) {
        let usable = core.pus.iter().filter(|&cpu| topology.allowed.contains(cpu));
        let most = if siblings == Siblings::OnePerCore { 1 } else { usize::MAX };
        seats.extend(usable.take(most).map(|cpu| (cpu, core.index, node, core.package)));
    }
    let count = granted(topology.cpu_quota, seats.len());
    if count == 0 {
        return Err(Error::Placement(format!(
            "none of the {} cores may be used by this process (allowed CPUs: `{}`)",
            topology.cores.len(),
            topology.allowed
        )));
    }
    let spread = (0..count).map(|index| (index, seats[index * seats.len() / count]));
    Ok(spread.map(|(index, (cpu, core, node, package))| Worker { index, cpu, core, node, package }).collect())
}

/// The node that holds the memory of each core: its own, or, where that has none or is hidden, the nearest with memory. Of
/// several that are as near, each takes as many cores as the others, those counted whose own it is.
fn homes(topology: &Topology) -> Result<Vec<u32>, Error> {
    let near: Vec<Vec<u32>> = topology.cores.iter().map(|core| nearest(topology, core)).collect();
    let mut load: BTreeMap<u32, usize> = BTreeMap::new();
    let works = |core: &Core| core.pus.intersects(&topology.allowed);
    for (core, near) in topology.cores.iter().zip(&near) {
        if let ([one], true) = (near.as_slice(), works(core)) {
            *load.entry(*one).or_default() += 1;
        }
    }
    let mut homes = Vec::new();
    for (core, near) in topology.cores.iter().zip(&near) {
        let least = near.iter().copied().min_by_key(|node| (load.get(node).copied().unwrap_or(0), *node));
        let home = least.ok_or_else(|| Error::Placement("the topology has no NUMA node".into()))?;
        if near.len() > 1 && works(core) {
            *load.entry(home).or_default() += 1;
        }
        homes.push(home);
    }
    Ok(homes)
}

/// The nodes whose memory is nearest to a core; several where nothing tells them apart.
fn nearest(topology: &Topology, core: &Core) -> Vec<u32> {
    let with_memory = || topology.nodes.iter().filter(|node| node.memory > 0);
    if let Some(local) = core.node.filter(|&local| with_memory().any(|node| node.os_index == local)) {
        return vec![local];
    }
    // A node beside the one that has none may be local to the core, too.
    let distance = |node: &Node| match core.node {
        _ if node.cpus.intersects(&core.pus) => 0,
        Some(local) => topology.distance(local, node.os_index).unwrap_or(u32::MAX),
        None => u32::MAX,
    };
    let least = with_memory().map(distance).min();
    let nodes: Vec<u32> =
        with_memory().filter(|node| Some(distance(node)) == least).map(|node| node.os_index).collect();
    if !nodes.is_empty() {
        return nodes;
    }
    // A description may leave sizes out; then the local node, or the first, is as good as known.
    core.node.or_else(|| Some(topology.nodes.first()?.os_index)).into_iter().collect()
}

/// How many of `seats` workers a quota of CPUs feeds.
fn granted(quota: Option<f64>, seats: usize) -> usize {
    match quota {
        Some(quota) => (1..=seats).take_while(|&count| count == 1 || count as f64 <= quota).count(),
        None => seats,
    }
}

#[cfg(test)]
mod tests;
