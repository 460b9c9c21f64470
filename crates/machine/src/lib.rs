//! Facts about the host and control of it: topology, placement, pinned team, NUMA-bound buffers, clock.
//!
//! Invariant: this crate measures no performance. It tells what there is, puts threads and memory where a plan says,
//! and proves that they are there.

mod affinity;
mod buffer;
mod clock;
mod cpuset;
pub mod doctor;
mod error;
mod host;
pub mod inventory;
pub mod isa;
mod layout;
mod memory;
mod partition;
mod place;
mod team;
pub mod telemetry;
mod topology;
pub mod watch;

pub use affinity::{allowed_to_process, keep_to};
pub use buffer::{Buffer, PageProof, Pages, Plain, Region, prove_regions};
pub use clock::Clock;
pub use cpuset::CpuSet;
pub use error::Error;
pub use host::Machine;
pub use layout::{Layout, NodeShare, Share};
pub use memory::memory_available;
pub use partition::{HUGE_PAGE, chunks, split_mut};
pub use place::{Siblings, Worker, place};
pub use team::{Member, Team, Timing};
pub use topology::{Cache, Core, Node, Source, Topology};
