//! A system of linear equations in the memory of the host.

use std::sync::atomic::AtomicU64;

use machine::{Buffer, Clock, Pages, Team, Worker, memory_available};
use measure::{Interval, Placement};

use super::plan::{DEPTH, Plan};
use super::schedule::Schedule;
use super::solve::{self, Fill};
use crate::Error;
use crate::blas::{Blas, packing};

/// The matrix [A b] and the space that its solution needs, each part in the memory of the node that works on it.
pub struct LinearSystem {
    plan: Plan,
    owners: Vec<u32>,
    matrix: Buffer<f64>,
    panels: Vec<(u32, Buffer<f64>)>,
}

/// A solution, and how it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// x of A·x = b.
    pub x: Vec<f64>,
    /// Row i was exchanged with row `pivots[i]`, in this order.
    pub pivots: Vec<usize>,
    /// From the beginning of the factorisation to the end of the solution.
    pub interval: Interval,
    /// How often the kernel moved a worker during the factorisation; `None` where it does not report it.
    pub migrations: Option<u64>,
}

impl LinearSystem {
    /// Maps the memory and binds it; nothing is touched yet.
    ///
    /// # Errors
    ///
    /// If it is more than this process may take: the kernel would kill it while it fills the matrix.
    pub fn allocate(plan: Plan, workers: &[Worker]) -> Result<LinearSystem, Error> {
        let mut nodes: Vec<u32> = workers.iter().map(|worker| worker.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let (needed, available) = (plan.memory(nodes.len(), workers.len()), memory_available());
        if needed > available {
            let what = format!("a system of {} equations", plan.order());
            return Err(Error::TooLittleMemory { what, needed, available });
        }
        let owners = plan.owners(workers);
        let mut matrix = Buffer::map(plan.elements(), Pages::Huge)?;
        for (group, &node) in owners.iter().enumerate() {
            let start = group * plan.group_stride();
            matrix.bind(start..start + plan.group_stride(), node)?;
        }
        let mut panels = Vec::new();
        for node in nodes {
            let mut buffer = Buffer::map(plan.panel_elements() * DEPTH, Pages::Huge)?;
            buffer.bind(0..buffer.as_slice().len(), node)?;
            panels.push((node, buffer));
        }
        Ok(LinearSystem { plan, owners, matrix, panels })
    }

    /// Writes the matrix and touches the space, each part by a worker of its node, and places the space of the library.
    pub fn fill(&mut self, team: &Team, fill: Fill<'_>) {
        packing::place(team);
        let plan = self.plan;
        let workers = team.workers();
        let mut shares: Vec<Share<'_>> = workers.iter().map(|_| Share { groups: Vec::new(), panels: None }).collect();
        // The groups of a node go to its workers in turn.
        for (group, columns) in self.matrix.as_mut_slice().chunks_mut(plan.group_stride()).enumerate() {
            let of_node: Vec<_> =
                (0..workers.len()).filter(|&index| workers[index].node == self.owners[group]).collect();
            shares[of_node[group % of_node.len()]].groups.push((group, columns));
        }
        for (node, panels) in &mut self.panels {
            let share = shares.iter_mut().zip(workers).find(|(_, worker)| worker.node == *node);
            if let Some((share, _)) = share {
                share.panels = Some(panels.as_mut_slice());
            }
        }
        team.each(&mut shares, |_, share| {
            for (group, data) in &mut share.groups {
                for (j, column) in plan.group_columns(*group).zip(data.chunks_mut(plan.ld())) {
                    fill(j, &mut column[..plan.order()]);
                }
            }
            if let Some(panels) = &mut share.panels {
                panels.fill(0.0);
            }
        });
    }

    /// Solves it in place. `flops` counts the operations of the updates while they are done.
    pub fn solve(&mut self, team: &Team, blas: Blas, flops: &AtomicU64) -> Result<Solution, Error> {
        let panels = self.panels.iter_mut().map(|(node, buffer)| (*node, buffer.as_mut_slice())).collect();
        let schedule = Schedule::new(self.plan, blas, &self.owners, self.matrix.as_mut_slice(), panels, flops);
        let mut rooms = vec![vec![0.0; Schedule::room(&self.plan)]; team.workers().len()];
        let start = Clock::now();
        let timing = team.timed(&mut rooms, |member, room| schedule.work(member, room));
        let kept = schedule.finish()?;
        let x = solve::back_substitute(team, &self.plan, self.matrix.as_slice(), &kept);
        let interval = Interval::new(start, Clock::now());
        let pivots = kept.into_iter().flat_map(|kept| kept.pivots).collect();
        Ok(Solution { x, pivots, interval, migrations: timing.migrations })
    }

    /// Where the workers and the pages of matrix and panels were.
    #[must_use]
    pub fn placement(&self, team: &Team, migrations: Option<u64>) -> (Placement, Vec<measure::Warning>) {
        let stride = self.plan.group_stride();
        // What lies between the groups to fill huge pages is never touched.
        let used =
            |group: usize| group * stride..group * stride + self.plan.group_columns(group).len() * self.plan.ld();
        let planned: Vec<_> = self.owners.iter().enumerate().map(|(group, &node)| (used(group), node)).collect();
        let mut proofs = vec![(self.matrix.proof(&planned), self.matrix.as_slice().len())];
        for (node, panels) in &self.panels {
            let len = panels.as_slice().len();
            proofs.push((panels.proof(&[(0..len, *node)]), len));
        }
        crate::proof::join(team, &proofs, migrations)
    }
}

/// What one worker fills and touches.
struct Share<'a> {
    groups: Vec<(usize, &'a mut [f64])>,
    panels: Option<&'a mut [f64]>,
}
