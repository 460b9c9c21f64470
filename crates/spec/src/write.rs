//! From the model to the TOML text; what is written reads back as the same systems.

use std::collections::BTreeMap;

use measure::{FactValue, Quantity, Unit};
use toml::Spanned;

use crate::read::{DEFAULT_TOLERANCE, GPU_LINKS, TOLERANCE_IS_OURS};
use crate::wire::{self, Raw};
use crate::{Baseline, Bound, Claim, Claimed, Limit, Prose, Standing, StatedFact, System, Target};

/// The systems as a specification file.
///
/// # Panics
///
/// Never: the wire types hold only what TOML can say.
#[must_use]
pub fn to_toml(systems: &[System]) -> String {
    let file = wire::File { system: systems.iter().map(system).collect() };
    toml::to_string(&file).expect("the wire types have string keys and TOML's own values only")
}

fn spot<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

fn system(system: &System) -> wire::SystemEntry {
    wire::SystemEntry {
        id: spot(system.id.clone()),
        name: system.name.clone(),
        document: system.document.clone(),
        family: system.family.clone(),
        fact: system.facts.iter().map(fact).collect(),
        target: system.targets.iter().map(target).collect(),
        baseline: system.baselines.iter().map(baseline).collect(),
        claim: system.claims.iter().map(claim).collect(),
        limit: system.limits.iter().map(limit).collect(),
        prose: system.prose.iter().map(prose).collect(),
    }
}

fn fact(fact: &StatedFact) -> wire::FactEntry {
    let (placeholder, contradicted) = match &fact.standing {
        Standing::Firm => (None, None),
        Standing::Placeholder(place) => (Some(spot(place.clone())), None),
        Standing::Contradicted(place) => (None, Some(spot(place.clone()))),
    };
    wire::FactEntry {
        id: spot(fact.id.clone()),
        value: spot(value(&fact.value)),
        approximate: fact.approximate,
        required: fact.required,
        admits: (!fact.admits.is_empty()).then(|| spot(fact.admits.clone())),
        at: fact.place.at.clone(),
        says: fact.place.says.clone(),
        placeholder,
        contradicted,
    }
}

fn target(target: &Target) -> wire::TargetEntry {
    // A tolerance that is the default and noted as such was not written, and is not written again.
    let ours =
        target.tolerance == DEFAULT_TOLERANCE && target.open.last().is_some_and(|words| words == TOLERANCE_IS_OURS);
    let open = if ours { &target.open[..target.open.len() - 1] } else { &target.open };
    wire::TargetEntry {
        id: spot(target.id.clone()),
        title: target.title.clone(),
        metric: target.metric.map(|metric| spot(metric.id.to_owned())),
        series: target.series.iter().map(|(label, value)| (label.clone(), spot(value.clone()))).collect(),
        value: spot(quantity(target.value)),
        approximate: target.approximate,
        better: spot(target.better),
        tolerance: (!ours).then(|| spot(quantity(Quantity::new(target.tolerance, Unit::Ratio)))),
        required: target.required,
        at: target.place.at.clone(),
        says: target.place.says.clone(),
        open: open.to_vec(),
        depends_on: target.depends_on.iter().cloned().map(spot).collect(),
        phases: target.phases.clone(),
        companion_of: target.companion_of.clone().map(spot),
        conditions: target.conditions.clone(),
        constraint: target.constraint.as_ref().map(|constraint| wire::ConstraintEntry {
            metric: spot(constraint.metric.id.to_owned()),
            bound: spot(quantity(constraint.bound)),
            better: spot(constraint.better),
        }),
        shares: target
            .shares
            .iter()
            .map(|(phase, share)| (phase.clone(), spot(quantity(Quantity::new(*share, Unit::Ratio)))))
            .collect(),
    }
}

fn baseline(baseline: &Baseline) -> wire::Baseline {
    let facts: BTreeMap<_, _> = baseline.facts.iter().map(|(id, fact)| (id.clone(), spot(value(fact)))).collect();
    wire::Baseline {
        target: spot(baseline.target.clone()),
        system: baseline.system.clone(),
        value: spot(quantity(baseline.value)),
        approximate: baseline.approximate,
        at: baseline.place.at.clone(),
        says: baseline.place.says.clone(),
        facts,
    }
}

fn prose(prose: &Prose) -> wire::Prose {
    wire::Prose {
        id: spot(prose.id.clone()),
        at: prose.place.at.clone(),
        says: prose.place.says.clone(),
        reason: spot(prose.reason.clone()),
    }
}

fn claim(claim: &Claim) -> wire::Claim {
    let (ratio, saturates) = match claim.that {
        Claimed::Ratio(ratio) => (Some(spot(Raw::Number(ratio))), None),
        Claimed::SaturatesGpuLinks => (None, Some(spot(GPU_LINKS.to_owned()))),
    };
    wire::Claim {
        target: spot(claim.target.clone()),
        ratio,
        saturates,
        approximate: claim.approximate,
        at: claim.place.at.clone(),
        says: claim.place.says.clone(),
    }
}

fn limit(limit: &Limit) -> wire::Limit {
    let mut row = wire::Limit {
        fact: spot(limit.fact.clone()),
        at_most: None,
        at_least: None,
        one_of: None,
        open: None,
        sustained: limit.sustained.map(|seconds| spot(Quantity::new(seconds, Unit::Second).to_string())),
        required: limit.required,
        at: limit.place.at.clone(),
        says: limit.place.says.clone(),
    };
    match &limit.bound {
        Bound::AtMost(bound) => row.at_most = Some(spot(quantity(*bound))),
        Bound::AtLeast(bound) => row.at_least = Some(spot(quantity(*bound))),
        Bound::OneOf(texts) => row.one_of = Some(spot(texts.clone())),
        Bound::Open(words) => row.open = Some(words.clone()),
    }
    row
}

fn value(value: &FactValue) -> Raw {
    match value {
        FactValue::Quantity(number) => quantity(*number),
        FactValue::Text(text) => Raw::Text(text.clone()),
        FactValue::Flag(flag) => Raw::Flag(*flag),
    }
}

/// The printed form where it says the very same number, else all digits in the base unit.
fn quantity(quantity: Quantity) -> Raw {
    if quantity.unit == Unit::Count {
        return Raw::Number(quantity.value);
    }
    let printed = quantity.to_string();
    if printed.parse() == Ok(quantity) {
        return Raw::Text(printed);
    }
    Raw::Text(format!("{} {}", quantity.value, quantity.unit.symbol()))
}
