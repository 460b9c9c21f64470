//! Three arrays, dealt out to a pinned team, and timed passes over them.

use std::ops::Range;

use machine::{Buffer, HUGE_PAGE, PageProof, Pages, Socket, Team, Worker, chunks, sockets, split_mut};
use measure::{Interval, Measurement, Placement, Sample, Taint, Warning};

use crate::Error;
use crate::kernel::{Kernel, Variant};
use crate::verify::{self, Expected, Q};

/// Elements of a huge page: chunks begin on its boundaries.
pub(crate) const ALIGN: usize = HUGE_PAGE / size_of::<f64>();

/// Elements of the whole huge pages in so many bytes.
pub(crate) fn elements(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX) / HUGE_PAGE * ALIGN
}

/// The arrays `a`, `b` and `c`, each worker's chunk on its own node, and the team that works on them.
pub struct Arrays {
    team: Team,
    /// Where there are several.
    sockets: Vec<Socket>,
    buffers: [Buffer<f64>; 3],
    /// Elements of each worker.
    ranges: Vec<Range<usize>>,
    /// Sum of what each worker's chunk of `a` held at first.
    initial_sums: Vec<f64>,
    expected: Expected,
    writes: u32,
    proof: Proof,
}

/// Where the pages lie.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proof {
    cpus: Vec<u32>,
    on_node: Option<f64>,
    huge: Option<f64>,
    refused: Option<String>,
    asked_huge: bool,
}

/// One timed pass of a kernel over the arrays.
#[derive(Clone, Debug)]
pub struct Pass {
    /// From the first worker's start to the last one's end.
    pub interval: Interval,
    /// Bytes a second as STREAM counts them.
    pub rate: f64,
    /// How often workers were moved meanwhile.
    pub migrations: Option<u64>,
    /// For read: whether the sums were right.
    pub sums_right: bool,
    /// The rate of each socket's workers over their own chunks, where there are several.
    pub of_sockets: Vec<Sample>,
}

impl Pass {
    /// Its rate as a sample.
    pub(crate) fn sample(&self) -> Sample {
        Sample::timed(self.rate, self.interval)
    }
}

/// What a worker works on.
struct Chunk<'a> {
    start: usize,
    a: &'a mut [f64],
    b: &'a mut [f64],
    c: &'a mut [f64],
    sum: f64,
    wrong: Option<String>,
}

impl Arrays {
    /// Maps three arrays of `bytes` (whole huge pages count), binds each worker's chunk to its node, and lets the worker
    /// touch it first.
    pub fn new(workers: &[Worker], bytes: u64) -> Result<Arrays, Error> {
        let team = Team::start(workers)?;
        let len = elements(bytes);
        let ranges = chunks(len, workers.len(), ALIGN);
        let map = || -> Result<Buffer<f64>, Error> {
            let mut buffer = Buffer::map(len, Pages::Huge)?;
            for (range, worker) in ranges.iter().zip(workers) {
                buffer.bind(range.clone(), worker.node)?;
            }
            Ok(buffer)
        };
        let buffers = [map()?, map()?, map()?];
        let initial_sums = vec![0.0; workers.len()];
        let (expected, proof) = (Expected::new(), Proof::default());
        let sockets = sockets(workers);
        let mut arrays = Arrays { team, sockets, buffers, ranges, initial_sums, expected, writes: 0, proof };
        arrays.touch();
        arrays.proof = arrays.prove();
        Ok(arrays)
    }

    /// Bytes of each array.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        size_of_val(self.buffers[0].as_slice()) as u64
    }

    /// How many workers there are.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.team.workers().len()
    }

    /// Times one pass: read sums `a`, write fills `c`, copy is `c = a`, scale `b = q·c`, add `c = a + b`, triad
    /// `a = b + q·c`, so that STREAM's four in turn are its rounds.
    pub fn pass(&mut self, variant: &Variant) -> Pass {
        let kernel = variant.kernel;
        if kernel == Kernel::Write {
            self.writes += 1;
        }
        // What write writes is new each time, so that a pass that was left out shows.
        let q = if kernel == Kernel::Write { f64::from(self.writes) } else { Q };
        let mut chunks = split(&mut self.buffers, &self.ranges);
        let timing = self.team.timed(&mut chunks, |_, chunk| {
            let Chunk { a, b, c, .. } = chunk;
            chunk.sum = match kernel {
                Kernel::Read => variant.run(&mut [], a, &[], q),
                Kernel::Write => variant.run(c, &[], &[], q),
                Kernel::Copy => variant.run(c, a, &[], q),
                Kernel::Scale => variant.run(b, c, &[], q),
                Kernel::Add => variant.run(c, a, b, q),
                Kernel::Triad => variant.run(a, b, c, q),
            };
        });
        let sums_right = kernel != Kernel::Read
            || chunks
                .iter()
                .zip(&self.initial_sums)
                .all(|(chunk, &initial)| self.expected.sum_is_right(chunk.sum, initial, chunk.a.len()));
        self.expected = self.expected.after(kernel, q);
        let bytes = |elements: usize| (kernel.stream_bytes() * elements as u64) as f64;
        let rate = bytes(self.buffers[0].as_slice().len()) / timing.elapsed;
        let of_socket = |socket: &Socket| {
            let interval = timing.interval_of(&socket.members);
            let elements = socket.members.iter().map(|&place| self.ranges[place].len()).sum();
            Sample::timed(bytes(elements) / interval.seconds(), interval)
        };
        let of_sockets = self.sockets.iter().map(of_socket).collect();
        Pass { interval: timing.interval(), rate, migrations: timing.migrations, sums_right, of_sockets }
    }

    /// The sockets of the team, where there are several, in the order of [`Pass::of_sockets`].
    pub(crate) fn sockets(&self) -> &[Socket] {
        &self.sockets
    }

    /// Checks every element of the three arrays.
    ///
    /// # Errors
    ///
    /// Which element is wrong, and how.
    pub fn verify(&mut self) -> Result<(), String> {
        self.verify_from(0)
    }

    /// Checks every element of `c`, which write has written: it leaves the other two as they were.
    pub(crate) fn verify_written(&mut self) -> Result<(), String> {
        self.verify_from(2)
    }

    /// Checks the arrays from the one of this index on.
    fn verify_from(&mut self, first: usize) -> Result<(), String> {
        let expected = self.expected;
        let mut chunks = split(&mut self.buffers, &self.ranges);
        self.team.each(&mut chunks, |_, chunk| {
            let arrays = [("a", &*chunk.a), ("b", &*chunk.b), ("c", &*chunk.c)];
            chunk.wrong = arrays.iter().zip(expected.arrays).skip(first).find_map(|((name, array), content)| {
                let index = verify::first_wrong(array, chunk.start, content, expected.tolerance())?;
                let (found, wanted) = (array[index - chunk.start], content.element(index));
                Some(format!("element {index} of array {name} is {found:e}, expected {wanted:e}"))
            });
        });
        chunks.into_iter().find_map(|chunk| chunk.wrong).map_or(Ok(()), Err)
    }

    /// Adds where the threads and the pages are, and what is to be said of it.
    pub(crate) fn placed(&self, measurement: Measurement, migrations: Option<u64>) -> Measurement {
        self.proof.place(measurement, migrations)
    }

    /// The second look at the workers' CPUs, after the measurements.
    pub(crate) fn verify_cpus(&self) -> Result<(), Error> {
        Ok(self.team.verify()?)
    }

    fn touch(&mut self) {
        let mut chunks = split(&mut self.buffers, &self.ranges);
        self.team.each(&mut chunks, |_, chunk| {
            for (i, element) in chunk.a.iter_mut().enumerate() {
                *element = verify::initial(chunk.start + i);
            }
            // Written, not only read: what was never written lies on one page of zeros, and reads like a cache.
            chunk.b.fill(0.0);
            chunk.c.fill(0.0);
            chunk.sum = verify::initial_sum(chunk.start..chunk.start + chunk.a.len());
        });
        self.initial_sums = chunks.iter().map(|chunk| chunk.sum).collect();
    }

    fn prove(&self) -> Proof {
        let nodes = self.team.workers().iter().map(|worker| worker.node);
        let planned: Vec<_> = self.ranges.iter().cloned().zip(nodes).collect();
        let proofs = self.buffers.iter().map(|buffer| buffer.proof(&planned));
        Proof::of(&self.team, proofs, true)
    }
}

/// The chunks of the workers, in their order.
fn split<'a>(buffers: &'a mut [Buffer<f64>; 3], ranges: &[Range<usize>]) -> Vec<Chunk<'a>> {
    let [a, b, c] = buffers.each_mut().map(|buffer| split_mut(buffer.as_mut_slice(), ranges));
    let starts = ranges.iter().map(|range| range.start);
    let parts = starts.zip(a).zip(b).zip(c);
    parts.map(|(((start, a), b), c)| Chunk { start, a, b, c, sum: 0.0, wrong: None }).collect()
}

/// Fewer pages than this on their planned node taint a sample.
const ON_NODE: f64 = 0.99;

impl Proof {
    /// The proofs of some buffers of one team: the worst counts.
    pub(crate) fn of(team: &Team, proofs: impl Iterator<Item = PageProof>, asked_huge: bool) -> Proof {
        let cpus = team.workers().iter().map(|worker| worker.cpu).collect();
        let first = Proof { cpus, asked_huge, ..Proof::default() };
        let worst = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        proofs.fold(first, |all, one| Proof {
            on_node: worst(all.on_node, one.on_node),
            huge: worst(all.huge, one.huge),
            refused: all.refused.or(one.refused),
            ..all
        })
    }

    /// Adds the proof to a measurement; samples whose pages lay elsewhere are tainted.
    pub(crate) fn place(&self, mut measurement: Measurement, migrations: Option<u64>) -> Measurement {
        if let Some(share) = self.on_node.filter(|&share| share < ON_NODE) {
            for sample in &mut measurement.samples {
                sample.taint.get_or_insert(Taint::WrongNode { share });
            }
        }
        let few = self.huge.filter(|&share| self.asked_huge && share < 0.5);
        let few = few.map(|share| Warning::FewHugePages { share });
        let unproved = self.refused.clone().map(|why| Warning::PlacementUnproved { why });
        let cpus = self.cpus.clone();
        let placement = Placement { cpus, pages_on_node: self.on_node, huge_pages: self.huge, migrations };
        measurement.placed(placement).warn(few).warn(unproved)
    }
}

#[cfg(test)]
mod tests;
