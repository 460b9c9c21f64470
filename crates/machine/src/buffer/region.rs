//! Memory that a library mapped for itself: it can be placed and asked for, not read.

use std::fs;
use std::io;
use std::ops::Range;

use super::map::{MOVE, advise_pages, bind_pages};
use super::{Pages, SMALL_PAGE};

/// A range of addresses of this process, whole pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region(Range<usize>);

impl Region {
    /// The regions that begin at these addresses: each ends with its mapping, or where the next one begins. Addresses
    /// at which nothing is mapped are left out.
    ///
    /// # Errors
    ///
    /// If the kernel does not show the mappings of this process.
    pub fn at(addresses: &[usize]) -> io::Result<Vec<Region>> {
        let maps = fs::read_to_string("/proc/self/maps")?;
        Ok(addresses.iter().filter_map(|&address| region(&maps, address, addresses)).collect())
    }

    /// Binds the pages to a node, and moves those that lie elsewhere where it can be done.
    ///
    /// # Errors
    ///
    /// If there is no such node, or the kernel does not let this process.
    pub fn bind(&self, node: u32) -> io::Result<()> {
        bind_pages(self.0.clone(), node, MOVE)
    }

    /// Asks for huge pages, for what is yet to be touched.
    pub fn prefer_huge_pages(&self) {
        advise_pages(self.0.clone(), Pages::Huge);
    }

    pub(super) fn addresses(&self) -> Range<usize> {
        self.0.clone()
    }
}

/// The region of one address by the text of `/proc/self/maps`; others begin at `starts`.
fn region(maps: &str, address: usize, starts: &[usize]) -> Option<Region> {
    let mapping = maps.lines().filter_map(|line| {
        let (start, end) = line.split_whitespace().next()?.split_once('-')?;
        Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
    });
    let mapping = mapping.into_iter().find(|mapping| mapping.contains(&address))?;
    let next = starts.iter().copied().filter(|&start| start > address).min().unwrap_or(usize::MAX);
    let start = address / SMALL_PAGE * SMALL_PAGE;
    let end = mapping.end.min(next / SMALL_PAGE * SMALL_PAGE);
    (start < end).then_some(Region(start..end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::{Buffer, prove_regions};
    use crate::partition::HUGE_PAGE;
    use crate::{Siblings, Source, Topology, place};

    #[test]
    fn a_region_ends_with_its_mapping_or_where_the_next_begins() {
        let maps = "1000-9000 rw-p 00000000 00:00 0\n20000-23000 r--p 00000000 00:00 0 [heap]\n";
        let check = |address: usize, starts: &[usize], expect: Option<Range<usize>>| {
            assert_eq!(region(maps, address, starts).map(|region| region.0), expect, "{address:#x}");
        };
        check(0x1000, &[0x1000], Some(0x1000..0x9000));
        check(0x2010, &[0x2010, 0x5020, 0x8000], Some(0x2000..0x5000));
        check(0x22fff, &[0x1000], Some(0x22000..0x23000));
        check(0x9000, &[0x9000], None);
        check(0x2010, &[0x2020], None);
    }

    #[test]
    fn its_pages_are_placed_and_found() {
        let topology = Topology::read(&Source::Host).unwrap();
        let node = place(&topology, Siblings::OnePerCore).unwrap()[0].node;
        let mut buffer = Buffer::<u8>::map(4 * HUGE_PAGE, Pages::Small).unwrap();
        let regions = Region::at(&[buffer.as_slice().as_ptr().addr(), 0]).unwrap();
        assert_eq!(regions.len(), 1);
        assert_eq!(regions[0].0.len(), 4 * HUGE_PAGE);
        let planned = [(regions[0].clone(), node)];
        assert_eq!(prove_regions(&planned).0.on_node, None, "nothing was touched");
        regions[0].prefer_huge_pages();
        buffer.as_mut_slice().fill(1);
        let (proof, bytes) = prove_regions(&planned);
        if proof.refused.is_none() {
            assert_eq!((proof.on_node, bytes), (Some(1.0), 4 * HUGE_PAGE), "{proof:?}");
            assert_eq!(prove_regions(&[(regions[0].clone(), node + 1)]).0.on_node, Some(0.0));
        }
        match regions[0].bind(node) {
            Ok(()) => {}
            Err(error) => assert_eq!(error.raw_os_error(), Some(libc::EPERM), "{error}"),
        }
        assert!(regions[0].bind(5000).is_err());
        assert!(buffer.as_slice().iter().all(|&byte| byte == 1), "what it holds is as it was");
    }
}
