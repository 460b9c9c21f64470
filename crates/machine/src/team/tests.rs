use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicUsize;

use super::*;
use crate::affinity::allowed;

/// A team on (at most two of) the CPUs that this process may use.
fn team() -> Team {
    team_on(allowed().unwrap().iter().take(2))
}

fn team_on(cpus: impl Iterator<Item = u32>) -> Team {
    let worker = |(index, cpu)| Worker { index, cpu, core: cpu, node: 0, package: 0 };
    Team::start(&cpus.enumerate().map(worker).collect::<Vec<_>>()).unwrap()
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|&text| text.to_owned())).unwrap_or_default()
}

#[test]
fn each_worker_has_its_own_item_on_its_own_cpu() {
    let team = team();
    let mut items = vec![(usize::MAX, 0); team.workers().len()];
    for round in 0..100 {
        team.each(&mut items, |member, item| {
            *item = (member.index, item.1 + 1);
            member.barrier();
        });
        assert!(items.iter().enumerate().all(|(i, item)| *item == (i, round + 1)), "{items:?}");
    }
    team.verify().unwrap();
}

#[test]
fn timing_spans_all_workers() {
    let team = team();
    let mut sums = vec![0_u64; team.workers().len()];
    let timing = team.timed(&mut sums, |member, sum| {
        *sum = (0..10_000 * (member.index as u64 + 1)).map(std::hint::black_box).sum();
    });
    assert_eq!(timing.spans.len(), sums.len());
    let first = timing.spans.iter().map(|span| span.0).min().unwrap();
    let last = timing.spans.iter().map(|span| span.1).max().unwrap();
    assert!(timing.spans.iter().all(|(start, end)| start < end));
    assert!((timing.elapsed - Clock::seconds(first, last)).abs() < 1e-12);
    assert!(matches!(timing.migrations, None | Some(0)), "{timing:?}");
}

#[test]
fn a_panic_between_barriers_reaches_the_caller_and_leaves_the_team_usable() {
    let team = team();
    let mut items = vec![0; team.workers().len()];
    let panic = catch_unwind(AssertUnwindSafe(|| {
        team.each(&mut items, |member, _| {
            member.barrier();
            assert!(member.index > 0, "planted");
            member.barrier();
        });
    }));
    assert!(message(&*panic.unwrap_err()).contains("planted"));
    let ran = AtomicUsize::new(0);
    team.each(&mut items, |member, _| {
        member.barrier();
        ran.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(ran.into_inner(), items.len());
}

#[test]
fn a_worker_that_skips_a_barrier_is_an_error_and_no_hang() {
    // Two workers, on a host with one CPU both on that.
    let cpus: Vec<u32> = allowed().unwrap().iter().collect();
    let team = team_on((0..2).map(|worker| cpus[worker % cpus.len()]));
    let panic = catch_unwind(AssertUnwindSafe(|| {
        team.each(&mut vec![(); team.workers().len()], |member, ()| {
            if member.index > 0 {
                member.barrier();
            }
        });
    }));
    assert!(message(&*panic.unwrap_err()).contains("without coming to the barrier"));
}

#[test]
fn wrong_numbers_of_workers_and_items_are_refused() {
    assert!(matches!(Team::start(&[]), Err(Error::Placement(_))));
    let team = team();
    assert!(catch_unwind(AssertUnwindSafe(|| team.each(&mut [], |_, (): &mut ()| ()))).is_err());
}

#[test]
fn a_cpu_that_is_not_there_is_an_error() {
    let check = |cpu: u32| {
        let worker = Worker { index: 0, cpu, core: 0, node: 0, package: 0 };
        let error = Team::start(&[worker]).err().unwrap().to_string();
        assert!(error.contains(&format!("CPU {cpu}")), "{error}");
    };
    check(1023);
    check(4_000_000);
}

#[test]
fn some_workers_have_an_interval_of_their_own() {
    let timing = Timing { elapsed: 40e-9, spans: vec![(10, 30), (12, 50), (11, 20)], migrations: None };
    let check = |members: &[usize], expect: (u64, u64)| {
        assert_eq!(timing.interval_of(members), Interval::new(expect.0, expect.1), "{members:?}");
    };
    check(&[0, 1, 2], (10, 50));
    check(&[0, 2], (10, 30));
    check(&[1], (12, 50));
    check(&[], (0, 0));
}
