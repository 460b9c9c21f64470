//! Runs whose place in the history is not sure: records are sealed when they end, so that a run that says it began before
//! one that was sealed earlier had a wrong clock, or was imported later.

use std::collections::{BTreeMap, BTreeSet};

use crate::compare::Runs;

/// Boots that are out of order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Astray {
    pub(super) boots: BTreeSet<String>,
    pub(super) remark: Option<String>,
}

/// The fewest boots without which start and sealing have one order. Boots that are not sealed, or unknown, are none of them.
pub(super) fn astray(runs: &Runs, sealed: &[String]) -> Astray {
    let place: BTreeMap<&str, usize> = sealed.iter().enumerate().map(|(place, id)| (id.as_str(), place)).collect();
    // Each boot once, by its start, with the place of the first of its runs in the chain.
    let mut order: Vec<(&str, &str)> = Vec::new();
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for run in runs.heads() {
        let (Some(boot), Some(place)) = (run.boot_id.as_deref(), place.get(run.id.as_str())) else { continue };
        if let Some(least) = first.get_mut(boot) {
            *least = (*least).min(*place);
        } else {
            first.insert(boot, *place);
            order.push((boot, &run.id));
        }
    }
    let places: Vec<usize> = order.iter().map(|(boot, _)| first[boot]).collect();
    let kept = longest_rising(&places);
    let lost: Vec<&(&str, &str)> = (0..order.len()).filter(|i| !kept.contains(i)).map(|i| &order[i]).collect();
    let remark = lost.first().map(|(_, run)| {
        format!(
            "{} boots, for instance that of run {run}, did not begin in the order in which their records were sealed: the clock \
             was wrong, or they were imported later; they are left out, because their place in the history is not sure",
            lost.len()
        )
    });
    Astray { boots: lost.iter().map(|(boot, _)| (*boot).to_owned()).collect(), remark }
}

/// The indices of a longest rising part of a sequence: Schensted (1961), Canadian Journal of Mathematics 13, 179.
fn longest_rising(values: &[usize]) -> BTreeSet<usize> {
    // The index at which the best part of each length ends, and the one before each.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let length = ends.partition_point(|end| values[*end] < *value);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        if length == ends.len() {
            ends.push(index);
        } else {
            ends[length] = index;
        }
    }
    std::iter::successors(ends.last().copied(), |index| before[*index]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_rising_part_is_kept() {
        let check = |values: &[usize], expect: &[usize]| {
            assert_eq!(longest_rising(values).into_iter().collect::<Vec<_>>(), expect, "{values:?}");
        };
        check(&[], &[]);
        check(&[0, 1, 2], &[0, 1, 2]);
        // One that was sealed sixth says that it was the first; one in the middle says that it was the last.
        check(&[5, 0, 1, 2, 3, 4, 6], &[1, 2, 3, 4, 5, 6]);
        check(&[0, 1, 3, 4, 2], &[0, 1, 2, 3]);
    }
}
