//! t10, first part: deciles by exact quantiles of the nearest rank, without sorting.
//!
//! Values become integers of the same order; a histogram of their first 20 bits says in which bucket each of the nine
//! quantiles lies, and only the values of those buckets are collected and sorted.

use polars_core::prelude::*;

use super::columns::{full, numbers};

/// How many columns have deciles.
pub(crate) const COLUMNS: usize = 3;
const QUANTILES: usize = 9;
/// Bits of a value that choose its bucket: sign, exponent, and eight of the fraction.
const BITS: u32 = 20;
/// The decile of null.
const NULL_DECILE: u8 = 255;

/// The nine limits of a column; fewer than ten values repeat some.
pub(crate) type Limits = [f64; QUANTILES];

/// An integer of the same order. Both zeros are one value.
fn ordered(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

fn bucket(value: f64) -> usize {
    (ordered(value) >> (64 - BITS)) as usize
}

/// How many values of each column are in each bucket.
pub(crate) struct Histograms(Vec<Vec<u64>>);

impl Histograms {
    pub(crate) fn new() -> Histograms {
        Histograms(vec![vec![0; 1 << BITS]; COLUMNS])
    }

    /// Counts a chunk.
    pub(crate) fn observe(&mut self, chunk: &DataFrame) -> PolarsResult<()> {
        for (index, counts) in self.0.iter_mut().enumerate() {
            let values = numbers::<Float64Type>(chunk, &format!("f{}", index + 1))?;
            values.each(|value, there| counts[bucket(value)] += u64::from(there));
        }
        Ok(())
    }

    /// Adds the counts of other chunks.
    pub(crate) fn merge(mut self, other: Histograms) -> Histograms {
        for (counts, others) in self.0.iter_mut().zip(other.0) {
            for (count, other) in counts.iter_mut().zip(others) {
                *count += other;
            }
        }
        self
    }

    /// The buckets of a column that hold values, with how many.
    pub(crate) fn counts(&self, column: usize) -> impl Iterator<Item = (u64, u64)> {
        self.0[column].iter().zip(0..).filter(|(count, _)| **count > 0).map(|(&count, bucket)| (bucket, count))
    }

    /// Adds to the count of a bucket; none where there is no such bucket.
    pub(crate) fn add(&mut self, column: usize, bucket: u64, count: u64) -> Option<()> {
        let found = self.0[column].get_mut(usize::try_from(bucket).ok()?)?;
        *found = found.checked_add(count)?;
        Some(())
    }

    /// Where the quantiles are.
    pub(crate) fn sought(&self) -> [Sought; COLUMNS] {
        std::array::from_fn(|index| Sought::new(&self.0[index]))
    }
}

/// The buckets of a column that hold its quantiles.
pub(crate) struct Sought {
    /// Bucket and rank in it (from 0) of each quantile; none where the column has no values.
    places: Vec<(usize, u64)>,
    wanted: Vec<bool>,
}

impl Sought {
    fn new(counts: &[u64]) -> Sought {
        let total: u64 = counts.iter().sum();
        let mut wanted = vec![false; counts.len()];
        if total == 0 {
            return Sought { places: Vec::new(), wanted };
        }
        let mut ranks = (1..=QUANTILES as u64).map(|tenth| (tenth * total).div_ceil(10) - 1).peekable();
        let mut places = Vec::with_capacity(QUANTILES);
        let mut below = 0;
        for (bucket, &count) in counts.iter().enumerate() {
            while let Some(rank) = ranks.next_if(|&rank| rank < below + count) {
                places.push((bucket, rank - below));
                wanted[bucket] = true;
            }
            below += count;
        }
        Sought { places, wanted }
    }

    /// Bucket and rank of each quantile.
    pub(crate) fn places(&self) -> impl Iterator<Item = [u64; 2]> {
        self.places.iter().map(|&(bucket, rank)| [bucket as u64, rank])
    }

    /// From those; none where there is no such bucket.
    pub(crate) fn of_places(places: &[[u64; 2]]) -> Option<Sought> {
        let mut wanted = vec![false; 1 << BITS];
        let place = |&[bucket, rank]: &[u64; 2]| {
            let bucket = usize::try_from(bucket).ok()?;
            *wanted.get_mut(bucket)? = true;
            Some((bucket, rank))
        };
        Some(Sought { places: places.iter().map(place).collect::<Option<_>>()?, wanted })
    }

    /// The values in those buckets of a chunk's column.
    pub(crate) fn collect(&self, chunk: &DataFrame, column: usize) -> PolarsResult<Vec<f64>> {
        let mut collected = Vec::new();
        numbers::<Float64Type>(chunk, &format!("f{}", column + 1))?.each(|value, there| {
            if there && self.wanted[bucket(value)] {
                collected.push(value);
            }
        });
        Ok(collected)
    }

    /// The quantiles, of the values that were collected from all chunks.
    pub(crate) fn limits(&self, mut values: Vec<f64>) -> Option<Limits> {
        values.sort_unstable_by(f64::total_cmp);
        let limit = |&(within, rank): &(usize, u64)| {
            let first = values.partition_point(|&value| bucket(value) < within);
            values.get(first + usize::try_from(rank).ok()?).copied()
        };
        let limits: Option<Vec<f64>> = self.places.iter().map(limit).collect();
        limits?.try_into().ok()
    }
}

/// `f1_dec` … `f3_dec`.
pub(crate) fn columns(chunk: &DataFrame, limits: &[Option<Limits>; COLUMNS]) -> PolarsResult<Vec<Column>> {
    let one = |index: usize| {
        let number = index + 1;
        let values = numbers::<Float64Type>(chunk, &format!("f{number}"))?;
        let limits = limits[index].unwrap_or([f64::INFINITY; QUANTILES]);
        let decile = |value: f64| limits.iter().map(|&limit| u8::from(limit < value)).sum::<u8>();
        let deciles = values.map(|value, there| if there { decile(value) } else { NULL_DECILE });
        Ok(full::<UInt8Type>(format!("f{number}_dec"), deciles))
    };
    (0..COLUMNS).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limits(values: &[Option<f64>]) -> Option<Limits> {
        let column = |name: &str| Column::new(name.into(), values);
        let chunk = DataFrame::new_infer_height(vec![column("f1"), column("f2"), column("f3")]).unwrap();
        let mut histograms = Histograms::new();
        histograms.observe(&chunk).unwrap();
        // As it is handed on.
        let mut other = Histograms::new();
        for (bucket, count) in histograms.counts(0) {
            other.add(0, bucket, count).unwrap();
        }
        let [sought, ..] = other.sought();
        let sought = Sought::of_places(&sought.places().collect::<Vec<_>>()).unwrap();
        sought.limits(sought.collect(&chunk, 0).unwrap())
    }

    #[test]
    fn no_values_have_no_limits() {
        assert_eq!(limits(&[None, None]), None);
        assert_eq!(limits(&[None, Some(2.0)]), Some([2.0; 9]));
    }

    proptest! {
        #[test]
        fn limits_are_those_of_the_sorted_values(values in prop::collection::vec(prop::option::of(-1e3..1e3_f64), 1..300)) {
            let mut sorted: Vec<f64> = values.iter().flatten().copied().collect();
            sorted.sort_by(f64::total_cmp);
            let expect: Vec<f64> = (1..=9)
                .filter_map(|tenth| sorted.get((tenth * sorted.len()).div_ceil(10).wrapping_sub(1)).copied())
                .collect();
            prop_assert_eq!(limits(&values).map(Vec::from).unwrap_or_default(), expect);
        }
    }
}
