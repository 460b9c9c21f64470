//! The text of Intel's Memory Latency Checker, as its public documentation shows it.

use measure::{Definition, Unit, metrics};

use crate::text::{Printed, after, between, lines, positive};
use crate::{Error, Format, Import, Setting, Statistic, Told};

const TRAFFIC: [(&str, Option<&Definition>); 7] = [
    ("ALL Reads", Some(&metrics::STREAM_READ)),
    ("3:1 Reads-Writes", None),
    ("2:1 Reads-Writes", None),
    ("1:1 Reads-Writes", None),
    ("Stream-triad like", Some(&metrics::STREAM_TRIAD)),
    ("All NT writes", Some(&metrics::STREAM_WRITE)),
    ("1:1 Read-NT write", None),
];

/// What a matrix of nodes is of.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    None,
    Latency,
    Bandwidth,
    Loaded,
}

pub(crate) fn read(text: &str) -> Result<Import, Error> {
    let mut import = Import::of(Format::Mlc);
    let mut part = Part::None;
    for (line, words) in lines(text) {
        if let Some(version) = after(words, "Intel(R) Memory Latency Checker - v") {
            import.version = Some(Told::text(line, version));
        } else if words.starts_with("Measuring ") {
            part = part_of(words);
        } else if words.contains("Bandwidths are in") && !words.contains("MB/sec (1 MB/sec = 1,000,000 Bytes/sec)") {
            return Err(Error::at(
                line,
                "the bandwidths are not in MB/sec of 1,000,000 B/s, the only unit that MLC prints",
            ));
        } else if let Some(size) = between(words, "Using buffer size of", "MiB") {
            let bytes = positive(line, "the buffer size", size)? * f64::from(1 << 20);
            import.settings.insert(Setting::WorkingSet, Told::number(line, &format!("{size} MiB"), bytes));
        } else if !traffic(line, words, &mut import)? {
            match part {
                Part::Latency | Part::Bandwidth => matrix(line, words, part, &mut import)?,
                Part::Loaded => loaded(line, words, &mut import)?,
                Part::None => {}
            }
        }
    }
    import.untold(&["host", "date", "how many threads", "hardware prefetchers on or off"]);
    Ok(import)
}

fn part_of(words: &str) -> Part {
    match words {
        _ if words.contains("idle latencies") => Part::Latency,
        _ if words.contains("between nodes") => Part::Bandwidth,
        _ if words.contains("Loaded Latencies") => Part::Loaded,
        _ => Part::None,
    }
}

fn traffic(line: usize, words: &str, import: &mut Import) -> Result<bool, Error> {
    let Some((name, metric)) = TRAFFIC.iter().find(|(name, _)| words.starts_with(name)) else { return Ok(false) };
    let text = words.split_once(':').and_then(|(head, rest)| {
        // `1:1 Read-NT write:` has a colon of its own.
        if head.len() < name.len() { rest.split_once(':').map(|(_, rest)| rest) } else { Some(rest) }
    });
    let text = text.unwrap_or_default().trim();
    let value = positive(line, name, text)? * 1e6;
    let mut figure = Printed { line, text, unit: "MB/sec" }.figure(name, value, Unit::BytePerSecond, Statistic::Whole);
    figure.settings.insert(Setting::Pattern, Told::text(line, name));
    import.figures.push(match metric {
        Some(metric) => figure.measures(metric),
        None => figure,
    });
    Ok(true)
}

/// A row of a matrix of nodes: `0          90.6   146.4`.
fn matrix(line: usize, words: &str, part: Part, import: &mut Import) -> Result<(), Error> {
    let mut columns = words.split_whitespace();
    // The head of the matrix names the nodes, and has a word before them.
    let Some(from) = columns.next().and_then(|from| from.parse::<u32>().ok()) else { return Ok(()) };
    for (to, text) in columns.enumerate() {
        // A node without memory.
        if text == "-" {
            continue;
        }
        let what = format!("node {from} to node {to}");
        let figure = if part == Part::Latency {
            let value = positive(line, &what, text)? * 1e-9;
            let figure = Printed { line, text, unit: "ns" };
            let figure = figure.figure(&format!("idle latency, {what}"), value, Unit::Second, Statistic::Mean);
            // A load of the nearest memory is what the catalogue's figure is.
            if usize::try_from(from) == Ok(to) { figure.measures(&metrics::STREAM_LATENCY) } else { figure }
        } else {
            let value = positive(line, &what, text)? * 1e6;
            Printed { line, text, unit: "MB/sec" }.figure(
                &format!("reads, {what}"),
                value,
                Unit::BytePerSecond,
                Statistic::Whole,
            )
        };
        import.figures.push(figure);
    }
    Ok(())
}

/// `00000  261.50   225452.5`: the delay between requests, the latency, the bandwidth meanwhile.
fn loaded(line: usize, words: &str, import: &mut Import) -> Result<(), Error> {
    let columns: Vec<&str> = words.split_whitespace().collect();
    let [delay, latency, bandwidth] = columns[..] else { return Ok(()) };
    if !delay.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    let value = positive(line, "the latency", latency)? * 1e-9;
    import.figures.push(Printed { line, text: latency, unit: "ns" }.figure(
        &format!("loaded latency, delay {delay}"),
        value,
        Unit::Second,
        Statistic::Mean,
    ));
    let value = positive(line, "the bandwidth", bandwidth)? * 1e6;
    import.figures.push(Printed { line, text: bandwidth, unit: "MB/sec" }.figure(
        &format!("loaded bandwidth, delay {delay}"),
        value,
        Unit::BytePerSecond,
        Statistic::Whole,
    ));
    Ok(())
}
