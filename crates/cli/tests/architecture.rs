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

/// What a single host's run goes through knows nothing of fleets: only the commands for them do.
#[test]
fn nothing_that_measures_knows_of_fleets() {
    // The second takes from `launch` how a shell quotes what is to be typed next.
    const KNOW: [&str; 5] = ["args.rs", "commands/judge.rs", "main.rs", "args/fleet.rs", "commands/fleet/"];
    let sources_of_cli = root().join("crates/cli/src");
    let mut found = BTreeSet::new();
    sources(&sources_of_cli, &mut found, &|text| text.contains("fleet::") || text.contains("launch::"));
    let found: BTreeSet<&str> = found.iter().filter_map(|path| path.strip_prefix("crates/cli/src/")).collect();
    let others: Vec<&&str> = found.iter().filter(|path| !KNOW.iter().any(|known| path.starts_with(known))).collect();
    assert_eq!(others, Vec::<&&str>::new());
    assert!(found.contains("commands/fleet/judge.rs"), "it looks where it should: {found:?}");
}

#[test]
fn unsafe_is_only_where_it_is_listed() {
    let listed: BTreeSet<_> = section(&architecture(), "Files that may contain unsafe code")
        .iter()
        .filter(|line| line.starts_with("| `"))
        .map(|line| quoted(line).remove(0))
        .collect();
    let lifts = |text: &str| ["allow", "expect"].iter().any(|word| text.contains(&format!("{word}(unsafe{}", "_code")));
    let mut found = BTreeSet::new();
    sources(&root().join("crates"), &mut found, &lifts);
    sources(&root().join("benches"), &mut found, &lifts);
    assert_eq!(found, listed, "files that allow unsafe code, and the list in ARCHITECTURE.md");
}

/// The files below a folder whose text is so.
fn sources(folder: &Path, found: &mut BTreeSet<String>, is_so: &dyn Fn(&str) -> bool) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found, is_so);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            if is_so(&text) {
                found.insert(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
}
