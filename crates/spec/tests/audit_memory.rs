//! What the audit says of channels, modules and the bandwidth that they carry.

mod support;

use measure::{Quantity, Unit};
use spec::System;
use spec::audit::audit;

use support::{TWELVE_CHANNELS, planted, system};

/// A document that states no channels.
fn without_channels(id: &str, capacity: &str, rate: &str, bandwidth: &str) -> System {
    system(&format!(
        "[[system]]\nid = \"{id}\"\nname = \"\"\ndocument = \"\"\nfamily = \"f\"\nfact = [\n\
         {{ id = \"cpu.sockets\", value = 2, at = \"1\", says = \"\" }},\n\
         {{ id = \"memory.capacity\", value = \"{capacity}\", at = \"1\", says = \"\" }},\n\
         {{ id = \"memory.data_rate\", value = \"{rate}\", at = \"1\", says = \"\" }},\n\
         {{ id = \"memory.bandwidth\", value = \"{bandwidth}\", at = \"1\", says = \"\" }},\n]\n"
    ))
}

#[test]
fn bandwidth_needs_channels_and_modules_for_them() {
    let check = |capacity: &str, bandwidth: &str, expect: &[&str]| {
        let found = audit(&without_channels("S", capacity, "6000 MT/s", bandwidth), &[]).findings;
        let rules: Vec<&str> = found.iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, if expect.is_empty() { vec![] } else { vec!["memory.bandwidth"] }, "{found:#?}");
        for word in expect {
            assert!(found[0].says.contains(word) || found[0].arithmetic.contains(word), "{word}: {:?}", found[0]);
        }
    };
    // 512 GiB are 16 modules of 32 GiB, and no 24 modules of one capacity.
    check("512 GiB", "1.1 TB/s", &["768 GB/s", "143.2 %", "24 channels"]);
    check("512 GiB", "768 GB/s", &[]);
    // 768 GiB are 24 modules of 32 GiB.
    check("768 GiB", "1.1 TB/s", &[]);
    check("768 GiB", "1.2 TB/s", &["1.152 TB/s"]);
}

#[test]
fn in_a_family_the_fastest_modules_do_not_have_the_least_bandwidth() {
    let check = |rates: [&str; 3], bandwidths: [&str; 3], expect: bool| {
        let members = rates.into_iter().zip(bandwidths).zip(["A", "B", "C"]);
        let family: Vec<System> =
            members.map(|((rate, bandwidth), id)| without_channels(id, "768 GiB", rate, bandwidth)).collect();
        for system in &family {
            let found = audit(system, &family).findings;
            let is_found = found.iter().any(|finding| finding.rule == "family.channels");
            assert_eq!(is_found, expect, "{} {rates:?} {bandwidths:?}: {found:#?}", system.id);
        }
    };
    let rates = ["5600 MT/s", "6000 MT/s", "5200 MT/s"];
    check(rates, ["700 GB/s", "500 GB/s", "600 GB/s"], true);
    check(rates, ["700 GB/s", "750 GB/s", "650 GB/s"], false);
    // One of two has always the least.
    let two = [
        without_channels("A", "768 GiB", rates[0], "700 GB/s"),
        without_channels("B", "768 GiB", rates[1], "500 GB/s"),
    ];
    assert_eq!(audit(&two[0], &two).findings, Vec::new());
}

#[test]
fn more_dimms_mend_a_population_only_where_they_make_up_the_capacity() {
    let channels = [TWELVE_CHANNELS[0], TWELVE_CHANNELS[1], ("Intel C741", "another chipset")];
    let check = |replace: &[(&str, &str)], consistent_if: &str, says: &str| {
        let found = audit(&system(&planted(&[&channels[..], replace].concat())), &[]).findings;
        assert_eq!(found.iter().map(|finding| finding.rule).collect::<Vec<_>>(), ["memory.population"], "{found:#?}");
        assert_eq!(found[0].consistent_if, consistent_if);
        assert!(found[0].says.ends_with(says), "{}", found[0].says);
    };
    // 24 × 64 GiB are 1536 GiB, and 1024 GiB / 24 is no module.
    check(&[], "16 channels are used", "more DIMMs do not mend it.");
    // 16 × 96 GiB are 24 × 64 GiB.
    let other_modules = [("1024 GiB", "1536 GiB"), ("1 TiB", "1536 GiB"), ("64 GiB", "96 GiB")];
    check(&other_modules, "24 DIMMs are installed, or 16 channels are used", "said to be used.");
}

#[test]
fn two_dimms_on_a_channel_do_not_double_its_bandwidth() {
    let two = [
        ("\"memory.dimms\", value = 16", "\"memory.dimms\", value = 32"),
        ("\"memory.dimms_per_socket\", value = 8", "\"memory.dimms_per_socket\", value = 16"),
        ("64 GiB", "32 GiB"),
    ];
    let audit = audit(&system(&planted(&two)), &[]);
    assert_eq!(audit.findings, Vec::new());
    let ceiling = audit.grade("triad").unwrap().ceiling;
    assert_eq!(ceiling, Some(Quantity::new(16.0 * 4.8e9 * 8.0, Unit::BytePerSecond)));
}
