use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{Core, CpuSet, Node, Source};

fn synthetic(description: &str) -> Topology {
    Topology::read(&Source::Synthetic(description.into())).unwrap()
}

/// The CPUs, and the nodes, of the workers.
fn check(topology: &Topology, siblings: Siblings, cpus: &[u32], nodes: &[u32]) {
    let workers = place(topology, siblings).unwrap();
    assert_eq!(workers.iter().map(|w| w.cpu).collect::<Vec<_>>(), cpus);
    assert_eq!(workers.iter().map(|w| w.node).collect::<Vec<_>>(), nodes);
    assert!(workers.iter().enumerate().all(|(i, w)| w.index == i));
}

#[test]
fn one_worker_a_core_or_a_thread() {
    let topology = synthetic("pack:2 numa:1 core:2 pu:2");
    check(&topology, Siblings::OnePerCore, &[0, 2, 4, 6], &[0, 0, 1, 1]);
    check(&topology, Siblings::EverySmtThread, &[0, 1, 2, 3, 4, 5, 6, 7], &[0, 0, 0, 0, 1, 1, 1, 1]);
    // no level of cores: each thread counts as one
    check(&synthetic("numa:2 pu:2"), Siblings::OnePerCore, &[0, 1, 2, 3], &[0, 0, 1, 1]);
    // sub-NUMA clusters
    check(&synthetic("pack:2 numa:2 core:1 pu:2"), Siblings::OnePerCore, &[0, 2, 4, 6], &[0, 1, 2, 3]);
}

#[test]
fn the_host_of_the_main_specification() {
    let workers = place(&synthetic("pack:2 numa:1 core:64 pu:2"), Siblings::OnePerCore).unwrap();
    assert_eq!(workers.len(), 128);
    assert_eq!(workers[127], Worker { index: 127, cpu: 254, core: 127, node: 1, package: 1 });
}

#[test]
fn only_allowed_cpus_are_used() {
    let mut topology = synthetic("pack:2 numa:1 core:2 pu:2");
    topology.allowed = "1,3,6-7".parse().unwrap();
    check(&topology, Siblings::OnePerCore, &[1, 3, 6], &[0, 0, 1]);
    check(&topology, Siblings::EverySmtThread, &[1, 3, 6, 7], &[0, 0, 1, 1]);
    topology.allowed = CpuSet::default();
    let error = place(&topology, Siblings::EverySmtThread).unwrap_err().to_string();
    assert!(error.contains("none of the 4 cores may be used"), "{error}");
}

#[test]
fn a_quota_of_cpu_time_feeds_fewer_workers() {
    let mut topology = synthetic("pack:2 numa:1 core:2 pu:2");
    let mut check = |quota: f64, cpus: &[u32], nodes: &[u32]| {
        topology.cpu_quota = Some(quota);
        self::check(&topology, Siblings::OnePerCore, cpus, nodes);
    };
    check(0.5, &[0], &[0]);
    check(2.9, &[0, 4], &[0, 1]);
    check(64.0, &[0, 2, 4, 6], &[0, 0, 1, 1]);
}

#[test]
fn a_core_beside_no_memory_takes_the_nearest() {
    let node = |os_index, memory, cpus: &str| Node { os_index, memory, cpus: cpus.parse().unwrap(), ..Node::default() };
    let core = |index, node| Core { index, package: 0, node, pus: CpuSet::from_iter([index]) };
    let mut topology = Topology {
        nodes: vec![node(0, 0, "0"), node(1, 1 << 30, ""), node(2, 1 << 30, "1")],
        cores: vec![core(0, Some(0)), core(1, Some(2)), core(2, None)],
        allowed: "0-2".parse().unwrap(),
        ..Topology::default()
    };
    check(&topology, Siblings::OnePerCore, &[0, 1, 2], &[1, 2, 1]);
    topology.distances = [((0, 1), 30), ((0, 2), 20)].into_iter().collect();
    check(&topology, Siblings::OnePerCore, &[0, 1, 2], &[2, 2, 1]);
    topology.nodes.clear();
    topology.cores.truncate(0);
    topology.cores.push(core(0, None));
    assert!(place(&topology, Siblings::OnePerCore).unwrap_err().to_string().contains("no NUMA node"));
}

/// How many workers each node has.
fn loads(topology: &Topology) -> Vec<(u32, usize)> {
    let mut loads = std::collections::BTreeMap::<u32, usize>::new();
    for worker in place(topology, Siblings::OnePerCore).unwrap() {
        *loads.entry(worker.node).or_default() += 1;
    }
    loads.into_iter().collect()
}

#[test]
fn workers_without_memory_of_their_own_are_spread_evenly() {
    let mut topology = synthetic("pack:4 numa:1 core:6 pu:1");
    for node in [1, 3] {
        topology.nodes[node].memory = 0;
    }
    topology.distances.clear();
    assert_eq!(loads(&topology), [(0, 12), (2, 12)], "nothing says which is nearer");
    // Each has a nearer one.
    topology.distances = [((1, 0), 20), ((1, 2), 30), ((3, 0), 30), ((3, 2), 20)].into();
    assert_eq!(loads(&topology), [(0, 12), (2, 12)]);
    topology.distances = [((1, 0), 20), ((1, 2), 30), ((3, 0), 20), ((3, 2), 30)].into();
    assert_eq!(loads(&topology), [(0, 18), (2, 6)], "both are nearer to the same one");
    // The control group hides two nodes: what is left is all that is known.
    let mut hidden = synthetic("pack:4 numa:1 core:6 pu:1");
    hidden.nodes.retain(|node| [0, 2].contains(&node.os_index));
    for core in &mut hidden.cores {
        core.node = core.node.filter(|node| [0, 2].contains(node));
    }
    assert_eq!(loads(&hidden), [(0, 12), (2, 12)]);
    // A node without memory beside one that has some, in each package.
    let mut beside = synthetic("pack:2 [numa(memory=1GB)] [numa(memory=64GB)] core:8 pu:2");
    assert_eq!(beside.nodes.len(), 4);
    for node in beside.nodes.iter_mut().filter(|node| node.memory < 2_000_000_000) {
        node.memory = 0;
    }
    let loads = loads(&beside);
    assert!(loads.len() == 2 && loads.iter().all(|(_, count)| *count == 8), "{loads:?}");
}

proptest! {
    #[test]
    fn no_cpu_twice_and_one_worker_a_core(
        packages in 1_u32..3, nodes in 1_u32..3, cores in 1_u32..9, pus in 1_u32..5,
        seed in any::<u64>(), quota in prop::option::of(0.1_f64..80.0),
    ) {
        let mut topology = synthetic(&format!("pack:{packages} numa:{nodes} core:{cores} pu:{pus}"));
        topology.allowed = topology.cpus().iter().filter(|cpu| cpu % 64 == 0 || seed >> (cpu % 64) & 1 == 1).collect();
        topology.cpu_quota = quota;
        for siblings in [Siblings::OnePerCore, Siblings::EverySmtThread] {
            let workers = place(&topology, siblings).unwrap();
            let cpus: BTreeSet<u32> = workers.iter().map(|w| w.cpu).collect();
            prop_assert_eq!(cpus.len(), workers.len());
            prop_assert!(cpus.is_subset(&topology.allowed.0));
            if siblings == Siblings::OnePerCore {
                prop_assert_eq!(workers.iter().map(|w| w.core).collect::<BTreeSet<_>>().len(), workers.len());
            }
            for worker in &workers {
                prop_assert!(topology.cores[worker.core as usize].pus.contains(worker.cpu));
                prop_assert!(topology.node(worker.node).unwrap().cpus.contains(worker.cpu));
            }
        }
    }
}

#[test]
fn sockets_are_told_apart_where_there_are_several() {
    let check = |description: &str, expect: &[(u32, &[usize])]| {
        let workers = place(&synthetic(description), Siblings::OnePerCore).unwrap();
        let found = sockets(&workers);
        let found: Vec<_> = found.iter().map(|socket| (socket.package, socket.members.as_slice())).collect();
        assert_eq!(found, expect, "{description}");
    };
    check("pack:1 numa:2 core:2 pu:2", &[]);
    check("pack:2 numa:1 core:2 pu:2", &[(0, &[0, 1]), (1, &[2, 3])]);
    check("pack:3 numa:2 core:1 pu:1", &[(0, &[0, 1]), (1, &[2, 3]), (2, &[4, 5])]);
}
