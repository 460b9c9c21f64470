//! The six loops, written once, expanded for each instruction set and kind of store.
//!
//! A macro and not a generic function: only code that stands in a function with `#[target_feature]` is compiled with
//! these instructions, and trait methods cannot have the attribute.

/// Expands to the kernel that only loads (`loads`), or to the five that store (`stores`), over whole lines.
///
/// The module that it stands in has, for a line in registers, the type `V` and the functions `load`, `store`, `splat`,
/// `add`, `mul`, `fma`, `sum` and `prefetch`, and `fence`, which ends the stores.
///
/// Each kernel walks `STREAMS` parts of its chunk side by side, `BLOCK` lines of each in turn, and prefetches `AHEAD`
/// lines ahead; what is left over follows line by line.
macro_rules! kernels {
    (loads $feature:literal) => {
        #[target_feature(enable = $feature)]
        #[inline(never)]
        pub(super) fn read<const STREAMS: usize, const BLOCK: usize, const AHEAD: usize>(
            _dst: &mut [CacheLine],
            x: &[CacheLine],
            _y: &[CacheLine],
            _q: f64,
        ) -> f64 {
            let part = x.len() / STREAMS / BLOCK;
            let (blocks, rest) = x.as_chunks::<BLOCK>();
            let mut sums = [[splat(0.0); BLOCK]; STREAMS];
            for at in 0..part {
                for stream in 0..STREAMS {
                    let x = &blocks[stream * part + at];
                    for k in 0..BLOCK {
                        prefetch::<AHEAD>(&x[k]);
                        sums[stream][k] = add(sums[stream][k], load(&x[k]));
                    }
                }
            }
            let mut total = splat(0.0);
            for sum in sums.as_flattened() {
                total = add(total, *sum);
            }
            for x in blocks[STREAMS * part..].as_flattened().iter().chain(rest) {
                total = add(total, load(x));
            }
            sum(total)
        }
    };

    (stores $feature:literal) => {
        #[target_feature(enable = $feature)]
        #[inline(never)]
        pub(in crate::kernel) fn write<const STREAMS: usize, const BLOCK: usize, const AHEAD: usize>(
            dst: &mut [CacheLine],
            _x: &[CacheLine],
            _y: &[CacheLine],
            q: f64,
        ) -> f64 {
            let value = splat(q);
            let part = dst.len() / STREAMS / BLOCK;
            let (blocks, rest) = dst.as_chunks_mut::<BLOCK>();
            for at in 0..part {
                for stream in 0..STREAMS {
                    let dst = &mut blocks[stream * part + at];
                    for k in 0..BLOCK {
                        store(&mut dst[k], value);
                    }
                }
            }
            for dst in blocks[STREAMS * part..].as_flattened_mut().iter_mut().chain(rest) {
                store(dst, value);
            }
            fence();
            0.0
        }

        kernels!(@map $feature, copy, |x, _q| x);
        kernels!(@map $feature, scale, |x, q| mul(q, x));
        kernels!(@zip $feature, add_up, |x, y, _q| add(x, y));
        kernels!(@zip $feature, triad, |x, y, q| fma(q, y, x));
    };

    // One array in, one out.
    (@map $feature:literal, $name:ident, |$x:ident, $q:ident| $result:expr) => {
        #[target_feature(enable = $feature)]
        #[inline(never)]
        pub(in crate::kernel) fn $name<const STREAMS: usize, const BLOCK: usize, const AHEAD: usize>(
            dst: &mut [CacheLine],
            x: &[CacheLine],
            _y: &[CacheLine],
            q: f64,
        ) -> f64 {
            let $q = splat(q);
            let x = &x[..dst.len()];
            let part = x.len() / STREAMS / BLOCK;
            let (dst, dst_rest) = dst.as_chunks_mut::<BLOCK>();
            let (x, x_rest) = x.as_chunks::<BLOCK>();
            for at in 0..part {
                for stream in 0..STREAMS {
                    let (dst, x) = (&mut dst[stream * part + at], &x[stream * part + at]);
                    for k in 0..BLOCK {
                        prefetch::<AHEAD>(&x[k]);
                        let $x = load(&x[k]);
                        store(&mut dst[k], $result);
                    }
                }
            }
            let done = STREAMS * part;
            let dst = dst[done..].as_flattened_mut().iter_mut().chain(dst_rest);
            for (dst, x) in dst.zip(x[done..].as_flattened().iter().chain(x_rest)) {
                let $x = load(x);
                store(dst, $result);
            }
            fence();
            0.0
        }
    };

    // Two arrays in, one out.
    (@zip $feature:literal, $name:ident, |$x:ident, $y:ident, $q:ident| $result:expr) => {
        #[target_feature(enable = $feature)]
        #[inline(never)]
        pub(in crate::kernel) fn $name<const STREAMS: usize, const BLOCK: usize, const AHEAD: usize>(
            dst: &mut [CacheLine],
            x: &[CacheLine],
            y: &[CacheLine],
            q: f64,
        ) -> f64 {
            let $q = splat(q);
            let (x, y) = (&x[..dst.len()], &y[..dst.len()]);
            let part = x.len() / STREAMS / BLOCK;
            let (dst, dst_rest) = dst.as_chunks_mut::<BLOCK>();
            let (x, x_rest) = x.as_chunks::<BLOCK>();
            let (y, y_rest) = y.as_chunks::<BLOCK>();
            for at in 0..part {
                for stream in 0..STREAMS {
                    let at = stream * part + at;
                    let (dst, x, y) = (&mut dst[at], &x[at], &y[at]);
                    for k in 0..BLOCK {
                        prefetch::<AHEAD>(&x[k]);
                        prefetch::<AHEAD>(&y[k]);
                        let ($x, $y) = (load(&x[k]), load(&y[k]));
                        store(&mut dst[k], $result);
                    }
                }
            }
            let done = STREAMS * part;
            let dst = dst[done..].as_flattened_mut().iter_mut().chain(dst_rest);
            let x = x[done..].as_flattened().iter().chain(x_rest);
            for ((dst, x), y) in dst.zip(x).zip(y[done..].as_flattened().iter().chain(y_rest)) {
                let ($x, $y) = (load(x), load(y));
                store(dst, $result);
            }
            fence();
            0.0
        }
    };
}

/// Expands to `table()`: the rows of an instruction set. `tunings` are (streams, lines of each in turn, lines ahead);
/// those with lines ahead make no difference to write, which reads nothing.
macro_rules! table {
    ($isa:expr, $(($streams:literal, $block:literal, $ahead:literal)),*) => {
        /// The rows of this instruction set.
        pub(super) fn table() -> Vec<Variant> {
            let mut rows = Vec::new();
            $({
                let tuning = Tuning { streams: $streams, ahead: $ahead * LINE };
                let mut row = |kernel: Kernel, store: Store, run: KernelFn| {
                    rows.push(Variant { kernel, isa: $isa, store, tuning, run });
                };
                row(Kernel::Read, Store::None, read::<$streams, $block, $ahead>);
                if $ahead == 0 {
                    row(Kernel::Write, Store::Temporal, temporal::write::<$streams, $block, 0>);
                    row(Kernel::Write, Store::NonTemporal, nontemporal::write::<$streams, $block, 0>);
                }
                row(Kernel::Copy, Store::Temporal, temporal::copy::<$streams, $block, $ahead>);
                row(Kernel::Copy, Store::NonTemporal, nontemporal::copy::<$streams, $block, $ahead>);
                row(Kernel::Scale, Store::Temporal, temporal::scale::<$streams, $block, $ahead>);
                row(Kernel::Scale, Store::NonTemporal, nontemporal::scale::<$streams, $block, $ahead>);
                row(Kernel::Add, Store::Temporal, temporal::add_up::<$streams, $block, $ahead>);
                row(Kernel::Add, Store::NonTemporal, nontemporal::add_up::<$streams, $block, $ahead>);
                row(Kernel::Triad, Store::Temporal, temporal::triad::<$streams, $block, $ahead>);
                row(Kernel::Triad, Store::NonTemporal, nontemporal::triad::<$streams, $block, $ahead>);
            })*
            rows
        }
    };
}

pub(super) use {kernels, table};
