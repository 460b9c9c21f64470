//! Which requests a pattern makes, and in which order.

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
fn requests_of_a_finer_alignment_are_not_cut() {
    let mut job = job(Access::Random, ReadWriteMix::Read, 65536);
    (job.random_map, job.align) = (false, Some(2048));
    let ops = all(Pattern::new(&job, &[Extent { start: 0, len: 300_000 }], 0, 1000 * 65536));
    assert!(ops.iter().all(|op| op.len == 65536 && op.offset % 2048 == 0));
    let last = ops.iter().map(|op| op.offset).max();
    assert!(last > Some(300_000 / 65536 * 65536 - 65536), "the last part is reached: {last:?}");
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
