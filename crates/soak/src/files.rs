//! Files whose blocks are sealed: every word tells the file's round and its offset, and is compared when it is read.
//!
//! A drive wears by writing: a file is written once and read many times.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use machine::{Buffer, Pages};
use measure::random::SplitMix64;
use measure::{Load, Pass, WrongResult};
use rustix::fs::{Advice, Mode, OFlags, fadvise, fcntl_setfl, open, unlink};

use crate::Error;
use crate::kernel::{Differing, Kernel};
use crate::pattern::{Line, Pattern};

/// Bytes of a request.
const REQUEST: usize = 1 << 20;
const LINES: usize = REQUEST / size_of::<Line>();
/// Files, each with a thread of its own.
const FILES: usize = 4;
/// Reads of a file for each time that it is written.
pub(crate) const READS: u64 = 9;
/// Wrong words of a file and pass that are told one by one.
const MOST_TOLD: usize = 16;

/// Files in one folder. They have no name there, so that nothing stays behind whatever happens.
pub(crate) struct Files {
    files: Vec<SealedFile>,
}

struct SealedFile {
    file: File,
    place: PathBuf,
    number: u64,
    requests: u64,
    kernel: Kernel,
    buffer: Buffer<Line>,
}

impl Files {
    /// Makes files of so many bytes in all.
    pub(crate) fn create(folder: &Path, bytes: u64, kernel: Kernel) -> Result<Files, Error> {
        let requests = bytes / (FILES * REQUEST) as u64;
        let file = |number: usize| SealedFile::create(folder, number as u64, requests.max(1), kernel);
        Ok(Files { files: (0..FILES).map(file).collect::<Result<_, _>>()? })
    }

    /// Writes all files anew, or reads and compares all of them, each on a thread of its own.
    pub(crate) fn pass(&mut self, round: u64, write: bool) -> Result<(Pass, Vec<WrongResult>), Error> {
        let start = Instant::now();
        let results: Vec<Result<Vec<WrongResult>, Error>> = thread::scope(|scope| {
            let work =
                |file| move || if write { SealedFile::write(file, round) } else { SealedFile::read(file, round) };
            let threads: Vec<_> = self.files.iter_mut().map(|file| scope.spawn(work(file))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        let seconds = start.elapsed().as_secs_f64();
        let mut wrong = Vec::new();
        for result in results {
            wrong.extend(result?);
        }
        let bytes = self.files.iter().map(|file| file.requests * REQUEST as u64).sum::<u64>() as f64;
        let (compared, done) = if write { (0.0, bytes) } else { (bytes, 0.0) };
        let rate = (!write).then_some(bytes / seconds);
        Ok((Pass { load: Load::Disk, seconds, compared, done, rate }, wrong))
    }
}

impl SealedFile {
    fn create(folder: &Path, number: u64, requests: u64, kernel: Kernel) -> Result<SealedFile, Error> {
        let buffer = Buffer::map(LINES, Pages::Small)?;
        let fail = |source: rustix::io::Errno| Error::Io {
            doing: "making a file in",
            place: folder.display().to_string(),
            source: source.into(),
        };
        Ok(SealedFile {
            file: unnamed(folder, number).map_err(fail)?,
            place: folder.to_owned(),
            number,
            requests,
            kernel,
            buffer,
        })
    }

    /// Distinct for each file and round.
    fn pattern(&self, round: u64) -> Pattern {
        Pattern::Random(round.wrapping_mul(FILES as u64).wrapping_add(self.number))
    }

    fn write(&mut self, round: u64) -> Result<Vec<WrongResult>, Error> {
        let pattern = self.pattern(round);
        for request in 0..self.requests {
            let offset = request * REQUEST as u64;
            self.kernel.fill(self.buffer.as_mut_slice(), offset, pattern, false);
            let written = self.file.write_all_at(self.buffer.as_bytes(), offset);
            written.map_err(|source| self.fail("writing", offset, source))?;
        }
        self.file.sync_data().map_err(|source| self.fail("syncing", 0, source))?;
        // Where requests do not go past the cache, what is read again is to come from the drive.
        let _ = fadvise(&self.file, 0, None, Advice::DontNeed);
        Ok(Vec::new())
    }

    fn read(&mut self, round: u64) -> Result<Vec<WrongResult>, Error> {
        let pattern = self.pattern(round);
        let mut wrong = Vec::new();
        let mut more = 0_u64;
        let mut order: Vec<u64> = (0..self.requests).collect();
        let mut random = SplitMix64::new(round);
        for last in (1..order.len()).rev() {
            order.swap(last, random.index(last + 1));
        }
        for request in order {
            let offset = request * REQUEST as u64;
            // What a read must overwrite.
            self.buffer.as_mut_bytes().fill(0);
            let read = self.file.read_exact_at(self.buffer.as_mut_bytes(), offset);
            read.map_err(|source| self.fail("reading", offset, source))?;
            self.kernel.check(self.buffer.as_slice(), offset, pattern, false, &mut |differing| {
                if wrong.len() < MOST_TOLD { wrong.push((offset, differing)) } else { more += 1 }
            });
        }
        let _ = fadvise(&self.file, 0, None, Advice::DontNeed);
        let last = wrong.len();
        let told = |(number, (offset, Differing { index, expected, found })): (usize, (u64, Differing))| {
            let mut place = format!("file {} at byte {}", self.number, offset + 8 * index as u64);
            let more = if number + 1 == last { more } else { 0 };
            if more > 0 {
                place += &format!(", and {more} more words");
            }
            let part = format!("files in {}", self.place.display());
            WrongResult { load: Load::Disk, part, place, expected, found, more }
        };
        Ok(wrong.into_iter().enumerate().map(told).collect())
    }

    fn fail(&self, doing: &'static str, offset: u64, source: io::Error) -> Error {
        let place = format!("a file in {} at byte {offset}", self.place.display());
        Error::Io { doing, place, source }
    }
}

/// A file without a name, past the page cache where the file system lets it.
fn unnamed(folder: &Path, number: u64) -> rustix::io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    let file = open(folder, flags | OFlags::DIRECT, mode).or_else(|_| open(folder, flags, mode));
    file.map(File::from).or_else(|_| named_no_more(folder, number))
}

/// The same of a file system that makes none without a name: its name is taken away at once.
fn named_no_more(folder: &Path, number: u64) -> rustix::io::Result<File> {
    let path = folder.join(format!(".hostproof-soak-{}-{number}", std::process::id()));
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
    let file = open(&path, flags, Mode::RUSR | Mode::WUSR)?;
    unlink(&path)?;
    // Where requests cannot go past the cache, they go through it.
    let _ = fcntl_setfl(&file, OFlags::DIRECT);
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_bit_is_found_with_its_place_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::create(folder.path(), 16 << 20, Kernel::widest()).unwrap();
        for round in 0..2 {
            let (pass, wrong) = files.pass(round, true).unwrap();
            assert_eq!((wrong.len(), pass.compared, pass.done), (0, 0.0, f64::from(16 << 20)));
            let (pass, wrong) = files.pass(round, false).unwrap();
            assert_eq!((wrong, pass.compared, pass.done), (vec![], f64::from(16 << 20), 0.0));
        }
        let sealed = &mut files.files[2];
        let offset = 3 * REQUEST as u64;
        sealed.file.read_exact_at(sealed.buffer.as_mut_bytes(), offset).unwrap();
        sealed.buffer.as_mut_slice()[9][1] ^= 1 << 17;
        sealed.file.write_all_at(sealed.buffer.as_bytes(), offset).unwrap();
        let (_, wrong) = files.pass(1, false).unwrap();
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert_eq!(wrong[0].place, format!("file 2 at byte {}", offset + 9 * 64 + 8));
        assert_eq!(wrong[0].expected ^ wrong[0].found, 1 << 17);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "files have no name");
    }

    #[test]
    fn what_was_not_written_in_this_round_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::create(folder.path(), 4 << 20, Kernel::widest()).unwrap();
        files.pass(0, true).unwrap();
        let (_, wrong) = files.pass(1, false).unwrap();
        assert_eq!(wrong.len(), FILES * MOST_TOLD);
        assert!(wrong[MOST_TOLD - 1].place.ends_with("more words"), "{wrong:?}");
        // Every word of the files is counted, told or not.
        assert_eq!(wrong.iter().map(WrongResult::count).sum::<u64>(), (4 << 20) / 8);
    }

    #[test]
    fn a_file_whose_name_was_taken_away_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = named_no_more(folder.path(), 0).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        file.set_len(4096).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 4096);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let error = Files::create(Path::new("/nowhere"), 4 << 20, Kernel::widest()).err().unwrap().to_string();
        assert!(error.contains("making a file in /nowhere failed"), "{error}");
    }
}
