//! Memory: DIMMs against channels, bandwidth against both, latency against the DRAM itself.

use measure::metrics::STREAM_LATENCY;
use measure::{Ceiling, FactValue, Quantity, Unit};

use super::constants::{
    CHANNEL_BYTES, DRAM_ACCESS, LINE_TRANSFERS, LOOSE_SHARE, MEMORY_BEST_SHARE, SERVER_IDLE_LATENCY, WIDEST_SOCKET,
};
use super::document::{Document, Input, at_least, at_most, count, ids, percent, places, show, times};
use super::{Finding, Grade, Notes};
use crate::{StatedFact, Target};

pub(super) fn audit(document: &Document<'_>, notes: &mut Notes) {
    population(document, notes);
    bandwidth(document, notes);
    latency(document, notes);
}

/// How many channels are populated, by one reading of the document.
struct Population<'a> {
    channels: Input<'a>,
    words: &'static str,
}

fn dimms<'a>(document: &Document<'a>) -> Option<Input<'a>> {
    document.total("memory.dimms", "cpu.sockets", "memory.dimms_per_socket")
}

fn channels<'a>(document: &Document<'a>) -> Option<Input<'a>> {
    document.total("memory.channels", "cpu.sockets", "memory.channels_per_socket")
}

/// The readings, the smallest first: a DIMM feeds at most one channel, and a second on a channel adds nothing.
fn populations<'a>(document: &Document<'a>) -> Vec<Population<'a>> {
    let by_dimms = |input| Population { channels: input, words: "DIMMs, each on a channel of its own" };
    let by_channels = |input| Population { channels: input, words: "channels" };
    match (dimms(document), channels(document)) {
        (Some(dimms), Some(channels)) if dimms.value < channels.value => vec![by_dimms(dimms), by_channels(channels)],
        (_, Some(channels)) => vec![by_channels(channels)],
        (Some(dimms), None) => vec![by_dimms(dimms)],
        (None, None) => Vec::new(),
    }
}

/// DIMMs that cannot populate the channels that are said to be used.
fn population(document: &Document<'_>, notes: &mut Notes) {
    let (Some(dimms), Some(channels)) = (dimms(document), channels(document)) else { return };
    if dimms.value >= channels.value {
        return;
    }
    let rows: Vec<&StatedFact> = document
        .system
        .facts
        .iter()
        .filter(|fact| fact.id.starts_with("memory.dimms") || fact.id.starts_with("memory.channels"))
        .collect();
    notes.find(Finding {
        rule: "memory.population",
        factor: channels.value / dimms.value,
        concerns: ids(&rows),
        says: format!(
            "{} DIMMs populate at most {} memory channels, but {} channels are said to be used.",
            count(dimms.value),
            count(dimms.value),
            count(channels.value)
        ),
        arithmetic: format!("{} DIMMs < {} channels", count(dimms.value), count(channels.value)),
        rows: places(&rows),
        consistent_if: format!(
            "{} DIMMs are installed, or {} channels are used",
            count(channels.value),
            count(dimms.value)
        ),
        ..Finding::default()
    });
}

/// The figures that promise one bandwidth: targets, and rows of the hardware tables.
struct Promise<'a> {
    value: f64,
    least: f64,
    targets: Vec<&'a Target>,
    facts: Vec<&'a StatedFact>,
}

fn promises<'a>(document: &Document<'a>) -> Vec<Promise<'a>> {
    let mut promises: Vec<Promise<'a>> = Vec::new();
    for target in document.targets(|metric| metric.ceiling == Some(Ceiling::MemoryBandwidth)) {
        let value = target.value.value;
        match promises.iter_mut().find(|promise| (promise.value - value).abs() < value * 1e-9) {
            Some(promise) => promise.targets.push(target),
            None => promises.push(Promise { value, least: at_least(target), targets: vec![target], facts: Vec::new() }),
        }
    }
    for fact in document.system.facts.iter().filter(|fact| fact.id == "memory.bandwidth") {
        let FactValue::Quantity(Quantity { value, .. }) = fact.value else { continue };
        let about = if fact.approximate { 1.0 - super::constants::ABOUT.value } else { 1.0 };
        match promises.iter_mut().find(|promise| (promise.value - value).abs() < value * 1e-9) {
            Some(promise) => promise.facts.push(fact),
            None => promises.push(Promise { value, least: value * about, targets: Vec::new(), facts: vec![fact] }),
        }
    }
    promises
}

/// Bandwidth = channels × transfers a second × 8 B, for every reading of the population.
fn bandwidth(document: &Document<'_>, notes: &mut Notes) {
    let rate = document.number("memory.data_rate");
    let ddr = document.text("memory.type").is_none_or(|(text, _)| text.to_uppercase().contains("DDR"));
    for promise in promises(document) {
        let (Some(rate), true) = (&rate, ddr) else {
            for target in &promise.targets {
                let missing = "missing: the data rate of the DIMMs".to_owned();
                notes.grade(&target.id, Grade::Unknown, None, missing);
            }
            continue;
        };
        let readings = populations(document);
        match (readings.first(), readings.last()) {
            (Some(least), Some(most)) => against_channels(&promise, rate, least, most, notes),
            _ => without_channels(document, &promise, rate, notes),
        }
    }
}

fn product_text(population: &Population<'_>, rate: &Input<'_>) -> String {
    format!(
        "{} {} × {} × {} B = {}",
        count(population.channels.value),
        population.words,
        show(rate.value, Unit::TransferPerSecond),
        count(CHANNEL_BYTES.value),
        show(population.channels.value * rate.value * CHANNEL_BYTES.value, Unit::BytePerSecond)
    )
}

fn against_channels(
    promise: &Promise<'_>,
    rate: &Input<'_>,
    least: &Population<'_>,
    most: &Population<'_>,
    notes: &mut Notes,
) {
    let ceiling = |population: &Population<'_>| population.channels.value * rate.value * CHANNEL_BYTES.value;
    let (low, high) = (ceiling(least), ceiling(most));
    let mut arithmetic = product_text(least, rate);
    if low < high {
        arithmetic = format!("{arithmetic}; {}", product_text(most, rate));
    }
    let promised = show(promise.value, Unit::BytePerSecond);
    let share = promise.value / high;
    let grade = match promise.least {
        value if value > high * (1.0 + 1e-9) => Grade::Impossible,
        value if value > low * (1.0 + 1e-9) => Grade::Contradictory,
        value if value > low * MEMORY_BEST_SHARE.value => Grade::Aggressive,
        value if value < low * LOOSE_SHARE.value => Grade::Loose,
        _ => Grade::Plausible,
    };
    let of = if low < high { "the larger" } else { "it" };
    let arithmetic = format!("{arithmetic}; {promised} is {} of {of}", percent(share));
    for target in &promise.targets {
        notes.grade(&target.id, grade, Some(Quantity::new(high, Unit::BytePerSecond)), arithmetic.clone());
    }
    // What a table calls theoretical may be all of the ceiling; only a target must leave room.
    if grade == Grade::Plausible || (promise.targets.is_empty() && grade > Grade::Contradictory) {
        return;
    }
    notes.find(bandwidth_finding(promise, rate, (least, most), grade, arithmetic));
}

fn bandwidth_finding(
    promise: &Promise<'_>,
    rate: &Input<'_>,
    (least, most): (&Population<'_>, &Population<'_>),
    grade: Grade,
    arithmetic: String,
) -> Finding {
    let promised = show(promise.value, Unit::BytePerSecond);
    let each = rate.value * CHANNEL_BYTES.value;
    let needed = (promise.value / each).ceil();
    let high = most.channels.value * each;
    let (says, consistent_if) = match grade {
        Grade::Impossible | Grade::Contradictory => (
            format!(
                "{promised} is promised; {} at {} carry at most {}{}. A channel is half-duplex: reads and writes share its \
                 bus, so adding both directions up raises no bound, and STREAM counts both already.",
                if least.channels.value < most.channels.value { "the DIMMs of the table" } else { "the channels" },
                show(rate.value, Unit::TransferPerSecond),
                show(least.channels.value * each, Unit::BytePerSecond),
                if least.channels.value < most.channels.value {
                    format!(
                        ", and even all {} channels {}",
                        count(most.channels.value),
                        show(high, Unit::BytePerSecond)
                    )
                } else {
                    String::new()
                }
            ),
            format!(
                "{} channels are populated at this data rate, or the {} channels run at {}, or the figure is at most {}",
                count(needed),
                count(most.channels.value),
                show(promise.value / most.channels.value / CHANNEL_BYTES.value, Unit::TransferPerSecond),
                show(least.channels.value * each, Unit::BytePerSecond)
            ),
        ),
        Grade::Aggressive => (
            format!(
                "{promised} is {} of the theoretical bandwidth; published systems reach up to {}.",
                percent(promise.value / high),
                percent(MEMORY_BEST_SHARE.value)
            ),
            format!("the figure is at most {}", show(high * MEMORY_BEST_SHARE.value, Unit::BytePerSecond)),
        ),
        _ => (
            format!(
                "{promised} is only {} of the theoretical bandwidth of these channels.",
                percent(promise.value / high)
            ),
            "fewer channels or a lower data rate are stated".to_owned(),
        ),
    };
    let mut rows = least.channels.places();
    rows.extend(most.channels.places());
    rows.extend(rate.places());
    rows.extend(promise.targets.iter().map(|target| target.place.clone()));
    rows.extend(promise.facts.iter().map(|fact| fact.place.clone()));
    let mut seen = Vec::new();
    rows.retain(|place| {
        !seen.contains(place) && {
            seen.push(place.clone());
            true
        }
    });
    Finding {
        rule: "memory.bandwidth",
        grade,
        factor: (promise.value / high).max(high / promise.value),
        targets: promise.targets.iter().map(|target| target.id.clone()).collect(),
        concerns: ids(&promise.facts),
        says,
        arithmetic,
        rows,
        consistent_if,
        constants: vec![CHANNEL_BYTES],
    }
}

/// Without channels: how many it would take, and whether any published socket has as many.
fn without_channels(document: &Document<'_>, promise: &Promise<'_>, rate: &Input<'_>, notes: &mut Notes) {
    let each = rate.value * CHANNEL_BYTES.value;
    let needed = promise.value / each;
    let need = format!(
        "{} / ({} × {} B) = {needed:.1}, so {} channels",
        show(promise.value, Unit::BytePerSecond),
        show(rate.value, Unit::TransferPerSecond),
        count(CHANNEL_BYTES.value),
        count(needed.ceil())
    );
    let Some(sockets) = document.number("cpu.sockets") else {
        for target in &promise.targets {
            let arithmetic = format!("{need}; missing: memory channels and sockets");
            notes.grade(&target.id, Grade::Unknown, None, arithmetic);
        }
        return;
    };
    let widest = sockets.value * WIDEST_SOCKET.value;
    let per_socket = format!("{need}, {} a socket", count((needed.ceil() / sockets.value).ceil()));
    if promise.least <= widest * each {
        for target in &promise.targets {
            let arithmetic = format!("{per_socket}; missing: memory channels");
            notes.grade(&target.id, Grade::Unknown, None, arithmetic);
        }
        return;
    }
    let grade = if document.firm("cpu.sockets") { Grade::Impossible } else { Grade::Contradictory };
    let most = show(widest * each, Unit::BytePerSecond);
    let arithmetic = format!(
        "{per_socket}; {} sockets × {} channels × {} × {} B = {most}",
        count(sockets.value),
        count(WIDEST_SOCKET.value),
        show(rate.value, Unit::TransferPerSecond),
        count(CHANNEL_BYTES.value)
    );
    for target in &promise.targets {
        notes.grade(&target.id, grade, Some(Quantity::new(widest * each, Unit::BytePerSecond)), arithmetic.clone());
    }
    let channels = times(&sockets, rate);
    let mut rows = channels.places();
    rows.extend(promise.targets.iter().map(|target| target.place.clone()));
    notes.find(Finding {
        rule: "memory.bandwidth",
        grade,
        factor: promise.value / (widest * each),
        targets: promise.targets.iter().map(|target| target.id.clone()).collect(),
        concerns: channels.ids(),
        says: format!(
            "{} on {} sockets needs {} memory channels at this data rate; no published socket has more than {}, which carry \
             {most}.",
            show(promise.value, Unit::BytePerSecond),
            count(sockets.value),
            count(needed.ceil()),
            count(WIDEST_SOCKET.value)
        ),
        arithmetic,
        rows,
        consistent_if: format!("the document states its memory channels, and there are {} of them", count(needed.ceil())),
        constants: vec![CHANNEL_BYTES, WIDEST_SOCKET],
    });
}

/// Latency: no access is faster than the DRAM, and no published server as fast as its DRAM.
fn latency(document: &Document<'_>, notes: &mut Notes) {
    let kind = document.text("memory.type");
    for target in document.judged_by(&STREAM_LATENCY) {
        let (Some((kind, row)), Some(rate)) = (kind, document.number("memory.data_rate")) else {
            notes.grade(&target.id, Grade::Unknown, None, "missing: memory type and data rate".to_owned());
            continue;
        };
        let burst = LINE_TRANSFERS.value / rate.value;
        let floor = DRAM_ACCESS.value + burst;
        let value = target.value.value;
        let server =
            kind.to_uppercase().contains("RDIMM") || document.number("cpu.sockets").is_some_and(|n| n.value > 1.0);
        let grade = match at_most(target) {
            most if most < floor => Grade::Impossible,
            most if server && most < SERVER_IDLE_LATENCY.value => Grade::Aggressive,
            _ => Grade::Plausible,
        };
        let arithmetic = format!(
            "row and column {} + burst {} = {} at the least; published servers {} and more; promised {}",
            show(DRAM_ACCESS.value, Unit::Second),
            show(burst, Unit::Second),
            show(floor, Unit::Second),
            show(SERVER_IDLE_LATENCY.value, Unit::Second),
            target.value
        );
        notes.grade(&target.id, grade, Some(Quantity::new(floor, Unit::Second)), arithmetic.clone());
        if grade == Grade::Plausible {
            continue;
        }
        let against = if grade == Grade::Impossible { floor } else { SERVER_IDLE_LATENCY.value };
        notes.find(Finding {
            rule: "memory.latency",
            grade,
            factor: against / value,
            targets: vec![target.id.clone()],
            concerns: ids(&[row]),
            says: format!(
                "{} to the first data is {}: the DRAM alone takes {}, and no two-socket server of this memory is published \
                 below {}.",
                target.value,
                if grade == Grade::Impossible { "less than the DRAM needs" } else { "faster than such servers are" },
                show(floor, Unit::Second),
                show(SERVER_IDLE_LATENCY.value, Unit::Second)
            ),
            arithmetic,
            rows: vec![row.place.clone(), target.place.clone()],
            consistent_if: format!("the figure is {} or more, or says how it was measured", show(against, Unit::Second)),
            constants: vec![DRAM_ACCESS, LINE_TRANSFERS, SERVER_IDLE_LATENCY],
        });
    }
}

/// The bandwidths by the smallest and the largest reading of the population.
pub(super) fn bounds(document: &Document<'_>) -> Option<(f64, f64)> {
    let rate = document.number("memory.data_rate")?;
    let readings = populations(document);
    let bandwidth = |population: &Population<'_>| population.channels.value * rate.value * CHANNEL_BYTES.value;
    Some((bandwidth(readings.first()?), bandwidth(readings.last()?)))
}

/// The bandwidth that every reading of the document allows.
pub(super) fn sure_ceiling(document: &Document<'_>) -> Option<(f64, String)> {
    let rate = document.number("memory.data_rate")?;
    let readings = populations(document);
    let least = readings.first()?;
    Some((least.channels.value * rate.value * CHANNEL_BYTES.value, product_text(least, &rate)))
}
