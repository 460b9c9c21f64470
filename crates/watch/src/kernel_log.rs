//! The kernel's log as far as it tells of faults of the hardware: `/dev/kmsg`, from the moment on at which the watch began.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};

/// Words by which a line tells of a fault, each with the part that it concerns. The first that fits names it.
const FAULTS: [(&str, &str); 18] = [
    ("machine check", "processor"),
    ("hardware error", "processor"),
    ("edac", "memory"),
    ("memory failure", "memory"),
    ("uncorrected error", "PCIe"),
    ("pcie bus error", "PCIe"),
    ("aer:", "PCIe"),
    ("link is down", "network"),
    ("critical medium error", "drive"),
    ("i/o error", "drive"),
    ("controller is down", "drive"),
    ("resetting controller", "drive"),
    ("nvrm: xid", "GPU"),
    ("temperature above threshold", "processor"),
    ("critical temperature", "processor"),
    ("soft lockup", "processor"),
    ("hard lockup", "processor"),
    ("blocked for more than", "kernel"),
];

/// Words of lines that tell of no fault: what is told at a start, and drives without a medium or behind a network.
const NO_FAULTS: [&str; 9] = [
    "enabled",
    "registered",
    "initialized",
    "edac mc: ver",
    "giving out device",
    "dev sr",
    "dev fd0",
    "dev loop",
    "dev nbd",
];

/// Lines of one look that are told of; a fault that repeats itself a thousand times a second is one.
const MOST_LINES: usize = 16;
/// No record of the log is longer.
const RECORD: usize = 8192;
/// Records that one look reads.
const MOST_RECORDS: usize = 4096;

/// The log behind its end.
#[derive(Debug)]
pub(crate) struct KernelLog(File);

impl KernelLog {
    /// Opens the log of the host under `root` at its end; `None` where it may not be read.
    pub(crate) fn open(root: &Path) -> Option<KernelLog> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mut file = File::from(open(root.join("dev/kmsg"), flags, Mode::empty()).ok()?);
        file.seek(SeekFrom::End(0)).ok()?;
        Some(KernelLog(file))
    }

    /// The lines since the last look that tell of a fault, each with the part.
    pub(crate) fn faults(&mut self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let mut buffer = [0; RECORD];
        for _ in 0..MOST_RECORDS {
            match self.0.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => faults.extend(String::from_utf8_lossy(&buffer[..length]).lines().filter_map(fault)),
                // A writer was faster than this reader and records are lost: the next read goes on behind them.
                Err(error) if error.raw_os_error() == Some(rustix::io::Errno::PIPE.raw_os_error()) => {}
                Err(_) => break,
            }
        }
        faults.dedup();
        faults.truncate(MOST_LINES);
        faults
    }
}

/// What a record tells of a fault: `3,1234,5678,-;mce: [Hardware Error]: …`. Lines with more of a record begin with a blank.
fn fault(record: &str) -> Option<(&'static str, String)> {
    let (head, text) = record.split_once(';')?;
    // Anybody may write there, but not as the kernel, which is facility 0.
    let facility = head.split(',').next()?.parse::<u32>().ok()? >> 3;
    let small = text.to_lowercase();
    if facility != 0 || NO_FAULTS.iter().any(|word| small.contains(word)) {
        return None;
    }
    let (_, part) = FAULTS.iter().find(|(words, _)| small.contains(words))?;
    Some((part, text.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    #[test]
    fn records_that_tell_of_a_fault() {
        let check = |record: &str, expect: Option<&str>| assert_eq!(fault(record).map(|(part, _)| part), expect);
        check("2,7,9,-;mce: [Hardware Error]: CPU 3: Machine Check: 0 Bank 5", Some("processor"));
        check("4,7,9,-;EDAC MC0: 1 CE memory read error on CPU_SrcID#0", Some("memory"));
        check("4,7,9,-;pcieport 0000:00:01.0: AER: Corrected error received", Some("PCIe"));
        check("3,7,9,-;blk_update_request: critical medium error, dev nvme0n1", Some("drive"));
        check("3,7,9,-;NVRM: Xid (PCI:0000:c1:00): 79", Some("GPU"));
        check("2,7,9,-;thermal thermal_zone0: critical temperature reached, shutting down", Some("processor"));
        check("12,7,9,-;mce: [Hardware Error]: written by a user", None);
        check("6,7,9,-;EDAC sbridge: Giving out device to module sb_edac.c", None);
        check("3,7,9,-;blk_update_request: I/O error, dev sr0, sector 0", None);
        check("3,7,9,-;I/O error, dev loop3, sector 0", None);
        check("3,7,9,-;blk_update_request: I/O error, dev nvme0n1, sector 8", Some("drive"));
        check("6,7,9,-;EDAC MC: Ver: 3.0.0", None);
        check("6,7,9,-;mce: CPU supports 32 MCE banks, machine check enabled", None);
        check("6,7,9,-;usb 1-1: new device", None);
        check(" SUBSYSTEM=machine check;x", None);
        check("machine check", None);
    }

    #[test]
    fn only_what_comes_after_the_beginning_is_told() {
        let root = tempfile::tempdir().unwrap();
        assert!(KernelLog::open(root.path()).is_none());
        let path = root.path().join("dev/kmsg");
        fs::create_dir(root.path().join("dev")).unwrap();
        fs::write(&path, "2,1,1,-;Machine check: old\n").unwrap();
        let mut log = KernelLog::open(root.path()).unwrap();
        assert_eq!(log.faults(), []);
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(b"6,2,2,-;hello\n2,3,3,-;Memory failure: 0x1\n DEVICE=x\n").unwrap();
        assert_eq!(log.faults(), [("memory", "Memory failure: 0x1".to_owned())]);
        assert_eq!(log.faults(), []);
    }
}
