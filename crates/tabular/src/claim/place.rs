//! Where a result shall lie, with what can be told of it before any work.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};

use crate::Error;

/// A name in a folder whose own path holds no links.
#[derive(Debug)]
pub(super) struct Place {
    /// As it was asked for.
    asked: PathBuf,
    /// The folder that holds the result.
    pub(super) parent: PathBuf,
    /// Folders on the way to the parent that are not there yet, the outermost first.
    pub(super) missing: Vec<PathBuf>,
    name: OsString,
}

impl Place {
    /// Where a path leads to.
    ///
    /// # Errors
    ///
    /// If it names no folder that could get another's place: `.`, `..`, `/`.
    pub(super) fn of(asked: &Path) -> Result<Place, Error> {
        let Some(name) = asked.file_name() else {
            return Err(refused(asked, "a result gets its name when it is complete: name a folder by its own name"));
        };
        let parent = asked.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let (mut there, mut names) = (parent, Vec::new());
        let mut real = loop {
            match fs::canonicalize(there) {
                Ok(real) => break real,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let Some(name) = there.file_name() else { return Err(Error::io("cannot find", there, error)) };
                    names.push(name);
                    let above = there.parent().filter(|above| !above.as_os_str().is_empty());
                    there = above.unwrap_or(Path::new("."));
                }
                Err(error) => return Err(Error::io("cannot look into", there, error)),
            }
        };
        let mut missing = Vec::new();
        for name in names.into_iter().rev() {
            real.push(name);
            missing.push(real.clone());
        }
        Ok(Place { asked: asked.to_owned(), parent: real, missing, name: name.to_owned() })
    }

    /// The folder of the result, by a path without links.
    pub(super) fn folder(&self) -> PathBuf {
        self.parent.join(&self.name)
    }

    /// `.NAME.hostproof-`: how the names of what lies beside the result for a while begin.
    pub(super) fn prefix(&self) -> OsString {
        let mut prefix = OsString::from(".");
        prefix.push(&self.name);
        prefix.push(".hostproof-");
        prefix
    }

    /// The refusal of this place.
    pub(super) fn refused(&self, why: impl Into<String>) -> Error {
        refused(&self.asked, why)
    }

    /// Whether there is a folder that can be replaced as a whole; none where there is nothing.
    pub(super) fn metadata(&self) -> Result<Option<Metadata>, Error> {
        let folder = self.folder();
        let metadata = match fs::symlink_metadata(&folder) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("cannot look into", &folder, error)),
        };
        if metadata.is_symlink() {
            let target = fs::read_link(&folder).map_err(|error| Error::io("cannot read", &folder, error))?;
            let target = self.parent.join(target);
            return Err(self.refused(format!("it is a symbolic link; name the folder itself, {}", target.display())));
        }
        if !metadata.is_dir() {
            return Err(self.refused("it is no folder; name another one"));
        }
        if is_mounted(&folder) {
            return Err(self.refused("a file system is mounted there, which cannot be replaced; name a folder in it"));
        }
        let here = fs::metadata(".").map(|here| id(&here)).ok();
        if here == Some(id(&metadata)) {
            return Err(
                self.refused("you are in it, and it would be replaced; name another folder, or go to another one")
            );
        }
        Ok(Some(metadata))
    }

    /// Refuses a place that is the input, holds some of it, or lies in it, by whatever links and mounts.
    pub(super) fn check_apart(&self, input: &Path, files: &[PathBuf]) -> Result<(), Error> {
        let folder = self.folder();
        let own = fs::metadata(&folder).map(|metadata| id(&metadata)).ok();
        let above = ids_up(&folder);
        let parents: BTreeSet<&Path> = files.iter().filter_map(|file| file.parent()).chain([input]).collect();
        for inner in parents {
            let real = real(inner)?;
            let ids = ids_up(&real);
            let overlap = match ids.first() {
                Some(id) if own == Some(*id) => "it is",
                Some(id) if above.contains(id) => "it lies in",
                _ if own.is_some_and(|own| ids.contains(&own)) => "it holds",
                _ => continue,
            };
            return Err(self.overlaps(overlap, inner));
        }
        let mut targets = BTreeMap::new();
        for file in files {
            if let Some(parent) = real(file)?.parent() {
                targets.entry(parent.to_owned()).or_insert(file);
            }
        }
        let held = targets.into_iter().find(|(parent, _)| own.is_some_and(|own| ids_up(parent).contains(&own)));
        held.map_or(Ok(()), |(_, file)| Err(self.overlaps("it holds, by a link,", file)))
    }

    fn overlaps(&self, how: &str, input: &Path) -> Error {
        self.refused(format!("{how} the input {}; name a folder apart from it", input.display()))
    }
}

fn refused(asked: &Path, why: impl Into<String>) -> Error {
    Error::Output { path: asked.to_owned(), why: why.into() }
}

fn real(path: &Path) -> Result<PathBuf, Error> {
    fs::canonicalize(path).map_err(|error| Error::io("cannot read", path, error))
}

/// What tells a folder from all others, whatever its path.
type Id = (u64, u64);

fn id(metadata: &Metadata) -> Id {
    (metadata.dev(), metadata.ino())
}

/// A folder, if it is there, and those above it.
fn ids_up(folder: &Path) -> Vec<Id> {
    folder.ancestors().filter_map(|folder| fs::metadata(folder).ok()).map(|metadata| id(&metadata)).collect()
}

/// Whether a folder is the root of a mount; where the kernel does not tell, its file system has the last word.
fn is_mounted(folder: &Path) -> bool {
    statx(CWD, folder, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty())
        .is_ok_and(|known| known.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}
