//! Which CPUs the workers of this host keep to.

use machine::{CpuSet, Machine, Siblings, Source, place};

use crate::Error;

/// The CPUs of each of so many workers: a NUMA node each where there are as many, else the cores evenly divided in the order of
/// the nodes; of more workers than cores several share one.
pub(super) fn local(workers: usize) -> Result<Vec<CpuSet>, Error> {
    let trouble = |error: machine::Error| Error::Cluster(error.to_string());
    let machine = Machine::detect(&Source::Host).map_err(trouble)?;
    let seats = place(&machine.topology, Siblings::OnePerCore).map_err(trouble)?;
    let mut seats: Vec<_> = seats.iter().map(|seat| Seat { node: seat.node, cpu: seat.cpu }).collect();
    seats.sort_unstable();
    Ok(divide(&seats, workers))
}

/// The same workers with as many CPUs as the smallest of them has: only like ones are held against one another.
pub(super) fn same_size(workers: Vec<CpuSet>) -> Vec<CpuSet> {
    let size = workers.iter().map(CpuSet::len).min().unwrap_or(0);
    workers.into_iter().map(|cpus| cpus.iter().take(size).collect()).collect()
}

/// A core: its node, and one CPU of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seat {
    node: u32,
    cpu: u32,
}

fn divide(seats: &[Seat], workers: usize) -> Vec<CpuSet> {
    let cpus = |seats: &[Seat]| seats.iter().map(|seat| seat.cpu).collect();
    let nodes: Vec<&[Seat]> = seats.chunk_by(|one, next| one.node == next.node).collect();
    if nodes.len() == workers {
        return nodes.into_iter().map(cpus).collect();
    }
    if workers > seats.len() {
        return (0..workers).map(|worker| cpus(&seats[worker % seats.len()..][..1])).collect();
    }
    let first = |worker: usize| worker * seats.len() / workers;
    (0..workers).map(|worker| cpus(&seats[first(worker)..first(worker + 1)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_have_a_node_or_as_many_cores_as_others() {
        let check = |seats: &[(u32, u32)], workers: usize, expect: &[&str]| {
            let seats: Vec<_> = seats.iter().map(|&(node, cpu)| Seat { node, cpu }).collect();
            let divided: Vec<_> = divide(&seats, workers).iter().map(ToString::to_string).collect();
            assert_eq!(divided, expect, "{seats:?} for {workers}");
        };
        let two_nodes = [(0, 0), (0, 2), (0, 4), (1, 1)];
        check(&two_nodes, 1, &["0-2,4"]);
        check(&two_nodes, 2, &["0,2,4", "1"]);
        check(&two_nodes, 4, &["0", "2", "4", "1"]);
        check(&[(0, 0), (0, 1), (0, 2), (0, 3), (0, 4)], 2, &["0-1", "2-4"]);
        check(&[(0, 0), (0, 1)], 4, &["0", "1", "0", "1"]);
    }

    #[test]
    fn workers_of_one_size_have_what_the_smallest_has() {
        let check = |workers: &[&str], expect: &[&str]| {
            let workers = workers.iter().map(|cpus| cpus.parse().unwrap()).collect();
            let told: Vec<_> = same_size(workers).iter().map(ToString::to_string).collect();
            assert_eq!(told, expect);
        };
        check(&["0-1", "2-4"], &["0-1", "2-3"]);
        check(&["0", "1"], &["0", "1"]);
        check(&[], &[]);
    }
}
