//! Files that get their name when they are whole: who finds the name finds all of it. Two processes may make the same file at
//! the same time; what a killed one leaves has another name, and is in nobody's way.

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
}
