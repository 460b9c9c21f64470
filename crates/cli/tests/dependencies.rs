//! What the workspace depends on: under which licences, and which crates are there in two versions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cargo_metadata::{Metadata, MetadataCommand};

/// Licences that let the suite be given on under its own.
const ALLOWED: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that others ask for in two versions, so that both are built. A new one here is worth a look: an update may end it.
const DOUBLED: [&str; 15] = [
    "base64",
    "foldhash",
    "getrandom",
    "hashbrown",
    "itertools",
    "num-bigint",
    "object",
    "quick-xml",
    "rand",
    "rand_core",
    "syn",
    "thiserror",
    "thiserror-impl",
    "zstd",
    "zstd-safe",
];

/// The packages that a build on Linux takes.
fn metadata() -> Metadata {
    let options = ["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"].map(str::to_owned);
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    MetadataCommand::new().manifest_path(manifest).other_options(options).exec().unwrap()
}

/// The licences of an expression (SPDX, or the slash that came before it): all must be allowed, whichever is chosen.
fn licences(expression: &str) -> Vec<String> {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    let terms = plain.split(" OR ").flat_map(|term| term.split(" AND "));
    terms.map(|term| term.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn dependencies_have_licences_that_go_with_ours_and_doubled_ones_are_known() {
    let metadata = metadata();
    let used: BTreeSet<_> = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes).map(|node| &node.id).collect();
    assert!(used.len() > 300, "the dependencies were not resolved");
    let mut versions: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for package in metadata.packages.iter().filter(|package| used.contains(&package.id)) {
        versions.entry(package.name.as_str()).or_default().insert(package.version.to_string());
        let expression = package.license.as_deref().unwrap_or_else(|| panic!("{} names no licence", package.name));
        for licence in licences(expression) {
            assert!(ALLOWED.contains(&licence.as_str()), "{}: {licence} of `{expression}`", package.name);
        }
    }
    let doubled: Vec<&str> = versions.iter().filter(|(_, all)| all.len() > 1).map(|(name, _)| *name).collect();
    assert_eq!(doubled, DOUBLED, "crates that are there in two versions");
}

#[test]
fn licences_are_taken_apart() {
    let check = |expression: &str, expect: &[&str]| assert_eq!(licences(expression), expect, "{expression}");
    check("MIT", &["MIT"]);
    check("(MIT OR Apache-2.0) AND Unicode-3.0", &["MIT", "Apache-2.0", "Unicode-3.0"]);
    check("Unlicense/MIT", &["Unlicense", "MIT"]);
    check("Apache-2.0 WITH LLVM-exception OR GPL-3.0", &["Apache-2.0 WITH LLVM-exception", "GPL-3.0"]);
}
