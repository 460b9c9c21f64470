//! Products and chains that every core computes from the same numbers: a core whose bits differ from those of the others, or
//! from its own of an earlier round, computes wrong.

use std::collections::HashMap;
use std::time::Instant;

use dense::blas::{Blas, View, ViewMut};
use dense::dgemm::Shape;
use dense::matrix::uniform;
use machine::{Buffer, Pages, Team, Worker};
use measure::random::mix;
use measure::{Load, Pass, WrongResult};

use crate::Error;
use crate::kernel::chain;

/// The order of a product: three matrices of it lie in a core's level-2 cache.
const ORDER: usize = 256;
const ELEMENTS: usize = ORDER * ORDER;
/// Seeds that are used in turn, so that every round after the first ones has an earlier one to be held against.
const SEEDS: u64 = 4;
/// Products of a seed in one pass of a core, each compared with the first.
const REPEATS: usize = 40;
/// Steps of the chain in a pass.
const STEPS: u64 = 1_000_000;

/// The work of all cores.
pub(crate) struct Cores<'a> {
    team: &'a Team,
    blas: Blas,
    benches: Vec<Bench>,
    /// The bits that most cores found for a seed.
    known: HashMap<u64, Vec<u64>>,
}

/// The work of one core.
struct Bench {
    core: u32,
    cpu: u32,
    data: Buffer<f64>,
    /// The bits of the product, and after them those of the chain.
    bits: Vec<u64>,
    /// Where repetitions differed from the first one: element, first, later.
    unsteady: Option<(usize, u64, u64)>,
}

impl Bench {
    fn new(worker: &Worker) -> Result<Bench, Error> {
        let mut data = Buffer::map((3 * ELEMENTS).next_multiple_of(1 << 18), Pages::Huge)?;
        data.bind(0..data.as_slice().len(), worker.node)?;
        Ok(Bench { core: worker.core, cpu: worker.cpu, data, bits: Vec::new(), unsteady: None })
    }

    fn compute(&mut self, seed: u64, blas: &Blas) {
        let (left, rest) = self.data.as_mut_slice().split_at_mut(ELEMENTS);
        let (right, rest) = rest.split_at_mut(ELEMENTS);
        let product = &mut rest[..ELEMENTS];
        for (index, (a, b)) in left.iter_mut().zip(right.iter_mut()).enumerate() {
            (*a, *b) = (uniform(seed, index, 0), uniform(!seed, index, 1));
        }
        self.bits.clear();
        self.unsteady = None;
        for _ in 0..REPEATS {
            // What a product must overwrite.
            product.fill(f64::NAN);
            (blas.gemm)(
                1.0,
                View::new(left, ORDER, ORDER, ORDER),
                View::new(right, ORDER, ORDER, ORDER),
                0.0,
                ViewMut::new(product, ORDER, ORDER, ORDER),
            );
            if self.bits.is_empty() {
                self.bits.extend(product.iter().map(|element| element.to_bits()));
            } else if self.unsteady.is_none() {
                let pairs = self.bits.iter().zip(product.iter()).enumerate();
                let mut pairs = pairs.map(|(index, (&first, later))| (index, first, later.to_bits()));
                self.unsteady = pairs.find(|(_, first, later)| first != later);
            }
        }
        self.bits.extend(chain::run(seed, STEPS).map(f64::to_bits));
    }

    fn wrong(&self, index: usize, expected: u64, found: u64, with: &str) -> WrongResult {
        let what = match index.checked_sub(ELEMENTS) {
            Some(link) => format!("chain {link} of multiplications and additions"),
            None => format!("element ({}, {}) of a product of order {ORDER}", index % ORDER, index / ORDER),
        };
        let part = format!("core {} (CPU {})", self.core, self.cpu);
        WrongResult { load: Load::Cpu, part, place: format!("{what}, {with}"), expected, found, more: 0 }
    }
}

impl<'a> Cores<'a> {
    pub(crate) fn prepare(team: &'a Team, blas: Blas) -> Result<Cores<'a>, Error> {
        let benches: Result<Vec<Bench>, Error> = team.workers().iter().map(Bench::new).collect();
        Ok(Cores { team, blas, benches: benches?, known: HashMap::new() })
    }

    /// Lets all cores compute a round, and compares their bits; what was wrong.
    pub(crate) fn round(&mut self, round: u64) -> (Pass, Vec<WrongResult>) {
        let seed = mix(round % SEEDS);
        let blas = self.blas;
        let start = Instant::now();
        self.team.each(&mut self.benches, |_, bench| bench.compute(seed, &blas));
        let seconds = start.elapsed().as_secs_f64();
        let wrong = self.compare(seed);
        let cores = self.benches.len() as f64;
        let operations = cores * (REPEATS as f64 * Shape::square(ORDER).flops() + chain::flops(STEPS));
        let compared = 8.0 * cores * (REPEATS * ELEMENTS + chain::ELEMENTS) as f64;
        let rate = Some(operations / seconds);
        (Pass { load: Load::Cpu, seconds, compared, done: operations, rate }, wrong)
    }

    fn compare(&mut self, seed: u64) -> Vec<WrongResult> {
        let unsteady = self.benches.iter().filter_map(|bench| {
            let (index, first, later) = bench.unsteady?;
            Some(bench.wrong(index, first, later, "against its own of the same round"))
        });
        let mut wrong: Vec<WrongResult> = unsteady.collect();
        let alike = |bits: &[u64]| self.benches.iter().filter(|bench| bench.bits == bits).count();
        let (expected, with) = if let Some(known) = self.known.get(&seed) {
            (known.clone(), "against an earlier round")
        } else {
            let most = self.benches.iter().max_by_key(|bench| alike(&bench.bits)).expect("a team has a worker");
            (most.bits.clone(), "against most other cores")
        };
        // Two halves that do not agree leave open which of them is right.
        let undecided = 2 * alike(&expected) <= self.benches.len() && with != "against an earlier round";
        let with = if undecided && self.benches.len() > 1 {
            "against as many other cores, one of them is wrong"
        } else {
            with
        };
        for bench in &self.benches {
            // Where it is not decided who is right, all are named, each against one that says otherwise.
            let other = self.benches.iter().find(|other| undecided && other.bits != bench.bits);
            let expected = other.map_or(&expected, |other| &other.bits);
            let mut pairs = bench.bits.iter().zip(expected).enumerate();
            if let Some((index, (&found, &expected))) = pairs.find(|(_, (found, expected))| found != expected) {
                wrong.push(bench.wrong(index, expected, found, with));
            }
        }
        // What is not decided is not held against later rounds.
        if !undecided || self.benches.len() == 1 {
            self.known.insert(seed, expected);
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use machine::{Machine, Siblings, Source, place};

    fn team() -> Team {
        let machine = Machine::detect(&Source::Host).unwrap();
        Team::start(&place(&machine.topology, Siblings::OnePerCore).unwrap()).unwrap()
    }

    #[test]
    fn cores_that_compute_right_agree_over_all_rounds() {
        let team = team();
        let mut cores = Cores::prepare(&team, Blas::load().unwrap()).unwrap();
        for round in 0..=SEEDS {
            let (pass, wrong) = cores.round(round);
            assert_eq!(wrong, []);
            assert!(pass.rate.unwrap() > 0.0, "{pass:?}");
        }
    }

    /// Counts products; the one whose number is planted has a bit flipped.
    static PRODUCTS: AtomicUsize = AtomicUsize::new(0);
    const PLANTED: usize = 1_000_000;

    fn flips(alpha: f64, a: View<'_>, b: View<'_>, beta: f64, mut c: ViewMut<'_>) {
        let is_planted = PRODUCTS.fetch_add(1, Ordering::Relaxed) + 1 == PLANTED;
        let (rows, cols) = (ORDER, c.cols());
        (Blas::load().unwrap().gemm)(alpha, a, b, beta, c.rows_from(0, rows));
        if is_planted {
            let element = &mut c.column(cols - 1)[5];
            *element = f64::from_bits(element.to_bits() ^ 1);
        }
    }

    #[test]
    fn a_flipped_bit_in_a_product_is_found_in_its_round_and_names_the_core() {
        let team = team();
        let products = REPEATS * team.workers().len();
        let mut cores = Cores::prepare(&team, Blas { gemm: flips, ..Blas::load().unwrap() }).unwrap();
        // Behind the first product of a pass: one of the repetitions differs.
        PRODUCTS.store(PLANTED - products, Ordering::Relaxed);
        let (_, wrong) = cores.round(0);
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert_eq!(wrong[0].place, "element (5, 255) of a product of order 256, against its own of the same round");
        assert_eq!(wrong[0].expected ^ wrong[0].found, 1);
        let named = team.workers().iter().any(|w| wrong[0].part == format!("core {} (CPU {})", w.core, w.cpu));
        assert!(named, "{wrong:?}");
        assert_eq!(cores.round(SEEDS).1, []);
    }

    #[test]
    fn a_core_that_is_always_wrong_is_named_against_the_others_or_an_earlier_round() {
        let team = team();
        let mut cores = Cores::prepare(&team, Blas::load().unwrap()).unwrap();
        let bench = |cpu: u32, bits: &[u64]| Bench {
            core: cpu,
            cpu,
            data: Buffer::map(1, Pages::Small).unwrap(),
            bits: bits.to_vec(),
            unsteady: None,
        };
        cores.benches = vec![bench(0, &[1, 2]), bench(1, &[1, 3]), bench(2, &[1, 2])];
        let wrong = cores.compare(9);
        assert_eq!(
            (wrong.len(), wrong[0].part.as_str(), wrong[0].expected, wrong[0].found),
            (1, "core 1 (CPU 1)", 2, 3)
        );
        // Two against one: the one was right before.
        cores.benches = vec![bench(0, &[1, 3]), bench(1, &[1, 3]), bench(2, &[1, 2])];
        let named: Vec<String> = cores.compare(9).into_iter().map(|wrong| wrong.part).collect();
        assert_eq!(named, ["core 0 (CPU 0)", "core 1 (CPU 1)"]);
        // One against one, and nothing is known.
        cores.benches = vec![bench(0, &[1]), bench(1, &[2])];
        let wrong = cores.compare(10);
        let named: Vec<&str> = wrong.iter().map(|wrong| wrong.part.as_str()).collect();
        assert_eq!(named, ["core 0 (CPU 0)", "core 1 (CPU 1)"]);
        assert!(wrong.iter().all(|wrong| wrong.place.ends_with("one of them is wrong")), "{wrong:?}");
        assert!(!cores.known.contains_key(&10));
    }
}
