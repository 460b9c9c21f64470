//! What was timed of one size, by whichever engine, and how it is told.

use std::collections::{BTreeMap, BTreeSet};

use measure::{
    Definition, Labels, Measurement, NotMeasured, Placement, Quantity, Reason, Sample, Unit, Warning, derived,
};

use super::fit::Fit;
use crate::Error;
use crate::schema::ROWS_A_GIGABYTE;
use crate::verify::Verified;

/// Rows of the documented 500 GB.
pub(crate) const DOCUMENTED_ROWS: u64 = 500 * ROWS_A_GIGABYTE;

/// The version of Polars whose crates compute.
pub(super) const POLARS: &str = "0.55.2";

/// One size, done by one engine.
pub(super) struct Size {
    pub(super) rows: u64,
    /// The time of each round.
    pub(super) samples: Vec<Sample>,
    /// What the processes kept to.
    pub(super) cpus: BTreeSet<u32>,
    /// How the time was taken.
    pub(super) context: Vec<(&'static str, String)>,
}

impl Size {
    /// A measurement, with how it was taken.
    pub(super) fn describe(&self, measurement: Measurement) -> Measurement {
        let placed = placed(measurement, self.cpus.clone());
        self.context.iter().fold(placed, |measurement, (key, value)| measurement.context(key, value))
    }
}

/// With the CPUs that the processes kept to. Their memory is given back before anybody could ask where it lay.
pub(super) fn placed(mut measurement: Measurement, cpus: BTreeSet<u32>) -> Measurement {
    let cpus: Vec<u32> = cpus.into_iter().collect();
    let placement = Placement { cpus, pages_on_node: None, huge_pages: None, migrations: None };
    measurement.placement = Some(placement).filter(|placement| !placement.cpus.is_empty());
    measurement
}

/// Why something has no value, of an error.
pub(super) fn reason(error: &Error) -> Reason {
    match error {
        Error::Rejected(_) => Reason::WrongResult(error.to_string()),
        Error::Full { .. } | Error::TooLittleMemory { .. } => Reason::NoResources(error.to_string()),
        _ => Reason::Failed(error.to_string()),
    }
}

/// How much of an output was compared with the reference.
pub(super) fn how_verified(verified: &Verified) -> String {
    if verified.is_full() { "every value, by the reference" } else { "samples, by the reference" }.to_owned()
}

/// The shares of reading, transforming and saving, as the document divides the time, of phases by their names.
pub(super) fn shares<'a>(phases: impl Iterator<Item = (&'a str, f64)> + Clone) -> BTreeMap<&'static str, f64> {
    let all: f64 = phases.clone().map(|(_, seconds)| seconds).sum();
    let mut shares = BTreeMap::new();
    for (phase, seconds) in phases {
        let name = match phase.split('.').next() {
            Some("load") => "read",
            Some("save") => "save",
            _ => "transform",
        };
        *shares.entry(name).or_default() += seconds / all;
    }
    shares
}

/// Shares in words.
pub(super) fn describe_shares(shares: &BTreeMap<&'static str, f64>) -> String {
    let of = |(name, share): (&&str, &f64)| format!("{name} {}", Quantity::new(*share, Unit::Ratio));
    shares.iter().map(of).collect::<Vec<_>>().join(", ")
}

/// The time of the documented 500 GB: measured where a size is of them, else extrapolated.
pub(super) fn headline(metric: &'static Definition, sizes: &[Size]) -> Result<Measurement, NotMeasured> {
    if let Some(size) = sizes.iter().find(|size| size.rows == DOCUMENTED_ROWS) {
        return Ok(size.describe(Measurement::new(metric, size.samples.iter().cloned())));
    }
    let rounds = sizes.iter().map(|size| size.samples.len()).min().unwrap_or(0);
    let of_round = |round: usize| {
        let points: Vec<_> = sizes.iter().map(|size| (size.rows as f64, size.samples[round].value)).collect();
        Fit::of(&points)
    };
    let fits: Option<Vec<Fit>> = (0..rounds).map(of_round).collect();
    let (Some(fits), Some(largest)) = (fits.filter(|fits| !fits.is_empty()), sizes.last()) else {
        let why = "fewer than two sizes were measured, or their times do not grow with their rows".to_owned();
        return Err(NotMeasured::new(metric, Labels::new(), Reason::Failed(why)));
    };
    // What a round's fit says was measured when its points were.
    let of_round = |(round, fit): (usize, &Fit)| {
        let points: Vec<Sample> = sizes.iter().filter_map(|size| size.samples.get(round).cloned()).collect();
        derived(fit.seconds(DOCUMENTED_ROWS as f64), &points)
    };
    let headline = Measurement::new(metric, fits.iter().enumerate().map(of_round));
    let rows: Vec<u64> = sizes.iter().map(|size| size.rows).collect();
    let how =
        format!("to 500 GB ({DOCUMENTED_ROWS} rows) by T(n) = a + b·n from n = {rows:?}; {}", describe_fits(&fits));
    Ok(largest.describe(headline).warn([Warning::Extrapolated { how }]))
}

/// The fits in words.
fn describe_fits(fits: &[Fit]) -> String {
    let of = |fit: &Fit| {
        let start = Quantity::new(fit.start, Unit::Second);
        let row = Quantity::new(fit.row, Unit::Second);
        let miss = Quantity::new(fit.miss, Unit::Ratio);
        format!("a = {start}, b = {row} with points up to {miss} off the line")
    };
    fits.iter().map(of).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_that_is_recorded_is_that_of_polars() {
        assert_eq!(POLARS, polars::VERSION);
    }

    #[test]
    fn the_phases_of_any_engine_are_divided_as_the_document_does() {
        let phases = [("load.read+decode", 2.0), ("t01", 3.0), ("t10", 4.0), ("save.encode", 0.5), ("save.sync", 0.5)];
        let shares = shares(phases.into_iter());
        assert_eq!(shares, BTreeMap::from([("read", 0.2), ("transform", 0.7), ("save", 0.1)]));
        assert_eq!(describe_shares(&shares).split(", ").count(), 3);
    }
}
