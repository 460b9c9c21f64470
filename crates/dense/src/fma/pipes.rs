//! What the execution units of a CPU can do in a cycle: the denominators of flop/cycle.

use measure::Isa;
use raw_cpuid::CpuId;

use super::kernels::{Precision, lanes};

/// The units that multiply and add, of one core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pipes {
    /// Name of the microarchitecture.
    pub name: &'static str,
    /// Vector operations a cycle: how many units of this width the core has, or has together.
    per_cycle: [u32; 3],
    /// Where the numbers come from.
    pub source: &'static str,
}

/// A row of the table: vendor, family, models, pipes. FMA operations a cycle are in the order scalar, AVX2, AVX-512.
///
/// Where a core can add on further pipes at the same time (Zen 2 to 5), these are not counted: the peak is that of
/// multiplications and additions together.
struct KnownCpu {
    vendor: &'static str,
    family: u8,
    models: &'static [std::ops::RangeInclusive<u8>],
    pipes: Pipes,
}

const fn pipes(name: &'static str, per_cycle: [u32; 3], source: &'static str) -> Pipes {
    Pipes { name, per_cycle, source }
}

const AMD_17H: &str = "AMD Software Optimization Guide for family 17h";
const AMD_19H: &str = "AMD Software Optimization Guides for family 19h";
const AMD_1AH: &str = "AMD Software Optimization Guide for the Zen 5 microarchitecture";
const INTEL: &str = "Intel Optimization Reference Manual";

const ROWS: &[KnownCpu] = &[
    // Zen and Zen+ split 256-bit operations over two 128-bit pipes.
    KnownCpu { vendor: "AuthenticAMD", family: 0x17, models: &[0x00..=0x2f], pipes: pipes("Zen", [2, 1, 0], AMD_17H) },
    KnownCpu {
        vendor: "AuthenticAMD",
        family: 0x17,
        models: &[0x30..=0xff],
        pipes: pipes("Zen 2", [2, 2, 0], AMD_17H),
    },
    // Zen 4 splits 512-bit operations over its 256-bit pipes.
    KnownCpu {
        vendor: "AuthenticAMD",
        family: 0x19,
        models: &[0x10..=0x1f, 0x60..=0x7f, 0xa0..=0xaf],
        pipes: pipes("Zen 4: 2 × 256-bit FMA", [2, 2, 1], AMD_19H),
    },
    KnownCpu {
        vendor: "AuthenticAMD",
        family: 0x19,
        models: &[0x00..=0x0f, 0x20..=0x5f],
        pipes: pipes("Zen 3: 2 × 256-bit FMA", [2, 2, 0], AMD_19H),
    },
    KnownCpu {
        vendor: "AuthenticAMD",
        family: 0x1a,
        models: &[0x00..=0x1f],
        pipes: pipes("Zen 5 (server): 2 × 512-bit FMA", [2, 2, 2], AMD_1AH),
    },
    // Haswell and Broadwell, Skylake client and its successors without AVX-512.
    KnownCpu {
        vendor: "GenuineIntel",
        family: 0x06,
        models: &[
            0x3c..=0x3d,
            0x3f..=0x3f,
            0x45..=0x47,
            0x4e..=0x4f,
            0x56..=0x56,
            0x5e..=0x5e,
            0x8e..=0x8e,
            0x9e..=0x9e,
        ],
        pipes: pipes("Haswell to Coffee Lake: 2 × 256-bit FMA", [2, 2, 0], INTEL),
    },
    // Ice Lake-SP, Sapphire, Emerald and Granite Rapids all have both units. Skylake-SP and Cascade Lake (0x55) are left
    // out: some have one 512-bit unit, and CPUID does not show which.
    KnownCpu {
        vendor: "GenuineIntel",
        family: 0x06,
        models: &[0x6a..=0x6c, 0x8f..=0x8f, 0xcf..=0xcf, 0xad..=0xae],
        pipes: pipes("Ice Lake-SP to Granite Rapids: 2 × 512-bit FMA", [2, 2, 2], INTEL),
    },
];

impl Pipes {
    /// Those of this host's CPU; `None` where the table does not know it.
    #[must_use]
    pub fn of_this_cpu() -> Option<Pipes> {
        let cpuid = CpuId::new();
        let vendor = cpuid.get_vendor_info()?;
        let features = cpuid.get_feature_info()?;
        Pipes::of(vendor.as_str(), features.family_id(), features.model_id())
    }

    fn of(vendor: &str, family: u8, model: u8) -> Option<Pipes> {
        let fits = |row: &&KnownCpu| {
            row.vendor == vendor && row.family == family && row.models.iter().any(|models| models.contains(&model))
        };
        ROWS.iter().find(fits).map(|row| row.pipes)
    }

    /// Floating-point operations a cycle; `None` where the CPU has not the instruction set.
    #[must_use]
    pub fn flop_per_cycle(&self, isa: Isa, precision: Precision) -> Option<f64> {
        let operations = self.per_cycle[isa as usize];
        (operations > 0).then(|| f64::from(2 * operations) * lanes(isa, precision) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_cores() {
        let check = |vendor: &str, family: u8, model: u8, isa: Isa, expect: Option<f64>| {
            let found = Pipes::of(vendor, family, model).and_then(|pipes| pipes.flop_per_cycle(isa, Precision::Fp64));
            assert_eq!(found, expect, "{vendor} {family:#x} {model:#x} {}", isa.name());
        };
        check("AuthenticAMD", 0x19, 0x11, Isa::Avx2, Some(16.0)); // Genoa
        check("AuthenticAMD", 0x19, 0x11, Isa::Avx512, Some(16.0));
        check("AuthenticAMD", 0x19, 0x01, Isa::Avx512, None); // Milan
        check("AuthenticAMD", 0x1a, 0x02, Isa::Avx512, Some(32.0)); // Turin
        check("GenuineIntel", 0x06, 0x8f, Isa::Avx512, Some(32.0)); // Sapphire Rapids
        check("GenuineIntel", 0x06, 0x8f, Isa::Scalar, Some(4.0));
        check("GenuineIntel", 0x06, 0x55, Isa::Avx512, None); // unknown number of units
        check("GenuineIntel", 0x06, 0x3f, Isa::Avx2, Some(16.0)); // Haswell-EP
        check("SomethingElse", 0x06, 0x8f, Isa::Avx2, None);
    }

    #[test]
    fn no_cpu_has_two_rows() {
        for family in 0..=u8::MAX {
            for model in 0..=u8::MAX {
                for vendor in ["AuthenticAMD", "GenuineIntel"] {
                    let rows = ROWS.iter().filter(|row| {
                        row.vendor == vendor && row.family == family && row.models.iter().any(|m| m.contains(&model))
                    });
                    assert!(rows.count() <= 1, "{vendor} {family:#x} {model:#x}");
                }
            }
        }
    }
}
