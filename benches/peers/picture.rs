//! Where the time of the feature workload goes: phases × engines, as an SVG that README shows.

use std::collections::BTreeMap;

use measure::{Quantity, Unit};

/// Sizes in pixels.
const ROW: f64 = 24.0;
const NAMES: f64 = 170.0;
const COLUMN: f64 = 180.0;
/// The longest bar; its number stands behind it.
const BAR: f64 = 100.0;
const FONT: &str = "font-family=\"system-ui, sans-serif\" font-size=\"13\"";
/// Ours, and the others.
const FILLS: [&str; 2] = ["#0b6e99", "#9aa5b1"];

/// Median seconds of each engine by phase; the first engine is ours.
#[derive(Default)]
pub(crate) struct Phases {
    engines: Vec<String>,
    /// What each phase does, in the order of the work, and its seconds by engine.
    rows: Vec<(String, BTreeMap<usize, f64>)>,
}

impl Phases {
    /// Adds a phase of an engine.
    pub(crate) fn add(&mut self, engine: &str, phase: &str, seconds: f64) {
        let at = self.engines.iter().position(|known| known == engine).unwrap_or_else(|| {
            self.engines.push(engine.to_owned());
            self.engines.len() - 1
        });
        match self.rows.iter_mut().find(|(known, _)| known == phase) {
            Some((_, row)) => _ = row.insert(at, seconds),
            None => self.rows.push((phase.to_owned(), BTreeMap::from([(at, seconds)]))),
        }
    }

    /// A row for each phase, a bar for each engine, as long as it took beside the slowest in its row; `None` without a phase.
    pub(crate) fn svg(&self) -> Option<String> {
        let (width, height) = (NAMES + COLUMN * self.engines.len() as f64, ROW * (self.rows.len() as f64 + 1.5));
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" role=\"img\">\n\
             <title>Median time of each phase of the feature workload by engine</title>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
        );
        for (at, engine) in self.engines.iter().enumerate() {
            svg += &text(NAMES + COLUMN * at as f64, ROW, engine, " font-weight=\"600\"");
        }
        for (line, (phase, row)) in self.rows.iter().enumerate() {
            let y = ROW * (line as f64 + 2.0);
            svg += &text(10.0, y, phase, "");
            let slowest = row.values().copied().fold(0.0, f64::max);
            for (&at, &seconds) in row {
                let (x, bar) = (NAMES + COLUMN * at as f64, (BAR * seconds / slowest).max(1.0));
                let fill = FILLS[at.min(1)];
                svg +=
                    &format!("<rect x=\"{x}\" y=\"{}\" width=\"{bar:.1}\" height=\"14\" fill=\"{fill}\"/>\n", y - 11.0);
                svg += &text(x + bar + 6.0, y, &Quantity::new(seconds, Unit::Second).to_string(), "");
            }
        }
        (!self.rows.is_empty()).then_some(svg + "</svg>\n")
    }
}

fn text(x: f64, y: f64, words: &str, style: &str) -> String {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"#1f2933\" {FONT}{style}>{words}</text>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_phase_took() {
        let mut phases = Phases::default();
        assert_eq!(phases.svg(), None);
        for (engine, phase, seconds) in [
            ("hostproof", "load", 1.0),
            ("hostproof", "save", 2.0),
            ("pandas", "load", 4.0),
            ("pandas", "save", 0.0),
            ("a < b", "load", 2.0),
        ] {
            phases.add(engine, phase, seconds);
        }
        let svg = phases.svg().unwrap();
        let widths: Vec<&str> =
            svg.lines().filter_map(|line| line.split("width=\"").nth(1)?.split('"').next()).collect();
        assert_eq!(&widths[2..], ["25.0", "100.0", "50.0", "100.0", "1.0"]);
        assert!(svg.contains(">a &lt; b<") && svg.contains(">4 s<"), "{svg}");
    }
}
