//! A file that is written past the page cache, by a thread of its own: a copy into the cache, and what it takes to find pages for it
//! and to write them back, would be a fifth of the CPU time that saving takes.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::mem;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// Bytes that are written at once.
const AT_ONCE: usize = 4 << 20;
/// What addresses and places in a file are multiples of: as large as the blocks of any disk.
const ALIGNMENT: usize = 4096;
/// Most buffers of a file: more than a row group, so that who encodes the next one seldom waits for the disk.
const BUFFERS: usize = 10;
/// Buffers after which the disk is asked to keep what it has: else it does all of that at the end, while everybody waits.
const BUFFERS_A_SYNC: usize = 16;

/// The file, and what is not written yet. Where a file system writes through its cache only, it does.
pub(super) struct Direct<'a> {
    file: &'a File,
    filling: Buffer,
    /// None where the system starts no more threads, and when it has ended.
    background: Option<Background>,
}

impl<'a> Direct<'a> {
    /// Of a file that is empty.
    pub(super) fn new(file: &'a File) -> Direct<'a> {
        // Else it stays as it was opened.
        let _ = set_direct(file, true);
        Direct { file, filling: Buffer::new(), background: Background::start(file).ok() }
    }

    fn send(&mut self) -> io::Result<()> {
        let Some(background) = &mut self.background else { return self.filling.write_to(self.file) };
        let sent = background.next().and_then(|next| background.full.send(mem::replace(&mut self.filling, next)).ok());
        // What was not taken is lost: if the thread has no error to tell, that is one.
        if sent.is_some() { Ok(()) } else { self.end().and(Err(has_ended())) }
    }

    /// Waits until all is written that was sent.
    fn end(&mut self) -> io::Result<()> {
        let Some(Background { full, thread, .. }) = self.background.take() else { return Ok(()) };
        drop(full);
        thread.join().unwrap_or_else(|_| Err(has_ended()))
    }
}

impl Write for Direct<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.filling.room() == 0 {
            self.send()?;
        }
        Ok(self.filling.fill(bytes))
    }

    /// Writes everything. What is left is no whole number of blocks, so it and all that may follow goes through the page cache.
    fn flush(&mut self) -> io::Result<()> {
        self.end()?;
        set_direct(self.file, false)?;
        self.filling.write_to(self.file)
    }
}

impl Drop for Direct<'_> {
    fn drop(&mut self) {
        // Whoever did not flush has an error already, and the file is as it is.
        let _ = self.end();
    }
}

/// The thread that writes, and the buffers on their way to it and back.
struct Background {
    full: Sender<Buffer>,
    empty: Receiver<Buffer>,
    buffers: usize,
    thread: JoinHandle<io::Result<()>>,
}

impl Background {
    fn start(file: &File) -> io::Result<Background> {
        let file = file.try_clone()?;
        let ((full, to_write), (written, empty)) = (channel::<Buffer>(), channel());
        let write = move || {
            for (number, mut buffer) in (1..).zip(to_write) {
                buffer.write_to(&file)?;
                if number % BUFFERS_A_SYNC == 0 {
                    file.sync_data()?;
                }
                // Nobody is there to take it when all are sent.
                let _ = written.send(buffer);
            }
            Ok(())
        };
        Ok(Background { full, empty, buffers: 1, thread: thread::Builder::new().spawn(write)? })
    }

    /// An empty buffer; none where the thread has ended.
    fn next(&mut self) -> Option<Buffer> {
        if let Ok(buffer) = self.empty.try_recv() {
            return Some(buffer);
        }
        if self.buffers == BUFFERS {
            return self.empty.recv().ok();
        }
        self.buffers += 1;
        Some(Buffer::new())
    }
}

/// Bytes at an aligned address.
struct Buffer {
    bytes: Vec<u8>,
    offset: usize,
    filled: usize,
}

impl Buffer {
    fn new() -> Buffer {
        let bytes = vec![0; AT_ONCE + ALIGNMENT];
        let offset = bytes.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        Buffer { bytes, offset, filled: 0 }
    }

    fn room(&self) -> usize {
        AT_ONCE - self.filled
    }

    /// Takes as many bytes as there is room for.
    fn fill(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(self.room());
        self.bytes[self.offset + self.filled..][..taken].copy_from_slice(&bytes[..taken]);
        self.filled += taken;
        taken
    }

    /// Writes what is there behind what was written before.
    fn write_to(&mut self, mut file: &File) -> io::Result<()> {
        let mut rest = &self.bytes[self.offset..][..self.filled];
        while !rest.is_empty() {
            match file.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // EINVAL: it wants another alignment than this, or none of it at all.
                Err(error) if error.kind() == ErrorKind::InvalidInput && is_direct(file)? => set_direct(file, false)?,
                Err(error) => return Err(error),
            }
        }
        self.filled = 0;
        Ok(())
    }
}

fn has_ended() -> io::Error {
    io::Error::other("the thread that writes it has ended")
}

fn is_direct(file: &File) -> io::Result<bool> {
    Ok(fcntl_getfl(file)?.contains(OFlags::DIRECT))
}

fn set_direct(file: &File, direct: bool) -> io::Result<()> {
    let flags = fcntl_getfl(file)?;
    let wanted = if direct { flags | OFlags::DIRECT } else { flags - OFlags::DIRECT };
    Ok(fcntl_setfl(file, wanted)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek};
    use std::path::Path;

    /// Writes pieces of some lengths; `off` the alignment by some bytes, which a disk refuses.
    fn check(folder: &Path, lengths: &[usize], off: usize) {
        let file = tempfile::tempfile_in(folder).unwrap();
        let mut expect = Vec::new();
        let mut direct = Direct::new(&file);
        direct.filling.offset = (direct.filling.offset + off) % ALIGNMENT;
        for (number, &length) in lengths.iter().enumerate() {
            let bytes = vec![number as u8 + 1; length];
            direct.write_all(&bytes).unwrap();
            expect.extend(bytes);
        }
        direct.flush().unwrap();
        let (mut found, mut reader) = (Vec::new(), &file);
        reader.rewind().unwrap();
        reader.read_to_end(&mut found).unwrap();
        assert!(found == expect, "{} {lengths:?} {off}", folder.display());
    }

    #[test]
    fn a_file_has_the_bytes_that_were_written() {
        let in_memory = Path::new("/dev/shm");
        for folder in [&*std::env::temp_dir(), in_memory].into_iter().filter(|folder| folder.is_dir()) {
            for off in [0, 1] {
                check(folder, &[], off);
                check(folder, &[1], off);
                check(folder, &[AT_ONCE], off);
                check(folder, &[AT_ONCE - 1, 2, 3 * AT_ONCE, 17], off);
                check(folder, &[2 * BUFFERS * AT_ONCE], off);
            }
        }
    }

    #[test]
    fn an_error_of_the_disk_is_that_of_the_file() {
        let check = |lengths: &[usize]| {
            let full = File::options().write(true).open("/dev/full").unwrap();
            let mut direct = Direct::new(&full);
            let mut written = lengths.iter().try_for_each(|&length| direct.write_all(&vec![1; length]));
            written = written.and_then(|()| direct.flush());
            assert_eq!(written.unwrap_err().kind(), ErrorKind::StorageFull, "{lengths:?}");
        };
        check(&[1]);
        check(&[3 * AT_ONCE]);
        check(&[2 * BUFFERS * AT_ONCE]);
    }
}
