//! What workers of a phase have to do with each other.

use super::*;

#[test]
fn a_panic_before_the_start_holds_nobody_up() {
    let job = Job::new("test", crate::job::Place::Paths(Vec::new()));
    let share = || Share::default();
    let planned = Planned {
        job: &job,
        shares: vec![share(), share(), share()],
        opened: Vec::new(),
        volume: crate::Volume::default(),
        notes: Vec::new(),
    };
    let phase = Phase::new(&[planned]);
    std::thread::scope(|scope| {
        let waits = || {
            let _guard = phase.guard();
            phase.start.wait();
            assert!(phase.stops[0].load(Ordering::Relaxed), "nothing is sent");
        };
        let others = [scope.spawn(waits), scope.spawn(waits)];
        let panics = scope.spawn(|| {
            let _guard = phase.guard();
            panic!("planted");
        });
        assert!(panics.join().is_err());
        for other in others {
            other.join().unwrap();
        }
    });
    assert!(phase.failed.load(Ordering::Relaxed));
}

#[test]
fn workers_on_other_cpus_are_no_neighbours() {
    let check = |places: &[&str], expect: &[usize]| {
        let set = |text: &&str| (!text.is_empty()).then(|| text.parse::<CpuSet>().unwrap());
        let places: Vec<Option<CpuSet>> = places.iter().map(set).collect();
        let found: Vec<usize> = places.iter().map(|own| neighbours(&places, own.as_ref())).collect();
        assert_eq!(found, expect, "{places:?}");
    };
    check(&[""], &[1]);
    check(&["", "", ""], &[3; 3]);
    check(&["0-3", "0-3", "4-7", "4-7", "4-7"], &[2, 2, 3, 3, 3]);
    check(&["0-3", "3-7", "7"], &[2, 3, 2]);
    check(&["0-3", "", "4-7"], &[2, 3, 2]);
}
