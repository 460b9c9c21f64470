//! Which worker runs where.

use measure::binary_bytes;

use super::grid::Grid;
use crate::Look;

/// A worker's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacementRow {
    /// Its number in the team.
    pub worker: usize,
    /// The CPU that it is bound to.
    pub cpu: u32,
    /// The core of that CPU.
    pub core: u32,
    /// The package of that core.
    pub package: u32,
    /// The NUMA node that its memory lies on.
    pub node: u32,
    /// How many bytes.
    pub bytes: u64,
}

/// A line for each worker.
#[must_use]
pub fn placement(rows: &[PlacementRow], look: Look) -> String {
    let mut grid = Grid::new(&["Worker", "CPU", "Core", "Package", "Node", "Bytes"], &[0, 1, 2, 3, 4, 5]);
    for row in rows {
        grid.row([
            row.worker.to_string().into(),
            row.cpu.to_string().into(),
            row.core.to_string().into(),
            row.package.to_string().into(),
            row.node.to_string().into(),
            binary_bytes(row.bytes as f64).into(),
        ]);
    }
    grid.render(look)
}
