//! The catalogue of metrics is where a metric is named, and nowhere else: code takes its constants, and what people read names
//! ids that are in it.

use std::fs;
use std::path::{Path, PathBuf};

use measure::{definition, metrics};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Files of code that goes into a program.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let is_test = name == "tests" || name.contains("tests.rs") || name == "testdata.rs";
        if path.is_dir() && !is_test {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
            found.push(path);
        }
    }
}

/// The literals of a file, without its comments and its tests. It is no parser: a quote in a character literal is the one
/// thing that it has to step over.
fn literals(text: &str) -> Vec<String> {
    let program = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = program.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n").replace("'\"'", "' '").replace("\\\"", "'");
    code.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Words as ids are written: `stream.triad`.
fn dotted(text: &str) -> impl Iterator<Item = &str> {
    let part_of_word = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_');
    text.split(move |letter| !part_of_word(letter))
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| word.contains('.'))
}

/// Whether a literal names a metric, or the beginning of some.
fn names_a_metric(literal: &str) -> bool {
    let is_prefix = literal.contains('.') && metrics::ALL.iter().any(|metric| metric.id.starts_with(literal));
    is_prefix || dotted(literal).any(|word| definition(word).is_some())
}

#[test]
fn the_catalogue_alone_names_metrics_in_code() {
    let mut files = Vec::new();
    sources(&root().join("crates"), &mut files);
    sources(&root().join("benches"), &mut files);
    let home = [root().join("crates/measure/src/metrics.rs"), root().join("crates/measure/src/families.rs")];
    let mut found = Vec::new();
    for file in files.iter().filter(|file| !home.contains(file)) {
        let text = fs::read_to_string(file).unwrap();
        let named = literals(&text).into_iter().filter(|literal| names_a_metric(literal));
        found.extend(named.map(|literal| format!("{}: {literal:?}", file.strip_prefix(root()).unwrap().display())));
    }
    assert!(files.len() > 200, "the sources were not found");
    assert!(found.is_empty(), "take the constant of measure::metrics instead of:\n{}", found.join("\n"));
}

#[test]
fn the_search_finds_what_it_is_for() {
    let check =
        |code: &str, expect: bool| assert_eq!(literals(code).iter().any(|one| names_a_metric(one)), expect, "{code}");
    check("let name = \"stream.triad\";", true);
    check("name.starts_with(\"disk.\")", true);
    check("format!(\"see dense.hpl.lapack for {x}\")", true);
    check("// \"stream.triad\" in a comment\nlet a = 1;", false);
    check("#[cfg(test)]\nmod tests { \"stream.triad\" }", false);
    check("let quote = '\"'; let name = \"host.xml\";", false);
    check("\"stream\"", false);
}

#[test]
fn documents_name_metrics_of_the_catalogue() {
    let mut named = 0;
    for document in ["README.md", "METHODOLOGY.md", "ARCHITECTURE.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        let families = ["stream.", "dense.", "disk.", "tabular.", "host."];
        for code in
            text.split('`').skip(1).step_by(2).filter(|code| families.iter().any(|first| code.starts_with(first)))
        {
            // `tabular.time{rows}` names a label beside it.
            let id = code.split('{').next().unwrap_or(code);
            assert!(definition(id).is_some(), "{document}: `{code}` is no metric; `hostproof spec metrics` lists them");
            named += 1;
        }
    }
    assert!(named > 5, "the documents name no metric any more");
}
