//! DGEMM by the pinned team: each worker forms one tile of C from the rows of A and the columns of B that it needs, all
//! three in the memory of its node.

use std::ops::Range;

use machine::{Buffer, Clock, HUGE_PAGE, Pages, Socket, Team, Timing, Worker, chunks, memory_available, sockets};
use measure::{Interval, Placement, Sample, Warning};

use crate::blas::{Blas, View, ViewMut, packing};
use crate::lu::padded;
use crate::matrix::uniform;
use crate::{Error, verify};

/// The shape of a product: C is `m` × `n`, and sums have `k` terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Shape {
    /// Rows of A and C.
    pub m: usize,
    /// Columns of B and C.
    pub n: usize,
    /// Columns of A, rows of B.
    pub k: usize,
}

impl Shape {
    /// A product of square matrices.
    #[must_use]
    pub fn square(n: usize) -> Shape {
        Shape { m: n, n, k: n }
    }

    /// Floating-point operations: a multiplication and an addition a term.
    #[must_use]
    pub fn flops(&self) -> f64 {
        2.0 * self.m as f64 * self.n as f64 * self.k as f64
    }

    /// Bytes of the tiles of that many workers, with the rows and columns that several of them hold.
    #[must_use]
    pub fn memory(&self, workers: usize) -> u64 {
        self.tiles(workers).iter().map(|(rows, cols)| Tile::elements(rows.len(), cols.len(), self.k) as u64 * 8).sum()
    }

    /// The rows and columns of each worker's tile: the grid of workers whose tiles are nearest to squares.
    fn tiles(&self, workers: usize) -> Vec<(Range<usize>, Range<usize>)> {
        let rows = |down: usize| chunks(self.m, down, 1);
        let perimeter = |down: usize| self.m.div_ceil(down) + self.n.div_ceil(workers / down);
        let down =
            (1..=workers).filter(|&down| workers.is_multiple_of(down)).min_by_key(|&down| perimeter(down)).unwrap_or(1);
        let columns = chunks(self.n, workers / down, 1);
        columns.iter().flat_map(|columns| rows(down).into_iter().map(|rows| (rows, columns.clone()))).collect()
    }
}

/// The part of a product that one worker forms.
struct Tile {
    rows: Range<usize>,
    cols: Range<usize>,
    inner: usize,
    node: u32,
    /// A, B and C one after another, each with padded columns.
    data: Buffer<f64>,
}

impl Tile {
    fn elements(rows: usize, cols: usize, inner: usize) -> usize {
        (padded(rows) * (inner + cols) + padded(inner) * cols).next_multiple_of(HUGE_PAGE / size_of::<f64>())
    }

    fn map(worker: &Worker, rows: Range<usize>, cols: Range<usize>, inner: usize) -> Result<Tile, Error> {
        let mut data = Buffer::map(Tile::elements(rows.len(), cols.len(), inner), Pages::Huge)?;
        data.bind(0..data.as_slice().len(), worker.node)?;
        Ok(Tile { rows, cols, inner, node: worker.node, data })
    }

    fn split(&mut self) -> (&mut [f64], &mut [f64], &mut [f64]) {
        let (a, rest) = self.data.as_mut_slice().split_at_mut(padded(self.rows.len()) * self.inner);
        let (b, c) = rest.split_at_mut(padded(self.inner) * self.cols.len());
        (a, b, c)
    }

    fn fill(&mut self, seed: u64) {
        let (rows, cols, inner) = (self.rows.clone(), self.cols.clone(), self.inner);
        // Everything is touched, so that all pages are there to be proved.
        self.data.as_mut_slice().fill(0.0);
        let (a, b, _) = self.split();
        for (k, column) in a.chunks_exact_mut(padded(rows.len())).enumerate() {
            for (i, element) in rows.clone().zip(column) {
                *element = uniform(seed, i, k);
            }
        }
        for (j, column) in cols.zip(b.chunks_exact_mut(padded(inner))) {
            for (k, element) in column[..inner].iter_mut().enumerate() {
                *element = uniform(!seed, k, j);
            }
        }
    }

    /// What a product must overwrite.
    fn spoil(&mut self) {
        self.split().2.fill(f64::NAN);
    }

    fn flops(&self) -> f64 {
        Shape { m: self.rows.len(), n: self.cols.len(), k: self.inner }.flops()
    }

    fn multiply(&mut self, blas: &Blas) {
        let (rows, cols, inner) = (self.rows.len(), self.cols.len(), self.inner);
        let (a, b, c) = self.split();
        (blas.gemm)(
            1.0,
            View::new(a, rows, inner, padded(rows)),
            View::new(b, inner, cols, padded(inner)),
            0.0,
            ViewMut::new(c, rows, cols, padded(rows)),
        );
    }

    fn verify(&mut self, seed: u64) -> Result<(), Error> {
        let (rows, cols, inner) = (self.rows.len(), self.cols.len(), self.inner);
        let (a, b, c) = self.split();
        let (a, b) = (View::new(a, rows, inner, padded(rows)), View::new(b, inner, cols, padded(inner)));
        verify::product(seed, a, b, View::new(c, rows, cols, padded(rows)))
    }
}

/// Rates of a product, and where it ran.
pub struct Rates {
    /// Floating-point operations a second.
    pub samples: Vec<Sample>,
    /// The same of each socket's tiles, where there are several sockets.
    pub of_sockets: Vec<(Socket, Vec<Sample>)>,
    /// The proof of placement.
    pub placement: Placement,
    /// What the proof lacks.
    pub warnings: Vec<Warning>,
}

/// A product whose operands lie where they are needed.
pub struct Product<'a> {
    team: &'a Team,
    shape: Shape,
    seed: u64,
    blas: Blas,
    tiles: Vec<Tile>,
}

impl<'a> Product<'a> {
    /// Maps and fills the operands, and multiplies once without timing it.
    ///
    /// # Errors
    ///
    /// If there is too little memory.
    pub fn prepare(team: &'a Team, shape: Shape, seed: u64, blas: Blas) -> Result<Product<'a>, Error> {
        let workers = team.workers();
        let (needed, available) = (shape.memory(workers.len()), memory_available());
        if needed > available {
            let what = format!("a product of {} × {} × {}", shape.m, shape.n, shape.k);
            return Err(Error::TooLittleMemory { what, needed, available });
        }
        packing::place(team);
        let parts = shape.tiles(workers.len());
        let tiles = workers.iter().zip(parts).map(|(worker, (rows, cols))| Tile::map(worker, rows, cols, shape.k));
        let mut tiles: Vec<Tile> = tiles.collect::<Result<_, _>>()?;
        team.each(&mut tiles, |_, tile| {
            tile.fill(seed);
            tile.multiply(&blas);
        });
        Ok(Product { team, shape, seed, blas, tiles })
    }

    /// Multiplies once.
    pub fn multiply(&mut self) -> Timing {
        let blas = self.blas;
        self.team.timed(&mut self.tiles, |_, tile| tile.multiply(&blas))
    }

    /// Floating-point operations of one product.
    #[must_use]
    pub fn flops(&self) -> f64 {
        self.shape.flops()
    }

    /// Checks every tile of the last product.
    pub fn verify(&mut self) -> Result<(), Error> {
        let seed = self.seed;
        let mut checked: Vec<_> = self.tiles.iter_mut().map(|tile| (tile, Ok(()))).collect();
        self.team.each(&mut checked, |_, (tile, result)| *result = tile.verify(seed));
        checked.into_iter().try_for_each(|(_, result)| result)
    }

    /// Multiplies `samples` times, each time into a C that was spoilt, and checks each result.
    pub fn measure(&mut self, samples: usize) -> Result<Rates, Error> {
        let mut rates = Vec::with_capacity(samples);
        let mut of_sockets: Vec<(Socket, Vec<Sample>)> =
            sockets(self.team.workers()).into_iter().map(|socket| (socket, Vec::new())).collect();
        let mut migrations = Some(0);
        for _ in 0..samples {
            self.team.each(&mut self.tiles, |_, tile| tile.spoil());
            let timing = self.multiply();
            self.verify()?;
            rates.push(Sample::timed(self.flops() / timing.elapsed, timing.interval()));
            for (socket, rates) in &mut of_sockets {
                let interval = timing.interval_of(&socket.members);
                let flops: f64 = socket.members.iter().map(|&place| self.tiles[place].flops()).sum();
                rates.push(Sample::timed(flops / interval.seconds(), interval));
            }
            migrations = migrations.zip(timing.migrations).map(|(sum, moved)| sum + moved);
        }
        let proofs: Vec<_> = self
            .tiles
            .iter()
            .map(|tile| {
                let len = tile.data.as_slice().len();
                (tile.data.proof(&[(0..len, tile.node)]), len)
            })
            .collect();
        let (placement, warnings) = crate::proof::join(self.team, &proofs, migrations);
        Ok(Rates { samples: rates, of_sockets, placement, warnings })
    }
}

/// The plain figure: ndarray's product of two matrices, by the library with its own threads.
///
/// # Errors
///
/// If there is too little memory or no library, or the result is wrong.
pub fn plain(n: usize, samples: usize, threads: usize, seed: u64) -> Result<Vec<Sample>, Error> {
    use ndarray::{Array2, ShapeBuilder, linalg::general_mat_mul};
    // ndarray calls it by name.
    Blas::load()?;
    let (needed, available) = (3 * 8 * (n * n) as u64, memory_available());
    if needed > available {
        return Err(Error::TooLittleMemory { what: format!("a product of order {n}"), needed, available });
    }
    let make = |seed: u64| Array2::from_shape_fn((n, n).f(), |(i, j)| uniform(seed, i, j));
    let (a, b) = (make(seed), make(!seed));
    let mut c = Array2::from_elem((n, n).f(), f64::NAN);
    crate::blas::set_threads(threads);
    let mut rates = Vec::new();
    // The first is not timed: it starts the library's threads.
    for sample in 0..=samples {
        c.fill(f64::NAN);
        let start = Clock::now();
        general_mat_mul(1.0, &a, &b, 0.0, &mut c);
        let interval = Interval::new(start, Clock::now());
        if sample > 0 {
            rates.push(Sample::timed(Shape::square(n).flops() / interval.seconds(), interval));
        }
    }
    crate::blas::set_threads(1);
    let view = |array: &'_ Array2<f64>| array.as_slice_memory_order().map(<[f64]>::to_vec).unwrap_or_default();
    let (a, b, c) = (view(&a), view(&b), view(&c));
    verify::product(seed, View::new(&a, n, n, n), View::new(&b, n, n, n), View::new(&c, n, n, n))?;
    Ok(rates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blas::gemm;
    use machine::{Siblings, Source, Topology, place};
    use proptest::prelude::*;

    fn team() -> Team {
        let topology = Topology::read(&Source::Host).unwrap();
        Team::start(&place(&topology, Siblings::OnePerCore).unwrap()).unwrap()
    }

    #[test]
    fn products_of_any_shape_are_right() {
        let team = team();
        for (m, n, k) in [(1, 1, 1), (33, 65, 129), (200, 1, 50), (1, 200, 50), (257, 255, 3)] {
            let mut product = Product::prepare(&team, Shape { m, n, k }, 5, Blas::load().unwrap()).unwrap();
            let rates = product.measure(2).unwrap();
            assert_eq!(rates.samples.len(), 2);
            assert!(rates.samples.iter().all(|rate| rate.value > 0.0));
        }
    }

    #[test]
    fn the_rate_of_a_socket_is_of_its_own_tiles_and_its_own_time() {
        let topology = Topology::read(&Source::Host).unwrap();
        let mut workers = place(&topology, Siblings::OnePerCore).unwrap();
        for worker in &mut workers {
            worker.package = u32::try_from(worker.index % 2).unwrap();
        }
        let team = Team::start(&workers).unwrap();
        let shape = Shape { m: 33, n: 65, k: 129 };
        let rates = Product::prepare(&team, shape, 5, Blas::load().unwrap()).unwrap().measure(1).unwrap();
        assert_eq!(rates.of_sockets.len(), if workers.len() > 1 { 2 } else { 0 });
        let flops: f64 = rates.of_sockets.iter().map(|(_, of)| of[0].value * of[0].interval.unwrap().seconds()).sum();
        assert!(workers.len() == 1 || (flops / shape.flops() - 1.0).abs() < 1e-9, "{flops}");
    }

    #[test]
    fn a_library_that_answers_wrongly_is_noticed() {
        fn disturbed(alpha: f64, a: View<'_>, b: View<'_>, beta: f64, mut c: ViewMut<'_>) {
            gemm(alpha, a, b, beta, c.rows_from(0, a.rows()));
            c.column(b.cols() / 3)[a.rows() / 3] += 1e-3;
        }
        let blas = Blas { gemm: disturbed, ..Blas::load().unwrap() };
        let team = team();
        let mut product = Product::prepare(&team, Shape::square(150), 5, blas).unwrap();
        assert!(matches!(product.measure(1), Err(Error::Wrong(_))));
    }

    #[test]
    fn ndarrays_product_is_right() {
        assert_eq!(plain(100, 2, 2, 1).unwrap().len(), 2);
    }

    #[test]
    fn too_little_memory_is_an_error() {
        let team = team();
        let result = Product::prepare(&team, Shape::square(10_000_000), 5, Blas::load().unwrap());
        assert!(matches!(result, Err(Error::TooLittleMemory { .. })));
        assert!(matches!(plain(10_000_000, 1, 1, 1), Err(Error::TooLittleMemory { .. })));
    }

    proptest! {
        #[test]
        fn tiles_cover_the_product_once(m in 1_usize..40, n in 1_usize..40, workers in 1_usize..17) {
            let shape = Shape { m, n, k: 1 };
            let tiles = shape.tiles(workers);
            prop_assert_eq!(tiles.len(), workers);
            let mut covered = vec![0; m * n];
            for (rows, cols) in tiles {
                for i in rows {
                    for j in cols.clone() {
                        covered[i * n + j] += 1;
                    }
                }
            }
            prop_assert!(covered.iter().all(|&times| times == 1));
        }
    }
}
