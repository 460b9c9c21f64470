//! Every number that the rules take from outside a document, with its kind and its source.

use serde::Serialize;

/// How firm a constant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Mathematics or physics.
    Physics,
    /// A published standard.
    Standard,
    /// A class of published datasheets: better parts may come.
    Datasheet,
    /// A class of published measurements: better systems may come.
    Measured,
    /// This suite's own choice.
    Choice,
}

/// A number from outside the document.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Constant {
    /// The number, in the unit that `about` names.
    pub value: f64,
    /// What it is, with its unit.
    pub about: &'static str,
    /// How firm it is.
    pub kind: Kind,
    /// Where it is published.
    pub source: &'static str,
}

const fn constant(kind: Kind, value: f64, about: &'static str, source: &'static str) -> Constant {
    Constant { value, about, kind, source }
}

// --- memory

/// Bytes that a DDR channel moves in a transfer.
pub const CHANNEL_BYTES: Constant = constant(
    Kind::Standard,
    8.0,
    "bytes a transfer of a DDR channel (64 data bits; in DDR5 two subchannels of 32)",
    "JEDEC JESD79-4 and JESD79-5",
);

/// Shortest time from the row command to the data of a DRAM, in seconds.
pub const DRAM_ACCESS: Constant = constant(
    Kind::Standard,
    25e-9,
    "s from row activation to data: tRCD and tAA of the fastest speed bins, 12.5 ns each",
    "JEDEC JESD79-4 and JESD79-5, speed bin tables",
);

/// Transfers that carry a cache line of 64 bytes over 8 bytes.
pub const LINE_TRANSFERS: Constant =
    constant(Kind::Standard, 8.0, "transfers of 8 B for a cache line of 64 B", "JEDEC JESD79-4 and JESD79-5");

/// Lowest published idle latency of DDR5 servers, in seconds.
pub const SERVER_IDLE_LATENCY: Constant = constant(
    Kind::Measured,
    90e-9,
    "s, idle latency below which no two-socket DDR5 server is published; 100 to 130 ns are common",
    "published pointer-chase measurements of servers since 2022, for instance by Chips and Cheese",
);

/// Most memory channels of a socket.
pub const WIDEST_SOCKET: Constant = constant(
    Kind::Datasheet,
    12.0,
    "DDR5 channels of the widest x86 server socket",
    "AMD socket SP5 and Intel socket LGA 7529, platform datasheets of 2022 to 2024",
);

/// Share of channels × rate × width up to which systems are published.
pub const MEMORY_BEST_SHARE: Constant = constant(
    Kind::Measured,
    0.90,
    "of channels × data rate × 8 B: upper end of published STREAM results of servers, 0.75 to 0.90",
    "published STREAM results of DDR4 and DDR5 servers",
);

/// Capacities of memory modules, in GiB.
pub const MODULES: [f64; 10] = [8.0, 16.0, 24.0, 32.0, 48.0, 64.0, 96.0, 128.0, 192.0, 256.0];

/// Where the capacities of modules are standardised.
pub const MODULE_SOURCE: Constant = constant(
    Kind::Standard,
    256.0,
    "GiB, the largest module; the capacities are 8, 16, 24, 32, 48, 64, 96, 128, 192 and 256",
    "JEDEC JESD79-4 and JESD79-5 (dies of 8, 16, 24 and 32 Gbit), module data sheets",
);

/// Copies that a dataset in memory needs: itself and the result of a step that changes it.
pub const DATASET_COPIES: Constant = constant(
    Kind::Choice,
    2.0,
    "times the dataset: itself and one copy, the least of a step that does not work in place",
    "this suite's choice; the author of Pandas advises 5 to 10 (W. McKinney, 2017)",
);

// --- compute

/// Double-precision operations a cycle of a core with AVX-512.
pub const FLOP_PER_CYCLE_AVX512: Constant = constant(
    Kind::Standard,
    32.0,
    "FP64 flop a cycle and core: 2 FMA ports × 8 lanes × 2, the widest AVX-512 implementation",
    "AVX-512 instruction set (512-bit registers); vendors' optimisation manuals for the two ports",
);

/// Double-precision operations a cycle of a core with AVX2.
pub const FLOP_PER_CYCLE_AVX2: Constant = constant(
    Kind::Standard,
    16.0,
    "FP64 flop a cycle and core: 2 FMA ports × 4 lanes × 2",
    "AVX2 and FMA3 instruction sets; vendors' optimisation manuals for the two ports",
);

/// Floating-point operations of bf16 in a cycle of a core with AMX.
pub const FLOP_PER_CYCLE_AMX: Constant = constant(
    Kind::Standard,
    1024.0,
    "bf16 flop a cycle and core: a tile product of 16 × 16 × 32 multiply-adds in 16 cycles",
    "Intel 64 and IA-32 Architectures Optimization Reference Manual, AMX: throughput of TDP instructions",
);

/// Integer operations in a cycle of a core with AMX.
pub const OP_PER_CYCLE_AMX: Constant = constant(
    Kind::Standard,
    2048.0,
    "int8 operations a cycle and core: a tile product of 16 × 16 × 64 multiply-adds in 16 cycles",
    "Intel 64 and IA-32 Architectures Optimization Reference Manual, AMX: throughput of TDP instructions",
);

/// Share of the peak that HPL reaches at the best.
pub const HPL_BEST_SHARE: Constant = constant(
    Kind::Measured,
    0.92,
    "of cores × flop/cycle × clock: upper end of published HPL runs on two sockets",
    "published HPL results, for instance 91.9 % of a two-socket node (RidgeRun) and the CPU systems of the TOP500 lists",
);

// --- storage and PCIe

/// Lanes of an NVMe drive.
pub const NVME_LANES: Constant =
    constant(Kind::Standard, 4.0, "PCIe lanes of a drive", "SFF-8639 (U.2) and SFF-TA-1008 (E3), x4 links");

/// Most PCIe lanes of a socket.
pub const MOST_LANES: Constant = constant(
    Kind::Datasheet,
    136.0,
    "PCIe lanes of the widest x86 server socket",
    "Intel Xeon 6 single-socket and AMD EPYC 9004 platform datasheets",
);

/// Share of the raw link rate up to which drives are published.
pub const LINK_BEST_SHARE: Constant = constant(
    Kind::Datasheet,
    0.92,
    "of the PCIe link after line coding: packet headers leave about this for data, and the fastest drives reach it",
    "PCIe Base Specification (24 B of header and framing for 256 B of payload)",
);

/// Array read time of TLC NAND, in seconds.
pub const TLC_READ: Constant = constant(
    Kind::Datasheet,
    40e-6,
    "s, array read time (tR) of the fastest published TLC NAND; the class is 40 to 75 µs",
    "ISSCC 2018 to 2021: 40, 45, 50, 50, 56 and 58 µs; datasheet of a 64-layer die: 51 µs (partial) and 74 µs (page)",
);

/// Default record size of ZFS, in bytes.
pub const ZFS_RECORD: Constant = constant(
    Kind::Standard,
    131_072.0,
    "B, default record size of ZFS: a record is read and checked as a whole",
    "OpenZFS manual, zfsprops(7), recordsize",
);

/// Requests that a drive needs in flight so that it never waits for the host.
pub const DRIVE_DEPTH: Constant = constant(
    Kind::Choice,
    2.0,
    "requests in flight a drive: one being served and one waiting, the least at which a drive never idles",
    "Little's law with one server a drive",
);

/// Share of requests that a p99 leaves above itself.
pub const P99_TAIL: Constant =
    constant(Kind::Physics, 0.01, "of the requests lie above a p99", "definition of a percentile");

// --- power

/// Most power of a PCIe add-in card, in watts.
pub const CARD_POWER: Constant = constant(
    Kind::Standard,
    675.0,
    "W, most that a PCIe add-in card may take (600 W by connector, 75 W by slot)",
    "PCI Express Card Electromechanical Specification 5.1",
);

/// Volts of a single-phase circuit of a rack.
pub const CIRCUIT_VOLTS: Constant = constant(
    Kind::Standard,
    240.0,
    "V, the highest voltage of a single-phase circuit of a rack; three phases at 400 V carry 2.9 times as much",
    "IEC 60038",
);

/// Share of its rating that a circuit carries for hours.
pub const CONTINUOUS: Constant =
    constant(Kind::Standard, 0.8, "of a circuit's rating for a load of three hours and more", "NFPA 70, 210.20");

// --- judgement

/// Share by which two figures may differ where one is said to be approximate.
pub const ABOUT: Constant =
    constant(Kind::Choice, 0.05, "relative difference that \"about\" covers", "this suite's reading of the word");

/// Share of a ceiling below which a target asks for little.
pub const LOOSE_SHARE: Constant =
    constant(Kind::Choice, 0.25, "of the ceiling: a target below asks for little", "this suite's choice");

/// Factor by which a rating may exceed what it must carry before it is remarked on.
pub const GENEROUS: Constant =
    constant(Kind::Choice, 2.0, "times the need: a rating above is remarked on", "this suite's choice");

/// Robust z above which a figure is an outlier.
pub const OUTLIER_Z: Constant = constant(
    Kind::Standard,
    3.5,
    "robust z, 0.6745 × (x − median) / MAD, of an outlier",
    "Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993",
);

/// Figures that a family must have.
pub const LEAST_FAMILY: Constant = constant(
    Kind::Choice,
    3.0,
    "distinct figures: fewer have no spread that one of them could stand out from",
    "this suite's choice",
);

/// Scale of the MAD of normally distributed figures.
pub const MAD_SCALE: Constant = constant(
    Kind::Physics,
    0.6745,
    "MAD of a normal distribution in standard deviations",
    "quartile of the normal distribution",
);

/// All constants, for the tests and for `Audit` readers.
pub const ALL: &[Constant] = &[
    CHANNEL_BYTES,
    DRAM_ACCESS,
    LINE_TRANSFERS,
    SERVER_IDLE_LATENCY,
    WIDEST_SOCKET,
    MEMORY_BEST_SHARE,
    MODULE_SOURCE,
    DATASET_COPIES,
    FLOP_PER_CYCLE_AMX,
    OP_PER_CYCLE_AMX,
    CIRCUIT_VOLTS,
    CONTINUOUS,
    FLOP_PER_CYCLE_AVX512,
    FLOP_PER_CYCLE_AVX2,
    HPL_BEST_SHARE,
    NVME_LANES,
    MOST_LANES,
    LINK_BEST_SHARE,
    TLC_READ,
    ZFS_RECORD,
    DRIVE_DEPTH,
    P99_TAIL,
    CARD_POWER,
    ABOUT,
    LOOSE_SHARE,
    GENEROUS,
    OUTLIER_Z,
    LEAST_FAMILY,
    MAD_SCALE,
];

/// Bytes a second and lane of a PCIe generation, after line coding, with its source.
#[must_use]
pub fn pcie_lane(generation: f64) -> Option<Constant> {
    // Generation, transfers a second, share of the bits that are data.
    const GENERATIONS: [(f64, f64, f64, &str); 6] = [
        (1.0, 2.5e9, 0.8, "B/s a lane of PCIe 1: 2.5 GT/s, 8b/10b"),
        (2.0, 5e9, 0.8, "B/s a lane of PCIe 2: 5 GT/s, 8b/10b"),
        (3.0, 8e9, 128.0 / 130.0, "B/s a lane of PCIe 3: 8 GT/s, 128b/130b"),
        (4.0, 16e9, 128.0 / 130.0, "B/s a lane of PCIe 4: 16 GT/s, 128b/130b"),
        (5.0, 32e9, 128.0 / 130.0, "B/s a lane of PCIe 5: 32 GT/s, 128b/130b"),
        (6.0, 64e9, 242.0 / 256.0, "B/s a lane of PCIe 6: 64 GT/s, flits of 242 in 256 B"),
    ];
    let (_, transfers, coding, about) =
        GENERATIONS.into_iter().find(|(number, ..)| (number - generation).abs() < 0.5)?;
    Some(constant(Kind::Standard, transfers * coding / 8.0, about, "PCI Express Base Specification"))
}

/// Whether modules have this capacity in bytes.
#[must_use]
pub fn is_module(bytes: f64) -> bool {
    MODULES.iter().any(|gib| (bytes / 1_073_741_824.0 - gib).abs() < 1e-9)
}

/// Which drive form factors a bay takes.
const BAYS: &[(&str, &[&str])] = &[
    ("2.5in", &["2.5in", "u.2", "u.3"]),
    ("u.2", &["2.5in", "u.2", "u.3"]),
    ("u.3", &["2.5in", "u.2", "u.3"]),
    ("3.5in", &["3.5in", "2.5in", "u.2", "u.3"]),
    ("e3.s", &["e3.s"]),
    ("e3.l", &["e3.l", "e3.s"]),
    ("e1.s", &["e1.s"]),
    ("e1.l", &["e1.l"]),
];

/// Where the form factors are standardised.
pub const BAY_SOURCE: Constant = constant(
    Kind::Standard,
    1.0,
    "form factor: 2.5-inch bays take SFF-8201 drives with SFF-8639 connectors (U.2, U.3); E1 and E3 have outlines and \
     connectors of their own",
    "SFF-8201, SFF-8639, SFF-TA-1006, SFF-TA-1008",
);

/// Whether a bay takes a drive; `None` where one of the two is not a known form factor.
#[must_use]
pub fn fits(bay: &str, drive: &str) -> Option<bool> {
    let (bay, drive) = (bay.to_lowercase(), drive.to_lowercase());
    BAYS.iter().find(|(name, _)| *name == drive)?;
    BAYS.iter().find(|(name, _)| *name == bay).map(|(_, drives)| drives.contains(&drive.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_carry_what_the_standard_says() {
        let check = |generation: f64, expect: Option<f64>| {
            let rate = pcie_lane(generation).map(|lane| (lane.value / 1e6).round());
            assert_eq!(rate, expect, "{generation}");
        };
        check(1.0, Some(250.0));
        check(3.0, Some(985.0));
        check(4.0, Some(1969.0));
        check(5.0, Some(3938.0));
        check(9.0, None);
    }

    #[test]
    fn modules_have_the_standard_s_capacities() {
        let check = |gib: f64, expect: bool| assert_eq!(is_module(gib * 1_073_741_824.0), expect, "{gib}");
        check(128.0, true);
        check(96.0, true);
        check(2048.0 / 24.0, false);
        check(512.0 / 24.0, false);
        check(512.0, false);
    }

    #[test]
    fn bays_take_what_fits() {
        let check = |bay, drive, expect| assert_eq!(fits(bay, drive), expect, "{drive} in {bay}");
        check("2.5in", "U.2", Some(true));
        check("2.5in", "E3.S", Some(false));
        check("E3.S", "E3.S", Some(true));
        check("E3.S", "U.2", Some(false));
        check("drawer", "U.2", None);
        check("2.5in", "floppy", None);
    }

    #[test]
    fn every_constant_says_what_it_is_and_where_it_is_from() {
        for constant in ALL {
            assert!(constant.value.is_finite() && constant.value > 0.0, "{constant:?}");
            assert!(!constant.about.is_empty() && !constant.source.is_empty(), "{constant:?}");
        }
    }
}
