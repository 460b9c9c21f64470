//! What ARCHITECTURE.md promises and a machine can check: the arrows between crates, and where `unsafe` is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn architecture() -> String {
    fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap()
}

/// The lines of a section, up to the next heading.
fn section(text: &str, heading: &str) -> Vec<String> {
    let lines: Vec<_> = text
        .lines()
        .skip_while(|line| line.trim_start_matches('#').trim() != heading)
        .skip(1)
        .take_while(|line| !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    assert!(!lines.is_empty(), "ARCHITECTURE.md has no section `{heading}`");
    lines
}

/// The words in backticks of a line.
fn quoted(line: &str) -> Vec<String> {
    line.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Rows `| `crate` | … | `may`, `use` | … |` of the table of crates: name → what it may depend on.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    section(&architecture(), "Crates")
        .iter()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<_> = line.split('|').collect();
            (quoted(cells[1]).remove(0), quoted(cells[2]).into_iter().collect())
        })
        .collect()
}

#[test]
fn crates_depend_only_along_the_arrows() {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap();
    let arrows = arrows();
    let names: BTreeSet<_> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    assert_eq!(names, arrows.keys().cloned().collect(), "the table of crates and the workspace differ");
    for package in &metadata.packages {
        let used: BTreeSet<_> = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development && names.contains(&dependency.name))
            .map(|dependency| dependency.name.clone())
            .collect();
        assert_eq!(used, arrows[package.name.as_str()], "the dependencies of `{}`", package.name);
    }
}

#[test]
fn crates_are_named_as_their_folders() {
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{}", folder.display());
    }
}

#[test]
fn unsafe_is_only_where_it_is_listed() {
    let listed: BTreeSet<_> = section(&architecture(), "Files that may contain unsafe code")
        .iter()
        .filter(|line| line.starts_with("| `"))
        .map(|line| quoted(line).remove(0))
        .collect();
    let mut found = BTreeSet::new();
    sources(&root().join("crates"), &mut found);
    sources(&root().join("benches"), &mut found);
    assert_eq!(found, listed, "files that allow unsafe code, and the list in ARCHITECTURE.md");
}

/// Files below `folder` that lift the workspace's ban.
fn sources(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let lifts = ["allow", "expect"].iter().any(|word| text.contains(&format!("{word}(unsafe{}", "_code")));
            if lifts {
                found.insert(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
}
