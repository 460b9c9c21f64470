//! What may be written to. Nothing that this run did not make, unless the user named it; nothing that holds data or is
//! in use, unless the user named it a second time.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::volume::{device_name, mounts, number};
use crate::{Error, signature};

/// What the user allowed, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Existing files and devices that may be written to (`--allow-write PATH`).
    pub write: Vec<PathBuf>,
    /// Those of them whose data may be destroyed, or that are in use (`--allow-destroy PATH`).
    pub destroy: Vec<PathBuf>,
}

impl Rights {
    fn names(list: &[PathBuf], path: &Path) -> bool {
        list.iter().any(|named| same(named, path))
    }

    /// Whether what is on this path may be destroyed.
    #[must_use]
    pub fn may_destroy(&self, path: &Path) -> bool {
        Rights::names(&self.destroy, path)
    }
}

/// Whether two names mean the same file or the same device.
fn same(one: &Path, other: &Path) -> bool {
    let (Ok(a), Ok(b)) = (fs::metadata(one), fs::metadata(other)) else { return false };
    if a.file_type().is_block_device() && b.file_type().is_block_device() {
        return a.rdev() == b.rdev();
    }
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// That the existing file or device may be written to. It is only read here; `root` is where `/proc` and `/sys` are.
pub fn check_write(path: &Path, rights: &Rights, root: &Path) -> Result<(), Error> {
    let refused = |why: String| Error::Refused { path: path.to_owned(), why };
    let failed = |source| Error::File { path: path.to_owned(), what: "examined", source };
    let about = fs::metadata(path).map_err(failed)?;
    let device = about.file_type().is_block_device();
    if !device && !about.is_file() {
        return Err(refused("it is neither a file nor a block device".to_owned()));
    }
    if !Rights::names(&rights.write, path) {
        let what = if device { "it is a block device" } else { "it was not made by this run" };
        return Err(refused(format!("{what}; `--allow-write {}` names it as one to write to", path.display())));
    }
    if rights.may_destroy(path) {
        return Ok(());
    }
    let mut reasons = if device { device_use(about.rdev(), path, root) } else { file_use(path, root) };
    let mut file = File::open(path).map_err(failed)?;
    let len = file.seek(SeekFrom::End(0)).map_err(failed)?;
    reasons.extend(signature::find(&mut file, len).map_err(failed)?.iter().map(|what| format!("it has {what}")));
    if reasons.is_empty() {
        return Ok(());
    }
    let why =
        format!("{}; `--allow-destroy {}` names it as one whose data may be lost", reasons.join(", "), path.display());
    Err(refused(why))
}

/// How a device, or a partition of it, is in use.
fn device_use(device: u64, path: &Path, root: &Path) -> Vec<String> {
    let own = number(device);
    let mut numbers = vec![own.clone()];
    let mut folders = vec![root.join("sys/dev/block").join(&own)];
    for entry in fs::read_dir(&folders[0]).into_iter().flatten().flatten() {
        if entry.path().join("partition").exists() {
            let number = fs::read_to_string(entry.path().join("dev")).unwrap_or_default();
            numbers.push(number.trim().to_owned());
            folders.push(entry.path());
        }
    }
    let mut uses = Vec::new();
    if numbers.len() > 1 {
        uses.push(format!("it has {} partitions", numbers.len() - 1));
    }
    for mount in mounts(root) {
        // A file system with a number of its own (Btrfs) is known by its source.
        if numbers.contains(&mount.device) || same(Path::new(&mount.source), path) {
            uses.push(format!("it is mounted on {}", mount.point.display()));
        }
    }
    for folder in folders {
        for holder in fs::read_dir(folder.join("holders")).into_iter().flatten().flatten() {
            uses.push(format!("it is held by {}", holder.file_name().to_string_lossy()));
        }
    }
    let names: Vec<String> = numbers.iter().filter_map(|number| device_name(number, root)).collect();
    uses.extend(swap_use(root, |swap| {
        same(Path::new(swap), path) || names.iter().any(|name| Path::new(swap) == Path::new("/dev").join(name))
    }));
    uses
}

/// How a file is in use: as swap space, or below a loop device.
fn file_use(path: &Path, root: &Path) -> Vec<String> {
    let mut uses: Vec<String> = swap_use(root, |swap| same(Path::new(swap), path)).into_iter().collect();
    for entry in fs::read_dir(root.join("sys/block")).into_iter().flatten().flatten() {
        let backing = fs::read_to_string(entry.path().join("loop/backing_file")).unwrap_or_default();
        if !backing.trim().is_empty() && same(Path::new(backing.trim()), path) {
            uses.push(format!("the loop device {} lies on it", entry.file_name().to_string_lossy()));
        }
    }
    uses
}

fn swap_use(root: &Path, is_it: impl Fn(&str) -> bool) -> Option<String> {
    let swaps = fs::read_to_string(root.join("proc/swaps")).unwrap_or_default();
    let used = swaps.lines().skip(1).filter_map(|line| line.split_whitespace().next()).any(is_it);
    used.then(|| "it is in use as swap space".to_owned())
}
