//! What people expect of a command: help with examples, manual pages, completions, and a version that tells the build.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use support::{files, output, said};

/// Names below the heading `Commands:` of a help text.
fn commands(help: &str) -> Vec<String> {
    let below = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = below.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

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
        assert!(text.contains("dossier") && text.contains("profile"), "{completions}");
    }
    let helps = helps(folder.path(), &[]);
    assert!(helps.len() > 15, "{}", helps.len());
    let mut pages = 3;
    for (command, help) in helps {
        let words: Vec<&str> = ["hostproof"].into_iter().chain(command.split_whitespace()).collect();
        let page = format!("man1/{}.1", words.join("-"));
        assert!(written.contains(&page), "{page} of {written:?}");
        pages += 1;
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

#[test]
fn the_version_tells_the_build() {
    let folder = tempfile::tempdir().unwrap();
    let text = String::from_utf8(output(folder.path(), ["--version"]).stdout).unwrap();
    for word in ["hostproof 0.", "revision", "compiler rustc 1.", "profile", "features", "avx2"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}
