//! Facts about the host and control of it: topology, placement, pinned team, NUMA-bound buffers, clock.

pub mod inventory;
