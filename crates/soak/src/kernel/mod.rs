//! Writing and checking of words: one function for each instruction set, chosen once.
#![allow(unsafe_code)] // A kernel may be called only where the CPU has its instructions: checked here, once.

mod avx2;
mod avx512;
pub(crate) mod chain;
mod plain;

use machine::isa;
use measure::Isa;

use crate::pattern::{BLOCK, Line, Pattern, WORDS, Word};

/// Bytes of a line.
const LINE: u64 = 64;
/// How many bytes ahead of what is compared is asked for: a block. The prefetchers of processors begin anew at each page of 4 KiB.
const AHEAD: usize = BLOCK * 64;

/// Fills lines that begin at an address.
type Fill = unsafe fn(&mut [Line], u64, &Word);
/// The bits that differ anywhere in lines that begin at an address, all together.
type Check = unsafe fn(&[Line], u64, &Word) -> u64;

/// The kernels of an instruction set.
#[derive(Clone, Copy)]
pub struct Kernel {
    isa: Isa,
    fill: Fill,
    check: Check,
}

/// A word that is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Differing {
    /// Which word of the lines.
    pub index: usize,
    /// What was written.
    pub expected: u64,
    /// What was read.
    pub found: u64,
}

impl Kernel {
    /// All that run on this CPU, the widest last.
    #[must_use]
    pub fn all() -> Vec<Kernel> {
        let table = [
            Kernel { isa: Isa::Scalar, fill: plain::fill, check: plain::check },
            Kernel { isa: Isa::Avx2, fill: avx2::fill, check: avx2::check },
            Kernel { isa: Isa::Avx512, fill: avx512::fill, check: avx512::check },
        ];
        let available = isa::available();
        table.into_iter().filter(|kernel| available.contains(&kernel.isa)).collect()
    }

    /// The widest.
    ///
    /// # Panics
    ///
    /// Never: plain code runs everywhere.
    #[must_use]
    pub fn widest() -> Kernel {
        Kernel::all().pop().expect("plain code runs everywhere")
    }

    /// Its instruction set.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Writes the pattern into lines, past the caches; they say that they begin at `address`.
    ///
    /// # Panics
    ///
    /// If they do not lie on a cache line.
    pub fn fill(&self, lines: &mut [Line], address: u64, pattern: Pattern, inverted: bool) {
        assert!(lines.as_ptr().addr().is_multiple_of(64), "what is written lies on a cache line");
        for (block, address) in lines.chunks_mut(BLOCK).zip(addresses(address)) {
            // SAFETY: a kernel exists only where its instruction set was found available, as its fields are private to this
            // module; that the lines lie on cache lines was asserted, and a block is whole lines.
            unsafe { (self.fill)(block, address, &pattern.word(address, inverted)) };
        }
    }

    /// Reads lines and compares each word; `wrong` is told of each one that differs.
    pub fn check(
        &self,
        lines: &[Line],
        address: u64,
        pattern: Pattern,
        inverted: bool,
        wrong: &mut dyn FnMut(Differing),
    ) {
        for (number, (block, address)) in lines.chunks(BLOCK).zip(addresses(address)).enumerate() {
            let word = pattern.word(address, inverted);
            if self.differs(block, address, &word) {
                tell(block, number * BLOCK, address, &word, wrong);
            }
        }
    }

    /// Compares each word as [`Kernel::check`] does, and writes all of them turned over in their place.
    ///
    /// # Panics
    ///
    /// If they do not lie on a cache line.
    pub fn turn(&self, lines: &mut [Line], address: u64, pattern: Pattern, wrong: &mut dyn FnMut(Differing)) {
        assert!(lines.as_ptr().addr().is_multiple_of(64), "what is written lies on a cache line");
        for (number, (block, address)) in lines.chunks_mut(BLOCK).zip(addresses(address)).enumerate() {
            let word = pattern.word(address, false);
            if self.differs(block, address, &word) {
                tell(block, number * BLOCK, address, &word, wrong);
            }
            // SAFETY: as in `fill`.
            unsafe { (self.fill)(block, address, &pattern.word(address, true)) };
        }
    }

    fn differs(&self, block: &[Line], address: u64, word: &Word) -> bool {
        // SAFETY: as in `fill`, of the instruction set; a check only reads the lines of the slice.
        let differing = unsafe { (self.check)(block, address, word) };
        differing != 0
    }
}

/// The addresses of blocks from one on.
fn addresses(first: u64) -> impl Iterator<Item = u64> {
    (0..).map(move |block| first + block * BLOCK as u64 * LINE)
}

/// Each word of a block that differs now. One that differed before and does not any more is told as found right.
fn tell(block: &[Line], first: usize, address: u64, word: &Word, wrong: &mut dyn FnMut(Differing)) {
    let mut seen = false;
    for (number, line) in block.iter().enumerate() {
        let expected = word.line(address + LINE * number as u64);
        for (place, (&found, &expected)) in line.iter().zip(&expected).enumerate() {
            if found != expected {
                seen = true;
                wrong(Differing { index: (first + number) * WORDS + place, expected, found });
            }
        }
    }
    if !seen {
        let expected = word.line(address)[0];
        wrong(Differing { index: first * WORDS, expected, found: expected });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use machine::{Buffer, Pages};

    const PATTERNS: [Pattern; 4] = [Pattern::Address, Pattern::Checker, Pattern::Walking, Pattern::Random(7)];

    fn buffer(lines: usize) -> Buffer<Line> {
        Buffer::map(lines, Pages::Small).unwrap()
    }

    #[test]
    fn every_kernel_writes_and_finds_the_same() {
        // Blocks that are whole and one that is not.
        let lines = 2 * BLOCK + 3;
        for pattern in PATTERNS {
            for inverted in [false, true] {
                let mut first: Option<Vec<Line>> = None;
                for kernel in Kernel::all() {
                    let mut memory = buffer(lines);
                    kernel.fill(memory.as_mut_slice(), 4096, pattern, inverted);
                    kernel.check(memory.as_slice(), 4096, pattern, inverted, &mut |differing| panic!("{differing:?}"));
                    let words = memory.as_slice().to_vec();
                    assert_eq!(*first.get_or_insert_with(|| words.clone()), words, "{pattern:?} {:?}", kernel.isa());
                }
                // Lines of one block differ from those of another, and from the same ones turned over.
                let words = first.unwrap();
                assert_eq!(words[0], pattern.word(4096, inverted).line(4096));
                assert_ne!(words[0], pattern.word(4096, !inverted).line(4096));
            }
        }
    }

    #[test]
    fn a_flipped_bit_is_found_wherever_it_is() {
        let lines = BLOCK + 5;
        for kernel in Kernel::all() {
            let mut memory = buffer(lines);
            for pattern in PATTERNS {
                for (index, bit) in [(0, 0), (7, 63), (8, 1), (8 * BLOCK - 1, 31), (8 * BLOCK, 32), (8 * lines - 1, 5)]
                {
                    kernel.fill(memory.as_mut_slice(), 1 << 20, pattern, false);
                    memory.as_mut_slice().as_flattened_mut()[index] ^= 1 << bit;
                    let mut found = Vec::new();
                    kernel.check(memory.as_slice(), 1 << 20, pattern, false, &mut |differing| found.push(differing));
                    let right =
                        matches!(found.as_slice(), [one] if one.index == index && one.expected ^ one.found == 1 << bit);
                    assert!(right, "{pattern:?} {:?}: {found:?}", kernel.isa());
                    // It is found while it is turned over as well, and not found afterwards: it was written anew.
                    let mut turned = Vec::new();
                    kernel.turn(memory.as_mut_slice(), 1 << 20, pattern, &mut |differing| turned.push(differing));
                    assert_eq!(turned, found);
                    kernel.check(memory.as_slice(), 1 << 20, pattern, true, &mut |differing| panic!("{differing:?}"));
                }
            }
        }
    }

    #[test]
    fn what_was_stored_elsewhere_is_found() {
        let kernel = Kernel::widest();
        let mut memory = buffer(4 * BLOCK);
        for pattern in [Pattern::Address, Pattern::Random(3)] {
            kernel.fill(memory.as_mut_slice(), 0, pattern, false);
            let lines = memory.as_mut_slice();
            lines.swap(3, 2 * BLOCK + 3);
            let mut found = 0;
            kernel.check(lines, 0, pattern, false, &mut |_| found += 1);
            assert_eq!(found, 16, "{pattern:?}");
        }
    }
}
