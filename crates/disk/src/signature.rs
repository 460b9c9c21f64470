//! What is on a device already: file systems, partition tables, members of pools, swap areas.

use std::io::{self, Read, Seek, SeekFrom};

use crate::data::{self, SECTOR};

/// Where a signature lies.
#[derive(Clone, Copy, Debug)]
enum At {
    /// Bytes from the start.
    Start(u64),
    /// In a block near the end: the last whole `unit`, less `back` bytes.
    End { unit: u64, back: u64 },
}

/// A row: what it is, where it lies, what it looks like.
struct Signature {
    what: &'static str,
    at: At,
    magic: &'static [u8],
}

const fn start(what: &'static str, at: u64, magic: &'static [u8]) -> Signature {
    Signature { what, at: At::Start(at), magic }
}

const fn end(what: &'static str, unit: u64, back: u64, magic: &'static [u8]) -> Signature {
    Signature { what, at: At::End { unit, back }, magic }
}

/// Sources of the offsets and magic numbers: the on-disk formats as the kernel's headers and the projects document them.
const TABLE: &[Signature] = &[
    start("a GPT partition table", 512, b"EFI PART"),
    start("a GPT partition table", 4096, b"EFI PART"),
    end("a GPT partition table (backup)", 512, 512, b"EFI PART"),
    end("a GPT partition table (backup)", 4096, 4096, b"EFI PART"),
    start("an ext file system", 0x438, &[0x53, 0xEF]),
    start("an XFS file system", 0, b"XFSB"),
    start("a Btrfs file system", 0x1_0040, b"_BHRfS_M"),
    start("a bcachefs or bcache device", 4096 + 24, &[0xC6, 0x85, 0x73, 0xF6, 0x4E, 0x1A, 0x45, 0xCA]),
    start("a bcachefs or bcache device", 4096 + 24, &[0xC6, 0x85, 0x73, 0xF6, 0x66, 0xCE, 0x90, 0xA9]),
    start("an F2FS file system", 1024, &[0x10, 0x20, 0xF5, 0xF2]),
    start("an EROFS file system", 1024, &[0xE2, 0xE1, 0xF5, 0xE0]),
    start("a NILFS2 file system", 1024 + 6, &[0x34, 0x34]),
    start("a squashfs file system", 0, b"hsqs"),
    start("a JFS file system", 32768, b"JFS1"),
    start("a ReiserFS file system", 65536 + 52, b"ReIsEr"),
    start("an ISO 9660 file system", 32769, b"CD001"),
    start("a UDF file system", 32769 + 2048, b"NSR0"),
    start("an NTFS file system", 3, b"NTFS    "),
    start("an exFAT file system", 3, b"EXFAT   "),
    start("a FAT file system", 54, b"FAT1"),
    start("a FAT file system", 82, b"FAT32   "),
    start("a GFS2 or OCFS2 cluster file system", 65536, &[0x01, 0x16, 0x19, 0x70]),
    start("a GFS2 or OCFS2 cluster file system", 8192, b"OCFSV2"),
    start("a swap area", 4096 - 10, b"SWAPSPACE2"),
    start("a swap area", 8192 - 10, b"SWAPSPACE2"),
    start("a swap area", 16384 - 10, b"SWAPSPACE2"),
    start("a swap area", 65536 - 10, b"SWAPSPACE2"),
    start("a hibernation image", 4096 - 10, b"S1SUSPEND"),
    start("an encrypted volume (LUKS)", 0, b"LUKS\xBA\xBE"),
    start("an LVM physical volume", 0, b"LABELONE"),
    start("an LVM physical volume", 512, b"LABELONE"),
    start("an LVM physical volume", 1024, b"LABELONE"),
    start("an LVM physical volume", 1536, b"LABELONE"),
    start("a member of a Linux RAID", 0, &[0xFC, 0x4E, 0x2B, 0xA9]),
    start("a member of a Linux RAID", 4096, &[0xFC, 0x4E, 0x2B, 0xA9]),
    end("a member of a Linux RAID", 4096, 8192, &[0xFC, 0x4E, 0x2B, 0xA9]),
    end("a member of a Linux RAID", 65536, 65536, &[0xFC, 0x4E, 0x2B, 0xA9]),
    start("a Ceph BlueStore device", 0, b"bluestore block device"),
    start("a VMFS volume", 0x0010_0000, &[0x0D, 0xD0, 0x01, 0xC0]),
    start("a device-mapper integrity volume", 0, b"integrt"),
    start("a dm-verity volume", 0, b"verity\0\0"),
    start("a Stratis pool member", 512 + 4, b"!Stra0tis\x86\xff\x02^\x41rh"),
];

/// A ZFS label's size; there are two at the start and two at the end of a device.
const ZFS_LABEL: u64 = 256 << 10;
/// The ring of uberblocks takes the second half of a label, in slots of at least 1 KiB.
const ZFS_RING: u64 = 128 << 10;
const ZFS_MAGIC: u64 = 0x00BA_B10C;

/// Names of all that is found on a device or in an image of one, `len` bytes long. Only reads; what this program wrote is
/// nothing.
pub fn find<R: Read + Seek>(device: &mut R, len: u64) -> io::Result<Vec<&'static str>> {
    let mut found = Vec::new();
    for signature in TABLE {
        let size = signature.magic.len() as u64;
        let at = match signature.at {
            At::Start(at) => Some(at),
            At::End { unit, back } => (len / unit * unit).checked_sub(back),
        };
        let Some(at) = at.filter(|at| at + size <= len) else { continue };
        let mut bytes = vec![0; signature.magic.len()];
        // Random bytes of this program's own look like a short magic number now and then, like a long one never: there
        // somebody has changed a part of a sector.
        let read = if is_telling(bytes.len()) { read_all_at } else { read_at };
        read(device, at, &mut bytes)?;
        if bytes == signature.magic {
            found.push(signature.what);
        }
    }
    if boot_sector(device, len)? {
        found.push("a partition table or boot sector");
    }
    if zfs(device, len)? {
        found.push("a member of a ZFS pool");
    }
    found.dedup();
    Ok(found)
}

/// Whether a magic number is so long that no random bytes look like it.
pub(crate) fn is_telling(len: usize) -> bool {
    len >= 4
}

/// Whether the first sector ends as boot sectors do. Programs that write a partition table into it may keep what they find
/// before the table: in a sector of this program's own, a table whose four entries are active or not makes it one.
fn boot_sector<R: Read + Seek>(device: &mut R, len: u64) -> io::Result<bool> {
    if len < SECTOR as u64 {
        return Ok(false);
    }
    let mut sector = [0; SECTOR];
    read_all_at(device, 0, &mut sector)?;
    let table = [446, 462, 478, 494].iter().all(|&entry: &usize| matches!(sector[entry], 0 | 0x80));
    Ok(sector.ends_with(&[0x55, 0xAA]) && (table || !data::is_own(&sector, 0)))
}

/// Whether one of the four labels of ZFS has an uberblock, in either byte order.
fn zfs<R: Read + Seek>(device: &mut R, len: u64) -> io::Result<bool> {
    let whole = len / ZFS_LABEL * ZFS_LABEL;
    let back = |labels: u64| whole.checked_sub(labels * ZFS_LABEL);
    let mut ring = vec![0; usize::try_from(ZFS_RING).expect("128 KiB")];
    for label in [Some(0), Some(ZFS_LABEL), back(2), back(1)].into_iter().flatten() {
        if label + ZFS_LABEL > len {
            continue;
        }
        read_at(device, label + ZFS_LABEL - ZFS_RING, &mut ring)?;
        let is_magic = |slot: &[u8]| {
            slot.first_chunk::<8>()
                .is_some_and(|word| u64::from_le_bytes(*word) == ZFS_MAGIC || u64::from_be_bytes(*word) == ZFS_MAGIC)
        };
        if ring.chunks(1024).any(is_magic) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn read_all_at<R: Read + Seek>(device: &mut R, at: u64, bytes: &mut [u8]) -> io::Result<()> {
    device.seek(SeekFrom::Start(at))?;
    device.read_exact(bytes)
}

/// Reads what others wrote: sectors of this program's own are zeros.
pub(crate) fn read_at<R: Read + Seek>(device: &mut R, at: u64, bytes: &mut [u8]) -> io::Result<()> {
    let inside = usize::try_from(at % SECTOR as u64).expect("less than a sector");
    let mut whole = vec![0; inside + bytes.len()];
    device.seek(SeekFrom::Start(at - inside as u64))?;
    device.read_exact(&mut whole)?;
    data::zero_own_sectors(&mut whole, at - inside as u64);
    bytes.copy_from_slice(&whole[inside..]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    const SIZE: u64 = 4 << 20;

    fn image(at: u64, magic: &[u8]) -> Vec<u8> {
        let mut image = vec![0; usize::try_from(SIZE).unwrap()];
        let at = usize::try_from(at).unwrap();
        image[at..at + magic.len()].copy_from_slice(magic);
        image
    }

    fn check(image: &[u8], expect: &[&str]) {
        let before = image.to_vec();
        let mut device = Cursor::new(image);
        let found = find(&mut device, image.len() as u64).unwrap();
        assert_eq!(found, expect);
        assert_eq!(image, before);
    }

    #[test]
    fn each_row_is_found_where_it_lies() {
        for signature in TABLE {
            let at = match signature.at {
                At::Start(at) => at,
                At::End { unit, back } => SIZE / unit * unit - back,
            };
            let image = image(at, signature.magic);
            let found = find(&mut Cursor::new(&image), SIZE).unwrap();
            assert!(found.contains(&signature.what), "{}: {found:?}", signature.what);
        }
    }

    #[test]
    fn zfs_labels_at_both_ends_and_in_both_byte_orders() {
        let pool = ["a member of a ZFS pool"];
        check(&image(ZFS_RING, &ZFS_MAGIC.to_le_bytes()), &pool);
        check(&image(ZFS_LABEL + ZFS_RING + 5 * 4096, &ZFS_MAGIC.to_be_bytes()), &pool);
        check(&image(SIZE - ZFS_RING, &ZFS_MAGIC.to_le_bytes()), &pool);
        check(&image(SIZE - ZFS_LABEL - ZFS_RING + 1024, &ZFS_MAGIC.to_le_bytes()), &pool);
    }

    #[test]
    fn an_empty_device_has_none() {
        check(&vec![0; usize::try_from(SIZE).unwrap()], &[]);
        check(&[], &[]);
        check(&[0; 100], &[]);
    }

    proptest! {
        #[test]
        fn any_length_is_read_to_its_end(len in 0_usize..70_000, byte: u8) {
            let image = vec![byte; len];
            prop_assert!(find(&mut Cursor::new(&image), len as u64).is_ok());
        }
    }
}
