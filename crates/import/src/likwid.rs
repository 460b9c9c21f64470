//! likwid-bench's text.

use measure::{Definition, Unit, metrics};

use crate::text::{Printed, after, between, fits, lines, positive, rounding};
use crate::{Error, Format, Import, Setting, Statistic, Told};

/// What a kernel measures, by the beginning of its name. `triad` of likwid-bench is Schönauer's, with three loads of an update:
/// it is not STREAM's.
const KERNELS: [(&str, &Definition); 6] = [
    ("load", &metrics::STREAM_READ),
    ("store", &metrics::STREAM_WRITE),
    ("copy", &metrics::STREAM_COPY),
    ("stream", &metrics::STREAM_TRIAD),
    ("add", &metrics::STREAM_ADD),
    ("peakflops", &metrics::DENSE_FMA),
];

/// A number of the block of results.
type Number<'a> = (usize, &'a str, f64);

#[derive(Default)]
struct Block<'a> {
    kernel: Option<(usize, &'a str)>,
    threads: Option<Number<'a>>,
    time: Option<Number<'a>>,
    size: Option<Number<'a>>,
    rounds: Option<Number<'a>>,
    volume: Option<Number<'a>>,
    rate: Option<Number<'a>>,
    flops: Option<Number<'a>>,
    flop_rate: Option<Number<'a>>,
    loads: Option<Number<'a>>,
    stores: Option<Number<'a>>,
}

pub(crate) fn read(text: &str) -> Result<Import, Error> {
    let mut import = Import::of(Format::LikwidBench);
    let mut block = Block::default();
    for (line, words) in lines(text) {
        if words.starts_with("LIKWID MICRO BENCHMARK") {
            close(&mut import, &std::mem::take(&mut block), line)?;
        }
        take(&mut block, line, words)?;
    }
    close(&mut import, &block, text.lines().count().max(1))?;
    import.untold(&["version", "host", "date"]);
    Ok(import)
}

fn take<'a>(block: &mut Block<'a>, line: usize, words: &'a str) -> Result<(), Error> {
    if let Some(kernel) = after(words, "Test:") {
        block.kernel = Some((line, kernel));
    } else if let Some(threads) = between(words, "Using", "threads").filter(|_| words.starts_with("Using")) {
        block.threads = Some((line, threads, positive(line, "the number of threads", threads)?));
    }
    let keys: [(&str, &mut Option<Number<'a>>); 9] = [
        ("Time:", &mut block.time),
        ("Size (Byte):", &mut block.size),
        ("Iterations per thread:", &mut block.rounds),
        ("Data volume (Byte):", &mut block.volume),
        ("MByte/s:", &mut block.rate),
        ("Number of Flops:", &mut block.flops),
        ("MFlops/s:", &mut block.flop_rate),
        ("Loads per update:", &mut block.loads),
        ("Stores per update:", &mut block.stores),
    ];
    for (key, place) in keys {
        if let Some(value) = after(words, key) {
            let value = value.trim_end_matches("sec").trim();
            let number = crate::text::number(line, key.trim_end_matches(':'), value)?;
            *place = Some((line, value, number));
        }
    }
    Ok(())
}

/// The figures of a block of results, where one was begun.
fn close(import: &mut Import, block: &Block<'_>, line: usize) -> Result<(), Error> {
    let Some((at, kernel)) = block.kernel else { return Ok(()) };
    let Some((rate_line, rate, value)) = block.rate else {
        return Err(Error::at(line, format!("the results of the test {kernel} (line {at}) end before MByte/s")));
    };
    let metric = KERNELS.iter().find(|(name, _)| kernel.split('_').next() == Some(name)).map(|(_, metric)| *metric);
    let is_flops = metric == Some(&metrics::DENSE_FMA);
    // In single precision there are twice as many of them.
    let metric = metric.filter(|_| !(is_flops && kernel.split('_').any(|word| word == "sp")));
    let figure = match (is_flops, block.flop_rate) {
        (true, Some((line, text, value))) => {
            Printed { line, text, unit: "MFlops/s" }.figure(kernel, value * 1e6, Unit::FlopPerSecond, Statistic::Whole)
        }
        _ => Printed { line: rate_line, text: rate, unit: "MByte/s" }.figure(
            kernel,
            value * 1e6,
            Unit::BytePerSecond,
            Statistic::Whole,
        ),
    };
    let mut figure = match metric {
        Some(metric) => figure.measures(metric),
        None => figure,
    };
    let mut put = |setting, number: Option<Number<'_>>| {
        if let Some((line, text, value)) = number {
            figure.settings.insert(setting, Told::number(line, text, value));
        }
    };
    put(Setting::Threads, block.threads);
    put(Setting::WorkingSet, block.size);
    put(Setting::Runtime, block.time);
    put(Setting::Repetitions, block.rounds);
    put(Setting::Loads, block.loads);
    put(Setting::Stores, block.stores);
    figure.settings.insert(Setting::Kernel, Told::text(at, kernel));
    if kernel.contains("_mem") || kernel.contains("_nt") {
        figure.settings.insert(Setting::WithoutWriteAllocate, Told::number(at, kernel, 0.0));
    } else if block.stores.is_some_and(|(.., stores)| stores > 0.0) {
        figure.settings.insert(Setting::WithoutWriteAllocate, Told::number(at, kernel, 1.0));
    }
    import.figures.push(figure);
    own_checks(import, block);
    Ok(())
}

fn own_checks(import: &mut Import, block: &Block<'_>) {
    let product =
        |one: Option<Number<'_>>, other: Option<Number<'_>>, whole: Option<Number<'_>>, scale: f64, what: &str| {
            let ((line, rate, value), (_, factor, by), (_, sum, expect)) = (one?, other?, whole?);
            let unknown = rounding(rate) + rounding(factor) + rounding(sum);
            let is_told = value > 0.0 && expect > 0.0 && !fits(value * by * scale, expect, unknown);
            is_told
                .then(|| (line, format!("{what}: {rate} × {factor} are {:.6e}, and {sum} is said", value * by * scale)))
        };
    let found = [
        product(block.rate, block.time, block.volume, 1e6, "MByte/s × time against the data volume"),
        product(block.flop_rate, block.time, block.flops, 1e6, "MFlops/s × time against the number of flops"),
        product(block.size, block.rounds, block.volume, 1.0, "size × iterations per thread against the data volume"),
    ];
    for (line, says) in found.into_iter().flatten() {
        import.misfit(line, says);
    }
}
