use machine::{Siblings, Source, Topology, place};

use super::*;
use crate::kernel::{Store, Tuning, variants};

fn arrays() -> Arrays {
    let topology = Topology::read(&Source::Host).unwrap();
    let workers = place(&topology, Siblings::OnePerCore).unwrap();
    Arrays::new(&workers, (workers.len() * HUGE_PAGE) as u64 + 5).unwrap()
}

fn plain(kernel: Kernel) -> Variant {
    let fits =
        |v: &Variant| v.kernel == kernel && v.store != Store::Temporal && v.tuning == Tuning { streams: 1, ahead: 0 };
    variants().into_iter().find(fits).unwrap()
}

#[test]
fn whole_huge_pages_count() {
    let arrays = arrays();
    assert_eq!(arrays.bytes(), (arrays.threads() * HUGE_PAGE) as u64);
}

#[test]
fn every_variant_in_rounds_is_right() {
    let mut arrays = arrays();
    for variant in variants() {
        for kernel in Kernel::ALL {
            let pass = arrays.pass(&if kernel == variant.kernel { variant } else { plain(kernel) });
            assert!(pass.sums_right && pass.interval.seconds() > 0.0 && pass.rate > 0.0, "{variant:?}");
        }
        arrays.verify().unwrap();
    }
}

#[test]
fn planted_faults_are_found() {
    let check = |plant: fn(&mut Arrays), expect: &str| {
        let mut arrays = arrays();
        for kernel in Kernel::ALL {
            arrays.pass(&plain(kernel));
        }
        plant(&mut arrays);
        let error = arrays.verify().unwrap_err();
        assert!(error.contains(expect), "{error}");
    };
    check(|arrays| arrays.buffers[0].as_mut_slice()[4711] = 0.0, "element 4711 of array a is 0e0");
    check(|arrays| arrays.buffers[1].as_mut_slice()[ALIGN - 1] = f64::NAN, "of array b is NaN");
    check(|arrays| arrays.buffers[2].as_mut_slice().swap(1, 2), "element 1 of array c");
    // a pass that was counted and not done
    check(|arrays| arrays.expected = arrays.expected.after(Kernel::Triad, Q).after(Kernel::Copy, Q), "array c");
}

#[test]
fn a_wrong_sum_is_found() {
    let mut arrays = arrays();
    assert!(arrays.pass(&plain(Kernel::Read)).sums_right);
    arrays.buffers[0].as_mut_slice()[99] = 0.0;
    assert!(!arrays.pass(&plain(Kernel::Read)).sums_right);
}

#[test]
fn pages_elsewhere_taint() {
    let measurement = || Measurement::new(&measure::metrics::STREAM_TRIAD, [1.0, 2.0].map(Sample::untimed));
    let check = |proof: Proof, tainted: bool, warnings: usize| {
        let placed = proof.place(measurement(), Some(0));
        assert_eq!(placed.samples.iter().all(|sample| sample.taint.is_some()), tainted);
        assert_eq!(placed.warnings.len(), warnings, "{:?}", placed.warnings);
        assert_eq!(placed.placement.unwrap().pages_on_node, proof.on_node);
    };
    let good = Proof { on_node: Some(1.0), huge: Some(1.0), asked_huge: true, ..Proof::default() };
    check(good.clone(), false, 0);
    check(Proof { on_node: Some(0.5), ..good.clone() }, true, 0);
    check(Proof { huge: Some(0.1), ..good.clone() }, false, 1);
    check(Proof { huge: Some(0.0), asked_huge: false, ..good.clone() }, false, 0);
    check(Proof { on_node: None, refused: Some("no".into()), ..good }, false, 1);
}

/// Workers as if each were on a socket of its own, and what one of these passes says of each.
#[test]
fn the_rate_of_a_socket_is_of_its_own_bytes_and_its_own_time() {
    let topology = Topology::read(&Source::Host).unwrap();
    let mut workers = place(&topology, Siblings::OnePerCore).unwrap();
    for worker in &mut workers {
        worker.package = u32::try_from(worker.index % 2).unwrap();
    }
    let mut arrays = Arrays::new(&workers, (workers.len() * HUGE_PAGE) as u64).unwrap();
    let pass = arrays.pass(&plain(Kernel::Triad));
    let sockets = arrays.sockets().to_vec();
    assert_eq!(pass.of_sockets.len(), if workers.len() > 1 { 2 } else { 0 });
    for (socket, part) in sockets.iter().zip(&pass.of_sockets) {
        let interval = part.interval.unwrap();
        assert_eq!(pass.interval.hull(interval), pass.interval, "{part:?} of {pass:?}");
        // Each worker has one huge page of each of three arrays.
        let bytes = (socket.members.len() * 3 * HUGE_PAGE) as f64;
        assert!((part.value * interval.seconds() / bytes - 1.0).abs() < 1e-9, "{part:?}");
    }
}
