//! `generate` never removes or replaces what it did not make: each refusal leaves every byte as it was.

#[path = "support/tree.rs"]
mod tree;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Output;

use rustix::fs::{FlockOperation, flock};
use tabular::manifest::Manifest;
use tree::{done, program, said, tree};

struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Case {
        Case { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A small file, and the folders above it.
    fn file(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn generate(&self, out: impl AsRef<Path>) -> Output {
        let mut command = program();
        let command = command.current_dir(self.folder.path()).args(["generate", "--size", "800kB", "--out"]);
        command.arg(out.as_ref()).output().unwrap()
    }

    /// Sees that data is refused with these words, and that nothing changes.
    fn refused(&self, out: impl AsRef<Path>, words: &str) {
        let before = tree(self.folder.path());
        let said = said(&self.generate(out));
        assert!(said.contains(words), "{said}");
        assert!(tree(self.folder.path()) == before, "something changed");
    }
}

#[test]
fn a_folder_of_somebody_else_is_refused_before_anything_is_made_in_it() {
    let case = Case::new();
    case.file("letters/letter.txt", "mine");
    case.refused("letters", "there is letter.txt");
    case.file("tables/events/part-00000.parquet", "mine");
    case.refused("tables", "there is events/part-00000.parquet");
    case.file("begun/events/part-00000.parquet.unfinished", "mine");
    case.refused("begun", "there is events/part-00000.parquet.unfinished");
    case.file("manifests/manifest.json.unfinished", "mine");
    case.refused("manifests", "there is manifest.json.unfinished");
    case.file("journals/journal.jsonl.unfinished", "mine");
    case.refused("journals", "there is journal.jsonl.unfinished");
    case.file("file", "mine");
    case.refused("file", "it is no folder");
    case.refused(".", "holds other data");
    fs::create_dir(case.path("empty")).unwrap();
    fs::write(case.path("empty/.hostproof-lock"), "mine").unwrap();
    case.refused("empty", "it is no lock file of this program");
}

#[test]
fn links_are_refused() {
    let case = Case::new();
    fs::create_dir(case.path("target")).unwrap();
    symlink("target", case.path("link")).unwrap();
    case.refused("link", &case.path("target").canonicalize().unwrap().display().to_string());
    case.refused("link/", "symbolic link");
    done(&case.generate("data"));
    for name in ["events", "events/part-00000.parquet", "manifest.json"] {
        fs::rename(case.path("data").join(name), case.path("moved")).unwrap();
        symlink(case.path("moved"), case.path("data").join(name)).unwrap();
        case.refused("data", &format!("its {name} is no f"));
        fs::remove_file(case.path("data").join(name)).unwrap();
        fs::rename(case.path("moved"), case.path("data").join(name)).unwrap();
    }
}

#[test]
fn two_starts_into_one_folder_do_not_mix() {
    let case = Case::new();
    done(&case.generate("data"));
    let before = tree(&case.path("data"));
    let lock = case.path("data/.hostproof-lock");
    let mut held = File::create_new(&lock).unwrap();
    flock(&held, FlockOperation::NonBlockingLockExclusive).unwrap();
    held.write_all(b"hostproof features, process 4242\n").unwrap();
    case.refused("data", "data is being written by process 4242");
    // What a kill leaves blocks nothing.
    drop(held);
    done(&case.generate("data"));
    assert!(tree(&case.path("data")) == before);
}

#[test]
fn only_what_the_data_set_is_known_to_have_is_made_again() {
    let case = Case::new();
    done(&case.generate("data"));
    let before = tree(&case.path("data"));
    let begun = ["events/part-00000.parquet.unfinished", "manifest.json.unfinished", "journal.jsonl.unfinished"];
    for name in begun {
        case.file(&format!("data/{name}"), "half");
    }
    let mine = ["data/letter.txt", "data/events/letter.unfinished", "data/events/part-00000.unfinished"];
    for name in mine {
        case.file(name, "mine");
    }
    fs::create_dir(case.path("data/events/folder.unfinished")).unwrap();
    done(&case.generate("data"));
    for name in mine {
        assert_eq!(fs::read_to_string(case.path(name)).unwrap(), "mine");
        fs::remove_file(case.path(name)).unwrap();
    }
    fs::remove_dir(case.path("data/events/folder.unfinished")).unwrap();
    assert!(tree(&case.path("data")) == before);
    // A table has no files of others: they would be read with it.
    case.file("data/events/x.parquet", "mine");
    case.refused("data", "there is events/x.parquet");
}

#[test]
fn what_the_first_moments_of_a_killed_start_left_blocks_nothing() {
    let case = Case::new();
    done(&case.generate("data"));
    let whole = Manifest::read(&case.path("data")).unwrap().unwrap();
    let first = serde_json::to_string(&whole.request).unwrap();
    case.file("lock/.hostproof-lock", "hostproof features, process 7\n");
    case.file("journal/.hostproof-lock", "");
    case.file("journal/journal.jsonl.unfinished", &first[..first.len() / 2]);
    fs::create_dir_all(case.path("tables/users")).unwrap();
    for name in ["lock", "journal", "tables"] {
        done(&case.generate(name));
        assert_eq!(Manifest::read(&case.path(name)).unwrap().as_ref(), Some(&whole), "{name}");
        assert_eq!(tree(&case.path(name)).len(), tree(&case.path("data")).len(), "{name}");
    }
}
