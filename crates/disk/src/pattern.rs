//! Which request comes next: a pure sequence, so that the same one can be gone through again to verify it.

use measure::random::{SplitMix64, mix};

use crate::job::{Access, Blocks, Direction, Job, ReadWriteMix};
use crate::permutation::Permutation;

/// A region of one of a worker's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// First byte.
    pub(crate) start: u64,
    /// Bytes, at least one block.
    pub(crate) len: u64,
}

/// What one request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Transfers data.
    Transfer(Direction),
    /// `fsync`, or `fdatasync` where only the data matters.
    Sync {
        /// Whether only the data matters.
        data_only: bool,
    },
}

impl Action {
    /// What an error message calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Action::Transfer(Direction::Read) => "read",
            Action::Transfer(Direction::Write) => "write",
            Action::Sync { data_only: false } => "fsync",
            Action::Sync { data_only: true } => "fdatasync",
        }
    }
}

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Op {
    pub(crate) action: Action,
    /// Which of the worker's files.
    pub(crate) file: u16,
    pub(crate) len: u32,
    pub(crate) offset: u64,
}

/// How far one file is.
#[derive(Clone, Debug)]
struct Cursor {
    extent: Extent,
    /// Next sequential offset in the extent, for each direction.
    at: [u64; 2],
    /// The random order of the grid's blocks, where each is taken once.
    order: Permutation,
    taken: u64,
}

/// The sequence of requests of one worker.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    access: Access,
    rw: ReadWriteMix,
    blocks: [Blocks; 2],
    map: bool,
    /// Blocks of the random map in bytes.
    grid: u64,
    files: Vec<Cursor>,
    turn: usize,
    random: SplitMix64,
    /// Bytes that may still be asked for.
    left: u64,
    syncs: [u32; 2],
    unsynced: [u32; 2],
    owed: Option<Op>,
}

impl Pattern {
    /// The sequence of a job's worker over its extents, `amount` bytes in all.
    pub(crate) fn new(job: &Job, extents: &[Extent], worker: u64, amount: u64) -> Self {
        let seed = mix(job.seed.wrapping_add(worker.wrapping_mul(0xD129_0B26_88E4_1A05)));
        let grid = u64::from(job.smallest_block());
        let cursor = |(index, &extent): (usize, &Extent)| Cursor {
            extent,
            at: [0; 2],
            order: Permutation::new((extent.len / grid).max(1), seed ^ index as u64),
            taken: 0,
        };
        Pattern {
            access: job.access,
            rw: job.rw,
            blocks: job.blocks,
            map: job.random_map,
            grid,
            files: extents.iter().enumerate().map(cursor).collect(),
            turn: 0,
            random: SplitMix64::new(seed),
            left: amount,
            syncs: [job.syncs.fsync, job.syncs.fdatasync],
            unsynced: [0; 2],
            owed: None,
        }
    }

    /// Blocks of the grid in all files: how many requests go by before any block is asked for again.
    pub(crate) fn blocks(&self) -> u64 {
        self.files.iter().map(|file| file.order.len()).sum()
    }

    /// The next request; `None` when the amount is used up.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Op> {
        if let Some(sync) = self.owed.take() {
            return Some(sync);
        }
        let direction = match self.rw {
            ReadWriteMix::Read => Direction::Read,
            ReadWriteMix::Mixed { read_percent } if self.random.below(100) < u64::from(read_percent) => Direction::Read,
            ReadWriteMix::Write | ReadWriteMix::Mixed { .. } => Direction::Write,
        };
        let len = self.length(direction);
        if self.left < u64::from(len) {
            return None;
        }
        let index = self.turn;
        self.turn = if index + 1 == self.files.len() { 0 } else { index + 1 };
        let (offset, len) = self.locate(index, direction, len);
        self.left -= u64::from(len);
        #[expect(clippy::cast_possible_truncation, reason = "a job has at most 2^16 files, checked by the plan")]
        let file = index as u16;
        if direction == Direction::Write {
            self.count_write(file);
        }
        Some(Op { action: Action::Transfer(direction), file, len, offset })
    }

    /// The length of the next request.
    #[inline]
    fn length(&mut self, direction: Direction) -> u32 {
        let Blocks { min, max } = self.blocks[direction as usize];
        if min == max {
            return min;
        }
        #[expect(clippy::cast_possible_truncation, reason = "below max / min")]
        let factor = self.random.below(u64::from(max / min)) as u32 + 1;
        factor * min
    }

    /// Offset and length of the next request of a file; a request never passes the end of its extent.
    #[inline]
    fn locate(&mut self, file: usize, direction: Direction, len: u32) -> (u64, u32) {
        let cursor = &mut self.files[file];
        let extent = cursor.extent;
        let at = match self.access {
            Access::Sequential => {
                let at = &mut cursor.at[direction as usize];
                if *at + u64::from(len) > extent.len {
                    *at = 0;
                }
                let here = *at;
                *at += u64::from(len);
                here
            }
            Access::Random if self.map => {
                if cursor.taken == cursor.order.len() {
                    cursor.taken = 0;
                    cursor.order = Permutation::new(cursor.order.len(), self.random.next_u64());
                }
                cursor.taken += 1;
                cursor.order.at(cursor.taken - 1) * self.grid
            }
            Access::Random => {
                let align = u64::from(self.blocks[direction as usize].min);
                self.random.below(extent.len / align) * align
            }
        };
        #[expect(clippy::cast_possible_truncation, reason = "the smaller of both fits the length's type")]
        let len = u64::from(len).min(extent.len - at) as u32;
        (extent.start + at, len)
    }

    /// Notes a write; where a sync is due, it is the next request.
    #[inline]
    fn count_write(&mut self, file: u16) {
        // A full fsync comes last and so wins where both are due.
        for (kind, data_only) in [(1, true), (0, false)] {
            if self.syncs[kind] == 0 {
                continue;
            }
            self.unsynced[kind] += 1;
            if self.unsynced[kind] >= self.syncs[kind] {
                self.unsynced[kind] = 0;
                self.owed = Some(Op { action: Action::Sync { data_only }, file, len: 0, offset: 0 });
            }
        }
    }
}

/// The reads that check what the first `issued` requests of a pattern wrote.
///
/// Where the pattern went over its data several times, only the last round is read: all of it was written.
#[derive(Clone, Debug)]
pub(crate) struct Replay {
    pattern: Pattern,
    skip: u64,
    left: u64,
}

impl Replay {
    /// Checks `pattern`, fresh from [`Pattern::new`], of which `issued` transfers were issued.
    pub(crate) fn new(pattern: Pattern, issued: u64) -> Self {
        let last = issued.min(pattern.blocks());
        Replay { pattern, skip: issued - last, left: last }
    }

    /// The next read.
    pub(crate) fn next(&mut self) -> Option<Op> {
        while self.left > 0 {
            let op = self.pattern.next()?;
            let Action::Transfer(direction) = op.action else { continue };
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            self.left -= 1;
            if direction == Direction::Write {
                return Some(Op { action: Action::Transfer(Direction::Read), ..op });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::job::{JobTarget, Syncs};

    fn job(access: Access, rw: ReadWriteMix, block: u32) -> Job {
        let mut job = Job::new("test", JobTarget::Paths(Vec::new()));
        job.access = access;
        job.rw = rw;
        job.blocks = [Blocks::of(block); 2];
        job
    }

    fn all(mut pattern: Pattern) -> Vec<Op> {
        std::iter::from_fn(|| pattern.next()).collect()
    }

    #[test]
    fn sequential_starts_over_at_the_end() {
        let extents = [Extent { start: 8192, len: 3 * 4096 + 100 }];
        let ops = all(Pattern::new(&job(Access::Sequential, ReadWriteMix::Write, 4096), &extents, 0, 5 * 4096));
        let offsets: Vec<u64> = ops.iter().map(|op| op.offset).collect();
        assert_eq!(offsets, [8192, 12288, 16384, 8192, 12288]);
    }

    #[test]
    fn files_take_turns() {
        let extents = [Extent { start: 0, len: 8192 }, Extent { start: 4096, len: 8192 }];
        let ops = all(Pattern::new(&job(Access::Sequential, ReadWriteMix::Read, 4096), &extents, 0, 4 * 4096));
        let places: Vec<_> = ops.iter().map(|op| (op.file, op.offset)).collect();
        assert_eq!(places, [(0, 0), (1, 4096), (0, 4096), (1, 8192)]);
    }

    #[test]
    fn a_sync_follows_every_third_write() {
        let mut job = job(Access::Sequential, ReadWriteMix::Write, 512);
        job.syncs = Syncs { fsync: 3, ..Syncs::default() };
        let ops = all(Pattern::new(&job, &[Extent { start: 0, len: 1 << 20 }], 0, 7 * 512));
        let syncs: Vec<_> = ops.iter().map(|op| matches!(op.action, Action::Sync { data_only: false })).collect();
        assert_eq!(syncs, [false, false, false, true, false, false, false, true, false]);
    }

    #[test]
    fn a_mix_has_its_share_of_reads() {
        let job = job(Access::Random, ReadWriteMix::Mixed { read_percent: 70 }, 4096);
        let ops = all(Pattern::new(&job, &[Extent { start: 0, len: 1 << 30 }], 0, 20_000 * 4096));
        let reads = ops.iter().filter(|op| op.action == Action::Transfer(Direction::Read)).count();
        assert!((13_600..14_400).contains(&reads), "{reads}");
    }

    proptest! {
        #[test]
        fn requests_stay_in_their_extent_and_on_their_grid(
            random: bool, map: bool, blocks in 1_u64..40, odd in 0_u64..4096, min in 1_u32..4, factor in 1_u32..5, worker in 0_u64..4,
        ) {
            let mut job = job(if random { Access::Random } else { Access::Sequential }, ReadWriteMix::Mixed { read_percent: 50 }, 0);
            job.random_map = map;
            job.blocks = [Blocks { min: min * 512, max: min * factor * 512 }; 2];
            let extent = Extent { start: 1 << 20, len: blocks * u64::from(job.blocks[0].max) + odd };
            for op in all(Pattern::new(&job, &[extent], worker, extent.len * 3)) {
                prop_assert!(op.len > 0 && op.offset >= extent.start && op.offset + u64::from(op.len) <= extent.start + extent.len);
                prop_assert_eq!((op.offset - extent.start) % u64::from(job.blocks[0].min), 0);
            }
        }

        #[test]
        fn with_a_map_each_block_comes_once_a_round(blocks in 1_u64..200, rounds in 1_u64..4, seed: u64) {
            let mut job = job(Access::Random, ReadWriteMix::Write, 4096);
            job.seed = seed;
            let mut seen = BTreeMap::<u64, u64>::new();
            for op in all(Pattern::new(&job, &[Extent { start: 0, len: blocks * 4096 }], 0, blocks * rounds * 4096)) {
                *seen.entry(op.offset).or_default() += 1;
            }
            prop_assert_eq!(seen.len() as u64, blocks);
            prop_assert!(seen.values().all(|&times| times == rounds));
        }

        #[test]
        fn a_replay_reads_only_what_was_written(random: bool, map: bool, blocks in 1_u64..50, issued in 0_u64..120, read_percent in 0_u8..=100) {
            let mut job = job(if random { Access::Random } else { Access::Sequential }, ReadWriteMix::Mixed { read_percent }, 4096);
            job.random_map = map;
            let extents = [Extent { start: 0, len: blocks * 4096 }];
            let mut pattern = Pattern::new(&job, &extents, 0, u64::MAX);
            let written: Vec<u64> = (0..issued)
                .map(|_| pattern.next().unwrap())
                .filter(|op| op.action == Action::Transfer(Direction::Write))
                .map(|op| op.offset)
                .collect();
            let mut replay = Replay::new(Pattern::new(&job, &extents, 0, u64::MAX), issued);
            let mut reads = 0;
            while let Some(op) = replay.next() {
                prop_assert_eq!(op.action, Action::Transfer(Direction::Read));
                prop_assert!(written.contains(&op.offset));
                reads += 1;
            }
            prop_assert!(reads <= written.len());
            prop_assert!(issued > blocks || reads == written.len());
        }
    }
}
