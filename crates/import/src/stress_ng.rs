//! What stress-ng says of its stressor `stream`.

use measure::Unit;

use crate::text::{Printed, after, between, fits, lines, positive, rounding};
use crate::{Error, Format, Import, Setting, Statistic, Told};

/// The megabyte of stress-ng: its own Mflop/s, at 4 operations and 6 loads of 8 B an element, show it.
const MEGABYTE: f64 = (1 << 20) as f64;

pub(crate) fn read(text: &str) -> Result<Import, Error> {
    let mut import = Import::of(Format::StressNg);
    let mut too_short = None;
    for (line, words) in lines(text) {
        let Some((_, said)) = words.split_once("] ").filter(|_| words.starts_with("stress-ng: ")) else { continue };
        if let Some(count) = after(said, "dispatching hogs:").and_then(|hogs| {
            let hog = hogs.split(',').find(|hog| hog.split_whitespace().nth(1) == Some("stream"))?;
            hog.split_whitespace().next()
        }) {
            let told = Told::number(line, count, positive(line, "the number of stressors", count)?);
            import.settings.insert(Setting::Processes, told);
        } else if let Some(seconds) = between(said, "setting to a ", " second run") {
            let told = Told::number(line, seconds, positive(line, "the runtime", seconds)?);
            import.settings.insert(Setting::Runtime, told);
        } else if let Some(size) = between(said, "stream: Using CPU cache size of", "K") {
            let told = Told::number(line, &format!("{size} KiB"), positive(line, "the cache size", size)? * 1024.0);
            import.settings.insert(Setting::CacheBytes, told);
        } else if said.contains("run duration too short to determine memory rate") {
            too_short = Some(line);
        } else if let Some(rates) = after(said, "stream: memory rate:") {
            rate(line, rates, &mut import)?;
        }
    }
    if let Some(line) = too_short.filter(|_| import.figures.is_empty()) {
        return Err(Error::at(
            line,
            "stress-ng says that the run was too short to determine a memory rate: there is no figure",
        ));
    }
    import.untold(&["version", "host", "date", "array size", "which cores its processes ran on"]);
    Ok(import)
}

/// `6964.60 MB read/sec, 4643.06 MB write/sec, 608.58 Mflop/sec (instance 0)`
fn rate(line: usize, rates: &str, import: &mut Import) -> Result<(), Error> {
    // Newer versions say which flop they count.
    let rates = rates.replace("double precision ", "");
    let columns: Vec<&str> = rates.split_whitespace().collect();
    let [read, "MB", "read/sec,", write, "MB", "write/sec,", flops, "Mflop/sec", ..] = columns[..] else {
        return Err(Error::at(line, "the memory rate is not in MB read/sec, MB write/sec and Mflop/sec"));
    };
    let instance = between(&rates, "(instance", ")").unwrap_or("0");
    for (what, text) in [("read", read), ("write", write)] {
        let value = positive(line, what, text)? * MEGABYTE;
        let name = format!("stream {what} (instance {instance})");
        import.figures.push(Printed { line, text, unit: "MB/s" }.figure(
            &name,
            value,
            Unit::BytePerSecond,
            Statistic::Mean,
        ));
    }
    let (loads, operations) =
        (positive(line, "read", read)? * MEGABYTE / 48.0, positive(line, "Mflop/sec", flops)? * 1e6 / 4.0);
    let unknown = rounding(read) + rounding(flops);
    if !fits(loads, operations, unknown) {
        let says = format!(
            "{read} MB (of 2²⁰ B) read/sec are {loads:.4e} elements a second at 6 loads of 8 B, and {flops} Mflop/sec are \
             {operations:.4e} at 4 operations"
        );
        import.misfit(line, says);
    }
    if !fits(positive(line, "write", write)? * 1.5, positive(line, "read", read)?, rounding(read) + rounding(write)) {
        import.misfit(line, format!("{read} MB read/sec are not 6/4 of {write} MB write/sec"));
    }
    Ok(())
}
