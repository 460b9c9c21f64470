//! What a host could deliver at most, by its detected hardware; where that is not known, the best that was measured.

use measure::{
    Better, Ceiling, Definition, Fact, FactValue, Facts, Measurement, Outcome, Quantity, Run, Unit, definition,
    families, metrics,
};

/// What a share of the host is a share of.
#[derive(Clone, Debug, PartialEq)]
pub struct HostLimit {
    /// The most, in the metric's unit.
    pub value: Quantity,
    /// Whether it is physics or a measurement.
    pub kind: LimitKind,
    /// The arithmetic with its inputs and where each came from.
    pub how: String,
    /// How far a result may be above a ceiling before it is implausible, as a share: what its inputs are inexact by.
    pub slack: f64,
}

/// What kind of limit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    /// By physics: nothing can be above it.
    Ceiling,
    /// The best of the kernels on this host: a limit that is not known is not guessed.
    Reference,
}

impl LimitKind {
    /// The word in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            LimitKind::Ceiling => "ceiling",
            LimitKind::Reference => "reference",
        }
    }
}

/// Rates of DIMMs and links are nominal: clocks are off by less than this.
const NOMINAL: f64 = 0.005;
/// A clock that was measured in another moment than the result.
const CLOCKED: f64 = 0.03;

impl HostLimit {
    /// Whether a result is further than the limit allows, whatever the direction.
    pub(crate) fn is_beyond(&self, value: f64, better: Better) -> bool {
        match better {
            Better::Higher => value > self.value.value * (1.0 + self.slack),
            Better::Lower => value < self.value.value * (1.0 - self.slack),
        }
    }
}

/// The limit of a headline on the host of this run. Other metrics have none: modelled traffic may be above what the bus
/// carries, and the best of samples above a reference of medians.
pub(crate) fn host_limit(metric: &Definition, run: &Run) -> Option<HostLimit> {
    match metric.ceiling.filter(|_| metric.is_headline())? {
        Ceiling::MemoryBandwidth => {
            memory_bandwidth(&run.facts).or_else(|| reference(run, "the best bandwidth of all kernels", is_kernel))
        }
        Ceiling::FlopRate => {
            flops(run).or_else(|| reference(run, "the FMA peak", |metric| *metric == metrics::DENSE_FMA))
        }
        Ceiling::DriveLinks { block } => links(&run.facts, block, metric.unit),
        Ceiling::DramLatency | Ceiling::NandLatency => None,
    }
}

/// The limit of a headline on a host of which perhaps only facts are known.
pub(crate) fn limit_of(metric: &Definition, facts: &Facts, run: Option<&Run>) -> Option<HostLimit> {
    let of_facts = || match metric.ceiling.filter(|_| metric.is_headline())? {
        Ceiling::MemoryBandwidth => memory_bandwidth(facts),
        Ceiling::FlopRate => flops_at_turbo(facts),
        Ceiling::DriveLinks { block } => links(facts, block, metric.unit),
        Ceiling::DramLatency | Ceiling::NandLatency => None,
    };
    run.and_then(|run| host_limit(metric, run)).or_else(of_facts)
}

/// Cores × the highest clock of one of them × flop in a cycle: where no clock was measured.
fn flops_at_turbo(facts: &Facts) -> Option<HostLimit> {
    let (cores, cores_text) = input(facts, "cpu.cores")?;
    let (clock, clock_text) = input(facts, "cpu.turbo_clock")?;
    let FactValue::Text(text) = facts.value("cpu.microarchitecture")? else { return None };
    let per_cycle = flop_per_cycle(text)?;
    Some(HostLimit {
        value: Quantity::new(cores * clock * per_cycle, Unit::FlopPerSecond),
        kind: LimitKind::Ceiling,
        how: format!("{cores_text} cores × {clock_text} × {per_cycle} flop/cycle ({text})"),
        slack: NOMINAL,
    })
}

/// The least that a load from memory takes, by the kind of its modules; no limit where that is not known. No share is told
/// of it: the way from the core to the module and back takes most of a load's time.
///
/// Opening a row and reading of it (tRCD and CL) takes 12.5 ns each in the fastest speed bins of JESD79-4 (DDR4), and DDR5's
/// are no faster. Modules beyond these bins are a few ns faster, and the way of the load alone takes more than that.
pub(crate) fn least_latency(metric: &Definition, facts: &Facts) -> Option<HostLimit> {
    metric.ceiling.filter(|ceiling| *ceiling == Ceiling::DramLatency)?;
    let Some(FactValue::Text(kind)) = facts.value("memory.type") else { return None };
    let is_known = |part: &str| part.split_whitespace().next().is_some_and(|word| ["DDR4", "DDR5"].contains(&word));
    kind.split(", ").all(is_known).then(|| HostLimit {
        value: Quantity::new(25e-9, Unit::Second),
        kind: LimitKind::Ceiling,
        how: format!("opening a row of {kind} and reading of it, 12.5 ns each in the fastest speed bin of JEDEC"),
        slack: 0.0,
    })
}

/// The least that a read from NVMe drives of flash takes, whose files lay on them; no limit where they may be of something
/// else. Samsung's Z-NAND, the fastest that was sold, needs 3 µs to read a page (Cheong et al., ISSCC 2018).
pub(crate) fn least_read(metric: &Definition, facts: &Facts) -> Option<HostLimit> {
    /// Names of drives of 3D `XPoint`, which is no flash and faster.
    const XPOINT: [&str; 7] = ["OPTANE", "SSDPE21", "SSDPED1", "SSDPEL1", "SSDPF21", "P4800X", "P5800X"];
    metric.ceiling.filter(|ceiling| *ceiling == Ceiling::NandLatency)?;
    let text = |id: &str| match facts.value(id) {
        Some(FactValue::Text(text)) => Some(text.to_uppercase()),
        _ => None,
    };
    let (media, model) = (text("storage.scratch.media")?, text("storage.scratch.model")?);
    let is_flash = media == "NVME" && !XPOINT.iter().any(|name| model.contains(name));
    is_flash.then(|| HostLimit {
        value: Quantity::new(3e-6, Unit::Second),
        kind: LimitKind::Ceiling,
        how: "reading a page of the fastest flash that was sold takes as long".to_owned(),
        slack: 0.0,
    })
}

/// Whether it is the rate of a kernel as the median of its samples has it, and not the best of them or a model's.
fn is_kernel(metric: &Definition) -> bool {
    let variant = *metric.family == families::STREAM_KERNEL;
    metric.ceiling == Some(Ceiling::MemoryBandwidth) && (metric.is_headline() || variant)
}

/// Whether limits of a host are computed from what was measured of it.
pub(crate) fn is_of_a_limit(metric: &Definition) -> bool {
    is_kernel(metric) || *metric == metrics::DENSE_FMA || *metric == metrics::DENSE_CLOCK
}

/// A number with its text and source: `5600 MT/s (SMBIOS)`.
fn input(facts: &Facts, id: &str) -> Option<(f64, String)> {
    let value = facts.number(id).filter(|value| value.is_finite() && *value > 0.0)?;
    let Fact { source, .. } = facts.0.get(id)?;
    Some((value, format!("{} ({source})", facts.value(id)?)))
}

/// Channels × transfers a second × bytes of a transfer. A DDR channel is 64 bits wide (JEDEC; DDR5 has two of 32): so are
/// those of records that do not tell it.
fn memory_bandwidth(facts: &Facts) -> Option<HostLimit> {
    let (channels, channels_text) = input(facts, "memory.channels")?;
    let (rate, rate_text) = input(facts, "memory.data_rate")?;
    let width = input(facts, "memory.channel_width").map_or(8.0, |(width, _)| width);
    Some(HostLimit {
        value: Quantity::new(channels * rate * width, Unit::BytePerSecond),
        kind: LimitKind::Ceiling,
        how: format!("{channels_text} channels × {rate_text} × {width} B"),
        slack: NOMINAL,
    })
}

/// Cores × measured clock × flop in a cycle.
fn flops(run: &Run) -> Option<HostLimit> {
    let (cores, cores_text) = input(&run.facts, "cpu.cores")?;
    let (family, family_text) = match run.facts.value("cpu.microarchitecture")? {
        FactValue::Text(text) => (flop_per_cycle(text)?, text.clone()),
        _ => return None,
    };
    let (clock, one) = best(run, |metric| *metric == metrics::DENSE_CLOCK)?;
    Some(HostLimit {
        value: Quantity::new(cores * clock * family, Unit::FlopPerSecond),
        kind: LimitKind::Ceiling,
        how: format!(
            "{cores_text} cores × {} ({}) × {family} flop/cycle ({family_text})",
            Quantity::new(clock, Unit::Hertz),
            one.id()
        ),
        slack: CLOCKED,
    })
}

/// FP64 operations in a cycle of a core: FMA pipes × lanes × 2; `None` for a core that is not in the tables.
///
/// Sources: AMD's Software Optimization Guides for families 17h, 19h and 1Ah; Intel's Optimization Reference Manual
/// (server cores with two 512-bit FMA units; some models 85 have one, so these are left out).
fn flop_per_cycle(microarchitecture: &str) -> Option<f64> {
    let mut words = microarchitecture.split_whitespace();
    let vendor = words.next()?;
    let rest: Vec<&str> = words.collect();
    let after = |key: &str| rest.iter().skip_while(|word| **word != key).nth(1)?.parse::<u32>().ok();
    match (vendor, after("family")?, after("model")?) {
        ("AuthenticAMD", 23, 0..=0x2f) => Some(8.0),
        ("AuthenticAMD", 23 | 25, _) | ("GenuineIntel", 6, 63 | 79) => Some(16.0),
        ("AuthenticAMD", 26, 0..=0x1f) | ("GenuineIntel", 6, 106 | 143 | 173 | 174 | 207) => Some(32.0),
        _ => None,
    }
}

/// Drives × lanes × bytes a second of a lane; in operations where they are of a `block`.
fn links(facts: &Facts, block: Option<u32>, unit: Unit) -> Option<HostLimit> {
    let (drives, drives_text) = input(facts, "storage.scratch.drives")?;
    let (lanes, lanes_text) = input(facts, "storage.scratch.pcie_lanes")?;
    let (generation, generation_text) = input(facts, "storage.scratch.pcie_gen")?;
    let lane = lane_rate(generation)?;
    let operation = block.map(|bytes| format!(" / {bytes} B")).unwrap_or_default();
    Some(HostLimit {
        value: Quantity::new(drives * lanes * lane / block.map_or(1.0, f64::from), unit),
        kind: LimitKind::Ceiling,
        how: format!(
            "{drives_text} drives × {lanes_text} lanes × {} a lane of PCIe {generation_text}{operation}",
            Quantity::new(lane, Unit::BytePerSecond)
        ),
        slack: NOMINAL,
    })
}

/// Bytes a second of a `PCIe` lane in one direction after the line code: 8b/10b to generation 2, 128b/130b to 5, and
/// flits of 256 bytes with 242 for packets in 6 (PCI Express Base Specification 6.0).
pub(crate) fn lane_rate(generation: f64) -> Option<f64> {
    let table =
        [2.5e9 * 0.8, 5e9 * 0.8, 8e9 * 128.0 / 130.0, 16e9 * 128.0 / 130.0, 32e9 * 128.0 / 130.0, 64e9 * 242.0 / 256.0];
    let known = (1..).zip(table).find(|(number, _)| (f64::from(*number) - generation).abs() < 0.5);
    known.map(|(_, bits)| bits / 8.0)
}

/// The best median of the series whose metrics a rule picks, and the series.
fn best(run: &Run, picks: impl Fn(&Definition) -> bool) -> Option<(f64, &Measurement)> {
    let picked =
        run.outcomes().filter_map(Outcome::measured).filter(|one| definition(&one.metric.name).is_some_and(&picks));
    let medians = picked.filter_map(|one| Some((one.summary()?.median, one)));
    medians.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(value, _)| *value > 0.0)
}

fn reference(run: &Run, what: &str, picks: impl Fn(&Definition) -> bool) -> Option<HostLimit> {
    let (value, one) = best(run, picks)?;
    Some(HostLimit {
        value: Quantity::new(value, one.metric.unit),
        kind: LimitKind::Reference,
        how: format!("{what} on this host, {}; its ceiling is not known", one.id()),
        slack: 0.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::{measured, run};

    fn check(metric: &Definition, change: impl FnOnce(&mut Run), expect: Option<(f64, LimitKind)>) {
        let mut run = run();
        change(&mut run);
        let limit = host_limit(metric, &run);
        assert_eq!(limit.as_ref().map(|limit| (limit.value.value, limit.kind)), expect, "{}: {limit:?}", metric.id);
    }

    #[test]
    fn limits_come_from_the_hardware_or_from_a_measurement() {
        use LimitKind::{Ceiling, Reference};
        let blind = |run: &mut Run| drop(run.facts.0.remove("memory.channels"));
        let narrow = |run: &mut Run| run.facts.quantity("memory.channel_width", 4.0, Unit::Byte, "SMBIOS");
        check(&metrics::STREAM_TRIAD, |_| {}, Some((153.6e9, Ceiling)));
        check(&metrics::STREAM_TRIAD, narrow, Some((76.8e9, Ceiling)));
        check(&metrics::STREAM_TRIAD, blind, Some((110e9, Reference)));
        let better = |run: &mut Run| {
            blind(run);
            let outcomes = &mut run.attempts[0].outcomes;
            outcomes.push(measured(&metrics::STREAM_KERNEL_READ, &[130e9]));
            outcomes.push(measured(&metrics::STREAM_BANDWIDTH_SWEEP, &[900e9]));
            outcomes.push(measured(&metrics::STREAM_TRIAD_BEST, &[140e9]));
            outcomes.push(measured(&metrics::STREAM_TRIAD_BUS, &[150e9]));
        };
        check(&metrics::STREAM_TRIAD, better, Some((130e9, Reference)));
        check(&metrics::STREAM_LATENCY, |_| {}, None);

        let peak = |run: &mut Run| {
            run.facts.quantity("cpu.cores", 64.0, Unit::Count, "sysfs");
            let outcomes = &mut run.attempts[0].outcomes;
            outcomes.push(measured(&metrics::DENSE_FMA, &[3.0e12]));
            outcomes.push(measured(&metrics::DENSE_CLOCK, &[3.5e9]));
        };
        check(&metrics::DENSE_HPL, |_| {}, None);
        check(&metrics::DENSE_HPL, peak, Some((3.0e12, Reference)));
        let known = |run: &mut Run| {
            peak(run);
            run.facts.text("cpu.microarchitecture", "AuthenticAMD family 25 model 17 stepping 1", "CPUID");
        };
        check(&metrics::DENSE_HPL, known, Some((64.0 * 3.5e9 * 16.0, Ceiling)));

        let drives = |run: &mut Run| {
            for (id, value) in [("drives", 6.0), ("pcie_lanes", 4.0), ("pcie_gen", 5.0)] {
                run.facts.quantity(&format!("storage.scratch.{id}"), value, Unit::Count, "sysfs");
            }
        };
        let bandwidth = 6.0 * 4.0 * (32e9 * 128.0 / 130.0 / 8.0);
        check(&metrics::DISK_SEQREAD_BANDWIDTH, |_| {}, None);
        check(&metrics::DISK_SEQREAD_BANDWIDTH, drives, Some((bandwidth, Ceiling)));
        check(&metrics::DISK_RANDREAD_IOPS, drives, Some((bandwidth / 4096.0, Ceiling)));
        check(&metrics::DISK_RANDREAD_P99, drives, None);
    }

    #[test]
    fn no_load_is_faster_than_its_modules() {
        let check = |metric: &Definition, kind: Option<&str>, expect: Option<f64>| {
            let mut facts = Facts::default();
            if let Some(kind) = kind {
                facts.text("memory.type", kind, "SMBIOS");
            }
            let limit = least_latency(metric, &facts);
            assert_eq!(limit.map(|limit| limit.value.value), expect, "{} {kind:?}", metric.id);
        };
        check(&metrics::STREAM_LATENCY, Some("DDR5 ECC RDIMM"), Some(25e-9));
        check(&metrics::STREAM_LATENCY, Some("DDR4"), Some(25e-9));
        check(&metrics::STREAM_LATENCY, Some("HBM3"), None);
        check(&metrics::STREAM_LATENCY, Some("DDR5 ECC RDIMM, HBM3"), None);
        check(&metrics::STREAM_LATENCY, Some("Logical non-volatile device"), None);
        check(&metrics::STREAM_LATENCY, None, None);
        check(&metrics::DISK_RANDREAD_P99, Some("DDR5 ECC RDIMM"), None);
    }

    #[test]
    fn no_read_is_faster_than_flash() {
        let check = |metric: &Definition, media: Option<&str>, model: Option<&str>, expect: Option<f64>| {
            let mut facts = Facts::default();
            for (id, value) in [("storage.scratch.media", media), ("storage.scratch.model", model)] {
                if let Some(value) = value {
                    facts.text(id, value, "sysfs");
                }
            }
            let limit = least_read(metric, &facts);
            assert_eq!(limit.map(|limit| limit.value.value), expect, "{} {media:?} {model:?}", metric.id);
        };
        let p99 = &metrics::DISK_RANDREAD_P99;
        check(p99, Some("nvme"), Some("SAMSUNG MZQL23T8HCLS-00A07"), Some(3e-6));
        check(p99, Some("nvme"), Some("INTEL SSDPF21Q400GB"), None);
        check(p99, Some("nvme"), Some("Intel Optane SSD 900P"), None);
        check(p99, Some("nvme"), None, None);
        check(p99, Some("nvme, virtio"), Some("SAMSUNG MZQL23T8HCLS-00A07"), None);
        check(p99, None, Some("SAMSUNG MZQL23T8HCLS-00A07"), None);
        check(&metrics::DISK_SEQWRITE_P99, Some("nvme"), Some("SAMSUNG MZQL23T8HCLS-00A07"), None);
    }

    #[test]
    fn cores_that_are_not_in_the_tables_have_no_peak() {
        let check = |text: &str, expect: Option<f64>| assert_eq!(flop_per_cycle(text), expect, "{text}");
        check("AuthenticAMD family 23 model 1 stepping 2", Some(8.0));
        check("AuthenticAMD family 23 model 49 stepping 0", Some(16.0));
        check("AuthenticAMD family 25 model 17 stepping 1", Some(16.0));
        check("AuthenticAMD family 26 model 2 stepping 1", Some(32.0));
        check("AuthenticAMD family 26 model 36 stepping 0", None);
        check("GenuineIntel family 6 model 207 stepping 2", Some(32.0));
        check("GenuineIntel family 6 model 85 stepping 7", None);
        check("family model", None);
        check("", None);
    }
}
