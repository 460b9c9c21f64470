//! Modules of a crate form no circle: whoever reads one of them finds what it stands on below it, and never itself again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A module by its path in its crate: `inventory::ipmi`.
type Module = Vec<String>;

/// The code of each module of a crate, without comments and tests.
fn modules(source: &Path) -> BTreeMap<Module, String> {
    let mut found = BTreeMap::new();
    collect(source, &Vec::new(), &mut found);
    found
}

fn collect(folder: &Path, above: &Module, found: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if stem.ends_with("tests") || stem == "testdata" {
            continue;
        }
        let own = match stem.as_str() {
            "mod" | "lib" | "main" => above.clone(),
            name => above.iter().cloned().chain([name.to_owned()]).collect(),
        };
        if path.is_dir() {
            collect(&path, &own, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let program = text.split("#[cfg(test)]").next().unwrap_or_default();
            let code =
                program.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
            found.entry(own).or_default().push_str(&code);
        }
    }
}

/// All paths from `crate`, `super` and `self` in a module's code, those of `use` with braces taken apart.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_none_or(|letter| !letter.is_alphanumeric() && !matches!(letter, '_' | ':' | '$')) {
                take_apart(&mut code[at..].chars().peekable(), &[], &mut found);
            }
        }
    }
    found
}

type Letters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Reads `a::b::{c, d::e}` as `a::b::c` and `a::b::d::e`.
fn take_apart(letters: &mut Letters<'_>, before: &[String], found: &mut Vec<Vec<String>>) {
    let mut path = before.to_vec();
    loop {
        let mut name = String::new();
        while let Some(letter) = letters.next_if(|letter| letter.is_alphanumeric() || *letter == '_') {
            name.push(letter);
        }
        if !name.is_empty() {
            path.push(name);
        }
        if letters.next_if_eq(&':').is_none() || letters.next_if_eq(&':').is_none() {
            break;
        }
        if letters.next_if_eq(&'{').is_some() {
            while letters.peek().is_some() && letters.next_if_eq(&'}').is_none() {
                take_apart(letters, &path, found);
                // ` as name`, `*` and whatever else is no part of a path.
                while letters.next_if(|letter| !matches!(letter, ',' | '}')).is_some() {}
                while letters.next_if(|letter| letter.is_whitespace() || *letter == ',').is_some() {}
            }
            return;
        }
    }
    found.push(path);
}

/// The module that a path leads to, seen from a module: the longest beginning of it that is one.
fn target(modules: &BTreeMap<Module, String>, from: &Module, path: &[String]) -> Option<Module> {
    let mut whole: Module = Vec::new();
    let mut rest = path;
    match path.first().map(String::as_str) {
        Some("crate") => rest = &path[1..],
        Some("self") => {
            whole.clone_from(from);
            rest = &path[1..];
        }
        Some("super") => {
            whole.clone_from(from);
            while rest.first().is_some_and(|step| step == "super") {
                whole.pop();
                rest = &rest[1..];
            }
        }
        _ => return None,
    }
    whole.extend_from_slice(rest);
    while !whole.is_empty() && !modules.contains_key(&whole) {
        whole.pop();
    }
    // What lies in the root is what a crate shows; and a module may use what encloses it.
    (!whole.is_empty() && whole != *from && !from.starts_with(&whole)).then_some(whole)
}

/// Modules that can be reached from themselves.
fn circles(modules: &BTreeMap<Module, String>) -> Vec<String> {
    let uses: BTreeMap<&Module, BTreeSet<Module>> = modules
        .iter()
        .map(|(module, code)| (module, paths(code).iter().filter_map(|path| target(modules, module, path)).collect()))
        .collect();
    let mut found = Vec::new();
    for module in modules.keys() {
        let (mut reached, mut next) = (BTreeSet::new(), vec![module]);
        while let Some(one) = next.pop() {
            next.extend(uses[one].iter().filter(|other| reached.insert((*other).clone())));
        }
        if reached.contains(module) {
            found.push(module.join("::"));
        }
    }
    found
}

#[test]
fn modules_of_a_crate_form_no_circle() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for entry in fs::read_dir(crates).unwrap() {
        let folder = entry.unwrap().path();
        let modules = modules(&folder.join("src"));
        assert!(!modules.is_empty(), "{}", folder.display());
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        found.extend(circles(&modules).into_iter().map(|module| format!("{name}: {module}")));
    }
    assert!(found.is_empty(), "these modules use one another in a circle:\n{}", found.join("\n"));
}

#[test]
fn a_circle_is_found_and_a_chain_is_none() {
    let check = |code: &[(&str, &str)], expect: &[&str]| {
        let modules: BTreeMap<Module, String> = code
            .iter()
            .map(|(module, code)| (module.split("::").map(str::to_owned).collect(), (*code).to_owned()))
            .collect();
        assert_eq!(circles(&modules), expect, "{code:?}");
    };
    check(&[("a", "use crate::b::B;"), ("b", "use crate::{c, d::D};"), ("c", ""), ("d", "")], &[]);
    check(&[("a", "use crate::b::{self, B};"), ("b", "fn f() { crate::a::g() }")], &["a", "b"]);
    check(
        &[("a", "use crate::{x, c::{C as D, E}};"), ("b", "use super::a::A;"), ("c", "use crate::b;")],
        &["a", "b", "c"],
    );
    // A part of a module may use the module, and the module its parts.
    check(&[("a", "use self::b::B;"), ("a::b", "use super::A;")], &[]);
}
