//! Scalar kernels: one element an instruction.
//!
//! The compile baseline has AVX2, and the compiler would turn plain loops into vector code, so every load, store and
//! operation is an instruction of its own, written down.
#![allow(unsafe_code)] // Inline assembly, and loads and stores take pointers.

use std::arch::asm;

use measure::Isa;

use super::skeleton::{kernels, table};
use super::{CacheLine, Kernel, KernelFn, LINE, Store, Tuning, Variant};

table!(Isa::Scalar, (1, 1, 0));

/// A line in registers.
type V = [f64; 8];

#[inline]
#[target_feature(enable = "avx,fma")]
fn load(line: &CacheLine) -> V {
    let mut v = [0.0; 8];
    for (value, element) in v.iter_mut().zip(line) {
        // SAFETY: it reads the 8 bytes of an element and writes a register.
        unsafe {
            asm!("vmovsd {v}, qword ptr [{p}]", v = out(xmm_reg) *value, p = in(reg) element,
                 options(pure, readonly, nostack, preserves_flags));
        }
    }
    v
}

#[inline]
fn splat(value: f64) -> V {
    [value; 8]
}

#[inline]
#[target_feature(enable = "avx,fma")]
fn add(x: V, y: V) -> V {
    let mut v = x;
    for (v, y) in v.iter_mut().zip(y) {
        // SAFETY: it works on registers only.
        unsafe {
            asm!("vaddsd {v}, {v}, {y}", v = inout(xmm_reg) *v, y = in(xmm_reg) y,
                 options(pure, nomem, nostack, preserves_flags));
        }
    }
    v
}

#[inline]
#[target_feature(enable = "avx,fma")]
fn mul(x: V, y: V) -> V {
    let mut v = y;
    for (v, x) in v.iter_mut().zip(x) {
        // SAFETY: it works on registers only.
        unsafe {
            asm!("vmulsd {v}, {v}, {x}", v = inout(xmm_reg) *v, x = in(xmm_reg) x,
                 options(pure, nomem, nostack, preserves_flags));
        }
    }
    v
}

#[inline]
#[target_feature(enable = "avx,fma")]
fn fma(x: V, y: V, z: V) -> V {
    let mut v = z;
    for ((v, x), y) in v.iter_mut().zip(x).zip(y) {
        // SAFETY: it works on registers only.
        unsafe {
            asm!("vfmadd231sd {v}, {x}, {y}", v = inout(xmm_reg) *v, x = in(xmm_reg) x, y = in(xmm_reg) y,
                 options(pure, nomem, nostack, preserves_flags));
        }
    }
    v
}

#[inline]
fn sum(v: V) -> f64 {
    v.iter().sum()
}

/// No scalar row prefetches.
#[inline]
fn prefetch<const AHEAD: usize>(_line: &CacheLine) {}

kernels!(loads "avx,fma");

/// Kernels with ordinary stores.
pub(super) mod temporal {
    use super::{CacheLine, V, add, asm, fma, kernels, load, mul, prefetch, splat};

    #[inline]
    #[target_feature(enable = "avx,fma")]
    fn store(line: &mut CacheLine, v: V) {
        for (element, value) in line.iter_mut().zip(v) {
            // SAFETY: it writes the 8 bytes of an element that is borrowed mutably.
            unsafe {
                asm!("vmovsd qword ptr [{p}], {v}", v = in(xmm_reg) value, p = in(reg) element,
                     options(nostack, preserves_flags));
            }
        }
    }

    #[inline]
    fn fence() {}

    kernels!(stores "avx,fma");
}

/// Kernels with non-temporal stores.
pub(super) mod nontemporal {
    use std::arch::x86_64::_mm_sfence;

    use super::{CacheLine, V, add, asm, fma, kernels, load, mul, prefetch, splat};

    #[inline]
    #[target_feature(enable = "avx,fma")]
    fn store(line: &mut CacheLine, v: V) {
        for (element, value) in line.iter_mut().zip(v) {
            // There is no scalar non-temporal store from a vector register that every CPU has: MOVNTI takes a general
            // one.
            // SAFETY: it writes the 8 bytes of an element that is borrowed mutably.
            unsafe {
                asm!("movnti qword ptr [{p}], {v}", v = in(reg) value.to_bits(), p = in(reg) element,
                     options(nostack, preserves_flags));
            }
        }
    }

    /// The stores have left the core when the kernel returns.
    #[inline]
    #[target_feature(enable = "avx,fma")]
    fn fence() {
        _mm_sfence();
    }

    kernels!(stores "avx,fma");
}
