//! What tasks hand on: files of 64-bit words in sections, of which a reader takes the one that it needs.
//!
//! A file begins with a header of eight words: magic, format, key of plan and file, length of the file, offset of the
//! directory, number of sections, the sum of these, and a zero. The blocks of the sections follow in the order in which they
//! were added. For each section there is then a list of its blocks (offset, bytes, sum), and last the directory: for each
//! section where its list is, how many blocks it has, and the list's sum. Sums are `XXH64`, seeded by the key, so a file that was
//! cut, was changed, or is of another plan or task is told from the one that is asked for.

use std::fs::File;
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use twox_hash::XxHash64;

use super::named::Unnamed;
use crate::transforms::keyed::Words;
use crate::{Error, regular_file};

pub(super) const WORD: usize = size_of::<u64>();
/// `hostproo`, little end first.
const MAGIC: u64 = u64::from_le_bytes(*b"hostproo");
const FORMAT: u64 = 1;
const HEADER: usize = 8;
/// Words of a block in a list, and of a section in the directory.
const ENTRY: usize = 3;

/// Where a file of sections lies, and what it must be.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    /// Of the plan and of this file.
    pub(super) key: u64,
    /// The id of the task that makes it.
    pub(super) task: String,
}

impl Place {
    fn damaged(&self, why: &str) -> Error {
        Error::DamagedPart { path: self.path.clone(), why: why.to_owned(), task: self.task.clone() }
    }

    /// Whether it is there, of this plan, and not cut.
    pub(super) fn is_whole(&self) -> bool {
        Reader::open(self, &AtomicU64::new(0)).is_ok()
    }
}

/// A file of sections that is being written.
pub(super) struct Writer {
    unnamed: Unnamed,
    key: u64,
    at: u64,
    sections: Vec<Vec<[u64; ENTRY]>>,
}

impl Writer {
    pub(super) fn create(place: &Place, sections: usize) -> Result<Writer, Error> {
        let unnamed = Unnamed::create(&place.path)?;
        let mut writer = Writer { unnamed, key: place.key, at: 0, sections: vec![Vec::new(); sections] };
        writer.append(&[0; HEADER * WORD])?;
        Ok(writer)
    }

    /// Adds a block to a section. What is no multiple of a word's bytes is filled up with zeros.
    pub(super) fn add(&mut self, section: usize, bytes: &[u8]) -> Result<(), Error> {
        self.add_blocks(bytes, [(section, 0..bytes.len())])?;
        let over = bytes.len() % WORD;
        if over > 0 {
            self.append(&[0; WORD][over..])?;
        }
        Ok(())
    }

    /// Adds words to a section.
    pub(super) fn add_words(&mut self, section: usize, words: &[u64]) -> Result<(), Error> {
        let mut bytes = Vec::with_capacity(words.len() * WORD);
        for word in words {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        self.add(section, &bytes)
    }

    /// Writes bytes at once that are blocks of several sections.
    pub(super) fn add_blocks(
        &mut self,
        bytes: &[u8],
        blocks: impl IntoIterator<Item = (usize, Range<usize>)>,
    ) -> Result<(), Error> {
        for (section, range) in blocks.into_iter().filter(|(_, range)| !range.is_empty()) {
            let block = &bytes[range.clone()];
            let entry = [self.at + range.start as u64, block.len() as u64, XxHash64::oneshot(self.key, block)];
            self.sections[section].push(entry);
        }
        self.append(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.unnamed.file.write_all(bytes);
        written.map_err(|error| Error::io("cannot write", self.unnamed.path(), error))?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Ends the file and gives it its name; its bytes.
    pub(super) fn finish(mut self, durable: bool) -> Result<u64, Error> {
        let (mut lists, mut directory) = (Vec::new(), Vec::new());
        for blocks in &self.sections {
            let list: Vec<u8> = blocks.iter().flatten().flat_map(|word| word.to_le_bytes()).collect();
            let entry = [self.at + lists.len() as u64, blocks.len() as u64, XxHash64::oneshot(self.key, &list)];
            directory.extend(entry.iter().flat_map(|word| word.to_le_bytes()));
            lists.extend(list);
        }
        let (directory_at, sections) = (self.at + lists.len() as u64, self.sections.len() as u64);
        lists.extend(directory);
        self.append(&lists)?;
        let header = [MAGIC, FORMAT, self.key, self.at, directory_at, sections];
        let header: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
        let sum = XxHash64::oneshot(self.key, &header);
        let file = &mut self.unnamed.file;
        let written =
            file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&[&header, &sum.to_le_bytes()[..]].concat()));
        written.map_err(|error| Error::io("cannot write", self.unnamed.path(), error))?;
        let bytes = self.at;
        self.unnamed.name(durable)?;
        Ok(bytes)
    }
}

/// A file of sections.
pub(super) struct Reader<'a> {
    file: File,
    place: Place,
    /// Counts the bytes that are read.
    read: &'a AtomicU64,
    directory: u64,
    length: u64,
    sections: u64,
}

impl<'a> Reader<'a> {
    /// Opens a file that is what is asked for, and has its length.
    pub(super) fn open(place: &Place, read: &'a AtomicU64) -> Result<Reader<'a>, Error> {
        let path = &place.path;
        let opened = regular_file::open(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::PartMissing { path: path.clone(), task: place.task.clone() },
            _ => Error::io("cannot open", path, error),
        });
        let (file, own) = (opened?, place.clone());
        let mut reader = Reader { file, place: own, read, directory: 0, length: u64::MAX, sections: 0 };
        let found = reader.file.metadata().map_err(|error| Error::io("cannot read", path, error))?.len();
        if found < (HEADER * WORD) as u64 {
            return Err(place.damaged("it is cut off"));
        }
        let header = reader.bytes(0, HEADER * WORD)?;
        let words = words(&header);
        if words[0] != MAGIC || words[1] != FORMAT || words[2] != place.key {
            return Err(place.damaged("it is not of this plan and task"));
        }
        if words[6] != XxHash64::oneshot(place.key, &header[..6 * WORD]) {
            return Err(place.damaged("its header is not what was written"));
        }
        if words[3] != found {
            return Err(place.damaged(&format!("it has {found} bytes, and {} were written", words[3])));
        }
        (reader.length, reader.directory, reader.sections) = (words[3], words[4], words[5]);
        Ok(reader)
    }

    /// The bytes of a section.
    pub(super) fn section(&self, section: usize) -> Result<Vec<u8>, Error> {
        if section as u64 >= self.sections {
            return Err(self
                .place
                .damaged(&format!("it has {} sections, and section {section} is asked for", self.sections)));
        }
        let entry = self.bytes(self.directory + (section * ENTRY * WORD) as u64, ENTRY * WORD)?;
        let [at, count, sum] = words(&entry)[..] else { return Err(self.place.damaged("its directory is cut off")) };
        let list = self.bytes(at, place_of(count.saturating_mul((ENTRY * WORD) as u64)))?;
        self.check(&list, sum)?;
        let (mut bytes, list) = (Vec::new(), words(&list));
        let size: u64 = list.chunks_exact(ENTRY).map(|block| block[1]).sum();
        bytes.reserve_exact(place_of(size));
        for block in list.chunks_exact(ENTRY) {
            let first = bytes.len();
            self.append(block[0], place_of(block[1]), &mut bytes)?;
            self.check(&bytes[first..], block[2])?;
        }
        Ok(bytes)
    }

    /// The words of a section.
    pub(super) fn section_words(&self, section: usize) -> Result<Vec<u64>, Error> {
        Ok(words(&self.section(section)?))
    }

    /// The records of a section.
    pub(super) fn records<R: Words>(&self, section: usize) -> Result<Vec<R>, Error> {
        let bytes = self.section(section)?;
        decode(&bytes).ok_or_else(|| self.place.damaged("it holds a part of a record"))
    }

    /// The error for what is whole, and cannot be.
    pub(super) fn senseless(&self) -> Error {
        self.place.damaged("what it holds makes no sense")
    }

    fn check(&self, bytes: &[u8], sum: u64) -> Result<(), Error> {
        if XxHash64::oneshot(self.place.key, bytes) == sum {
            return Ok(());
        }
        Err(self.place.damaged("it is not what was written"))
    }

    fn bytes(&self, at: u64, count: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.append(at, count, &mut bytes)?;
        Ok(bytes)
    }

    fn append(&self, at: u64, count: usize, bytes: &mut Vec<u8>) -> Result<(), Error> {
        if at.checked_add(count as u64).is_none_or(|end| end > self.length) {
            return Err(self.place.damaged("it points beyond its end"));
        }
        let first = bytes.len();
        bytes.resize(first + count, 0);
        let read = self.file.read_exact_at(&mut bytes[first..], at);
        read.map_err(|error| Error::io("cannot read", &self.place.path, error))?;
        self.read.fetch_add(count as u64, Relaxed);
        Ok(())
    }
}

fn place_of(word: u64) -> usize {
    usize::try_from(word).unwrap_or(usize::MAX)
}

/// Bytes as words.
pub(super) fn words(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks::<WORD>().0.iter().map(|word| u64::from_le_bytes(*word)).collect()
}

/// Adds the words of records.
pub(super) fn encode<R: Words>(records: &[R], bytes: &mut Vec<u8>) {
    bytes.reserve(records.len() * R::WORDS * WORD);
    for record in records {
        record.put(|_, word| bytes.extend_from_slice(&word.to_le_bytes()));
    }
}

/// Records of their words; none where a part of one is left over.
pub(super) fn decode<R: Words>(bytes: &[u8]) -> Option<Vec<R>> {
    let (words, rest) = bytes.as_chunks::<WORD>();
    let record = |words: &[[u8; WORD]]| R::get(|number| i64::from_le_bytes(words[number]));
    let is_whole = rest.is_empty() && words.len().is_multiple_of(R::WORDS);
    is_whole.then(|| words.chunks_exact(R::WORDS).map(record).collect())
}

/// The key of a file of a plan.
pub(super) fn key(plan: u64, name: &str) -> u64 {
    XxHash64::oneshot(plan, name.as_bytes())
}

/// The place of a file of a task.
pub(super) fn place(folder: &Path, plan: u64, name: &str, task: String) -> Place {
    Place { path: folder.join(name), key: key(plan, name), task }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::keyed::words;
    use std::fs;

    words! {
        Point { x, y, z }
    }

    fn written(folder: &Path) -> Place {
        let place = place(folder, 7, "some", "scan-00000".to_owned());
        let mut writer = Writer::create(&place, 3).unwrap();
        let point = |x, y, z| Point { x, y, z };
        let mut bytes = Vec::new();
        encode(&[point(1, -2, i64::MAX), point(4, 5, 6)], &mut bytes);
        writer.add_blocks(&bytes, [(2, 0..24), (0, 24..48)]).unwrap();
        bytes.clear();
        encode(&[point(7, 8, 9)], &mut bytes);
        writer.add(2, &bytes).unwrap();
        writer.add(1, b"texts").unwrap();
        writer.add_words(1, &[3]).unwrap();
        assert_eq!(writer.finish(true).unwrap(), fs::metadata(&place.path).unwrap().len());
        place
    }

    #[test]
    fn sections_come_back_as_they_were_added() {
        let folder = tempfile::tempdir().unwrap();
        let read = AtomicU64::new(0);
        let reader = Reader::open(&written(folder.path()), &read).unwrap();
        let point = |x, y, z| Point { x, y, z };
        assert_eq!(reader.records::<Point>(2).unwrap(), [point(1, -2, i64::MAX), point(7, 8, 9)]);
        assert_eq!(reader.records::<Point>(0).unwrap(), [point(4, 5, 6)]);
        assert_eq!(reader.section(1).unwrap(), [&b"texts"[..], &3_u64.to_le_bytes()].concat());
        assert!(reader.section(3).is_err() && read.into_inner() > 88);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_differs_at_any_byte_or_in_length_is_refused_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let place = written(folder.path());
        let whole = fs::read(&place.path).unwrap();
        let count = AtomicU64::new(0);
        let read = || -> Result<Vec<Vec<u8>>, Error> {
            let reader = Reader::open(&place, &count)?;
            (0..3).map(|section| reader.section(section)).collect()
        };
        let expect = read().unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            fs::write(&place.path, &changed).unwrap();
            // The eighth word of the header, and what fills up a word, hold nothing.
            match read() {
                Ok(sections) => assert!(sections == expect && whole[at] == 0, "{at}"),
                Err(error) => assert!(error.to_string().contains("some is damaged"), "{at}: {error}"),
            }
        }
        for length in [0, 10, 63, 64, whole.len() - 1] {
            fs::write(&place.path, &whole[..length]).unwrap();
            assert!(!place.is_whole(), "{length}");
        }
        fs::write(&place.path, &whole).unwrap();
        assert!(place.is_whole());
        assert!(!Place { key: place.key + 1, ..place.clone() }.is_whole(), "of another plan");
        fs::remove_file(&place.path).unwrap();
        assert!(matches!(read(), Err(Error::PartMissing { .. })));
    }
}
