//! HPL's text, and the part of HPCC's that is HPL's.

use measure::{Unit, metrics};

use crate::text::{Printed, after, duration, lines, number, positive, takes};
use crate::{Error, Format, Import, Setting, Statistic, Told};

pub(crate) fn read(text: &str) -> Result<Import, Error> {
    let mut import = Import::of(Format::Hpl);
    table(text, &mut import)?;
    import.untold(&["host", "threads of a process", "which BLAS", "on which cores its processes ran"]);
    Ok(import)
}

/// The results of HPL in a text, each with its residual.
pub(crate) fn table(text: &str, import: &mut Import) -> Result<(), Error> {
    let (mut is_table, mut is_ended) = (false, false);
    for (line, words) in lines(text) {
        if let Some(version) = after(words, "HPLinpack ").and_then(|rest| rest.split_whitespace().next()) {
            if import.format == Format::Hpl {
                import.version = Some(Told::text(line, version));
            }
        } else if words.starts_with("T/V") && words.contains("Gflops") {
            is_table = true;
        } else if words.starts_with("End of Tests.") {
            is_ended = true;
        } else if is_table {
            row(line, words, import)?;
            residual(line, words, import);
        }
    }
    let last = text.lines().count().max(1);
    if !is_table {
        return Err(Error::at(last, "HPL's output ends before its table of results"));
    }
    if !is_ended {
        return Err(Error::at(last, "HPL's output ends before its `End of Tests.`"));
    }
    Ok(())
}

/// `WR11C2R4        4000   192     1     2               2.28              1.871e+01`
fn row(line: usize, words: &str, import: &mut Import) -> Result<(), Error> {
    let columns: Vec<&str> = words.split_whitespace().collect();
    let [variant, order, block, rows, cols, seconds, rate] = columns[..] else { return Ok(()) };
    let is_code = variant.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if !variant.starts_with(['W', 'C']) || variant.len() < 8 || !is_code {
        return Ok(());
    }
    let (value, time) = (positive(line, "Gflops", rate)?, duration(line, "Time", seconds)?);
    let n = positive(line, "N", order)?;
    let mut figure =
        Printed { line, text: rate, unit: "Gflops" }.figure("HPL", value * 1e9, Unit::FlopPerSecond, Statistic::Whole);
    let grid = [(Setting::BlockOrder, "NB", block), (Setting::GridRows, "P", rows), (Setting::GridColumns, "Q", cols)];
    for (setting, what, text) in grid {
        figure.settings.insert(setting, Told::number(line, text, positive(line, what, text)?));
    }
    figure.settings.insert(Setting::Order, Told::number(line, order, n));
    figure.settings.insert(Setting::Runtime, Told::number(line, seconds, time));
    import.figures.push(figure.measures(&metrics::DENSE_HPL));
    let operations = operations(n);
    if !takes(operations, value * 1e9, rate, seconds) {
        let says = format!(
            "{rate} Gflops × {seconds} s are {:.4e} operations, and N = {order} takes 2/3·N³ + 3/2·N² = {operations:.4e}",
            value * 1e9 * time
        );
        import.misfit(line, says);
    }
    Ok(())
}

/// What HPL credits for a system of this order.
pub(crate) fn operations(n: f64) -> f64 {
    2.0 / 3.0 * n.powi(3) + 1.5 * n.powi(2)
}

/// `||Ax-b||_oo/(eps*(||A||_oo*||x||_oo+||b||_oo)*N)=        0.0035639 ...... PASSED`
///
/// HPL 1.0 has three such lines, of which the worst counts; of a residual that failed it also prints the norms, not scaled by `eps`.
fn residual(line: usize, words: &str, import: &mut Import) {
    let Some(rest) = words.trim_start().strip_prefix("||Ax-b||").and_then(|rest| rest.split_once('=')) else { return };
    let Some(figure) = import.figures.last_mut().filter(|_| rest.0.contains("eps")) else { return };
    let mut columns = rest.1.split_whitespace();
    let value = columns.next().unwrap_or_default();
    // A residual that is no number is one that failed.
    let residual = number(line, "the residual", value).unwrap_or(f64::MAX);
    let passed = columns.next_back() == Some("PASSED");
    let mut worst = |setting, told: Told, is_worse: &dyn Fn(f64) -> bool| {
        if figure.settings.get(&setting).and_then(|known| known.value).is_none_or(is_worse) {
            figure.settings.insert(setting, told);
        }
    };
    worst(Setting::Residual, Told::number(line, value, residual), &|known| residual > known);
    worst(Setting::Verified, Told::number(line, words, f64::from(u8::from(passed))), &|_| !passed);
}
