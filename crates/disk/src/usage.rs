//! What a thread used of the CPU, and how many io-wq workers this process has.

use std::fs;
use std::path::Path;

/// CPU time, switches and faults of one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Seconds in user space, in steps of the kernel's tick (10 ms).
    pub user: f64,
    /// Seconds in the kernel.
    pub system: f64,
    /// Context switches.
    pub switches: u64,
    /// Page faults that read from a device.
    pub major_faults: u64,
    /// Page faults that did not.
    pub minor_faults: u64,
}

/// Ticks a second of CPU times in `/proc`: `USER_HZ` is 100 on every architecture that Linux runs x86-64 code on.
const USER_HZ: f64 = 100.0;

impl Usage {
    /// What the calling thread has used so far.
    pub(crate) fn now() -> Usage {
        let read = |name: &str| fs::read_to_string(Path::new("/proc/thread-self").join(name)).unwrap_or_default();
        Usage::parse(&read("stat"), &read("status"))
    }

    fn parse(stat: &str, status: &str) -> Usage {
        // The name in parentheses may hold blanks: the fields after it are counted from its end.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        let switches = status.lines().filter(|line| line.contains("ctxt_switches"));
        Usage {
            user: field(14) as f64 / USER_HZ,
            system: field(15) as f64 / USER_HZ,
            switches: switches.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum(),
            major_faults: field(12),
            minor_faults: field(10),
        }
    }

    /// What was used since `before`.
    pub(crate) fn since(&self, before: &Usage) -> Usage {
        Usage {
            user: self.user - before.user,
            system: self.system - before.system,
            switches: self.switches.saturating_sub(before.switches),
            major_faults: self.major_faults.saturating_sub(before.major_faults),
            minor_faults: self.minor_faults.saturating_sub(before.minor_faults),
        }
    }

    /// Adds what another thread used.
    pub(crate) fn add(&mut self, other: &Usage) {
        self.user += other.user;
        self.system += other.system;
        self.switches += other.switches;
        self.major_faults += other.major_faults;
        self.minor_faults += other.minor_faults;
    }
}

/// The io-wq workers of this process: threads that `io_uring` started because a request could not be done without blocking.
pub(crate) fn io_wq_threads(root: &Path) -> usize {
    let tasks = fs::read_dir(root.join("proc/self/task")).into_iter().flatten().flatten();
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("iou-wrk")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_after_the_name() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 64 11 12 13 14 150 250 0 0 20 0 1 0 99";
        let status = "Name:\ta\nvoluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t2\n";
        let usage = Usage::parse(stat, status);
        let expect = Usage { user: 1.5, system: 2.5, switches: 7, major_faults: 13, minor_faults: 11 };
        assert_eq!(usage, expect);
        assert_eq!(Usage::parse("", ""), Usage::default());
    }
}
