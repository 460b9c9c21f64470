//! Before and after an update, over a fleet: each node is its own control, so that what differs between nodes is no noise.

use std::collections::{BTreeMap, BTreeSet};

use measure::{Metric, MetricId, by_name};
use verdict::compare::{ChangeFinding, Overall, P, Tests, Tolerances, change, decide};
use verdict::stats::{Estimate, Margin, Permutation, benjamini_hochberg, holm, paired, sign_flips};

use crate::cohort::MethodFacts;
use crate::robust::{Centre, FEWEST, limit};
use crate::{Account, FleetNode};

/// A fleet before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetChange {
    /// Nodes with an answer on both sides.
    pub pairs: Vec<String>,
    /// Nodes without a pair, with the side or the reason that is missing.
    pub unpaired: Vec<(String, String)>,
    /// Facts that are not the same after as before, with how many nodes have so: fact, before, after, nodes.
    pub facts: Vec<(&'static str, String, String, usize)>,
    /// A row for each series, the critical ones first, the gravest first.
    pub rows: Vec<SeriesChange>,
    /// How many differences were held against a limit.
    pub tests: usize,
}

/// One series before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesChange {
    /// Which series.
    pub id: MetricId,
    /// Unit and direction.
    pub metric: Metric,
    /// Whether it decides.
    pub critical: bool,
    /// δ.
    pub margin: Margin,
    /// Pairs of figures.
    pub nodes: usize,
    /// The change of y of the fleet without the nodes that are named; `None` with fewer than two pairs.
    pub estimate: Option<Estimate>,
    /// The verdict on the fleet.
    pub finding: ChangeFinding,
    /// The robust standard deviation of the differences between nodes, as a share; `None` with too few pairs.
    pub deviation: Option<f64>,
    /// Nodes that got worse although their siblings did not, the worst first.
    pub worse: Vec<NodeChange>,
}

/// How a node changed.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeChange {
    /// Its name.
    pub node: String,
    /// The change of the metric, as a share.
    pub change: f64,
    /// The same of the median of its siblings.
    pub siblings: f64,
    /// How many robust standard deviations its difference is better than theirs.
    pub z: f64,
}

impl SeriesChange {
    /// The change of the metric, as a share, and the ends of its 95 % interval.
    #[must_use]
    pub fn change(&self) -> Option<(f64, [f64; 2])> {
        let estimate = self.estimate.as_ref()?;
        let gain = estimate.interval(0.95);
        let of = |gain: f64| change(gain, self.metric.better);
        let (one, other) = (of(gain.low), of(gain.high));
        Some((of(estimate.difference), [one.min(other), one.max(other)]))
    }
}

impl FleetChange {
    /// What all critical series add up to for the fleet, without the nodes that are named.
    #[must_use]
    pub fn overall(&self) -> Overall {
        let mut critical = self.rows.iter().filter(|row| row.critical).peekable();
        if critical.peek().is_none() {
            return Overall::Inconclusive;
        }
        let findings: Vec<ChangeFinding> = critical.map(|row| row.finding).collect();
        if findings.contains(&ChangeFinding::Regression) {
            Overall::Regression
        } else if findings.iter().all(|finding| finding.holds()) {
            Overall::NotWorse
        } else {
            Overall::Inconclusive
        }
    }

    /// The names of nodes that got worse in a critical series.
    #[must_use]
    pub fn worse(&self) -> BTreeSet<&str> {
        let critical = self.rows.iter().filter(|row| row.critical);
        critical.flat_map(|row| &row.worse).map(|one| one.node.as_str()).collect()
    }
}

/// A node on both sides.
struct Pair<'a> {
    name: &'a str,
    before: &'a Account,
    after: &'a Account,
}

/// Compares a fleet before with the same after. Nodes are siblings where they were alike before and are alike after.
#[must_use]
pub fn compare(before: &[FleetNode], after: &[FleetNode], tolerances: &Tolerances) -> FleetChange {
    let (pairs, unpaired) = pairs(before, after);
    let mut groups: BTreeMap<(&MethodFacts, &MethodFacts), Vec<&Pair<'_>>> = BTreeMap::new();
    for pair in &pairs {
        groups.entry((&pair.before.facts, &pair.after.facts)).or_default().push(pair);
    }
    let groups: Vec<Vec<&Pair<'_>>> = groups.into_values().collect();
    let ids: BTreeSet<&MetricId> = pairs.iter().flat_map(|pair| pair.after.figures.keys()).collect();
    let series: Vec<Vec<Vec<Difference<'_>>>> =
        ids.iter().map(|id| groups.iter().map(|group| of_group(group, id)).collect()).collect();
    let tests = series.iter().flatten().map(Vec::len).filter(|count| *count >= FEWEST).sum();
    let drafts: Vec<SeriesChange> = ids
        .iter()
        .zip(&series)
        .filter_map(|(id, groups)| {
            let metric = &pairs.iter().find_map(|pair| pair.after.figures.get(*id))?.metric;
            Some(draft((*id).clone(), metric.clone(), groups, tolerances, tests))
        })
        .collect();
    let rows = decided(drafts, &series_without_named(&ids, &series));
    let facts = facts(&pairs);
    FleetChange { pairs: pairs.iter().map(|pair| pair.name.to_owned()).collect(), unpaired, facts, rows, tests }
}

/// The nodes with an answer on both sides, and why others have none.
fn pairs<'a>(before: &'a [FleetNode], after: &'a [FleetNode]) -> (Vec<Pair<'a>>, Vec<(String, String)>) {
    let by_names: BTreeMap<&str, &FleetNode> = before.iter().map(|node| (node.name.as_str(), node)).collect();
    let (mut pairs, mut unpaired) = (Vec::new(), Vec::new());
    for node in after {
        let earlier = by_names.get(node.name.as_str());
        match (earlier.map(|earlier| &earlier.answer), &node.answer) {
            (Some(crate::NodeAnswer::Judged(before)), crate::NodeAnswer::Judged(after)) => {
                pairs.push(Pair { name: &node.name, before, after });
            }
            (_, crate::NodeAnswer::Missing(why)) => {
                unpaired.push((node.name.clone(), format!("no answer after: {why}")));
            }
            (Some(crate::NodeAnswer::Missing(why)), _) => {
                unpaired.push((node.name.clone(), format!("no answer before: {why}")));
            }
            (None, _) => unpaired.push((node.name.clone(), "not there before".to_owned())),
        }
    }
    let later: BTreeSet<&str> = after.iter().map(|node| node.name.as_str()).collect();
    let gone = before.iter().filter(|node| !later.contains(node.name.as_str()));
    unpaired.extend(gone.map(|node| (node.name.clone(), "not there after".to_owned())));
    pairs.sort_by(|one, other| by_name(one.name, other.name));
    unpaired.sort_by(|one, other| by_name(&one.0, &other.0));
    (pairs, unpaired)
}

/// What changed of the nodes' facts, by the number of nodes.
fn facts(pairs: &[Pair<'_>]) -> Vec<(&'static str, String, String, usize)> {
    let mut counts: BTreeMap<(&'static str, &str, &str), usize> = BTreeMap::new();
    for pair in pairs {
        for (fact, after) in &pair.after.facts {
            let before = pair.before.facts.get(fact).map_or("", String::as_str);
            if before != after {
                *counts.entry((fact, before, after)).or_default() += 1;
            }
        }
    }
    let mut facts: Vec<_> = counts
        .into_iter()
        .map(|((fact, before, after), count)| (fact, before.to_owned(), after.to_owned(), count))
        .collect();
    facts.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
    facts
}

/// A node's figures before and after, as y.
#[derive(Clone, Copy)]
struct Difference<'a> {
    node: &'a str,
    before: f64,
    after: f64,
}

impl Difference<'_> {
    fn gain(&self) -> f64 {
        self.after - self.before
    }
}

fn of_group<'a>(group: &[&Pair<'a>], id: &MetricId) -> Vec<Difference<'a>> {
    let both = |pair: &&Pair<'a>| {
        let (before, after) = (pair.before.figures.get(id)?, pair.after.figures.get(id)?);
        (before.metric == after.metric).then_some(Difference {
            node: pair.name,
            before: before.gain,
            after: after.gain,
        })
    };
    group.iter().filter_map(both).collect()
}

fn draft(
    id: MetricId,
    metric: Metric,
    groups: &[Vec<Difference<'_>>],
    tolerances: &Tolerances,
    tests: usize,
) -> SeriesChange {
    let margin = tolerances.margin(&id);
    let centres = groups.iter().filter(|group| group.len() >= FEWEST).filter_map(|group| centre(group));
    let deviation = centres.max_by_key(|centre| centre.n).map(|centre| centre.deviation.exp_m1());
    let mut worse: Vec<NodeChange> = Vec::new();
    for group in groups {
        let Some(centre) = centre(group) else { continue };
        worse.extend(group.iter().filter(|one| is_worse(one, &centre, margin, tests)).map(|one| NodeChange {
            node: one.node.to_owned(),
            change: change(one.gain(), metric.better),
            siblings: change(centre.median, metric.better),
            z: centre.z(one.gain()),
        }));
    }
    worse.sort_by(|one, other| one.z.total_cmp(&other.z));
    SeriesChange {
        critical: tolerances.critical(&id),
        nodes: groups.iter().map(Vec::len).sum(),
        id,
        metric,
        margin,
        estimate: None,
        finding: ChangeFinding::Inconclusive,
        deviation,
        worse,
    }
}

fn centre(group: &[Difference<'_>]) -> Option<Centre> {
    Centre::of(&group.iter().map(Difference::gain).collect::<Vec<f64>>())
}

/// Whether a node got worse, by more than the margin, and by more than its siblings scatter.
fn is_worse(one: &Difference<'_>, centre: &Centre, margin: Margin, tests: usize) -> bool {
    let (gain, margin) = (one.gain(), margin.log());
    centre.n >= FEWEST && gain < -margin && gain - centre.median < -margin && centre.z(gain) < -limit(centre.n, tests)
}

/// The differences of each series.
type BySeries<'a> = BTreeMap<&'a MetricId, Vec<Difference<'a>>>;

fn series_without_named<'a>(ids: &BTreeSet<&'a MetricId>, series: &[Vec<Vec<Difference<'a>>>]) -> BySeries<'a> {
    ids.iter().zip(series).map(|(id, groups)| (*id, groups.iter().flatten().copied().collect())).collect()
}

/// Decides the fleet's change of each series, without the nodes that are named in it: one bad node is no bad update. The
/// critical ones are corrected by Holm, the others by Benjamini and Hochberg.
fn decided(mut rows: Vec<SeriesChange>, differences: &BySeries<'_>) -> Vec<SeriesChange> {
    for critical in [true, false] {
        let correct: fn(&[f64]) -> Vec<f64> = if critical { holm } else { benjamini_hochberg };
        let mut found: Vec<(usize, Estimate, Option<Permutation>)> = Vec::new();
        for (place, row) in rows.iter().enumerate().filter(|(_, row)| row.critical == critical) {
            let named: BTreeSet<&str> = row.worse.iter().map(|one| one.node.as_str()).collect();
            let rest = || differences[&row.id].iter().filter(|one| !named.contains(one.node));
            let before: Vec<f64> = rest().map(|one| one.before).collect();
            let after: Vec<f64> = rest().map(|one| one.after).collect();
            let estimate = paired(&before, &after);
            found.extend(estimate.map(|estimate| (place, estimate, sign_flips(&before, &after))));
        }
        let worse = tests(&found, correct, |estimate| estimate.p_below(0.0), |permutation| permutation.worse);
        let better = tests(&found, correct, |estimate| estimate.p_above(0.0), |permutation| permutation.better);
        for (((place, estimate, _), worse), better) in found.iter().zip(&worse).zip(&better) {
            let row = &mut rows[*place];
            row.finding = decide(estimate, row.margin, worse, better);
            row.estimate = Some(*estimate);
        }
    }
    let weight = |row: &SeriesChange| (!row.critical, row.finding, row.worse.is_empty());
    rows.sort_by(|one, other| weight(one).cmp(&weight(other)).then_with(|| one.id.cmp(&other.id)));
    rows
}

fn tests(
    found: &[(usize, Estimate, Option<Permutation>)],
    correct: fn(&[f64]) -> Vec<f64>,
    by_t: fn(&Estimate) -> f64,
    by_permutation: fn(&Permutation) -> f64,
) -> Vec<Tests> {
    let t: Vec<f64> = found.iter().map(|(_, estimate, _)| by_t(estimate)).collect();
    let permuted: Vec<f64> =
        found.iter().zip(&t).map(|((.., one), t)| one.as_ref().map_or(*t, by_permutation)).collect();
    let (adjusted, permuted_adjusted) = (correct(&t), correct(&permuted));
    (0..found.len())
        .map(|i| Tests {
            t: P { raw: t[i], adjusted: adjusted[i] },
            permutation: found[i].2.map(|_| P { raw: permuted[i], adjusted: permuted_adjusted[i] }),
            smallest: found[i].2.map_or(1.0, |one| one.smallest),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NodeAnswer;
    use crate::simulate::scattered;
    use measure::Better;

    /// A fleet before, and the same after: nodes keep what they are, figures move by `shift`, those of `bad` also by a fall.
    fn sides(nodes: usize, between: f64, noise: f64, shift: f64, bad: &[(usize, f64)]) -> [Vec<FleetNode>; 2] {
        let base = scattered(nodes, between, &[], 1);
        let moved = |seed: u64, shift: f64, bad: &[(usize, f64)]| {
            let mut side = scattered(nodes, noise, &[], seed);
            for (place, (node, base)) in side.iter_mut().zip(&base).enumerate() {
                let NodeAnswer::Judged(account) = &mut node.answer else { continue };
                for (number, (id, figure)) in account.figures.iter_mut().enumerate() {
                    let fall = bad.iter().find(|(bad, _)| *bad == place && number == 0).map_or(0.0, |(_, fall)| *fall);
                    figure.gain += base.account().unwrap().figures[id].gain + shift - fall;
                }
            }
            side
        };
        [moved(2, 0.0, &[]), moved(3, shift, bad)]
    }

    fn check(sides: &[Vec<FleetNode>; 2], finding: ChangeFinding, worse: &[&str]) -> FleetChange {
        let found = compare(&sides[0], &sides[1], &Tolerances::default());
        let row = found.rows.iter().min_by_key(|row| &row.id).unwrap();
        assert_eq!(row.finding, finding, "{row:?}");
        assert_eq!(row.worse.iter().map(|one| one.node.as_str()).collect::<Vec<_>>(), worse);
        found
    }

    #[test]
    fn each_node_is_its_own_control() {
        // Nodes differ by 10 %, and repeat to 0.5 %: only pairs can see 3 %.
        check(&sides(20, 0.1, 0.005, 0.0, &[]), ChangeFinding::NotWorse, &[]);
        let found = check(&sides(20, 0.1, 0.005, -0.03, &[]), ChangeFinding::Regression, &[]);
        assert_eq!(found.overall(), Overall::Regression);
        let row = &found.rows[0];
        let (change, [low, high]) = row.change().unwrap();
        let of_rate = if row.metric.better == Better::Higher { change } else { -change };
        assert!((of_rate + 0.03).abs() < 0.01 && low <= change && change <= high, "{change}");
    }

    #[test]
    fn a_node_that_got_worse_although_the_fleet_did_not_is_named() {
        let found = check(&sides(40, 0.05, 0.003, 0.0, &[(7, 0.1)]), ChangeFinding::NotWorse, &["node00007"]);
        assert_eq!(
            (found.overall(), found.worse().into_iter().collect::<Vec<_>>()),
            (Overall::NotWorse, vec!["node00007"])
        );
        // What did not gain as the others did is not worse than it was.
        check(&sides(40, 0.05, 0.003, 0.1, &[(7, 0.1)]), ChangeFinding::Improved, &[]);
        // Too few to tell which one is odd.
        let few = sides(7, 0.05, 0.003, 0.0, &[(3, 0.1)]);
        assert!(compare(&few[0], &few[1], &Tolerances::default()).rows.iter().all(|row| row.worse.is_empty()));
    }

    #[test]
    fn who_has_no_pair_is_told_and_counts_for_nothing() {
        let [mut before, mut after] = sides(10, 0.0, 0.003, 0.0, &[]);
        before[1].answer = NodeAnswer::Missing("no record".into());
        after[2].answer = NodeAnswer::Missing("the job was cancelled".into());
        after.remove(9);
        before.remove(0);
        let found = compare(&before, &after, &Tolerances::default());
        assert_eq!(found.pairs.len(), 6, "{:?}", found.unpaired);
        let told: Vec<String> = found.unpaired.iter().map(|(name, why)| format!("{name} {why}")).collect();
        assert_eq!(
            told,
            [
                "node00000 not there before",
                "node00001 no answer before: no record",
                "node00002 no answer after: the job was cancelled",
                "node00009 not there after",
            ]
        );
        assert_eq!(compare(&[], &[], &Tolerances::default()).overall(), Overall::Inconclusive);
    }

    #[test]
    fn what_changed_of_the_nodes_is_counted() {
        let [before, mut after] = sides(10, 0.0, 0.003, 0.0, &[]);
        for node in after.iter_mut().take(9) {
            if let NodeAnswer::Judged(account) = &mut node.answer {
                account.facts.insert("bios.version", "1.4".into());
            }
        }
        let found = compare(&before, &after, &Tolerances::default());
        assert_eq!(found.facts, [("bios.version", "1.3".into(), "1.4".into(), 9)]);
    }

    #[test]
    fn sound_fleets_blame_nobody() {
        let names_one = |seed: u64| {
            let (before, after) = (scattered(40, 0.02, &[], 2 * seed), scattered(40, 0.02, &[], 2 * seed + 1));
            compare(&before, &after, &Tolerances::default()).rows.iter().any(|row| !row.worse.is_empty())
        };
        let blamed = (0..100).filter(|seed| names_one(*seed)).count();
        assert!(blamed <= 5, "{blamed} of 100");
    }
}
