use machine::Source;
use proptest::prelude::*;

use super::*;

fn described(text: &str) -> Machine {
    Machine::detect(&Source::Synthetic(text.into())).unwrap()
}

#[test]
fn arrays_are_four_times_the_caches() {
    let check = |description: &str, profile: Profile, array: u64, chase: u64| {
        let config = Config::for_profile(profile, &described(description)).unwrap();
        assert_eq!((config.array_bytes >> 20, config.chase_bytes >> 20), (array, chase), "{description} {profile:?}");
        assert!(config.array_bytes.is_multiple_of(2 << 20));
    };
    let target = "pack:2 numa:1 l3:1(size=335544320) core:64 l2:1(size=2097152) pu:2";
    // 4 × (2 × 320 + 128 × 2) MiB, and 4 × 320 MiB
    check(target, Profile::Quick, 3584, 1280);
    check(target, Profile::Full, 8192, 1280);
    check(target, Profile::Smoke, 256, 64);
    check("numa:1 core:2 l2:1(size=1048576) pu:1", Profile::Quick, 8, 64);
}

#[test]
fn what_a_run_needs_is_known_before() {
    let host = Machine::detect(&Source::Host).unwrap();
    for profile in [Profile::Smoke, Profile::Quick] {
        let needs = Config::for_profile(profile, &host).unwrap().needs(&host);
        assert!(needs.seconds > 0.1 && needs.disk == 0, "{needs:?}");
        assert!(needs.memory <= memory_available());
    }
}

/// Arrays grow with the caches: a virtual machine of two cores may see 480 MiB of its host's, and takes longer.
#[test]
fn a_small_host_is_measured_in_a_minute() {
    let check = |description: &str, profile: Profile, most: f64| {
        let machine = described(description);
        let seconds = Config::for_profile(profile, &machine).unwrap().needs(&machine).seconds;
        assert!(seconds <= most, "{description} {profile:?}: {seconds} s");
    };
    for host in ["pack:1 l3:1(size=33554432) core:2 pu:1", "pack:1 l3:1(size=33554432) core:8 l2:1(size=1048576) pu:2"]
    {
        check(host, Profile::Smoke, 15.0);
        check(host, Profile::Quick, 60.0);
    }
    check("pack:1 l3:1(size=503316480) core:2 l2:1(size=2097152) pu:1", Profile::Quick, 90.0);
}

#[test]
fn sizes_go_from_16_kib_to_the_largest() {
    let config = Config { chase_bytes: 1 << 20, points_per_octave: 2, ..Config::smoke() };
    let kib: Vec<u64> = config.sizes().iter().map(|size| size >> 10).collect();
    assert_eq!(kib, [16, 24, 32, 48, 64, 92, 128, 184, 256, 364, 512, 728, 1024]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let host = Machine::detect(&Source::Host).unwrap();
    let workers = place(&host.topology, Siblings::OnePerCore).unwrap();
    let check = |change: fn(&mut Config), expect: &str| {
        let mut config = Config::smoke();
        config.array_bytes = config.array_bytes.max(workers.len() as u64 * LEAST_CHUNK);
        config.check(&host, &workers).unwrap();
        change(&mut config);
        let error = config.check(&host, &workers).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    };
    check(|config| config.array_bytes = 4096, "2 MiB for each worker");
    check(|config| config.samples = 0, "samples is 0");
    check(|config| config.point_seconds = f64::NAN, "point_seconds is NaN");
    check(|config| config.walks[0].spacing = 8, "walks.spacing is 8");
    check(|config| config.array_bytes = 1 << 60, "stream needs");
    check(|config| config.chases = 17, "at most 16");
    check(|config| config.points_per_octave = 0, "1 to 64");
}

#[test]
fn an_instruction_set_that_the_cpu_lacks_is_refused() {
    let limit = |isa: Option<Isa>| Config { isa, ..Config::smoke() }.isa_limit(&[Isa::Scalar, Isa::Avx2]);
    assert_eq!(limit(None).unwrap(), Isa::Avx2);
    assert_eq!(limit(Some(Isa::Scalar)).unwrap(), Isa::Scalar);
    let error = limit(Some(Isa::Avx512)).unwrap_err().to_string();
    assert_eq!(error, "`avx512` cannot be used here; this CPU runs scalar, avx2");
}

proptest! {
    #[test]
    fn sizes_rise_and_are_whole_pages(octaves in 0_u32..18, points in 1_u32..10) {
        let config = Config { chase_bytes: (16 << 10) << octaves, points_per_octave: points, ..Config::smoke() };
        let sizes = config.sizes();
        prop_assert_eq!(sizes.first(), Some(&(16 << 10)));
        prop_assert_eq!(sizes.last(), Some(&config.chase_bytes));
        prop_assert!(sizes.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(sizes.iter().all(|size| size % 4096 == 0));
    }
}
