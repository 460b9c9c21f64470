//! What a task took, for whoever started it.

use std::fs;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{Kind, Work};
use crate::Error;
use crate::build_info::build;
use crate::pipeline::phases::{cpu_seconds, forget_peak, peak};

/// What one task took, alone: not what the process that did it had done before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The task.
    pub id: String,
    /// What it does.
    pub kind: Kind,
    /// Whether its files were there already, and nothing was done.
    #[serde(default)]
    pub already: bool,
    /// Rows of the input that it worked on; of a bucket, those whose records are in it.
    pub rows: u64,
    /// Bytes that it read: of the input's columns as they lie in the files, and of what other tasks wrote.
    pub read_bytes: u64,
    /// Bytes of the files that it wrote.
    pub written_bytes: u64,
    /// Wall time in seconds, from the start of the work.
    pub seconds: f64,
    /// CPU time of all threads in seconds, from the start of the work.
    pub cpu_seconds: f64,
    /// The most memory of the process that was resident during the task, in bytes; `None` where the kernel did not tell. What
    /// earlier tasks of the same process left to use again is in it; where the kernel does not let the peak be forgotten, so
    /// are their peaks.
    pub peak_bytes: Option<u64>,
    /// The host's name; empty where the kernel did not tell.
    pub host: String,
    /// CPUs that the process might use; empty where the kernel did not tell.
    pub cpus: Vec<u32>,
    /// Version, revision and profile of the program.
    pub build: String,
}

impl Work {
    /// Does a task, unless all of its files are there already, and says what that took. Meanwhile nothing else may be done with
    /// this work.
    ///
    /// # Errors
    ///
    /// If there is no such task, and as [`Work::run`].
    pub fn run_for_figures(&self, id: &str) -> Result<Figures, Error> {
        forget_peak();
        let (start, cpu, (read, written)) = (Instant::now(), cpu_seconds(), self.moved());
        let task = self.plan.task(id)?;
        let already = self.is_done(task);
        let placed = |error: Error| error.placed(&self.input, &self.folder);
        let rows = if already { 0 } else { self.run(task).map_err(placed)? };
        let (read_bytes, written_bytes) = self.moved();
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let build = build();
        Ok(Figures {
            id: task.id.clone(),
            kind: task.kind,
            already,
            rows,
            read_bytes: read_bytes - read,
            written_bytes: written_bytes - written,
            seconds: start.elapsed().as_secs_f64(),
            cpu_seconds: cpu_seconds() - cpu,
            peak_bytes: peak(),
            host: host.trim().to_owned(),
            cpus: machine::allowed_to_process().map(|cpus| cpus.iter().collect()).unwrap_or_default(),
            build: format!("{} {} {}", build.version, build.revision, build.profile),
        })
    }
}
