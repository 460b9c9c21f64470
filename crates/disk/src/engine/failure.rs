//! From a worker's failure to the error that names the file.

use std::path::PathBuf;

use crate::Error;
use crate::job::Direction;
use crate::pattern::{Action, Op};
use crate::plan::WorkerAssignment;
use crate::worker::Failure;

const SECOND: f64 = 1e9;

/// Whether a write found no room for all of its bytes.
fn is_full(assignment: &WorkerAssignment, op: &Op) -> bool {
    let file = assignment.files.get(usize::from(op.file)).filter(|_| op.action == Action::Transfer(Direction::Write));
    let about = file.and_then(|file| rustix::fs::fstatvfs(file).ok());
    about.is_some_and(|about| about.f_bavail.saturating_mul(about.f_frsize) < u64::from(op.len))
}

/// The error of a failure, with the name of the file that it happened to.
pub(crate) fn describe(failure: Failure, assignment: &WorkerAssignment, written: u64) -> Error {
    let path = |op: &Op| assignment.paths.get(usize::from(op.file)).cloned().unwrap_or_else(PathBuf::new);
    match failure {
        Failure::Ring(error) => error,
        Failure::Request(op, libc::ENOSPC) => Error::Full { path: path(&op), written },
        // The last bytes of a file system take the start of a block, and the rest has no room.
        Failure::Short(op, moved) if is_full(assignment, &op) => {
            Error::Full { path: path(&op), written: written + u64::from(moved.unsigned_abs()) }
        }
        Failure::Request(op, number) => {
            let source = std::io::Error::from_raw_os_error(number);
            Error::Request { what: op.action.name(), path: path(&op), offset: op.offset, len: op.len, source }
        }
        Failure::RetriesExhausted(op, number, sent) => {
            let (why, seconds) = (std::io::Error::from_raw_os_error(number), sent.nanos as f64 / SECOND);
            let text = format!("{why}, {} times in {seconds:.3} s; not retried any more", sent.count);
            let source = std::io::Error::other(text);
            Error::Request { what: op.action.name(), path: path(&op), offset: op.offset, len: op.len, source }
        }
        Failure::Short(op, moved) => {
            let source = std::io::Error::other(format!("only {moved} bytes were transferred"));
            Error::Request { what: op.action.name(), path: path(&op), offset: op.offset, len: op.len, source }
        }
        Failure::DepthNotFound(depth) => {
            Error::DepthNotFound { path: assignment.paths.first().cloned().unwrap_or_default(), depth }
        }
        Failure::Mismatch(op, why) => Error::Mismatch { path: path(&op), offset: op.offset, len: op.len, why },
    }
}
