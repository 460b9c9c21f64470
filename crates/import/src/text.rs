//! Lines and numbers of a text.

use measure::{Definition, Quantity, Unit};

use crate::{Error, Figure, Statistic};

/// The lines of a text, from 1.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines())
}

/// A finite number as tools print it.
pub(crate) fn number(line: usize, what: &str, text: &str) -> Result<f64, Error> {
    let value: Option<f64> = text.trim().parse().ok();
    value
        .filter(|value| value.is_finite())
        .ok_or_else(|| Error::at(line, format!("{what} is `{}`, which is no number", shortened(text.trim()))))
}

/// The same of a number that must be above zero.
pub(crate) fn positive(line: usize, what: &str, text: &str) -> Result<f64, Error> {
    let value = number(line, what, text)?;
    if value <= 0.0 {
        return Err(Error::at(line, format!("{what} is {}, and no such thing can be measured", text.trim())));
    }
    Ok(value)
}

/// The same of a time, in seconds: a short one is printed as `0.00`, which says that it was at most half a unit in the last place.
pub(crate) fn duration(line: usize, what: &str, text: &str) -> Result<f64, Error> {
    let value = number(line, what, text)?;
    if value < 0.0 {
        return Err(Error::at(line, format!("{what} is {}, and no time is less than zero", text.trim())));
    }
    Ok(value)
}

/// No more of a text than a message can hold.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 40;
    let short: String = text.chars().take(MOST).collect();
    if short.len() < text.len() { short + "…" } else { short }
}

/// What stands behind a mark at the beginning of a line.
pub(crate) fn after<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    line.trim_start().strip_prefix(mark).map(str::trim)
}

/// What stands between two marks.
pub(crate) fn between<'a>(line: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(begin)?;
    Some(rest.split_once(end)?.0.trim())
}

/// Half a unit in the last place of a printed number: `26370.5` is known to 0.05.
fn half_unit(printed: &str) -> f64 {
    let (mantissa, exponent) = printed.split_once(['e', 'E']).unwrap_or((printed, "0"));
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let scale = 10f64.powi(exponent.parse().unwrap_or(0)) * 10f64.powi(-i32::try_from(decimals.min(300)).unwrap_or(0));
    0.5 * scale
}

/// The same as a share of the number.
pub(crate) fn rounding(printed: &str) -> f64 {
    let printed = printed.trim();
    let value: f64 = printed.parse().unwrap_or(0.0);
    if value == 0.0 { f64::INFINITY } else { (half_unit(printed) / value).abs() }
}

/// Whether work that was done at a printed rate took the time that is printed.
pub(crate) fn takes(work: f64, rate: f64, printed_rate: &str, seconds: &str) -> bool {
    let (expected, printed) = (work / rate, seconds.trim());
    let told: f64 = printed.parse().unwrap_or(f64::NAN);
    // The numbers that are compared were computed of rounded ones themselves.
    let (unknown, share) = (half_unit(printed) * 1.01 + expected * 1e-12, rounding(printed_rate) * 1.01);
    let (least, most) = (expected / (1.0 + share), if share < 1.0 { expected / (1.0 - share) } else { f64::INFINITY });
    unknown.is_finite() && told + unknown >= least && told - unknown <= most
}

/// Whether two values are the same, once as much as a share of them is unknown.
pub(crate) fn fits(one: f64, other: f64, unknown: f64) -> bool {
    // Sums of rounded numbers are rounded themselves.
    (one - other).abs() <= (unknown * 1.01 + 1e-12) * one.abs().max(other.abs())
}

/// A number with its line as the file has it.
#[derive(Clone, Copy)]
pub(crate) struct Printed<'a> {
    pub(crate) line: usize,
    pub(crate) text: &'a str,
    pub(crate) unit: &'a str,
}

impl Printed<'_> {
    /// The figure that it is, its value in the base unit.
    pub(crate) fn figure(self, name: &str, value: f64, unit: Unit, statistic: Statistic) -> Figure {
        Figure {
            line: self.line,
            name: name.to_owned(),
            printed: self.text.trim().to_owned(),
            unit: self.unit.to_owned(),
            value: Quantity::new(value, unit),
            statistic,
            metric: None,
            settings: std::collections::BTreeMap::new(),
        }
    }
}

impl Figure {
    pub(crate) fn measures(mut self, metric: &Definition) -> Figure {
        self.metric = Some(metric.id.to_owned());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_printed_number_leaves_unknown() {
        let check = |printed: &str, expect: f64| assert!((rounding(printed) / expect - 1.0).abs() < 1e-9, "{printed}");
        check("26370.5", 0.05 / 26370.5);
        check("0.136516", 0.000_000_5 / 0.136_516);
        check("4.4213e+01", 0.0005 / 44.213);
        check("2000", 0.5 / 2000.0);
        assert!(rounding("0").is_infinite());
    }

    #[test]
    fn a_time_is_held_to_what_its_digits_say() {
        let check = |seconds: &str, expect: bool| assert_eq!(takes(1e9, 2e9, "2.000e9", seconds), expect, "{seconds}");
        check("0.50", true);
        check("0.49", false);
        check("0.51", false);
        check("0.5", true);
        // `0` stands for up to half a second, `0.0` for up to a twentieth.
        check("0", true);
        check("0.0", false);
        check("0e999", false);
        check("nan", false);
        // A rate of one digit: STREAM's 0.1 MB/s are 0.05 to 0.15.
        assert!(takes(6_876_669.0, 1e5, "0.1", "46.126775") && takes(6_876_669.0, 1e5, "0.1", "137.126775"));
        assert!(!takes(6_876_669.0, 1e5, "0.1", "45.126775") && !takes(6_876_669.0, 1e5, "0.1", "139.126775"));
    }

    #[test]
    fn numbers_are_finite() {
        let check = |text: &str, expect: Option<f64>| assert_eq!(number(3, "x", text).ok(), expect, "{text}");
        check(" 1.5e3 ", Some(1500.0));
        check("nan", None);
        check("1e999", None);
        check("12MB", None);
        assert_eq!(
            positive(3, "the rate", "0.0").unwrap_err().to_string(),
            "line 3: the rate is 0.0, and no such thing can be measured"
        );
        assert_eq!(duration(3, "Time", "0.00").ok(), Some(0.0));
        assert_eq!(
            duration(3, "Time", "-0.5").unwrap_err().to_string(),
            "line 3: Time is -0.5, and no time is less than zero"
        );
    }
}
