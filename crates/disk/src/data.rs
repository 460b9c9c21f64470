//! What is written: incompressible data that does not repeat, and blocks with a header by which they are verified.
//!
//! Each sector of 512 bytes begins with a tag that follows from its offset, whatever the job's blocks are. By it a later run
//! tells what this program wrote from what anybody else did ([`zero_own_sectors`]).

use std::hash::Hasher;

use crate::job::Checksum;
use measure::random::SplitMix64;

/// Bytes of a sector; each carries a stamp of its own.
pub const SECTOR: usize = 512;
/// Bytes of a sector's stamp: its tag, and the number of the write.
const STAMP: usize = 16;
/// Bytes of a verified block's header.
const HEADER: usize = 32;
const MAGIC: u64 = 0x6870_7665_7269_6679;
/// Random, so that no format has it by design; with the offset it is 64 bits that nobody else writes.
const TAG: u64 = 0x9D6B_31F0_C85E_A247;

/// The first bytes of the sector at this offset where this program wrote it.
const fn tag(offset: u64) -> u64 {
    offset ^ TAG
}

/// Fills memory with random bytes: eight xorshift generators side by side, so that the compiler uses vectors.
///
/// The period of each is 2^64 − 1 and their seeds come from another generator: good enough that nothing compresses,
/// and as fast as memory takes it. Source of the triple 13, 7, 17: Marsaglia, "Xorshift RNGs", 2003.
pub fn fill(buffer: &mut [u8], seed: u64) {
    let mut random = SplitMix64::new(seed);
    let mut lanes = [0_u64; 8];
    for lane in &mut lanes {
        *lane = random.next_u64() | 1;
    }
    let (chunks, rest) = buffer.as_chunks_mut::<64>();
    for chunk in chunks {
        step(&mut lanes);
        for (word, lane) in chunk.as_chunks_mut::<8>().0.iter_mut().zip(&lanes) {
            *word = lane.to_le_bytes();
        }
    }
    step(&mut lanes);
    for (byte, lane) in rest.iter_mut().zip(lanes.iter().flat_map(|lane| lane.to_le_bytes())) {
        *byte = lane;
    }
}

#[inline]
fn step(lanes: &mut [u64; 8]) {
    for lane in lanes {
        *lane ^= *lane << 13;
        *lane ^= *lane >> 7;
        *lane ^= *lane << 17;
    }
}

/// Makes a share of each sector zeros, in percent: what of it a device can compress away.
pub(crate) fn zero_share(buffer: &mut [u8], percent: u8) {
    for sector in buffer.chunks_mut(SECTOR) {
        let zeros = sector.len() * usize::from(percent.min(100)) / 100;
        let start = sector.len() - zeros;
        sector[start..].fill(0);
    }
}

/// Makes a block unlike any other one, and known as this program's: each sector gets its tag and the write's sequence
/// number.
#[inline]
pub(crate) fn stamp(buffer: &mut [u8], offset: u64, sequence: u64) {
    if !offset.is_multiple_of(SECTOR as u64) || !buffer.len().is_multiple_of(SECTOR) {
        return stamp_parts(buffer, offset, sequence);
    }
    let mut at = offset;
    for sector in buffer.chunks_mut(SECTOR) {
        if let Some((head, _)) = sector.split_first_chunk_mut::<STAMP>() {
            head[..8].copy_from_slice(&tag(at).to_le_bytes());
            head[8..].copy_from_slice(&sequence.to_le_bytes());
        }
        at += SECTOR as u64;
    }
}

/// The same for blocks that begin or end within a sector: of each stamp the part that lies in the block. A tag follows from
/// the offset alone, so two writes that meet within one make it whole.
#[cold]
fn stamp_parts(buffer: &mut [u8], offset: u64, sequence: u64) {
    let inside = usize::try_from(offset % SECTOR as u64).expect("less than a sector");
    let (mut at, mut skip) = (offset - inside as u64, inside);
    let (mut rest, mut room) = (buffer, SECTOR - inside);
    while !rest.is_empty() {
        let (sector, after) = rest.split_at_mut(room.min(rest.len()));
        let mut head = [0; STAMP];
        head[..8].copy_from_slice(&tag(at).to_le_bytes());
        head[8..].copy_from_slice(&sequence.to_le_bytes());
        for (place, byte) in sector.iter_mut().zip(head.iter().skip(skip)) {
            *place = *byte;
        }
        (rest, room, skip) = (after, SECTOR, 0);
        at += SECTOR as u64;
    }
}

/// Whether the sector at this offset is one that this program wrote.
pub(crate) fn is_own(sector: &[u8], offset: u64) -> bool {
    let tag = tag(offset).to_le_bytes();
    sector.starts_with(&tag[..sector.len().min(tag.len())])
}

/// Puts zeros in the place of all sectors that this program wrote; `offset` is that of the first sector, a multiple of 512.
pub(crate) fn zero_own_sectors(bytes: &mut [u8], offset: u64) {
    let mut at = offset;
    for sector in bytes.chunks_mut(SECTOR) {
        if is_own(sector, at) {
            sector.fill(0);
        }
        at += SECTOR as u64;
    }
}

/// Writes stamps, and the header that [`verify_block`] looks for: the tag of the offset, sequence, magic with the length, and the
/// checksum of what follows.
pub(crate) fn add_verify_header(buffer: &mut [u8], checksum: Checksum, offset: u64, sequence: u64) {
    stamp(buffer, offset, sequence);
    let sum = buffer.get(HEADER..).map_or(0, |payload| digest(payload, checksum));
    let words = [tag(offset), sequence, MAGIC ^ buffer.len() as u64, sum];
    for (place, word) in buffer.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
}

/// Whether a block is one that [`add_verify_header`] made for this offset; what is wrong where it is not.
pub(crate) fn verify_block(buffer: &[u8], checksum: Checksum, offset: u64) -> Result<(), String> {
    let mut words = [0_u64; HEADER / 8];
    for (word, place) in words.iter_mut().zip(buffer.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*place);
    }
    let sum = buffer.get(HEADER..).map_or(0, |payload| digest(payload, checksum));
    if words[2] != MAGIC ^ buffer.len() as u64 {
        return Err(format!("no verify header: the block starts with {:#018x}", words[0]));
    }
    if words[0] != tag(offset) {
        return Err(format!("it holds the data of offset {}", words[0] ^ TAG));
    }
    if words[3] != sum {
        return Err(format!(
            "checksum mismatch: got {sum:#x}, the header has {:#x} (write number {})",
            words[3], words[1]
        ));
    }
    Ok(())
}

fn digest(payload: &[u8], checksum: Checksum) -> u64 {
    match checksum {
        Checksum::Crc32c => u64::from(crc32c::crc32c(payload)),
        Checksum::Xxhash => {
            let mut hasher = twox_hash::XxHash64::with_seed(0);
            hasher.write(payload);
            hasher.finish()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn random_bytes_look_random() {
        let mut buffer = vec![0; 1 << 16];
        fill(&mut buffer, 1);
        let mut counts = [0_u32; 256];
        for &byte in &buffer {
            counts[usize::from(byte)] += 1;
        }
        assert!(counts.iter().all(|count| (150..370).contains(count)), "{counts:?}");
        let mut words = buffer.as_chunks::<8>().0.to_vec();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), buffer.len() / 8, "no word repeats");
    }

    #[test]
    fn the_two_checksums_are_the_known_ones() {
        assert_eq!(digest(b"123456789", Checksum::Crc32c), 0xE306_9283);
        assert_eq!(digest(b"", Checksum::Xxhash), 0xEF46_DB37_51D8_E999);
    }

    #[test]
    fn stamps_differ_in_each_sector() {
        let mut buffer = vec![0; 4096];
        stamp(&mut buffer, 8192, 7);
        let mut sectors: Vec<_> = buffer.chunks(SECTOR).collect();
        sectors.dedup();
        assert_eq!(sectors.len(), 8);
    }

    proptest! {
        #[test]
        fn what_was_sealed_is_accepted_and_a_flipped_bit_is_not(
            len in 1_usize..300, offset: u64, seed: u64, bit in 0_usize..100_000, crc: bool,
        ) {
            let checksum = if crc { Checksum::Crc32c } else { Checksum::Xxhash };
            let mut buffer = vec![0; len * 16 + 32];
            fill(&mut buffer, seed);
            add_verify_header(&mut buffer, checksum, offset, 3);
            prop_assert_eq!(verify_block(&buffer, checksum, offset), Ok(()));
            prop_assert!(verify_block(&buffer, checksum, offset ^ 512).is_err());
            let bit = bit % (buffer.len() * 8);
            // The sequence number is not known to the reader, and need not be.
            prop_assume!(!(8..16).contains(&(bit / 8)));
            buffer[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(verify_block(&buffer, checksum, offset).is_err());
        }

        #[test]
        fn blocks_of_any_size_side_by_side_are_known_as_own_and_a_foreign_sector_is_not(
            start in 0_u64..4, block in 1_usize..1600, blocks in 1_usize..12, foreign in 0_usize..40,
        ) {
            let start = start * SECTOR as u64;
            let mut file = vec![0; block * blocks];
            for (number, buffer) in file.chunks_mut(block).enumerate() {
                fill(buffer, number as u64);
                stamp(buffer, start + (number * block) as u64, number as u64);
            }
            let mut own = file.clone();
            zero_own_sectors(&mut own, start);
            prop_assert!(own.iter().all(|&byte| byte == 0));
            let at = foreign % file.len().div_ceil(SECTOR) * SECTOR;
            let end = (at + SECTOR).min(file.len());
            file[at..end].fill(7);
            zero_own_sectors(&mut file, start);
            prop_assert!(file[at..end].iter().all(|&byte| byte == 7));
            prop_assert!(file[..at].iter().chain(&file[end..]).all(|&byte| byte == 0));
        }

        #[test]
        fn sealed_blocks_are_known_sector_by_sector(sectors in 1_usize..20, offset in 0_u64..1 << 50) {
            let offset = offset * SECTOR as u64;
            let mut buffer = vec![0; sectors * SECTOR];
            fill(&mut buffer, offset);
            add_verify_header(&mut buffer, Checksum::Crc32c, offset, 1);
            prop_assert_eq!(verify_block(&buffer, Checksum::Crc32c, offset), Ok(()));
            zero_own_sectors(&mut buffer, offset);
            prop_assert!(buffer.iter().all(|&byte| byte == 0));
        }
    }
}
