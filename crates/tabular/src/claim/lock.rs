//! Locks that the kernel releases when their process ends, however it ends.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use crate::Error;

/// How the text of a lock file begins; the process that holds it follows.
const TEXT: &str = "hostproof features, process ";
/// More than a lock file of this program ever holds.
const LONGEST: u64 = 64;

/// A lock file: locked as long as this lives, and removed at its end. What a kill leaves is an unlocked file, which the next
/// one takes over.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    file: File,
    /// Whether the file stays.
    stays: bool,
}

impl Lock {
    /// Locks the file at `path`, for work on `folder`.
    ///
    /// # Errors
    ///
    /// If another process holds it, or something that is no lock file of this program has its name.
    pub(crate) fn take(path: PathBuf, folder: &Path) -> Result<Lock, Error> {
        loop {
            let (file, text) = open(&path, true)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) if is_at(&file, &path) => return Lock { path, file, stays: false }.signed(),
                // Whoever held it removed it between our opening and our locking it.
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => {
                    return Err(Error::InUse { path: folder.to_owned(), process: holder(&text) });
                }
                Err(error) => return Err(Error::io("cannot lock", &path, error.into())),
            }
        }
    }

    /// The lock at `path` if a process of this program left it there and holds it no longer.
    pub(super) fn abandoned(path: &Path) -> Option<Lock> {
        let (file, text) = open(path, false).ok().filter(|(_, text)| text.starts_with(TEXT))?;
        let _: u32 = holder(&text)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
        is_at(&file, path).then(|| Lock { path: path.to_owned(), file, stays: false })
    }

    /// The same lock under another name.
    pub(super) fn renamed(mut self, path: PathBuf) -> Result<Lock, Error> {
        fs::rename(&self.path, &path).map_err(|error| Error::io("cannot rename to", &path, error))?;
        self.path = path;
        Ok(self)
    }

    /// Gives the lock up, and leaves its file as a kill does.
    pub(super) fn leave(mut self) {
        self.stays = true;
    }

    /// Says in the file who holds it.
    fn signed(mut self) -> Result<Lock, Error> {
        let mut sign = || {
            self.file.set_len(0)?;
            self.file.rewind()?;
            self.file.write_all(format!("{TEXT}{}\n", std::process::id()).as_bytes())
        };
        sign().map_err(|error| Error::io("cannot write", &self.path, error))?;
        Ok(self)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Held until the file is closed: nobody else can have locked what has the name now.
        if !self.stays && is_at(&self.file, &self.path) {
            // A file that stays is taken over by the next lock.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Opens a lock file without following links or waiting for the other end of a pipe; with its text.
fn open(path: &Path, create: bool) -> Result<(File, String), Error> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let opened = File::options().read(true).write(true).create(create).truncate(false).custom_flags(flags).open(path);
    let foreign = || Error::OtherData { path: path.to_owned(), why: "it is no lock file of this program".to_owned() };
    let mut file = opened.map_err(|error| match error.raw_os_error() {
        Some(code) if code == Errno::LOOP.raw_os_error() || code == Errno::ISDIR.raw_os_error() => foreign(),
        _ => Error::io("cannot open", path, error),
    })?;
    let mut read = || {
        let mut text = Vec::new();
        if file.metadata()?.is_file() {
            (&mut file).take(LONGEST).read_to_end(&mut text)?;
            return Ok(Some(text));
        }
        Ok(None)
    };
    let text = read().map_err(|error| Error::io("cannot read", path, error))?;
    let text = text.and_then(|text| String::from_utf8(text).ok()).ok_or_else(foreign)?;
    // Part of the text, while another process writes it.
    let ours = text.starts_with(TEXT) || TEXT.starts_with(&text);
    if ours { Ok((file, text)) } else { Err(foreign()) }
}

/// The process that the text of a lock file names.
fn holder(text: &str) -> Option<u32> {
    text.strip_prefix(TEXT)?.trim_end().parse().ok()
}

/// Whether an open file still has its name.
fn is_at(file: &File, path: &Path) -> bool {
    let id = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let (open, named) = (file.metadata().map(id), fs::symlink_metadata(path).map(id));
    matches!((open, named), (Ok(open), Ok(named)) if open == named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_once_and_gone_at_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let target = Path::new("result");
        let held = Lock::take(path.clone(), target).unwrap();
        let Err(Error::InUse { process, .. }) = Lock::take(path.clone(), target) else { panic!("it is held") };
        assert_eq!(process, Some(std::process::id()));
        assert!(Lock::abandoned(&path).is_none());
        drop(held);
        assert!(!path.exists());
        // What a kill left is taken over.
        for left in ["", "hostproof feat", "hostproof features, process 7\n"] {
            fs::write(&path, left).unwrap();
            drop(Lock::take(path.clone(), target).unwrap());
            assert!(!path.exists());
        }
    }

    #[test]
    fn what_is_no_lock_of_this_program_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        fs::write(&path, "hostproof, my notes").unwrap();
        assert!(matches!(Lock::take(path.clone(), &path), Err(Error::OtherData { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "hostproof, my notes");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("nothing"), &link).unwrap();
        assert!(matches!(Lock::take(link.clone(), &link), Err(Error::OtherData { .. })));
        assert!(!folder.path().join("nothing").exists());
        let inner = folder.path().join("folder");
        fs::create_dir(&inner).unwrap();
        assert!(matches!(Lock::take(inner.clone(), &inner), Err(Error::OtherData { .. })));
    }
}
