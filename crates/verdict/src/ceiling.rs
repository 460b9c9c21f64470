//! What a host could deliver at most, by its detected hardware; where that is not known, the best that was measured.

use measure::{Better, Fact, Facts, Outcome, Quantity, Run, Unit};

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

const KERNELS: [&str; 6] = ["stream.read", "stream.write", "stream.copy", "stream.scale", "stream.add", "stream.triad"];

/// The limit of a metric on the host of this run.
pub(crate) fn host_limit(metric: &str, run: &Run) -> Option<HostLimit> {
    let headline = |name: &str| KERNELS.contains(&name);
    match metric {
        name if headline(name) => memory_bandwidth(&run.facts).or_else(|| {
            let kernel = |name: &str| headline(name) || name.starts_with("stream.kernel.");
            reference(run, "the best bandwidth of all kernels", kernel)
        }),
        "dense.fma" | "dense.dgemm" | "dense.hpl" => {
            flops(run).or_else(|| reference(run, "the FMA peak", |name| name == "dense.fma"))
        }
        "disk.seqread.bandwidth" | "disk.seqwrite.bandwidth" => links(&run.facts, 1.0, Unit::BytePerSecond),
        "disk.randread.iops" => links(&run.facts, 4096.0, Unit::IoPerSecond),
        _ => None,
    }
}

/// A number with its text and source: `5600 MT/s (SMBIOS)`.
fn input(facts: &Facts, id: &str) -> Option<(f64, String)> {
    let value = facts.number(id).filter(|value| value.is_finite() && *value > 0.0)?;
    let Fact { source, .. } = facts.0.get(id)?;
    Some((value, format!("{} ({source})", facts.value(id)?)))
}

/// Channels × transfers a second × 8 bytes: a DDR channel is 64 bits wide (JEDEC; DDR5 has two of 32).
fn memory_bandwidth(facts: &Facts) -> Option<HostLimit> {
    let (channels, channels_text) = input(facts, "memory.channels")?;
    let (rate, rate_text) = input(facts, "memory.data_rate")?;
    Some(HostLimit {
        value: Quantity::new(channels * rate * 8.0, Unit::BytePerSecond),
        kind: LimitKind::Ceiling,
        how: format!("{channels_text} channels × {rate_text} × 8 B"),
        slack: NOMINAL,
    })
}

/// Cores × measured clock × flop in a cycle.
fn flops(run: &Run) -> Option<HostLimit> {
    let (cores, cores_text) = input(&run.facts, "cpu.cores")?;
    let (family, family_text) = match run.facts.value("cpu.microarchitecture")? {
        measure::FactValue::Text(text) => (flop_per_cycle(text)?, text.clone()),
        _ => return None,
    };
    let (clock, series) = best(run, |name| name == "dense.clock")?;
    Some(HostLimit {
        value: Quantity::new(cores * clock * family, Unit::FlopPerSecond),
        kind: LimitKind::Ceiling,
        how: format!(
            "{cores_text} cores × {} ({series}) × {family} flop/cycle ({family_text})",
            Quantity::new(clock, Unit::Hertz)
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

/// Drives × lanes × bytes a second of a lane, divided by the bytes of an operation.
fn links(facts: &Facts, bytes: f64, unit: Unit) -> Option<HostLimit> {
    let (drives, drives_text) = input(facts, "storage.scratch.drives")?;
    let (lanes, lanes_text) = input(facts, "storage.scratch.pcie_lanes")?;
    let (generation, generation_text) = input(facts, "storage.scratch.pcie_gen")?;
    let lane = lane_rate(generation)?;
    let operation = if bytes > 1.0 { format!(" / {bytes} B") } else { String::new() };
    Some(HostLimit {
        value: Quantity::new(drives * lanes * lane / bytes, unit),
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
fn lane_rate(generation: f64) -> Option<f64> {
    let table =
        [2.5e9 * 0.8, 5e9 * 0.8, 8e9 * 128.0 / 130.0, 16e9 * 128.0 / 130.0, 32e9 * 128.0 / 130.0, 64e9 * 242.0 / 256.0];
    let known = (1..).zip(table).find(|(number, _)| (f64::from(*number) - generation).abs() < 0.5);
    known.map(|(_, bits)| bits / 8.0)
}

/// The best median of the series that a rule picks.
fn best(run: &Run, picks: impl Fn(&str) -> bool) -> Option<(f64, String)> {
    let medians = run.outcomes().filter_map(|outcome| match outcome {
        Outcome::Measured(one) if picks(&one.metric.name) && one.metric.better == Better::Higher => {
            one.summary().map(|summary| (summary.median, one.id().to_string()))
        }
        Outcome::Measured(_) | Outcome::NotMeasured(_) => None,
    });
    medians.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(value, _)| *value > 0.0)
}

fn reference(run: &Run, what: &str, picks: impl Fn(&str) -> bool) -> Option<HostLimit> {
    let (value, series) = best(run, &picks)?;
    let unit = run.outcomes().find_map(|outcome| match outcome {
        Outcome::Measured(one) if one.id().to_string() == series => Some(one.metric.unit),
        Outcome::Measured(_) | Outcome::NotMeasured(_) => None,
    })?;
    Some(HostLimit {
        value: Quantity::new(value, unit),
        kind: LimitKind::Reference,
        how: format!("{what} on this host, {series}; its ceiling is not known"),
        slack: 0.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::{measured, run};

    fn check(metric: &str, change: impl FnOnce(&mut Run), expect: Option<(f64, LimitKind)>) {
        let mut run = run();
        change(&mut run);
        let limit = host_limit(metric, &run);
        assert_eq!(limit.as_ref().map(|limit| (limit.value.value, limit.kind)), expect, "{metric}: {limit:?}");
    }

    #[test]
    fn limits_come_from_the_hardware_or_from_a_measurement() {
        use LimitKind::{Ceiling, Reference};
        let blind = |run: &mut Run| drop(run.facts.0.remove("memory.channels"));
        check("stream.triad", |_| {}, Some((153.6e9, Ceiling)));
        check("stream.triad", blind, Some((110e9, Reference)));
        let better = |run: &mut Run| {
            blind(run);
            let outcomes = &mut run.attempts[0].outcomes;
            outcomes.push(measured("stream.kernel.read", Unit::BytePerSecond, &[130e9]));
            outcomes.push(measured("stream.bandwidth.sweep", Unit::BytePerSecond, &[900e9]));
        };
        check("stream.triad", better, Some((130e9, Reference)));
        check("stream.latency", |_| {}, None);

        let peak = |run: &mut Run| {
            run.facts.quantity("cpu.cores", 64.0, Unit::Count, "sysfs");
            let outcomes = &mut run.attempts[0].outcomes;
            outcomes.push(measured("dense.fma", Unit::FlopPerSecond, &[3.0e12]));
            outcomes.push(measured("dense.clock", Unit::Hertz, &[3.5e9]));
        };
        check("dense.hpl", |_| {}, None);
        check("dense.hpl", peak, Some((3.0e12, Reference)));
        let known = |run: &mut Run| {
            peak(run);
            run.facts.text("cpu.microarchitecture", "AuthenticAMD family 25 model 17 stepping 1", "CPUID");
        };
        check("dense.hpl", known, Some((64.0 * 3.5e9 * 16.0, Ceiling)));

        let drives = |run: &mut Run| {
            for (id, value) in [("drives", 6.0), ("pcie_lanes", 4.0), ("pcie_gen", 5.0)] {
                run.facts.quantity(&format!("storage.scratch.{id}"), value, Unit::Count, "sysfs");
            }
        };
        let bandwidth = 6.0 * 4.0 * (32e9 * 128.0 / 130.0 / 8.0);
        check("disk.seqread.bandwidth", |_| {}, None);
        check("disk.seqread.bandwidth", drives, Some((bandwidth, Ceiling)));
        check("disk.randread.iops", drives, Some((bandwidth / 4096.0, Ceiling)));
        check("disk.randread.p99", drives, None);
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
