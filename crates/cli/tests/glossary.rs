//! ARCHITECTURE's glossary: one word for one thing, so that at most one type of all crates has a word for its name.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The words in the first column of the table under "Words".
fn words(page: &str) -> Vec<String> {
    let section = page.split("\n## Words\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")).filter(|row| !row.starts_with("word |"));
    let cells = rows.filter_map(|row| row.split(" |").next());
    cells.flat_map(|cell| cell.split(", ")).map(str::to_owned).collect()
}

/// The name that a type of this word would have.
fn camel_case(word: &str) -> String {
    let parts = word.split([' ', '-']);
    parts.map(|part| part[..1].to_uppercase() + &part[1..]).collect()
}

/// The names of the types that code defines, tests left out.
fn types(code: &str) -> Vec<&str> {
    let program = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let name = |line: &'_ str| -> Option<(usize, usize)> {
        let mut rest = line.trim_start();
        if let Some(public) = rest.strip_prefix("pub") {
            rest = public
                .strip_prefix('(')
                .and_then(|scope| Some(scope.split_once(')')?.1))
                .unwrap_or(public)
                .trim_start();
        }
        let (kind, rest) = rest.split_once(' ')?;
        let length = rest.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(rest.len());
        let start = line.len() - rest.len();
        ["struct", "enum", "trait", "type", "union"].contains(&kind).then_some((start, start + length))
    };
    program.lines().filter_map(|line| name(line).map(|(start, end)| &line[start..end])).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if stem.ends_with("tests") || stem == "testdata" {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn each_word_of_the_glossary_names_at_most_one_type() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let words = words(&fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap());
    assert!(words.len() > 25 && words.contains(&"sample".to_owned()), "{words:?}");
    let mut files = Vec::new();
    for entry in fs::read_dir(root.join("crates")).unwrap() {
        sources(&entry.unwrap().path().join("src"), &mut files);
    }
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in &files {
        for name in types(&fs::read_to_string(file).unwrap()) {
            places.entry(name.to_owned()).or_default().push(file.display().to_string());
        }
    }
    assert!(places.contains_key("Sample"), "no type was found");
    let doubled: Vec<String> = words
        .iter()
        .filter_map(|word| places.get(&camel_case(word)).filter(|places| places.len() > 1).map(|at| (word, at)))
        .map(|(word, at)| format!("{word}: {}", at.join(", ")))
        .collect();
    assert!(doubled.is_empty(), "these words name several types:\n{}", doubled.join("\n"));
}

#[test]
fn types_are_found_wherever_they_are_defined() {
    let check = |code: &str, expect: &[&str]| assert_eq!(types(code), expect, "{code}");
    check("pub struct A {\n    x: u8,\n}\nenum B<T> {}\n", &["A", "B"]);
    check("    pub(crate) type C = u8;\npub(in crate::a) trait D: E {}", &["C", "D"]);
    check("/// struct Nothing\nlet kind = 1;\n#[cfg(test)]\nmod tests {\n    struct E;\n}", &[]);
    check("const NAME: &str = \"\";\nstructure F", &[]);
}
