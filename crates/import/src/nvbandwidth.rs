//! The text of NVIDIA's nvbandwidth, as its public documentation shows it.

use measure::Unit;

use crate::text::{Printed, after, lines, number, positive};
use crate::{Error, Format, Import, Setting, Statistic, Told};

/// A test whose sum has not come yet.
struct Open<'a> {
    name: &'a str,
    is_bandwidth: bool,
    sum: f64,
    cells: usize,
}

pub(crate) fn read(text: &str) -> Result<Import, Error> {
    let mut import = Import::of(Format::Nvbandwidth);
    let mut open: Option<Open<'_>> = None;
    let mut driver = None;
    for (line, words) in lines(text) {
        if let Some(version) = after(words, "nvbandwidth Version:") {
            import.version = Some(Told::text(line, version));
        } else if let Some(version) = after(words, "Driver Version:") {
            driver = Some(version);
        } else if let Some(device) = after(words, "Device 0:") {
            import.host = Some(Told::text(line, device));
        } else if let Some(name) = after(words, "Running ") {
            open = Some(Open { name: name.trim_end_matches('.'), is_bandwidth: false, sum: 0.0, cells: 0 });
        } else if let Some(rest) = after(words, "SUM ") {
            sum(line, rest, open.take().as_ref(), &mut import)?;
        } else if let Some(test) = &mut open {
            if words.contains("bandwidth") {
                if !words.contains("(GB/s)") {
                    return Err(Error::at(
                        line,
                        "the bandwidths are not in GB/s, the only unit that nvbandwidth prints",
                    ));
                }
                test.is_bandwidth = true;
            } else {
                cells(line, words, test)?;
            }
        }
    }
    if let Some(test) = open.filter(|test| test.is_bandwidth && test.cells > 0) {
        return Err(Error::at(text.lines().count().max(1), format!("the output ends before the sum of {}", test.name)));
    }
    import.untold(&["host", "date", "on which node the host's memory lay"]);
    if driver.is_none() {
        import.untold(&["driver"]);
    }
    Ok(import)
}

/// A row of the matrix: its number, then its cells.
fn cells(line: usize, words: &str, test: &mut Open<'_>) -> Result<(), Error> {
    let columns: Vec<&str> = words.split_whitespace().collect();
    // The head of the matrix has whole numbers alone.
    let is_row = columns.len() > 1 && columns[1..].iter().any(|cell| cell.contains('.'));
    for cell in columns.iter().skip(1).filter(|_| is_row).filter(|cell| **cell != "N/A") {
        test.sum += number(line, "a cell of the matrix", cell)?;
        test.cells += 1;
    }
    Ok(())
}

fn sum(line: usize, rest: &str, open: Option<&Open<'_>>, import: &mut Import) -> Result<(), Error> {
    let Some((name, text)) = rest.rsplit_once(char::is_whitespace) else {
        return Err(Error::at(line, "a sum without a number"));
    };
    let value = positive(line, "the sum", text)?;
    let Some(open) = open.filter(|open| open.is_bandwidth && open.name == name.trim()) else { return Ok(()) };
    let figure =
        Printed { line, text, unit: "GB/s" }.figure(open.name, value * 1e9, Unit::BytePerSecond, Statistic::Mean);
    import.figures.push(figure);
    if let Some(figure) = import.figures.last_mut() {
        let pairs = format!("the sum of {} pairs", open.cells);
        figure.settings.insert(Setting::Pattern, Told::number(line, &pairs, open.cells as f64));
    }
    // Each cell and the sum are rounded to 0.01.
    if (open.sum - value).abs() > 0.005 * (open.cells as f64 + 1.0) + 1e-9 {
        import.misfit(
            line,
            format!("{name}: the cells add up to {:.2} GB/s, and the sum is said to be {text}", open.sum),
        );
    }
    Ok(())
}
