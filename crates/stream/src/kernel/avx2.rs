//! 256-bit kernels: a line is two registers.
#![allow(unsafe_code)] // Vector loads and stores take pointers.

use std::arch::x86_64::{
    __m256d, _MM_HINT_T0, _mm_add_pd, _mm_cvtsd_f64, _mm_prefetch, _mm_unpackhi_pd, _mm256_add_pd,
    _mm256_castpd256_pd128, _mm256_extractf128_pd, _mm256_fmadd_pd, _mm256_loadu_pd, _mm256_mul_pd, _mm256_set1_pd,
};

use measure::Isa;

use super::skeleton::{kernels, table};
use super::{CacheLine, Kernel, KernelFn, LINE, Store, Tuning, Variant};

table!(Isa::Avx2, (1, 4, 0), (2, 2, 0), (4, 1, 0), (1, 4, 16));

/// A line in registers.
type V = [__m256d; 2];

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load(line: &CacheLine) -> V {
    let [low, high] = halves(line);
    // SAFETY: the 32 bytes of half a line are readable; the instruction asks for no alignment.
    let low = unsafe { _mm256_loadu_pd(low.as_ptr()) };
    // SAFETY: the same of the other half.
    let high = unsafe { _mm256_loadu_pd(high.as_ptr()) };
    [low, high]
}

#[inline]
fn halves(line: &CacheLine) -> &[[f64; 4]; 2] {
    line.as_chunks().0.as_array().expect("a line has two halves")
}

#[inline]
fn halves_mut(line: &mut CacheLine) -> &mut [[f64; 4]; 2] {
    line.as_chunks_mut().0.as_mut_array().expect("a line has two halves")
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn splat(value: f64) -> V {
    [_mm256_set1_pd(value); 2]
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn add(x: V, y: V) -> V {
    [_mm256_add_pd(x[0], y[0]), _mm256_add_pd(x[1], y[1])]
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn mul(x: V, y: V) -> V {
    [_mm256_mul_pd(x[0], y[0]), _mm256_mul_pd(x[1], y[1])]
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn fma(x: V, y: V, z: V) -> V {
    [_mm256_fmadd_pd(x[0], y[0], z[0]), _mm256_fmadd_pd(x[1], y[1], z[1])]
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn sum(v: V) -> f64 {
    let halves = _mm256_add_pd(v[0], v[1]);
    let pair = _mm_add_pd(_mm256_castpd256_pd128(halves), _mm256_extractf128_pd::<1>(halves));
    _mm_cvtsd_f64(pair) + _mm_cvtsd_f64(_mm_unpackhi_pd(pair, pair))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn prefetch<const AHEAD: usize>(line: &CacheLine) {
    if AHEAD > 0 {
        let ahead = line.as_ptr().wrapping_byte_add(AHEAD * LINE);
        // A hint: it never faults, whatever the address.
        _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
    }
}

kernels!(loads "avx2,fma");

/// Kernels with ordinary stores.
pub(super) mod temporal {
    use std::arch::asm;

    use super::{CacheLine, V, add, fma, halves_mut, kernels, load, mul, prefetch, splat};

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn store(line: &mut CacheLine, v: V) {
        let [low, high] = halves_mut(line);
        let (low, high) = (low.as_mut_ptr(), high.as_mut_ptr());
        // In assembly, because the compiler calls memcpy instead of a loop that only copies.
        // SAFETY: the 32 bytes of half a line are writable, and nothing else is; the instruction asks for no alignment.
        unsafe {
            asm!("vmovupd [{low}], {v}", low = in(reg) low, v = in(ymm_reg) v[0], options(nostack, preserves_flags));
        };
        // SAFETY: the same of the other half.
        unsafe {
            asm!("vmovupd [{high}], {v}", high = in(reg) high, v = in(ymm_reg) v[1], options(nostack, preserves_flags));
        };
    }

    #[inline]
    fn fence() {}

    kernels!(stores "avx2,fma");
}

/// Kernels with non-temporal stores.
pub(super) mod nontemporal {
    use std::arch::x86_64::{_mm_sfence, _mm256_stream_pd};

    use super::{CacheLine, V, add, fma, halves_mut, kernels, load, mul, prefetch, splat};

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn store(line: &mut CacheLine, v: V) {
        let [low, high] = halves_mut(line);
        // SAFETY: the 32 bytes of half a line are writable, and lie on half a cache line: who calls a row of the table
        // promises that the first line lies on one, and a line is as long as its alignment.
        unsafe { _mm256_stream_pd(low.as_mut_ptr(), v[0]) };
        // SAFETY: the same of the other half.
        unsafe { _mm256_stream_pd(high.as_mut_ptr(), v[1]) };
    }

    /// The stores have left the core when the kernel returns.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn fence() {
        _mm_sfence();
    }

    kernels!(stores "avx2,fma");
}
