//! What people expect of a command: help with examples, manual pages, completions, and a version that tells the build.

#[path = "support/help.rs"]
mod help;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use help::commands;
use support::{files, output, said};

/// Every command with those below it, and its help.
fn helps(folder: &Path, path: &[String]) -> Vec<(String, String)> {
    // It hands over to another program, which may not be built: its help is not of this one, its page is.
    if path == ["features"] {
        return vec![("features".to_owned(), String::new())];
    }
    let asked = output(folder, path.iter().map(String::as_str).chain(["--help"]));
    assert_eq!(asked.status.code(), Some(0), "{path:?}: {}", said(&asked));
    let help = String::from_utf8(asked.stdout).unwrap();
    let below = commands(&help).into_iter().flat_map(|name| helps(folder, &[path, &[name]].concat()));
    let below: Vec<_> = below.collect();
    [vec![(path.join(" "), help)], below].concat()
}

#[test]
fn every_command_has_help_with_examples_and_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let made = output(folder.path(), ["manual", "made"]);
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    let name = |path: &Path| path.strip_prefix(folder.path().join("made")).unwrap().to_str().unwrap().to_owned();
    let written: BTreeSet<String> = files(&folder.path().join("made")).iter().map(|path| name(path)).collect();
    for completions in ["bash/hostproof.bash", "zsh/_hostproof", "fish/hostproof.fish"] {
        assert!(written.contains(completions), "{written:?}");
        let text = fs::read_to_string(folder.path().join("made").join(completions)).unwrap();
        assert!(text.contains("HOSTPROOF_COMPLETE"), "{completions}");
    }
    let helps = helps(folder.path(), &[]);
    assert!(helps.len() > 15, "{}", helps.len());
    let mut pages = 3;
    for (command, help) in helps {
        let words: Vec<&str> = ["hostproof"].into_iter().chain(command.split_whitespace()).collect();
        let page = format!("man1/{}.1", words.join("-"));
        assert!(written.contains(&page), "{page} of {written:?}");
        pages += 1;
        let text = fs::read_to_string(folder.path().join("made").join(&page)).unwrap();
        for heading in ["EXIT STATUS", "ENVIRONMENT", "FILES"] {
            assert!(
                text.contains(&format!(".SH \"{heading}\"")) || text.contains(&format!(".SH {heading}")),
                "{page}: {text}"
            );
        }
        if command == "features" {
            continue;
        }
        let example = format!("  hostproof {command}").trim_end().to_owned();
        assert!(command.is_empty() || help.contains("Example"), "{command}: {help}");
        let lines = help.lines().skip_while(|line| !line.starts_with("Example"));
        let is_shown = lines.skip(1).any(|line| line.starts_with(&example));
        assert!(command.is_empty() || is_shown, "no example of `{command}`: {help}");
        // The line of usage is cut by the terminal, not by us.
        for line in help.lines().filter(|line| !line.starts_with("Usage:")) {
            assert!(line.chars().count() <= 130, "{command}: {line}");
        }
    }
    assert_eq!(written.len(), pages, "no page is of a hidden command: {written:?}");
}

/// A page of this checkout.
fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)).unwrap()
}

/// The blocks of code in this language below a heading of a page, up to the next heading of its kind.
fn blocks(page: &str, heading: &str, language: &str) -> Vec<String> {
    let section = page.split(&format!("\n{heading}\n")).nth(1).unwrap_or_else(|| panic!("no {heading}"));
    let section = section.split("\n## ").next().unwrap();
    let fence = format!("```{language}\n");
    let fences = section.split(&fence).skip(1);
    fences.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// What the program says of the specification that a page shows, written to `node.toml` in a folder.
fn checked(folder: &Path, text: &str) -> String {
    fs::write(folder.join("node.toml"), text).unwrap();
    let checked = output(folder, ["spec", "check", "node.toml"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    String::from_utf8(checked.stdout).unwrap()
}

#[test]
fn the_examples_of_a_specification_are_what_the_program_takes_and_says() {
    let guide = format!("\n## All\n{}", page("docs/specification.md").split("\n## ").next().unwrap());
    for (page, heading) in [(page("README.md"), "## Writing a specification"), (guide, "## All")] {
        let folder = tempfile::tempdir().unwrap();
        let shown = blocks(&page, heading, "text");
        assert_eq!([checked(folder.path(), &blocks(&page, heading, "toml")[0])], shown.as_slice(), "{heading}");
    }
}

#[test]
fn the_answer_that_the_readme_shows_is_the_programs() {
    let folder = tempfile::tempdir().unwrap();
    let readme = page("README.md");
    checked(folder.path(), &blocks(&readme, "## Writing a specification", "toml")[0]);
    let record = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/0.1.0/complete/run.jsonl");
    let judged = output(folder.path(), ["judge", record.to_str().unwrap(), "--spec", "node.toml"]);
    assert_eq!(judged.status.code(), Some(0), "{}", said(&judged));
    is_said(&blocks(&readme, "## Accepting a host", "text")[0], &String::from_utf8(judged.stdout).unwrap());
}

/// Whether a program said each line that a page shows, in this order; `…` stands for what is left out.
fn is_said(shown: &str, said: &str) {
    let mut lines = said.lines();
    for shown in shown.lines().filter(|line| *line != "…") {
        assert!(lines.any(|line| line == shown), "this is not said, or not in this order: {shown}\n{said}");
    }
}

#[test]
fn the_audit_that_the_readme_shows_is_the_programs() {
    let folder = tempfile::tempdir().unwrap();
    let audited = output(folder.path(), ["audit"]);
    assert_eq!(audited.status.code(), Some(0), "{}", said(&audited));
    let shown = &blocks(&page("README.md"), "## Is the document possible?", "text")[0];
    assert!(shown.lines().count() > 10, "{shown}");
    is_said(shown, &String::from_utf8(audited.stdout).unwrap());
}

#[test]
fn the_guide_of_specifications_names_every_field() {
    let folder = tempfile::tempdir().unwrap();
    let schema = String::from_utf8(output(folder.path(), ["spec", "schema"]).stdout).unwrap();
    let guide = page("docs/specification.md");
    let mut fields = BTreeSet::new();
    collect(&serde_json::from_str(&schema).unwrap(), &mut fields);
    assert!(fields.contains("depends_on") && fields.len() > 30, "{fields:?}");
    let tables = ["system", "fact", "target", "baseline", "claim", "limit", "prose"];
    let is_there = |field: &str| match field {
        table if tables.contains(&table) => guide.contains(&format!("[[system.{table}]]")) || table == "system",
        field => guide.contains(&format!("`{field}`")) || guide.contains(&format!("\n{field} = ")),
    };
    let missing: Vec<&String> = fields.iter().filter(|field| !is_there(field)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The names of all properties in a schema.
fn collect(schema: &serde_json::Value, fields: &mut BTreeSet<String>) {
    if let Some(properties) = schema["properties"].as_object() {
        fields.extend(properties.keys().cloned());
    }
    for below in schema.as_object().into_iter().flat_map(|entries| entries.values()) {
        collect(below, fields);
    }
}

#[test]
fn the_version_tells_the_build() {
    let folder = tempfile::tempdir().unwrap();
    let text = String::from_utf8(output(folder.path(), ["--version"]).stdout).unwrap();
    for word in ["hostproof 0.", "revision", "compiler rustc 1.", "profile", "features", "avx2"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}
