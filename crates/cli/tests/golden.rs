//! What people read, on the documented machine and on a small host: golden files, and nothing broken at any width.

#[path = "simulate/documented.rs"]
mod documented;
#[allow(dead_code, unused_imports, reason = "other test programs use the rest of it")]
mod simulate;
use std::collections::BTreeSet;
use std::path::Path;

use measure::random::SplitMix64;
use measure::{Digest, Run, Unit};
use report::terminal::{Extent, clean_lines};
use report::{Look, compare, terminal, to_ascii};
use simulate::Host;
use spec::System;
use verdict::compare::{Comparison, Question, Tolerances};

/// One of the two hosts, with what it is judged by.
struct Case {
    name: &'static str,
    run: Run,
    system: System,
    /// Whether all of an output is wanted.
    all: bool,
}

/// A specification for the small host: what README shows.
fn small_system() -> System {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    let section = readme.split("\n## Writing a specification\n").nth(1).unwrap();
    let text = section.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    spec::parse(text, "node.toml").unwrap().remove(0)
}

fn cases() -> Vec<Case> {
    let record = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/0.1.0/complete/run.jsonl");
    let small = record::read(&record).unwrap();
    vec![
        Case { name: "documented", run: documented::run(), system: documented::system().clone(), all: false },
        Case { name: "small", run: small.clone(), system: documented::system().clone(), all: false },
        Case { name: "small_by_its_own", run: small, system: small_system(), all: true },
    ]
}

/// Five boots before an update of the BIOS and five after it, which made triad 8 % slower.
fn comparison(system: &System) -> Comparison {
    let mut random = SplitMix64::new(11);
    let after = Host::usual().with("bios.version", "1.3").worse("stream.triad", 0.08);
    let mut boots = |host: &Host, first: u32| {
        let runs: Vec<Run> = (first..first + 5).map(|number| host.run(number, &mut random)).collect();
        runs.iter().map(Digest::of).collect()
    };
    let (before, after) = (boots(&Host::usual(), 0), boots(&after, 5));
    let tolerances = Tolerances::of(system);
    verdict::compare::compare(Question { before, after, tolerances, ..Question::default() }).unwrap()
}

impl Case {
    /// What each command prints.
    fn outputs(&self, look: Look) -> Vec<(&'static str, String)> {
        let audit = spec::audit::audit(&self.system, &[]);
        let companions = spec::companions(&self.system, &audit);
        let judgement = verdict::judge(&self.run, &self.system, &audit.grades(), &companions);
        let mut of_parts = self.run.clone();
        of_parts.attempts.clear();
        let parts = verdict::judge_parts(&of_parts, &self.system, &audit.grades(), &companions);
        let extent = Extent { all: self.all, store: " --out here" };
        let mut outputs = vec![
            ("run", terminal::judged_run(&self.run, &judgement, extent, look)),
            ("accept", terminal::judged_parts(&parts, look)),
            ("inspect", terminal::comparison(&self.run.facts, &self.system, self.all, look)),
            ("show", terminal::shown_run(&self.run, &judgement, false, look)),
        ];
        // They say nothing of the host.
        if self.name != "small" {
            outputs.push(("compare", compare::comparison(&comparison(&self.system), self.all, look)));
            outputs.push(("audit", terminal::audit(&self.system, &audit, false, look)));
        }
        for (_, text) in &mut outputs {
            // As it is printed.
            let clean = clean_lines(text, look.colour);
            *text = if look.ascii { to_ascii(&clean) } else { clean };
        }
        outputs
    }
}

#[test]
fn what_people_read_is_as_it_was_looked_at() {
    for case in cases() {
        let mut texts: Vec<(&str, String)> = Vec::new();
        for (width, ascii) in [(80, false), (80, true), (100, false), (100, true), (200, false), (200, true)] {
            for (at, (command, text)) in case.outputs(Look { ascii, ..Look::plain(width) }).into_iter().enumerate() {
                if texts.len() <= at {
                    texts.push((command, String::new()));
                }
                let letters = if ascii { "ASCII" } else { "UTF-8" };
                texts[at].1 += &format!("======== {width} columns, {letters}\n{text}\n");
            }
        }
        for (command, text) in texts {
            insta::assert_snapshot!(format!("{}_{command}", case.name), text);
        }
    }
}

/// The words of a text; frames and bars are none.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric))
}

/// A word without what a sentence puts around it.
fn bare(word: &str) -> &str {
    word.trim_matches(['(', ')', '[', ']', ',', ';', ':', '.', '"', '“', '”', '~'])
}

/// Whether it is a word of a description, and no id, number or unit: in a list a row may have others than in a table, and the
/// end of a description may be cut.
fn is_plain(word: &str) -> bool {
    word.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '’' | '\'' | '?'))
}

/// Whether `word` stands behind `last` somewhere in what is `said` where there is room, as a word and without a unit of its own.
fn ends_whole(said: &str, last: &str, word: &str, units: &BTreeSet<&str>) -> bool {
    let word = word.trim_end_matches([',', ';', ':']);
    said.match_indices(&format!("{last} {word}")).any(|(at, found)| {
        let rest = &said[at + found.len()..];
        let next = rest.strip_prefix(' ').and_then(|rest| words(rest).next());
        rest.starts_with([' ', ',', ';', ':', ')']) && !next.is_some_and(|next| units.contains(bare(next)))
    })
}

#[test]
fn no_identifier_unit_or_number_is_broken_at_any_width() {
    let units: BTreeSet<&str> = Unit::ALL.iter().map(|unit| unit.symbol()).filter(|symbol| symbol.len() > 2).collect();
    let units: BTreeSet<&str> =
        units.into_iter().chain(["GB/s", "TB/s", "GiB", "MiB", "Gflop/s", "Tflop/s", "MT/s", "GHz", "%"]).collect();
    for case in cases() {
        for ascii in [false, true] {
            let look = |width| Look { ascii, ..Look::plain(width) };
            let whole: Vec<(&str, String)> = case.outputs(look(1000));
            let known: Vec<BTreeSet<&str>> = whole.iter().map(|(_, text)| words(text).map(bare).collect()).collect();
            let said: Vec<String> = whole.iter().map(|(_, text)| words(text).collect::<Vec<_>>().join(" ")).collect();
            for width in 60..=220 {
                for (((command, text), known), said) in case.outputs(look(width)).iter().zip(&known).zip(&said) {
                    let at = format!("{} of {}, {width} columns", command, case.name);
                    for line in text.lines() {
                        // A command is typed as it stands, and so is never wrapped.
                        let is_whole = !line.trim().contains(' ') || line.trim().starts_with("hostproof ");
                        let fits = line.chars().count() <= usize::from(width) || is_whole;
                        assert!(fits, "{at}: {line}");
                        for cell in line.split(['│', '┆', '|']).map(str::trim) {
                            let first = cell.split_whitespace().next().unwrap_or_default();
                            assert!(!units.contains(first), "{at}: a unit without its number: {line}");
                        }
                    }
                    let mut before = "";
                    for word in words(text) {
                        let (plain, last) = (bare(word), std::mem::replace(&mut before, word));
                        if is_plain(plain) || known.contains(plain) {
                            continue;
                        }
                        // The end of a description may be cut, but not in a number, a unit or an identifier, and not
                        // between a number and its unit.
                        let cut = word.strip_suffix(if ascii { "..." } else { "…" });
                        let is_whole =
                            cut.is_some_and(|cut| is_plain(bare(cut)) || ends_whole(said, last, cut, &units));
                        assert!(is_whole, "{at}: {word} is a part of a word");
                    }
                }
            }
        }
    }
}
