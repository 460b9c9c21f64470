//! The files of a run: test files that nobody can find, and what the user names, which is looked at before it is written to.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, FallocateFlags, Mode, OFlags, SeekFrom, StatxFlags};

use crate::Error;
use crate::job::Durability;
use crate::path_handle::{self, FileIdentity, PathHandle, check_folder, is_devtmpfs};
use crate::safety::{Allowed, check_write};
use crate::settings::Settings;
use crate::volume::number;

/// What a name turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// Made by this run and unlinked.
    TestFile,
    /// A file that was there before.
    Existing,
    /// A block device.
    Device,
}

/// How a job opens its files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenMode {
    pub(crate) write: bool,
    /// Past the page cache (`O_DIRECT`), where the file system can.
    pub(crate) direct: bool,
    pub(crate) durability: Durability,
}

impl OpenMode {
    /// The flags by which writes reach the medium before they are complete.
    fn sync_flags(self) -> OFlags {
        match self.durability {
            Durability::None => OFlags::empty(),
            Durability::Data => OFlags::DSYNC,
            Durability::All => OFlags::SYNC,
        }
    }
}

/// A file of the run.
#[derive(Clone, Debug)]
pub(crate) struct OpenedFile {
    pub(crate) file: Arc<File>,
    /// The name that it was asked for by; a test file has none of its own.
    pub(crate) path: PathBuf,
    pub(crate) kind: FileKind,
    pub(crate) len: u64,
    /// Whether `O_DIRECT` was accepted.
    pub(crate) direct: bool,
}

/// How many percent of the free space a run may take.
pub const ROOM_PERCENT: u64 = 80;

/// Makes a test file without a name: by `O_TMPFILE` where the file system has it, else unlinked as soon as it is open.
fn make(dir: &File) -> io::Result<File> {
    match path_handle::again(dir, OFlags::RDWR | OFlags::TMPFILE) {
        Err(error) if is_without_tmpfile(&error) => make_named(dir),
        other => other,
    }
}

fn is_without_tmpfile(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EISDIR | libc::EINVAL))
}

/// A file with a name for the moment between two system calls. Neither follows a name to something that is there: the first
/// makes a new file or fails, and the second removes what is still that file.
fn make_named(dir: &File) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for number in 0_u32.. {
        let name = format!(".hostproof-test-{}-{number}", std::process::id());
        match rustix::fs::openat(dir, &name, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => {
                let file = File::from(file);
                let now = rustix::fs::statat(dir, &name, AtFlags::SYMLINK_NOFOLLOW)?;
                if FileIdentity::of(&file.metadata()?) != FileIdentity::File(now.st_dev, now.st_ino) {
                    return Err(io::Error::other(format!("somebody else exchanged {name}, which was left as it is")));
                }
                rustix::fs::unlinkat(dir, &name, AtFlags::empty())?;
                return Ok(file);
            }
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Makes a test file in the folder of a name, which is not one of devtmpfs.
fn make_for(path: &Path, root: &Path) -> Result<File, Error> {
    let failed = |source| Error::File { path: path.to_owned(), what: "created", source };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = rustix::fs::open(folder(path), flags, Mode::empty()).map_err(|error| failed(error.into()))?;
    let dir = File::from(dir);
    if is_devtmpfs(&dir.metadata().map_err(failed)?, root) {
        return Err(Error::NoDevice { path: path.to_owned() });
    }
    make(&dir).map_err(failed)
}

/// Opens a file once more, by its descriptor and with flags of its own; and whether past the page cache.
fn reopen(open: impl Fn(OFlags) -> io::Result<File>, flags: OFlags, direct: bool) -> io::Result<(File, bool)> {
    if direct {
        match open(flags | OFlags::DIRECT) {
            Ok(opened) => return Ok((opened, true)),
            // The file system has no direct I/O: buffered, and the result says so.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
            Err(error) => return Err(error),
        }
    }
    Ok((open(flags)?, false))
}

/// The folder that a test file of this name is made in.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What a name means for as long as the run lasts.
#[derive(Debug)]
enum Meaning {
    /// Nothing was there: a test file, made when it is first opened.
    TestFile(Option<Arc<File>>),
    /// This was there.
    Existing(PathHandle),
}

/// The files of a run by their names. A name is resolved once, when it is first asked for: what it is exchanged for later
/// is not seen, and a later job finds what an earlier one wrote.
#[derive(Debug)]
pub(crate) struct Files {
    known: BTreeMap<PathBuf, Meaning>,
    allowed: Allowed,
    root: PathBuf,
}

impl Files {
    /// No files yet; what may be written to, and where `/proc` and `/sys` are.
    pub(crate) fn new(settings: &Settings) -> Self {
        Files { known: BTreeMap::new(), allowed: Allowed::of(&settings.rights), root: settings.root.clone() }
    }

    fn meaning(&mut self, path: &Path) -> Result<&mut Meaning, Error> {
        if !self.known.contains_key(path) {
            let meaning = if let Some(found) = PathHandle::at(path)? {
                found.check(&self.root)?;
                Meaning::Existing(found)
            } else {
                check_folder(path, folder(path), &self.root)?;
                Meaning::TestFile(None)
            };
            self.known.insert(path.to_owned(), meaning);
        }
        Ok(self.known.get_mut(path).expect("inserted where it was missing"))
    }

    /// Whether the name means a test file, and not something that is there.
    pub(crate) fn is_test_file(&mut self, path: &Path) -> Result<bool, Error> {
        Ok(matches!(self.meaning(path)?, Meaning::TestFile(_)))
    }

    /// Bytes that the name's test file has already.
    pub(crate) fn len_of_made(&self, path: &Path) -> u64 {
        let Some(Meaning::TestFile(Some(file))) = self.known.get(path) else { return 0 };
        file.metadata().map_or(0, |about| about.len())
    }

    /// Opens the test file that a name stands for; the name is never given to it, and what has that name is not touched.
    pub(crate) fn test_file(&mut self, path: &Path, mode: OpenMode) -> Result<OpenedFile, Error> {
        let failed = |source| Error::File { path: path.to_owned(), what: "created", source };
        let base = if let Some(Meaning::TestFile(Some(file))) = self.known.get(path) {
            Arc::clone(file)
        } else {
            let file = Arc::new(make_for(path, &self.root)?);
            self.known.insert(path.to_owned(), Meaning::TestFile(Some(Arc::clone(&file))));
            file
        };
        let flags = OFlags::RDWR | mode.sync_flags();
        let (file, direct) = reopen(|flags| path_handle::again(&base, flags), flags, mode.direct).map_err(failed)?;
        finish(file, path, FileKind::TestFile, direct)
    }

    /// Opens what a job names. What was not made by this run is written to only with the right to.
    pub(crate) fn open(&mut self, path: &Path, mode: OpenMode) -> Result<OpenedFile, Error> {
        let OpenMode { write, direct, .. } = mode;
        if self.is_test_file(path)? {
            return self.test_file(path, mode);
        }
        let Some(Meaning::Existing(found)) = self.known.get(path) else { unreachable!("it is no test file") };
        if write {
            check_write(found, &self.allowed, &self.root)?;
        }
        let kind = if found.is_device() { FileKind::Device } else { FileKind::Existing };
        let mut flags = if write { OFlags::RDWR | mode.sync_flags() } else { OFlags::RDONLY };
        // The kernel keeps others away from a device that is written to, and refuses one that they have.
        if write && kind == FileKind::Device && !self.allowed.may_destroy(found) {
            flags |= OFlags::EXCL;
        }
        let failed = |source| Error::File { path: path.to_owned(), what: "opened", source };
        let (file, direct) = reopen(|flags| found.open(flags), flags, direct).map_err(failed)?;
        finish(file, path, kind, direct)
    }
}

fn finish(file: File, path: &Path, kind: FileKind, direct: bool) -> Result<OpenedFile, Error> {
    let failed = |source| Error::File { path: path.to_owned(), what: "examined", source };
    if kind == FileKind::Device {
        // The time of access is not kept, as fio has it. Who does not own the device is refused that, and reads as well.
        let flags = rustix::fs::fcntl_getfl(&file).map_err(|error| failed(error.into()))?;
        let _ = rustix::fs::fcntl_setfl(&file, flags | OFlags::NOATIME);
    }
    let len = rustix::fs::seek(&file, SeekFrom::End(0)).map_err(|error| failed(error.into()))?;
    if !direct && kind != FileKind::Device {
        // What is in the page cache would be read from there; a refusal changes nothing that is measured past it.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
    }
    Ok(OpenedFile { file: Arc::new(file), path: path.to_owned(), kind, len, direct })
}

/// Reserves the space of a test file, where the file system can; its end is at least `len` afterwards.
pub(crate) fn reserve(opened: &mut OpenedFile, len: u64) -> Result<(), Error> {
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

/// The least that a file or device transfers past the page cache, where the kernel says it.
pub(crate) fn direct_block(opened: &OpenedFile, root: &Path) -> Option<u32> {
    // Since Linux 6.1 it says so of files and devices.
    let said = rustix::fs::statx(&opened.file, c"", AtFlags::EMPTY_PATH, StatxFlags::DIOALIGN).ok();
    if let Some(said) = said.filter(|said| said.stx_dio_offset_align > 0) {
        return Some(said.stx_dio_offset_align);
    }
    let about = opened.file.metadata().ok().filter(|_| opened.kind == FileKind::Device)?;
    let folder = root.join("sys/dev/block").join(number(about.rdev()));
    // A partition has the queue of its drive, whose folder it lies in.
    let queues = ["queue", "../queue"].map(|queue| folder.join(queue).join("logical_block_size"));
    queues.iter().find_map(|path| std::fs::read_to_string(path).ok()?.trim().parse().ok())
}

/// The bytes that a run may take of a folder's file system.
pub(crate) fn room(dir: &Path) -> Result<u64, Error> {
    free(dir).map(|free| free / 100 * ROOM_PERCENT)
}

/// That `needed` more bytes fit a directory's file system and leave room.
pub(crate) fn check_room(dir: &Path, needed: u64) -> Result<(), Error> {
    let free = free(dir)?;
    if needed > free / 100 * ROOM_PERCENT {
        return Err(Error::NoRoom { path: dir.to_owned(), free, needed, percent: ROOM_PERCENT });
    }
    Ok(())
}

fn free(dir: &Path) -> Result<u64, Error> {
    let failed = |error: rustix::io::Errno| Error::File {
        path: dir.to_owned(),
        what: "queried for its free space",
        source: error.into(),
    };
    let about = rustix::fs::statvfs(dir).map_err(failed)?;
    Ok(about.f_bavail.saturating_mul(about.f_frsize))
}

/// Sparse bytes of a region: reads of them never reach the device. 0 where the file system does not report holes.
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
    use std::fs;
    use std::io::Write;

    use super::*;

    fn held(dir: &Path) -> File {
        File::from(rustix::fs::open(dir, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap())
    }

    #[test]
    fn test_files_have_no_name() {
        let dir = tempfile::tempdir().unwrap();
        for made in [make(&held(dir.path())), make_named(&held(dir.path()))] {
            let mut file = made.unwrap();
            file.write_all(b"data").unwrap();
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left even while it is open");
        }
    }

    #[test]
    fn the_time_of_access_is_kept_for_files_and_not_for_devices() {
        let check = |kind: FileKind, expect: bool| {
            let dir = tempfile::tempdir().unwrap();
            let opened = finish(make(&held(dir.path())).unwrap(), Path::new("test"), kind, true).unwrap();
            let flags = rustix::fs::fcntl_getfl(&opened.file).unwrap();
            assert_eq!(flags.contains(OFlags::NOATIME), expect, "{kind:?}");
        };
        check(FileKind::Device, true);
        check(FileKind::Existing, false);
        check(FileKind::TestFile, false);
    }

    #[test]
    fn a_later_job_finds_what_an_earlier_one_wrote() {
        let dir = tempfile::tempdir().unwrap();
        let name = dir.path().join("data");
        let mut files = Files::new(&Settings::default());
        let mut first =
            files.open(&name, OpenMode { write: true, direct: false, durability: Durability::All }).unwrap();
        reserve(&mut first, 1 << 20).unwrap();
        let second = files.open(&name, OpenMode { write: false, direct: true, durability: Durability::None }).unwrap();
        assert_eq!((second.kind, second.len), (FileKind::TestFile, 1 << 20));
        assert!(!name.exists());
    }

    #[test]
    fn holes_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        let file = make(&held(dir.path())).unwrap();
        file.set_len(1 << 20).unwrap();
        let whole = holes(&file, 0, 1 << 20);
        // A file system that does not report holes has none to `SEEK_HOLE`.
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
