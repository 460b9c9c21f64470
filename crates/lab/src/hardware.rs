//! The machine that is put together: the documented one as far as an emulator can state it, smaller where it must be.

/// A DIMM of the firmware's tables.
#[derive(Clone, Debug)]
pub(crate) struct Dimm {
    /// Size in GiB.
    pub(crate) gib: u32,
    /// Configured transfers a second, in millions.
    pub(crate) rate: u16,
}

/// What is wrong with a drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Every read fails (QEMU's blkdebug).
    Errs,
    /// It does this many operations a second (QEMU's throttle).
    Slow(u32),
    /// Its SMART log raises the warning that its reliability is degraded.
    Worn,
}

/// An NVMe drive.
#[derive(Clone, Debug)]
pub(crate) struct Drive {
    /// Serial number, by which everything here names it.
    pub(crate) serial: String,
    /// Size in bytes.
    pub(crate) bytes: u64,
    /// The NUMA node of its PCIe root.
    pub(crate) node: u32,
    pub(crate) trouble: Option<Trouble>,
}

/// A machine.
#[derive(Clone, Debug)]
pub(crate) struct Hardware {
    /// Version of the BIOS.
    pub(crate) bios: &'static str,
    pub(crate) dimms: Vec<Dimm>,
    /// Memory of each NUMA node in MiB; 0 is a node of CPUs alone.
    pub(crate) node_mib: [u32; 4],
    pub(crate) drives: Vec<Drive>,
}

/// One CPU a node, two nodes a socket: threads that wait for each other by spinning share the few cores of the host.
pub(crate) const CPUS: u32 = 4;
/// Holds the root with the suite and its records.
pub(crate) const BOOT_BYTES: u64 = 768 << 20;
const SCRATCH_BYTES: u64 = 256 << 20;

impl Hardware {
    /// Two sockets, four nodes, 16 DIMMs that say 128 GiB, two boot and six scratch drives.
    pub(crate) fn documented() -> Hardware {
        let drive = |serial: String, bytes, number: u32| Drive { serial, bytes, node: number % 2 * 2, trouble: None };
        let boot = (0..2).map(|number| drive(format!("BOOT{number}"), BOOT_BYTES, number));
        let scratch = (0..6).map(|number| drive(format!("SCRATCH{number}"), SCRATCH_BYTES, number));
        Hardware {
            bios: "1.0",
            dimms: vec![Dimm { gib: 128, rate: 5600 }; 16],
            node_mib: [1024; 4],
            drives: boot.chain(scratch).collect(),
        }
    }

    /// The drive with this serial number.
    pub(crate) fn drive(&mut self, serial: &str) -> Option<&mut Drive> {
        self.drives.iter_mut().find(|drive| drive.serial == serial)
    }
}
