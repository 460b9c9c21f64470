//! What a name leads to. The name is resolved once: everything after that is decided on the descriptor, and opened through
//! it, so that exchanging what the name means changes nothing.

use std::fs::{self, File, FileType, Metadata};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use crate::Error;
use crate::volume::{mounts, number};

/// Which file or device something is, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileIdentity {
    /// A block device by its number: several names in the file system may mean it.
    Device(u64),
    /// Anything else by its file system and its number there.
    File(u64, u64),
}

impl FileIdentity {
    pub(crate) fn of(about: &Metadata) -> Self {
        if about.file_type().is_block_device() {
            return FileIdentity::Device(about.rdev());
        }
        FileIdentity::File(about.dev(), about.ino())
    }

    /// What a name means now; `None` where nothing is there.
    pub(crate) fn named(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().as_ref().map(FileIdentity::of)
    }
}

/// A file or block device that is there, held without being opened: neither a FIFO nor a driver notices.
#[derive(Debug)]
pub(crate) struct PathHandle {
    handle: File,
    /// The name that led to it, for messages.
    pub(crate) path: PathBuf,
    pub(crate) about: Metadata,
}

impl PathHandle {
    /// Resolves a name; `None` where nothing is there.
    pub(crate) fn at(path: &Path) -> Result<Option<Self>, Error> {
        let failed = |source| Error::File { path: path.to_owned(), what: "opened", source };
        let handle = match rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
            Ok(handle) => File::from(handle),
            // A link that leads nowhere is there.
            Err(rustix::io::Errno::NOENT) if fs::symlink_metadata(path).is_err() => return Ok(None),
            Err(error) => return Err(failed(error.into())),
        };
        let about = handle.metadata().map_err(failed)?;
        Ok(Some(PathHandle { handle, path: path.to_owned(), about }))
    }

    pub(crate) fn identity(&self) -> FileIdentity {
        FileIdentity::of(&self.about)
    }

    pub(crate) fn is_device(&self) -> bool {
        self.about.file_type().is_block_device()
    }

    /// That it is something to measure: a file that is not one of devtmpfs, or a block device.
    pub(crate) fn check(&self, root: &Path) -> Result<(), Error> {
        let unfit = |what| Err(Error::Unfit { path: self.path.clone(), what });
        match kind(self.about.file_type()) {
            Some(what) => unfit(what),
            None if !self.is_device() && is_devtmpfs(&self.about, root) => {
                unfit("a file in devtmpfs, which is memory, and no device")
            }
            None => Ok(()),
        }
    }

    /// Opens it with flags, through the descriptor.
    pub(crate) fn open(&self, flags: OFlags) -> io::Result<File> {
        again(&self.handle, flags)
    }
}

/// What neither a file nor a block device is.
fn kind(kind: FileType) -> Option<&'static str> {
    match kind {
        _ if kind.is_char_device() => Some("a character device"),
        _ if kind.is_fifo() => Some("a FIFO"),
        _ if kind.is_socket() => Some("a socket"),
        _ if kind.is_dir() => Some("a directory"),
        _ => None,
    }
}

/// Opens once more what a descriptor holds. `O_NONBLOCK` has no effect on files and block devices but for drives whose
/// medium can be taken out.
pub(crate) fn again(file: &File, flags: OFlags) -> io::Result<File> {
    let name = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(File::from(rustix::fs::open(name, flags | OFlags::CLOEXEC, Mode::empty())?))
}

/// Whether a file or folder lies in the file system of the device files, which belongs to memory.
pub(crate) fn is_devtmpfs(about: &Metadata, root: &Path) -> bool {
    let device = number(about.dev());
    let is_it = |path: &str| fs::metadata(root.join(path)).is_ok_and(|folder| folder.dev() == about.dev());
    // In a container it can be a tmpfs on /dev: what is mounted below it (/dev/shm) is a file system of its own.
    mounts(root).iter().any(|mount| mount.file_system == "devtmpfs" && mount.device == device)
        || (is_it("dev") && !is_it(""))
}

/// That a file which is not there may be made in this folder: not below `/dev`, where the name is one of a device.
pub(crate) fn check_folder(path: &Path, folder: &Path, root: &Path) -> Result<(), Error> {
    let missing = || Err(Error::NoDevice { path: path.to_owned() });
    let devices = root.join("dev");
    match fs::canonicalize(folder) {
        Err(_) if path.starts_with(&devices) => missing(),
        // Said when it is made.
        Err(_) => Ok(()),
        Ok(full) => {
            let same = |one: &Path, other: &Path| {
                fs::metadata(one).ok().zip(fs::metadata(other).ok()).is_some_and(|(a, b)| a.dev() == b.dev())
            };
            let below = full.starts_with(&devices) && same(&full, &devices);
            let in_memory = || fs::metadata(&full).is_ok_and(|about| is_devtmpfs(&about, root));
            if below || in_memory() { missing() } else { Ok(()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(path: &str) -> String {
        let found = PathHandle::at(Path::new(path)).unwrap().unwrap();
        found.check(Path::new("/")).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_measured_is_said_to_be_what_it_is() {
        assert_eq!(message("/dev/null"), "/dev/null is a character device: jobs run on files and block devices");
        assert!(message("/dev").contains("is a directory"));
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert!(message(fifo.to_str().unwrap()).contains("is a FIFO"));
    }

    #[test]
    fn a_name_below_dev_is_one_of_a_device() {
        let root = Path::new("/");
        let check = |path: &str| check_folder(Path::new(path), Path::new(path).parent().unwrap(), root);
        for path in ["/dev/no-such-device", "/dev/no-such-folder/no-such-device", "/tmp/../dev/no-such-device"] {
            let error = check(path).unwrap_err();
            assert!(error.to_string().contains("no such device"), "{error}");
        }
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("devices");
        std::os::unix::fs::symlink("/dev", &link).unwrap();
        assert!(check(link.join("sdz").to_str().unwrap()).is_err());
        assert!(check(dir.path().join("dev").to_str().unwrap()).is_ok());
        let (shared, devices) = (Path::new("/dev/shm"), Path::new("/dev"));
        if shared.exists() && fs::metadata(shared).unwrap().dev() != fs::metadata(devices).unwrap().dev() {
            assert!(check("/dev/shm/test").is_ok());
        }
    }

    #[test]
    fn a_link_that_leads_nowhere_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        assert!(PathHandle::at(&link).unwrap().is_none());
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        assert!(PathHandle::at(&link).is_err());
    }

    #[test]
    fn what_was_found_stays_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (name, other) = (dir.path().join("name"), dir.path().join("other"));
        fs::write(&name, "first").unwrap();
        fs::write(&other, "second").unwrap();
        let found = PathHandle::at(&name).unwrap().unwrap();
        fs::rename(&other, &name).unwrap();
        assert_eq!(io::read_to_string(found.open(OFlags::RDONLY).unwrap()).unwrap(), "first");
        assert_ne!(Some(found.identity()), FileIdentity::named(&name));
    }
}
