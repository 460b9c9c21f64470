//! 512-bit kernels: a line is one register.
#![allow(unsafe_code)] // Vector loads and stores take pointers.

use std::arch::x86_64::{
    __m512d, _MM_HINT_T0, _mm_prefetch, _mm512_add_pd, _mm512_fmadd_pd, _mm512_loadu_pd, _mm512_mul_pd,
    _mm512_reduce_add_pd, _mm512_set1_pd,
};

use measure::Isa;

use super::skeleton::{kernels, table};
use super::{CacheLine, Kernel, KernelFn, LINE, Store, Tuning, Variant};

table!(Isa::Avx512, (1, 8, 0), (2, 4, 0), (4, 2, 0), (1, 8, 16));

/// A line in registers.
type V = __m512d;

#[inline]
#[target_feature(enable = "avx512f")]
fn load(line: &CacheLine) -> V {
    // SAFETY: the 64 bytes of a line are readable; the instruction asks for no alignment.
    unsafe { _mm512_loadu_pd(line.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn splat(value: f64) -> V {
    _mm512_set1_pd(value)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add(x: V, y: V) -> V {
    _mm512_add_pd(x, y)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn mul(x: V, y: V) -> V {
    _mm512_mul_pd(x, y)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn fma(x: V, y: V, z: V) -> V {
    _mm512_fmadd_pd(x, y, z)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn sum(v: V) -> f64 {
    _mm512_reduce_add_pd(v)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn prefetch<const AHEAD: usize>(line: &CacheLine) {
    if AHEAD > 0 {
        let ahead = line.as_ptr().wrapping_byte_add(AHEAD * LINE);
        // A hint: it never faults, whatever the address.
        _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
    }
}

kernels!(loads "avx512f");

/// Kernels with ordinary stores.
pub(super) mod temporal {
    use std::arch::asm;

    use super::{CacheLine, V, add, fma, kernels, load, mul, prefetch, splat};

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn store(line: &mut CacheLine, v: V) {
        let line = line.as_mut_ptr();
        // In assembly, because the compiler calls memcpy instead of a loop that only copies.
        // SAFETY: the 64 bytes of a line are writable, and nothing else is; the instruction asks for no alignment.
        unsafe {
            asm!("vmovupd [{line}], {v}", line = in(reg) line, v = in(zmm_reg) v, options(nostack, preserves_flags));
        };
    }

    #[inline]
    fn fence() {}

    kernels!(stores "avx512f");
}

/// Kernels with non-temporal stores.
pub(super) mod nontemporal {
    use std::arch::x86_64::{_mm_sfence, _mm512_stream_pd};

    use super::{CacheLine, V, add, fma, kernels, load, mul, prefetch, splat};

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn store(line: &mut CacheLine, v: V) {
        // SAFETY: the 64 bytes of a line are writable, and lie on a cache line: who calls a row of the table promises
        // it of the first, and a line is as long as its alignment.
        unsafe { _mm512_stream_pd(line.as_mut_ptr(), v) };
    }

    /// The stores have left the core when the kernel returns.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn fence() {
        _mm_sfence();
    }

    kernels!(stores "avx512f");
}
