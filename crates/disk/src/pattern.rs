//! Which request comes next: a pure sequence, so that the same one can be gone through again to verify it.

use measure::random::{SplitMix64, mix};

use crate::job::{Access, BlockShare, Blocks, Direction, FileOrder, HotZone, Job, ReadWriteMix, StridedZones};
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

/// Which blocks of a file were asked for: a bit for each.
#[derive(Clone, Debug)]
struct BlockMap {
    words: Vec<u64>,
    len: u64,
}

impl BlockMap {
    fn new(len: u64) -> Self {
        BlockMap { words: vec![0; usize::try_from(len.div_ceil(64)).unwrap_or(usize::MAX)], len }
    }

    #[inline]
    fn is_taken(&self, at: u64) -> bool {
        #[expect(clippy::cast_possible_truncation, reason = "below the length, whose words are in memory")]
        let word = self.words[(at / 64) as usize];
        word >> (at % 64) & 1 == 1
    }

    /// Takes free blocks from one on, `most` at most; how many.
    #[inline]
    fn take(&mut self, from: u64, most: u64) -> u64 {
        let end = from.saturating_add(most).min(self.len);
        let mut at = from;
        while at < end && !self.is_taken(at) {
            #[expect(clippy::cast_possible_truncation, reason = "below the length, whose words are in memory")]
            let word = &mut self.words[(at / 64) as usize];
            *word |= 1 << (at % 64);
            at += 1;
        }
        at - from
    }
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
    /// Which of them were taken, where a request may take several.
    map: Option<BlockMap>,
    /// Where the last request was in the extent.
    last: Extent,
    /// Where the zone begins that is used now, and the bytes that were asked for in it.
    zone: u64,
    in_zone: u64,
    /// Bytes that were asked for in this round over the files.
    issued: u64,
}

impl Cursor {
    fn new(job: &Job, extent: Extent, grid: u64, seed: u64) -> Self {
        let blocks = (extent.len / grid).max(1);
        let mapped = job.access == Access::Random && job.has_random_map() && job.has_several_sizes();
        Cursor {
            extent,
            at: [0; 2],
            order: Permutation::new(blocks, seed),
            taken: 0,
            map: mapped.then(|| BlockMap::new(blocks)),
            last: Extent { start: 0, len: 0 },
            zone: 0,
            in_zone: 0,
            issued: 0,
        }
    }

    /// The next sequential offset for `len` bytes, of which at least `least` must fit.
    #[inline]
    fn next_sequential(&mut self, direction: Direction, len: u32, least: u32) -> u64 {
        let at = &mut self.at[direction as usize];
        if *at + u64::from(least) > self.extent.len {
            *at = 0;
        }
        let here = *at;
        *at = (here + u64::from(len)).min(self.extent.len);
        here
    }

    /// The next offset with `step` bytes between requests, as fio has it: the first of a round is at the start, and what
    /// would be beyond the end is there again; below zero they go backwards from the end.
    fn next_stepped(&mut self, direction: Direction, len: u32, step: i64) -> u64 {
        let end = self.extent.len;
        let at = &mut self.at[direction as usize];
        let here = match *at {
            0 => 0,
            at if at >= end => 0,
            at => at
                .checked_add_signed(step)
                .filter(|&here| here < end)
                .unwrap_or_else(|| if step > 0 { 0 } else { end.saturating_add_signed(step) }),
        };
        *at = here + u64::from(len);
        here
    }

    /// The next offset in a zone; the zones follow each other.
    fn next_in_zone(&mut self, zones: StridedZones, len: u32, random: Option<(&mut SplitMix64, u64)>) -> u64 {
        if self.in_zone >= zones.size {
            (self.zone, self.in_zone) = (self.zone + zones.range + zones.skip, 0);
        }
        if self.zone + u64::from(len) > self.extent.len {
            (self.zone, self.in_zone) = (0, 0);
        }
        let within = match random {
            None => self.in_zone,
            Some((random, align)) => {
                let room = zones.range.min(self.extent.len - self.zone);
                random.below((room / align).max(1)) * align
            }
        };
        self.in_zone += u64::from(len);
        let at = self.zone + within;
        if at + u64::from(len) > self.extent.len { self.zone } else { at }
    }
}

/// What of a job makes its offsets other than sequential or at random all over.
#[derive(Clone, Debug)]
struct Shape {
    step: i64,
    run: u32,
    run_left: u32,
    identical: bool,
    random_percent: u8,
    hot_zones: Vec<HotZone>,
    zones: Option<StridedZones>,
}

impl Shape {
    fn of(job: &Job) -> Option<Self> {
        let sequential = job.access == Access::Sequential;
        let plain = if sequential { job.step == 0 } else { job.run <= 1 && job.random_percent == 100 };
        if plain && job.hot_zones.is_empty() && job.zones.is_none() {
            return None;
        }
        Some(Shape {
            step: if sequential { job.step } else { 0 },
            run: job.run.max(1),
            run_left: 0,
            identical: job.identical,
            random_percent: job.random_percent,
            hot_zones: job.hot_zones.clone(),
            zones: job.zones,
        })
    }

    /// Whether the next random request follows the last one.
    fn follows(&mut self, random: &mut SplitMix64) -> bool {
        if self.run_left > 0 {
            self.run_left -= 1;
            return true;
        }
        self.run_left = self.run - 1;
        self.random_percent < 100 && random.below(100) >= u64::from(self.random_percent)
    }

    /// A random offset in the zone that has its turn by the shares; `None` where all have the same.
    fn hot_offset(&self, random: &mut SplitMix64, len: u64, align: u64) -> Option<u64> {
        let draw = random.below(100);
        let (mut requests, mut from) = (0, 0);
        for zone in &self.hot_zones {
            requests += u64::from(zone.requests);
            let bytes = len / 100 * u64::from(zone.size);
            if draw < requests {
                return Some((from / align + random.below((bytes / align).max(1))) * align);
            }
            from += bytes;
        }
        None
    }
}

/// The sequence of requests of one worker.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    access: Access,
    rw: ReadWriteMix,
    blocks: [Blocks; 2],
    shares: [Vec<BlockShare>; 2],
    map: bool,
    /// Blocks of the random map in bytes.
    grid: u64,
    /// What random offsets of reads and writes are a multiple of, without a map.
    align: [u64; 2],
    shape: Option<Shape>,
    files: Vec<Cursor>,
    file_order: FileOrder,
    turn: usize,
    random: SplitMix64,
    /// Bytes that are still asked for; the last request may be of more.
    left: u64,
    /// Requests that may still be asked for.
    requests: u64,
    syncs: [u32; 2],
    unsynced: [u32; 2],
    owed: Option<Op>,
}

impl Pattern {
    /// The sequence of a job's worker over its extents, `amount` bytes in all.
    pub(crate) fn new(job: &Job, extents: &[Extent], worker: u64, amount: u64) -> Self {
        let seed = mix(job.seed.wrapping_add(worker.wrapping_mul(0xD129_0B26_88E4_1A05)));
        let grid = u64::from(job.smallest_block());
        let cursor = |(index, &extent): (usize, &Extent)| Cursor::new(job, extent, grid, seed ^ index as u64);
        Pattern {
            access: job.access,
            rw: job.rw,
            blocks: job.blocks,
            shares: job.shares.clone(),
            map: job.has_random_map(),
            grid,
            align: job.blocks.map(|blocks| u64::from(job.align.unwrap_or(blocks.min)).max(1)),
            shape: Shape::of(job),
            files: extents.iter().enumerate().map(cursor).collect(),
            file_order: job.file_order,
            turn: 0,
            random: SplitMix64::new(seed),
            left: amount,
            requests: job.requests.unwrap_or(u64::MAX),
            syncs: [job.syncs.fsync, job.syncs.fdatasync],
            unsynced: [0; 2],
            owed: None,
        }
    }

    /// Blocks of the grid in all files: how many requests go by before any block is asked for again.
    pub(crate) fn blocks(&self) -> u64 {
        self.files.iter().map(|file| file.order.len()).sum()
    }

    /// The next request, whatever is due.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Op> {
        self.next_due([true; 2])
    }

    /// The next request; `None` when the amount is used up. A job of both directions takes the other one where the one
    /// whose turn it is is not `due`.
    #[inline]
    pub(crate) fn next_due(&mut self, due: [bool; 2]) -> Option<Op> {
        if self.left == 0 || self.requests == 0 {
            return None;
        }
        if let Some(sync) = self.owed.take() {
            return Some(sync);
        }
        let direction = match self.rw {
            ReadWriteMix::Read => Direction::Read,
            ReadWriteMix::Write => Direction::Write,
            ReadWriteMix::Mixed { read_percent } => {
                let reads = self.random.below(100) < u64::from(read_percent);
                let reads = if due == [true; 2] { reads } else { due[0] };
                if reads { Direction::Read } else { Direction::Write }
            }
        };
        let len = self.length(direction);
        let index = self.next_file();
        let (offset, len) = self.locate(index, direction, len);
        self.files[index].issued += u64::from(len);
        self.left = self.left.saturating_sub(u64::from(len));
        self.requests -= 1;
        #[expect(clippy::cast_possible_truncation, reason = "a job has at most 2^16 files, checked by the plan")]
        let file = index as u16;
        if direction == Direction::Write {
            self.count_write(file);
        }
        Some(Op { action: Action::Transfer(direction), file, len, offset })
    }

    /// The file whose turn it is: of those that still have data in this round.
    #[inline]
    fn next_file(&mut self) -> usize {
        let count = self.files.len();
        if count == 1 {
            return 0;
        }
        let first = match self.file_order {
            FileOrder::Random => usize::try_from(self.random.below(count as u64)).unwrap_or(0),
            FileOrder::RoundRobin | FileOrder::Sequential => self.turn,
        };
        let is_done = |file: &Cursor| file.issued >= file.extent.len;
        let found = (0..count).map(|more| (first + more) % count).find(|&index| !is_done(&self.files[index]));
        let index = found.unwrap_or_else(|| {
            self.files.iter_mut().for_each(|file| file.issued = 0);
            first
        });
        self.turn = if self.file_order == FileOrder::RoundRobin { (index + 1) % count } else { index };
        index
    }

    /// The length of the next request, where there is room for it.
    #[inline]
    fn length(&mut self, direction: Direction) -> u32 {
        let Blocks { min, max } = self.blocks[direction as usize];
        if min == max {
            return min;
        }
        if self.shares[direction as usize].is_empty() {
            #[expect(clippy::cast_possible_truncation, reason = "below max / min")]
            let factor = self.random.below(u64::from(max / min)) as u32 + 1;
            return factor * min;
        }
        let mut draw = self.random.below(100);
        for share in &self.shares[direction as usize] {
            if draw < u64::from(share.percent) {
                return share.bytes;
            }
            draw -= u64::from(share.percent);
        }
        max
    }

    /// Offset and length of the next request of a file; a request never passes the end of its extent.
    #[inline]
    fn locate(&mut self, file: usize, direction: Direction, len: u32) -> (u64, u32) {
        let at = match self.access {
            _ if self.shape.is_some() => self.next_shaped(file, direction, len),
            Access::Sequential => {
                let least = self.blocks[direction as usize].min;
                self.files[file].next_sequential(direction, len, least)
            }
            Access::Random => {
                let (at, most) = self.next_random(file, direction, len);
                let extent = self.files[file].extent;
                #[expect(clippy::cast_possible_truncation, reason = "the smallest fits the length's type")]
                let len = u64::from(len).min(most).min(extent.len - at) as u32;
                return (extent.start + at, len);
            }
        };
        let cursor = &mut self.files[file];
        #[expect(clippy::cast_possible_truncation, reason = "the smaller of both fits the length's type")]
        let len = u64::from(len).min(cursor.extent.len - at) as u32;
        cursor.last = Extent { start: at, len: u64::from(len) };
        (cursor.extent.start + at, len)
    }

    /// A random offset, and how many bytes from there on were not asked for in this round.
    #[inline]
    fn next_random(&mut self, file: usize, direction: Direction, len: u32) -> (u64, u64) {
        let cursor = &mut self.files[file];
        if !self.map {
            let align = self.align[direction as usize];
            return (self.random.below((cursor.extent.len / align).max(1)) * align, u64::MAX);
        }
        loop {
            if cursor.taken == cursor.order.len() {
                cursor.taken = 0;
                cursor.order = Permutation::new(cursor.order.len(), self.random.next_u64());
                cursor.map.iter_mut().for_each(|map| map.words.fill(0));
            }
            cursor.taken += 1;
            let block = cursor.order.at(cursor.taken - 1);
            let Some(map) = &mut cursor.map else { return (block * self.grid, u64::MAX) };
            match map.take(block, u64::from(len).div_ceil(self.grid)) {
                // A longer request took it.
                0 => {}
                free => return (block * self.grid, free * self.grid),
            }
        }
    }

    fn next_shaped(&mut self, file: usize, direction: Direction, len: u32) -> u64 {
        let Some(mut shape) = self.shape.take() else { return 0 };
        let align = self.align[direction as usize];
        let random = self.access == Access::Random;
        let at = if let Some(zones) = shape.zones {
            let random = random.then_some((&mut self.random, align));
            self.files[file].next_in_zone(zones, len, random)
        } else if random {
            let Cursor { last, extent, .. } = self.files[file];
            let behind = if shape.identical { last.start } else { last.start + last.len };
            let follows = shape.follows(&mut self.random) && behind + u64::from(len) <= extent.len;
            if follows {
                behind
            } else {
                let hot = shape.hot_offset(&mut self.random, extent.len, align);
                let at = hot.unwrap_or_else(|| self.next_random(file, direction, len).0);
                if at + u64::from(len) > extent.len { 0 } else { at }
            }
        } else {
            self.files[file].next_stepped(direction, len, shape.step)
        };
        self.shape = Some(shape);
        at
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

    fn offsets(job: &Job, len: u64, amount: u64) -> Vec<u64> {
        all(Pattern::new(job, &[Extent { start: 0, len }], 0, amount)).iter().map(|op| op.offset / 4096).collect()
    }

    #[test]
    fn the_last_request_reaches_the_amount() {
        let count = |amount: u64| offsets(&job(Access::Sequential, ReadWriteMix::Read, 4096), 1 << 20, amount).len();
        assert_eq!([1, 4096, 10_000, 12_288].map(count), [1, 1, 3, 3]);
        let mut few = job(Access::Random, ReadWriteMix::Read, 4096);
        few.requests = Some(5);
        assert_eq!(offsets(&few, 1 << 20, 1 << 20).len(), 5);
    }

    #[test]
    fn sequential_requests_may_step() {
        let check = |step: i64, expect: &[u64]| {
            let mut job = job(Access::Sequential, ReadWriteMix::Read, 4096);
            job.step = step;
            assert_eq!(offsets(&job, 8 * 4096, 6 * 4096), expect, "{step}");
        };
        check(4096, &[0, 2, 4, 6, 0, 2]);
        check(8192, &[0, 3, 6, 0, 3, 6]);
        check(-8192, &[0, 6, 5, 4, 3, 2]);
    }

    #[test]
    fn random_requests_may_run_on() {
        let mut job = job(Access::Random, ReadWriteMix::Read, 4096);
        job.run = 4;
        let seen = offsets(&job, 1 << 30, 400 * 4096);
        let runs = seen.chunks(4).filter(|run| run.windows(2).all(|pair| pair[1] == pair[0] + 1)).count();
        assert!(runs >= 99, "{runs} of 100; one may meet the end");
        job.identical = true;
        let seen = offsets(&job, 1 << 30, 400 * 4096);
        assert!(seen.chunks(4).all(|run| run.iter().all(|at| at == &run[0])));
        (job.run, job.random_percent) = (1, 25);
        job.identical = false;
        let follow = |seen: &[u64]| seen.windows(2).filter(|pair| pair[1] == pair[0] + 1).count();
        let seen = offsets(&job, 1 << 30, 10_000 * 4096);
        assert!((7300..7700).contains(&follow(&seen)), "{}", follow(&seen));
    }

    #[test]
    fn zones_follow_each_other_or_have_their_shares() {
        let mut job = job(Access::Sequential, ReadWriteMix::Read, 4096);
        job.zones = Some(StridedZones { size: 8192, range: 8192, skip: 8192 });
        assert_eq!(offsets(&job, 8 * 4096, 6 * 4096), [0, 1, 4, 5, 0, 1]);
        job.access = Access::Random;
        assert!(offsets(&job, 64 * 4096, 640 * 4096).iter().all(|at| at % 4 < 2));
        job.zones = None;
        job.hot_zones = vec![HotZone { requests: 60, size: 10 }, HotZone { requests: 40, size: 90 }];
        let seen = offsets(&job, 1000 * 4096, 10_000 * 4096);
        let hot = seen.iter().filter(|&&at| at < 100).count();
        assert!((5800..6200).contains(&hot), "{hot}");
    }

    #[test]
    fn sizes_have_their_shares() {
        let mut job = job(Access::Random, ReadWriteMix::Read, 4096);
        job.random_map = false;
        job.blocks = [Blocks { min: 4096, max: 65536 }; 2];
        let share = |bytes, percent| BlockShare { bytes, percent };
        job.shares = [vec![share(4096, 10), share(65536, 90)], Vec::new()];
        let ops = all(Pattern::new(&job, &[Extent { start: 0, len: 1 << 40 }], 0, 10_000 * 65536));
        let small = ops.iter().filter(|op| op.len == 4096).count() as f64 / ops.len() as f64;
        assert!((0.08..0.12).contains(&small), "{small}");
    }

    #[test]
    fn files_in_other_orders_are_read_to_their_ends() {
        for order in [FileOrder::RoundRobin, FileOrder::Random, FileOrder::Sequential] {
            let mut job = job(Access::Sequential, ReadWriteMix::Read, 4096);
            job.file_order = order;
            let extents = [8, 2, 4].map(|blocks| Extent { start: 0, len: blocks * 4096 });
            let ops = all(Pattern::new(&job, &extents, 0, 14 * 4096));
            let mut places: Vec<_> = ops.iter().map(|op| (op.file, op.offset)).collect();
            if order == FileOrder::Sequential {
                assert!(places.is_sorted());
            }
            places.sort_unstable();
            places.dedup();
            assert_eq!(places.len(), 14, "{order:?}");
        }
    }

    #[test]
    fn a_direction_that_is_not_due_waits() {
        let job = job(Access::Random, ReadWriteMix::Mixed { read_percent: 50 }, 4096);
        let mut pattern = Pattern::new(&job, &[Extent { start: 0, len: 1 << 30 }], 0, 1 << 30);
        for due in [Direction::Read, Direction::Write, Direction::Read] {
            let op = pattern.next_due([due == Direction::Read, due == Direction::Write]).unwrap();
            assert_eq!(op.action, Action::Transfer(due));
        }
    }

    proptest! {
        #[test]
        fn with_several_sizes_each_byte_comes_once_a_round(
            random: bool, min in 1_u32..4, factor in 1_u32..20, blocks in 20_u64..400, rounds in 1_u64..3, seed: u64,
        ) {
            let mut job = job(if random { Access::Random } else { Access::Sequential }, ReadWriteMix::Read, 0);
            (job.blocks, job.seed) = ([Blocks { min: min * 512, max: min * factor * 512 }; 2], seed);
            let grid = u64::from(min * 512);
            let mut seen = vec![0_u64; usize::try_from(blocks).unwrap()];
            let ops = all(Pattern::new(&job, &[Extent { start: 0, len: blocks * grid }], 0, blocks * grid * rounds));
            for op in &ops {
                for block in op.offset / grid..(op.offset + u64::from(op.len)) / grid {
                    seen[usize::try_from(block).unwrap()] += 1;
                }
            }
            prop_assert!(seen.iter().all(|&times| times == rounds), "{:?}", seen);
        }

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
