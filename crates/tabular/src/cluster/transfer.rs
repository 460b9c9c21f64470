//! What a worker's process does to learn how fast the shared folder is: it writes files of its own, and reads them again.
//!
//! What is written follows from a key of the start and the place in the file, so that what is read is known to be what was
//! written. It is no text that storage could make smaller.

use std::fs::{self, File};
use std::io::{IoSliceMut, Read, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::Instant;

use measure::random::{STEP, SplitMix64, mix};
use rustix::fs::{Advice, fadvise};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use serde::{Deserialize, Serialize};

use super::wire::Moved;
use crate::Error;
use crate::pipeline::tasks::PLAN;

/// Bytes that are written or read at a time; files have a whole number of them.
pub(super) const BLOCK: u64 = 1 << 20;
/// Bytes of a word of what is written.
const WORD: usize = 8;
/// Pages of a file that are looked for in memory.
const PROBES: u64 = 16;

/// What is to be moved: the plan of the folder.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// Bytes of each file.
    pub(super) bytes: u64,
    /// What all contents follow from.
    pub(super) key: u64,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// To the folder.
    Write,
    /// From it; the file is gone afterwards.
    Read,
}

/// One file, moved one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Transfer {
    pub(super) round: usize,
    pub(super) way: Way,
    /// The place of the worker among those that work.
    pub(super) worker: usize,
}

impl Transfer {
    /// Its id among the tasks of a start.
    pub(super) fn id(self) -> String {
        let way = match self.way {
            Way::Write => "write",
            Way::Read => "read",
        };
        format!("{way}-{}-{}", self.round, self.worker)
    }

    /// The transfer with an id.
    pub(super) fn of(id: &str) -> Option<Transfer> {
        let mut parts = id.split('-');
        let way = match parts.next()? {
            "write" => Way::Write,
            "read" => Way::Read,
            _ => return None,
        };
        let (round, worker) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        parts.next().is_none().then_some(Transfer { round, way, worker })
    }

    fn path(self, folder: &Path) -> PathBuf {
        folder.join(format!("storage-{}-{}", self.round, self.worker))
    }
}

/// Moves the file of a transfer, by its id, in a folder with an order.
///
/// # Errors
///
/// If there is no such order or transfer, the file cannot be written or read, or holds something else than what was written.
pub fn run(folder: &Path, id: &str) -> Result<Moved, Error> {
    let plan = folder.join(PLAN);
    let text = fs::read(&plan).map_err(|error| Error::io("cannot read", &plan, error))?;
    let unfit = |why: String| Error::Unfit { path: folder.to_owned(), why };
    let order: Order =
        serde_json::from_slice(&text).map_err(|error| unfit(format!("its plan is of no files ({error})")))?;
    let transfer = Transfer::of(id).ok_or_else(|| unfit(format!("`{id}` is no transfer of it")))?;
    let path = transfer.path(folder);
    let content = Content::new(order.key, transfer);
    match transfer.way {
        Way::Write => write(&path, &order, &content),
        Way::Read => {
            let read = read(&path, &order, &content);
            let removed = fs::remove_file(&path).map_err(|error| Error::io("cannot remove", &path, error));
            read.and_then(|moved| removed.map(|()| moved))
        }
    }
}

fn write(path: &Path, order: &Order, content: &Content) -> Result<Moved, Error> {
    let trouble = |error| Error::io("cannot write", path, error);
    let mut block = vec![0; BLOCK as usize];
    // A process that was killed and is tried again finds what it had begun.
    let mut file = File::create(path).map_err(trouble)?;
    let start = Instant::now();
    for index in 0..order.bytes / BLOCK {
        content.fill(index, &mut block);
        file.write_all(&block).map_err(trouble)?;
    }
    file.sync_data().map_err(trouble)?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(Moved { bytes: order.bytes, seconds, file_system: mount_of(&file)?.file_system, in_memory: None })
}

fn read(path: &Path, order: &Order, content: &Content) -> Result<Moved, Error> {
    let trouble = |error| Error::io("cannot read", path, error);
    let mut file = File::open(path).map_err(trouble)?;
    let drop_pages = || fadvise(&file, 0, None, Advice::DontNeed).map_err(|error| trouble(error.into()));
    drop_pages()?;
    let in_memory = in_memory(&file, order.bytes).map_err(|error| trouble(error.into()))?;
    // What was asked for may have brought some.
    drop_pages()?;
    let other = |at: u64| Error::Cluster(format!("{} does not hold at byte {at} what was written", path.display()));
    let mut block = vec![0; BLOCK as usize];
    let start = Instant::now();
    for index in 0..order.bytes / BLOCK {
        file.read_exact(&mut block).map_err(trouble)?;
        if let Some(at) = content.differs(index, &block) {
            return Err(other(index * BLOCK + at));
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    if file.read(&mut block[..1]).map_err(trouble)? > 0 {
        return Err(other(order.bytes));
    }
    Ok(Moved { bytes: order.bytes, seconds, file_system: mount_of(&file)?.file_system, in_memory })
}

/// The share of some pages of a file that can be read without waiting; `None` where the file system does not answer that.
fn in_memory(file: &File, bytes: u64) -> Result<Option<f64>, Errno> {
    let mut byte = [0];
    let mut found = 0_u32;
    for probe in 0..PROBES {
        let mut buffers = [IoSliceMut::new(&mut byte)];
        match preadv2(file, &mut buffers, bytes / PROBES * probe, ReadWriteFlags::NOWAIT) {
            Ok(_) => found += 1,
            Err(Errno::AGAIN) => {}
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(Some(f64::from(found) / PROBES as f64))
}

/// What a file holds.
struct Content {
    words: Vec<u64>,
    key: u64,
}

impl Content {
    fn new(key: u64, transfer: Transfer) -> Content {
        let place = (transfer.round as u64) << 32 | transfer.worker as u64;
        let mut random = SplitMix64::new(key ^ mix(place.wrapping_add(STEP)));
        let words = (0..BLOCK as usize / WORD).map(|_| random.next_u64()).collect();
        Content { words, key: random.next_u64() }
    }

    /// What tells a block from the others of the file.
    fn mask(&self, index: u64) -> u64 {
        mix(self.key.wrapping_add(index.wrapping_mul(STEP)))
    }

    fn fill(&self, index: u64, block: &mut [u8]) {
        let mask = self.mask(index);
        for (bytes, word) in block.chunks_exact_mut(WORD).zip(&self.words) {
            bytes.copy_from_slice(&(word ^ mask).to_le_bytes());
        }
    }

    /// Where a block first holds something else, in bytes.
    fn differs(&self, index: u64, block: &[u8]) -> Option<u64> {
        let mask = self.mask(index);
        let is_other = |(bytes, word): (&[u8], &u64)| bytes != (word ^ mask).to_le_bytes();
        block.chunks_exact(WORD).zip(&self.words).position(is_other).map(|word| (word * WORD) as u64)
    }
}

/// What holds a file, as the kernel tells of its mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) file_system: String,
    pub(crate) source: String,
    pub(crate) point: String,
}

/// The mount that an open file or folder lies on: by its number, so that no path has to be compared.
pub(crate) fn mount_of(file: &File) -> Result<Mount, Error> {
    let read = |path: &Path| fs::read_to_string(path).map_err(|error| Error::io("cannot read", path, error));
    let of_file = PathBuf::from(format!("/proc/self/fdinfo/{}", file.as_raw_fd()));
    let text = read(&of_file)?;
    let number = text.lines().find_map(|line| line.strip_prefix("mnt_id:")).map(str::trim);
    let mounts = read(Path::new("/proc/self/mountinfo"))?;
    let mount = number.and_then(|number| mounts.lines().find_map(|line| parse_mount(line, number)));
    // A mount that was taken away since has no line any more.
    let unknown = || "unknown".to_owned();
    Ok(mount.unwrap_or_else(|| Mount { file_system: unknown(), source: unknown(), point: unknown() }))
}

/// `36 35 98:0 /root /point rw,noatime shared:1 - ext3 /dev/root rw`, where it has this number.
fn parse_mount(line: &str, number: &str) -> Option<Mount> {
    let (head, tail) = line.split_once(" - ")?;
    let mut head = head.split(' ');
    let mut tail = tail.split(' ');
    let is_it = head.next()? == number;
    let point = head.nth(3)?.to_owned();
    let (file_system, source) = (tail.next()?.to_owned(), tail.next()?.to_owned());
    is_it.then_some(Mount { file_system, source, point })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(bytes: u64) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let order = serde_json::to_vec(&Order { bytes, key: 7 }).unwrap();
        fs::write(folder.path().join(PLAN), order).unwrap();
        folder
    }

    #[test]
    fn what_was_written_is_read_again_and_gone() {
        let folder = folder(3 * BLOCK);
        let written = run(folder.path(), "write-0-1").unwrap();
        assert_eq!(fs::metadata(folder.path().join("storage-0-1")).unwrap().len(), 3 * BLOCK);
        let read = run(folder.path(), "read-0-1").unwrap();
        for moved in [&written, &read] {
            assert!(moved.bytes == 3 * BLOCK && moved.seconds > 0.0 && moved.file_system != "unknown", "{moved:?}");
        }
        assert!(read.in_memory.is_none_or(|share| (0.0..=1.0).contains(&share)), "{read:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the order alone is left");
    }

    #[test]
    fn what_differs_from_what_was_written_is_told_and_no_time() {
        let check = |spoil: &dyn Fn(&mut Vec<u8>), expect: &str| {
            let folder = folder(2 * BLOCK);
            run(folder.path(), "write-2-0").unwrap();
            let path = folder.path().join("storage-2-0");
            let mut bytes = fs::read(&path).unwrap();
            spoil(&mut bytes);
            fs::write(&path, bytes).unwrap();
            let error = run(folder.path(), "read-2-0").unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
            assert!(!path.exists(), "it is gone all the same");
        };
        check(&|bytes| bytes[BLOCK as usize + 17] ^= 1, "does not hold at byte 1048592 what was written");
        check(&|bytes| bytes.truncate(BLOCK as usize + 5), "cannot read");
        check(&|bytes| bytes.push(0), "does not hold at byte 2097152 what was written");
        check(&|bytes| bytes.rotate_left(BLOCK as usize), "does not hold at byte 0 what was written");
    }

    #[test]
    fn files_of_other_rounds_and_workers_differ() {
        let first = |round, worker| Content::new(7, Transfer { round, way: Way::Write, worker }).words[0];
        let all = [first(0, 0), first(0, 1), first(1, 0), first(1, 1)];
        assert!((0..4).all(|one| (one + 1..4).all(|other| all[one] != all[other])), "{all:?}");
    }

    #[test]
    fn a_transfer_is_known_by_its_id_and_nothing_else_is() {
        for way in [Way::Write, Way::Read] {
            let transfer = Transfer { round: 2, way, worker: 13 };
            assert_eq!(Transfer::of(&transfer.id()), Some(transfer));
        }
        for other in ["", "write", "write-1", "copy-1-1", "read-1-x", "read-1-1-1"] {
            assert_eq!(Transfer::of(other), None, "{other}");
        }
        let folder = folder(BLOCK);
        assert!(run(folder.path(), "copy-1-1").unwrap_err().to_string().contains("`copy-1-1` is no transfer of it"));
    }

    #[test]
    fn a_mount_is_told_from_its_line() {
        let line = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - nfs4 server:/share rw";
        let (file_system, source, point) = ("nfs4".to_owned(), "server:/share".to_owned(), "/mnt2".to_owned());
        assert_eq!(parse_mount(line, "36"), Some(Mount { file_system, source, point }));
        assert_eq!(parse_mount(line, "3"), None);
        assert_eq!(parse_mount("nonsense", "36"), None);
    }
}
