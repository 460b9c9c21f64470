//! What is measured, as plain data, and how it is planned from the host.

use machine::{Machine, Siblings, Worker, memory_available, place};
use measure::{Needs, Profile, Solver};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::dgemm::Shape;
use crate::fma::{self, FmaConfig};
use crate::lu::Plan;

/// Floating-point operations a second that a core is taken to deliver in plans: an AVX2 core of 2.5 GHz at three
/// quarters of its peak. Faster ones are done sooner.
const RATE_OF_A_CORE: f64 = 30e9;

/// The share of the available memory that the system of equations of `full` fills.
const MEMORY_SHARE: f64 = 0.8;

/// What this workload measures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// The seed of all matrices.
    pub seed: u64,
    /// The FMA peak, and AMX where there is one.
    pub fma: FmaConfig,
    /// Matrix products.
    pub dgemm: DgemmConfig,
    /// The HPL proxy.
    pub hpl: HplConfig,
}

/// Which matrix products are measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DgemmConfig {
    /// Order of the headline.
    pub order: usize,
    /// Samples of it.
    pub samples: usize,
    /// The shapes of the curve.
    pub curve: Vec<Shape>,
    /// Samples of each shape.
    pub curve_samples: usize,
    /// Order of the plain figure through ndarray.
    pub plain_order: usize,
    /// Seconds for which products go on without a pause, a value each second; 0 leaves it out.
    pub sustained: f64,
}

/// Which systems of equations are solved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HplConfig {
    /// By what. The team's factorisation is this project's, and the library's is measured beside it.
    pub engine: Solver,
    /// The orders of the curve, to which R(N) = R∞·N/(N + N½) is fitted.
    pub orders: Vec<usize>,
    /// How often the curve is measured; a fit is made of each.
    pub rounds: usize,
    /// The order whose rate is the headline: measured if it is in `measured`, else extrapolated.
    pub order: usize,
    /// Whether `order` itself is measured, once: at 80 % of the memory it takes minutes to hours, and is meant to be
    /// done once in a boot.
    pub measured: bool,
    /// Widths of panels, and panels in a group, that are tried; the fastest is used.
    pub cuts: Vec<(usize, usize)>,
    /// The order at which they are tried.
    pub tuning_order: usize,
    /// The order at which the library's factorisation is measured beside the team's; alone it solves `orders`.
    pub lapack_order: usize,
}

impl Config {
    /// The whole path in some seconds, on any host.
    #[must_use]
    pub fn smoke() -> Config {
        Config {
            seed: 1,
            fma: FmaConfig { samples: 3, seconds: 0.01 },
            dgemm: DgemmConfig {
                order: 768,
                samples: 3,
                curve: vec![Shape::square(256), Shape::square(501), Shape { m: 700, n: 33, k: 300 }],
                curve_samples: 2,
                plain_order: 512,
                sustained: 0.0,
            },
            hpl: HplConfig {
                engine: Solver::Team,
                orders: vec![400, 700, 1000],
                rounds: 1,
                order: 2000,
                measured: false,
                cuts: vec![(64, 2), (128, 1)],
                tuning_order: 600,
                lapack_order: 600,
            },
        }
    }

    /// What a profile measures on this host.
    ///
    /// # Errors
    ///
    /// If no worker can be placed.
    pub fn for_profile(profile: Profile, machine: &Machine) -> Result<Config, Error> {
        let workers = workers(machine)?;
        let rate = RATE_OF_A_CORE * workers.len() as f64;
        let nodes = nodes(&workers);
        let memory = memory_available() as f64 * MEMORY_SHARE;
        // The largest order whose tiles or system fit the memory.
        let fits = |order: usize, bytes: &dyn Fn(usize) -> u64| {
            let mut order = order;
            while order > 64 && bytes(order) as f64 > memory {
                order -= order / 20 + 1;
            }
            order
        };
        let tiles = |order: usize| Shape::square(order).memory(workers.len());
        let system = |order: usize| Plan::new(order, 256, 4).memory(nodes, workers.len());
        let dgemm = |seconds: f64| fits(multiple(cube_root(seconds * rate / 2.0), 256), &tiles);
        let hpl = |seconds: f64| fits(multiple(cube_root(seconds * rate * 1.5), 64), &system);
        let most = fits(multiple((memory / 8.0).sqrt(), 64), &system);
        Ok(match profile {
            Profile::Smoke => Config::smoke(),
            Profile::Quick => Config {
                seed: 1,
                fma: FmaConfig { samples: 9, seconds: 0.03 },
                dgemm: dgemm_plan(dgemm(2.0), 5, 0.0),
                hpl: hpl_plan(hpl(3.0), 3, most, false),
            },
            Profile::Full => Config {
                seed: 1,
                fma: FmaConfig { samples: 31, seconds: 0.1 },
                dgemm: dgemm_plan(dgemm(10.0), 11, 60.0),
                hpl: hpl_plan(hpl(10.0), 3, most, true),
            },
        })
    }

    /// Time and memory that it takes on this host.
    #[must_use]
    pub fn needs(&self, machine: &Machine) -> Needs {
        let Ok(workers) = workers(machine) else { return Needs::default() };
        let system = |order: usize| Plan::new(order, 256, 4).memory(nodes(&workers), workers.len());
        let measured = self.hpl.measured && self.hpl.engine == Solver::Team;
        let largest = if measured { self.hpl.order } else { self.hpl.orders.iter().copied().max().unwrap_or(0) };
        let lapack = 8 * (self.hpl.lapack_order * self.hpl.lapack_order) as u64;
        let memory = system(largest)
            .max(Shape::square(self.dgemm.order).memory(workers.len()))
            .max(4 * 8 * (self.dgemm.plain_order * self.dgemm.plain_order) as u64)
            .max(2 * lapack);
        Needs { seconds: self.seconds(&workers), memory, disk: 0 }
    }

    /// Seconds of the whole by the rate that plans assume, with room for filling and checking.
    pub(crate) fn seconds(&self, workers: &[Worker]) -> f64 {
        let count = workers.len();
        fma::seconds(&self.fma, workers) + self.dgemm.seconds(count) + self.hpl.seconds(count)
    }
}

impl DgemmConfig {
    pub(crate) fn seconds(&self, workers: usize) -> f64 {
        let of = |shape: &Shape, samples: usize| product_seconds(shape, workers) * (samples + 1) as f64;
        let curve: f64 = self.curve.iter().map(|shape| of(shape, self.curve_samples)).sum();
        let square = Shape::square(self.order);
        of(&square, self.samples) + curve + of(&Shape::square(self.plain_order), self.curve_samples) + self.sustained
    }
}

impl HplConfig {
    pub(crate) fn seconds(&self, workers: usize) -> f64 {
        let of = |order: usize| solve_seconds(order, workers);
        let curve: f64 = self.orders.iter().map(|&order| of(order)).sum();
        let last = if self.measured { of(self.order) } else { 0.0 };
        match self.engine {
            Solver::Team => {
                let tuning = of(self.tuning_order) * (self.cuts.len() + self.cuts.len().div_ceil(2)) as f64;
                curve * self.rounds as f64 + tuning + of(self.lapack_order) + last
            }
            Solver::Lapack => curve,
        }
    }
}

/// Seconds of one product with the check of it, by the rate that plans assume.
pub(crate) fn product_seconds(shape: &Shape, workers: usize) -> f64 {
    shape.flops() / (RATE_OF_A_CORE * workers as f64) + 0.01
}

/// Seconds of one solution with filling and checking, by the rate that plans assume.
pub(crate) fn solve_seconds(order: usize, workers: usize) -> f64 {
    let n = order as f64;
    // Filling and checking generate each element: about 2 ns.
    Plan::new(order, 256, 4).flops() / (RATE_OF_A_CORE * workers as f64) + 4e-9 * n * n / workers as f64 + 0.01
}

/// A worker on each core that this process may use.
pub(crate) fn workers(machine: &Machine) -> Result<Vec<Worker>, Error> {
    Ok(place(&machine.topology, Siblings::OnePerCore)?)
}

fn nodes(workers: &[Worker]) -> usize {
    let mut nodes: Vec<u32> = workers.iter().map(|worker| worker.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes.len()
}

/// Powers of two, odd orders and skinny shapes up to an order.
fn dgemm_plan(order: usize, samples: usize, sustained: f64) -> DgemmConfig {
    let mut curve: Vec<Shape> =
        (8..40).map(|power| 1_usize << power).take_while(|&n| n < order).map(Shape::square).collect();
    curve.extend([order / 4 + 1, order / 2 + 1, order - 1].map(|n| Shape::square(n | 1)));
    curve.push(Shape { m: order, n: order, k: 256.min(order) });
    curve.push(Shape { m: order, n: 64.min(order), k: order });
    curve.push(Shape { m: 64.min(order), n: order, k: order });
    DgemmConfig { order, samples, curve, curve_samples: 3, plain_order: order, sustained }
}

fn hpl_plan(top: usize, rounds: usize, order: usize, measured: bool) -> HplConfig {
    let quarter = top / 4;
    HplConfig {
        engine: Solver::Team,
        orders: vec![quarter, 2 * quarter, 3 * quarter, top],
        rounds,
        order,
        measured,
        cuts: vec![(128, 2), (128, 4), (192, 2), (192, 4), (256, 2), (256, 4)],
        tuning_order: 2 * quarter,
        lapack_order: 2 * quarter,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "orders are positive and below 2³²")]
fn multiple(order: f64, of: usize) -> usize {
    (order as usize / of * of).max(of)
}

fn cube_root(value: f64) -> f64 {
    value.cbrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use machine::Source;

    #[test]
    fn plans_keep_to_the_time_of_their_profile_and_to_the_memory() {
        let check = |source: Source, profile: Profile, most: f64| {
            let machine = Machine::detect(&source).unwrap();
            let config = Config::for_profile(profile, &machine).unwrap();
            let needs = config.needs(&machine);
            assert!(needs.seconds < most, "{profile:?} on {source:?}: {needs:?}");
            assert!(needs.memory <= memory_available(), "{profile:?} on {source:?}: {needs:?}");
            assert!(needs.seconds > 0.0);
        };
        for source in [Source::Host, Source::Synthetic("pack:2 numa:1 core:64 pu:2".into())] {
            check(source.clone(), Profile::Smoke, 15.0);
            check(source.clone(), Profile::Quick, 60.0);
            check(source, Profile::Full, 1e7);
        }
    }

    #[test]
    fn full_fills_the_memory() {
        let machine = Machine::detect(&Source::Host).unwrap();
        let config = Config::for_profile(Profile::Full, &machine).unwrap();
        assert!(config.hpl.measured);
        let share = config.needs(&machine).memory as f64 / memory_available() as f64;
        // Other tests take and free memory between the two looks.
        assert!((0.4..1.0).contains(&share), "{share}");
    }
}
