//! Processes with their number of threads, their allocator and their CPUs set before anything of them starts: thread pools
//! are sized once, and the allocator reads its settings before `main`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::{env, fs, thread};

use anyhow::{Context, Result};
use machine::{CpuSet, keep_to};
use pipe::worker::die_with_parent;

/// The variable that Polars takes its number of threads from.
const THREADS: &str = "POLARS_MAX_THREADS";
/// The variable that jemalloc takes its settings from.
const ALLOCATOR: &str = "_RJEM_MALLOC_CONF";
/// Ours: what was freed is kept for the next column, large blocks like small ones: the kernel clears each page that it gives,
/// which took a third of all CPU time.
const SETTINGS: &str = "metadata_thp:auto,oversize_threshold:0,dirty_decay_ms:-1,muzzy_decay_ms:-1";
/// Threads that share what they freed: with one arena for each, what one frees another takes from the kernel anew.
const THREADS_AN_ARENA: usize = 8;

/// What is set before a process of `threads` threads starts.
pub(crate) fn environment(threads: usize) -> [(&'static str, String); 2] {
    let (pages, arenas) = (huge_pages(is_virtual()), threads.div_ceil(THREADS_AN_ARENA));
    [(THREADS, threads.to_string()), (ALLOCATOR, format!("{SETTINGS},thp:{pages},narenas:{arenas}"))]
}

/// Huge pages; on a virtual machine what its kernel is set to, because there the first touch of one was three times as slow
/// (METHODOLOGY has the figures).
fn huge_pages(is_virtual: bool) -> &'static str {
    if is_virtual { "default" } else { "always" }
}

fn is_virtual() -> bool {
    fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| text.split_whitespace().any(|flag| flag == "hypervisor"))
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
    let set = env::var_os(ALLOCATOR).is_some() && env::var_os(THREADS).is_some();
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
