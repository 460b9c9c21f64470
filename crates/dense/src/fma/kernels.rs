//! The kernels of the FMA peak: registers only, twelve independent accumulators.
//!
//! Each step of a kernel is `a ← a·x + y` for twelve vectors a, with one x and three y. With |x| < 1 the sequence comes
//! to rest at y / (1 − x), numbers with all bits of the mantissa in use, and it can be followed exactly in scalar code.
//! Twelve chains keep two pipes of six cycles busy; those of today take four or five.
#![allow(unsafe_code)] // inline assembly: the compiler must neither reorder nor merge the instructions

use std::arch::asm;

use machine::isa;
use measure::Isa;

/// Vectors that a kernel accumulates into.
pub(super) const ACCUMULATORS: usize = 12;
/// Vectors that it adds.
pub(super) const ADDENDS: usize = 3;
/// Vectors in a state: accumulators, addends, and the factor.
pub(super) const VECTORS: usize = ACCUMULATORS + ADDENDS + 1;
/// Steps in one pass of the loop.
pub(super) const UNROLL: usize = 4;
/// Elements of the widest vector.
const MOST_LANES: usize = 16;
/// Dependent additions in one pass of the loop that counts cycles.
pub(super) const CHAIN: u64 = 128;

/// A floating-point format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// IEEE 754 binary64.
    Fp64,
    /// IEEE 754 binary32.
    Fp32,
}

impl Precision {
    /// Both.
    pub const ALL: [Precision; 2] = [Precision::Fp64, Precision::Fp32];

    /// The name in labels.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Precision::Fp64 => "fp64",
            Precision::Fp32 => "fp32",
        }
    }
}

/// The elements of a vector register.
#[must_use]
pub(super) fn lanes(isa: Isa, precision: Precision) -> usize {
    let doubles = match isa {
        Isa::Scalar => return 1,
        Isa::Avx2 => 4,
        Isa::Avx512 => 8,
    };
    if precision == Precision::Fp64 { doubles } else { 2 * doubles }
}

/// Floating-point operations of one pass.
#[must_use]
pub(super) fn flops(isa: Isa, precision: Precision) -> f64 {
    (2 * ACCUMULATORS * UNROLL * lanes(isa, precision)) as f64
}

/// The registers of a kernel in memory: vector v begins at element `v * lanes`.
#[derive(Clone, Debug)]
pub(super) struct State<T>(Box<[T; VECTORS * MOST_LANES]>);

impl<T: Copy + Default> State<T> {
    /// The state whose element i is `element(i)`.
    pub(super) fn new(element: impl Fn(usize) -> T) -> Self {
        let mut state = State(Box::new([T::default(); VECTORS * MOST_LANES]));
        for (i, place) in state.0.iter_mut().enumerate() {
            *place = element(i);
        }
        state
    }

    /// The elements.
    #[must_use]
    pub(super) fn elements(&self) -> &[T] {
        &*self.0
    }
}

/// A line of assembly for each of twelve registers: `$op` with the register, and what `$rest` makes of its number.
macro_rules! twelve {
    ($line:ident, $($args:tt)*) => {
        concat!(
            $line!(0, 12, $($args)*), $line!(1, 13, $($args)*), $line!(2, 14, $($args)*),
            $line!(3, 12, $($args)*), $line!(4, 13, $($args)*), $line!(5, 14, $($args)*),
            $line!(6, 12, $($args)*), $line!(7, 13, $($args)*), $line!(8, 14, $($args)*),
            $line!(9, 12, $($args)*), $line!(10, 13, $($args)*), $line!(11, 14, $($args)*),
        )
    };
}

macro_rules! load {
    ($i:literal, $y:literal, $register:literal, $move:literal) => {
        concat!($move, " ", $register, $i, ", [{state} + ", $i, "*{width}]\n")
    };
}

macro_rules! store {
    ($i:literal, $y:literal, $register:literal, $move:literal) => {
        concat!($move, " [{state} + ", $i, "*{width}], ", $register, $i, "\n")
    };
}

macro_rules! step {
    ($i:literal, $y:literal, $register:literal, $fma:literal) => {
        concat!($fma, " ", $register, $i, ", ", $register, "15, ", $register, $y, "\n")
    };
}

/// Defines a kernel: name, element, bytes of a vector, register, instructions to move and to multiply and add.
macro_rules! kernel {
    ($(#[$doc:meta])* $name:ident, $element:ty, $width:literal, $register:literal, $move:literal, $fma:literal $(, $feature:literal)?) => {
        $(#[$doc])*
        ///
        /// # Safety
        ///
        /// The CPU has the instruction set, and the operating system saves its registers.
        $(#[target_feature(enable = $feature)])?
        #[inline(never)]
        unsafe fn $name(passes: u64, state: &mut State<$element>) {
            // SAFETY: every access lies within the state, which has 16 vectors of up to 64 bytes, and the moves need no
            // alignment; passes is at least 1, so that the loop ends; the registers written are declared; the caller
            // answers for the instruction set.
            unsafe {
                asm!(
                    twelve!(load, $register, $move),
                    load!(12, 0, $register, $move),
                    load!(13, 0, $register, $move),
                    load!(14, 0, $register, $move),
                    load!(15, 0, $register, $move),
                    ".p2align 5",
                    "2:",
                    twelve!(step, $register, $fma),
                    twelve!(step, $register, $fma),
                    twelve!(step, $register, $fma),
                    twelve!(step, $register, $fma),
                    "dec {passes}",
                    "jnz 2b",
                    twelve!(store, $register, $move),
                    "vzeroupper",
                    state = in(reg) state.0.as_mut_ptr(),
                    passes = inout(reg) passes.max(1) => _,
                    width = const $width,
                    out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _,
                    out("xmm4") _, out("xmm5") _, out("xmm6") _, out("xmm7") _,
                    out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
                    out("xmm12") _, out("xmm13") _, out("xmm14") _, out("xmm15") _,
                    options(nostack),
                );
            }
        }
    };
}

kernel!(
    /// One double at a time.
    fp64_scalar, f64, 8, "xmm", "vmovsd", "vfmadd213sd"
);
kernel!(
    /// Four doubles at a time.
    fp64_avx2, f64, 32, "ymm", "vmovupd", "vfmadd213pd"
);
kernel!(
    /// Eight doubles at a time.
    fp64_avx512, f64, 64, "zmm", "vmovupd", "vfmadd213pd", "avx512f"
);
kernel!(
    /// One single at a time.
    fp32_scalar, f32, 4, "xmm", "vmovss", "vfmadd213ss"
);
kernel!(
    /// Eight singles at a time.
    fp32_avx2, f32, 32, "ymm", "vmovups", "vfmadd213ps"
);
kernel!(
    /// Sixteen singles at a time.
    fp32_avx512, f32, 64, "zmm", "vmovups", "vfmadd213ps", "avx512f"
);

/// That an instruction set may be used: it was found in [`Isa::available`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usable(Isa);

impl Usable {
    /// The instruction sets that this host can run.
    #[must_use]
    pub fn all() -> Vec<Usable> {
        isa::available().into_iter().map(Usable).collect()
    }

    /// The instruction set.
    #[must_use]
    pub fn isa(self) -> Isa {
        self.0
    }
}

/// Runs the FP64 kernel, at least one pass.
pub(super) fn run_fp64(isa: Usable, passes: u64, state: &mut State<f64>) {
    let kernel = match isa.0 {
        Isa::Scalar => fp64_scalar,
        Isa::Avx2 => fp64_avx2,
        Isa::Avx512 => fp64_avx512,
    };
    // SAFETY: `Usable` is only made of what CPUID and XCR0 allow.
    unsafe { kernel(passes, state) }
}

/// Runs the FP32 kernel, at least one pass.
pub(super) fn run_fp32(isa: Usable, passes: u64, state: &mut State<f32>) {
    let kernel = match isa.0 {
        Isa::Scalar => fp32_scalar,
        Isa::Avx2 => fp32_avx2,
        Isa::Avx512 => fp32_avx512,
    };
    // SAFETY: `Usable` is only made of what CPUID and XCR0 allow.
    unsafe { kernel(passes, state) }
}

/// Adds `step` to `start` [`CHAIN`] × `passes` times (at least one pass), each addition waiting for the one before it:
/// one cycle each on every x86-64 CPU so far. Registers, not immediates, which recent CPUs add up at rename.
#[inline(never)]
#[must_use]
pub(super) fn chain(passes: u64, start: u64, step: u64) -> u64 {
    let mut sum = start;
    // SAFETY: only declared registers are changed, no memory is touched, and passes is at least 1, so the loop ends.
    unsafe {
        asm!(
            ".p2align 5",
            "2:",
            ".rept {chain}",
            "add {sum}, {step}",
            ".endr",
            "dec {passes}",
            "jnz 2b",
            chain = const CHAIN,
            sum = inout(reg) sum,
            step = in(reg) step,
            passes = inout(reg) passes.max(1) => _,
            options(nomem, nostack),
        );
    }
    sum
}
