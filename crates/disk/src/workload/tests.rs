use super::*;

#[test]
fn few_requests_are_those_of_few_workers() {
    let check = |workers: u32, in_flight: u32, expect: (u32, u32)| {
        let config = Config { workers, ..Config::smoke() };
        assert_eq!(config.split(in_flight), expect, "{in_flight} of {workers} workers");
    };
    check(32, 1, (1, 1));
    check(32, 6, (6, 1));
    check(32, 32, (32, 1));
    check(32, 8192, (32, 256));
    check(2, 6, (2, 3));
    check(1, 8, (1, 8));
    check(1, 0, (1, 1));
}

#[test]
fn remarks_are_told_once_each_and_by_their_weight() {
    let cached = |share: f64| Warning::CacheAnswered { share };
    let io_wq = |n: u32| Warning::Note(format!("{n} io-wq workers were seen"));
    let refused = Warning::NotHonoured { what: "IOPOLL".to_owned() };
    let skew = |seconds: f64| Warning::Uncertain { why: format!("the last worker ended {seconds} s after") };
    let all = vec![io_wq(2), refused.clone(), cached(0.9), skew(1.5), cached(0.25), io_wq(12), skew(0.2)];
    assert_eq!(weightiest_first(all), [cached(0.25), skew(1.5), refused, io_wq(2)]);
}

#[test]
fn a_sweep_tells_the_depths_that_it_has() {
    let config = Config { workers: 24, sequential_depths: vec![1, 16, 24, 32, 64, 256], ..Config::smoke() };
    assert_eq!(config.depths(&CASES[0]), [1, 16, 24, 48, 240]);
}

#[test]
fn each_profile_keeps_its_time() {
    let machine = Machine::detect(&machine::Source::Host).unwrap();
    for (profile, most) in [(Profile::Smoke, 15.0), (Profile::Quick, 60.0)] {
        let seconds = Config::for_profile(profile, &machine).unwrap().needs(&machine).seconds;
        assert!(seconds < most, "{profile:?}: {seconds}");
    }
}
