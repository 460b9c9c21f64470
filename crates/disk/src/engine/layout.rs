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
            for (start, len, block) in parts(planned.job, *extent) {
                write_out(planned.job, opened.direct, assignment, path, Extent { start, len }, block)?;
            }
            file.sync_all().map_err(|source| Error::File { path: path.clone(), what: "synced", source })?;
            if !opened.direct {
                // The measurement must not find the layout in the page cache; a refusal shows as amplification.
                let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
            }
        }
    }
    Ok(())
}

/// How an extent is written: the most of it in large blocks, the rest in those of the job; verified blocks have the job's
/// size everywhere. Start, bytes and block of each part.
fn parts(job: &Job, extent: Extent) -> impl Iterator<Item = (u64, u64, u32)> {
    let small = job.smallest_block();
    let block = if job.verify.is_some() { small } else { (LAYOUT_BLOCK / small).max(1) * small };
    let large = extent.len / u64::from(block) * u64::from(block);
    let parts = [(extent.start, large, block), (extent.start + large, extent.len - large, small)];
    parts.into_iter().filter(|(_, len, _)| *len > 0)
}

fn write_out(
    job: &Job,
    direct: bool,
    assignment: &WorkerAssignment,
    path: &Path,
    extent: Extent,
    block: u32,
) -> Result<(), Error> {
    let mut layout = Job::new(&job.name, job.target.clone());
    layout.blocks = [Blocks::of(block); 2];
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
    let mut next = |_| pattern.next().inspect(|op| written = op.offset);
    let done = send_unmeasured(&mut ring, rules(&layout, 0, &one), &mut next);
    done.map(|_| ()).map_err(|failure| describe(failure, &one, written.saturating_sub(extent.start)))
}
