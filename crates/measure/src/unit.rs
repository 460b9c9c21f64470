//! Base units, and quantities as people write them.
//!
//! Data is kept in base units (s, B, B/s, flop/s, op/s) and scaled only when printed. Prefixes are decimal
//! (GB = 1e9 B) unless the text says GiB.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::num;

/// A base unit; every stored number is in one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Unit {
    /// A pure number: drives, cores, lanes.
    Count,
    /// A share or a ratio: 1.0 is 100 %.
    Ratio,
    /// Seconds.
    Second,
    /// Bytes.
    Byte,
    /// Bytes per second.
    BytePerSecond,
    /// Floating-point operations per second.
    FlopPerSecond,
    /// Integer operations per second (int8 tiles).
    OpPerSecond,
    /// Input/output operations per second.
    IoPerSecond,
    /// Memory transfers per second (the "MT/s" of a DIMM).
    TransferPerSecond,
    /// Rows per second.
    RowPerSecond,
    /// Cycles per second.
    Hertz,
    /// Floating-point operations per clock cycle.
    FlopPerCycle,
    /// Watts.
    Watt,
    /// Amperes.
    Ampere,
    /// Degrees Celsius.
    Celsius,
    /// The score of a third-party benchmark, without a unit of its own.
    Score,
}

impl Unit {
    /// All units, for exhaustive tables and tests.
    pub const ALL: [Unit; 16] = [
        Unit::Count,
        Unit::Ratio,
        Unit::Second,
        Unit::Byte,
        Unit::BytePerSecond,
        Unit::FlopPerSecond,
        Unit::OpPerSecond,
        Unit::IoPerSecond,
        Unit::TransferPerSecond,
        Unit::RowPerSecond,
        Unit::Hertz,
        Unit::FlopPerCycle,
        Unit::Watt,
        Unit::Ampere,
        Unit::Celsius,
        Unit::Score,
    ];

    /// The symbol of the base unit, as it is written in records.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Unit::Count => "count",
            Unit::Ratio => "ratio",
            Unit::Second => "s",
            Unit::Byte => "B",
            Unit::BytePerSecond => "B/s",
            Unit::FlopPerSecond => "flop/s",
            Unit::OpPerSecond => "op/s",
            Unit::IoPerSecond => "IOPS",
            Unit::TransferPerSecond => "T/s",
            Unit::RowPerSecond => "row/s",
            Unit::Hertz => "Hz",
            Unit::FlopPerCycle => "flop/cycle",
            Unit::Watt => "W",
            Unit::Ampere => "A",
            Unit::Celsius => "°C",
            Unit::Score => "points",
        }
    }

    /// The unit whose base symbol this is.
    #[must_use]
    pub fn from_symbol(symbol: &str) -> Option<Unit> {
        Unit::ALL.into_iter().find(|unit| unit.symbol() == symbol)
    }
}

impl From<Unit> for &'static str {
    fn from(unit: Unit) -> &'static str {
        unit.symbol()
    }
}

impl TryFrom<String> for Unit {
    type Error = String;

    fn try_from(symbol: String) -> Result<Unit, String> {
        Unit::from_symbol(&symbol).ok_or_else(|| format!("`{symbol}` is not a unit"))
    }
}

/// A number with its base unit.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Quantity {
    /// The number, in the base unit.
    #[serde(with = "num")]
    pub value: f64,
    /// The base unit.
    pub unit: Unit,
}

impl Quantity {
    /// A quantity of `value` base units.
    #[must_use]
    pub fn new(value: f64, unit: Unit) -> Self {
        Quantity { value, unit }
    }
}

/// What people write: symbol, base unit, factor. Display takes the first fitting row of the unit's prefixes.
const SPELLINGS: &[(&str, Unit, f64)] = &[
    ("", Unit::Count, 1.0),
    ("count", Unit::Count, 1.0),
    ("%", Unit::Ratio, 0.01),
    ("x", Unit::Ratio, 1.0),
    ("×", Unit::Ratio, 1.0),
    ("ratio", Unit::Ratio, 1.0),
    ("h", Unit::Second, 3600.0),
    ("min", Unit::Second, 60.0),
    ("s", Unit::Second, 1.0),
    ("ms", Unit::Second, 1e-3),
    ("µs", Unit::Second, 1e-6),
    ("us", Unit::Second, 1e-6),
    ("ns", Unit::Second, 1e-9),
    ("ps", Unit::Second, 1e-12),
    ("TiB", Unit::Byte, 1_099_511_627_776.0),
    ("GiB", Unit::Byte, 1_073_741_824.0),
    ("MiB", Unit::Byte, 1_048_576.0),
    ("KiB", Unit::Byte, 1024.0),
    ("PB", Unit::Byte, 1e15),
    ("TB", Unit::Byte, 1e12),
    ("GB", Unit::Byte, 1e9),
    ("MB", Unit::Byte, 1e6),
    ("kB", Unit::Byte, 1e3),
    ("B", Unit::Byte, 1.0),
    ("TB/s", Unit::BytePerSecond, 1e12),
    ("GB/s", Unit::BytePerSecond, 1e9),
    ("MB/s", Unit::BytePerSecond, 1e6),
    ("kB/s", Unit::BytePerSecond, 1e3),
    ("B/s", Unit::BytePerSecond, 1.0),
    ("Pflop/s", Unit::FlopPerSecond, 1e15),
    ("Tflop/s", Unit::FlopPerSecond, 1e12),
    ("TFLOPS", Unit::FlopPerSecond, 1e12),
    ("Gflop/s", Unit::FlopPerSecond, 1e9),
    ("GFLOPS", Unit::FlopPerSecond, 1e9),
    ("Mflop/s", Unit::FlopPerSecond, 1e6),
    ("flop/s", Unit::FlopPerSecond, 1.0),
    ("Top/s", Unit::OpPerSecond, 1e12),
    ("Gop/s", Unit::OpPerSecond, 1e9),
    ("op/s", Unit::OpPerSecond, 1.0),
    ("M IOPS", Unit::IoPerSecond, 1e6),
    ("k IOPS", Unit::IoPerSecond, 1e3),
    ("IOPS", Unit::IoPerSecond, 1.0),
    ("GT/s", Unit::TransferPerSecond, 1e9),
    ("MT/s", Unit::TransferPerSecond, 1e6),
    ("T/s", Unit::TransferPerSecond, 1.0),
    ("M row/s", Unit::RowPerSecond, 1e6),
    ("k row/s", Unit::RowPerSecond, 1e3),
    ("row/s", Unit::RowPerSecond, 1.0),
    ("GHz", Unit::Hertz, 1e9),
    ("MHz", Unit::Hertz, 1e6),
    ("kHz", Unit::Hertz, 1e3),
    ("Hz", Unit::Hertz, 1.0),
    ("flop/cycle", Unit::FlopPerCycle, 1.0),
    ("kW", Unit::Watt, 1e3),
    ("W", Unit::Watt, 1.0),
    ("A", Unit::Ampere, 1.0),
    ("°C", Unit::Celsius, 1.0),
    ("points", Unit::Score, 1.0),
];

/// The prefixes that Display chooses from: largest first, the last one takes what is smaller.
fn printed(unit: Unit) -> &'static [&'static str] {
    match unit {
        Unit::Count => &[""],
        Unit::Ratio => &["%"],
        Unit::Second => &["h", "min", "s", "ms", "µs", "ns", "ps"],
        Unit::Byte => &["PB", "TB", "GB", "MB", "kB", "B"],
        Unit::BytePerSecond => &["TB/s", "GB/s", "MB/s", "kB/s", "B/s"],
        Unit::FlopPerSecond => &["Pflop/s", "Tflop/s", "Gflop/s", "Mflop/s", "flop/s"],
        Unit::OpPerSecond => &["Top/s", "Gop/s", "op/s"],
        Unit::IoPerSecond => &["M IOPS", "k IOPS", "IOPS"],
        Unit::TransferPerSecond => &["MT/s", "T/s"],
        Unit::RowPerSecond => &["M row/s", "k row/s", "row/s"],
        Unit::Hertz => &["GHz", "MHz", "kHz", "Hz"],
        Unit::FlopPerCycle => &["flop/cycle"],
        Unit::Watt => &["W"],
        Unit::Ampere => &["A"],
        Unit::Celsius => &["°C"],
        Unit::Score => &["points"],
    }
}

fn spelling(symbol: &str) -> Option<(Unit, f64)> {
    // The Greek letter looks like the micro sign, and many keyboards have only that one.
    let symbol = &symbol.replace('\u{3bc}', "\u{b5}");
    SPELLINGS.iter().find(|(s, ..)| *s == symbol).map(|&(_, unit, factor)| (unit, factor))
}

/// A time of a minute or more as people say it: `2 min 30 s`, from an hour on `6 h 51 min`.
fn long_time(time: Quantity) -> Option<String> {
    const LONGEST: f64 = 1e9;
    if time.unit != Unit::Second || !(60.0..LONGEST).contains(&time.value) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between a minute and 1e9 s")]
    let seconds = time.value.round() as u64;
    let (large, of_large, small, of_small) =
        if seconds < 3600 { ("min", seconds / 60, "s", seconds % 60) } else { hours(seconds) };
    Some(if of_small == 0 { format!("{of_large} {large}") } else { format!("{of_large} {large} {of_small} {small}") })
}

/// Whole hours and the nearest minute.
fn hours(seconds: u64) -> (&'static str, u64, &'static str, u64) {
    let minutes = (seconds + 30) / 60;
    ("h", minutes / 60, "min", minutes % 60)
}

/// Four significant digits, or all digits of a whole number below a million.
/// Bytes with the largest binary prefix that leaves 1 or more: `64 MiB`, `1.031 GiB`.
#[must_use]
pub fn binary_bytes(bytes: f64) -> String {
    const PREFIXES: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut value, mut at) = (bytes, 0);
    while value.abs() >= 1024.0 && at + 1 < PREFIXES.len() {
        (value, at) = (value / 1024.0, at + 1);
    }
    format!("{} {}", digits(value), PREFIXES[at])
}

fn digits(value: f64) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    // 75e-9 / 1e-9 is 75.00000000000001: whole to a billionth is whole.
    let whole = value.round();
    if (value - whole).abs() <= whole.abs() * 1e-9 && whole.abs() < 1e6 {
        return format!("{whole}");
    }
    #[expect(clippy::cast_possible_truncation, reason = "the exponent of a finite f64 is within ±324")]
    let magnitude = if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 };
    let decimals = usize::try_from(3 - magnitude).unwrap_or(0).min(12);
    format!("{value:.decimals$}")
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = long_time(*self) {
            return f.pad(&text);
        }
        let symbols = printed(self.unit);
        let fits = |symbol: &&&str| spelling(symbol).is_some_and(|(_, factor)| self.value.abs() >= factor);
        // Zero and what is smaller than the smallest prefix keep the base unit or the smallest prefix.
        let smallest = symbols[symbols.len() - 1];
        let fallback = if self.value == 0.0 && self.unit == Unit::Second { "s" } else { smallest };
        let symbol = symbols.iter().find(fits).copied().unwrap_or(fallback);
        let factor = spelling(symbol).map_or(1.0, |(_, factor)| factor);
        let number = digits(self.value / factor);
        let text = if symbol.is_empty() { number } else { format!("{number} {symbol}") };
        f.pad(&text)
    }
}

/// Why a text is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseQuantityError {
    /// No number at the start.
    #[error("`{0}` does not start with a number; expected for instance `1.65 TB/s` or `35 µs`")]
    Number(String),
    /// The unit is not known.
    #[error("`{0}` is not a unit; known are {known}", known = known_units())]
    Unit(String),
    /// Parts of different units were added up.
    #[error("`{0}` adds up different units; only times may be written in parts (`18 min 45 s`)")]
    Mixed(String),
}

fn known_units() -> String {
    let symbols: Vec<_> = SPELLINGS.iter().map(|(s, ..)| *s).filter(|s| !s.is_empty()).collect();
    symbols.join(", ")
}

impl FromStr for Quantity {
    type Err = ParseQuantityError;

    /// Reads `1.65 TB/s`, `35 µs`, `64`, or a time in parts: `18 min 45 s`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut rest = text.trim();
        let mut total: Option<Quantity> = None;
        loop {
            let (part, after) = parse_part(rest, text)?;
            total = Some(match total {
                None => part,
                Some(sum) if sum.unit == part.unit && part.unit == Unit::Second => {
                    Quantity::new(sum.value + part.value, part.unit)
                }
                Some(_) => return Err(ParseQuantityError::Mixed(text.to_owned())),
            });
            rest = after.trim_start();
            if rest.is_empty() {
                break;
            }
        }
        total.ok_or_else(|| ParseQuantityError::Number(text.to_owned()))
    }
}

/// One number with its unit from the front of `rest`; what follows it.
fn parse_part<'a>(rest: &'a str, whole: &str) -> Result<(Quantity, &'a str), ParseQuantityError> {
    let end = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+')).unwrap_or(rest.len());
    let (number, after) = match exponent_end(rest, end) {
        Some(end) => rest.split_at(end),
        None => rest.split_at(end),
    };
    let value: f64 = number.parse().map_err(|_| ParseQuantityError::Number(whole.to_owned()))?;
    let unit_text = after.trim_start();
    let unit_end = unit_text.find(|c: char| c.is_ascii_digit()).unwrap_or(unit_text.len());
    let (symbol, next) = unit_text.split_at(unit_end);
    let (unit, factor) =
        spelling(symbol.trim_end()).ok_or_else(|| ParseQuantityError::Unit(symbol.trim().to_owned()))?;
    Ok((Quantity::new(scale(value, factor), unit), next))
}

/// `value × factor`, by division where the factor is below one, so that `35 µs` is exactly 35e-6.
fn scale(value: f64, factor: f64) -> f64 {
    if factor < 1.0 { value / (1.0 / factor).round() } else { value * factor }
}

/// The end of a number with an exponent (`1e9`), where there is one.
fn exponent_end(text: &str, mantissa: usize) -> Option<usize> {
    let tail = text.get(mantissa..)?.strip_prefix(['e', 'E'])?;
    let sign = usize::from(tail.starts_with(['+', '-']));
    let digits = tail[sign..].bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then_some(mantissa + 1 + sign + digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, value: f64, unit: Unit, printed: &str) {
        let quantity: Quantity = text.parse().unwrap();
        assert_eq!(quantity, Quantity::new(value, unit), "{text}");
        assert_eq!(quantity.to_string(), printed);
    }

    #[test]
    fn memory_comes_in_powers_of_two() {
        let check = |bytes: f64, expect: &str| assert_eq!(binary_bytes(bytes), expect, "{bytes}");
        check(0.0, "0 B");
        check(1023.0, "1023 B");
        check(49152.0, "48 KiB");
        check(268_435_456.0, "256 MiB");
        check(25_280_000_000.0, "23.54 GiB");
        check(2_199_023_255_552.0, "2 TiB");
        check(3e18, "2665 PiB");
    }

    #[test]
    fn quantities_as_people_write_them() {
        check("1.65 TB/s", 1.65e12, Unit::BytePerSecond, "1.650 TB/s");
        check("35 µs", 35e-6, Unit::Second, "35 µs");
        check("35 \u{3bc}s", 35e-6, Unit::Second, "35 µs");
        check("75ns", 75e-9, Unit::Second, "75 ns");
        check("18 min 45 s", 1125.0, Unit::Second, "18 min 45 s");
        check("59.4 s", 59.4, Unit::Second, "59.40 s");
        check("60.2 s", 60.2, Unit::Second, "1 min");
        check("149.94 s", 149.94, Unit::Second, "2 min 30 s");
        check("3599.7 s", 3599.7, Unit::Second, "1 h");
        check("6.85 h", 24660.0, Unit::Second, "6 h 51 min");
        check("1.8 M IOPS", 1.8e6, Unit::IoPerSecond, "1.800 M IOPS");
        check("14.5 TFLOPS", 14.5e12, Unit::FlopPerSecond, "14.50 Tflop/s");
        check("128 MiB", 134_217_728.0, Unit::Byte, "134.2 MB");
        check("5600 MT/s", 5.6e9, Unit::TransferPerSecond, "5600 MT/s");
        check("78 %", 0.78, Unit::Ratio, "78 %");
        check("64", 64.0, Unit::Count, "64");
        check("90 °C", 90.0, Unit::Celsius, "90 °C");
        check("1e3 W", 1000.0, Unit::Watt, "1000 W");
        check("0 s", 0.0, Unit::Second, "0 s");
    }

    #[test]
    fn what_is_not_a_quantity_says_why() {
        let check = |text: &str, expect: &str| {
            let error = text.parse::<Quantity>().unwrap_err().to_string();
            assert!(error.contains(expect), "{text}: {error}");
        };
        check("", "does not start with a number");
        check("fast", "does not start with a number");
        check("1.8 TB/h", "is not a unit");
        check("1 GB 2 s", "adds up different units");
        check("1 TB/s 2", "adds up different units");
        check("1.2.3 s", "does not start with a number");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = text.parse::<Quantity>();
        }

        #[test]
        fn print_and_read_agree_to_four_digits(value in 1e-9_f64..1e15, unit in prop::sample::select(&Unit::ALL[..])) {
            let quantity = Quantity::new(value, unit);
            let again: Quantity = quantity.to_string().parse().unwrap();
            prop_assert_eq!(again.unit, unit);
            let error = (again.value - value).abs() / value;
            // A long time is told to the second, from an hour on to the minute.
            let told = unit == Unit::Second && value >= 60.0 && error < 1e-2;
            prop_assert!(error < 6e-4 || value < 1e-6 || told, "{} {}", quantity, again.value);
        }

        #[test]
        fn symbols_name_their_unit(unit in prop::sample::select(&Unit::ALL[..])) {
            prop_assert_eq!(Unit::from_symbol(unit.symbol()), Some(unit));
        }
    }
}
