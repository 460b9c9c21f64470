//! The topology of a host as plain data.

mod caches;
mod hwloc;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::{CpuSet, Error};

/// Where a topology is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// This host.
    Host,
    /// An XML file that hwloc's `lstopo` wrote, of any host.
    Xml(PathBuf),
    /// A synthetic description in hwloc's language, for instance `pack:2 numa:1 core:64 pu:2`.
    Synthetic(String),
}

/// What the machine is made of, as far as placement needs it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Topology {
    /// NUMA nodes, in the order of their numbers.
    pub nodes: Vec<Node>,
    /// Physical cores in the order of locality; where none are known, each hardware thread counts as one.
    pub cores: Vec<Core>,
    /// Data and unified caches.
    pub caches: Vec<Cache>,
    /// How many packages (sockets) there are; 1 where that is not known.
    pub packages: u32,
    /// Relative latency from a node's CPUs to a node's memory (10 is local, by ACPI SLIT), by OS index.
    pub distances: BTreeMap<(u32, u32), u32>,
    /// CPUs that this process may use. For a description of another host: all that are in it.
    pub allowed: CpuSet,
    /// CPUs that are there but switched off (in a description: or forbidden to whoever wrote it).
    pub offline: CpuSet,
    /// How many CPUs' time the control group grants; `None` is no limit.
    pub cpu_quota: Option<f64>,
}

/// A NUMA node: some memory at one distance from some CPUs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// The operating system's number, which `mbind` takes.
    pub os_index: u32,
    /// Bytes of memory; 0 in a node that has none.
    pub memory: u64,
    /// Bytes that a new program can take now, or could on the described host; `None` where that is not known.
    pub available: Option<u64>,
    /// CPUs that this memory is local to. The operating system's CPU-less nodes are local to the CPUs beside them.
    pub cpus: CpuSet,
    /// The kind of memory where it is told: `HBM`, `MCDRAM`, `NVM`.
    pub kind: Option<String>,
}

/// A physical core.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Core {
    /// Its place in [`Topology::cores`].
    pub index: u32,
    /// Its package, from 0.
    pub package: u32,
    /// OS index of the NUMA node that is local to it.
    pub node: Option<u32>,
    /// OS indices of its hardware threads that are switched on.
    pub pus: CpuSet,
}

/// A data or unified cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cache {
    /// 1 is next to the core.
    pub level: u8,
    /// Its size in bytes, by the operating system.
    pub bytes: u64,
    /// The largest size in bytes that any source claims for it (operating system, CPUID): virtual machines may show
    /// a slice or the whole of the real one.
    pub claimed: u64,
    /// Bytes of a line.
    pub line: u32,
    /// CPUs that share it.
    pub cpus: CpuSet,
}

impl Topology {
    /// Reads the topology. For this host, only what this process may use.
    pub fn read(source: &Source) -> Result<Topology, Error> {
        hwloc::read(source)
    }

    /// Bytes of the distinct level-2 and farther caches that these CPUs reach, each as large as any source claims.
    ///
    /// An array must be several times as large before a measurement of memory measures memory.
    #[must_use]
    pub fn cache_reach(&self, cpus: &CpuSet) -> u64 {
        self.caches
            .iter()
            .filter(|cache| cache.level >= 2 && cache.cpus.intersects(cpus))
            .map(|cache| cache.claimed)
            .fold(0, u64::saturating_add)
    }

    /// Relative latency from node `a` to node `b`, where the firmware tells it.
    #[must_use]
    pub fn distance(&self, a: u32, b: u32) -> Option<u32> {
        self.distances.get(&(a, b)).copied()
    }

    /// The node of this number.
    #[must_use]
    pub fn node(&self, os_index: u32) -> Option<&Node> {
        self.nodes.iter().find(|node| node.os_index == os_index)
    }

    /// All CPUs of all cores.
    #[must_use]
    pub fn cpus(&self) -> CpuSet {
        self.cores.iter().flat_map(|core| core.pus.iter()).collect()
    }

    /// The node whose memory a core with a CPU uses when nobody says otherwise, by CPU.
    ///
    /// Of several that are local, ordinary memory goes before special kinds, then the one of the fewest CPUs (a
    /// sub-NUMA cluster before its package), then the lowest number: Linux numbers nodes with CPUs first.
    fn local_nodes(&self) -> BTreeMap<u32, u32> {
        let special = |node: &Node| node.kind.as_deref().is_some_and(|kind| kind != "DRAM");
        let mut nodes: Vec<&Node> = self.nodes.iter().collect();
        nodes.sort_by_key(|node| (special(node), node.cpus.len(), node.os_index));
        let mut local = BTreeMap::new();
        for node in nodes {
            for cpu in node.cpus.iter() {
                local.entry(cpu).or_insert(node.os_index);
            }
        }
        local
    }
}

#[cfg(test)]
mod tests;
