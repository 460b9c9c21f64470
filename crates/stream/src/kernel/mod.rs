//! The bandwidth kernels as a table: name, streams, bytes and flops for each element, one function for each
//! instruction set, kind of store and tuning.
//!
//! Rates are computed from the table and nowhere else. The functions are compiled once for each row and reached by
//! pointer, so that the instructions of each can be checked in the built program.
#![allow(unsafe_code)] // A row's function may be called only where the CPU has its instructions: checked here, once.

mod avx2;
mod avx512;
pub(crate) mod chase;
mod metrics;
mod scalar;
mod skeleton;

use std::fmt;

use machine::isa;
use measure::Isa;

pub use metrics::KernelMetrics;

/// What the licence of STREAM (3b) asks of figures by code that follows it; kept in their context and shown.
pub const STREAM_LABEL: &str = "based on a variant of the STREAM benchmark code";

/// What a kernel does with the elements of `dst`, `x` and `y`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kernel {
    /// The sum of `x`.
    Read,
    /// `dst = q`.
    Write,
    /// `dst = x`.
    Copy,
    /// `dst = q·x`.
    Scale,
    /// `dst = x + y`.
    Add,
    /// `dst = x + q·y`.
    Triad,
}

/// How a kernel stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Store {
    /// It stores nothing.
    None,
    /// Ordinary stores: a line is read from memory before it is written (write-allocate).
    Temporal,
    /// Stores that go past the caches, ended by `sfence`.
    NonTemporal,
}

/// How a kernel walks through its chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tuning {
    /// Into how many parts the chunk is split, which are walked side by side.
    pub streams: usize,
    /// How far ahead lines are prefetched, in bytes; 0 leaves it to the hardware.
    pub ahead: usize,
}

/// One kernel in one form.
#[derive(Clone, Copy)]
pub struct Variant {
    /// What it does.
    pub kernel: Kernel,
    /// The instructions that it is made of.
    pub isa: Isa,
    /// How it stores.
    pub store: Store,
    /// How it walks.
    pub tuning: Tuning,
    run: KernelFn,
}

/// Eight elements: a cache line.
type CacheLine = [f64; 8];
/// Bytes of a line.
const LINE: usize = 64;

/// A row's function: `dst`, `x`, `y`, `q`; the sum, or 0.
///
/// # Safety
///
/// The CPU must have the row's instruction set, and `dst` must lie on a cache line.
type KernelFn = unsafe fn(&mut [CacheLine], &[CacheLine], &[CacheLine], f64) -> f64;

impl Kernel {
    /// All kernels, in the order of the rounds of STREAM, after the two that STREAM lacks.
    pub const ALL: [Kernel; 6] = [Kernel::Write, Kernel::Read, Kernel::Copy, Kernel::Scale, Kernel::Add, Kernel::Triad];

    /// The name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kernel::Read => "read",
            Kernel::Write => "write",
            Kernel::Copy => "copy",
            Kernel::Scale => "scale",
            Kernel::Add => "add",
            Kernel::Triad => "triad",
        }
    }

    /// The kernel of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Kernel> {
        Kernel::ALL.into_iter().find(|kernel| kernel.name() == name)
    }

    /// How many arrays it reads.
    #[must_use]
    pub fn loads(self) -> u64 {
        match self {
            Kernel::Write => 0,
            Kernel::Read | Kernel::Copy | Kernel::Scale => 1,
            Kernel::Add | Kernel::Triad => 2,
        }
    }

    /// How many arrays it writes.
    #[must_use]
    pub fn stores(self) -> u64 {
        u64::from(self != Kernel::Read)
    }

    /// Bytes for each element as STREAM counts them: each element that is read or written, once.
    #[must_use]
    pub fn stream_bytes(self) -> u64 {
        8 * (self.loads() + self.stores())
    }

    /// Bytes for each element that cross the memory bus by the model: ordinary stores read the line first.
    ///
    /// Processors that turn stores of full lines into ownership without a read need less; the ratio of the two kinds
    /// of store shows it.
    #[must_use]
    pub fn traffic_bytes(self, store: Store) -> u64 {
        self.stream_bytes() + if store == Store::Temporal { 8 * self.stores() } else { 0 }
    }

    /// Floating-point operations for each element.
    #[must_use]
    pub fn flops(self) -> u64 {
        match self {
            Kernel::Write | Kernel::Copy => 0,
            Kernel::Read | Kernel::Scale | Kernel::Add => 1,
            Kernel::Triad => 2,
        }
    }

    /// Whether it is one of the four of STREAM, whose variant must be labelled as one.
    #[must_use]
    pub fn is_stream(self) -> bool {
        !matches!(self, Kernel::Read | Kernel::Write)
    }
}

impl Store {
    /// The name in labels.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Store::None => "none",
            Store::Temporal => "temporal",
            Store::NonTemporal => "nontemporal",
        }
    }
}

impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tuning { streams, ahead } = self;
        write!(f, "{streams} stream{}", if *streams == 1 { "" } else { "s" })?;
        if *ahead > 0 { write!(f, ", prefetch {ahead} B ahead") } else { Ok(()) }
    }
}

impl fmt::Debug for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ({})", self.kernel.name(), self.isa.name(), self.store.name(), self.tuning)
    }
}

/// All variants that run on this CPU, from narrow to wide.
#[must_use]
pub fn variants() -> Vec<Variant> {
    let available = isa::available();
    let table = scalar::table().into_iter().chain(avx2::table()).chain(avx512::table());
    table.filter(|variant| available.contains(&variant.isa)).collect()
}

impl Variant {
    /// Runs it over a chunk. `x` and `y` are as long as `dst`, or empty where the kernel does not read them, and `dst`
    /// is empty where it does not write. The sum of `x` for read, else 0.
    ///
    /// # Panics
    ///
    /// If the lengths differ, are no whole cache lines, or if `dst` does not lie on one.
    #[must_use]
    pub fn run(&self, dst: &mut [f64], x: &[f64], y: &[f64], q: f64) -> f64 {
        let (dst, dst_rest) = dst.as_chunks_mut();
        let (x, x_rest) = x.as_chunks();
        let (y, y_rest) = y.as_chunks();
        assert!(dst_rest.is_empty() && x_rest.is_empty() && y_rest.is_empty(), "a chunk is whole cache lines");
        assert!(dst.is_empty() || dst.as_ptr().addr().is_multiple_of(LINE), "what is written lies on a cache line");
        let (loads, stores) = (self.kernel.loads(), self.kernel.stores());
        let fits = |needed: bool, len: usize, all: usize| if needed { len == all } else { len == 0 };
        let all = dst.len().max(x.len());
        assert!(
            fits(stores > 0, dst.len(), all) && fits(loads > 0, x.len(), all) && fits(loads > 1, y.len(), all),
            "{self:?} was given {}, {} and {} lines",
            dst.len(),
            x.len(),
            y.len()
        );
        // SAFETY: a variant exists only where `variants` found its instruction set available, as `run` is private to
        // this module; that `dst` lies on a line (or has none) was asserted.
        unsafe { (self.run)(dst, x, y, q) }
    }

    /// A short name of the form: `avx512 nontemporal, 4 streams`.
    #[must_use]
    pub fn form(&self) -> String {
        format!("{} {}, {}", self.isa.name(), self.store.name(), self.tuning)
    }
}

#[cfg(test)]
mod tests;
