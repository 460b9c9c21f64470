//! Whether tiles may be used: by the CPU, by the operating system, by this process.
#![allow(unsafe_code)] // XGETBV and arch_prctl have no safe wrappers

use raw_cpuid::CpuId;

use super::kernels::{self, Tiles};

/// A data type of tile products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Bf16,
    Int8,
}

/// XCR0 bits 17 (tile configuration) and 18 (tile data).
const SAVES_TILES: u64 = 0b11 << 17;
/// The state component of tile data, as `arch_prctl` counts.
const TILE_DATA: libc::c_long = 18;
/// `ARCH_GET_XCOMP_PERM` and `ARCH_REQ_XCOMP_PERM` of Linux' asm/prctl.h.
const GET_PERMISSION: libc::c_long = 0x1022;
const REQUEST_PERMISSION: libc::c_long = 0x1023;

/// That tile products of one format may be formed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Permitted(Format);

impl Permitted {
    /// Asks CPU, operating system and kernel, in this order; else what is missing.
    ///
    /// It is called before other threads start: the kernel refuses where a thread's signal stack is too small.
    pub(super) fn request(format: Format) -> Result<Permitted, String> {
        let cpuid = CpuId::new();
        let features = cpuid.get_extended_feature_info();
        let has = |feature: fn(&raw_cpuid::ExtendedFeatures) -> bool| features.as_ref().is_some_and(feature);
        let product = match format {
            Format::Bf16 => has(raw_cpuid::ExtendedFeatures::has_amx_bf16),
            Format::Int8 => has(raw_cpuid::ExtendedFeatures::has_amx_int8),
        };
        if !has(raw_cpuid::ExtendedFeatures::has_amx_tile) {
            return Err("the CPU has no AMX tiles (CPUID 7.0 EDX bit 24)".into());
        }
        if !product {
            return Err("the CPU has AMX tiles, but no products of this format (CPUID 7.0 EDX bits 22 and 25)".into());
        }
        if xcr0() & SAVES_TILES != SAVES_TILES {
            return Err("the operating system does not save AMX tiles (XCR0 bits 17 and 18)".into());
        }
        permission().map(|()| Permitted(format))
    }

    pub(super) fn format(self) -> Format {
        self.0
    }

    /// Runs the kernel, at least one pass.
    pub(super) fn run(self, passes: u64, tiles: &mut Tiles) {
        match self.0 {
            // SAFETY: `request` has found tiles and this product in CPUID, the state in XCR0, and the kernel's permission.
            Format::Bf16 => unsafe { kernels::bf16(passes, tiles) },
            // SAFETY: as above.
            Format::Int8 => unsafe { kernels::int8(passes, tiles) },
        }
    }
}

/// Asks the kernel for the permission to use tile data, and confirms it.
fn permission() -> Result<(), String> {
    // SAFETY: this request takes a number and changes only what this process may use.
    let answer = unsafe { libc::syscall(libc::SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) };
    if answer != 0 {
        let error = std::io::Error::last_os_error();
        return Err(format!("the kernel does not permit AMX tile data (arch_prctl ARCH_REQ_XCOMP_PERM: {error})"));
    }
    let mut granted = 0_u64;
    // SAFETY: this request writes 64 bits to the address, which is that of a local variable.
    let answer = unsafe { libc::syscall(libc::SYS_arch_prctl, GET_PERMISSION, &raw mut granted) };
    if answer == 0 && granted & (1 << TILE_DATA) != 0 {
        Ok(())
    } else {
        Err(format!(
            "the kernel did not keep the permission for AMX tile data (arch_prctl ARCH_GET_XCOMP_PERM: {granted:#x})"
        ))
    }
}

/// The register sets that the operating system saves; 0 where it does not let us ask.
fn xcr0() -> u64 {
    if !CpuId::new().get_feature_info().is_some_and(|features| features.has_oxsave()) {
        return 0;
    }
    // SAFETY: XGETBV of register 0 needs only CR4.OSXSAVE, which CPUID just confirmed.
    unsafe { std::arch::x86_64::_xgetbv(0) }
}
