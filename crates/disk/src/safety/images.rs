//! What images of devices look like: by hand, the bytes that each format's documents put at fixed places.

/// Where bytes lie in an image.
#[derive(Clone, Copy)]
pub(super) enum At {
    /// From the start.
    Start(u64),
    /// Before the end.
    End(u64),
}

use At::{End, Start};

const MIB: u64 = 1 << 20;

/// Bytes of an image where its content does not need more.
pub(super) const SIZE: u64 = 8 * MIB;

/// An image that is zero but for these bytes.
pub(super) struct Image {
    pub(super) name: &'static str,
    pub(super) size: u64,
    pub(super) content: &'static [(At, &'static [u8])],
}

const fn image(name: &'static str, content: &'static [(At, &'static [u8])]) -> Image {
    Image { name, size: SIZE, content }
}

const fn large(name: &'static str, size: u64, content: &'static [(At, &'static [u8])]) -> Image {
    Image { name, size, content }
}

const MD: &[u8] = &[0xFC, 0x4E, 0x2B, 0xA9];
const ZFS: &[u8] = &[0x0C, 0xB1, 0xBA, 0, 0, 0, 0, 0];
const EXT: &[u8] = &[0x53, 0xEF];
const LUKS2: &[u8] = b"SKUL\xBA\xBE\0\x02";
/// A partition of a DOS table: type 0x83 from sector 2048, 2048 long.
const DOS_ENTRY: &[u8] = &[0, 0x20, 0x21, 0, 0x83, 0x61, 0x22, 0, 0, 8, 0, 0, 0, 8, 0, 0];
const BOOT: &[u8] = &[0x55, 0xAA];

pub(super) const RAID: &[Image] = &[
    image("Intel RAID", &[(End(1024), b"Intel Raid ISM Cfg Sig. 1.3.00")]),
    image("DDF", &[(End(512), &[0xDE, 0x11, 0xDE, 0x11]), (End(480), b"01.02.00")]),
    image("DDF of an adapter", &[(End(257 * 512), &[0xDE, 0x11, 0xDE, 0x11]), (End(257 * 512 - 32), b"01.02.00")]),
    image("Linux RAID 0.90", &[(End(65536), MD)]),
    image("Linux RAID 1.0", &[(End(8192), MD), (End(8188), &[1])]),
    image("Linux RAID 1.1", &[(Start(0), MD), (Start(4), &[1])]),
    image("Linux RAID 1.2", &[(Start(4096), MD), (Start(4100), &[1]), (Start(4096 + 128), &[8])]),
    image("Promise RAID", &[(End(63 * 512), b"Promise Technology, Inc.")]),
    image("Promise RAID, far from the end", &[(End(3087 * 512), b"Promise Technology, Inc.")]),
    image("HighPoint 37x RAID", &[(Start(9 * 512 + 32), &[0xF0, 0x16, 0x78, 0x5A])]),
    image("HighPoint 45x RAID", &[(End(11 * 512), &[0xF3, 0x16, 0x78, 0x5A])]),
    image("LSI RAID", &[(End(512), b"$XIDE$")]),
    image("Adaptec RAID", &[(End(512), &[0x90, 0x07, 0x65, 0xC4]), (End(512 - 0x178), b"DPTM")]),
    image("JMicron RAID", &[(End(512), b"JM")]),
    image("NVIDIA RAID", &[(End(1024), b"NVIDIA  ")]),
    image("Silicon Image RAID", &[(End(512 - 0x60), &[0, 0, 0, 0x2F])]),
    image("VIA RAID", &[(End(512), &[0x55, 0xAA, 0])]),
    image("VDO", &[(Start(0), b"dmvdo001")]),
    image("DRBD 8", &[(End(4096 - 60), &[0x83, 0x74, 0x02, 0x6C])]),
    image("DRBD manager", &[(Start(0), b"$DRBDmgr=q")]),
    image("DRBD proxy log", &[(Start(0), b"DRBDdlh*")]),
    image("Oracle ASM", &[(Start(32), b"ORCLDISK")]),
    image(
        "Oracle ASM, backup header",
        &[(Start(2 * MIB - 8192), &[1, 0x82, 1, 1]), (Start(2 * MIB - 8160), b"ORCLDISK")],
    ),
    image("LUKS 1", &[(Start(0), b"LUKS\xBA\xBE\0\x01")]),
    image("LUKS 2", &[(Start(0), b"LUKS\xBA\xBE\0\x02")]),
    image("second LUKS 2 header at 16 KiB", &[(Start(0x4000), LUKS2)]),
    image("second LUKS 2 header at 512 KiB", &[(Start(0x8_0000), LUKS2)]),
    image("second LUKS 2 header at 1 MiB", &[(Start(MIB), LUKS2)]),
    image("second LUKS 2 header at 2 MiB", &[(Start(2 * MIB), LUKS2)]),
    image("second LUKS 2 header at 4 MiB", &[(Start(4 * MIB), LUKS2)]),
    image("BitLocker", &[(Start(0), b"\xEB\x58\x90-FVE-FS-"), (Start(510), BOOT)]),
    image("VeraCrypt, which has no magic", &[(Start(0), b"\x8F\x11\x9A\x5B\x7C\xE0\x42\xD9")]),
    image("VeraCrypt, backup header", &[(End(65536), b"\x8F\x11\x9A\x5B\x7C\xE0\x42\xD9")]),
    image("LVM 2", &[(Start(512), b"LABELONE"), (Start(536), b"LVM2 001")]),
    image("LVM 1", &[(Start(0), b"HM\x01\0")]),
    image("a snapshot's exception store", &[(Start(0), b"SnAp")]),
    image("dm-verity", &[(Start(0), b"verity\0\0\x01")]),
    image("dm-integrity", &[(Start(0), b"integrt\0\x01")]),
    image("Stratis", &[(Start(516), b"!Stra0tis\x86\xFF\x02^\x41rh")]),
    image("Stratis, second copy", &[(Start(9 * 512 + 4), b"!Stra0tis\x86\xFF\x02^\x41rh")]),
    image("Ceph BlueStore", &[(Start(0), b"bluestore block device\n")]),
    image("bcache", &[(Start(4120), b"\xC6\x85\x73\xF6\x4E\x1A\x45\xCA\x82\x65\xF5\x7F\x48\xBA\x6D\x81")]),
    image("bcachefs", &[(Start(4120), b"\xC6\x85\x73\xF6\x66\xCE\x90\xA9\xD9\x6A\x60\xCF\x80\x3D\xF7\xEF")]),
    image("VMFS member", &[(Start(MIB), &[0x0D, 0xD0, 0x01, 0xC0])]),
    image("UBI", &[(Start(0), b"UBI#\x01")]),
    image("mpool", &[(Start(0), b"mpoolDev")]),
];

pub(super) const FILE_SYSTEMS: &[Image] = &[
    image("ext", &[(Start(0x438), EXT)]),
    large("ext, backup superblock of blocks of 1 KiB", 32 * MIB, &[(Start(8 * MIB + 0x438), EXT)]),
    large("ext, backup superblock of blocks of 2 KiB", 48 * MIB, &[(Start(32 * MIB + 0x38), EXT)]),
    large("ext, backup superblock of blocks of 4 KiB", 160 * MIB, &[(Start(128 * MIB + 0x38), EXT)]),
    image("XFS", &[(Start(0), b"XFSB\0\0\x10\0")]),
    large("XFS, second group", 64 * MIB, &[(Start(16 * MIB), b"XFSB\0\0\x10\0")]),
    image("XFS log", &[(Start(0), &[0xFE, 0xED, 0xBA, 0xBE]), (Start(7), &[2])]),
    image("Btrfs", &[(Start(0x1_0040), b"_BHRfS_M")]),
    large("Btrfs, mirror", 72 * MIB, &[(Start(64 * MIB + 0x40), b"_BHRfS_M")]),
    image("F2FS", &[(Start(1024), &[0x10, 0x20, 0xF5, 0xF2, 1])]),
    image("F2FS, second superblock", &[(Start(5120), &[0x10, 0x20, 0xF5, 0xF2, 1])]),
    image("NILFS2", &[(Start(1030), &[0x34, 0x34])]),
    image("NILFS2, backup", &[(End(4096 - 6), &[0x34, 0x34])]),
    image("JFS", &[(Start(32768), b"JFS1\x02")]),
    image("ReiserFS 3.5", &[(Start(8192 + 52), b"ReIsErFs")]),
    image("ReiserFS 3.6", &[(Start(65536 + 52), b"ReIsEr2Fs")]),
    image("Reiser4", &[(Start(65536), b"ReIsEr4")]),
    image("ISO 9660", &[(Start(32768), b"\x01CD001\x01")]),
    image("High Sierra", &[(Start(32768 + 9), b"CDROM")]),
    image("UDF", &[(Start(32769), b"BEA01\x01"), (Start(32769 + 2048), b"NSR02\x01")]),
    image("UDF, anchor of blocks of 4 KiB", &[(Start(MIB), &[2, 0, 3, 0])]),
    image("NTFS", &[(Start(0), b"\xEB\x52\x90NTFS    \0\x02\x08"), (Start(510), BOOT)]),
    image("NTFS, backup boot sector", &[(End(509), b"NTFS    ")]),
    image("exFAT", &[(Start(3), b"EXFAT   "), (Start(510), BOOT)]),
    image("FAT12", &[(Start(54), b"FAT12   "), (Start(510), BOOT)]),
    image("FAT16", &[(Start(54), b"FAT16   "), (Start(510), BOOT)]),
    image("FAT32", &[(Start(82), b"FAT32   "), (Start(510), BOOT)]),
    image("FAT32, backup boot sector", &[(Start(6 * 512 + 82), b"FAT32   ")]),
    image("ReFS", &[(Start(3), b"ReFS\0")]),
    image("HFS", &[(Start(1024), b"BD")]),
    image("HFS+", &[(Start(1024), b"H+\0\x04")]),
    image("HFSX", &[(Start(1024), b"HX\0\x05")]),
    image("HFS+, alternate header", &[(End(1024), b"H+\0\x04")]),
    image("APFS", &[(Start(32), b"NXSB\0\x10\0\0")]),
    image("UFS 1", &[(Start(8192 + 0x55C), &[0x54, 0x19, 0x01, 0])]),
    image("UFS 2", &[(Start(65536 + 0x55C), &[0x19, 0x01, 0x54, 0x19])]),
    image("minix 1", &[(Start(1040), &[0x7F, 0x13])]),
    image("minix 3", &[(Start(1048), &[0x5A, 0x4D])]),
    image("System V 4", &[(Start(512 + 0x1F8), &[0x20, 0x7E, 0x18, 0xFD])]),
    image("Xenix", &[(Start(1024 + 0x3F8), &[0x44, 0x55, 0x2B, 0])]),
    image("romfs", &[(Start(0), b"-rom1fs-\0\0\x10\0")]),
    image("cramfs", &[(Start(0), &[0x45, 0x3D, 0xCD, 0x28]), (Start(16), b"Compressed ROMFS")]),
    image("squashfs", &[(Start(0), b"hsqs"), (Start(28), &[4])]),
    image("squashfs 3", &[(Start(0), b"sqsh"), (Start(28), &[0, 3])]),
    image("VxFS", &[(Start(1024), &[0xF5, 0xFC, 0x01, 0xA5])]),
    image("OCFS 1", &[(Start(8), b"OracleCFS")]),
    image("OCFS 2", &[(Start(4096), b"OCFSV2")]),
    image("GFS", &[(Start(65536), &[1, 0x16, 0x19, 0x70]), (Start(65536 + 27), &[0xF5, 0, 0, 0, 0])]),
    image("GFS 2", &[(Start(65536), &[1, 0x16, 0x19, 0x70])]),
    image("NetWare", &[(Start(4096), b"SPB5")]),
    image("BeFS", &[(Start(32), b"BFS1"), (Start(36), b"EGIB")]),
    image("BeFS on x86", &[(Start(544), b"1SFB")]),
    image("BFS", &[(Start(0), &[0xCE, 0xFA, 0xAD, 0x1B])]),
    image("AFFS", &[(Start(0), b"DOS\x01")]),
    image("ADFS", &[(Start(0xC00 + 0x1C0), &[9, 7, 1, 8])]),
    image("HPFS", &[(Start(0x2000), &[0x49, 0xE8, 0x95, 0xF9]), (Start(510), BOOT)]),
    image("QNX 4", &[(Start(516), b"/\0")]),
    image("QNX 6", &[(Start(0x2000), &[0x22, 0x11, 0x19, 0x68])]),
    image("ZoneFS", &[(Start(0), b"SFOZ")]),
    image("EROFS", &[(Start(1024), &[0xE2, 0xE1, 0xF5, 0xE0])]),
    image("UBIFS", &[(Start(0), &[0x31, 0x18, 0x10, 0x06])]),
    image("VMFS", &[(Start(2 * MIB), &[0x5E, 0xF1, 0xAB, 0x2F])]),
    image("ZFS, first label", &[(Start(128 << 10), ZFS)]),
    image("ZFS, last label", &[(End(128 << 10), ZFS)]),
    image("swap, version 0", &[(Start(4086), b"SWAP-SPACE")]),
    image("swap, pages of 4 KiB", &[(Start(4086), b"SWAPSPACE2")]),
    image("swap, pages of 8 KiB", &[(Start(8182), b"SWAPSPACE2")]),
    image("swap, pages of 32 KiB", &[(Start(32758), b"SWAPSPACE2")]),
    image("swap, pages of 64 KiB", &[(Start(65526), b"SWAPSPACE2")]),
    image("hibernation image", &[(Start(4086), b"S1SUSPEND")]),
    image("hibernation image of uswsusp", &[(Start(4086), b"ULSUSPEND")]),
    image("hibernation image of TuxOnIce", &[(Start(4086), &[0xED, 0xC3, 0x02, 0xE9, 0x98, 0x56, 0xE5, 0x0C])]),
];

pub(super) const TABLES: &[Image] = &[
    image("DOS partitions", &[(Start(446), DOS_ENTRY), (Start(510), BOOT)]),
    image("GPT", &[(Start(512), b"EFI PART\0\0\x01\0\x5C\0\0\0")]),
    image("GPT, sectors of 4 KiB", &[(Start(4096), b"EFI PART\0\0\x01\0\x5C\0\0\0")]),
    image("GPT, backup", &[(End(512), b"EFI PART\0\0\x01\0\x5C\0\0\0")]),
    image("GPT, backup in sectors of 4 KiB", &[(End(4096), b"EFI PART\0\0\x01\0\x5C\0\0\0")]),
    image("GPT, entries alone", &[(Start(1024), b"\xAF\x3D\xC6\x0F\x83\x84\x72\x47\x8E\x79\x3D\x69\xD8\x47\x7D\xE4")]),
    image("BSD label", &[(Start(512), &[0x57, 0x45, 0x56, 0x82]), (Start(512 + 132), &[0x57, 0x45, 0x56, 0x82])]),
    image("Sun label", &[(Start(508), &[0xDA, 0xBE])]),
    image("SGI volume header", &[(Start(0), &[0x0B, 0xE5, 0xA9, 0x41])]),
    image("Mac partition map", &[(Start(0), b"ER\x02\0"), (Start(512), b"PM\0\0\0\0\0\x01")]),
    image("Atari partitions", &[(Start(0x1C6), b"\x01GEM\0\0\0\x02\0\0\x10\0")]),
    image("Solaris x86 label", &[(Start(512 + 12), &[0xEE, 0xDE, 0x0D, 0x60]), (Start(1024 - 4), &[0xBE, 0xDA])]),
    image("UnixWare label", &[(Start(29 * 512 + 4), &[0x0D, 0x60, 0x5E, 0xCA])]),
    image("Ultrix partitions", &[(Start(16384 - 72), &[0x57, 0x29, 0x03, 0])]),
    image("minix subpartitions", &[(Start(446), &[0x80, 1, 1, 0, 0x81]), (Start(510), BOOT)]),
    image("AIX label", &[(Start(0), &[0xC9, 0xC2, 0xD4, 0xC1])]),
    image("Amiga RDB", &[(Start(0), b"RDSK\0\0\0\x40")]),
    image("Windows dynamic disk", &[(Start(6 * 512), b"PRIVHEAD")]),
    image("Windows dynamic disk, database at the end", &[(End(MIB), b"TOCBLOCK")]),
];

pub(super) const OTHERS: &[Image] = &[
    image("a text", &[(Start(0), b"Dear diary")]),
    image("an archive", &[(Start(257), b"ustar\0")]),
    image("one byte in the first MiB", &[(Start(MIB - 1), b"\x01")]),
    image("one byte in the last MiB", &[(End(MIB), b"\x01")]),
    image("the last byte", &[(End(1), b"\x01")]),
    image("erased flash", &[(Start(0), &[0xFF; 4096])]),
    large("data in the middle alone", 64 * MIB, &[(Start(32 * MIB), b"data")]),
    Image { name: "a length that no block divides", size: SIZE + 333, content: &[(End(3), b"end")] },
];
