//! Content that no list knows: bytes at the places where formats keep what they need, which are neither zero nor this
//! program's own.

use std::fmt::{self, Display, Formatter};
use std::io::{self, Read, Seek};
use std::ops::Range;

use crate::signature::read_at;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// Bytes that are looked at where a copy of something may lie.
const COPY: u64 = 4 * KIB;
/// Samples that are taken evenly over the whole length.
const SAMPLES: u64 = 64;
/// Bytes of a line.
const LINE: usize = 16;

/// Where known formats have copies beyond the first and the last MiB.
const COPIES: &[u64] = &[
    // A backup superblock of bcachefs, UDF's anchor on blocks of 4 KiB, a second LUKS2 header, VMFS.
    MIB,
    MIB + 4 * KIB,
    // The backup header of an Oracle ASM disk, in the second allocation unit.
    2 * MIB - 8 * KIB,
    // A second LUKS2 header, VMFS.
    2 * MIB,
    4 * MIB,
    // Mirrors of a Btrfs superblock.
    64 * MIB,
    256 * GIB,
    1 << 50,
    // Labels of a Ceph BlueStore device.
    GIB,
    10 * GIB,
    100 * GIB,
    1000 * GIB,
];

/// Block sizes of ext file systems, and the groups that have a copy of the superblock.
const EXT_BLOCKS: [u64; 4] = [KIB, 2 * KIB, 4 * KIB, 64 * KIB];
const EXT_GROUPS: [u64; 10] = [1, 3, 5, 7, 9, 25, 27, 49, 81, 125];

/// Promise's RAID metadata can lie this far from the end, in sectors.
const FROM_END: u64 = 3087 * 512;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnknownData {
    offset: u64,
    line: Vec<u8>,
}

impl Display for UnknownData {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "data that this program did not write at offset {}:", self.offset)?;
        self.line.iter().try_for_each(|byte| write!(out, " {byte:02x}"))?;
        let shown = |&byte: &u8| if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '.' };
        write!(out, " |{}|", self.line.iter().map(shown).collect::<String>())
    }
}

/// What is looked at on a device of `len` bytes; each begins at a multiple of 512.
fn places(len: u64) -> Vec<Range<u64>> {
    let copy = |at: u64| at / COPY * COPY..at / COPY * COPY + 2 * COPY;
    let ext = EXT_BLOCKS.iter().flat_map(|block| {
        // A group has as many blocks as a block has bits; blocks of 1 KiB begin at number 1.
        let first = if *block == KIB { KIB } else { 0 };
        EXT_GROUPS.iter().map(move |group| group * block * block * 8 + first)
    });
    let copies = COPIES.iter().copied().chain(ext).chain(len.checked_sub(FROM_END));
    let samples = (1..SAMPLES).map(|number| len / SAMPLES * number);
    let mut places = vec![0..MIB, len.saturating_sub(MIB) / 512 * 512..len];
    places.extend(copies.chain(samples).map(copy));
    places.into_iter().map(|place| place.start..place.end.min(len)).filter(|place| !place.is_empty()).collect()
}

/// The first unknown content of a device or an image of one, `len` bytes long. Only reads.
pub(crate) fn find<R: Read + Seek>(device: &mut R, len: u64) -> io::Result<Option<UnknownData>> {
    for place in places(len) {
        let size = usize::try_from(place.end - place.start).expect("a MiB at most");
        let mut bytes = vec![0; size];
        read_at(device, place.start, &mut bytes)?;
        if let Some(first) = bytes.iter().position(|&byte| byte != 0) {
            let start = first / LINE * LINE;
            let line = bytes[start..bytes.len().min(start + LINE)].to_vec();
            return Ok(Some(UnknownData { offset: place.start + start as u64, line }));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::data::{SECTOR, fill, stamp};

    fn found(image: &[u8]) -> Option<String> {
        find(&mut Cursor::new(image), image.len() as u64).unwrap().map(|unknown| unknown.to_string())
    }

    #[test]
    fn zeros_and_own_blocks_are_nothing_and_a_foreign_byte_is_named() {
        let mut image = vec![0; 6 << 20];
        assert_eq!(found(&image), None);
        fill(&mut image, 3);
        stamp(&mut image, 0, 5);
        assert_eq!(found(&image), None);
        let at = 300 * SECTOR;
        image[at..at + SECTOR].fill(0);
        image[at + 20..at + 30].copy_from_slice(b"HOST\0PROOF");
        let text = "data that this program did not write at offset 153616: 00 00 00 00 48 4f 53 54 00 50 52 4f 4f 46 00 00 \
                    |....HOST.PROOF..|";
        assert_eq!(found(&image).as_deref(), Some(text));
    }

    #[test]
    fn copies_are_looked_at_where_they_lie() {
        let len = 300 * GIB;
        let all = places(len);
        let covered = |at: u64| all.iter().any(|place| place.contains(&at));
        for at in [0x4000, 0x40_0000, 64 * MIB + 64, 256 * GIB + 64, 128 * MIB + 0x38, 8 * MIB + KIB + 0x38] {
            assert!(covered(at), "{at}");
        }
        for back in [512, 4096, 65536, 3087 * 512, 512 * KIB, MIB] {
            assert!(covered(len - back), "{back} from the end");
        }
        assert!((1..4).all(|quarter| covered(len / 4 * quarter)), "the groups of XFS");
        assert!(all.iter().map(|place| place.end - place.start).sum::<u64>() < 4 * MIB);
    }

    proptest! {
        #[test]
        fn any_length_has_its_first_and_last_byte_looked_at(len in 1_u64..1 << 50) {
            let all = places(len);
            prop_assert!(all.iter().any(|place| place.contains(&0)));
            prop_assert!(all.iter().any(|place| place.contains(&(len - 1))));
            prop_assert!(all.iter().all(|place| place.start % SECTOR as u64 == 0 && place.end <= len));
        }
    }
}
