//! The simulated tables of METHODOLOGY.md: one function for each. The tests hold what the page says to a short simulation;
//! a long one writes the page anew:
//!
//! `cargo nextest run --cargo-profile ci -p verdict --run-ignored only tables`

use std::fs;
use std::path::{Path, PathBuf};

use crate::compare::{ChangeFinding, LEVEL_WITHIN};
use crate::stats::simulate::{Random, autoregressive};
use crate::stats::tests::verdict;
use crate::stats::{ALPHA, Estimate, History, Margin, paired, permute, unpaired, welch};

/// A table of shares.
struct Table {
    /// Its name in the page.
    name: &'static str,
    head: Vec<String>,
    rows: Vec<(String, Vec<f64>)>,
    /// By how much a cell of the short simulation may lie beside that of the page.
    slack: f64,
}

impl Table {
    fn new(name: &'static str, head: &[&str], slack: f64) -> Table {
        Table { name, head: head.iter().map(|&cell| cell.to_owned()).collect(), rows: Vec::new(), slack }
    }

    fn row(&mut self, label: impl Into<String>, shares: impl IntoIterator<Item = f64>) {
        self.rows.push((label.into(), shares.into_iter().collect()));
    }

    fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut text = line(self.head.clone());
        text += &format!("|---|{}\n", "---:|".repeat(self.head.len() - 1));
        for (label, shares) in &self.rows {
            let shares = shares.iter().map(|share| format!("{:.1} %", 100.0 * share));
            text += &line(std::iter::once(label.clone()).chain(shares).collect());
        }
        text
    }
}

/// The share of trials in which something is true.
fn share(trials: u32, mut trial: impl FnMut() -> bool) -> f64 {
    f64::from((0..trials).map(|_| u32::from(trial())).sum::<u32>()) / f64::from(trials)
}

fn boots(count: usize, noise: f64, level: f64, random: &mut Random) -> Vec<f64> {
    (0..count).map(|_| level + noise * random.normal()).collect()
}

/// The power of one metric, and of fifteen, with noise of 1 % between boots.
fn power(trials: u32) -> Table {
    const SIDES: std::ops::RangeInclusive<usize> = 3..=10;
    let head: Vec<String> = SIDES.map(|n| n.to_string()).collect();
    let head: Vec<&str> = std::iter::once("boots a side").chain(head.iter().map(String::as_str)).collect();
    let mut table = Table::new("power", &head, 0.08);
    let (narrow, wide) = (Margin::of_tolerance(None), Margin::of_tolerance(Some(0.05)));
    let finding = |n: usize, margin: Margin, step: f64, random: &mut Random| {
        let (before, after) = (boots(n, 0.01, 0.0, random), boots(n, 0.01, -step, random));
        verdict(&welch(&before, &after).unwrap(), permute(&before, &after), margin)
    };
    let alone = |times: f64, wanted: fn(ChangeFinding) -> bool| {
        SIDES.map(move |n| {
            let mut random = Random::seed(100 + n as u64);
            share(trials, || wanted(finding(n, narrow, times * narrow.log(), &mut random)))
        })
    };
    let regression = |finding| finding == ChangeFinding::Regression;
    table.row("one metric, nothing changed: NOT-WORSE", alone(0.0, ChangeFinding::holds));
    table.row("one metric, 1.5 δ worse: REGRESSION", alone(1.5, regression));
    table.row("one metric, 2 δ worse: REGRESSION", alone(2.0, regression));
    let family = |margin: Margin| {
        SIDES.map(move |n| {
            let mut random = Random::seed(200 + n as u64);
            share(trials.div_ceil(10), || (0..15).all(|_| finding(n, margin, 0.0, &mut random).holds()))
        })
    };
    table.row("all of fifteen metrics, nothing changed: NOT-WORSE, exit code 0", family(narrow));
    table.row("the same with δ = 2.5 %", family(wide));
    table
}

/// How often Welch's 95 % interval holds the truth.
fn coverage(trials: u32) -> Table {
    let mut table =
        Table::new("coverage", &["noise of a boot", "3 + 3", "5 + 5", "10 + 10", "5 + 10", "3 + 10", "3 + 30"], 0.02);
    let sides: [(u32, u32); 6] = [(3, 3), (5, 5), (10, 10), (5, 10), (3, 10), (3, 30)];
    let mut row = |label: &str, draw: fn(&mut Random) -> f64| {
        let covered = sides.map(|(n, m)| {
            let mut random = Random::seed(300 + 100 * u64::from(n) + u64::from(m));
            share(trials, || {
                let before: Vec<f64> = (0..n).map(|_| draw(&mut random)).collect();
                let after: Vec<f64> = (0..m).map(|_| draw(&mut random)).collect();
                welch(&before, &after).unwrap().interval(0.95).contains(0.0)
            })
        });
        table.row(label, covered);
    };
    row("log-normal", |random| 0.02 * random.normal());
    row("normal, 5 % of the metric", |random| (1.0 + 0.05 * random.normal()).ln());
    row("heavy tails (Student's t with three degrees of freedom)", |random| 0.02 * random.heavy());
    row("skewed (exponential: boots are only ever slower than the best)", |random| 0.02 * random.uniform().ln());
    table
}

/// How often "worse" is claimed of an unchanged metric, alone, where each boot remembers the one before.
fn dependence(trials: u32) -> Table {
    const BOOTS: usize = 5;
    let mut table = Table::new("dependence", &["correlation of neighbouring boots", "0", "0.25", "0.5"], 0.02);
    let correlations = [0.0, 0.25, 0.5];
    let claimed = |estimate: Option<Estimate>| estimate.unwrap().p_below(0.0) <= ALPHA;
    table.row(
        "AABB, 5 + 5 boots",
        correlations.map(|correlation| {
            let mut random = Random::seed(400);
            share(trials, || {
                let series = autoregressive(2 * BOOTS, correlation, &mut random);
                claimed(welch(&series[..BOOTS], &series[BOOTS..]))
            })
        }),
    );
    table.row(
        "ABBA, 5 + 5 boots",
        correlations.map(|correlation| {
            let mut random = Random::seed(401);
            share(trials, || {
                let (before, after) = abba(&autoregressive(2 * BOOTS, correlation, &mut random));
                claimed(paired(&before, &after))
            })
        }),
    );
    table
}

/// A series in the order ABBA: its two sides.
fn abba(series: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let turned = |(pair, values): (usize, &[f64])| {
        if pair.is_multiple_of(2) { (values[0], values[1]) } else { (values[1], values[0]) }
    };
    series.chunks_exact(2).enumerate().map(turned).unzip()
}

/// What a history of 20 boots does: false REGRESSION where nothing changed, and the power for −5 %.
fn history(trials: u32) -> Table {
    let designs = [(1, 1), (2, 1), (5, 1), (2, 2), (5, 5)];
    let head: Vec<String> = designs.iter().map(|(n, m)| format!("{n} + {m}")).collect();
    let head: Vec<&str> = std::iter::once("history of 20 boots").chain(head.iter().map(String::as_str)).collect();
    let mut table = Table::new("history", &head, 0.03);
    let margin = Margin::of_tolerance(None);
    let mut rows = |name: &str, noise: f64, odd: fn(usize) -> f64| {
        let ends = |step: f64| {
            designs.map(|(n, m)| {
                let mut random = Random::seed(500 + 10 * n as u64 + m as u64);
                share(trials, || {
                    let past = (0..20).map(|boot| odd(boot) + noise * random.normal()).collect();
                    let (before, after) = (boots(n, 0.01, 0.0, &mut random), boots(m, 0.01, -step, &mut random));
                    let found = unpaired(&before, &after, History::of(&[past]));
                    found.is_some_and(|estimate| {
                        verdict(&estimate, permute(&before, &after), margin) == ChangeFinding::Regression
                    })
                })
            })
        };
        table.row(format!("{name}; nothing changed: REGRESSION"), ends(0.0));
        table.row(format!("{name}; 5 % worse: REGRESSION"), ends(-(0.95_f64.ln())));
    };
    rows("as noisy as today", 0.01, |_| 0.0);
    rows("a fifth as noisy", 0.002, |_| 0.0);
    rows("one boot 30 % slow", 0.01, |boot| if boot == 3 { 0.7_f64.ln() } else { 0.0 });
    rows("a drift of 1 % a boot", 0.01, |boot| -0.01 * boot as f64);
    table
}

/// How often an unchanged metric is called worse within a boot, by the t test at its level and by the whole verdict.
fn within(trials: u32) -> Table {
    let correlations = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5];
    let head: Vec<String> = correlations.iter().map(f64::to_string).collect();
    let head: Vec<&str> =
        std::iter::once("correlation of neighbouring runs").chain(head.iter().map(String::as_str)).collect();
    let mut table = Table::new("within", &head, 0.01);
    for (pairs, seed) in [(8, 608), (12, 612), (16, 616)] {
        let claims = correlations.map(|correlation| {
            let mut random = Random::seed(seed);
            share(trials, || {
                let (before, after) = abba(&autoregressive(2 * pairs, correlation, &mut random));
                paired(&before, &after).unwrap().p_below(0.0) <= LEVEL_WITHIN
            })
        });
        table.row(format!("{pairs} pairs: claimed to be worse"), claims);
    }
    table
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../METHODOLOGY.md")
}

/// The page before a table, the table, and the page after it.
fn around<'a>(page: &'a str, name: &str) -> (&'a str, &'a str, &'a str) {
    let mark = format!("<!-- simulated: {name} -->\n");
    let start = page.find(&mark).unwrap_or_else(|| panic!("METHODOLOGY.md has no {mark}")) + mark.len();
    let length = page[start..].find("\n\n").map_or(page.len() - start, |end| end + 1);
    (&page[..start], &page[start..start + length], &page[start + length..])
}

/// The page says what a short simulation finds.
fn holds(found: &Table) {
    let text = fs::read_to_string(page()).unwrap();
    let (_, told, _) = around(&text, found.name);
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches(['|', ' ', '\n']).split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let mut lines = told.lines();
    assert_eq!(cells(lines.next().unwrap()), found.head, "{}", found.name);
    let rows: Vec<Vec<String>> = lines.skip(1).map(cells).collect();
    assert_eq!(rows.len(), found.rows.len(), "{}:\n{}", found.name, found.markdown());
    for (row, (label, shares)) in rows.iter().zip(&found.rows) {
        assert_eq!(row[0], *label);
        for (cell, share) in row[1..].iter().zip(shares) {
            let told: f64 = cell.trim_end_matches(" %").parse().unwrap();
            assert!((told / 100.0 - share).abs() <= found.slack, "{label}: {cell} in the page:\n{}", found.markdown());
        }
    }
}

#[test]
fn the_page_tells_the_power() {
    holds(&power(3000));
}

#[test]
fn the_page_tells_what_intervals_cover() {
    holds(&coverage(4000));
}

#[test]
fn the_page_tells_what_dependent_boots_do() {
    holds(&dependence(10_000));
}

#[test]
fn the_page_tells_what_a_history_does() {
    let found = history(2000);
    for (label, shares) in &found.rows {
        // A side of one boot decides nothing; what is there is found whatever the history was like.
        assert!(shares[..3].iter().all(|share| *share == 0.0), "{label}: {shares:?}");
        if label.contains("nothing changed") {
            assert!(shares.iter().all(|share| *share <= ALPHA), "{label}: {shares:?}");
        } else {
            assert!(shares[4] > 0.99, "{label}: {shares:?}");
        }
    }
    holds(&found);
}

#[test]
fn the_page_tells_what_runs_of_one_boot_do() {
    let found = within(10_000);
    assert!(found.rows.iter().flat_map(|(_, shares)| shares).all(|share| *share <= ALPHA), "{}", found.markdown());
    holds(&found);
}

#[test]
#[ignore = "minutes: writes the tables of METHODOLOGY.md anew"]
fn tables_are_written_anew() {
    const TRIALS: u32 = 100_000;
    let mut text = fs::read_to_string(page()).unwrap();
    for table in [power(TRIALS), coverage(TRIALS), dependence(TRIALS), history(TRIALS), within(TRIALS)] {
        let (before, _, after) = around(&text, table.name);
        text = format!("{before}{}{after}", table.markdown());
    }
    fs::write(page(), text).unwrap();
}
