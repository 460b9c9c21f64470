//! Which page of the machine an address of this process lies on: `/proc/self/pagemap`, which tells root alone.

use std::fs::File;
use std::os::unix::fs::FileExt;

const PAGE: u64 = 4096;
/// Bits of an entry that hold the number of the page, and the one that says that it is there (proc(5)).
const NUMBER: u64 = (1 << 55) - 1;
const IS_THERE: u64 = 1 << 63;

/// The physical address behind an address of this process.
pub(crate) fn address(of: u64) -> Option<u64> {
    let mut entry = [0; 8];
    File::open("/proc/self/pagemap").ok()?.read_exact_at(&mut entry, of / PAGE * 8).ok()?;
    physical(u64::from_le_bytes(entry), of)
}

fn physical(entry: u64, of: u64) -> Option<u64> {
    let number = entry & NUMBER;
    (entry & IS_THERE != 0 && number != 0).then(|| number * PAGE + of % PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_tells_the_page() {
        let check = |entry: u64, of: u64, expect: Option<u64>| assert_eq!(physical(entry, of), expect, "{entry:#x}");
        check(IS_THERE | 5, 0x7fff_0000_1008, Some(5 * 4096 + 8));
        check(IS_THERE | (1 << 55) | 5, 4096, Some(5 * 4096));
        // Whoever is not root is told page 0.
        check(IS_THERE, 8, None);
        check(5, 8, None);
    }
}
