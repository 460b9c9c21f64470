//! The JSON of NVIDIA's `dcgmi diag -j`, as its sources describe it: what its `PCIe` test says of the links.

use measure::Unit;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{Reader, document};
use crate::text::{Printed, positive};
use crate::{Error, Format, Import, Setting, Statistic, Told};

#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(borrow, rename = "DCGM GPU Diagnostic", alias = "DCGM Diagnostic")]
    diagnostic: Diagnostic<'a>,
}

#[derive(Deserialize)]
struct Diagnostic<'a> {
    #[serde(borrow, default)]
    test_categories: Vec<Category<'a>>,
    #[serde(borrow, default, alias = "DCGM Version")]
    version: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Category<'a> {
    #[serde(borrow, default)]
    tests: Vec<Option<Test<'a>>>,
}

#[derive(Deserialize)]
struct Test<'a> {
    name: String,
    #[serde(borrow, default)]
    results: Vec<TestResult<'a>>,
}

#[derive(Deserialize)]
struct TestResult<'a> {
    #[serde(borrow)]
    status: &'a RawValue,
    #[serde(borrow, default)]
    info: Option<&'a RawValue>,
    #[serde(default, alias = "gpu_id")]
    gpu_ids: Option<String>,
    #[serde(default)]
    entity_id: Option<u64>,
}

/// The words of one or several texts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    One(String),
    Many(Vec<String>),
}

pub(crate) fn read(text: &str) -> Result<Import, Error> {
    let Outer { diagnostic } = document(text, "DCGM")?;
    let reader = Reader::of(text);
    let mut import = Import::of(Format::Dcgm);
    if let Some(version) = diagnostic.version {
        import.version = Some(Told::text(reader.line_of(version), version.get().trim_matches('"')));
    }
    for test in diagnostic.test_categories.into_iter().flat_map(|category| category.tests).flatten() {
        for outcome in test.results {
            result(&reader, &test.name, &outcome, &mut import)?;
        }
    }
    import.untold(&["host", "date", "on which node the host's memory lay"]);
    Ok(import)
}

fn result(reader: &Reader, test: &str, outcome: &TestResult<'_>, import: &mut Import) -> Result<(), Error> {
    let (line, status) = (reader.line_of(outcome.status), outcome.status.get().trim_matches('"'));
    let failed = status.eq_ignore_ascii_case("fail").then(|| format!("the test {test} says {status}"));
    if let Some(says) = &failed {
        import.settings.entry(Setting::Status).or_insert_with(|| Told::text(line, says));
    }
    let Some(info) = outcome.info else { return Ok(()) };
    let at = reader.line_of(info);
    let words = match serde_json::from_str(info.get()) {
        Ok(Words::One(words)) => vec![words],
        Ok(Words::Many(words)) => words,
        Err(_) => return Err(Error::at(at, format!("the info of the test {test} is no text"))),
    };
    let gpu = outcome.entity_id.map(|id| id.to_string()).or_else(|| outcome.gpu_ids.clone()).unwrap_or_default();
    for part in words.iter().flat_map(|words| words.split(", ")) {
        let Some((name, value)) = part.split_once("bandwidth:") else { continue };
        let Some(value) = value.trim().strip_suffix("GB/s") else {
            return Err(Error::at(at, format!("`{}` is not in GB/s", crate::text::shortened(part))));
        };
        let name = name.trim();
        let name = if name.starts_with("GPU ") && !name.starts_with("GPU to") {
            name.to_owned()
        } else {
            format!("GPU {gpu} {name}")
        };
        let bytes = positive(at, &name, value)? * 1e9;
        let mut figure = Printed { line: at, text: value, unit: "GB/s" }.figure(
            &format!("{name} bandwidth"),
            bytes,
            Unit::BytePerSecond,
            Statistic::Mean,
        );
        figure.settings.insert(Setting::Status, Told::text(line, status));
        if let Some(says) = &failed {
            figure.settings.insert(Setting::Verified, Told::number(line, says, 0.0));
        }
        import.figures.push(figure);
    }
    Ok(())
}
