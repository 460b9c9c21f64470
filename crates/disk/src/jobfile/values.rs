//! Values as fio writes them.

use crate::job::{Amount, BlockShare, Blocks, HotZone, Rate};
use crate::steady::{SteadyCriterion, SteadyLimit, WatchedRate};

/// What `k`, `m`, `g` mean: fio's `kb_base`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KbBase {
    /// Powers of 1000; with `ib` behind, of 1024.
    Decimal,
    /// Powers of 1024; with `ib` behind, of 1000, so that job files of earlier times mean what they did.
    Binary,
}

/// A whole number with fio's size suffixes: where `k` is 1024, `4k` and `4ki` are 4096, and `4kib` is 4000.
pub(super) fn bytes(text: &str, base: KbBase) -> Result<u64, String> {
    let lower = text.trim().to_ascii_lowercase();
    let wrong = || format!("`{text}` is not a size such as 4096, 4k, 64KiB, 1g");
    if let Some(digits) = lower.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).map_err(|_| wrong());
    }
    let (digits, suffix) = split_number(&lower);
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let (plain, other) = if base == KbBase::Binary { (1024_u64, 1000) } else { (1000, 1024) };
    let (prefix, unit) = match suffix.strip_suffix("ib") {
        Some(prefix) => (prefix, other),
        None => (suffix.strip_suffix(['b', 'i']).unwrap_or(suffix), plain),
    };
    let power = match prefix {
        "" if suffix.is_empty() || suffix == "b" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit.pow(power)).ok_or_else(|| format!("`{text}` is more than 2^64 bytes"))
}

/// Bytes, or a share such as `50%`.
pub(super) fn amount(text: &str, base: KbBase) -> Result<Amount, String> {
    match text.trim().strip_suffix('%') {
        None => bytes(text, base).map(Amount::Bytes),
        Some(percent) => match percent.trim().parse() {
            Ok(percent) if percent <= 100 => Ok(Amount::Percent(percent)),
            _ => Err(format!("`{text}` is not a share from 0% to 100%")),
        },
    }
}

/// Bytes with a sign.
pub(super) fn signed_bytes(text: &str, base: KbBase) -> Result<i64, String> {
    let (size, negative) = text.trim().strip_prefix('-').map_or((text, false), |size| (size, true));
    let size = i64::try_from(bytes(size, base)?).map_err(|_| format!("`{text}` is too large"))?;
    Ok(if negative { -size } else { size })
}

/// A time in seconds: `90`, `1m30s`, `500ms`; a number without a unit is in seconds.
pub(super) fn seconds(text: &str) -> Result<f64, String> {
    time(text, 1.0)
}

/// A time in seconds; a number without a unit is in microseconds.
pub(super) fn microseconds(text: &str) -> Result<f64, String> {
    time(text, 1e-6)
}

fn time(text: &str, unit: f64) -> Result<f64, String> {
    let wrong = || format!("`{text}` is not a time such as 60, 5m, 1h30m, 500ms");
    let lower = text.trim().to_lowercase();
    let mut rest = lower.as_str();
    let mut total = 0.0;
    loop {
        let (digits, after) = split_number(rest);
        let number: u32 = digits.parse().map_err(|_| wrong())?;
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (name, next) = after.split_at(end);
        let factor = match name {
            "" => unit,
            "s" | "sec" => 1.0,
            // The micro sign and the Greek letter look the same.
            "us" | "usec" | "\u{b5}s" | "\u{3bc}s" => 1e-6,
            "ms" | "msec" => 1e-3,
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
    match bytes(text, KbBase::Binary).ok().and_then(|number| u32::try_from(number).ok()) {
        Some(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("`{text}` is not a whole number from {least} to {most}")),
    }
}

/// A switch: 0 or 1.
pub(super) fn flag(text: &str) -> Result<bool, String> {
    match text.trim() {
        "" | "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(format!("`{text}` is neither 0 nor 1")),
    }
}

/// Sizes of the two directions: `4k`, `4k,64k`; a third, for trims, is read and not used.
pub(super) fn blocks(text: &str, base: KbBase) -> Result<[Option<Blocks>; 2], String> {
    by_direction(text, |part| Ok(Blocks::of(block(part, base)?)))
}

/// Ranges of the two directions: `1k-4k`, `1k:4k`, `1k-4k,2k-8k`. As in fio the smaller end may come last.
pub(super) fn block_ranges(text: &str, base: KbBase) -> Result<[Option<Blocks>; 2], String> {
    by_direction(text, |part| {
        let ends = part.split_once('-').or_else(|| part.split_once(':'));
        let (one, other) = ends.ok_or_else(|| format!("`{part}` is not a range such as 1k-4k"))?;
        let (one, other) = (block(one, base)?, block(other, base)?);
        Ok(Blocks { min: one.min(other), max: one.max(other) })
    })
}

/// Sizes with their percentages: `4k/60:64k/40`; those without share what is left.
pub(super) fn block_shares(text: &str, base: KbBase) -> Result<[Option<Vec<BlockShare>>; 2], String> {
    by_direction(text, |part| {
        let mut shares = Vec::new();
        for entry in part.split(':') {
            let (size, percent) = entry.split_once('/').unwrap_or((entry, ""));
            let percent = if percent.trim().is_empty() { None } else { Some(percent_of(percent)?) };
            shares.push((block(size, base)?, percent));
        }
        let used: u32 = shares.iter().filter_map(|(_, percent)| *percent).map(u32::from).sum();
        if used > 100 {
            return Err(format!("the percentages of `{part}` add up to {used}"));
        }
        let open = shares.iter().filter(|(_, percent)| percent.is_none()).count();
        let left = u8::try_from(100 - used).unwrap_or(0);
        if open == 0 && left > 0 {
            return Err(format!("the percentages of `{part}` add up to {used}"));
        }
        // As far as they divide evenly; the first take what is left of that.
        let (each, mut more) = (left / u8::try_from(open.max(1)).unwrap_or(u8::MAX), 0);
        if open > 0 {
            more = usize::from(left) - usize::from(each) * open;
        }
        let share = |(bytes, percent): (u32, Option<u8>)| {
            let extra = u8::from(percent.is_none() && more > 0);
            more -= usize::from(extra);
            BlockShare { bytes, percent: percent.unwrap_or(each + extra) }
        };
        let shares: Vec<BlockShare> = shares.into_iter().map(share).collect();
        let least = shares.iter().map(|share| share.bytes).min().unwrap_or(1);
        // As in fio they are multiples of the smallest.
        Ok(shares.into_iter().map(|share| BlockShare { bytes: share.bytes / least * least, ..share }).collect())
    })
}

/// Parts of a file with their shares of the requests: `zoned:60/10:40/90`.
pub(super) fn hot_zones(text: &str) -> Result<Vec<HotZone>, String> {
    let mut zones: Vec<HotZone> = Vec::new();
    for part in text.split(':') {
        let (requests, size) = part.split_once('/').ok_or_else(|| format!("`{part}` is not a zone such as 60/10"))?;
        let used: u8 = zones.iter().map(|zone| zone.size).sum();
        let size = if size.trim().is_empty() { 100 - used } else { percent_of(size)? };
        let zone = HotZone { requests: percent_of(requests)?, size };
        let sums = zones.iter().fold((zone.requests, zone.size), |sum, zone| {
            (sum.0.saturating_add(zone.requests), sum.1.saturating_add(zone.size))
        });
        if sums.0 > 100 || sums.1 > 100 {
            return Err(format!("the zones of `{text}` add up to more than 100 %"));
        }
        zones.push(zone);
    }
    Ok(zones)
}

/// Rates of reads and writes in requests a second; 0 is no limit.
pub(super) fn request_rates(text: &str) -> Result<[Option<Rate>; 2], String> {
    by_direction(text, |part| count(part, 0, 100_000_000).map(Rate::Requests))
}

/// The same in bytes a second.
pub(super) fn byte_rates(text: &str, base: KbBase) -> Result<[Option<Rate>; 2], String> {
    by_direction(text, |part| bytes(part, base).map(Rate::Bytes))
}

/// A value for reads, one for writes and one for trims; what is left out is as the one before, what is empty as it was.
fn by_direction<T: Clone>(
    text: &str,
    mut parse: impl FnMut(&str) -> Result<T, String>,
) -> Result<[Option<T>; 2], String> {
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    if parts.len() > 3 {
        return Err(format!("`{text}` has more than the three directions read, write, trim"));
    }
    let mut one = |part: &str| if part.is_empty() { Ok(None) } else { parse(part).map(Some) };
    let read = one(parts[0])?;
    let write = parts.get(1).map_or_else(|| Ok(read.clone()), |part| one(part))?;
    parts.get(2).map_or(Ok(None), |part| one(part))?;
    if read.is_none() && write.is_none() {
        return Err("it has no value".to_owned());
    }
    Ok([read, write])
}

fn block(text: &str, base: KbBase) -> Result<u32, String> {
    const MOST: u64 = 1 << 30;
    match bytes(text, base)? {
        size @ 1..=MOST => Ok(u32::try_from(size).expect("at most 2^30")),
        size => Err(format!("a block of {size} bytes: from 1 byte to 1 GiB are supported")),
    }
}

/// A whole number of percent.
pub(super) fn percent_of(text: &str) -> Result<u8, String> {
    let text = text.trim();
    count(text.strip_suffix('%').unwrap_or(text), 0, 100).map(|percent| u8::try_from(percent).unwrap_or(100))
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
pub(super) fn steady(text: &str, base: KbBase) -> Result<SteadyCriterion, String> {
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
        None if rate == WatchedRate::Bandwidth => SteadyLimit::Absolute(bytes(limit, base)? as f64),
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
        let check = |text: &str, expect: Option<u64>| assert_eq!(bytes(text, KbBase::Binary).ok(), expect, "{text}");
        check("4096", Some(4096));
        check("4k", Some(4096));
        check("4K", Some(4096));
        check("4kb", Some(4096));
        check("4KiB", Some(4000));
        check("1m", Some(1 << 20));
        check("1mi", Some(1 << 20));
        check("2Gi", Some(2 << 30));
        check("1mib", Some(1_000_000));
        check("2G", Some(2 << 30));
        check("1t", Some(1 << 40));
        check("3p", Some(3 << 50));
        check("0x1000", Some(4096));
        check("512b", Some(512));
        check("", None);
        check("k", None);
        check("4x", None);
        check("1.5g", None);
        check("4i", None);
        check("-1", None);
        check("99999999p", None);
        check("b", None);
        check("4bi", None);
        let check = |text: &str, expect: u64| assert_eq!(bytes(text, KbBase::Decimal), Ok(expect), "{text}");
        check("4k", 4000);
        check("4ki", 4000);
        check("4kb", 4000);
        check("4KiB", 4096);
        check("7", 7);
    }

    #[test]
    fn shares_of_sizes_and_of_zones() {
        let check = |text: &str, expect: Option<&[(u32, u8)]>| {
            let shares = block_shares(text, KbBase::Binary).ok().and_then(|[read, _]| read);
            let shares =
                shares.map(|shares| shares.iter().map(|share| (share.bytes, share.percent)).collect::<Vec<_>>());
            assert_eq!(shares.as_deref(), expect, "{text}");
        };
        check("4k/60:8k/40", Some(&[(4096, 60), (8192, 40)]));
        check("4k/50:8k:16k", Some(&[(4096, 50), (8192, 25), (16384, 25)]));
        check("4k:8k:16k", Some(&[(4096, 34), (8192, 33), (16384, 33)]));
        check("4k", Some(&[(4096, 100)]));
        check("4k/50:6k/50", Some(&[(4096, 50), (4096, 50)]));
        check("4k/50:8k/60", None);
        check("4k/50:8k/40", None);
        check("4k/x", None);
        let check = |text: &str, expect: Option<&[(u8, u8)]>| {
            let zones = hot_zones(text).ok();
            let zones = zones.map(|zones| zones.iter().map(|zone| (zone.requests, zone.size)).collect::<Vec<_>>());
            assert_eq!(zones.as_deref(), expect, "{text}");
        };
        check("50/5:30/15:20/80", Some(&[(50, 5), (30, 15), (20, 80)]));
        check("50/5:50/", Some(&[(50, 5), (50, 95)]));
        check("50/5:60/95", None);
        check("50/5:50/96", None);
        check("50", None);
    }

    #[test]
    fn rates_of_each_direction() {
        let check = |text: &str, expect: Option<[Option<Rate>; 2]>| {
            assert_eq!(request_rates(text).ok(), expect, "{text}");
        };
        let rate = |rate| Some(Rate::Requests(rate));
        check("500", Some([rate(500), rate(500)]));
        check("200,100", Some([rate(200), rate(100)]));
        check("200,100,50", Some([rate(200), rate(100)]));
        check(",100", Some([None, rate(100)]));
        check("0", Some([rate(0), rate(0)]));
        check("x", None);
        check("1,2,3,4", None);
        assert_eq!(byte_rates("10m,5m", KbBase::Binary).unwrap()[1], Some(Rate::Bytes(5 << 20)));
        assert_eq!(signed_bytes("-8k", KbBase::Binary), Ok(-8192));
    }

    #[test]
    fn times() {
        let check = |text: &str, expect: Option<f64>| assert_eq!(seconds(text).ok(), expect, "{text}");
        check("90", Some(90.0));
        check("5m", Some(300.0));
        check("1h30m", Some(5400.0));
        check("2d", Some(172_800.0));
        check("500ms", Some(0.5));
        check("60sec", Some(60.0));
        check("250\u{b5}s", Some(250e-6));
        check("250\u{3bc}s", Some(250e-6));
        check("", None);
        check("m", None);
        check("5w", None);
    }

    #[test]
    fn blocks_by_direction() {
        let check = |text: &str, expect: Option<(Option<u32>, Option<u32>)>| {
            let seen =
                blocks(text, KbBase::Binary).ok().map(|[read, write]| (read.map(|b| b.max), write.map(|b| b.max)));
            assert_eq!(seen, expect, "{text}");
        };
        check("4k", Some((Some(4096), Some(4096))));
        check("4k,64k", Some((Some(4096), Some(65536))));
        check("4k,64k,1m", Some((Some(4096), Some(65536))));
        check(",8k", Some((None, Some(8192))));
        check("0", None);
        check("2g", None);
        check("1,2,3,4", None);
        assert_eq!(block_ranges("1k-4k", KbBase::Binary).unwrap()[1], Some(Blocks { min: 1024, max: 4096 }));
        assert_eq!(block_ranges("4k:1k", KbBase::Binary).unwrap()[0], Some(Blocks { min: 1024, max: 4096 }));
        assert!(block_ranges("4k", KbBase::Binary).is_err());
    }

    #[test]
    fn names_with_colons() {
        assert_eq!(paths("/dev/a:/dev/b").unwrap(), ["/dev/a", "/dev/b"]);
        assert_eq!(paths(r"/dev/pci-0\:1").unwrap(), ["/dev/pci-0:1"]);
        assert!(paths("a::b").is_err());
    }
}
