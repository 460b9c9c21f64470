//! Memory: DIMMs against channels, bandwidth against both, latency against the DRAM itself.

use measure::{Ceiling, FactValue, Quantity, Unit};

use super::constants::{CHANNEL_BYTES, LOOSE_SHARE, MEMORY_BEST_SHARE, MODULE_SOURCE, WIDEST_SOCKET, is_module};
use super::document::{Document, Input, agree, at_least, count, ids, percent, places, show, sizes, times};
use super::{Finding, Grade, Notes};
use crate::{Standing, StatedFact, Target, parts};

pub(super) fn audit(document: &Document<'_>, notes: &mut Notes) {
    population(document, notes);
    bandwidth(document, notes);
    observed(document, notes);
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

/// The channels that the sockets have by the parts that the document names.
fn channels_of_parts<'a>(document: &Document<'a>) -> Option<Input<'a>> {
    let sockets = document.number("cpu.sockets")?;
    let firm = parts::of(document.system).filter(|(row, _)| row.standing == Standing::Firm);
    let named = firm.filter_map(|(row, parts)| {
        let each = parts.iter().map(|part| part.number("memory.channels_per_socket")).collect::<Option<Vec<f64>>>()?;
        Some(Input { value: each.into_iter().reduce(f64::max)?, rows: vec![row] })
    });
    let each = named.min_by(|one, other| one.value.total_cmp(&other.value))?;
    Some(times(&sockets, &each))
}

/// The readings, the smallest first: a DIMM feeds at most one channel, and a second on a channel adds nothing; no socket has
/// more channels than its parts give it.
fn populations<'a>(document: &Document<'a>) -> Vec<Population<'a>> {
    let by_dimms = |input| Population { channels: input, words: "DIMMs, each on a channel of its own" };
    let by_channels = |input| Population { channels: input, words: "channels" };
    let channels = match (channels(document), channels_of_parts(document)) {
        (Some(stated), Some(of_parts)) if of_parts.value < stated.value => Some(of_parts),
        (stated, _) => stated,
    };
    match (dimms(document), channels) {
        (Some(dimms), Some(channels)) if agree(dimms.value, channels.value, false) => vec![by_dimms(dimms)],
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
    let (many, few) = (count(channels.value), count(dimms.value));
    let no_mending = not_by_more_dimms(document, channels.value);
    notes.find(Finding {
        rule: "memory.population",
        factor: channels.value / dimms.value,
        concerns: ids(&rows),
        says: format!(
            "{few} DIMMs populate at most {few} memory channels, but {many} channels are said to be used.{}",
            no_mending.as_deref().unwrap_or_default()
        ),
        arithmetic: format!("{few} DIMMs < {many} channels"),
        rows: places(&rows),
        consistent_if: match no_mending {
            Some(_) => format!("{few} channels are used"),
            None => format!("{many} DIMMs are installed, or {few} channels are used"),
        },
        constants: if no_mending.is_some() { vec![MODULE_SOURCE] } else { Vec::new() },
        ..Finding::default()
    });
}

/// Why a DIMM on each of these channels cannot have been meant: neither the stated modules nor any others give the stated
/// capacity.
fn not_by_more_dimms(document: &Document<'_>, channels: f64) -> Option<String> {
    let (capacity, each) = (document.number("memory.capacity")?, document.number("memory.dimm_capacity")?);
    let all = channels * each.value;
    if agree(all, capacity.value, false) || is_module(capacity.value / channels) {
        return None;
    }
    let [capacity_text, each, all] = [capacity.value, each.value, all].map(|bytes| sizes(bytes, Unit::Byte));
    let channels_text = count(channels);
    Some(format!(
        " {channels_text} DIMMs of {each} are {all} and not {capacity_text}, and {capacity_text} / {channels_text} is no \
         module's capacity: more DIMMs do not mend it."
    ))
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
            (Some(least), Some(most)) => against_channels(document, &promise, rate, (least, most), notes),
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
    document: &Document<'_>,
    promise: &Promise<'_>,
    rate: &Input<'_>,
    (least, most): (&Population<'_>, &Population<'_>),
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
    let mut finding = bandwidth_finding(promise, rate, (least, most), grade, arithmetic);
    if grade <= Grade::Contradictory {
        finding.says.extend(not_by_faster_dimms(document, promise, most));
    }
    notes.find(finding);
}

/// What the higher data rate would give that the document calls possible, where that is too little as well.
fn not_by_faster_dimms(document: &Document<'_>, promise: &Promise<'_>, most: &Population<'_>) -> Option<String> {
    let rate = document.number("memory.rated_data_rate")?;
    let bandwidth = most.channels.value * rate.value * CHANNEL_BYTES.value;
    let rate = show(rate.value, Unit::TransferPerSecond);
    (bandwidth < promise.least)
        .then(|| format!(" At the {rate} that are called possible it is {}.", show(bandwidth, Unit::BytePerSecond)))
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
                 bus, so adding both directions up raises no bound ({} would be the sum), and STREAM counts both already.",
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
                },
                show(high + high, Unit::BytePerSecond)
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

/// The most channels that sockets without stated channels may have: as many as the widest sockets, each with modules of
/// one capacity that make up the stated memory.
fn most_channels(document: &Document<'_>, sockets: f64) -> f64 {
    let widest = sockets * WIDEST_SOCKET.value;
    let Some(capacity) = document.number("memory.capacity") else { return widest };
    let fits = |channels: &f64| {
        let each = capacity.value / channels;
        // One module on a channel, or two.
        is_module(each) || is_module(each / 2.0)
    };
    let by_socket = std::iter::successors(Some(widest), |channels| Some(channels - sockets));
    by_socket.take_while(|channels| *channels > 0.0).find(fits).unwrap_or(widest)
}

/// Without channels: how many it would take, and whether any published socket has as many and modules for them.
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
    let grade_all = |grade, ceiling: Option<f64>, arithmetic: &str, notes: &mut Notes| {
        let ceiling = ceiling.map(|value| Quantity::new(value, Unit::BytePerSecond));
        for target in &promise.targets {
            notes.grade(&target.id, grade, ceiling, arithmetic.to_owned());
        }
    };
    let Some(sockets) = document.number("cpu.sockets") else {
        return grade_all(Grade::Unknown, None, &format!("{need}; missing: memory channels and sockets"), notes);
    };
    let most = most_channels(document, sockets.value);
    let per_socket = format!("{need}, {} a socket", count((needed.ceil() / sockets.value).ceil()));
    if promise.least <= most * each {
        return grade_all(Grade::Unknown, None, &format!("{per_socket}; missing: memory channels"), notes);
    }
    // Fewer channels than the widest sockets have follow from equal modules, which nothing states.
    let widest = most >= sockets.value * WIDEST_SOCKET.value;
    let grade = if widest && document.firm("cpu.sockets") { Grade::Impossible } else { Grade::Contradictory };
    let carried = show(most * each, Unit::BytePerSecond);
    let arithmetic = format!(
        "{per_socket}; {} sockets × {} channels × {} × {} B = {carried}; {} is {} of it",
        count(sockets.value),
        count(most / sockets.value),
        show(rate.value, Unit::TransferPerSecond),
        count(CHANNEL_BYTES.value),
        show(promise.value, Unit::BytePerSecond),
        percent(promise.value / most / each)
    );
    grade_all(grade, Some(most * each), &arithmetic, notes);
    notes.find(channels_finding(document, promise, (&sockets, rate), (needed, most), (grade, arithmetic)));
}

fn channels_finding(
    document: &Document<'_>,
    promise: &Promise<'_>,
    (sockets, rate): (&Input<'_>, &Input<'_>),
    (needed, most): (f64, f64),
    (grade, arithmetic): (Grade, String),
) -> Finding {
    let widest = sockets.value * WIDEST_SOCKET.value;
    let carried = show(most * rate.value * CHANNEL_BYTES.value, Unit::BytePerSecond);
    let mut inputs = times(sockets, rate).rows;
    let capacity = document.number("memory.capacity").filter(|_| most < widest);
    let modules = capacity.map(|capacity| {
        inputs.extend(&capacity.rows);
        let capacity = sizes(capacity.value, Unit::Byte);
        let (widest, most) = (count(widest), count(most));
        format!(
            " {capacity} cannot be divided into equal modules over {widest} channels, nor over fewer down to {most}, which carry \
             {carried}."
        )
    });
    let says = format!(
        "{} on {} sockets needs {} memory channels at this data rate; no published socket has more than {}{}",
        show(promise.value, Unit::BytePerSecond),
        count(sockets.value),
        count(needed.ceil()),
        count(WIDEST_SOCKET.value),
        modules.clone().map_or_else(|| format!(", which carry {carried}."), |modules| format!(".{modules}"))
    );
    let mut rows = places(&inputs);
    rows.extend(promise.targets.iter().map(|target| target.place.clone()));
    rows.extend(promise.facts.iter().map(|fact| fact.place.clone()));
    inputs.extend(&promise.facts);
    Finding {
        rule: "memory.bandwidth",
        grade,
        factor: promise.value / (most * rate.value * CHANNEL_BYTES.value),
        targets: promise.targets.iter().map(|target| target.id.clone()).collect(),
        concerns: ids(&inputs),
        says,
        arithmetic,
        rows,
        consistent_if: format!(
            "the document states its memory channels, and there are {} of them with modules that give the capacity",
            count(needed.ceil())
        ),
        constants: vec![CHANNEL_BYTES, WIDEST_SOCKET, MODULE_SOURCE],
    }
}

/// Measured bandwidths against the theoretical one that the same document states. Where that is what the channels carry,
/// they are held against it already.
fn observed(document: &Document<'_>, notes: &mut Notes) {
    let Some(theory) = document.number("memory.bandwidth") else { return };
    if bounds(document).is_some_and(|(_, most)| agree(most, theory.value, theory.approximate())) {
        return;
    }
    for target in document.targets(|metric| metric.ceiling == Some(Ceiling::MemoryBandwidth)) {
        let share = target.value.value / theory.value;
        if share <= MEMORY_BEST_SHARE.value {
            continue;
        }
        let all = share >= 1.0;
        let theory_text = show(theory.value, Unit::BytePerSecond);
        let mut rows = theory.places();
        rows.push(target.place.clone());
        notes.find(Finding {
            rule: "memory.observed",
            grade: if all { Grade::Contradictory } else { Grade::Aggressive },
            factor: share / MEMORY_BEST_SHARE.value,
            targets: vec![target.id.clone()],
            concerns: theory.ids(),
            says: format!(
                "{} is what is measured, and {theory_text} what is theoretically possible: {} of it, where published systems reach \
                 up to {}.{}",
                target.value,
                percent(share),
                percent(MEMORY_BEST_SHARE.value),
                if all { " One of the two figures is not what it is called." } else { "" }
            ),
            arithmetic: format!("{} / {theory_text} = {}", target.value, percent(share)),
            rows,
            consistent_if: format!(
                "the measured figure is at most {}",
                show(theory.value * MEMORY_BEST_SHARE.value, Unit::BytePerSecond)
            ),
            constants: vec![MEMORY_BEST_SHARE],
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
