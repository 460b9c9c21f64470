use super::*;

/// Lengths in lines: none, fewer than a block, whole blocks, and some over.
const LINES: [usize; 8] = [0, 1, 3, 8, 32, 33, 95, 256];

/// A vector on a cache line is not to be had in safe code: room for one more line, and where it begins.
fn aligned(room: &mut Vec<f64>, len: usize) -> &mut [f64] {
    room.resize(len + 8, f64::NAN);
    let skip = room.as_ptr().align_offset(LINE);
    &mut room[skip..skip + len]
}

fn expected(kernel: Kernel, x: f64, y: f64, q: f64) -> f64 {
    match kernel {
        Kernel::Read | Kernel::Copy => x,
        Kernel::Write => q,
        Kernel::Scale => q * x,
        Kernel::Add => x + y,
        Kernel::Triad => q.mul_add(y, x),
    }
}

#[test]
fn every_variant_computes_every_element() {
    let variants = variants();
    for variant in &variants {
        let Variant { kernel, .. } = *variant;
        for lines in LINES {
            let len = lines * 8;
            let whole = |i: usize| (i % 1000) as f64;
            let x: Vec<f64> = (0..len).map(|i| whole(i) + 1.0).collect();
            let y: Vec<f64> = (0..len).map(|i| 3.0 - whole(i)).collect();
            let used = |needed: bool, data: &[f64]| if needed { data.to_vec() } else { Vec::new() };
            let (x, y) = (used(kernel.loads() > 0, &x), used(kernel.loads() > 1, &y));
            let mut room = Vec::new();
            let dst = aligned(&mut room, if kernel.stores() > 0 { len } else { 0 });
            let sum = variant.run(dst, &x, &y, 1.5);
            let element = |i: usize| {
                let of = |data: &[f64]| data.get(i).copied().unwrap_or(0.0);
                expected(kernel, of(&x), of(&y), 1.5).to_bits()
            };
            assert!(dst.iter().enumerate().all(|(i, &found)| found.to_bits() == element(i)), "{variant:?} {lines}");
            // whole numbers add up exactly, in any order
            let total = if kernel == Kernel::Read { x.iter().fold(0.0, |sum, x| sum + x) } else { 0.0 };
            assert_eq!(sum.to_bits(), total.to_bits(), "{variant:?} {lines}");
        }
    }
}

#[test]
fn the_table_is_complete() {
    let variants = variants();
    for isa in isa::available() {
        for kernel in Kernel::ALL {
            let stores =
                if kernel == Kernel::Read { vec![Store::None] } else { vec![Store::Temporal, Store::NonTemporal] };
            for store in stores {
                let mut rows: Vec<Tuning> = variants
                    .iter()
                    .filter(|v| (v.isa, v.kernel, v.store) == (isa, kernel, store))
                    .map(|v| v.tuning)
                    .collect();
                assert_eq!(rows.first(), Some(&Tuning { streams: 1, ahead: 0 }), "{kernel:?} {isa:?} {store:?}");
                rows.dedup();
                assert_eq!(
                    rows.len(),
                    if isa == Isa::Scalar {
                        1
                    } else if kernel == Kernel::Write {
                        3
                    } else {
                        4
                    }
                );
            }
        }
    }
}

#[test]
fn bytes_and_flops_of_an_element() {
    let check = |kernel: Kernel, stream, temporal, flops| {
        assert_eq!((kernel.stream_bytes(), kernel.traffic_bytes(Store::Temporal)), (stream, temporal));
        assert_eq!(kernel.flops(), flops);
        assert_eq!(kernel.traffic_bytes(Store::NonTemporal), stream);
        assert_eq!(Kernel::from_name(kernel.name()), Some(kernel));
    };
    check(Kernel::Read, 8, 8, 1);
    check(Kernel::Write, 8, 16, 0);
    check(Kernel::Copy, 16, 24, 0);
    check(Kernel::Scale, 16, 24, 1);
    check(Kernel::Add, 24, 32, 1);
    check(Kernel::Triad, 24, 32, 2);
    assert_eq!(Kernel::from_name("triads"), None);
}

#[test]
fn chunks_that_do_not_fit_are_refused() {
    let variants = variants();
    let triad = variants.iter().find(|variant| variant.kernel == Kernel::Triad).unwrap();
    let check = |dst: usize, skip: usize, x: usize, y: usize, expect: &str| {
        let panic = std::panic::catch_unwind(|| {
            let mut room = Vec::new();
            let dst = &mut aligned(&mut room, dst + skip)[skip..];
            triad.run(dst, &vec![0.0; x], &vec![0.0; y], 1.0)
        });
        let payload = panic.unwrap_err();
        let text = payload.downcast_ref::<String>().cloned();
        let text = text.or_else(|| payload.downcast_ref::<&str>().map(|&text| text.to_owned())).unwrap();
        assert!(text.contains(expect), "{text}");
    };
    check(12, 0, 16, 16, "whole cache lines");
    check(16, 0, 17, 16, "whole cache lines");
    check(16, 4, 16, 16, "lies on a cache line");
    check(16, 0, 8, 16, "was given 2, 1 and 2 lines");
    check(16, 0, 16, 0, "was given 2, 2 and 0 lines");
}
