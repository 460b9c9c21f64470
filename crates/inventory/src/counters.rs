//! What the kernel counts in `/proc/stat` and `/proc/PID/stat` (proc(5)), one line at a time.
//!
//! Not by the crate `procfs-core`, whose parsers take whole files: `KernelStats` has CPUs by their place in the file and not
//! by their number, which is another once one is offline; `Stat` panics where a line ends after the name, as one that is cut
//! does; `Meminfo` fails where one of 18 fields is missing, and does not read those of a node; and a list of mounts fails at
//! one odd line. Here what cannot be read is one reading less.

/// CPU time in ticks, since the host started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTicks {
    /// Spent on processes and interrupts.
    pub busy: u64,
    /// Of these, on interrupts.
    pub interrupts: u64,
    /// That the hypervisor gave to others.
    pub steal: u64,
    /// All of it.
    pub all: u64,
}

impl CpuTicks {
    /// The fields after the name of a line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal. Guest
    /// time, which follows, is part of user time.
    #[must_use]
    pub fn parse(fields: &str) -> Option<CpuTicks> {
        let fields: Vec<u64> = fields.split_whitespace().take(8).filter_map(|field| field.parse().ok()).collect();
        let &[user, nice, system, idle, wait, irq, softirq, steal] = fields.as_slice() else { return None };
        let sum = |parts: &[u64]| parts.iter().copied().fold(0, u64::saturating_add);
        let busy = sum(&[user, nice, system, irq, softirq]);
        Some(CpuTicks { busy, interrupts: sum(&[irq, softirq]), steal, all: sum(&[busy, idle, wait, steal]) })
    }

    /// The sum of two CPUs.
    #[must_use]
    pub fn plus(self, other: CpuTicks) -> CpuTicks {
        self.each(other, u64::saturating_add)
    }

    /// What was counted since an earlier time.
    #[must_use]
    pub fn since(self, before: CpuTicks) -> CpuTicks {
        self.each(before, u64::saturating_sub)
    }

    fn each(self, other: CpuTicks, of: fn(u64, u64) -> u64) -> CpuTicks {
        CpuTicks {
            busy: of(self.busy, other.busy),
            interrupts: of(self.interrupts, other.interrupts),
            steal: of(self.steal, other.steal),
            all: of(self.all, other.all),
        }
    }
}

/// What a process counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessCounters {
    /// Its name, as it gave it to itself.
    pub name: String,
    /// The process that started it.
    pub parent: u32,
    /// Page faults that were answered from memory.
    pub minor_faults: u64,
    /// Page faults that had to wait for a drive.
    pub major_faults: u64,
    /// CPU time, user and system, in ticks.
    pub ticks: u64,
    /// CPU time of the children that it waited for, in ticks.
    pub waited_for: u64,
}

impl ProcessCounters {
    /// The text of `/proc/PID/stat`.
    #[must_use]
    pub fn parse(stat: &str) -> Option<ProcessCounters> {
        // The name may itself hold brackets and blanks. After it come the fields from the third on.
        let (head, rest) = stat.rsplit_once(')')?;
        let name = head.split_once('(')?.1.to_owned();
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(ProcessCounters {
            name,
            parent: u32::try_from(field(4)?).ok()?,
            minor_faults: field(10)?,
            major_faults: field(12)?,
            ticks: field(14)?.saturating_add(field(15)?),
            waited_for: field(16)?.saturating_add(field(17)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_a_line() {
        let check = |fields: &str, expect: Option<(u64, u64, u64, u64)>| {
            let found = CpuTicks::parse(fields).map(|cpu| (cpu.busy, cpu.interrupts, cpu.steal, cpu.all));
            assert_eq!(found, expect, "{fields}");
        };
        check(" 1 2 3 4 5 6 7 8 9 10", Some((19, 13, 8, 36)));
        check("1 2 3 4 5 6 7", None);
        check("1 2 3 x 5 6 7 8", None);
        check("", None);
        check(&format!("{} 1 0 0 0 0 0 0", u64::MAX), Some((u64::MAX, 0, 0, u64::MAX)));
    }

    #[test]
    fn counters_of_a_process() {
        let check = |stat: &str, expect: Option<(&str, [u64; 5])>| {
            let found = ProcessCounters::parse(stat);
            let numbers = |process: &ProcessCounters| {
                let ProcessCounters { minor_faults, major_faults, ticks, waited_for, .. } = *process;
                [u64::from(process.parent), minor_faults, major_faults, ticks, waited_for]
            };
            assert_eq!(found.as_ref().map(|found| (found.name.as_str(), numbers(found))), expect, "{stat}");
        };
        check("7 (a (b) c) R 1 1 1 0 -1 0 10 0 12 0 14 15 16 17 20", Some(("a (b) c", [1, 10, 12, 29, 33])));
        check("7 (a) R 1 1 1 0 -1 0 10 0 12 0 14 15 16", None);
        check("7 (a)", None);
        check("(a", None);
        check("", None);
    }
}
