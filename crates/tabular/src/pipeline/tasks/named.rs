//! Files that get their name when they are whole: who finds the name finds all of it. Two processes may make the same file at
//! the same time; what a killed one leaves has another name, by which it is removed when all is done.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::Error;

/// A file that has no name yet; it is removed where it gets none.
pub(super) struct Unnamed {
    pub(super) file: File,
    temporary: PathBuf,
    path: PathBuf,
    has_name: bool,
}

impl Unnamed {
    /// Begins the file that will have a path.
    pub(super) fn create(path: &Path) -> Result<Unnamed, Error> {
        let random = RandomState::new().build_hasher().finish();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{}-{random:016x}", std::process::id()));
        let file = File::options().read(true).write(true).create_new(true).open(&temporary);
        let file = file.map_err(|error| Error::io("cannot write", path, error))?;
        Ok(Unnamed { file, temporary, path: path.to_owned(), has_name: false })
    }

    /// The path that it will have.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name; `durable` brings it to the disk before.
    pub(super) fn name(mut self, durable: bool) -> Result<(), Error> {
        let trouble = |error| Error::io("cannot write", &self.path, error);
        if durable {
            self.file.sync_all().map_err(trouble)?;
        }
        fs::rename(&self.temporary, &self.path).map_err(trouble)?;
        self.has_name = true;
        Ok(())
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        if !self.has_name {
            // What cannot be removed goes with its folder.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Removes what killed processes left in a folder.
pub(super) fn remove_unfinished(folder: &Path) -> Result<(), Error> {
    let trouble = |error| Error::io("cannot look into", folder, error);
    for entry in fs::read_dir(folder).map_err(trouble)? {
        let entry = entry.map_err(trouble)?;
        if is_unfinished(&entry.file_name()) {
            super::remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Whether a name is one that `Unnamed::create` gives.
fn is_unfinished(name: &OsStr) -> bool {
    let Some((before, by)) = name.to_str().and_then(|name| name.strip_prefix('.')?.rsplit_once('.')) else {
        return false;
    };
    let is_of_process = |(process, random): (&str, &str)| {
        process.parse::<u32>().is_ok() && random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    !before.is_empty() && by.split_once('-').is_some_and(is_of_process)
}

/// Puts bytes into a file.
pub(super) fn put(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut unnamed = Unnamed::create(path)?;
    unnamed.file.write_all(bytes).map_err(|error| Error::io("cannot write", path, error))?;
    unnamed.name(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_name_when_it_is_whole_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let count = || fs::read_dir(folder.path()).unwrap().count();
        drop(Unnamed::create(&path).unwrap());
        assert_eq!(count(), 0);
        let (one, other) = (Unnamed::create(&path).unwrap(), Unnamed::create(&path).unwrap());
        assert!(!path.exists() && count() == 2);
        one.name(false).unwrap();
        assert!(path.exists());
        other.name(true).unwrap();
        assert_eq!(count(), 1);
    }

    #[test]
    fn what_a_killed_process_left_is_known_by_its_name_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        // As if its process had been killed.
        std::mem::forget(Unnamed::create(&folder.path().join("part-00000.parquet")).unwrap());
        let others =
            [".unfinished", "part-00000.parquet", "a.7-0123456789abcdef", ".a.7-0123", ".a.x-0123456789abcdef"];
        for other in others {
            fs::write(folder.path().join(other), "").unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), others.len() + 1);
        remove_unfinished(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), others.len());
        assert!(others.iter().all(|other| folder.path().join(other).exists()));
    }
}
