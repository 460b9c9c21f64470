//! Text for a terminal: made harmless, wrapped, rounded.

use measure::{Quantity, Summary, Unit};

use crate::Look;

/// A text from the outside with what would steer the terminal or turn the reading direction written out.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) { clean.extend(c.escape_unicode()) } else { clean.push(c) }
    }
    clean
}

/// The same of whole lines: line feeds and tabs stay, and so do, where there is `colour`, the codes by which our tables colour
/// a cell.
#[must_use]
pub fn clean_lines(text: &str, colour: bool) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let code = if colour { colour_code(rest) } else { 0 };
        let (whole, next) = rest.split_at(code.max(c.len_utf8()));
        if code == 0 && is_harmful(c) && !matches!(c, '\n' | '\t') {
            clean.extend(c.escape_unicode());
        } else {
            clean.push_str(whole);
        }
        rest = next;
    }
    clean
}

/// How many bytes at the beginning are a code that sets or resets the colour of what follows; it moves and hides nothing.
fn colour_code(text: &str) -> usize {
    let Some((code, _)) = text.strip_prefix("\u{1b}[").and_then(|rest| rest.split_once('m')) else { return 0 };
    let is_colour = code.strip_prefix("38;5;").is_some_and(|colour| colour.parse::<u8>().is_ok());
    if is_colour || matches!(code, "0" | "39") { code.len() + "\u{1b}[m".len() } else { 0 }
}

/// Whether a terminal, a browser or an XML reader does something else with it than show it: controls, marks that turn the
/// reading direction or cannot be seen, and what is no character at all.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// JSON text that says the same, and that a terminal may show: what serialisers leave of the above is escaped too.
pub(crate) fn clean_json(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        // Line feeds stand between values: inside of strings they are escaped already.
        if is_harmful(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                clean += &format!("\\u{unit:04x}");
            }
        } else {
            clean.push(c);
        }
    }
    clean
}

/// Whether it is written behind a number and belongs to it: `GB/s`, `M IOPS`, `°C`, `%`.
fn is_unit(word: &str) -> bool {
    const UNITS: [&str; 41] = [
        "%",
        "s",
        "ms",
        "µs",
        "us",
        "ns",
        "min",
        "h",
        "d",
        "B",
        "kB",
        "KB",
        "MB",
        "GB",
        "TB",
        "PB",
        "KiB",
        "MiB",
        "GiB",
        "TiB",
        "B/s",
        "kB/s",
        "MB/s",
        "GB/s",
        "TB/s",
        "MiB/s",
        "GiB/s",
        "k",
        "M",
        "G",
        "Million",
        "IOPS",
        "Gflop/s",
        "Tflop/s",
        "flop/cycle",
        "MT/s",
        "MHz",
        "GHz",
        "°C",
        "W",
        "kW",
    ];
    UNITS.contains(&word.trim_end_matches(['.', ',', ';', ':', ')', ']', '”']))
}

/// The words of a text, a number with its unit as one: a line must not end between them.
pub(crate) fn unbroken(text: &str) -> Vec<String> {
    let is_number = |word: &str| {
        let digits = word.trim_start_matches(['(', '[', '“', '"', '~', '+', '-', '−', '≤', '≥', '<', '>']);
        // `1.8M IOPS`, as documents write it.
        let digits = digits.strip_suffix(['k', 'K', 'M', 'G']).unwrap_or(digits);
        digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
    };
    let mut words: Vec<String> = Vec::new();
    let (mut after_sign, mut after_number) = (false, false);
    for word in text.split_whitespace() {
        let belongs = after_sign && is_number(word) || after_number && is_unit(word);
        match words.last_mut().filter(|_| belongs) {
            Some(last) => *last = format!("{last} {word}"),
            None => words.push(word.to_owned()),
        }
        // `1.8 M IOPS`: behind the prefix comes the unit.
        after_number = is_number(word) || after_number && matches!(word, "k" | "M" | "G" | "Million");
        after_sign = matches!(word, "±" | "+/-" | "~" | "≤" | "≥" | "<" | ">");
    }
    words
}

/// Paragraphs as wide as the terminal at most, all lines indented; words that are longer stay whole.
#[must_use]
pub fn wrap(text: &str, indent: usize, look: Look) -> String {
    let room = usize::from(look.width).saturating_sub(indent).max(20);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let text = if look.ascii { to_ascii(&clean(text)) } else { clean(text) };
    for word in &unbroken(&text) {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    let pad = " ".repeat(indent);
    lines.iter().flat_map(|line| [pad.as_str(), line, "\n"]).collect()
}

/// The text in ASCII, for a terminal that shows nothing else: a sign becomes what people type for it, all else a `?`.
#[must_use]
pub fn to_ascii(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for c in text.chars() {
        ascii.push_str(match c {
            c if c.is_ascii() => {
                ascii.push(c);
                continue;
            }
            '±' => "+/-",
            '×' => "x",
            'µ' | 'μ' => "u",
            '°' => "deg ",
            '≤' => "<=",
            '≥' => ">=",
            '≠' => "!=",
            '√' => "sqrt ",
            'τ' => "tau",
            'δ' => "delta",
            '·' | '–' | '—' | '−' | '─' | '═' | '┄' => "-",
            '│' | '┆' | '║' => "|",
            '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '╞' | '╡' | '╪' => "+",
            '…' => "...",
            '→' => "->",
            '’' | '‘' => "'",
            '“' | '”' => "\"",
            '²' => "^2",
            '³' => "^3",
            '§' => "sec. ",
            '®' => "(R)",
            '™' => "(TM)",
            '\u{a0}' | '\u{202f}' => " ",
            _ => "?",
        });
    }
    ascii
}

/// A share to three digits: `1.53 %`, `97.2 %`, `110 %`.
pub(crate) fn share(share: f64) -> String {
    let percent = share * 100.0;
    let decimals = match percent.abs() {
        big if big >= 99.95 => 0,
        middle if middle >= 9.995 => 1,
        _ => 2,
    };
    format!("{percent:.decimals$} %")
}

/// The documented value, with the document's "about".
pub(crate) fn documented(value: Quantity, approximate: bool) -> String {
    format!("{}{value}", if approximate { "~" } else { "" })
}

/// The spread of a median: `± 0.41 %`; one sample has none.
pub(crate) fn spread(summary: &Summary) -> String {
    match (summary.n, summary.median) {
        (..2, _) => String::new(),
        (_, 0.0) => format!("± {}", summary.mad),
        (_, median) => format!("± {}", share((summary.mad / median).abs())),
    }
}

/// A number in its unit.
pub(crate) fn quantity(value: f64, unit: Unit) -> String {
    Quantity::new(value, unit).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        let check = |text: &str, expect: &str| assert_eq!(clean(text), expect);
        check("AMD EPYC 9R14 ±µ日本", "AMD EPYC 9R14 ±µ日本");
        check("\u{1b}[31mred\u{7}", "\\u{1b}[31mred\\u{7}");
        check("two\nlines\r\0", "two\\u{a}lines\\u{d}\\u{0}");
        check("a\u{202e}b\u{9b}c", "a\\u{202e}b\\u{9b}c");
    }

    #[test]
    fn of_lines_only_feeds_tabs_and_our_own_colours_stay() {
        let check = |text: &str, colour: bool, expect: &str| assert_eq!(clean_lines(text, colour), expect);
        check("a\n\tb ü\n", false, "a\n\tb ü\n");
        check("a\u{1b}[38;5;9mb\u{1b}[39m\u{1b}[0m", true, "a\u{1b}[38;5;9mb\u{1b}[39m\u{1b}[0m");
        check("a\u{1b}[38;5;9mb", false, "a\\u{1b}[38;5;9mb");
        check("\u{1b}[8mhidden\u{1b}[2J\u{1b}", true, "\\u{1b}[8mhidden\\u{1b}[2J\\u{1b}");
        check("\u{1b}[38;5;999mm\u{1b}]0;title\u{7}", true, "\\u{1b}[38;5;999mm\\u{1b}]0;title\\u{7}");
    }

    #[test]
    fn json_stays_json() {
        let value = serde_json::json!("\u{202e}\u{e0041}\u{10ffff}\u{9b}ü");
        let clean = clean_json(&value.to_string());
        assert!(clean.chars().all(|c| !is_harmful(c)), "{clean}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&clean).unwrap(), value);
    }

    #[test]
    fn shares_have_three_digits() {
        let check = |value: f64, expect: &str| assert_eq!(share(value), expect);
        check(0.0153, "1.53 %");
        check(0.972, "97.2 %");
        check(0.9999, "100 %");
        check(1.1, "110 %");
        check(0.0, "0.00 %");
    }

    #[test]
    fn a_number_keeps_its_unit() {
        let check = |text: &str, expect: &[&str]| assert_eq!(unbroken(text), expect, "{text}");
        check("by 4.863 %, so that", &["by", "4.863 %,", "so", "that"]);
        check("1.8 M IOPS of 2", &["1.8 M IOPS", "of", "2"]);
        check("“1.8M IOPS | 35 µs”", &["“1.8M IOPS", "|", "35 µs”"]);
        check("1.8 Million IOPS here", &["1.8 Million IOPS", "here"]);
        check("25.25 GB/s ± 0.20 % here", &["25.25 GB/s", "± 0.20 %", "here"]);
        check("2 × 8 channels at 90 °C.", &["2", "×", "8", "channels", "at", "90 °C."]);
        check("in 18 min 45 s", &["in", "18 min", "45 s"]);
        check("a=1 b=2 M", &["a=1", "b=2", "M"]);
        check("5 and 5 boots", &["5", "and", "5", "boots"]);
    }

    #[test]
    fn lines_keep_within_the_width() {
        let text = wrap("one two three four five six seven", 2, Look::plain(24));
        assert_eq!(text, "  one two three four\n  five six seven\n");
        assert_eq!(wrap("", 2, Look::plain(80)), "  \n");
    }
}
