//! Where storage was measured: a path, its file system, and the drives below.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Quantity, Unit};

/// Where the files lay that storage was measured on, as the system said it when they were made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoragePlace {
    /// The folder of the files.
    pub path: String,
    /// Where its file system is mounted.
    pub mount_point: String,
    /// `ext4`, `zfs`, `tmpfs`.
    pub file_system: String,
    /// The mount's source: a device, a dataset.
    pub source: String,
    /// What the file system lies on.
    pub drives: DrivesBelow,
    /// Bytes that were free before the files were made, where the system told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free: Option<u64>,
}

/// The drives below a file system, through arrays, logical volumes, encryption and partitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrivesBelow {
    /// These whole drives, by their kernel names.
    Known(Vec<String>),
    /// These devices of a hypervisor, which does not say what it keeps their data on.
    Virtual(Vec<String>),
    /// They cannot be told, and why.
    Unknown(String),
}

impl DrivesBelow {
    /// The kernel names, where there are some.
    #[must_use]
    pub fn names(&self) -> &[String] {
        match self {
            DrivesBelow::Known(names) | DrivesBelow::Virtual(names) => names,
            DrivesBelow::Unknown(_) => &[],
        }
    }

    /// Why the drives cannot be told; `None` where they can.
    #[must_use]
    pub fn why_unknown(&self) -> Option<String> {
        match self {
            DrivesBelow::Known(_) => None,
            DrivesBelow::Virtual(names) => {
                Some(format!("the hypervisor does not say what is behind {}", names.join(" and ")))
            }
            DrivesBelow::Unknown(why) => Some(why.clone()),
        }
    }
}

impl fmt::Display for DrivesBelow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DrivesBelow::Known(names) => f.write_str(&names.join(", ")),
            DrivesBelow::Virtual(names) => write!(f, "{} (virtual)", names.join(", ")),
            DrivesBelow::Unknown(_) => f.write_str("unknown drives"),
        }
    }
}

impl StoragePlace {
    /// With the folder, and why the drives cannot be told where that is so.
    #[must_use]
    pub fn in_full(&self) -> String {
        let why = self.drives.why_unknown().map(|why| format!("; which drives these are cannot be told: {why}"));
        format!("{}: {self}{}", self.path, why.unwrap_or_default())
    }
}

/// `nvme0n1, nvme1n1 (ext4 on /, 1.200 TB free)`.
impl fmt::Display for StoragePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} on {}", self.drives, self.file_system, self.mount_point)?;
        if let Some(free) = self.free {
            write!(f, ", {} free", Quantity::new(free as f64, Unit::Byte))?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_in_one_line_and_stored_as_it_is() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let check = |drives: DrivesBelow, free: Option<u64>, line: &str, stored: &str| {
            let place = StoragePlace {
                path: "/data/x".into(),
                mount_point: "/data".into(),
                file_system: "xfs".into(),
                source: "/dev/md0".into(),
                drives,
                free,
            };
            assert_eq!(place.to_string(), line);
            let full = place.in_full();
            assert!(full.starts_with(&format!("/data/x: {line}")), "{full}");
            assert_eq!(full.contains("cannot be told: "), !matches!(place.drives, DrivesBelow::Known(_)), "{full}");
            let text = serde_json::to_string(&place).unwrap();
            assert!(text.contains(stored), "{text}");
            assert_eq!(serde_json::from_str::<StoragePlace>(&text).unwrap(), place);
        };
        check(
            DrivesBelow::Known(names(&["nvme0n1", "nvme1n1"])),
            Some(1_200_000_000_000),
            "nvme0n1, nvme1n1 (xfs on /data, 1.200 TB free)",
            "\"drives\":{\"known\":[\"nvme0n1\",\"nvme1n1\"]},\"free\":1200000000000",
        );
        check(DrivesBelow::Virtual(names(&["vda"])), None, "vda (virtual) (xfs on /data)", "{\"virtual\":[\"vda\"]}}");
        check(
            DrivesBelow::Unknown("a tmpfs".into()),
            None,
            "unknown drives (xfs on /data)",
            "{\"unknown\":\"a tmpfs\"}}",
        );
    }
}
