//! AMX: tile products of bf16 and of signed bytes, from registers only.

mod kernels;
mod permission;

use machine::{Clock, Team, Worker};
use measure::metrics::{DENSE_AMX_BF16, DENSE_AMX_INT8};
use measure::{Definition, Measurement, Placement, Reason, Sample};

use crate::Error;
use crate::fma::FmaConfig;
use crate::matrix::uniform;
use crate::reporter::{Reporter, noisy};
use kernels::{PRODUCTS, ROW_BYTES, ROWS, Tile, Tiles};
use permission::{Format, Permitted};

impl Format {
    /// Bytes of an element; a row of 64 bytes holds this many times fewer.
    fn bytes(self) -> usize {
        match self {
            Format::Bf16 => 2,
            Format::Int8 => 1,
        }
    }

    fn metric(self) -> &'static Definition {
        match self {
            Format::Bf16 => &DENSE_AMX_BF16,
            Format::Int8 => &DENSE_AMX_INT8,
        }
    }

    /// Operations of one pass: a multiplication and an addition a term.
    fn operations(self) -> f64 {
        (2 * ROWS * ROWS * (ROW_BYTES / self.bytes())) as f64 * PRODUCTS as f64
    }
}

/// Measures both formats on all workers, or says why not. It comes before other work: see [`Permitted::request`].
pub(crate) fn record(config: &FmaConfig, workers: &[Worker], reporter: &mut Reporter<'_>) -> Result<(), Error> {
    let permitted = [Format::Bf16, Format::Int8].map(|format| (format, Permitted::request(format)));
    for (format, permitted) in permitted {
        let metric = format.metric();
        let permitted = match permitted {
            Ok(permitted) => permitted,
            Err(why) => {
                reporter.not_measured(metric, &[], Reason::NoHardware(why));
                continue;
            }
        };
        let team = Team::start(workers)?;
        match measure(&team, permitted, config) {
            Ok(rates) => {
                let cpus = workers.iter().map(|worker| worker.cpu).collect();
                let rates = Measurement::new(metric, rates)
                    .placed(Placement { cpus, ..Placement::default() })
                    .context("threads", workers.len());
                reporter.measured(noisy(rates));
            }
            Err(error) => reporter.not_measured(metric, &[], error.reason()),
        }
    }
    Ok(())
}

fn measure(team: &Team, permitted: Permitted, config: &FmaConfig) -> Result<Vec<Sample>, Error> {
    let format = permitted.format();
    let mut workers: Vec<TileWorker> =
        (0..team.workers().len()).map(|index| TileWorker::new(permitted, index as u64)).collect();
    team.each(&mut workers, |_, worker| worker.calibrate());
    let slowest = workers.iter().map(|worker| worker.passes_per_second).fold(f64::INFINITY, f64::min);
    let passes = crate::fma::whole(slowest * config.seconds);
    (0..config.samples)
        .map(|_| {
            let timing = team.timed(&mut workers, |_, worker| worker.run(passes));
            workers.iter().try_for_each(|worker| worker.verify(passes))?;
            let operations = format.operations() * passes as f64 * workers.len() as f64;
            Ok(Sample::timed(operations / timing.elapsed, timing.interval()))
        })
        .collect()
}

/// Passes after which the sums are looked at and begin anew: each counts one in f32, whose mantissa has 24 bits.
const STRETCH: u64 = 1 << 22;

/// The work of one worker.
struct TileWorker {
    permitted: Permitted,
    first: Tiles,
    tiles: Tiles,
    /// What the sums are after a whole stretch.
    whole: [Tile; 4],
    /// Whether they were so after each.
    agrees: bool,
    passes_per_second: f64,
}

impl TileWorker {
    fn new(permitted: Permitted, seed: u64) -> TileWorker {
        let first = tiles(permitted.format(), seed);
        let whole = expected(permitted.format(), &first, STRETCH);
        TileWorker { permitted, tiles: first.clone(), first, whole, agrees: true, passes_per_second: 0.0 }
    }

    fn run(&mut self, passes: u64) {
        self.agrees = true;
        for _ in 0..passes / STRETCH {
            self.stretch(STRETCH);
            self.agrees &= self.tiles.c == self.whole;
        }
        if !passes.is_multiple_of(STRETCH) {
            self.stretch(passes % STRETCH);
        }
    }

    fn stretch(&mut self, passes: u64) {
        self.tiles = self.first.clone();
        self.permitted.run(passes, &mut self.tiles);
    }

    fn calibrate(&mut self) {
        const PASSES: u64 = 10_000;
        for _ in 0..4 {
            let start = Clock::now();
            self.run(PASSES);
            self.passes_per_second = PASSES as f64 / Clock::seconds(start, Clock::now());
        }
    }

    fn verify(&self, passes: u64) -> Result<(), Error> {
        let last = (passes - 1) % STRETCH + 1;
        let expect = expected(self.permitted.format(), &self.first, last);
        if self.agrees && self.tiles.c == expect {
            Ok(())
        } else {
            Err(Error::Wrong(format!("the {:?} tile kernel disagrees with scalar code", self.permitted.format())))
        }
    }
}

/// Random whole numbers of magnitude up to 8 (bf16) or 127 (bytes), of which all sums are exact; a₁ = −a₀, but for one
/// element that counts: there a₀ + a₁ is 1, and the terms of b that it meets are 1, so that each pass adds 1 to the first row
/// of every sum.
fn tiles(format: Format, seed: u64) -> Tiles {
    let number = |row: usize, column: usize, most: f64| (uniform(seed, row, column) * 2.0 * most).round();
    let mut tiles =
        Tiles { c: [[[0; ROW_BYTES]; ROWS]; 4], a: [[[0; ROW_BYTES]; ROWS]; 2], b: [[[0; ROW_BYTES]; ROWS]; 2] };
    for row in 0..ROWS {
        for place in 0..ROW_BYTES / format.bytes() {
            let number =
                |tile: usize| number(tile * ROWS + row, place, if format == Format::Bf16 { 8.0 } else { 127.0 });
            set(format, &mut tiles.a[0], row, place, number(0));
            set(format, &mut tiles.a[1], row, place, -number(0));
            set(format, &mut tiles.b[0], row, place, number(1));
            set(format, &mut tiles.b[1], row, place, number(2));
        }
    }
    set(format, &mut tiles.a[0], 0, 0, 0.0);
    set(format, &mut tiles.a[1], 0, 0, 1.0);
    for column in 0..ROWS {
        for b in &mut tiles.b {
            set(format, b, 0, column * (4 / format.bytes()), 1.0);
        }
    }
    tiles
}

#[expect(clippy::cast_possible_truncation, reason = "whole numbers of magnitude up to 127, exact in either format")]
fn set(format: Format, tile: &mut Tile, row: usize, place: usize, number: f64) {
    match format {
        // The upper half of an f32.
        Format::Bf16 => tile[row][2 * place..][..2].copy_from_slice(&(number as f32).to_le_bytes()[2..]),
        Format::Int8 => tile[row][place] = (number as i8).cast_unsigned(),
    }
}

fn get(format: Format, tile: &Tile, row: usize, place: usize) -> f64 {
    match format {
        Format::Bf16 => f64::from(f32::from_le_bytes([0, 0, tile[row][2 * place], tile[row][2 * place + 1]])),
        Format::Int8 => f64::from(tile[row][place].cast_signed()),
    }
}

/// What the accumulators hold after these passes, by the definition: n·(a₀ + a₁)·b of the passes, and then a₀·b₀, a₀·b₁,
/// a₁·b₀ and a₁·b₁.
///
/// In b the terms of a sum that belong to one 32-bit group follow one another: element (k, j) of the matrix is place
/// `j * group + k % group` of row `k / group`.
#[expect(clippy::cast_possible_truncation, reason = "exact whole numbers below 2²⁴")]
fn expected(format: Format, tiles: &Tiles, passes: u64) -> [Tile; 4] {
    let group = 4 / format.bytes();
    let terms = ROW_BYTES / format.bytes();
    std::array::from_fn(|which| {
        let (a, b) = (&tiles.a[which / 2], &tiles.b[which % 2]);
        let mut c = tiles.c[which];
        for (row, line) in c.iter_mut().enumerate() {
            for (j, element) in line.chunks_exact_mut(4).enumerate() {
                let both = |k: usize| get(format, &tiles.a[0], row, k) + get(format, &tiles.a[1], row, k);
                let left = |k: usize| passes as f64 * both(k) + get(format, a, row, k);
                let term = |k: usize| left(k) * get(format, b, k / group, j * group + k % group);
                let sum: f64 = (0..terms).map(term).sum();
                element.copy_from_slice(&match format {
                    Format::Bf16 => (sum as f32).to_le_bytes(),
                    Format::Int8 => (sum as i32).to_le_bytes(),
                });
            }
        }
        c
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_agree_with_scalar_code_where_the_cpu_has_them_and_say_why_elsewhere() {
        for format in [Format::Bf16, Format::Int8] {
            match Permitted::request(format) {
                Ok(permitted) => {
                    for passes in [1, 2, 1000] {
                        let mut worker = TileWorker::new(permitted, passes);
                        worker.run(passes);
                        worker.verify(passes).unwrap();
                        assert!(worker.verify(passes + 1).is_err());
                        worker.first.b[0][3][5] ^= 1;
                        assert!(worker.verify(passes).is_err());
                    }
                }
                Err(why) => assert!(why.contains("AMX"), "{why}"),
            }
        }
    }

    #[test]
    fn numbers_are_written_and_read_back() {
        for format in [Format::Bf16, Format::Int8] {
            let mut tile = [[0; ROW_BYTES]; ROWS];
            for (place, number) in [-8.0, -1.0, 0.0, 3.0, 7.0, 127.0].into_iter().enumerate() {
                set(format, &mut tile, 2, place, number);
                assert_eq!(get(format, &tile, 2, place).to_bits(), f64::to_bits(number + 0.0));
            }
        }
    }

    #[test]
    fn the_reference_is_the_product() {
        // a has one element (1, 5) = 3, b one element (5, 2) = -4: the product has one element (1, 2) = -12
        let check = |format: Format, group: usize, minus_twelve: [u8; 4]| {
            let mut tiles = Tiles {
                c: [[[0; ROW_BYTES]; ROWS]; 4],
                a: [[[0; ROW_BYTES]; ROWS]; 2],
                b: [[[0; ROW_BYTES]; ROWS]; 2],
            };
            set(format, &mut tiles.a[0], 1, 5, 3.0);
            set(format, &mut tiles.b[1], 5 / group, 2 * group + 5 % group, -4.0);
            let mut expect = tiles.c;
            expect[1][1][8..12].copy_from_slice(&minus_twelve);
            assert_eq!(expected(format, &tiles, 0), expect);
            set(format, &mut tiles.a[1], 1, 5, -3.0);
            expect[3][1][8..12].copy_from_slice(&match format {
                Format::Bf16 => 12.0_f32.to_le_bytes(),
                Format::Int8 => 12_i32.to_le_bytes(),
            });
            assert_eq!(expected(format, &tiles, 1000), expect, "what cancels does not grow");
        };
        check(Format::Bf16, 2, (-12.0_f32).to_le_bytes());
        check(Format::Int8, 4, (-12_i32).to_le_bytes());
    }

    /// The products of a number of passes and of the end, one after the other as the kernel makes them.
    #[expect(clippy::cast_possible_truncation, reason = "exact whole numbers below 2²⁴")]
    fn model(format: Format, tiles: &Tiles, passes: u64) -> [Tile; 4] {
        let group = 4 / format.bytes();
        let mut c = [[[0.0_f32; ROWS]; ROWS]; 4];
        let mut multiply = |which: usize, a: usize, b: usize| {
            for (row, line) in c[which].iter_mut().enumerate() {
                for k in 0..ROW_BYTES / format.bytes() {
                    let left = get(format, &tiles.a[a], row, k) as f32;
                    for (j, sum) in line.iter_mut().enumerate() {
                        *sum += left * get(format, &tiles.b[b], k / group, j * group + k % group) as f32;
                    }
                }
            }
        };
        for _ in 0..passes {
            for which in 0..4 {
                multiply(which, which / 2, which % 2);
            }
            for which in 0..4 {
                multiply(which, 1 - which / 2, which % 2);
            }
        }
        (0..4).for_each(|which| multiply(which, which / 2, which % 2));
        c.map(|tile| {
            tile.map(|row| {
                let mut bytes = [0; ROW_BYTES];
                for (element, value) in bytes.chunks_exact_mut(4).zip(row) {
                    element.copy_from_slice(&match format {
                        Format::Bf16 => value.to_le_bytes(),
                        Format::Int8 => (value as i32).to_le_bytes(),
                    });
                }
                bytes
            })
        })
    }

    #[test]
    fn the_sums_count_the_passes() {
        for format in [Format::Bf16, Format::Int8] {
            let tiles = tiles(format, 7);
            for passes in [1, 2, 9] {
                let sums = model(format, &tiles, passes);
                assert_eq!(expected(format, &tiles, passes), sums, "{format:?} {passes}");
                assert_ne!(expected(format, &tiles, passes + 1), sums, "{format:?} {passes}");
            }
            // A whole stretch still tells one pass from none.
            assert_ne!(expected(format, &tiles, STRETCH), expected(format, &tiles, STRETCH - 1), "{format:?}");
        }
    }

    #[test]
    fn operations_of_a_pass() {
        assert!((Format::Bf16.operations() - 8.0 * 16_384.0).abs() < 0.5);
        assert!((Format::Int8.operations() - 8.0 * 32_768.0).abs() < 0.5);
    }
}
