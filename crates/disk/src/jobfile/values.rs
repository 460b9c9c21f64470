//! Values as fio writes them.

use crate::job::{Amount, Blocks};
use crate::steady::{SteadyCriterion, SteadyLimit, WatchedRate};

/// A whole number with fio's size suffixes, where `kb_base` is its default of 1024: `4k` is 4096, `4ki` is 4000.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let lower = text.trim().to_ascii_lowercase();
    let wrong = || format!("`{text}` is not a size such as 4096, 4k, 64KiB, 1g");
    if let Some(digits) = lower.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).map_err(|_| wrong());
    }
    let (digits, suffix) = split_number(&lower);
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let suffix = suffix.strip_suffix('b').unwrap_or(suffix);
    let (prefix, base) = suffix.strip_suffix('i').map_or((suffix, 1024_u64), |prefix| (prefix, 1000));
    let power = match prefix {
        "" if base == 1024 => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return Err(wrong()),
    };
    number.checked_mul(base.pow(power)).ok_or_else(|| format!("`{text}` is more than 2^64 bytes"))
}

/// Bytes, or a share such as `50%`.
pub(super) fn amount(text: &str) -> Result<Amount, String> {
    match text.trim().strip_suffix('%') {
        None => bytes(text).map(Amount::Bytes),
        Some(percent) => match percent.trim().parse() {
            Ok(percent) if percent <= 100 => Ok(Amount::Percent(percent)),
            _ => Err(format!("`{text}` is not a share from 0% to 100%")),
        },
    }
}

/// A time in seconds: `90`, `1m30s`, `500ms`.
pub(super) fn seconds(text: &str) -> Result<f64, String> {
    let wrong = || format!("`{text}` is not a time such as 60, 5m, 1h30m, 500ms");
    let lower = text.trim().to_ascii_lowercase();
    let mut rest = lower.as_str();
    let mut total = 0.0;
    loop {
        let (digits, after) = split_number(rest);
        let number: u32 = digits.parse().map_err(|_| wrong())?;
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let factor = match unit {
            "" | "s" => 1.0,
            "us" => 1e-6,
            "ms" => 1e-3,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => return Err(wrong()),
        };
        total += f64::from(number) * factor;
        rest = next;
        if rest.is_empty() {
            return Ok(total);
        }
    }
}

fn split_number(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// A whole number in a range.
pub(super) fn count(text: &str, least: u32, most: u32) -> Result<u32, String> {
    match bytes(text).ok().and_then(|number| u32::try_from(number).ok()) {
        Some(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("`{text}` is not a whole number from {least} to {most}")),
    }
}

/// A switch: alone, or with 0 or 1.
pub(super) fn flag(text: &str) -> Result<bool, String> {
    match text.trim() {
        "" | "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(format!("`{text}` is neither 0 nor 1")),
    }
}

/// Sizes of the two directions: `4k`, `4k,64k`; a third, for trims, is read and not used.
pub(super) fn blocks(text: &str) -> Result<[Option<Blocks>; 2], String> {
    by_direction(text, |part| Ok(Blocks::of(block(part)?)))
}

/// Ranges of the two directions: `1k-4k`, `1k-4k,2k-8k`.
pub(super) fn block_ranges(text: &str) -> Result<[Option<Blocks>; 2], String> {
    by_direction(text, |part| {
        let (min, max) = part.split_once('-').ok_or_else(|| format!("`{part}` is not a range such as 1k-4k"))?;
        let (min, max) = (block(min)?, block(max)?);
        if min > max {
            return Err(format!("the range `{part}` ends before it starts"));
        }
        Ok(Blocks { min, max })
    })
}

fn by_direction(text: &str, parse: impl Fn(&str) -> Result<Blocks, String>) -> Result<[Option<Blocks>; 2], String> {
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    if parts.len() > 3 {
        return Err(format!("`{text}` has more than the three directions read, write, trim"));
    }
    let one = |part: &str| if part.is_empty() { Ok(None) } else { parse(part).map(Some) };
    let read = one(parts[0])?;
    let write = parts.get(1).map_or(Ok(read), |part| one(part))?;
    parts.get(2).map_or(Ok(None), |part| one(part))?;
    Ok([read, write])
}

fn block(text: &str) -> Result<u32, String> {
    const MOST: u64 = 1 << 30;
    match bytes(text)? {
        size @ 1..=MOST => Ok(u32::try_from(size).expect("at most 2^30")),
        size => Err(format!("a block of {size} bytes: from 1 byte to 1 GiB are supported")),
    }
}

/// Percentiles: `50:99:99.9`, at most 20.
pub(super) fn percentiles(text: &str) -> Result<Vec<f64>, String> {
    let parse = |part: &str| match part.trim().parse::<f64>() {
        Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(percent),
        _ => Err(format!("`{part}` is not a percentile above 0 and up to 100")),
    };
    let mut list = text.split(':').map(parse).collect::<Result<Vec<f64>, String>>()?;
    if list.len() > 20 {
        return Err(format!("{} percentiles: at most 20 are supported", list.len()));
    }
    list.sort_by(f64::total_cmp);
    Ok(list)
}

/// A steady state: `iops:5%`, `bw_slope:1%`, `iops:300`.
pub(super) fn steady(text: &str) -> Result<SteadyCriterion, String> {
    let wrong = || format!("`{text}` is none of iops, iops_slope, bw, bw_slope with a limit, such as iops:5%");
    let (what, limit) = text.split_once(':').ok_or_else(wrong)?;
    let (rate, slope) = match what.trim() {
        "iops" => (WatchedRate::Iops, false),
        "iops_slope" => (WatchedRate::Iops, true),
        "bw" => (WatchedRate::Bandwidth, false),
        "bw_slope" => (WatchedRate::Bandwidth, true),
        _ => return Err(wrong()),
    };
    let limit = match limit.trim().strip_suffix('%') {
        Some(percent) => SteadyLimit::Relative(percent.trim().parse::<f64>().map_err(|_| wrong())? / 100.0),
        None if rate == WatchedRate::Bandwidth => SteadyLimit::Absolute(bytes(limit)? as f64),
        None => SteadyLimit::Absolute(limit.trim().parse().map_err(|_| wrong())?),
    };
    let (SteadyLimit::Relative(value) | SteadyLimit::Absolute(value)) = limit;
    if !(value.is_finite() && value >= 0.0) {
        return Err(wrong());
    }
    Ok(SteadyCriterion { rate, slope, limit, duration: 0.0, ramp: 0.0 })
}

/// File names: several are joined by `:`, and `\:` is a colon of a name.
pub(super) fn paths(text: &str) -> Result<Vec<String>, String> {
    let mut names = vec![String::new()];
    let mut chars = text.trim().chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => names.last_mut().expect("never empty").extend(chars.next()),
            ':' => names.push(String::new()),
            c => names.last_mut().expect("never empty").push(c),
        }
    }
    if names.iter().any(String::is_empty) {
        return Err(format!("`{text}` has an empty file name"));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let check = |text: &str, expect: Option<u64>| assert_eq!(bytes(text).ok(), expect, "{text}");
        check("4096", Some(4096));
        check("4k", Some(4096));
        check("4K", Some(4096));
        check("4kb", Some(4096));
        check("4KiB", Some(4000));
        check("1m", Some(1 << 20));
        check("1mi", Some(1_000_000));
        check("2G", Some(2 << 30));
        check("1t", Some(1 << 40));
        check("3p", Some(3 << 50));
        check("0x1000", Some(4096));
        check("512b", Some(512));
        check("", None);
        check("k", None);
        check("4x", None);
        check("4i", None);
        check("-1", None);
        check("99999999p", None);
    }

    #[test]
    fn times() {
        let check = |text: &str, expect: Option<f64>| assert_eq!(seconds(text).ok(), expect, "{text}");
        check("90", Some(90.0));
        check("5m", Some(300.0));
        check("1h30m", Some(5400.0));
        check("2d", Some(172_800.0));
        check("500ms", Some(0.5));
        check("", None);
        check("m", None);
        check("5w", None);
    }

    #[test]
    fn blocks_by_direction() {
        let check = |text: &str, expect: Option<(Option<u32>, Option<u32>)>| {
            let seen = blocks(text).ok().map(|[read, write]| (read.map(|b| b.max), write.map(|b| b.max)));
            assert_eq!(seen, expect, "{text}");
        };
        check("4k", Some((Some(4096), Some(4096))));
        check("4k,64k", Some((Some(4096), Some(65536))));
        check("4k,64k,1m", Some((Some(4096), Some(65536))));
        check(",8k", Some((None, Some(8192))));
        check("0", None);
        check("2g", None);
        check("1,2,3,4", None);
        assert_eq!(block_ranges("1k-4k").unwrap()[1], Some(Blocks { min: 1024, max: 4096 }));
        assert!(block_ranges("4k-1k").is_err());
    }

    #[test]
    fn names_with_colons() {
        assert_eq!(paths("/dev/a:/dev/b").unwrap(), ["/dev/a", "/dev/b"]);
        assert_eq!(paths(r"/dev/pci-0\:1").unwrap(), ["/dev/pci-0:1"]);
        assert!(paths("a::b").is_err());
    }
}
