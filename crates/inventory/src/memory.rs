//! Memory modules: what the firmware's tables say of DIMMs, and which channels they sit in.

use std::collections::{BTreeMap, BTreeSet};

use measure::{FactValue, Facts, Unit, binary_bytes};

use crate::smbios::{Dimm, EmptySocket, Firmware, TABLE};
use crate::sysfs::{Found, Unavailable, note, note_number, note_text, ok_or_absent};

/// Adds the facts `memory.*` that the DIMMs tell; the capacity replaces the kernel's figure only where there are DIMMs.
pub(crate) fn probe(firmware: &Found<Firmware>, facts: &mut Facts) {
    // Memory on the processor's package is no DIMM, and its channels are not those of the board.
    let on_board: Found<Vec<Dimm>> = firmware
        .as_ref()
        .map(|firmware| firmware.dimms.iter().filter(|dimm| !is_on_package(dimm)).cloned().collect())
        .map_err(Clone::clone);
    let dimms = &on_board.as_ref().map(Vec::as_slice).map_err(Clone::clone);
    let sockets = facts.number("cpu.sockets");
    let of = |answer: fn(&[Dimm]) -> Found<f64>| -> Found<f64> {
        match dimms {
            Ok([]) => Err(Unavailable::Absent),
            Ok(dimms) => answer(dimms),
            Err(lack) => Err(lack.clone()),
        }
    };
    let capacity = of(|dimms| Ok(dimms.iter().map(|dimm| dimm.bytes as f64).sum()));
    if capacity.is_ok() {
        note_number(facts, "memory.capacity", Unit::Byte, capacity, TABLE);
    }
    note_number(facts, "memory.dimms", Unit::Count, of(|dimms| Ok(dimms.len() as f64)), TABLE);
    note_number(facts, "memory.dimm_capacity", Unit::Byte, of(one_capacity), TABLE);
    note_number(
        facts,
        "memory.data_rate",
        Unit::TransferPerSecond,
        of(|dimms| slowest(dimms, |d| d.configured)),
        TABLE,
    );
    let rated = of(|dimms| slowest(dimms, |dimm| dimm.rated));
    note_number(facts, "memory.rated_data_rate", Unit::TransferPerSecond, rated, TABLE);
    let full = dimms.as_ref().map_err(Clone::clone).and_then(|dimms| ok_or_absent(at_full_speed(dimms)));
    note(facts, "memory.full_speed", full.map(FactValue::Flag), TABLE);
    let kind = dimms.as_ref().map_err(Clone::clone).and_then(|dimms| kind(dimms));
    note_text(facts, "memory.type", kind, TABLE);

    let source = format!("{TABLE} (DIMM and bank locators)");
    let places = dimms.as_ref().map_err(Clone::clone).and_then(|dimms| places(dimms, sockets));
    let channels = places.clone().map(|places| places.iter().collect::<BTreeSet<_>>().len() as f64);
    note_number(facts, "memory.channels", Unit::Count, channels.clone(), &source);
    let each = places.clone().and_then(|places| {
        let distinct: BTreeSet<_> = places.into_iter().collect();
        even(distinct.iter().map(|place| place.socket), sockets)
    });
    note_number(facts, "memory.channels_per_socket", Unit::Count, each, &source);
    let each = places.and_then(|places| even(places.iter().map(|place| place.socket), sockets));
    note_number(facts, "memory.dimms_per_socket", Unit::Count, each, &source);

    let empty = firmware.as_ref().map_or(&[][..], |firmware| &firmware.empty_sockets);
    let missing = dimms.as_ref().map_err(Clone::clone).and_then(|dimms| missing_channels(dimms, empty, sockets));
    note_number(facts, "memory.channels_missing", Unit::Count, missing, &source);

    let rate = facts.number("memory.data_rate");
    let width = dimms.as_ref().map_err(Clone::clone).and_then(|dimms| channel_bytes(dimms));
    note_number(facts, "memory.channel_width", Unit::Byte, width.clone(), TABLE);
    let bandwidth = channels.and_then(|channels| Ok(channels * ok_or_absent(rate)? * width?));
    let source = "memory.channels × memory.data_rate × memory.channel_width";
    note_number(facts, "memory.bandwidth", Unit::BytePerSecond, bandwidth, source);
}

/// Whether it is memory on the processor's package, which the firmware lists among the modules.
fn is_on_package(dimm: &Dimm) -> bool {
    dimm.generation.as_deref().is_some_and(|generation| generation.starts_with("HBM"))
}

/// The bytes that a channel transfers at a time: 8 on modules of any DDR, whose firmware may name half of it (DDR5 has two
/// halves of 32 bits); LPDDR has channels as wide as it says.
fn channel_bytes(dimms: &[Dimm]) -> Found<f64> {
    let width = |dimm: &Dimm| match (dimm.generation.as_deref(), dimm.width) {
        (Some(generation), Some(bits @ (16 | 32))) if generation.starts_with("LPDDR") => bits / 8,
        _ => 8,
    };
    let widths: BTreeSet<u16> = dimms.iter().map(width).collect();
    match widths.first() {
        Some(width) if widths.len() == 1 => Ok(f64::from(*width)),
        Some(_) => Err(Unavailable::failed(format!("the channels differ: {widths:?} bytes"))),
        None => Err(Unavailable::Absent),
    }
}

/// The channels that lack a DIMM, so that the others cannot be interleaved evenly: some of a package where the makers of
/// processors support no such number, or those that another package has.
fn missing_channels(dimms: &[Dimm], empty: &[EmptySocket], packages: Option<f64>) -> Found<f64> {
    let package_of = |dimm: &Dimm| tokens(&dimm.bank).socket().or_else(|| tokens(&dimm.locator).socket());
    let populated: BTreeSet<Option<u32>> = dimms.iter().map(package_of).collect();
    let named =
        |socket: &EmptySocket| Dimm { locator: socket.locator.clone(), bank: socket.bank.clone(), ..Dimm::default() };
    // The sockets of a package that is not there may be listed, too.
    let empty = empty.iter().map(named).filter(|dimm| populated.contains(&package_of(dimm)));
    let all: Vec<Dimm> = dimms.iter().cloned().chain(empty).collect();
    let places = places(&all, packages)?;
    let mut channels = BTreeMap::<Option<u32>, [BTreeSet<&Place>; 2]>::new();
    for (index, place) in places.iter().enumerate() {
        let [there, used] = channels.entry(place.socket).or_default();
        there.insert(place);
        if index < dimms.len() {
            used.insert(place);
        }
    }
    let most = |which: usize| channels.values().map(|sets| sets[which].len()).max().unwrap_or(0);
    let (there, used) = (most(0), most(1));
    // One, an even number, or an equal part of them.
    let even = (used..=there).find(|&count| count == 1 || count % 2 == 0 || there % count.max(1) == 0).unwrap_or(used);
    Ok(channels.values().map(|[_, used]| (even - used.len()) as f64).sum())
}

/// The capacity that all DIMMs have.
fn one_capacity(dimms: &[Dimm]) -> Found<f64> {
    let sizes: BTreeSet<u64> = dimms.iter().map(|dimm| dimm.bytes).collect();
    match sizes.first() {
        Some(size) if sizes.len() == 1 => Ok(*size as f64),
        _ => {
            let sizes: Vec<String> = sizes.iter().map(|size| binary_bytes(*size as f64)).collect();
            Err(Unavailable::failed(format!("the DIMMs differ: {}", sizes.join(", "))))
        }
    }
}

/// The lowest rate of all DIMMs: the memory controller runs the channel at it.
fn slowest(dimms: &[Dimm], rate: fn(&Dimm) -> Option<u32>) -> Found<f64> {
    let slowest = dimms.iter().map(rate).collect::<Option<Vec<u32>>>().and_then(|rates| rates.into_iter().min());
    ok_or_absent(slowest.filter(|rate| *rate > 0).map(|rate| f64::from(rate) * 1e6))
}

/// Whether every DIMM runs at its own rating; nothing where one tells one of the two rates alone.
fn at_full_speed(dimms: &[Dimm]) -> Option<bool> {
    let told = |rate: Option<u32>| rate.filter(|rate| *rate > 0);
    let full = dimms.iter().map(|dimm| Some(told(dimm.configured)? >= told(dimm.rated)?));
    full.collect::<Option<Vec<bool>>>().filter(|all| !all.is_empty()).map(|all| all.into_iter().all(|full| full))
}

/// Generation, error correction and kind of the modules: `DDR5 ECC RDIMM`.
fn kind(dimms: &[Dimm]) -> Found<String> {
    let kinds: BTreeSet<String> = dimms
        .iter()
        .map(|dimm| {
            let ecc = dimm.ecc.then_some("ECC");
            [dimm.generation.as_deref(), ecc, dimm.module].into_iter().flatten().collect::<Vec<_>>().join(" ")
        })
        .collect();
    ok_or_absent(Some(kinds.into_iter().collect::<Vec<_>>().join(", ")).filter(|kinds| !kinds.is_empty()))
}

/// Where a DIMM sits. The parts are as the board names them, so they say "same or another", not "first".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    socket: Option<u32>,
    node: Option<u32>,
    channel: String,
}

/// The places of all DIMMs; nothing where a single name does not tell, or where they tell what cannot be.
fn places(dimms: &[Dimm], sockets: Option<f64>) -> Found<Vec<Place>> {
    /// No socket has more channels (12 on the largest of today; twice that is left as room).
    const MOST_CHANNELS: usize = 24;
    let places: Option<Vec<Place>> =
        dimms.iter().map(|dimm| place(&dimm.bank).or_else(|| place(&dimm.locator))).collect();
    let mut places = ok_or_absent(places.filter(|places| !places.is_empty()))?;
    // The bank may tell the channel and the locator the socket.
    for (place, dimm) in places.iter_mut().zip(dimms) {
        place.socket = place.socket.or_else(|| tokens(&dimm.locator).socket());
    }
    // Where each socket is one node, a name may tell the node alone.
    let nodes: BTreeSet<Option<u32>> = places.iter().map(|place| place.node).collect();
    let one_node_each = sockets.is_some_and(|sockets| (nodes.len() as f64 - sockets).abs() < 0.5);
    if one_node_each && places.iter().all(|place| place.socket.is_none()) {
        for place in &mut places {
            place.socket = place.node;
        }
    }
    let many = sockets.is_none_or(|sockets| sockets > 1.0);
    let names: BTreeSet<(&str, &str)> = dimms.iter().map(|dimm| (dimm.locator.as_str(), dimm.bank.as_str())).collect();
    let channels: BTreeSet<&Place> = places.iter().collect();
    let told_apart = names.len() == dimms.len() && (!many || places.iter().all(|place| place.socket.is_some()));
    let seen: BTreeSet<Option<u32>> = places.iter().map(|place| place.socket).collect();
    let possible = channels.len() <= MOST_CHANNELS * seen.len() && sockets.is_none_or(|n| seen.len() as f64 <= n);
    if told_apart && possible { Ok(places) } else { Err(Unavailable::Absent) }
}

/// How many there are for each socket, where every socket has as many.
fn even(sockets: impl Iterator<Item = Option<u32>>, installed: Option<f64>) -> Found<f64> {
    let mut counts = BTreeMap::<Option<u32>, usize>::new();
    for socket in sockets {
        *counts.entry(socket).or_default() += 1;
    }
    let distinct: BTreeSet<usize> = counts.values().copied().collect();
    let all_sockets = installed.is_none_or(|installed| counts.len() as f64 >= installed);
    match distinct.first() {
        Some(count) if distinct.len() == 1 && all_sockets => Ok(*count as f64),
        Some(_) => Err(Unavailable::failed(format!("the sockets differ: {:?}", counts.values().collect::<Vec<_>>()))),
        None => Err(Unavailable::Absent),
    }
}

/// A name cut into runs of letters and runs of digits, in capitals: `P1-DIMMA1` is `P`, `1`, `DIMMA`, `1`.
struct Tokens(Vec<String>);

fn tokens(name: &str) -> Tokens {
    let mut tokens: Vec<String> = Vec::new();
    let mut last = None;
    for c in name.chars() {
        let class = if c.is_ascii_digit() {
            Some('0')
        } else if c.is_ascii_alphabetic() {
            Some('A')
        } else {
            None
        };
        match (class, tokens.last_mut()) {
            (None, _) => {}
            (Some(_), Some(token)) if class == last => token.push(c.to_ascii_uppercase()),
            _ => tokens.push(c.to_ascii_uppercase().to_string()),
        }
        last = class;
    }
    Tokens(tokens)
}

impl Tokens {
    /// The number after the first of these words.
    fn number_after(&self, words: &[&str]) -> Option<u32> {
        self.after(words)?.parse().ok()
    }

    fn after(&self, words: &[&str]) -> Option<&str> {
        let at = self.0.iter().position(|token| words.contains(&token.as_str()))?;
        self.0.get(at + 1).map(String::as_str)
    }

    fn socket(&self) -> Option<u32> {
        self.number_after(&["P", "CPU", "PROC", "PROCESSOR", "SOCKET"])
    }

    /// The channel: after its word, or the letter of a DIMM socket.
    fn channel(&self) -> Option<String> {
        if let Some(channel) = self.after(&["CHANNEL", "CH", "CHAN"]) {
            return (channel.len() <= 2).then(|| channel.to_owned());
        }
        let joined = self.0.iter().find_map(|token| token.strip_prefix("DIMM")).filter(|letter| letter.len() == 1);
        if let Some(letter) = joined {
            return Some(letter.to_owned());
        }
        if !self.0.iter().any(|token| token == "DIMM") {
            return None;
        }
        // One single letter with a digit behind it, `P` of the socket apart: `DIMM_P0_A0`, `CPU1_DIMM_A1`.
        let mut letters = self.0.windows(2).filter_map(|pair| match pair {
            [letter, digits] if letter.len() == 1 && letter != "P" && digits.parse::<u32>().is_ok() => Some(letter),
            _ => None,
        });
        match (letters.next(), letters.next()) {
            (Some(letter), None) if letter.as_bytes()[0].is_ascii_alphabetic() => Some(letter.clone()),
            _ => None,
        }
    }
}

fn place(name: &str) -> Option<Place> {
    let tokens = tokens(name);
    Some(Place { socket: tokens.socket(), node: tokens.number_after(&["NODE"]), channel: tokens.channel()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn channels_are_read_from_the_spellings_of_board_makers() {
        let check = |name: &str, expect: Option<(Option<u32>, Option<u32>, &str)>| {
            let place = place(name);
            let found = place.as_ref().map(|place| (place.socket, place.node, place.channel.as_str()));
            assert_eq!(found, expect, "{name}");
        };
        check("P1-DIMMA1", Some((Some(1), None, "A")));
        check("P0_Node1_Channel2_Dimm0", Some((Some(0), Some(1), "2")));
        check("P0 CHANNEL A", Some((Some(0), None, "A")));
        check("CPU1_DIMM_A1", Some((Some(1), None, "A")));
        check("DIMM_P0_A0", Some((Some(0), None, "A")));
        check("NODE 0 CHANNEL 1 DIMM 0", Some((None, Some(0), "1")));
        check("_Node1_Channel2_Dimm0", Some((None, Some(1), "2")));
        check("DIMM_A1", Some((None, None, "A")));
        // A slot number is no channel, and a maker's own letters are none either.
        check("A1", None);
        check("PROC 1 DIMM 7", None);
        check("DIMM 0", None);
        check("BANK 0", None);
        check("CPU0_C0D0", None);
        check("", None);
    }

    fn dimms(names: &[&str]) -> Vec<Dimm> {
        names.iter().map(|name| Dimm { locator: (*name).to_owned(), ..Dimm::default() }).collect()
    }

    #[test]
    fn channels_are_counted_only_where_every_name_tells() {
        let check = |names: &[&str], sockets: f64, expect: Option<usize>| {
            let found = places(&dimms(names), Some(sockets)).ok();
            assert_eq!(found.map(|places| places.iter().collect::<BTreeSet<_>>().len()), expect, "{names:?}");
        };
        check(&["P1-DIMMA1", "P1-DIMMA2", "P1-DIMMB1", "P2-DIMMA1"], 2.0, Some(3));
        check(&["DIMM_A1", "DIMM_B1"], 1.0, Some(2));
        check(&["DIMM_A1", "DIMM_B1"], 2.0, None);
        check(&["P1-DIMMA1", "DIMM 3"], 2.0, None);
        check(&["P1-DIMMA1", "P1-DIMMA1"], 1.0, None);
        check(&["P1-DIMMA1", "P2-DIMMA1"], 1.0, None);
        let nodes =
            ["_Node0_Channel0_Dimm0", "_Node0_Channel1_Dimm0", "_Node1_Channel0_Dimm0", "_Node1_Channel0_Dimm1"];
        check(&nodes, 2.0, Some(3));
        check(&nodes, 4.0, None);
        check(&[], 1.0, None);
    }

    #[test]
    fn channels_are_as_wide_as_they_are() {
        let dimm = |generation: &str, width: Option<u16>| Dimm {
            generation: Some(generation.into()),
            width,
            ..Dimm::default()
        };
        let check = |dimms: &[Dimm], expect: Option<f64>| assert_eq!(channel_bytes(dimms).ok(), expect, "{dimms:?}");
        check(&[dimm("DDR5", Some(64))], Some(8.0));
        check(&[dimm("DDR5", Some(32))], Some(8.0));
        check(&[dimm("DDR5", None)], Some(8.0));
        check(&[dimm("LPDDR5", Some(32)), dimm("LPDDR5", Some(32))], Some(4.0));
        check(&[dimm("LPDDR5", Some(64))], Some(8.0));
        check(&[dimm("LPDDR5", Some(32)), dimm("LPDDR5", Some(16))], None);
        check(&[], None);
    }

    #[test]
    fn channels_that_lack_a_module_are_counted() {
        // Packages with the numbers of their channels that have a DIMM, and those of their empty sockets.
        let check = |packages: &[(&[u32], &[u32])], installed: f64, expect: Option<f64>| {
            let name = |package: usize, channel: &u32, dimm: u32| format!("P{package} CHANNEL {channel} DIMM {dimm}");
            let (mut dimms, mut empty) = (Vec::new(), Vec::new());
            for (package, (used, free)) in packages.iter().enumerate() {
                dimms.extend(used.iter().map(|channel| Dimm { locator: name(package, channel, 0), ..Dimm::default() }));
                let socket = |channel| EmptySocket { locator: name(package, channel, 1), ..EmptySocket::default() };
                empty.extend(free.iter().map(socket));
            }
            assert_eq!(missing_channels(&dimms, &empty, Some(installed)).ok(), expect, "{packages:?}");
        };
        let range = |count: u32| (0..count).collect::<Vec<u32>>();
        let (all, seven) = (range(8), range(7));
        check(&[(&all, &[])], 1.0, Some(0.0));
        check(&[(&seven, &[7])], 1.0, Some(1.0));
        // Nothing says that there is an eighth.
        check(&[(&seven, &[])], 1.0, Some(0.0));
        check(&[(&all, &[]), (&seven, &[7])], 2.0, Some(1.0));
        check(&[(&all, &[]), (&seven, &[])], 2.0, Some(1.0));
        check(&[(&seven, &[7]), (&seven, &[7])], 2.0, Some(2.0));
        // Fewer, as they are sold.
        check(&[(&range(4), &[4, 5, 6, 7])], 1.0, Some(0.0));
        check(&[(&range(6), &[6, 7]), (&range(6), &[6, 7])], 2.0, Some(0.0));
        check(&[(&range(3), &[3, 4, 5])], 1.0, Some(0.0));
        check(&[(&[0], &[1, 2, 3, 4, 5, 6, 7])], 1.0, Some(0.0));
        // A second socket of a channel that has one.
        check(&[(&all, &all)], 1.0, Some(0.0));
        // The sockets of a package that is not there.
        check(&[(&all, &[]), (&[], &all)], 1.0, Some(0.0));
        check(&[(&all, &[]), (&range(4), &[4, 5, 6, 7])], 2.0, Some(4.0));
    }

    #[test]
    fn memory_on_the_package_is_counted_apart() {
        let module = |generation: &str, locator: &str| Dimm {
            generation: Some(generation.into()),
            locator: locator.into(),
            bytes: 16 << 30,
            ..Dimm::default()
        };
        let all = [module("DDR5", "P0 CHANNEL A DIMM 0"), module("HBM2", "P0 HBM 0"), module("HBM2", "P0 HBM 1")];
        let mut facts = Facts::default();
        probe(&Ok(Firmware { dimms: all.to_vec(), ..Firmware::default() }), &mut facts);
        let of = |id: &str| facts.number(id);
        assert_eq!((of("memory.dimms"), of("memory.capacity")), (Some(1.0), Some((16_u64 << 30) as f64)));
        assert_eq!(facts.number("memory.channels"), Some(1.0));
    }

    proptest! {
        #[test]
        fn any_name_is_read(name in "\\PC{0,60}") {
            let _ = place(&name);
        }
    }
}
