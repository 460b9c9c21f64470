//! Which CPUs threads may use: asked, set, and verified.

use std::fs;
use std::path::Path;

use core_affinity::CoreId;
use rustix::thread::{self, sched_getaffinity};

use crate::{CpuSet, Error};

/// The CPUs that the calling thread may use: what control groups, `taskset` and the like leave, and is online.
pub fn allowed() -> Result<CpuSet, Error> {
    allowed_to(None)
}

/// The CPUs that the threads of this process may use, all together.
///
/// # Errors
///
/// If the kernel does not tell.
pub fn allowed_to_process() -> Result<CpuSet, Error> {
    let unknown =
        |error| Error::Placement(format!("the threads of this process are unknown (/proc/self/task): {error}"));
    let mut all = CpuSet::default();
    for entry in fs::read_dir("/proc/self/task").map_err(unknown)? {
        let name = entry.map_err(unknown)?.file_name();
        let id = name.to_str().and_then(|name| name.parse().ok()).and_then(thread::Pid::from_raw);
        // A thread that has ended meanwhile runs nowhere.
        let cpus = id.and_then(|id| allowed_to(Some(id)).ok()).unwrap_or_default();
        all.0.extend(cpus.0);
    }
    Ok(all)
}

fn allowed_to(thread_id: Option<thread::Pid>) -> Result<CpuSet, Error> {
    let mask = sched_getaffinity(thread_id).map_err(|error| {
        Error::Placement(format!(
            "the kernel did not tell which CPUs this process may use ({error}); more than {} CPUs are not supported",
            thread::CpuSet::MAX_CPU
        ))
    })?;
    let most = u32::try_from(thread::CpuSet::MAX_CPU).unwrap_or(u32::MAX);
    Ok((0..most).filter(|&cpu| mask.is_set(cpu as usize)).collect())
}

/// The CPUs that are there but switched off, by sysfs.
#[must_use]
pub fn offline(root: &Path) -> CpuSet {
    listed(root, "present").zip(online(root)).map(|(present, on)| present.difference(&on)).unwrap_or_default()
}

/// The CPUs that are switched on, by sysfs.
#[must_use]
pub fn online(root: &Path) -> Option<CpuSet> {
    listed(root, "online")
}

fn listed(root: &Path, name: &str) -> Option<CpuSet> {
    let text = fs::read_to_string(root.join("sys/devices/system/cpu").join(name)).ok()?;
    text.parse().ok()
}

/// Pins the calling thread to one CPU, and verifies it.
pub(crate) fn pin(cpu: u32) -> Result<(), Error> {
    let id = cpu as usize;
    // core_affinity pins to one CPU, and knows no other set: what threads may use is asked and kept by rustix. It writes into
    // a mask of fixed size.
    if id >= thread::CpuSet::MAX_CPU || !core_affinity::set_for_current(CoreId { id }) {
        let why = "it is offline, absent, or this process may not use it; plan again".to_owned();
        return Err(Error::Worker { cpu, what: "pinned", why });
    }
    verify(cpu)
}

/// Keeps the calling thread, and those that it starts, to some CPUs, and verifies it.
pub fn keep_to(cpus: &CpuSet) -> Result<(), Error> {
    let mut mask = thread::CpuSet::new();
    for cpu in cpus.0.iter().map(|&cpu| cpu as usize).filter(|&cpu| cpu < thread::CpuSet::MAX_CPU) {
        mask.set(cpu);
    }
    thread::sched_setaffinity(None, &mask)
        .map_err(|error| Error::Placement(format!("this process may not keep to the CPUs `{cpus}`: {error}")))?;
    let left = allowed()?;
    if left == *cpus {
        Ok(())
    } else {
        Err(Error::Placement(format!("of the CPUs `{cpus}`, this process may use `{left}`")))
    }
}

/// That the calling thread may run on this CPU only, by `sched_getaffinity`.
pub(crate) fn verify(cpu: u32) -> Result<(), Error> {
    let mask = allowed()?;
    if mask.len() == 1 && mask.contains(cpu) {
        Ok(())
    } else {
        Err(Error::Worker { cpu, what: "verified", why: format!("the kernel lets it run on the CPUs {mask}") })
    }
}

/// How often the kernel has moved the calling thread between CPUs; `None` where it does not tell.
pub(crate) fn migrations() -> Option<u64> {
    let text = fs::read_to_string("/proc/thread-self/sched").ok()?;
    let line = text.lines().find(|line| line.starts_with("se.nr_migrations "))?;
    line.rsplit(':').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_use_what_its_threads_may() {
        let whole = allowed().unwrap();
        let one = *whole.0.first().unwrap();
        std::thread::spawn(move || {
            pin(one).unwrap();
            assert_eq!(allowed_to_process().unwrap(), whole, "the other threads are not pinned");
        })
        .join()
        .unwrap();
    }

    #[test]
    fn cpus_that_are_switched_off() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("sys/devices/system/cpu");
        fs::create_dir_all(&folder).unwrap();
        assert_eq!((online(root.path()), offline(root.path())), (None, CpuSet::default()));
        fs::write(folder.join("present"), "0-7\n").unwrap();
        fs::write(folder.join("online"), "0-3,6\n").unwrap();
        assert_eq!(offline(root.path()).to_string(), "4-5,7");
    }
}
