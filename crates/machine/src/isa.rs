//! The instruction sets that kernels choose from, as the CPU and the operating system allow them.
#![allow(unsafe_code)] // XGETBV has no safe wrapper.

use raw_cpuid::{
    CpuId, ExtendedFeatures as Extended, ExtendedProcessorFeatureIdentifiers as Processor, FeatureInfo as Basic,
};

use measure::Isa;

use crate::Error;

/// The instruction sets that this CPU has and its operating system saves the registers of, from narrow to wide.
///
/// It asks CPUID and XCR0 itself: `is_x86_feature_detected!` is always true for what the build enables.
#[must_use]
pub fn available() -> Vec<Isa> {
    Isa::ALL.into_iter().filter(|isa| missing(*isa).is_empty()).collect()
}

/// The widest that is available.
#[must_use]
pub fn widest() -> Isa {
    available().pop().unwrap_or(Isa::Scalar)
}

/// That this CPU can run the build at all (x86-64-v3); else an error that says what it lacks.
///
/// The program calls it first: what the compiler emits everywhere cannot be chosen at run time.
pub fn check_floor() -> Result<(), Error> {
    let missing = missing_of_v3();
    if missing.is_empty() { Ok(()) } else { Err(Error::Floor(missing.join(", "))) }
}

fn missing(isa: Isa) -> Vec<&'static str> {
    match isa {
        Isa::Scalar => Vec::new(),
        Isa::Avx2 => missing_of_v3(),
        Isa::Avx512 => missing_of_avx512(),
    }
}

/// XCR0 bits 1 and 2: the operating system saves XMM and YMM registers.
const SAVES_YMM: u64 = 0b110;
/// XCR0 bits 5, 6 and 7 too: mask registers, the upper halves of ZMM0 to 15, and ZMM16 to 31.
const SAVES_ZMM: u64 = 0b1110_0110;

/// The x86-64-v3 level of the x86-64 psABI, and that the operating system saves its registers.
fn missing_of_v3() -> Vec<&'static str> {
    let cpuid = CpuId::new();
    let basic = cpuid.get_feature_info();
    let basic = |has: fn(&Basic) -> bool| basic.as_ref().is_some_and(has);
    let extended = cpuid.get_extended_feature_info();
    let extended = |has: fn(&Extended) -> bool| extended.as_ref().is_some_and(has);
    let processor = cpuid.get_extended_processor_and_feature_identifiers();
    let processor = |has: fn(&Processor) -> bool| processor.as_ref().is_some_and(has);
    let all = [
        ("SSE3", basic(Basic::has_sse3)),
        ("SSSE3", basic(Basic::has_ssse3)),
        ("SSE4.1", basic(Basic::has_sse41)),
        ("SSE4.2", basic(Basic::has_sse42)),
        ("POPCNT", basic(Basic::has_popcnt)),
        ("CMPXCHG16B", basic(Basic::has_cmpxchg16b)),
        ("AVX", basic(Basic::has_avx)),
        ("F16C", basic(Basic::has_f16c)),
        ("FMA", basic(Basic::has_fma)),
        ("MOVBE", basic(Basic::has_movbe)),
        ("AVX2", extended(Extended::has_avx2)),
        ("BMI1", extended(Extended::has_bmi1)),
        ("BMI2", extended(Extended::has_bmi2)),
        ("LAHF", processor(Processor::has_lahf_sahf)),
        ("LZCNT", processor(Processor::has_lzcnt)),
        ("an operating system that saves YMM registers", xcr0() & SAVES_YMM == SAVES_YMM),
    ];
    all.into_iter().filter(|(_, there)| !there).map(|(name, _)| name).collect()
}

fn missing_of_avx512() -> Vec<&'static str> {
    let cpuid = CpuId::new();
    let extended = cpuid.get_extended_feature_info();
    let extended = |has: fn(&Extended) -> bool| extended.as_ref().is_some_and(has);
    let all = [
        ("AVX512F", extended(Extended::has_avx512f)),
        ("AVX512VL", extended(Extended::has_avx512vl)),
        ("AVX512DQ", extended(Extended::has_avx512dq)),
        ("AVX512BW", extended(Extended::has_avx512bw)),
        ("an operating system that saves ZMM registers", xcr0() & SAVES_ZMM == SAVES_ZMM),
    ];
    all.into_iter().filter(|(_, there)| !there).map(|(name, _)| name).chain(missing_of_v3()).collect()
}

/// The register sets that the operating system saves; 0 where it does not let us ask.
fn xcr0() -> u64 {
    if !CpuId::new().get_feature_info().is_some_and(|basic| basic.has_oxsave()) {
        return 0;
    }
    // SAFETY: XGETBV of register 0 needs only CR4.OSXSAVE, which CPUID just confirmed.
    unsafe { std::arch::x86_64::_xgetbv(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_cpu_runs_the_build_so_it_has_the_floor() {
        check_floor().unwrap();
        assert!(available().starts_with(&[Isa::Scalar, Isa::Avx2]));
        assert_eq!(available().contains(&Isa::Avx512), is_x86_feature_detected!("avx512bw"));
        assert_eq!(available().last(), Some(&widest()));
    }
}
