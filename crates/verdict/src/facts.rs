//! Host against document, fact by fact, and the operational limits.

use std::fmt;

use measure::{Fact, FactValue, Facts, Quantity, Reading, Unit};
use spec::{Bound, Limit, StatedFact};

use crate::names::{has_words, same_form, same_layout, same_name, words};

/// How a host's fact compares with what is documented of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FactMatch {
    /// The host is as documented, or within the limit.
    Match,
    /// It is not.
    Differs {
        /// What the document says, and what the host is.
        how: String,
    },
    /// It is not known.
    Unknown {
        /// Why, and what would tell it.
        why: String,
    },
}

/// Documents round clocks, rates and watts.
const ROUNDED: f64 = 0.02;
/// What firmware lists is exact; this is for the arithmetic of spellings.
const EXACT: f64 = 1e-9;
/// Sizes of drives and caches are exact but for the digits that a document leaves out: 7.68 TB are 7,681,501,126,656 B.
const SIZE: f64 = 0.01;
/// What "about" may mean.
const ABOUT: f64 = 0.05;
/// Firmware and kernel keep up to this share of the installed memory to themselves.
const KEPT: f64 = 0.07;

/// Compares one statement with what the host is.
///
/// Counts are exact. Sizes match in either spelling (a "128 GB" DIMM has 128 GiB); the installed memory is what the
/// firmware lists, and where only the kernel's total is known that may be 7 % less; drives may
/// differ by 1 %. Names are exact in the model's words ([`crate::names`]), and where the statement lists what it admits,
/// the host's is one of these.
#[must_use]
pub(crate) fn compare_fact(stated: &StatedFact, host: &Facts) -> FactMatch {
    let fact = host.0.get(&stated.id);
    let value = match present(fact) {
        Ok(value) => value,
        Err(why) => return FactMatch::Unknown { why },
    };
    let agrees = match (&stated.value, value) {
        (FactValue::Quantity(documented), FactValue::Quantity(found)) => {
            numbers_agree(stated, *documented, *found, host)
        }
        (FactValue::Text(documented), FactValue::Text(found)) => {
            let (name, condition) = documented.split_once(", if ").unwrap_or((documented, ""));
            if !condition.is_empty() && !texts_agree(stated, name, found) {
                return FactMatch::Unknown { why: format!("the document states it only \"if {condition}\"") };
            }
            texts_agree(stated, name, found)
        }
        (documented, found) => documented == found,
    };
    if !agrees {
        return differs(&stated.value.stated(&stated.id), &value.shown(&stated.id), fact);
    }
    match host.number("storage.boot.missing") {
        Some(missing) if missing > 0.0 && stated.id == "storage.boot.layout" => FactMatch::Differs {
            how: format!(
                "the document says {}, and {value} lacks {missing} drives: nothing is mirrored now",
                stated.value
            ),
        },
        _ => FactMatch::Match,
    }
}

/// Checks a host against an operational limit.
///
/// The limit on temperature, which the document states as `thermal.limit`, is compared with the hottest sensor.
#[must_use]
pub(crate) fn check_limit(limit: &Limit, host: &Facts) -> FactMatch {
    let id = if limit.fact == "thermal.limit" { "thermal.highest" } else { &limit.fact };
    let fact = host.0.get(id);
    if let Bound::Open(words) = &limit.bound {
        return open(words, id, host);
    }
    let value = match present(fact) {
        Ok(value) => value,
        Err(why) => return FactMatch::Unknown { why },
    };
    let (kept, bound) = match (&limit.bound, value) {
        (Bound::AtMost(most), FactValue::Quantity(found)) if found.unit == most.unit => {
            (found.value <= most.value, format!("at most {most}"))
        }
        (Bound::AtLeast(least), FactValue::Quantity(found)) if found.unit == least.unit => {
            (found.value >= least.value, format!("at least {least}"))
        }
        (Bound::OneOf(names), FactValue::Text(found)) => {
            // Versions are whole words: 560.35 is not 560.35.03.
            (names.iter().any(|name| words(name) == words(found)), format!("one of {}", names.join(", ")))
        }
        (bound, _) => return FactMatch::Unknown { why: format!("{bound:?} cannot be compared with {value}") },
    };
    if kept { FactMatch::Match } else { differs(&bound, &value.to_string(), fact) }
}

/// What the document asks for in words is held against what this suite asks, where it asks something.
fn open(words: &str, id: &str, host: &Facts) -> FactMatch {
    let words = format!("the document gives no figure (\"{words}\")");
    let Ok(value) = present(host.0.get(id)) else {
        return FactMatch::Unknown { why: format!("{words}; the host is not known") };
    };
    match (own_bound(id, value, host), value) {
        (Some((true, _)), _) => FactMatch::Match,
        (Some((false, asked)), _) => {
            FactMatch::Differs { how: format!("{words}; this suite asks {asked}, and the host has {value}") }
        }
        (None, FactValue::Text(_)) => FactMatch::Unknown {
            why: format!(
                "{words}; the host has {value}: list what your site has validated (`one_of` instead of `open`) in a \
                 specification of your own"
            ),
        },
        (None, FactValue::Quantity(_) | FactValue::Flag(_)) => FactMatch::Unknown {
            why: format!(
                "{words}; the host has {value}: write the bound of your parts (`at_most` instead of `open`) in a \
                 specification of your own"
            ),
        },
    }
}

/// What this suite asks of a limit that the document leaves open, in words.
pub(crate) fn own_bound_asked(id: &str, host: &Facts) -> Option<String> {
    own_bound(id, present(host.0.get(id)).ok()?, host).map(|(_, asked)| asked)
}

/// Open files of a process that pools of workers with shared memory need at least.
const FILES: f64 = 65_536.0;
/// The endurance that a drive may have used.
const WORN: f64 = 0.8;
/// The kernel gives `/dev/shm` half of the memory by itself; who increased it has more.
const HALF: f64 = 0.505;

/// Whether a value keeps what this suite asks of a fact that documents leave open, and what that is in words.
fn own_bound(id: &str, value: &FactValue, host: &Facts) -> Option<(bool, String)> {
    let FactValue::Quantity(found) = value else { return None };
    match id {
        "os.file_handles" => Some((found.value >= FILES, format!("at least {FILES}"))),
        "os.shm" => {
            let least = host.number("memory.total")? * HALF;
            Some((found.value >= least, "more than the half of the memory that the kernel gives by itself".to_owned()))
        }
        "storage.scratch.wear" | "storage.boot.wear" => {
            Some((found.value <= WORN, format!("at most {}", Quantity::new(WORN, Unit::Ratio))))
        }
        _ => None,
    }
}

/// The value of a fact, or why there is none.
fn present(fact: Option<&Fact>) -> Result<&FactValue, String> {
    let Some(fact) = fact else { return Err("not reported by this host".to_owned()) };
    match &fact.reading {
        Reading::Present(value) => Ok(value),
        Reading::Absent => Err(format!("not reported by this host ({})", fact.source)),
        Reading::Denied { remedy } => Err(format!("{} may not be read: {remedy}", fact.source)),
        Reading::Failed { error } => Err(format!("reading {} failed: {error}", fact.source)),
    }
}

fn differs(documented: &impl fmt::Display, found: &str, fact: Option<&Fact>) -> FactMatch {
    let source = fact.map(|fact| fact.source.as_str()).unwrap_or_default();
    FactMatch::Differs { how: format!("the document says {documented}, the host has {found} ({source})") }
}

fn numbers_agree(stated: &StatedFact, documented: Quantity, found: Quantity, host: &Facts) -> bool {
    if documented.unit != found.unit {
        return false;
    }
    let room: f64 = match documented.unit {
        Unit::Count => 0.0,
        Unit::Byte if stated.id.starts_with("memory.") => EXACT,
        Unit::Byte => SIZE,
        _ => ROUNDED,
    };
    let room = if stated.approximate { room.max(ABOUT) } else { room };
    // Where no firmware table lists the DIMMs, the capacity is the kernel's total.
    let is_total = stated.id == "memory.capacity" && host.number("memory.total") == Some(found.value);
    let below = if is_total { room.max(KEPT) } else { room };
    let near = |size: f64| found.value >= size * (1.0 - below) && found.value <= size * (1.0 + room);
    if documented.unit != Unit::Byte {
        return near(documented.value);
    }
    spellings(&stated.id, documented.value).into_iter().any(near)
}

/// A size as written, and where that is no whole number in the spelling of its kind, as the other spelling reads it.
///
/// Memory and caches come in binary sizes, so a host may have more than was written in decimal; drives come in decimal
/// sizes, so it may have less than was written in binary.
fn spellings(id: &str, size: f64) -> Vec<f64> {
    let is_drive = id.starts_with("storage.");
    // 2048 GB is a whole number of MiB too (1e9 holds 2^9), and none of 16 MiB.
    let (own, sign) = if is_drive { (1e6, -1) } else { (16.0 * 1_048_576.0, 1) };
    if size % own == 0.0 {
        return vec![size];
    }
    let powers: &[i32] = match size {
        1e12.. => &[3, 4],
        1e9.. => &[3],
        1e6.. => &[2],
        _ => &[1],
    };
    let other = powers.iter().map(|power| size * 1.024_f64.powi(sign * power));
    std::iter::once(size).chain(other).collect()
}

/// Whether the host's text is one that the statement admits; kinds of memory and form factors have rules of their own.
fn texts_agree(stated: &StatedFact, name: &str, found: &str) -> bool {
    let agree: fn(&str, &str) -> bool = match stated.id.as_str() {
        "memory.type" => has_words,
        id if id.starts_with("storage.") && id.ends_with("form_factor") => same_form,
        "chassis.bay_form_factor" => same_form,
        "storage.boot.layout" => same_layout,
        _ => same_name,
    };
    if stated.admits.is_empty() {
        return agree(name, found);
    }
    stated.admits.iter().any(|name| agree(name, found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::{number, stated};
    use proptest::prelude::*;
    use spec::Place;

    const GIB: f64 = 1_073_741_824.0;

    fn host(id: &str, value: FactValue) -> Facts {
        let mut facts = Facts::default();
        facts.present(id, value, "test");
        facts
    }

    fn text(text: &str) -> FactValue {
        FactValue::Text(text.to_owned())
    }

    fn check(id: &str, documented: FactValue, approximate: bool, found: FactValue, expect: bool) {
        let stated = StatedFact { approximate, ..stated(id, documented) };
        let answer = compare_fact(&stated, &host(id, found));
        assert_eq!(answer == FactMatch::Match, expect, "{stated:?}: {answer:?}");
    }

    #[test]
    fn sizes_match_in_both_spellings_and_a_missing_part_does_not() {
        let byte = |value: f64| number(value, Unit::Byte);
        check("memory.dimm_capacity", byte(128e9), false, byte(128.0 * GIB), true);
        check("memory.dimm_capacity", byte(128.0 * GIB), false, byte(128.0 * GIB), true);
        check("memory.dimm_capacity", byte(128.0 * GIB), false, byte(128e9), false);
        check("memory.capacity", byte(2e12), false, byte(2048.0 * GIB), true);
        check("memory.capacity", byte(2.048e12), false, byte(2048.0 * GIB), true);
        check("memory.capacity", byte(2048.0 * GIB), false, byte(1920.0 * GIB), false);
        check("cpu.l3", byte(256e6), false, byte(268_435_456.0), true);
        check("storage.scratch.drive_capacity", byte(7.68e12), false, byte(7_681_501_126_656.0), true);
        check("storage.scratch.drive_capacity", byte(7.68e12), false, byte(7.68e12 * 1.009), true);
        check("storage.scratch.drive_capacity", byte(7.68e12), false, byte(7.68e12 * 1.011), false);
        check("storage.scratch.drive_capacity", byte(7.68e12), false, byte(6.4e12), false);
        check("memory.capacity", byte(64.0 * GIB), false, byte(63.9 * GIB), false);
        check("storage.scratch.usable", byte(46e12), true, byte(44.6e12), true);
        check("storage.scratch.usable", byte(46e12), true, byte(38.4e12), false);
    }

    #[test]
    fn the_kernel_s_total_may_be_a_little_less_than_what_is_installed() {
        let check = |total: f64, expect: bool| {
            let mut facts = host("memory.capacity", number(total, Unit::Byte));
            facts.quantity("memory.total", total, Unit::Byte, "test");
            let stated = stated("memory.capacity", number(2048.0 * GIB, Unit::Byte));
            assert_eq!(compare_fact(&stated, &facts) == FactMatch::Match, expect, "{total}");
        };
        check(2_113_401_234.0 * 1024.0, true);
        check(2048.0 * GIB * 0.935, true);
        check(2048.0 * GIB * 0.925, false);
        check(2048.0 * GIB * 1.05, false);
    }

    #[test]
    fn counts_are_exact_and_rates_are_rounded() {
        check("cpu.sockets", number(2.0, Unit::Count), false, number(2.0, Unit::Count), true);
        check("memory.dimms", number(16.0, Unit::Count), false, number(15.0, Unit::Count), false);
        check(
            "memory.data_rate",
            number(5.6e9, Unit::TransferPerSecond),
            false,
            number(5.586e9, Unit::TransferPerSecond),
            true,
        );
        check(
            "memory.data_rate",
            number(5.6e9, Unit::TransferPerSecond),
            false,
            number(5.2e9, Unit::TransferPerSecond),
            false,
        );
        check("cpu.base_clock", number(2.8e9, Unit::Hertz), false, number(2.7e9, Unit::Hertz), false);
        check("cpu.sockets", number(2.0, Unit::Count), false, number(2.0, Unit::Byte), false);
        check("cpu.amx", FactValue::Flag(true), false, FactValue::Flag(false), false);
        check("cpu.amx", FactValue::Flag(true), false, text("yes"), false);
    }

    #[test]
    fn texts_match_by_the_rule_of_their_fact() {
        for (id, documented, found, expect) in [
            ("memory.type", "DDR5", "DDR5 ECC RDIMM", true),
            ("cpu.model", "Intel Core i9-13900", "13th Gen Intel(R) Core(TM) i9-13900K", false),
            ("chassis.form_factor", "4U Rackmount", "4U rackmount", true),
            ("storage.boot.form_factor", "U.2", "2.5in", true),
            ("storage.boot.layout", "raid1", "raid10", false),
            ("storage.boot.layout", "raid1", "zfs-mirror", true),
            ("storage.boot.layout", "raid1", "single", false),
            ("cpu.arch", "x86-64", "x86_64", true),
        ] {
            check(id, text(documented), false, text(found), expect);
        }
    }

    #[test]
    fn a_mirror_without_all_its_drives_is_none() {
        let check = |layout: &str, missing: Option<f64>, expect: &str| {
            let mut facts = host("storage.boot.layout", text(layout));
            if let Some(missing) = missing {
                facts.quantity("storage.boot.missing", missing, Unit::Count, "test");
            }
            let told = match compare_fact(&stated("storage.boot.layout", text("raid1")), &facts) {
                FactMatch::Match => "match".to_owned(),
                FactMatch::Differs { how } => how,
                FactMatch::Unknown { why } => why,
            };
            assert!(told.contains(expect), "{layout} {missing:?}: {told}");
        };
        check("raid1", None, "match");
        check("raid1", Some(0.0), "match");
        check("raid1", Some(1.0), "raid1 lacks 1 drives: nothing is mirrored now");
        check("single", Some(1.0), "the host has single");
    }

    #[test]
    fn an_ambiguous_name_is_what_its_statement_admits() {
        let check = |system: &str, id: &str, found: &str, expect: bool| {
            let stated = spec::find(system).unwrap().stated(id).next().unwrap();
            let answer = compare_fact(stated, &host(id, text(found)));
            assert_eq!(answer == FactMatch::Match, expect, "{system} {found}: {answer:?}");
        };
        let either = "HOSTED-CORE-I7-6700K-7700";
        check(either, "cpu.model", "Intel(R) Core(TM) i7-6700K CPU @ 4.00GHz", true);
        check(either, "cpu.model", "Intel(R) Core(TM) i7-7700 CPU @ 3.60GHz", true);
        check(either, "cpu.model", "Intel(R) Core(TM) i7-6700 CPU @ 3.40GHz", false);
        check(either, "cpu.model", "AMD Ryzen 7 7700 8-Core Processor", false);
        let python = "PY-HPC-2024.Q3";
        check(python, "gpu.model", "NVIDIA H100 PCIe", true);
        check(python, "gpu.model", "NVIDIA A100-PCIE-40GB", true);
        check(python, "gpu.model", "NVIDIA A100 80GB PCIe", true);
        check(python, "gpu.model", "NVIDIA A1000", false);
        check(python, "gpu.model", "NVIDIA H100 80GB HBM3", false);
        check("HOSTED-CORE-I5-13500-WORKSTATION", "gpu.model", "NVIDIA RTX 4000 SFF Ada Generation", true);
        check("HOSTED-CORE-I5-13500-WORKSTATION", "gpu.model", "NVIDIA RTX 4500 Ada Generation", false);
    }

    #[test]
    fn what_the_host_does_not_tell_says_why() {
        let stated = stated("memory.dimms", number(16.0, Unit::Count));
        let check = |reading: Option<Reading>, expect: &str| {
            let mut facts = Facts::default();
            if let Some(reading) = reading {
                facts.put("memory.dimms", reading, "/sys/firmware/dmi/tables/DMI");
            }
            let FactMatch::Unknown { why } = compare_fact(&stated, &facts) else { panic!("{facts:?}") };
            assert!(why.contains(expect), "{why}");
        };
        check(None, "not reported by this host");
        check(Some(Reading::Absent), "not reported by this host (/sys/firmware");
        check(Some(Reading::Denied { remedy: "run as root".into() }), "may not be read: run as root");
        check(Some(Reading::Failed { error: "cut".into() }), "failed: cut");
        let conditional = StatedFact { value: text("NVLink, if the GPU has it"), ..stated.clone() };
        let answer = compare_fact(&conditional, &host("memory.dimms", text("PCIe")));
        assert!(matches!(answer, FactMatch::Unknown { why } if why.contains("if the GPU has it")));
    }

    #[test]
    fn limits_are_held_against_the_host() {
        let check = |fact: &str, bound: Bound, found: (&str, FactValue), expect: &str| {
            let place = Place { at: "§5".into(), says: String::new() };
            let answer = check_limit(
                &Limit { fact: fact.into(), bound, sustained: None, required: false, place },
                &host(found.0, found.1),
            );
            let told = match &answer {
                FactMatch::Match => "match",
                FactMatch::Differs { how } => how,
                FactMatch::Unknown { why } => why,
            };
            assert!(told.contains(expect), "{fact}: {told}");
        };
        let celsius = |value: f64| Quantity::new(value, Unit::Celsius);
        check("thermal.limit", Bound::AtMost(celsius(90.0)), ("thermal.highest", number(52.0, Unit::Celsius)), "match");
        check(
            "thermal.limit",
            Bound::AtMost(celsius(90.0)),
            ("thermal.highest", number(97.0, Unit::Celsius)),
            "at most 90 °C",
        );
        let wear = Bound::AtMost(Quantity::new(0.8, Unit::Ratio));
        check("storage.scratch.wear", wear, ("storage.scratch.wear", number(0.96, Unit::Ratio)), "the host has 96 %");
        let versions = Bound::OneOf(vec!["560.35.03".into(), "570.86.15".into()]);
        check("gpu.driver", versions.clone(), ("gpu.driver", text("560.35.03")), "match");
        check("gpu.driver", versions.clone(), ("gpu.driver", text("560.35")), "one of 560.35.03, 570.86.15");
        check("gpu.driver", versions, ("cpu.model", text("x")), "not reported by this host");
        let words = Bound::Open("significantly increased".into());
        check(
            "os.shm",
            words.clone(),
            ("os.shm", number(1e12, Unit::Byte)),
            "gives no figure (\"significantly increased\"); the host has 1 TB",
        );
        let files = |count: f64| ("os.file_handles", number(count, Unit::Count));
        check("os.file_handles", words.clone(), files(1024.0), "this suite asks at least 65536, and the host has 1024");
        check("os.file_handles", words.clone(), files(1e6), "match");
        let wear = |share: f64| ("storage.scratch.wear", number(share, Unit::Ratio));
        check("storage.scratch.wear", words.clone(), wear(0.96), "asks at most 80 %, and the host has 96 %");
        check("storage.scratch.wear", words.clone(), ("os.shm", text("x")), "the host is not known");
        check(
            "cpu.microcode",
            words.clone(),
            ("cpu.microcode", text("0x1")),
            "has 0x1: list what your site has validated",
        );
        let written = ("storage.boot.written", number(4e12, Unit::Byte));
        check("storage.boot.written", words, written, "the host has 4 TB: write the bound of your parts");
        let supplies = Bound::AtLeast(Quantity::new(2.0, Unit::Count));
        check("power.supplies", supplies.clone(), ("power.supplies", number(1.0, Unit::Count)), "at least 2");
        check("power.supplies", supplies, ("power.supplies", text("two")), "cannot be compared with");
    }

    #[test]
    fn shared_memory_is_increased_where_it_is_more_than_the_kernel_s_half() {
        let check = |size: f64, differs: bool| {
            let mut facts = host("os.shm", number(size, Unit::Byte));
            facts.quantity("memory.total", 1000.0 * GIB, Unit::Byte, "test");
            let place = Place { at: "§5.4".into(), says: String::new() };
            let limit = Limit {
                fact: "os.shm".into(),
                bound: Bound::Open("increased".into()),
                sustained: None,
                required: false,
                place,
            };
            assert_eq!(matches!(check_limit(&limit, &facts), FactMatch::Differs { .. }), differs, "{size}");
        };
        check(500.0 * GIB, true);
        check(512.0 * GIB, false);
    }

    proptest! {
        #[test]
        fn a_value_agrees_with_itself(value in 1.0_f64..1e13, id in prop::sample::select(vec!["memory.capacity", "cpu.base_clock"])) {
            let unit = if id == "memory.capacity" { Unit::Byte } else { Unit::Hertz };
            let answer = compare_fact(&stated(id, number(value, unit)), &host(id, number(value, unit)));
            prop_assert_eq!(answer, FactMatch::Match);
        }

        #[test]
        fn any_texts_are_compared(documented in "\\PC{0,30}", found in "\\PC{0,30}") {
            let _ = compare_fact(&stated("cpu.model", text(&documented)), &host("cpu.model", text(&found)));
        }
    }
}
