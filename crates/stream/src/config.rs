//! What is measured, how large and how often: plain data, planned from the host.

use std::collections::BTreeSet;

use machine::{CpuSet, HUGE_PAGE, Layout, Machine, Siblings, Worker, memory_available, place};
use measure::{Isa, Needs, Profile};
use serde::{Deserialize, Serialize};

use crate::Error;

/// The plan of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Bytes of each of the three arrays.
    pub array_bytes: u64,
    /// What `array_bytes` should be: 4 × the distinct level-2 and level-3 caches that the CPUs reach. Below it, caches
    /// may answer, and the results carry a warning.
    pub wanted_bytes: u64,
    /// Bytes of the largest pointer chase: 4 × the last-level cache of a core.
    pub chase_bytes: u64,
    /// The widest instruction set that kernels may use; `None` is no limit.
    pub isa: Option<Isa>,
    /// A worker on each hardware thread, not only on each core.
    #[serde(rename = "every_sibling")]
    pub smt: bool,
    /// Samples of each headline.
    pub samples: u32,
    /// Samples of each variant of each kernel, by which the fastest is found.
    pub variant_samples: u32,
    /// Samples of each point of sweeps and matrices.
    pub point_samples: u32,
    /// Seconds of a sample of a point.
    pub point_seconds: f64,
    /// Points of the sweeps for each doubling of the size.
    pub points_per_octave: u32,
    /// How the latency sweep walks.
    pub walks: Vec<Walk>,
    /// Pauses of the loading cores between two blocks of reading, in nanoseconds.
    pub delays: Vec<u64>,
    /// The largest number of chases side by side.
    pub chases: u32,
    /// Seed of the random cycles.
    pub seed: u64,
}

/// How a pointer chase lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Walk {
    /// In which pages.
    pub page: Page,
    /// Bytes from one pointer to the next: 64 is every line, 256 keeps the adjacent-line prefetcher out of it.
    pub spacing: u32,
}

/// The size of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Page {
    /// 2 MiB.
    Huge,
    /// 4 KiB: the difference to huge pages is the cost of address translation.
    Small,
}

impl Page {
    /// The name in labels.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Page::Huge => "huge",
            Page::Small => "4KiB",
        }
    }
}

impl From<Page> for machine::Pages {
    fn from(page: Page) -> machine::Pages {
        match page {
            Page::Huge => machine::Pages::Huge,
            Page::Small => machine::Pages::Small,
        }
    }
}

/// The three arrays may take this share of what is available.
const MEMORY_SHARE: f64 = 0.8;
/// The least that a worker must have of each array: below it the barriers are what is timed.
const LEAST_CHUNK: u64 = HUGE_PAGE as u64;

/// How many variants a kernel has at most: so many rounds give each a sample.
pub(crate) const MOST_VARIANTS: usize = 18;

const EVERY_LINE: Walk = Walk { page: Page::Huge, spacing: 64 };
const SMALL_PAGES: Walk = Walk { page: Page::Small, spacing: 64 };
const SPACED: Walk = Walk { page: Page::Huge, spacing: 256 };
const SPACED_SMALL: Walk = Walk { page: Page::Small, spacing: 256 };

impl Config {
    /// The least that goes through every path: for tests, on any host.
    #[must_use]
    pub fn smoke() -> Config {
        Config {
            array_bytes: 32 << 20,
            wanted_bytes: 32 << 20,
            chase_bytes: 2 << 20,
            isa: None,
            smt: false,
            samples: 2,
            variant_samples: 1,
            point_samples: 1,
            point_seconds: 0.001,
            points_per_octave: 1,
            walks: vec![EVERY_LINE, SMALL_PAGES, SPACED, SPACED_SMALL],
            delays: vec![0, 1_000, 10_000],
            chases: 4,
            seed: 1,
        }
    }

    /// Plans sizes from the caches and the memory of a host.
    pub fn for_profile(profile: Profile, machine: &Machine) -> Result<Config, Error> {
        let workers = place(&machine.topology, Siblings::OnePerCore)?;
        let cpus: CpuSet = workers.iter().map(|worker| worker.cpu).collect();
        let count = workers.len() as u64;
        let wanted = round_up(4 * machine.topology.cache_reach(&cpus), HUGE_PAGE as u64).max(count * LEAST_CHUNK);
        let last_level = machine.topology.caches.iter().map(|cache| cache.claimed).max().unwrap_or(0);
        let chase = round_up(4 * last_level, HUGE_PAGE as u64).max(64 << 20);
        let base = Config {
            array_bytes: wanted,
            wanted_bytes: wanted,
            chase_bytes: chase,
            points_per_octave: 4,
            delays: delays(),
            chases: 16,
            ..Config::smoke()
        };
        let mut config = match profile {
            Profile::Smoke => Config {
                array_bytes: wanted.min(64 << 20).max(count * LEAST_CHUNK),
                chase_bytes: chase.min(64 << 20),
                ..base
            },
            Profile::Quick => Config {
                samples: 9,
                point_samples: 3,
                point_seconds: 0.01,
                walks: vec![EVERY_LINE, SMALL_PAGES, SPACED],
                ..base
            },
            Profile::Full => Config {
                // A pass over 64 MiB for each worker lasts long enough that the barriers do not show.
                array_bytes: wanted.max(count * (64 << 20)),
                samples: 25,
                variant_samples: 5,
                point_samples: 7,
                point_seconds: 0.05,
                points_per_octave: 8,
                ..base
            },
        };
        config.fit(machine, &workers)?;
        Ok(config)
    }

    /// What a run needs.
    #[must_use]
    pub fn needs(&self, machine: &Machine) -> Needs {
        Needs { seconds: self.seconds(machine), memory: self.memory(), disk: 0 }
    }

    /// Makes the arrays as small as the memory demands.
    fn fit(&mut self, machine: &Machine, workers: &[Worker]) -> Result<(), Error> {
        if !machine.is_host {
            return Ok(()); // how much is free there is not known here
        }
        let available = memory_available();
        let budget = whole(available as f64 * MEMORY_SHARE);
        let least = workers.len() as u64 * LEAST_CHUNK;
        if 3 * self.array_bytes > budget {
            self.array_bytes = budget / 3 / HUGE_PAGE as u64 * HUGE_PAGE as u64;
        }
        // The pointers, and twice the order in which they are linked: four bytes for each line.
        self.chase_bytes = self.chase_bytes.min(budget / 9 * 8 / HUGE_PAGE as u64 * HUGE_PAGE as u64);
        if self.array_bytes < least || self.chase_bytes < HUGE_PAGE as u64 {
            return Err(Error::TooLittleMemory { needed: (3 * least) * 5 / 4, available });
        }
        Ok(())
    }

    /// Refuses what cannot be run: wrong values, and arrays that would bring the host into need.
    pub(crate) fn check(&self, machine: &Machine, workers: &[Worker]) -> Result<(), Error> {
        let refuse = |wrong: bool, field, value: &dyn ToString, expected| {
            if wrong { Err(Error::Config { field, value: value.to_string(), expected }) } else { Ok(()) }
        };
        let least = workers.len() as u64 * LEAST_CHUNK;
        refuse(self.array_bytes < least, "array_bytes", &self.array_bytes, "it takes 2 MiB for each worker")?;
        refuse(self.chase_bytes < 64 << 10, "chase_bytes", &self.chase_bytes, "it takes 64 KiB")?;
        refuse(self.chase_bytes > 128 << 30, "chase_bytes", &self.chase_bytes, "at most 128 GiB")?;
        refuse(self.samples == 0, "samples", &self.samples, "it takes one")?;
        refuse(self.variant_samples == 0, "variant_samples", &self.variant_samples, "it takes one")?;
        refuse(self.point_samples == 0, "point_samples", &self.point_samples, "it takes one")?;
        refuse(!(1..=64).contains(&self.points_per_octave), "points_per_octave", &self.points_per_octave, "1 to 64")?;
        refuse(self.chases > 16, "chases", &self.chases, "at most 16")?;
        let short = !(self.point_seconds > 0.0 && self.point_seconds <= 60.0);
        refuse(short, "point_seconds", &self.point_seconds, "more than 0, at most 60")?;
        let spacing = |walk: &&Walk| !matches!(walk.spacing, 64 | 128 | 256 | 512 | 1024 | 2048 | 4096);
        let wrong = self.walks.iter().find(spacing).map_or(0, |walk| walk.spacing);
        refuse(wrong > 0, "walks.spacing", &wrong, "a power of two from 64 to 4096")?;
        let available = memory_available();
        if self.memory() > available {
            return Err(Error::TooLittleMemory { needed: self.memory(), available });
        }
        let array_bytes = usize::try_from(self.array_bytes).unwrap_or(usize::MAX);
        Layout::plan(&machine.topology, workers, array_bytes, 3)?;
        Ok(())
    }

    /// The widest instruction set that may be used, of those that this CPU has, from narrow to wide.
    pub(crate) fn isa_limit(&self, available: &[Isa]) -> Result<Isa, Error> {
        let Some(asked) = self.isa else { return Ok(available.last().copied().unwrap_or(Isa::Scalar)) };
        if available.contains(&asked) {
            return Ok(asked);
        }
        let names: Vec<_> = available.iter().map(|isa| isa.name()).collect();
        Err(Error::Isa { asked, available: names.join(", ") })
    }

    /// The most memory that is in use at once.
    fn memory(&self) -> u64 {
        // The order of the slots twice: what is linked, and what is kept for the next chase.
        (3 * self.array_bytes).max(self.chase_bytes + self.chase_bytes / 8)
    }

    /// The sizes of a sweep, from 16 KiB to `chase_bytes`.
    pub(crate) fn sizes(&self) -> Vec<u64> {
        let (first, per_octave) = (f64::from(16 << 10), f64::from(self.points_per_octave));
        let points = whole(((self.chase_bytes as f64 / first).log2() * per_octave).ceil());
        let size = |point: u64| whole(first * (point as f64 / per_octave).exp2());
        let mut sizes: Vec<u64> = (0..points).map(|point| round_up(size(point), 4096)).collect();
        sizes.push(self.chase_bytes);
        sizes.retain(|&size| size <= self.chase_bytes);
        sizes.dedup();
        sizes
    }

    /// An estimate of the time that a run takes.
    pub(crate) fn seconds(&self, machine: &Machine) -> f64 {
        self.phase_seconds(machine).iter().sum()
    }

    /// The same by phase, in their order.
    pub(crate) fn phase_seconds(&self, machine: &Machine) -> [f64; 7] {
        let cores = machine.topology.cores.len().max(1) as f64;
        let nodes = machine.topology.nodes.len().max(1) as f64;
        let sockets: BTreeSet<u32> = machine.topology.cores.iter().map(|core| core.package).collect();
        let sockets = sockets.len().max(1) as f64;
        // A core moves 16 GB/s or more until memory is saturated, at some 300 GB/s a node.
        let rate = (16e9 * cores).min(300e9 * nodes);
        let array = self.array_bytes as f64;
        let touch = |bytes: f64| bytes / (1.5e9 * cores).min(50e9);
        // The kernel gives and clears pages; a virtual machine must first get them from its host.
        let first_touch = 3.0 * array / (0.4e9 * cores).min(25e9);
        // Each of the six kernels once: 96 bytes for each 8 of an array.
        let round = 12.0 * array / rate;
        let rounds = f64::from(self.samples) + f64::from(self.variant_samples) * MOST_VARIANTS as f64 + 1.0;
        let point = self.point_seconds * f64::from(self.point_samples);
        let points = self.sizes().len() as f64;
        // 5 ns or less for each line were seen (25 million lines), by phases of a whole run.
        let link = self.chase_bytes as f64 / 64.0 * 10e-9;
        let chase = self.chase_bytes as f64 / 1.5e9 + 3.0 * link;
        let small = |walk: &Walk| if walk.page == Page::Small { self.chase_bytes as f64 / 0.6e9 } else { 0.0 };
        let octaves = 1.0 / (1.0 - (-1.0 / f64::from(self.points_per_octave)).exp2());
        let walk =
            |walk: &Walk| 1.0 + small(walk) + points * point + link * (2.0 + octaves * 64.0 / f64::from(walk.spacing));
        let passes = f64::from(self.point_samples + 1);
        [
            first_touch + rounds * round,
            (cores.log2().ceil() + 1.0) * (touch(3.0 * array) + passes * round / 3.0),
            points * (point + self.point_seconds),
            sockets * (chase + 10.0 * self.point_seconds * f64::from(self.samples)) + f64::from(self.chases) * point,
            self.walks.iter().map(walk).sum(),
            nodes * nodes * (chase + touch(array) + passes * array / rate * 4.0),
            chase + touch(array) + self.delays.len() as f64 * 8.0 * point,
        ]
    }
}

/// Pauses from none to nearly idle, in nanoseconds.
fn delays() -> Vec<u64> {
    vec![0, 50, 100, 200, 400, 700, 1_000, 1_500, 2_500, 5_000, 10_000, 30_000, 100_000]
}

/// The whole part of a number; 0 where it is negative or none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, which is what it says"
)]
pub(crate) fn whole(number: f64) -> u64 {
    number as u64
}

/// The next multiple.
fn round_up(bytes: u64, unit: u64) -> u64 {
    bytes.div_ceil(unit) * unit
}

#[cfg(test)]
mod tests;
