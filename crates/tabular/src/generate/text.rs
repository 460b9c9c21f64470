//! The strings of the generated data: web addresses, user agents, codes.
#![expect(clippy::cast_possible_truncation, reason = "random bits are cut to what is chosen from")]

use super::counter::{below, mix};

/// What host names, paths and categories are made of.
const WORDS: [&str; 32] = [
    "apple", "basket", "camera", "desk", "engine", "flower", "garden", "hammer", "island", "jacket", "kitchen", "lamp",
    "mirror", "notebook", "office", "paint", "quilt", "radio", "shelf", "table", "umbrella", "violin", "window",
    "yarn", "zipper", "bicycle", "candle", "drawer", "fabric", "glass", "helmet", "iron",
];

/// Top-level domains that belong to nobody (RFC 2606 and 6761).
const DOMAINS: [&str; 4] = ["example", "example.com", "example.org", "test"];

/// Makers of devices.
const MAKERS: [&str; 10] = ["Acorn", "Birch", "Cedar", "Elm", "Fir", "Hazel", "Larch", "Maple", "Oak", "Pine"];

/// Systems that a browser says it runs on.
const PLATFORMS: [&str; 6] =
    ["Windows NT 10.0", "Macintosh", "X11; Linux x86_64", "iPhone", "Linux; Android 14", "iPad"];

/// Hosts of the web addresses.
pub(super) const HOSTS: u32 = 512;

fn word(bits: u64) -> &'static str {
    WORDS[below(bits, WORDS.len() as u32) as usize]
}

/// Appends a number in decimal.
fn push_number(text: &mut String, number: u64) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

/// Appends the eight hexadecimal digits of a number.
pub(super) fn push_hex(text: &mut String, number: u32) {
    for digit in (0..8).rev() {
        text.push(char::from(b"0123456789abcdef"[(number >> (4 * digit) & 15) as usize]));
    }
}

/// The 200 countries: two letters each, no two alike because 133 and 26² have no common divisor.
pub(super) fn country(rank: u32) -> String {
    let code = (rank * 133 + 7) % 676;
    [code / 26, code % 26].into_iter().map(|letter| char::from(b'A' + letter as u8)).collect()
}

/// The 1,000 devices: at most ten bytes, so that a string view holds them inline.
pub(super) fn device(rank: u32) -> String {
    format!("{}-{}", MAKERS[rank as usize % MAKERS.len()], 1000 + rank * 7)
}

/// The 500 categories of items.
pub(super) fn category(number: u32) -> String {
    format!("{} {}", WORDS[number as usize % WORDS.len()], number)
}

/// The ten segments of users.
pub(super) const SEGMENTS: [&str; 10] =
    ["bargain", "business", "casual", "collector", "family", "gift", "new", "professional", "student", "vip"];

/// Appends one of the [`HOSTS`] hosts.
fn push_host(text: &mut String, host: u32) {
    let bits = mix(u64::from(host));
    text.push_str(["www.", "shop.", "m.", ""][(bits & 3) as usize]);
    text.push_str(word(bits));
    push_number(text, u64::from(host));
    text.push('.');
    text.push_str(DOMAINS[(bits >> 2 & 3) as usize]);
}

/// Appends a web address, about 60 bytes. One in ten has no id, in ways that a careless expression takes for one.
pub(super) fn push_url(text: &mut String, bits: u64) {
    let (path, query, id) = (mix(bits ^ 1), mix(bits ^ 2), mix(bits ^ 3));
    text.push_str("https://");
    push_host(text, below(bits, HOSTS));
    for segment in 0..[1, 2, 3, 3, 4, 2, 3, 0][(path & 7) as usize] {
        text.push('/');
        text.push_str(word(mix(path ^ segment)));
    }
    if path & 0xF0 == 0 {
        text.push('/');
    }
    push_query(text, below(query, 1000), query, id);
}

/// The part after the path. Shapes below 100 of 1,000 have no id.
fn push_query(text: &mut String, shape: u32, query: u64, id: u64) {
    let word = word(query << 32);
    let (before, after) = match shape {
        0..25 => return,
        25..50 => ("?ref=", word),
        50..65 => return text.push_str("#id=7"),
        65..80 => ("?sid=", "123"),
        80..90 => ("?id=", word),
        90..100 => ("?ID=5&ref=", word),
        100..500 => ("?id=", ""),
        500..700 => ("?ref=mail&id=", ""),
        700..980 => ("?id=", "&page=2"),
        980..990 => ("?id=&sid=4&id=", "#top"),
        _ => ("?sid=77&id=", "&id=8"),
    };
    text.push_str(before);
    if shape >= 100 {
        // Mostly six to eight digits; one in 64 has up to 19, of which the first 18 count.
        push_number(text, if id.trailing_zeros() >= 6 { id >> 1 } else { (id >> 32) >> (id >> 6 & 7) });
    }
    text.push_str(after);
    if (700..980).contains(&shape) && query & 1 == 0 {
        text.push_str("&q=");
        text.push_str(word);
    }
}

/// Appends a user agent, about 70 bytes. Browsers name each other, as real ones do.
pub(super) fn push_agent(text: &mut String, bits: u64) {
    let version = 90 + (bits >> 8 & 63);
    let build = bits >> 16 & 0xFFF;
    let family = below(bits, 100);
    if family >= 95 {
        text.push_str(["fetcher/", "chrome-like robot/", "MobileFirefly/", "edge-probe/"][(bits & 3) as usize]);
        push_number(text, version);
        text.push_str(" (batch client; +https://robots.example/about-us.html)");
        return;
    }
    text.push_str("Mozilla/5.0 (");
    text.push_str(PLATFORMS[below(bits << 32, PLATFORMS.len() as u32) as usize]);
    text.push_str(") ");
    match family {
        0..60 => push_chrome(text, version, build),
        60..72 => {
            push_chrome(text, version, build);
            text.push_str(" Edg/");
            push_number(text, version);
        }
        72..82 => {
            text.push_str("Gecko/20100101 Firefox/");
            push_number(text, version);
            text.push_str(".0");
        }
        _ => {
            text.push_str("AppleWebKit/605.1 Version/");
            push_number(text, version % 10 + 9);
            text.push_str(".1 Safari/605.1.15");
        }
    }
}

fn push_chrome(text: &mut String, version: u64, build: u64) {
    text.push_str("WebKit/537 Chrome/");
    push_number(text, version);
    text.push_str(".0.");
    push_number(text, build);
    text.push_str(" Safari/537.36");
}
