//! How a matrix is cut: panels, groups of panels, and where each lies.

use std::ops::Range;

use machine::{HUGE_PAGE, Worker};

/// Panels that may be in use at a time: one that is factored, and those that slower groups still have to apply.
pub(super) const DEPTH: usize = 3;

/// The cut of a system of linear equations, [A b], stored by columns.
///
/// The columns are cut into *panels* of `block` columns, which are factored one after another, and these into
/// *groups*, the units of ownership: a group lies on one node, its columns follow one another in memory, and one worker
/// at a time updates it. b is one more column of the last group. Nothing depends on the number of workers, so that the
/// same products are formed, and the same pivots found, by any team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    order: usize,
    block: usize,
    panels_in_group: usize,
    ld: usize,
}

impl Plan {
    /// Cuts a system of `order` equations into panels of `block` columns and groups of `panels_in_group` panels.
    /// Zeros are taken as ones.
    #[must_use]
    pub fn new(order: usize, block: usize, panels_in_group: usize) -> Plan {
        Plan {
            order: order.max(1),
            block: block.max(1),
            panels_in_group: panels_in_group.max(1),
            ld: padded(order.max(1)),
        }
    }

    /// Number of equations.
    #[must_use]
    pub fn order(&self) -> usize {
        self.order
    }

    /// Columns of a panel.
    #[must_use]
    pub fn block(&self) -> usize {
        self.block
    }

    /// Distance of columns in elements.
    #[must_use]
    pub fn ld(&self) -> usize {
        self.ld
    }

    /// Number of panels.
    #[must_use]
    pub fn panels(&self) -> usize {
        self.order.div_ceil(self.block)
    }

    /// Number of groups.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.panels().div_ceil(self.panels_in_group)
    }

    /// The group that a panel lies in.
    pub(super) fn group_of(&self, panel: usize) -> usize {
        panel / self.panels_in_group
    }

    /// The columns of a panel.
    pub(super) fn panel_columns(&self, panel: usize) -> Range<usize> {
        panel * self.block..((panel + 1) * self.block).min(self.order)
    }

    /// The columns of a group; those of the last one end with b.
    #[must_use]
    pub fn group_columns(&self, group: usize) -> Range<usize> {
        let width = self.panels_in_group * self.block;
        let end = if group + 1 == self.groups() { self.order + 1 } else { (group + 1) * width };
        group * width..end
    }

    /// The columns of a group that panel `step` updates as a whole: those behind panel `step + 1`, which is updated
    /// alone and first, because the next factorisation waits for it. `None` where there are none.
    pub(super) fn bulk_columns(&self, group: usize, step: usize) -> Option<Range<usize>> {
        let columns = self.group_columns(group);
        // b is never a panel: it is updated with what is behind the last.
        let first = ((step + 2) * self.block).min(self.order).max(columns.start);
        (first < columns.end).then_some(first..columns.end)
    }

    /// Elements from the start of a group to the start of the next, in whole huge pages.
    #[must_use]
    pub fn group_stride(&self) -> usize {
        ((self.panels_in_group * self.block + 1) * self.ld).next_multiple_of(HUGE_PAGE / size_of::<f64>())
    }

    /// Elements of the matrix with b.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.group_stride() * self.groups()
    }

    /// Elements of the space for one panel.
    pub(super) fn panel_elements(&self) -> usize {
        (self.ld * self.block).next_multiple_of(HUGE_PAGE / size_of::<f64>())
    }

    /// Bytes of everything that a solution on these nodes and workers allocates.
    #[must_use]
    pub fn memory(&self, nodes: usize, workers: usize) -> u64 {
        let elements = self.elements()
            + self.panel_elements() * DEPTH * nodes
            // the triangles of U, and the vectors of the check
            + self.block * self.order
            + self.order * (2 * workers + 4);
        (elements * size_of::<f64>()) as u64
    }

    /// Floating-point operations of factorisation and solution as HPL 2.3 counts them: 2/3·N³ + 3/2·N².
    #[must_use]
    pub fn flops(&self) -> f64 {
        let n = self.order as f64;
        2.0 / 3.0 * n * n * n + 1.5 * n * n
    }

    /// The node of each group: dealt out in turn, in proportion to the workers of each node.
    #[must_use]
    pub fn owners(&self, workers: &[Worker]) -> Vec<u32> {
        let mut nodes: Vec<(u32, usize, usize)> = Vec::new(); // node, its workers, its groups
        for worker in workers {
            match nodes.iter_mut().find(|(node, ..)| *node == worker.node) {
                Some((_, count, _)) => *count += 1,
                None => nodes.push((worker.node, 1, 0)),
            }
        }
        let next = |nodes: &mut Vec<(u32, usize, usize)>| {
            // Least (groups + 1) / workers; fractions are compared crosswise.
            let least = nodes.iter_mut().min_by(|a, b| ((a.2 + 1) * b.1).cmp(&((b.2 + 1) * a.1)));
            least.map_or(0, |(node, _, groups)| {
                *groups += 1;
                *node
            })
        };
        (0..self.groups()).map(|_| next(&mut nodes)).collect()
    }
}

/// A distance of columns for this many rows: whole cache lines, an odd number of them, so that the columns of a row
/// spread over the sets of a cache.
pub(crate) fn padded(rows: usize) -> usize {
    let lines = rows.div_ceil(8);
    (lines + usize::from(lines.is_multiple_of(2))) * 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn worker(index: usize, node: u32) -> Worker {
        Worker { index, cpu: 0, core: 0, node, package: 0 }
    }

    #[test]
    fn groups_follow_the_workers_to_their_nodes() {
        let check = |nodes: &[u32], expect: &[u32]| {
            let workers: Vec<Worker> = nodes.iter().enumerate().map(|(i, &node)| worker(i, node)).collect();
            assert_eq!(Plan::new(60, 5, 2).owners(&workers), expect);
        };
        check(&[0], &[0; 6]);
        check(&[0, 0, 1, 1], &[0, 1, 0, 1, 0, 1]);
        check(&[0, 0, 3], &[0, 0, 3, 0, 0, 3]);
    }

    proptest! {
        #[test]
        fn every_column_is_updated_once_by_every_panel_before_it(
            order in 1_usize..300, block in 1_usize..40, panels in 1_usize..5
        ) {
            let plan = Plan::new(order, block, panels);
            let mut updates = vec![0_usize; order + 1];
            for step in 0..plan.panels() {
                if step + 1 < plan.panels() {
                    plan.panel_columns(step + 1).for_each(|j| updates[j] += 1);
                }
                for group in 0..plan.groups() {
                    plan.bulk_columns(group, step).into_iter().flatten().for_each(|j| updates[j] += 1);
                }
            }
            for (j, &count) in updates.iter().enumerate() {
                let expect = if j == order { plan.panels() } else { j / plan.block() };
                prop_assert_eq!(count, expect, "column {}", j);
            }
        }

        #[test]
        fn groups_cover_the_columns_and_fit_their_space(
            order in 1_usize..3000, block in 1_usize..300, panels in 1_usize..5
        ) {
            let plan = Plan::new(order, block, panels);
            let mut next = 0;
            for group in 0..plan.groups() {
                let columns = plan.group_columns(group);
                prop_assert_eq!(columns.start, next);
                prop_assert!(columns.len() * plan.ld() <= plan.group_stride());
                next = columns.end;
            }
            prop_assert_eq!(next, order + 1);
            prop_assert!(plan.ld() >= order && (plan.ld() / 8) % 2 == 1);
        }
    }
}
