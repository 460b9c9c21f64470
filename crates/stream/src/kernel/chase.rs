//! Pointer chases: every load waits for the one before.
#![allow(unsafe_code)] // The pointers lie in the memory that is measured.

use std::hint::black_box;
use std::ptr;

/// Loads in one turn of the loop of a single chase.
pub(crate) const UNROLLED: u64 = 200;

/// The most chases side by side.
pub(crate) const MOST: usize = 16;

/// A cycle of pointers through a piece of memory: each slot holds the address of the next.
///
/// It borrows the memory, so nothing changes it while it is walked.
#[derive(Clone, Copy)]
pub(crate) struct Cycle<'a> {
    words: &'a [u64],
    /// Words from one slot to the next.
    stride: usize,
    /// The slots, in the order of the cycle.
    order: &'a [u32],
}

impl<'a> Cycle<'a> {
    /// Links the slots of `words`, `stride` words apart, in the order given, and the last with the first.
    ///
    /// # Panics
    ///
    /// If a slot lies outside of the words, or there is none.
    pub(crate) fn link(words: &'a mut [u64], stride: usize, order: &'a [u32]) -> Cycle<'a> {
        let base = words.as_mut_ptr().expose_provenance();
        let mut slot = *order.first().expect("a cycle has a slot") as usize;
        for &next in order[1..].iter().chain(&order[..1]) {
            let next = next as usize;
            assert!(next * stride < words.len(), "slot {next} lies outside");
            words[slot * stride] = (base + next * stride * size_of::<u64>()) as u64;
            slot = next;
        }
        Cycle { words, stride, order }
    }

    /// The place after so many steps from the first slot.
    pub(crate) fn at(&self, steps: u64) -> Cursor<'a> {
        #[expect(clippy::cast_possible_truncation, reason = "less than the length of a slice")]
        let turn = (steps % self.order.len() as u64) as usize;
        Cursor { at: &self.words[self.order[turn] as usize * self.stride] }
    }
}

/// A place in a cycle.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    at: &'a u64,
}

#[cfg(test)]
impl Cursor<'_> {
    /// Whether both are at one slot.
    pub(crate) fn is_at(self, other: Cursor<'_>) -> bool {
        ptr::eq(self.at, other.at)
    }
}

/// Follows one pointer.
#[inline]
fn next(at: *const u64) -> *const u64 {
    // SAFETY: `at` is the address of a slot of a cycle: a chase begins at one (`Cycle::at`), and `Cycle::link` wrote
    // to each slot of its order the address of another, inside the words and with their provenance exposed. The cursor
    // that the chase began with borrows the words, so they live and nobody writes them.
    let address = unsafe { at.read() };
    #[expect(clippy::cast_possible_truncation, reason = "it was an address of this machine")]
    ptr::with_exposed_provenance(address as usize)
}

macro_rules! repeat {
    (10 $step:stmt) => {
        $step $step $step $step $step $step $step $step $step $step
    };
}

/// Follows `turns` times [`UNROLLED`] pointers, one after the other; where it came to.
#[inline(never)]
pub(crate) fn single(from: Cursor<'_>, turns: u64) -> Cursor<'_> {
    let mut at = ptr::from_ref(from.at);
    for _ in 0..turns {
        macro_rules! ten { () => { repeat!(10 at = next(at)) }; }
        repeat!(10 { ten!(); });
        repeat!(10 { ten!(); });
    }
    // SAFETY: as in `next`: a slot of the cycle that `from` borrows.
    Cursor { at: unsafe { &*black_box(at) } }
}

/// Follows `steps` pointers from each of `K` places at once.
#[inline(never)]
fn several<const K: usize>(from: &[Cursor<'_>], steps: u64) {
    let mut at: [*const u64; K] = std::array::from_fn(|k| ptr::from_ref(from[k].at));
    for _ in 0..steps / 8 {
        for _ in 0..8 {
            for at in &mut at {
                *at = next(*at);
            }
        }
    }
    black_box(at);
}

/// Follows about `steps` pointers (whole eights) from each of 1 to [`MOST`] places at once; how many in all.
///
/// # Panics
///
/// If there is no place, or more than [`MOST`].
pub(crate) fn side_by_side(from: &[Cursor<'_>], steps: u64) -> u64 {
    type Several = fn(&[Cursor<'_>], u64);
    const BY_COUNT: [Several; MOST] = [
        several::<1>,
        several::<2>,
        several::<3>,
        several::<4>,
        several::<5>,
        several::<6>,
        several::<7>,
        several::<8>,
        several::<9>,
        several::<10>,
        several::<11>,
        several::<12>,
        several::<13>,
        several::<14>,
        several::<15>,
        several::<16>,
    ];
    BY_COUNT[from.len() - 1](from, steps);
    steps / 8 * 8 * from.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_round_in_the_order_given() {
        let check = |stride: usize, order: &[u32]| {
            let mut words = vec![0; stride * (order.len() + 3)];
            let cycle = Cycle::link(&mut words, stride, order);
            for start in 0..order.len() as u64 {
                for turns in 0..4 {
                    let there = cycle.at(start + UNROLLED * turns);
                    assert!(single(cycle.at(start), turns).is_at(there), "{order:?} {start} {turns}");
                }
            }
        };
        check(1, &[0]);
        check(1, &[0, 1]);
        check(8, &[3, 0, 2, 1]);
        check(32, &[5, 4, 6, 0, 2, 1, 3]);
    }

    #[test]
    fn several_at_once_count_their_loads() {
        let order: Vec<u32> = (0..64).collect();
        let mut words = vec![0; 64];
        let cycle = Cycle::link(&mut words, 1, &order);
        for k in 1..=MOST as u64 {
            let from: Vec<_> = (0..k).map(|start| cycle.at(start)).collect();
            assert_eq!(side_by_side(&from, 83), 80 * k);
        }
    }

    #[test]
    #[should_panic(expected = "lies outside")]
    fn a_slot_outside_is_refused() {
        let _ = Cycle::link(&mut [0; 8], 8, &[0, 1]);
    }
}
