//! Memory that lies where it was planned: mapped, bound to nodes, and its place proved.

mod map;
mod proof;
mod region;

use std::ops::Range;

use crate::Error;
use map::Map;
pub use map::Plain;
pub use proof::{PageProof, prove_regions};
pub use region::Region;

/// Which pages a buffer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pages {
    /// Transparent huge pages (2 MiB).
    Huge,
    /// Pages of 4 KiB.
    Small,
}

/// Bytes of a small page.
const SMALL_PAGE: usize = 4096;

/// An array in a mapping of its own, on a 2 MiB boundary, zero, with no page behind it until it is touched.
///
/// Bind its parts, then let the worker that computes a part touch it first, then ask for the proof. The memory goes
/// back to the system when it is dropped; beyond both ends lie guard pages.
#[derive(Debug)]
pub struct Buffer<T: Plain> {
    map: Map<T>,
    /// Why the kernel did not bind memory, where it refused.
    refused: Option<String>,
}

impl<T: Plain> Buffer<T> {
    /// Maps `len` elements; nothing is touched yet.
    pub fn map(len: usize, pages: Pages) -> Result<Self, Error> {
        Ok(Buffer { map: Map::new(len, pages)?, refused: None })
    }

    /// Binds elements to a NUMA node, before they are touched. The range starts on a page, and ends on one or at the
    /// buffer's end.
    ///
    /// Where the kernel does not let this process bind memory (a container), the memory stays where first touch puts
    /// it, and the proof says so.
    pub fn bind(&mut self, range: Range<usize>, node: u32) -> Result<(), Error> {
        let bytes = self.byte_range(&range)?;
        if bytes.is_empty() || self.refused.is_some() {
            return Ok(());
        }
        match self.map.bind(bytes.clone(), node) {
            Ok(()) => Ok(()),
            Err(error) if matches!(error.raw_os_error(), Some(libc::EPERM | libc::ENOSYS)) => {
                self.refused = Some(format!("mbind: {error}"));
                Ok(())
            }
            Err(error) => Err(Error::Memory {
                bytes: bytes.len(),
                what: format!("bound to node {node}"),
                why: format!("{error}; is the node there, and may this process use it (Mems_allowed)?"),
            }),
        }
    }

    /// The elements.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        self.map.as_slice()
    }

    /// The elements, to write; [`crate::split_mut`] gives each worker its part.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.map.as_mut_slice()
    }

    /// The elements as bytes, for files.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.map.as_bytes()
    }

    /// The elements as bytes, to read files into.
    pub fn as_mut_bytes(&mut self) -> &mut [u8] {
        self.map.as_mut_bytes()
    }

    /// Asks the kernel where the pages lie (`move_pages`) and how many are huge (smaps), for ranges of elements and
    /// the nodes that they were planned for.
    #[must_use]
    pub fn proof(&self, planned: &[(Range<usize>, u32)]) -> PageProof {
        proof::prove(&self.map, planned, self.refused.clone())
    }

    /// The bytes of a range of elements, checked.
    fn byte_range(&self, range: &Range<usize>) -> Result<Range<usize>, Error> {
        let size = size_of::<T>();
        let len = self.as_slice().len();
        let wrong = |why: &str| Error::Memory {
            bytes: range.len().saturating_mul(size),
            what: "bound".into(),
            why: format!("elements {range:?} of {len}: {why}"),
        };
        if range.start > range.end || range.end > len {
            return Err(wrong("the range is not inside the buffer"));
        }
        let (start, end) = (range.start * size, range.end * size);
        if start % SMALL_PAGE != 0 || (end % SMALL_PAGE != 0 && range.end != len) {
            return Err(wrong("the range does not lie on page boundaries"));
        }
        Ok(start..end)
    }
}

#[cfg(test)]
mod tests;
