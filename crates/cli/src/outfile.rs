//! A file to write: what was there stays until the new one is whole, and what is not ours is not replaced.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use tempfile::NamedTempFile;

/// How much of a file tells whether it is an earlier report.
const HEAD: u64 = 16 << 10;

/// Where a text will go.
pub(crate) struct OutFile {
    /// As it was typed.
    typed: PathBuf,
    /// Where it leads, behind links.
    place: PathBuf,
    way: Way,
}

enum Way {
    /// `-`.
    Stdout,
    /// Written beside its place and renamed, so that nobody ever reads half of it.
    Rename(NamedTempFile),
    /// A device or a pipe.
    Special(File),
}

impl OutFile {
    /// A place to write to. An ordinary file that has `mark` in its head is an earlier one and may be replaced; anything else
    /// needs `force`, and a record is never written over.
    pub(crate) fn open(typed: &Path, mark: &str, force: bool) -> Result<OutFile> {
        let shown = typed.display();
        if typed == Path::new("-") {
            return Ok(OutFile { typed: typed.to_owned(), place: typed.to_owned(), way: Way::Stdout });
        }
        let place = behind_links(typed).with_context(|| format!("could not open {shown} for writing"))?;
        let way = match fs::metadata(&place) {
            Err(error) if error.kind() == ErrorKind::NotFound => beside(&place),
            Err(error) => Err(error),
            Ok(about) if about.is_dir() => bail!("could not open {shown} for writing: it is a folder"),
            Ok(about) if about.is_file() => {
                may_replace(typed, &place, mark, force)?;
                beside(&place)
            }
            Ok(about) => {
                ensure!(!about.file_type().is_socket(), "could not open {shown} for writing: it is a socket");
                ensure!(force, "{shown} is a device or a pipe: --force writes to it, and `-` is the standard output");
                OpenOptions::new().write(true).open(&place).map(Way::Special)
            }
        };
        let way = way.with_context(|| format!("could not open {shown} for writing"))?;
        Ok(OutFile { typed: typed.to_owned(), place, way })
    }

    /// What was typed.
    pub(crate) fn path(&self) -> &Path {
        &self.typed
    }

    /// Whether it is the standard output.
    pub(crate) fn is_stdout(&self) -> bool {
        matches!(self.way, Way::Stdout)
    }

    /// Whether both lead to one place.
    pub(crate) fn is_same_as(&self, other: &OutFile) -> bool {
        self.place == other.place
    }

    /// Writes it whole, or leaves what was there; gives how many bytes it has.
    pub(crate) fn write(self, mut content: impl Read) -> io::Result<u64> {
        match self.way {
            Way::Stdout => io::copy(&mut content, &mut io::stdout()),
            Way::Special(mut file) => io::copy(&mut content, &mut file),
            Way::Rename(mut file) => {
                let bytes = io::copy(&mut content, &mut file)?;
                // Whoever collects it is another user.
                file.as_file().set_permissions(Permissions::from_mode(0o644))?;
                file.as_file().sync_all()?;
                file.persist(&self.place)?;
                Ok(bytes)
            }
        }
    }
}

/// The path itself, with its folder and, where it is a link, what that leads to; a link that leads nowhere stays what it is.
fn behind_links(typed: &Path) -> io::Result<PathBuf> {
    if let Ok(place) = typed.canonicalize() {
        return Ok(place);
    }
    let folder = typed.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = typed.file_name().ok_or(ErrorKind::InvalidFilename)?;
    Ok(folder.canonicalize()?.join(name))
}

fn beside(place: &Path) -> io::Result<Way> {
    let folder = place.parent().unwrap_or(Path::new("/"));
    tempfile::Builder::new().prefix(".hostproof-").tempfile_in(folder).map(Way::Rename)
}

/// Refuses what is no earlier report: a record always, anything else without `force`.
fn may_replace(typed: &Path, place: &Path, mark: &str, force: bool) -> Result<()> {
    let shown = typed.display();
    let mut head = Vec::new();
    let read = File::open(place).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    let head = String::from_utf8_lossy(&head);
    let of_store = ["chain.jsonl", "marks.jsonl"].map(OsStr::new).contains(&place.file_name().unwrap_or_default());
    let is_record = head.starts_with("{\"run\":") || head.starts_with("{\"hostproof_bundle\"");
    ensure!(!is_record && !of_store, "{shown} is a record, or a journal of a store, and is never written over");
    let is_ours = read.is_ok() && (head.is_empty() || head.contains(mark));
    ensure!(is_ours || force, "{shown} is there already and is no earlier report of this format: --force replaces it");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_what_is_ours_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        let check = |name: &str, old: Option<&str>, force: bool, expect: Result<(), &str>| {
            let path = here.join(name);
            if let Some(old) = old {
                fs::write(&path, old).unwrap();
            }
            let written = OutFile::open(&path, "MARK", force).and_then(|file| Ok(file.write(&b"new"[..])?));
            match (written, expect) {
                (Ok(_), Ok(())) => assert_eq!(fs::read_to_string(&path).unwrap(), "new"),
                (Err(error), Err(words)) => {
                    assert!(format!("{error:#}").contains(words), "{error:#}");
                    assert_eq!(fs::read_to_string(&path).ok().as_deref(), old);
                }
                other => panic!("{name}: {other:?}"),
            }
        };
        check("new", None, false, Ok(()));
        check("earlier", Some("has the MARK"), false, Ok(()));
        check("empty", Some(""), false, Ok(()));
        check("letter", Some("dear"), false, Err("no earlier report"));
        check("letter", Some("dear"), true, Ok(()));
        check("record", Some("{\"run\":{\"schema\":2}} MARK"), true, Err("is a record"));
        check("bundle", Some("{\"hostproof_bundle\":1} MARK"), true, Err("is a record"));
        check("chain.jsonl", Some("MARK"), true, Err("journal of a store"));
        check("no/folder", None, false, Err("could not open"));
        check("", None, false, Err("is a folder"));
        let left = fs::read_dir(here)
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".hostproof-"));
        assert_eq!(left.count(), 0);
    }

    #[test]
    fn links_and_devices_are_what_they_lead_to() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        fs::write(here.join("record"), "{\"run\":1}").unwrap();
        symlink("record", here.join("link")).unwrap();
        symlink("/dev/null", here.join("null")).unwrap();
        symlink("nowhere", here.join("dangling")).unwrap();
        let open = |name: &str, force: bool| OutFile::open(&here.join(name), "MARK", force);
        assert!(open("link", true).is_err());
        assert!(open("null", false).is_err() && open("null", true).unwrap().write(&b"new"[..]).is_ok());
        assert!(open("record2", false).unwrap().is_same_as(&open("./record2", false).unwrap()));
        open("dangling", false).unwrap().write(&b"new"[..]).unwrap();
        assert!(!here.join("nowhere").exists() && here.join("dangling").is_file());
        assert!(OutFile::open(Path::new("-"), "MARK", false).unwrap().is_stdout());
    }
}
