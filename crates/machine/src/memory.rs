//! How much memory and CPU time this process may take: by the machine, and by its control groups (v1 and v2).

use std::fs;
use std::path::{Path, PathBuf};

use crate::CpuSet;

/// Bytes that this process can take without swapping or being killed: what the kernel calls available, or what is left
/// in the tightest of its control groups, whichever is less. 0 where the kernel does not tell.
#[must_use]
pub fn memory_available() -> u64 {
    available(Path::new("/"))
}

pub(crate) fn available(root: &Path) -> u64 {
    let machine = meminfo(&root.join("proc/meminfo"), "MemAvailable:").unwrap_or(0);
    groups(root, "memory").iter().filter_map(|group| left_in(group)).fold(machine, u64::min)
}

/// Bytes of memory that the kernel manages; 0 where it does not tell.
pub(crate) fn total(root: &Path) -> u64 {
    meminfo(&root.join("proc/meminfo"), "MemTotal:").unwrap_or(0)
}

/// Whether at most one node has memory.
pub(crate) fn is_one_node(root: &Path) -> bool {
    let nodes = fs::read_to_string(root.join("sys/devices/system/node/has_memory"));
    nodes.ok().and_then(|text| text.parse::<CpuSet>().ok()).is_none_or(|nodes| nodes.len() <= 1)
}

/// Bytes that can be taken on one node: free, or caching files.
pub(crate) fn available_on_node(root: &Path, node: u32) -> Option<u64> {
    let path = root.join(format!("sys/devices/system/node/node{node}/meminfo"));
    let field = |name: &str| meminfo(&path, name);
    let cached = ["Active(file):", "Inactive(file):", "SReclaimable:"].into_iter().filter_map(field);
    Some(field("MemFree:")? + cached.sum::<u64>())
}

/// A limit that a control group sets, and the file that holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupLimit {
    /// The limit: CPUs, or bytes.
    pub value: f64,
    file: PathBuf,
}

impl GroupLimit {
    /// The command that lifts it.
    #[must_use]
    pub fn command(&self) -> String {
        // Version 1 has minus one for none.
        let version1 = self.file.extension().is_some_and(|kind| kind == "cfs_quota_us" || kind == "limit_in_bytes");
        let none = if version1 { "-1" } else { "max" };
        // Names of groups come from outside: nothing in them may be read by a shell.
        let file = self.file.display().to_string().replace('\'', "'\\''");
        format!("echo {none} | sudo tee '{file}'")
    }
}

/// How many CPUs' time the tightest control group grants; `None` where none limits it.
pub(crate) fn cpu_quota(root: &Path) -> Option<f64> {
    cpu_time_limit(root).map(|limit| limit.value)
}

/// The tightest limit of CPU time that a control group sets to this process, in CPUs.
#[must_use]
pub fn cpu_time_limit(root: &Path) -> Option<GroupLimit> {
    let quota = |group: &PathBuf| {
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|&number| number > 0.0);
        // v2: "max 100000" or "200000 100000" (µs in each period); v1: -1 or the same in two files.
        let file = group.join("cpu.max");
        if let Ok(text) = fs::read_to_string(&file) {
            let (quota, period) = text.trim().split_once(' ')?;
            return Some(GroupLimit { value: number(quota)? / number(period)?, file });
        }
        let file = group.join("cpu.cfs_quota_us");
        let read = |file: &Path| fs::read_to_string(file).ok().as_deref().and_then(number);
        Some(GroupLimit { value: read(&file)? / read(&group.join("cpu.cfs_period_us"))?, file })
    };
    tightest(groups(root, "cpu").iter().filter_map(quota))
}

/// The tightest limit of memory that a control group sets to this process, in bytes.
#[must_use]
pub fn memory_limit(root: &Path) -> Option<GroupLimit> {
    let limit = |group: &PathBuf| {
        let number = |name: &str| {
            let file = group.join(name);
            let bytes = fs::read_to_string(&file).ok()?.trim().parse::<u64>().ok()?;
            Some(GroupLimit { value: bytes as f64, file })
        };
        number("memory.max").or_else(|| number("memory.limit_in_bytes"))
    };
    tightest(groups(root, "memory").iter().filter_map(limit))
}

fn tightest(limits: impl Iterator<Item = GroupLimit>) -> Option<GroupLimit> {
    limits.min_by(|a, b| a.value.total_cmp(&b.value))
}

/// A field of a file like `/proc/meminfo` in bytes; the files of nodes begin each line with `Node 0`, which the
/// crate `procfs-core` does not read; and it refuses a file in which any of 18 fields is missing.
fn meminfo(path: &Path, field: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let mut words = text.lines().find(|line| line.split_whitespace().any(|word| word == field))?.split_whitespace();
    words.find(|&word| word == field)?;
    words.next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The folders of the control groups that bound a controller for this process, from its own to the root's.
fn groups(root: &Path, controller: &str) -> Vec<PathBuf> {
    let text = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let mut folders = Vec::new();
    for line in text.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(id), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let mount = root.join("sys/fs/cgroup");
        let mount = match controllers {
            "" if id == "0" => mount,
            controllers if controllers.split(',').any(|name| name == controller) => mount.join(controller),
            _ => continue,
        };
        // In a container the path may be that of the host, of which only the mount's root is visible: what is not
        // there is skipped by the readers.
        let path = Path::new(path.trim_start_matches('/'));
        folders.extend(path.ancestors().map(|ancestor| mount.join(ancestor)));
    }
    folders
}

/// Bytes left in one control group; `None` where it sets no limit.
fn left_in(group: &Path) -> Option<u64> {
    let number = |name: &str| fs::read_to_string(group.join(name)).ok()?.trim().parse::<u64>().ok();
    let v2 = number("memory.max").and_then(|limit| Some((limit, number("memory.current")?, "inactive_file")));
    let v1 = || Some((number("memory.limit_in_bytes")?, number("memory.usage_in_bytes")?, "total_inactive_file"));
    let (limit, used, reclaimable) = v2.or_else(v1)?;
    let stat = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let mut reclaimable = stat.lines().filter_map(|line| line.strip_prefix(reclaimable)?.trim().parse::<u64>().ok());
    Some(limit.saturating_sub(used.saturating_sub(reclaimable.next().unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of files in a temporary folder.
    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    const MEMINFO: (&str, &str) = ("proc/meminfo", "MemTotal: 4000 kB\nMemFree: 10 kB\nMemAvailable:    3000 kB\n");

    #[test]
    fn the_tightest_limit_counts() {
        let check = |files: &[(&str, &str)], expect: u64| {
            let mut all = vec![MEMINFO];
            all.extend(files);
            assert_eq!(available(tree(&all).path()), expect, "{files:?}");
        };
        check(&[], 3000 << 10);
        let v2 = ("proc/self/cgroup", "0::/a/b\n");
        check(&[v2, ("sys/fs/cgroup/a/b/memory.max", "max\n")], 3000 << 10);
        check(
            &[v2, ("sys/fs/cgroup/a/b/memory.max", "900000\n"), ("sys/fs/cgroup/a/b/memory.current", "500000\n")],
            400_000,
        );
        // the parent's limit is tighter, and files that it caches can be dropped
        check(
            &[
                v2,
                ("sys/fs/cgroup/a/b/memory.max", "900000\n"),
                ("sys/fs/cgroup/a/b/memory.current", "1000\n"),
                ("sys/fs/cgroup/a/memory.max", "600000\n"),
                ("sys/fs/cgroup/a/memory.current", "500000\n"),
                ("sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 300000\n"),
            ],
            400_000,
        );
        let v1 = ("proc/self/cgroup", "4:memory:/job\n3:cpuset:/\n0::/\n");
        check(
            &[
                v1,
                ("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "700000"),
                ("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "100000"),
                ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712"),
                ("sys/fs/cgroup/memory/memory.usage_in_bytes", "100000"),
            ],
            600_000,
        );
        // a container: the host's path is not visible, the mount is the container's own group
        check(
            &[
                ("proc/self/cgroup", "4:memory:/docker/abc\n"),
                ("sys/fs/cgroup/memory/memory.limit_in_bytes", "200000"),
                ("sys/fs/cgroup/memory/memory.usage_in_bytes", "300000"),
            ],
            0,
        );
    }

    #[test]
    fn quotas_of_cpu_time() {
        let check = |files: &[(&str, &str)], expect: Option<f64>| {
            assert_eq!(cpu_quota(tree(files).path()), expect, "{files:?}");
        };
        check(&[], None);
        let v2 = ("proc/self/cgroup", "0::/a\n");
        check(&[v2, ("sys/fs/cgroup/a/cpu.max", "max 100000\n")], None);
        check(&[v2, ("sys/fs/cgroup/a/cpu.max", "250000 100000\n")], Some(2.5));
        let v1 = ("proc/self/cgroup", "2:cpu,cpuacct:/a\n");
        let period = ("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
        check(&[v1, period, ("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "-1\n")], None);
        check(&[v1, period, ("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "50000\n")], Some(0.5));
    }

    #[test]
    fn a_limit_is_lifted_in_its_own_file() {
        let check = |files: &[(&str, &str)], quota: Option<&str>, memory: Option<&str>| {
            let root = tree(files);
            let command = |limit: Option<GroupLimit>| {
                limit.map(|limit| limit.command().replace(&root.path().display().to_string(), ""))
            };
            assert_eq!(command(cpu_time_limit(root.path())).as_deref(), quota);
            assert_eq!(command(memory_limit(root.path())).as_deref(), memory);
        };
        check(&[], None, None);
        check(
            &[
                ("proc/self/cgroup", "0::/a/b'c\n"),
                ("sys/fs/cgroup/a/b'c/cpu.max", "250000 100000\n"),
                ("sys/fs/cgroup/a/b'c/memory.max", "max\n"),
                ("sys/fs/cgroup/a/memory.max", "1000\n"),
            ],
            Some("echo max | sudo tee '/sys/fs/cgroup/a/b'\\''c/cpu.max'"),
            Some("echo max | sudo tee '/sys/fs/cgroup/a/memory.max'"),
        );
        check(
            &[
                ("proc/self/cgroup", "2:cpu,cpuacct:/a\n4:memory:/a\n"),
                ("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "50000\n"),
                ("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n"),
                ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1000\n"),
            ],
            Some("echo -1 | sudo tee '/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us'"),
            Some("echo -1 | sudo tee '/sys/fs/cgroup/memory/a/memory.limit_in_bytes'"),
        );
    }

    #[test]
    fn memory_of_a_node() {
        let file = "sys/devices/system/node/node1/meminfo";
        let text =
            "Node 1 MemTotal: 100 kB\nNode 1 MemFree: 40 kB\nNode 1 Active(file): 5 kB\nNode 1 SReclaimable: 2 kB\n";
        let root = tree(&[(file, text)]);
        assert_eq!(available_on_node(root.path(), 1), Some(47 << 10));
        assert_eq!(available_on_node(root.path(), 0), None);
        assert_eq!(total(tree(&[MEMINFO]).path()), 4000 << 10);
        for (text, expect) in [("0\n", true), ("0-1\n", false), ("", true)] {
            let root = tree(&[("sys/devices/system/node/has_memory", text)]);
            assert_eq!(is_one_node(root.path()), expect, "{text}");
        }
    }

    #[test]
    fn this_machine_has_memory() {
        assert!(memory_available() > 0);
    }
}
