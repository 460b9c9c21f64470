//! The file of results of `PassMark`'s `PerformanceTest` for Linux (`results_all.yml`), as its public documentation and others'
//! readers show it: `KEY: value` in lines.

use std::collections::BTreeSet;

use measure::{Unit, metrics};

use crate::text::{Printed, lines, number, positive};
use crate::{Error, Format, Import, Setting, Statistic, Told};

/// The tests that the mark is made of.
const TESTS: [&str; 9] = [
    "CPU_INTEGER_MATH",
    "CPU_FLOATINGPOINT_MATH",
    "CPU_PRIME",
    "CPU_SORTING",
    "CPU_ENCRYPTION",
    "CPU_COMPRESSION",
    "CPU_SINGLETHREAD",
    "CPU_PHYSICS",
    "CPU_MATRIX_MULT_SSE",
];

pub(crate) fn read(text: &str) -> Result<Import, Error> {
    let mut import = Import::of(Format::PassMark);
    let mut version = Vec::new();
    let mut missing = Vec::new();
    let mut seen = BTreeSet::new();
    for (line, words) in lines(text) {
        let Some((key, value)) = words.split_once(':') else { continue };
        let (key, value) = (key.trim(), value.trim().trim_matches('"'));
        match key {
            "Major" | "Minor" | "Build" => version.push((line, value)),
            "Processor" => import.host = Some(Told::text(line, value)),
            "NumTestProcesses" => {
                let told = Told::number(line, value, positive(line, key, value)?);
                import.settings.insert(Setting::Processes, told);
            }
            "Results Complete" => {
                let told = Told::number(line, value, f64::from(u8::from(value == "true")));
                import.settings.insert(Setting::Verified, told);
            }
            "SUMM_CPU" => {
                let points = positive(line, key, value)?;
                let figure = Printed { line, text: value, unit: "points" }.figure(
                    "CPU Mark",
                    points,
                    Unit::Score,
                    Statistic::Score,
                );
                import.figures.push(figure.measures(&metrics::CPU_BENCHMARK));
            }
            _ if TESTS.contains(&key) => {
                seen.insert(key);
                if number(line, key, value)? <= 0.0 {
                    missing.push((line, key));
                }
            }
            _ => {}
        }
    }
    if let Some((line, _)) = version.first() {
        let parts: Vec<&str> = version.iter().map(|(_, part)| *part).collect();
        import.version = Some(Told::text(*line, &parts.join(".")));
    } else {
        import.untold(&["version"]);
    }
    let last = text.lines().count().max(1);
    missing.extend(TESTS.iter().filter(|test| !seen.contains(*test)).map(|test| (last, *test)));
    if let Some((line, _)) = missing.first() {
        let names: Vec<&str> = missing.iter().map(|(_, name)| *name).collect();
        import.settings.insert(Setting::Missing, Told::text(*line, &names.join(", ")));
    }
    if import.figures.is_empty() {
        return Err(Error::at(
            last,
            format!("there is no SUMM_CPU, the mark of the processor, beside {} of {} tests", seen.len(), TESTS.len()),
        ));
    }
    import.untold(&["date", "memory and its clock", "limits of power and cooling"]);
    Ok(import)
}
