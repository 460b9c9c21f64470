//! Writing a record so that a kill at any moment leaves one that can be read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use measure::{Ending, Event, Run, Workload};
use pipe::to_line;
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use serde::Serialize;

use crate::Error;
use crate::wire::{Header, RecordLine};

/// A record that is being written.
#[derive(Debug)]
pub struct Writer {
    file: File,
    path: PathBuf,
    /// Bytes of whole lines.
    length: u64,
    open: bool,
}

impl Writer {
    /// Puts a record with its first line in place, creating the folders above it. The attempts and the ending of
    /// `run` are not looked at.
    pub fn create(path: &Path, run: &Run) -> Result<Writer, Error> {
        let header = to_line(&RecordLine::Run(Box::new(Header::of(run))));
        let file = put_in_place(path, header.as_bytes())?;
        Ok(Writer { file, path: path.to_owned(), length: header.len() as u64, open: false })
    }

    /// Where the record is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A worker starts; `plan` is what it was asked to do.
    pub fn begin(&mut self, workload: Workload, repetition: u32, plan: &serde_json::Value) -> Result<(), Error> {
        debug_assert!(!self.open, "an attempt begins before the last one ended");
        self.line(&RecordLine::AttemptBegin { workload, repetition, plan: plan.clone() })?;
        self.open = true;
        Ok(())
    }

    /// What the worker did. Progress is not stored.
    pub fn event(&mut self, event: &Event) -> Result<(), Error> {
        debug_assert!(self.open, "an event outside of an attempt");
        match event {
            Event::Progress { .. } => Ok(()),
            Event::Measured(_) | Event::NotMeasured(_) | Event::Telemetry(_) | Event::Warning(_) => {
                self.line(&RecordLine::Event(event.clone()))
            }
        }
    }

    /// The worker ended. What was told so far is on the disk when this returns.
    pub fn end_attempt(&mut self) -> Result<(), Error> {
        self.line(&RecordLine::AttemptEnd {})?;
        self.open = false;
        self.sync()
    }

    /// The run ended; an attempt that is still open ends with it. `Cut` leaves the record without an end.
    pub fn finish(mut self, ending: Ending) -> Result<(), Error> {
        if ending == Ending::Cut {
            return self.sync();
        }
        if self.open {
            self.end_attempt()?;
        }
        self.line(&RecordLine::RunEnd { ending })?;
        self.sync()
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), Error> {
        let text = to_line(line);
        if let Err(source) = self.file.write_all(text.as_bytes()) {
            // A full disk leaves half a line, which would damage the next one. Where it cannot be taken back, the
            // reader reports it; the first error is the one to tell.
            let _ = self.file.set_len(self.length);
            return Err(Error::Io { doing: "write to", path: self.path.clone(), source });
        }
        self.length += text.len() as u64;
        Ok(())
    }

    fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(|source| Error::Io { doing: "sync", path: self.path.clone(), source })
    }
}

/// Makes the file appear with its first line, whole, or not at all.
pub(crate) fn put_in_place(path: &Path, header: &[u8]) -> Result<File, Error> {
    let fail = |doing, path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io { doing, path, source }
    };
    if path.exists() {
        return Err(Error::Exists(path.to_owned()));
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let above = folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(folder);
    fs::create_dir_all(above).map_err(fail("create", above))?;
    // The run's own folder comes last, so that a kill leaves no empty one.
    let linked = unnamed(above, header).and_then(|file| {
        fs::create_dir_all(folder)?;
        link(&file, path)?;
        Ok(file)
    });
    let file = match linked {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(Error::Exists(path.to_owned())),
        // Not every file system has files without a name (NFS), and not every container has /proc.
        Err(_) => {
            fs::create_dir_all(folder).map_err(fail("create", folder))?;
            renamed(folder, path, header).map_err(fail("create", path)).inspect_err(|_| {
                // A full disk leaves no empty folder; one with something in it stays.
                let _ = fs::remove_dir(folder);
            })?
        }
    };
    File::open(folder).and_then(|dir| dir.sync_all()).map_err(fail("sync", folder))?;
    Ok(file)
}

/// A file without a name, with the first line in it.
fn unnamed(folder: &Path, header: &[u8]) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::APPEND | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::open(folder, flags, Mode::from_raw_mode(0o644))?);
    file.write_all(header)?;
    file.sync_all()?;
    Ok(file)
}

/// Gives the file its name; fails where the name is taken.
fn link(file: &File, path: &Path) -> io::Result<()> {
    let handle = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(rustix::fs::linkat(CWD, handle, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

/// The same by a temporary name.
fn renamed(folder: &Path, path: &Path, header: &[u8]) -> io::Result<File> {
    let temporary = folder.join(format!(".run-{}.tmp", std::process::id()));
    let write = || {
        // One of that name is of a process that was killed, or a link that somebody laid.
        let _ = fs::remove_file(&temporary);
        let mut file = OpenOptions::new().append(true).create_new(true).open(&temporary)?;
        file.write_all(header)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        Ok(file)
    };
    write().inspect_err(|_| {
        // What could not be put in place must not stay behind; the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::{run, write_all};
    use crate::{parse, read};

    #[test]
    fn what_was_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("host/id/run.jsonl");
        let run = run();
        write_all(&path, &run);
        assert_eq!(format!("{:?}", read(&path).unwrap()), format!("{run:?}"));
        let names: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["run.jsonl"]);
    }

    #[test]
    fn both_ways_put_the_same_file_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.jsonl");
        let mut file = renamed(dir.path(), &path, b"first\n").unwrap();
        file.write_all(b"second\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first\nsecond\n");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        // A link in its way is not followed.
        let temporary = dir.path().join(format!(".run-{}.tmp", std::process::id()));
        std::os::unix::fs::symlink(&path, &temporary).unwrap();
        renamed(dir.path(), &dir.path().join("other.jsonl"), b"other\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first\nsecond\n");
    }

    #[test]
    fn a_record_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.jsonl");
        fs::write(&path, "mine").unwrap();
        assert!(matches!(Writer::create(&path, &run()), Err(Error::Exists(_))));
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }

    #[test]
    fn an_interrupted_run_closes_its_attempt() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.jsonl");
        let mut writer = Writer::create(&path, &run()).unwrap();
        writer.begin(Workload::Stream, 0, &serde_json::json!({"array_bytes": 1})).unwrap();
        writer.event(&Event::Progress { done: 0.5, doing: "triad".into() }).unwrap();
        writer.finish(Ending::Interrupted).unwrap();
        let bytes = fs::read(&path).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        let lines: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                r#"{"attempt_begin":{"workload":"stream","repetition":0,"plan":{"array_bytes":1}}}"#,
                r#"{"attempt_end":{}}"#,
                r#"{"run_end":{"ending":"interrupted"}}"#
            ]
        );
        assert_eq!(parse(&bytes, &path).unwrap().ending, Ending::Interrupted);
    }
}
