//! The proof of where pages lie.

use std::fs;
use std::ops::Range;

use super::map::{Map, Plain, nodes_of_pages};
use super::{Region, SMALL_PAGE};

/// What the kernel said of a buffer's pages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageProof {
    /// Share of the asked pages that lie on their planned node, 0 to 1; a page that is not there counts as misplaced.
    /// `None` where the kernel did not tell, or nothing was planned.
    pub on_node: Option<f64>,
    /// Share of the bytes in use that lie in huge pages, 0 to 1; `None` where the kernel did not tell.
    pub huge: Option<f64>,
    /// How many pages `move_pages` was asked for: all of up to 4 GiB, an even sample of more.
    pub asked: usize,
    /// Why memory was not bound, or its place not told, where the kernel refused.
    pub refused: Option<String>,
}

/// Pages that are asked for at most (4 GiB of them): each costs about 0.1 µs.
const MOST: usize = 1 << 20;
/// Pages in one call.
const BATCH: usize = 1 << 14;

pub(super) fn prove<T: Plain>(map: &Map<T>, planned: &[(Range<usize>, u32)], refused: Option<String>) -> PageProof {
    let mut proof = PageProof { huge: huge_share(map), refused, ..PageProof::default() };
    match count_on_node(map, planned) {
        Ok((_, 0)) => {}
        Ok((on_node, asked)) => {
            proof.asked = asked;
            proof.on_node = Some(on_node as f64 / asked as f64);
        }
        Err(error) => {
            proof.refused.get_or_insert(format!("move_pages: {error}"));
        }
    }
    proof
}

/// Pages of a region that are asked for at most.
const MOST_OF_REGION: usize = 1 << 12;

/// The same of memory that a library mapped for itself, each region with the node that it is planned for, and how many
/// bytes of it are in use, by an even sample. Pages that were never touched do not count.
#[must_use]
pub fn prove_regions(planned: &[(Region, u32)]) -> (PageProof, usize) {
    let mut proof = PageProof::default();
    let (mut on_node, mut bytes) = (0, 0);
    for (region, node) in planned {
        let addresses = region.addresses();
        let step = ((addresses.len() / SMALL_PAGE / MOST_OF_REGION) | 1) * SMALL_PAGE;
        match nodes_of_pages(addresses.step_by(step)) {
            Ok(nodes) => {
                for found in nodes.into_iter().filter_map(|found| u32::try_from(found).ok()) {
                    on_node += if found == *node { step } else { 0 };
                    bytes += step;
                    proof.asked += 1;
                }
            }
            Err(error) => {
                proof.refused.get_or_insert(format!("move_pages: {error}"));
            }
        }
    }
    proof.on_node = (bytes > 0).then(|| on_node as f64 / bytes as f64);
    let smaps = fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    let parts = planned.iter().map(|(region, _)| huge_and_resident(&smaps, region.addresses()));
    let (huge, resident) = parts.fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    proof.huge = (resident > 0).then(|| huge as f64 / resident as f64);
    (proof, bytes)
}

/// How many of the asked pages lie on their planned node, and how many were asked.
fn count_on_node<T: Plain>(map: &Map<T>, planned: &[(Range<usize>, u32)]) -> std::io::Result<(usize, usize)> {
    let bytes = |range: &Range<usize>| range.start * size_of::<T>()..(range.end * size_of::<T>()).min(map.bytes());
    let pages: usize = planned.iter().map(|(range, _)| bytes(range).len().div_ceil(SMALL_PAGE)).sum();
    // An odd step meets every place within a huge page.
    let step = (pages.div_ceil(MOST).max(1) | 1) * SMALL_PAGE;
    let (mut on_node, mut asked) = (0, 0);
    for (range, node) in planned {
        let offsets: Vec<usize> = bytes(range).step_by(step).collect();
        for batch in offsets.chunks(BATCH) {
            let nodes = map.nodes_of(batch)?;
            on_node += nodes.iter().filter(|&&found| u32::try_from(found) == Ok(*node)).count();
            asked += batch.len();
        }
    }
    Ok((on_node, asked))
}

/// The share of the resident bytes of a map that lie in huge pages, by smaps.
fn huge_share<T: Plain>(map: &Map<T>) -> Option<f64> {
    let smaps = fs::read_to_string("/proc/self/smaps").ok()?;
    let (huge, resident) = huge_and_resident(&smaps, map.start()..map.start() + map.bytes());
    (resident > 0).then(|| huge as f64 / resident as f64)
}

/// Sums `AnonHugePages` and `Rss` (kB) of the areas inside a range of addresses; a bound buffer has several areas, and
/// guard pages keep each from being joined with a neighbour's.
fn huge_and_resident(smaps: &str, addresses: Range<usize>) -> (u64, u64) {
    let (mut huge, mut resident) = (0, 0);
    let mut inside = false;
    for line in smaps.lines() {
        let mut words = line.split_whitespace();
        let (name, value) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        if let Some(start) = area(name) {
            inside = addresses.contains(&start);
        } else if inside && let Ok(value) = value.parse::<u64>() {
            match name {
                "AnonHugePages:" => huge += value,
                "Rss:" => resident += value,
                _ => {}
            }
        }
    }
    (huge, resident)
}

/// The start address of an area, from the first word of its line: `7f00-7f10`.
fn area(word: &str) -> Option<usize> {
    let (start, end) = word.split_once('-')?;
    usize::from_str_radix(end, 16).ok()?;
    usize::from_str_radix(start, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smaps_of_the_areas_inside() {
        let smaps = "\
            1000-2000 rw-p 00000000 00:00 0\nRss: 4 kB\nAnonHugePages: 4 kB\n\
            2000-4000 rw-p 00000000 00:00 0\nSize: 8 kB\nRss: 8 kB\nAnonHugePages: 6 kB\nVmFlags: rd wr hg\n\
            4000-5000 rw-p 00000000 00:00 0 [heap]\nRss: 4 kB\nAnonHugePages: 0 kB\n\
            5000-6000 rw-p 00000000 00:00 0\nRss: 99 kB\n";
        assert_eq!(huge_and_resident(smaps, 0x2000..0x5000), (6, 12));
        assert_eq!(huge_and_resident(smaps, 0x7000..0x8000), (0, 0));
        assert_eq!(huge_and_resident("", 0..1), (0, 0));
    }
}
