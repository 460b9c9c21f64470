//! What may be written to. Nothing that this run did not make, unless the user named it; nothing that holds data or is
//! in use, unless the user named it a second time.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, OFlags};

use crate::path_handle::{FileIdentity, PathHandle};
use crate::volume::{device_name, mounts, number};
use crate::{Error, blkid, data, signature, unknown};

/// What the user allowed, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Existing files and devices that may be written to (`--allow-write PATH`): what the names mean when the run begins.
    pub write: Vec<PathBuf>,
    /// Those of them whose data may be destroyed, or that are in use (`--allow-destroy PATH`).
    pub destroy: Vec<PathBuf>,
}

/// What these names meant when the run began. It is held, so that no other file gets its number.
#[derive(Debug, Default)]
pub(crate) struct Allowed {
    write: Vec<PathHandle>,
    destroy: Vec<PathHandle>,
}

impl Allowed {
    /// Resolves the names; what is not there allows nothing.
    pub(crate) fn of(rights: &Rights) -> Self {
        let held = |paths: &[PathBuf]| paths.iter().filter_map(|path| PathHandle::at(path).ok().flatten()).collect();
        Allowed { write: held(&rights.write), destroy: held(&rights.destroy) }
    }

    /// Whether what is there may be destroyed.
    pub(crate) fn may_destroy(&self, found: &PathHandle) -> bool {
        names(&self.destroy, found)
    }
}

fn names(list: &[PathHandle], found: &PathHandle) -> bool {
    list.iter().any(|named| named.identity() == found.identity())
}

/// That the existing file or device may be written to. It is only read here; `root` is where `/proc` and `/sys` are.
pub(crate) fn check_write(found: &PathHandle, allowed: &Allowed, root: &Path) -> Result<(), Error> {
    let path = &found.path;
    let refused = |why: String| Error::Refused { path: path.clone(), why };
    let failed = |source| Error::File { path: path.clone(), what: "examined", source };
    if !names(&allowed.write, found) {
        let what = if found.is_device() { "it is a block device" } else { "it was not made by this run" };
        return Err(refused(format!("{what}; `--allow-write {}` names it as one to write to", path.display())));
    }
    if allowed.may_destroy(found) {
        return Ok(());
    }
    let mut reasons = match found.identity() {
        FileIdentity::Device(device) => device_use(device, root),
        identity @ FileIdentity::File(..) => file_use(identity, root),
    };
    reasons.extend(content(&mut found.open(OFlags::RDONLY | OFlags::NONBLOCK).map_err(failed)?).map_err(failed)?);
    if reasons.is_empty() {
        return Ok(());
    }
    let why =
        format!("{}; `--allow-destroy {}` names it as one whose data may be lost", reasons.join(", "), path.display());
    Err(refused(why))
}

/// Whose data a file or device holds: what the table knows, what libblkid knows, and where neither knows anything, what is
/// neither zero nor this program's own. Only reads.
fn content(file: &mut File) -> io::Result<Vec<String>> {
    let len = file.seek(SeekFrom::End(0))?;
    if len == 0 {
        return Ok(Vec::new());
    }
    let mut found: Vec<String> = signature::find(file, len)?.iter().map(|what| format!("it has {what}")).collect();
    for known in blkid::find(file).unwrap_or_default() {
        // Random bytes of this program's own look like one of the short magic numbers now and then.
        let own = match known.offset {
            Some(at) if at < len && !known.telling => is_own(file, at, len)?,
            _ => false,
        };
        let text = format!("libblkid finds {}", known.name);
        if !own && !found.contains(&text) {
            found.push(text);
        }
    }
    if found.is_empty() {
        found.extend(unknown::find(file, len)?.map(|unknown| format!("it has {unknown}")));
    }
    // What was read must not be in the page cache when the device is measured; a refusal changes nothing else.
    let _ = rustix::fs::fadvise(&*file, 0, None, Advice::DontNeed);
    Ok(found)
}

/// Whether the sector of an offset was written by this program.
fn is_own(file: &File, at: u64, len: u64) -> io::Result<bool> {
    let start = at - at % data::SECTOR as u64;
    let mut sector = vec![0; usize::try_from((len - start).min(data::SECTOR as u64)).expect("a sector at most")];
    std::os::unix::fs::FileExt::read_exact_at(file, &mut sector, start)?;
    Ok(data::is_own(&sector, start))
}

/// How a device, or a partition of it, is in use.
fn device_use(device: u64, root: &Path) -> Vec<String> {
    let is_it = |name: &str| FileIdentity::named(Path::new(name)) == Some(FileIdentity::Device(device));
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
        if numbers.contains(&mount.device) || is_it(&mount.source) {
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
        is_it(swap) || names.iter().any(|name| Path::new(swap) == Path::new("/dev").join(name))
    }));
    uses
}

/// How a file is in use: as swap space, or below a loop device.
fn file_use(file: FileIdentity, root: &Path) -> Vec<String> {
    let is_it = |name: &str| FileIdentity::named(Path::new(name)) == Some(file);
    let mut uses: Vec<String> = swap_use(root, is_it).into_iter().collect();
    for entry in fs::read_dir(root.join("sys/block")).into_iter().flatten().flatten() {
        let backing = fs::read_to_string(entry.path().join("loop/backing_file")).unwrap_or_default();
        if !backing.trim().is_empty() && is_it(backing.trim()) {
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

#[cfg(test)]
mod images;
#[cfg(test)]
mod tests;
