//! Processes with their number of threads, their allocator and their CPUs set before anything of them starts: thread pools
//! are sized once, and the allocator reads its settings before `main`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::{env, thread};

use anyhow::{Context, Result};
use machine::{CpuSet, keep_to};
use record::worker::die_with_parent;

/// The variable that Polars takes its number of threads from.
const THREADS: &str = "POLARS_MAX_THREADS";
/// The variable that jemalloc takes its settings from, and ours: huge pages, and large blocks that are kept for the next
/// column like small ones.
const ALLOCATOR: (&str, &str) = ("_RJEM_MALLOC_CONF", "thp:always,metadata_thp:auto,oversize_threshold:0");

/// What is set before a process of `threads` threads starts.
pub(crate) fn environment(threads: usize) -> [(&'static str, String); 2] {
    [(THREADS, threads.to_string()), (ALLOCATOR.0, ALLOCATOR.1.to_owned())]
}

/// Ends this process with `parent`, starts this program again in its own place unless its environment is set already, then keeps it to `cpus`.
///
/// # Errors
///
/// If the parent is gone, the program cannot be started again, or may not use those CPUs.
pub fn ensure(threads: Option<usize>, cpus: Option<&str>, parent: Option<u32>) -> Result<()> {
    if let Some(parent) = parent {
        die_with_parent(parent)?;
    }
    let set = env::var_os(ALLOCATOR.0).is_some() && env::var_os(THREADS).is_some();
    let wanted = threads.map(|threads| threads.to_string());
    if !set || wanted.is_some_and(|wanted| env::var(THREADS).ok() != Some(wanted)) {
        let threads = match threads {
            Some(threads) => threads,
            None => thread::available_parallelism().context("could not count the processors")?.get(),
        };
        let program = env::current_exe().context("could not find this program's own file")?;
        let arguments: Vec<OsString> = env::args_os().skip(1).collect();
        // Only a failure comes back.
        let error = Command::new(program).args(arguments).envs(environment(threads)).exec();
        return Err(error).context("could not start this program again with its environment set");
    }
    if let Some(cpus) = cpus {
        let cpus: CpuSet = cpus.parse().map_err(|error| anyhow::anyhow!("--cpus: {error}"))?;
        keep_to(&cpus)?;
    }
    Ok(())
}
