//! Writing the test files that are read later, as fio lays them out.

use std::path::Path;

use super::failure::describe;
use super::requests::{rules, send_unmeasured};
use crate::Error;
use crate::files::{FileKind, holes};
use crate::job::{Access, Blocks, IoFlags, Job, Memory, Queue, ReadWriteMix};
use crate::pattern::{Extent, Pattern};
use crate::plan::{PlannedJob, WorkerAssignment};
use crate::ring::Ring;

/// Requests in flight during the layout.
const LAYOUT_DEPTH: u32 = 8;
const LAYOUT_BLOCK: u32 = 1 << 20;

/// Writes the test files that are read later, where they have no data yet.
pub(super) fn lay_out(planned: &PlannedJob<'_>) -> Result<(), Error> {
    if !planned.job.rw.reads() {
        return Ok(());
    }
    let mut laid: Vec<&Path> = Vec::new();
    for assignment in &planned.assignments {
        for ((file, path), extent) in assignment.files.iter().zip(&assignment.paths).zip(&assignment.extents) {
            let opened = planned.opened.iter().find(|opened| opened.path == *path);
            let test = opened.filter(|opened| opened.kind == FileKind::TestFile);
            let Some(opened) = test.filter(|_| !laid.contains(&path.as_path())) else { continue };
            laid.push(path);
            let about =
                file.metadata().map_err(|source| Error::File { path: path.clone(), what: "examined", source })?;
            if about.len() >= extent.start + extent.len && holes(file, extent.start, extent.len) == 0 {
                continue;
            }
            write_out(planned.job, opened.direct, assignment, path, *extent)?;
            file.sync_all().map_err(|source| Error::File { path: path.clone(), what: "synced", source })?;
            if !opened.direct {
                // The measurement must not find the layout in the page cache; a refusal shows as amplification.
                let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
            }
        }
    }
    Ok(())
}

fn write_out(job: &Job, direct: bool, assignment: &WorkerAssignment, path: &Path, extent: Extent) -> Result<(), Error> {
    let mut layout = Job::new(&job.name, job.target.clone());
    let whole = extent.len.is_multiple_of(u64::from(LAYOUT_BLOCK)) && job.verify.is_none();
    layout.blocks = [Blocks::of(if whole { LAYOUT_BLOCK } else { job.smallest_block() }); 2];
    (layout.rw, layout.access) = (ReadWriteMix::Write, Access::Sequential);
    (layout.refill, layout.verify, layout.seed) = (true, job.verify, job.seed);
    layout.queue = Queue::deep(LAYOUT_DEPTH);
    layout.flags = IoFlags { direct, iopoll: false, sqpoll: false, ..job.flags };
    let file = assignment.paths.iter().position(|one| one == path).map(|at| assignment.files[at].clone());
    let one = WorkerAssignment {
        files: file.into_iter().collect(),
        paths: vec![path.to_owned()],
        extents: vec![extent],
        amount: extent.len,
        cpus: None,
        io_wq_cpus: None,
    };
    let mut ring = Ring::open(one.files.clone(), LAYOUT_DEPTH, layout.largest_block(), layout.flags, &Memory::Local)?;
    let mut pattern = Pattern::new(&layout, &one.extents, 0, one.amount);
    let mut written = 0;
    let mut next = || pattern.next().inspect(|op| written = op.offset);
    let done = send_unmeasured(&mut ring, rules(&layout, 0, &one), &mut next);
    done.map(|_| ()).map_err(|failure| describe(failure, &one, written.saturating_sub(extent.start)))
}
