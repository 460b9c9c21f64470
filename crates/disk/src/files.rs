//! The files of a run: test files that nobody can find, and what the user names.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, Mode, OFlags, SeekFrom};

use crate::Error;
use crate::safety::{Rights, check_write};

/// What a name turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Made by this run and unlinked.
    TestFile,
    /// A file that was there before.
    Existing,
    /// A block device.
    Device,
}

/// A file of the run.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) file: Arc<File>,
    /// The name that it was asked for by; a test file has none of its own.
    pub(crate) path: PathBuf,
    pub(crate) kind: Kind,
    pub(crate) len: u64,
    /// Whether `O_DIRECT` was accepted.
    pub(crate) direct: bool,
}

/// How many percent of the free space a run may take.
pub const ROOM_PERCENT: u64 = 80;

/// Makes a test file without a name: by `O_TMPFILE` where the file system has it, else unlinked as soon as it is open.
fn make(dir: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(dir, flags | OFlags::TMPFILE, Mode::RUSR | Mode::WUSR) {
        Ok(file) => return Ok(File::from(file)),
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::ISDIR | rustix::io::Errno::INVAL) => {}
        Err(error) => return Err(error.into()),
    }
    make_named(dir)
}

/// A file with a name for the moment between two system calls.
fn make_named(dir: &Path) -> io::Result<File> {
    for number in 0_u32.. {
        let path = dir.join(format!(".hostproof-test-{}-{number}", std::process::id()));
        match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => {
                fs::remove_file(&path)?;
                return Ok(file);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Opens a file once more, with flags of its own; a test file has no name, so by its descriptor.
fn again(file: &File, write: bool, direct: bool, exclusive: bool) -> io::Result<(File, bool)> {
    let name = format!("/proc/self/fd/{}", file.as_raw_fd());
    let mut flags = if write { OFlags::RDWR } else { OFlags::RDONLY } | OFlags::CLOEXEC;
    if exclusive {
        flags |= OFlags::EXCL;
    }
    if direct {
        match rustix::fs::open(&name, flags | OFlags::DIRECT, Mode::empty()) {
            Ok(opened) => return Ok((File::from(opened), true)),
            // The file system has no direct I/O: buffered, and the result says so.
            Err(rustix::io::Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok((File::from(rustix::fs::open(&name, flags, Mode::empty())?), false))
}

/// The folder that a test file of this name is made in.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The files of a run by their names, so that a later job finds what an earlier one wrote.
#[derive(Debug, Default)]
pub(crate) struct Files {
    made: Vec<(PathBuf, Arc<File>)>,
}

impl Files {
    /// Whether the name means a test file that was made before in this run.
    fn made(&self, path: &Path) -> Option<&Arc<File>> {
        self.made.iter().find(|(name, _)| name == path).map(|(_, file)| file)
    }

    /// Whether the name means a test file, and not something that is there.
    pub(crate) fn is_test_file(&self, path: &Path) -> bool {
        self.made(path).is_some() || fs::symlink_metadata(path).is_err()
    }

    /// Bytes that the name's test file has already.
    pub(crate) fn len_of_made(&self, path: &Path) -> u64 {
        self.made(path).and_then(|file| file.metadata().ok()).map_or(0, |about| about.len())
    }

    /// Opens the test file that a name stands for; the name is never given to it.
    pub(crate) fn test_file(&mut self, path: &Path, direct: bool) -> Result<Opened, Error> {
        let failed = |source| Error::File { path: path.to_owned(), what: "made", source };
        let base = if let Some(file) = self.made(path) {
            Arc::clone(file)
        } else {
            let file = Arc::new(make(folder(path)).map_err(failed)?);
            self.made.push((path.to_owned(), Arc::clone(&file)));
            file
        };
        let (file, direct) = again(&base, true, direct, false).map_err(failed)?;
        finish(file, path, Kind::TestFile, direct)
    }

    /// Opens what a job names. What was not made by this run is written to only with the right to.
    pub(crate) fn open(
        &mut self,
        path: &Path,
        (write, direct): (bool, bool),
        rights: &Rights,
        root: &Path,
    ) -> Result<Opened, Error> {
        if self.is_test_file(path) {
            return self.test_file(path, direct);
        }
        let failed = |source| Error::File { path: path.to_owned(), what: "opened", source };
        let about = fs::metadata(path).map_err(failed)?;
        let kind = if about.file_type().is_block_device() { Kind::Device } else { Kind::Existing };
        if !about.is_file() && kind != Kind::Device {
            let why = "it is neither a file nor a block device".to_owned();
            return Err(Error::Refused { path: path.to_owned(), why });
        }
        if write {
            check_write(path, rights, root)?;
        }
        let found = File::open(path).map_err(failed)?;
        // The kernel keeps others away from a device that is written to, and refuses one that they have.
        let exclusive = write && kind == Kind::Device && !rights.may_destroy(path);
        let (file, direct) = again(&found, write, direct, exclusive).map_err(failed)?;
        finish(file, path, kind, direct)
    }
}

fn finish(file: File, path: &Path, kind: Kind, direct: bool) -> Result<Opened, Error> {
    let failed = |source| Error::File { path: path.to_owned(), what: "measured", source };
    if kind == Kind::Device {
        // The time of access is not kept, as fio has it. Who does not own the device is refused that, and reads as well.
        let flags = rustix::fs::fcntl_getfl(&file).map_err(|error| failed(error.into()))?;
        let _ = rustix::fs::fcntl_setfl(&file, flags | OFlags::NOATIME);
    }
    let len = rustix::fs::seek(&file, SeekFrom::End(0)).map_err(|error| failed(error.into()))?;
    if !direct && kind != Kind::Device {
        // What is in the page cache would be read from there; a refusal changes nothing that is measured past it.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
    }
    Ok(Opened { file: Arc::new(file), path: path.to_owned(), kind, len, direct })
}

/// Reserves the space of a test file, where the file system can; its end is at least `len` afterwards.
pub(crate) fn reserve(opened: &mut Opened, len: u64) -> Result<(), Error> {
    let failed = |error: rustix::io::Errno| match error {
        rustix::io::Errno::NOSPC => Error::Full { path: opened.path.clone(), written: 0 },
        other => Error::File { path: opened.path.clone(), what: "enlarged", source: other.into() },
    };
    match rustix::fs::fallocate(opened.file.as_fd(), FallocateFlags::empty(), 0, len) {
        Ok(()) => {}
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS | rustix::io::Errno::INVAL) => {
            rustix::fs::ftruncate(&opened.file, len).map_err(failed)?;
        }
        Err(error) => return Err(failed(error)),
    }
    opened.len = opened.len.max(len);
    Ok(())
}

/// That `needed` more bytes fit a directory's file system and leave room.
pub(crate) fn check_room(dir: &Path, needed: u64) -> Result<(), Error> {
    let failed = |error: rustix::io::Errno| Error::File {
        path: dir.to_owned(),
        what: "asked for its free space",
        source: error.into(),
    };
    let about = rustix::fs::statvfs(dir).map_err(failed)?;
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    if needed > free / 100 * ROOM_PERCENT {
        return Err(Error::NoRoom { path: dir.to_owned(), free, needed, percent: ROOM_PERCENT });
    }
    Ok(())
}

/// Bytes of holes in a region: reading them is no I/O. 0 where the file system does not tell.
pub(crate) fn holes(file: &File, start: u64, len: u64) -> u64 {
    let end = start + len;
    let (mut at, mut holes) = (start, 0);
    while at < end {
        let Ok(hole) = rustix::fs::seek(file, SeekFrom::Hole(at)) else { return holes };
        if hole >= end {
            return holes;
        }
        // No data after the hole: it reaches to the end.
        let data = rustix::fs::seek(file, SeekFrom::Data(hole)).unwrap_or(end).min(end);
        holes += data - hole;
        at = data;
    }
    holes
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn test_files_have_no_name() {
        let dir = tempfile::tempdir().unwrap();
        for made in [make(dir.path()), make_named(dir.path())] {
            let mut file = made.unwrap();
            file.write_all(b"data").unwrap();
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left even while it is open");
        }
    }

    #[test]
    fn the_time_of_access_is_kept_for_files_and_not_for_devices() {
        let check = |kind: Kind, expect: bool| {
            let dir = tempfile::tempdir().unwrap();
            let opened = finish(make(dir.path()).unwrap(), Path::new("test"), kind, true).unwrap();
            let flags = rustix::fs::fcntl_getfl(&opened.file).unwrap();
            assert_eq!(flags.contains(OFlags::NOATIME), expect, "{kind:?}");
        };
        check(Kind::Device, true);
        check(Kind::Existing, false);
        check(Kind::TestFile, false);
    }

    #[test]
    fn a_later_job_finds_what_an_earlier_one_wrote() {
        let dir = tempfile::tempdir().unwrap();
        let name = dir.path().join("data");
        let (mut files, rights) = (Files::default(), Rights::default());
        let mut first = files.open(&name, (true, false), &rights, Path::new("/")).unwrap();
        reserve(&mut first, 1 << 20).unwrap();
        let second = files.open(&name, (false, true), &rights, Path::new("/")).unwrap();
        assert_eq!((second.kind, second.len), (Kind::TestFile, 1 << 20));
        assert!(!name.exists());
    }

    #[test]
    fn holes_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        let file = make(dir.path()).unwrap();
        file.set_len(1 << 20).unwrap();
        let whole = holes(&file, 0, 1 << 20);
        // A file system that does not tell says that there is none.
        assert!(whole == 1 << 20 || whole == 0);
        std::os::unix::fs::FileExt::write_all_at(&file, &vec![1; 65536], 0).unwrap();
        let rest = holes(&file, 0, 1 << 20);
        assert!(rest == (1 << 20) - 65536 || rest == 0, "{rest}");
        assert_eq!(holes(&file, 0, 65536), 0);
    }

    #[test]
    fn more_than_its_share_of_the_free_space_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        check_room(dir.path(), 4096).unwrap();
        let error = check_room(dir.path(), u64::MAX).unwrap_err();
        assert!(matches!(error, Error::NoRoom { .. }), "{error}");
    }
}
