//! Block devices that are no drives, by the names that the kernel gives them.

/// What the name of a device begins with, and what such a device is. A number, or `_` and a name, follows.
const KINDS: [(&str, &str); 16] = [
    ("loop", "a file on another file system"),
    ("zram", "compressed memory"),
    ("ram", "memory"),
    ("pmem", "persistent memory"),
    ("nullb", "a test device that keeps nothing"),
    ("ublkb", "a device that a program answers for"),
    ("dm-", "a map of other devices"),
    ("md", "an array of other devices"),
    ("bcache", "a cache before another device"),
    ("zd", "a volume of a ZFS pool"),
    ("nbd", "a device of another host"),
    ("rbd", "a device of another host"),
    ("drbd", "a mirror to another host"),
    ("sr", "an optical drive"),
    ("fd", "a floppy drive"),
    ("mtdblock", "flash without a controller"),
];

/// What a whole block device is that is no drive: one that other devices, files, memory or hosts stand behind, or that has
/// no data of its own to keep. `None` for a name that drives have, and those of a hypervisor.
#[must_use]
pub fn what_is_no_drive(name: &str) -> Option<&'static str> {
    let begins = |prefix: &str| {
        name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '_'))
    };
    if begins("mmcblk") && (name.contains("boot") || name.contains("rpmb")) {
        return Some("a boot area of an eMMC");
    }
    KINDS.iter().find(|(prefix, _)| begins(prefix)).map(|(_, what)| *what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_called_what_they_are() {
        let check = |name: &str, expect: Option<&str>| assert_eq!(what_is_no_drive(name), expect, "{name}");
        for drive in ["nvme0n1", "sda", "sdaa", "vda", "xvdb", "mmcblk0", "hda", "dasda", "srx", "mdadm", "fdx"] {
            check(drive, None);
        }
        check("loop7", Some("a file on another file system"));
        check("zram0", Some("compressed memory"));
        check("ram15", Some("memory"));
        check("dm-12", Some("a map of other devices"));
        check("md127", Some("an array of other devices"));
        check("md_data", Some("an array of other devices"));
        check("bcache0", Some("a cache before another device"));
        check("pmem0", Some("persistent memory"));
        check("pmem1.1s", Some("persistent memory"));
        check("nullb0", Some("a test device that keeps nothing"));
        check("ublkb3", Some("a device that a program answers for"));
        check("drbd1", Some("a mirror to another host"));
        check("mmcblk0boot1", Some("a boot area of an eMMC"));
        check("mmcblk0rpmb", Some("a boot area of an eMMC"));
    }
}
