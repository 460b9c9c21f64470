//! The text of the HPC Challenge suite: its summary, and HPL's results above it.

use std::collections::BTreeMap;

use measure::{Definition, Unit, metrics};

use crate::text::{Printed, after, between, fits, lines, positive, rounding};
use crate::{Error, Format, Import, Setting, Statistic, Told, hpl};

/// A figure of the summary: its key, unit as it is printed, factor to the base unit, unit, statistic, metric; where it is of one
/// process while all work, how many there are is a setting.
type Row = (&'static str, &'static str, f64, Unit, Statistic, Option<&'static Definition>);

const ROWS: [Row; 15] = [
    ("StarSTREAM_Copy", "GB/s", 1e9, Unit::BytePerSecond, Statistic::Best, Some(&metrics::STREAM_COPY)),
    ("StarSTREAM_Scale", "GB/s", 1e9, Unit::BytePerSecond, Statistic::Best, Some(&metrics::STREAM_SCALE)),
    ("StarSTREAM_Add", "GB/s", 1e9, Unit::BytePerSecond, Statistic::Best, Some(&metrics::STREAM_ADD)),
    ("StarSTREAM_Triad", "GB/s", 1e9, Unit::BytePerSecond, Statistic::Best, Some(&metrics::STREAM_TRIAD)),
    ("SingleSTREAM_Copy", "GB/s", 1e9, Unit::BytePerSecond, Statistic::Best, None),
    ("SingleSTREAM_Scale", "GB/s", 1e9, Unit::BytePerSecond, Statistic::Best, None),
    ("SingleSTREAM_Add", "GB/s", 1e9, Unit::BytePerSecond, Statistic::Best, None),
    ("SingleSTREAM_Triad", "GB/s", 1e9, Unit::BytePerSecond, Statistic::Best, None),
    ("StarDGEMM_Gflops", "Gflop/s", 1e9, Unit::FlopPerSecond, Statistic::Mean, Some(&metrics::DENSE_DGEMM)),
    ("SingleDGEMM_Gflops", "Gflop/s", 1e9, Unit::FlopPerSecond, Statistic::Whole, None),
    ("PTRANS_GBs", "GB/s", 1e9, Unit::BytePerSecond, Statistic::Whole, None),
    ("StarFFT_Gflops", "Gflop/s", 1e9, Unit::FlopPerSecond, Statistic::Mean, None),
    ("SingleFFT_Gflops", "Gflop/s", 1e9, Unit::FlopPerSecond, Statistic::Whole, None),
    ("MPIFFT_Gflops", "Gflop/s", 1e9, Unit::FlopPerSecond, Statistic::Whole, None),
    ("RandomlyOrderedRingBandwidth_GBytes", "GB/s", 1e9, Unit::BytePerSecond, Statistic::Mean, None),
];

pub(crate) fn read(text: &str) -> Result<Import, Error> {
    let mut import = Import::of(Format::Hpcc);
    for (line, words) in lines(text) {
        if let Some(rest) = after(words, "This is the DARPA/DOE HPC Challenge Benchmark version") {
            import.version = rest.split_whitespace().next().map(|version| Told::text(line, version));
        } else if let Some(host) = between(words, "Hostname: '", "'") {
            import.host = Some(Told::text(line, host));
        } else if let Some((_, date)) = words.split_once(") is ").filter(|_| words.starts_with("Current time (")) {
            // The second is when it ended.
            import.date = import.date.or(Some(Told::text(line, date)));
        }
    }
    hpl::table(text, &mut import)?;
    let summary = summary(text)?;
    threads(&summary, &mut import)?;
    for row in &ROWS {
        figure(row, &summary, &mut import)?;
    }
    agree(&summary, &mut import)?;
    import.untold(&["which BLAS", "on which cores its processes ran"]);
    Ok(import)
}

type Summary<'a> = BTreeMap<&'a str, (usize, &'a str)>;

fn summary(text: &str) -> Result<Summary<'_>, Error> {
    let mut found = None;
    for (line, words) in lines(text) {
        if words.starts_with("Begin of Summary section.") {
            found = Some(Summary::new());
        } else if words.starts_with("End of Summary section.") {
            return found.ok_or_else(|| Error::at(line, "HPCC's summary ends before it begins"));
        } else if let (Some(pairs), Some((key, value))) = (&mut found, words.split_once('=')) {
            pairs.insert(key.trim(), (line, value.trim()));
        }
    }
    Err(Error::at(text.lines().count().max(1), "HPCC's output ends before the end of its summary"))
}

fn threads(summary: &Summary<'_>, import: &mut Import) -> Result<(), Error> {
    if let Some((line, processes)) = summary.get("CommWorldProcs") {
        let value = positive(*line, "CommWorldProcs", processes)?;
        import.settings.insert(Setting::Processes, Told::number(*line, processes, value));
    }
    if let Some((line, success)) = summary.get("Success").filter(|(_, success)| *success != "1") {
        import.settings.insert(Setting::Verified, Told::number(*line, &format!("Success={success}"), 0.0));
    }
    Ok(())
}

fn figure(row: &Row, summary: &Summary<'_>, import: &mut Import) -> Result<(), Error> {
    let (key, unit, factor, base, statistic, metric) = row;
    // What was not run has the value -1, or 0.
    let Some((line, text)) = summary.get(key).filter(|(_, text)| text.parse::<f64>().is_ok_and(|value| value > 0.0))
    else {
        return Ok(());
    };
    let value = positive(*line, key, text)?;
    let mut figure = Printed { line: *line, text, unit }.figure(key, value * factor, *base, *statistic);
    if key.contains("STREAM")
        && let Some((at, elements)) = summary.get("STREAM_VectorSize")
    {
        let bytes = positive(*at, "STREAM_VectorSize", elements)? * 8.0;
        figure.settings.insert(Setting::ArrayBytes, Told::number(*at, &format!("{elements} elements of 8 B"), bytes));
    }
    if key.contains("STREAM")
        && let Some((at, threads)) = summary.get("STREAM_Threads")
    {
        figure.settings.insert(Setting::Threads, Told::number(*at, threads, positive(*at, "STREAM_Threads", threads)?));
    }
    if key.starts_with("Single") {
        figure.settings.insert(Setting::Processes, Told::number(*line, "one of them alone", 1.0));
    }
    import.figures.push(match metric {
        Some(metric) => figure.measures(metric),
        None => figure,
    });
    Ok(())
}

/// HPL's rate stands in its table and in the summary.
fn agree(summary: &Summary<'_>, import: &mut Import) -> Result<(), Error> {
    let Some((line, text)) = summary.get("HPL_Tflops") else { return Ok(()) };
    let value = positive(*line, "HPL_Tflops", text)? * 1e12;
    let best = import
        .figures
        .iter()
        .filter(|figure| figure.name == "HPL")
        .max_by(|a, b| a.value.value.total_cmp(&b.value.value));
    if let Some(best) = best {
        let unknown = rounding(text) + rounding(&best.printed);
        if !fits(value, best.value.value, unknown) {
            let says = format!("the summary says {text} Tflops, and the table of HPL {} Gflops", best.printed);
            import.misfit(*line, says);
        }
    }
    Ok(())
}
