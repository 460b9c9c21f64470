//! What a watch over a host reads of its parts, and what it calls an incident, as plain data.

use serde::{Deserialize, Serialize};

use crate::Unit;

/// What is watched of a part of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vital {
    /// Temperature of a processor, memory module, drive or GPU.
    Temperature,
    /// Memory errors that were corrected.
    CorrectedErrors,
    /// Memory errors that could not be corrected.
    UncorrectedErrors,
    /// Machine checks that interrupted a processor.
    MachineChecks,
    /// Errors that a PCIe link corrected.
    PcieCorrected,
    /// Errors that a PCIe link could not correct.
    PcieUncorrected,
    /// Lanes that a PCIe link runs on.
    LinkLanes,
    /// Generation that a PCIe link runs at.
    LinkGeneration,
    /// Errors of a drive's media.
    MediaErrors,
    /// Bits of a drive's critical warning.
    CriticalWarning,
    /// Endurance that a drive has used, as a share.
    Wear,
    /// Spare capacity that a drive has left, as a share.
    Spare,
    /// Seconds that a drive ran slower to cool down.
    DriveThrottled,
    /// Mean time that a drive took for a request since the reading before.
    AnswerTime,
    /// How often a processor throttled itself.
    Throttles,
    /// Seconds that a processor package was throttled.
    Throttled,
    /// Mean clock of the processors.
    Clock,
    /// Share of the processors' time that was used since the reading before.
    Busy,
    /// Turns a minute of a fan.
    Fan,
    /// Whether a power supply works, or the supplies are redundant: 1 or 0.
    Supply,
    /// Power in W.
    Power,
    /// Whether a device is there: 1 or 0.
    Present,
    /// Lines of the kernel's log that tell of a fault.
    KernelLog,
    /// Results of a load that are not what they must be.
    WrongResults,
}

impl Vital {
    /// All of them.
    pub const ALL: [Vital; 24] = [
        Vital::Temperature,
        Vital::CorrectedErrors,
        Vital::UncorrectedErrors,
        Vital::MachineChecks,
        Vital::PcieCorrected,
        Vital::PcieUncorrected,
        Vital::LinkLanes,
        Vital::LinkGeneration,
        Vital::MediaErrors,
        Vital::CriticalWarning,
        Vital::Wear,
        Vital::Spare,
        Vital::DriveThrottled,
        Vital::AnswerTime,
        Vital::Throttles,
        Vital::Throttled,
        Vital::Clock,
        Vital::Busy,
        Vital::Fan,
        Vital::Supply,
        Vital::Power,
        Vital::Present,
        Vital::KernelLog,
        Vital::WrongResults,
    ];

    /// The name in records, in the Prometheus file and in the environment of a command.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Vital::Temperature => "temperature",
            Vital::CorrectedErrors => "corrected_errors",
            Vital::UncorrectedErrors => "uncorrected_errors",
            Vital::MachineChecks => "machine_checks",
            Vital::PcieCorrected => "pcie_corrected",
            Vital::PcieUncorrected => "pcie_uncorrected",
            Vital::LinkLanes => "link_lanes",
            Vital::LinkGeneration => "link_generation",
            Vital::MediaErrors => "media_errors",
            Vital::CriticalWarning => "critical_warning",
            Vital::Wear => "wear",
            Vital::Spare => "spare",
            Vital::DriveThrottled => "drive_throttled",
            Vital::AnswerTime => "answer_time",
            Vital::Throttles => "throttles",
            Vital::Throttled => "throttled",
            Vital::Clock => "clock",
            Vital::Busy => "busy",
            Vital::Fan => "fan",
            Vital::Supply => "supply",
            Vital::Power => "power",
            Vital::Present => "present",
            Vital::KernelLog => "kernel_log",
            Vital::WrongResults => "wrong_results",
        }
    }

    /// What it is in the words of a message.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Vital::Temperature => "temperature",
            Vital::CorrectedErrors => "corrected memory errors",
            Vital::UncorrectedErrors => "uncorrected memory errors",
            Vital::MachineChecks => "machine checks",
            Vital::PcieCorrected => "corrected PCIe errors",
            Vital::PcieUncorrected => "uncorrected PCIe errors",
            Vital::LinkLanes => "lanes of the PCIe link",
            Vital::LinkGeneration => "generation of the PCIe link",
            Vital::MediaErrors => "media errors",
            Vital::CriticalWarning => "bits of the drive's critical warning",
            Vital::Wear => "endurance used",
            Vital::Spare => "spare capacity left",
            Vital::DriveThrottled => "time slowed down by heat",
            Vital::AnswerTime => "mean time of a request",
            Vital::Throttles => "times throttled",
            Vital::Throttled => "time throttled",
            Vital::Clock => "clock under load",
            Vital::Busy => "time in use",
            Vital::Fan => "turns a minute",
            Vital::Supply => "supplies that work",
            Vital::Power => "power",
            Vital::Present => "devices present",
            Vital::KernelLog => "words of the kernel",
            Vital::WrongResults => "wrong results of a load",
        }
    }

    /// The unit of its values.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Vital::Temperature => Unit::Celsius,
            Vital::Wear | Vital::Spare | Vital::Busy => Unit::Ratio,
            Vital::DriveThrottled | Vital::AnswerTime | Vital::Throttled => Unit::Second,
            Vital::Clock => Unit::Hertz,
            Vital::Power => Unit::Watt,
            Vital::CorrectedErrors
            | Vital::UncorrectedErrors
            | Vital::MachineChecks
            | Vital::PcieCorrected
            | Vital::PcieUncorrected
            | Vital::LinkLanes
            | Vital::LinkGeneration
            | Vital::MediaErrors
            | Vital::CriticalWarning
            | Vital::Throttles
            | Vital::Fan
            | Vital::Supply
            | Vital::Present
            | Vital::KernelLog
            | Vital::WrongResults => Unit::Count,
        }
    }
}

/// A value that was read of a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sign {
    /// The part: `DIMM_A1`, `0000:c1:00.0`, `nvme0`.
    pub part: String,
    /// What was read of it.
    pub vital: Vital,
    /// The value, in the unit of the vital.
    pub value: f64,
}

/// A limit that broke.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// When, in seconds since 1970.
    pub at: f64,
    /// The part.
    pub part: String,
    /// What broke.
    pub vital: Vital,
    /// The value; of a counter by how much it grew, of the kernel's log 1.
    pub value: f64,
    /// The limit; `None` where there is no figure.
    pub limit: Option<f64>,
    /// All of it in a sentence.
    pub says: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_vitals_are_listed_once_by_the_name_that_records_have() {
        for (index, vital) in Vital::ALL.into_iter().enumerate() {
            assert_eq!(vital as usize, index);
            assert_eq!(serde_json::to_string(&vital).unwrap(), format!("{:?}", vital.name()));
        }
        assert_eq!(Vital::WrongResults as usize + 1, Vital::ALL.len());
    }
}
