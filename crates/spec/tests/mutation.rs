//! Damaged specifications: an error or a valid system, never a panic.

use spec::{audit::audit, parse, to_toml};

const SMALL: &str = include_str!("data/small.toml");
const CONSISTENT: &str = include_str!("data/consistent.toml");

/// Reads, and where that succeeds audits and writes; what is written must read back the same.
fn survives(text: &str) -> bool {
    let Ok(systems) = parse(text, "damaged.toml") else { return false };
    for system in &systems {
        let found = audit(system, &systems);
        assert_eq!(found.graded.len(), system.targets.iter().filter(|target| target.companion_of.is_none()).count());
    }
    let written = to_toml(&systems);
    assert_eq!(parse(&written, "written.toml").as_ref(), Ok(&systems), "{text}\n---\n{written}");
    true
}

#[test]
fn a_file_that_is_cut_at_any_byte_is_read_or_refused() {
    // The built-in file is long, and its parts are alike.
    for (text, step) in [(spec::SOURCES[0].text, 13), (CONSISTENT, 1), (SMALL, 1)] {
        let cuts = (0..text.len()).step_by(step);
        let whole = cuts.filter(|&end| survives(&String::from_utf8_lossy(&text.as_bytes()[..end]))).count();
        assert!(whole < text.len(), "some cuts must be refused");
        assert!(survives(text));
    }
}

/// A small generator, the same on every machine (xorshift64*, Vigna 2016).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let scaled = u128::from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)) * bound.max(1) as u128;
        usize::try_from(scaled >> 64).unwrap()
    }
}

/// One to four changes: a byte, a piece of syntax, a range deleted, doubled or moved.
fn mutate(text: &[u8], random: &mut Random) -> Vec<u8> {
    const PIECES: [&str; 28] = [
        "\"",
        "'",
        "=",
        "[[",
        "]]",
        "{",
        "}",
        "\n",
        "#",
        ".",
        ",",
        "0",
        "9",
        "-1",
        "1e308",
        "1e999",
        "nan",
        "inf",
        "true",
        "[[system]]\n",
        "[system]\n",
        "µ",
        "\u{0}",
        "1979-05-27",
        " %",
        " GB/s",
        " ns",
        "\"\"\"",
    ];
    let mut bytes = text.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let end = (at + random.below(40)).min(bytes.len());
        match random.below(6) {
            0 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
            1 | 2 => drop(bytes.splice(at..at, PIECES[random.below(PIECES.len())].bytes())),
            3 => drop(bytes.splice(at..end, [])),
            4 => {
                let piece = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                drop(bytes.splice(to..to, piece));
            }
            _ => {
                let digit = bytes.iter().skip(at).position(u8::is_ascii_digit);
                if let Some(place) = digit {
                    bytes[at + place] = b'0' + u8::try_from(random.below(10)).unwrap();
                }
            }
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

#[test]
fn a_hundred_thousand_damaged_files_are_read_or_refused() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let (mut read, mut refused) = (0, 0);
    for round in 0..100_000 {
        let text = if round % 10 == 0 { CONSISTENT } else { SMALL };
        let damaged = mutate(text.as_bytes(), &mut random);
        if survives(&String::from_utf8_lossy(&damaged)) {
            read += 1;
        } else {
            refused += 1;
        }
    }
    assert!(read > 1000 && refused > 10_000, "read {read}, refused {refused}");
}
