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
        let word = self.words[(at / 64) as usize];
        word >> (at % 64) & 1 == 1
    }

    /// Takes free blocks from one on, `most` at most; how many.
    #[inline]
    fn take(&mut self, from: u64, most: u64) -> u64 {
        let end = from.saturating_add(most).min(self.len);
        let mut at = from;
        while at < end && !self.is_taken(at) {
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
            // Those from which on it fits, which its alignment alone does not say where that is less than its size.
            let places = cursor.extent.len.saturating_sub(u64::from(len)) / align + 1;
            return (self.random.below(places) * align, u64::MAX);
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
mod tests;
