//! Control of a host: topology, placement, pinned team, NUMA-bound buffers, clock, and the limits of control groups.
//!
//! Invariant: this crate measures no performance. It puts threads and memory where a plan says, and proves that they
//! are there.

mod affinity;
mod buffer;
mod clock;
mod cpuset;
mod error;
mod host;
pub mod isa;
mod layout;
mod memory;
mod partition;
mod place;
mod team;
mod topology;

pub use affinity::{allowed, allowed_to_process, keep_to, offline, online};
pub use buffer::{Buffer, PageProof, Pages, Plain, Region, prove_regions};
pub use clock::Clock;
pub use cpuset::CpuSet;
pub use error::Error;
pub use host::Machine;
pub use layout::{Layout, NodeShare, Share};
pub use memory::{GroupLimit, cpu_time_limit, memory_available, memory_limit};
pub use partition::{HUGE_PAGE, chunks, split_mut};
pub use place::{Siblings, Socket, Worker, place, sockets};
pub use team::{Member, Team, Timing};
pub use topology::{Cache, Core, Node, Source, Topology};
