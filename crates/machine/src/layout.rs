//! Which bytes lie where: the plan of arrays over workers and nodes.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::partition::{HUGE_PAGE, chunks};
use crate::{Error, Topology, Worker};

/// The plan of some arrays of one size over a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// What each worker holds, in the order of the team.
    pub workers: Vec<Share>,
    /// What each node holds, in the order of their numbers; nodes without any are there too.
    pub nodes: Vec<NodeShare>,
}

/// What a worker holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The worker.
    pub worker: Worker,
    /// Its part of each array, in bytes from the start, on huge-page boundaries.
    pub range: Range<usize>,
    /// Its bytes of all arrays.
    pub bytes: u64,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeShare {
    /// OS index of the node.
    pub node: u32,
    /// Bytes of all arrays on it.
    pub bytes: u64,
    /// Bytes that the node can give; `None` where that is not known.
    pub available: Option<u64>,
}

impl Layout {
    /// Deals `arrays` arrays of `array_bytes` out to the workers, and refuses what a node cannot hold.
    pub fn plan(topology: &Topology, workers: &[Worker], array_bytes: usize, arrays: usize) -> Result<Layout, Error> {
        let ranges = chunks(array_bytes, workers.len(), HUGE_PAGE);
        let shares: Vec<Share> = workers
            .iter()
            .zip(ranges)
            .map(|(&worker, range)| {
                let bytes = (range.len() as u64).saturating_mul(arrays as u64);
                Share { worker, range, bytes }
            })
            .collect();
        let mut held: BTreeMap<u32, u64> = topology.nodes.iter().map(|node| (node.os_index, 0)).collect();
        for share in &shares {
            let bytes = held.entry(share.worker.node).or_default();
            *bytes = bytes.saturating_add(share.bytes);
        }
        let nodes = held.into_iter().map(|(node, bytes)| {
            let available = topology.node(node).and_then(|node| node.available);
            match available {
                Some(available) if available < bytes => Err(Error::NodeTooSmall { node, needed: bytes, available }),
                _ => Ok(NodeShare { node, bytes, available }),
            }
        });
        Ok(Layout { nodes: nodes.collect::<Result<_, _>>()?, workers: shares })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Siblings, Source, place};

    fn plan(description: &str, array_bytes: usize, arrays: usize) -> Result<Layout, Error> {
        let topology = Topology::read(&Source::Synthetic(description.into())).unwrap();
        let workers = place(&topology, Siblings::OnePerCore).unwrap();
        Layout::plan(&topology, &workers, array_bytes, arrays)
    }

    #[test]
    fn bytes_follow_the_workers_to_their_nodes() {
        let layout = plan("pack:2 numa:1 core:2 pu:2", 10 * HUGE_PAGE, 3).unwrap();
        let bytes: Vec<u64> = layout.workers.iter().map(|share| share.bytes).collect();
        assert_eq!(bytes, [2, 3, 2, 3].map(|pages| pages * 3 * HUGE_PAGE as u64));
        let nodes: Vec<(u32, u64)> = layout.nodes.iter().map(|node| (node.node, node.bytes)).collect();
        assert_eq!(nodes, [(0, 15 * HUGE_PAGE as u64), (1, 15 * HUGE_PAGE as u64)]);
        assert_eq!(layout.workers[3].range, 7 * HUGE_PAGE..10 * HUGE_PAGE);
    }

    #[test]
    fn a_node_that_is_too_small_is_named() {
        let check = |description: &str, array_bytes: usize, expect: Option<&str>| {
            let error = plan(description, array_bytes, 2).err().map(|error| error.to_string());
            match expect {
                None => assert_eq!(error, None),
                Some(text) => assert!(error.clone().unwrap().contains(text), "{error:?}"),
            }
        };
        let gib = 1 << 30;
        check("numa:2(memory=1073741824) core:2 pu:1", gib, None);
        check("numa:2(memory=1073741824) core:2 pu:1", gib + 4 * HUGE_PAGE, Some("NUMA node 0 would hold"));
        // without sizes nothing is known, so nothing is refused
        check("numa:2 core:2 pu:1", 1 << 40, None);
    }
}
