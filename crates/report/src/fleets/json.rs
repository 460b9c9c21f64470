//! A fleet for machines. Values are in base units, shares are fractions.

use fleet::{Account, Distribution, FleetChange, FleetCriterion, FleetJudgement, NodeAnswer, SeriesChange};
use measure::MetricId;
use serde_json::{Value, json};

use super::JudgedFleet;
use super::words;
use crate::json::acceptance_word;

fn id(id: &MetricId) -> Value {
    json!({"name": id.name, "labels": id.labels})
}

/// A judged fleet.
#[must_use]
pub fn judgement_json(fleet: &JudgedFleet<'_>) -> Value {
    let judged = fleet.judgement;
    let counts = judged.counts();
    let names = |places: &[usize]| places.iter().map(|place| judged.nodes[*place].name.clone()).collect::<Vec<_>>();
    json!({
        "fleet": fleet.name,
        "spec": {"id": fleet.system.id, "name": fleet.system.name},
        "acceptance": acceptance_word(judged.acceptance()),
        "answer": words::answer(judged),
        "counts": {
            "nodes": counts.nodes, "accepted": counts.accepted, "rejected": counts.rejected,
            "not_decided": counts.not_decided, "no_answer": counts.no_answer, "outliers": counts.outliers,
        },
        "level": fleet::LEVEL,
        "tests": judged.tests,
        "nodes": (0..judged.nodes.len()).map(|place| node(judged, place)).collect::<Vec<_>>(),
        "cohorts": judged.cohorts.iter().map(|one| json!({
            "name": one.name, "facts": one.facts, "nodes": names(&one.nodes),
        })).collect::<Vec<_>>(),
        "differences": judged.differences.iter().map(|one| json!({
            "fact": one.fact, "usual": one.usual, "here": one.here, "nodes": names(&one.nodes),
        })).collect::<Vec<_>>(),
        "criteria": judged.criteria.iter().map(|one| criterion(judged, one)).collect::<Vec<_>>(),
        "distributions": judged.distributions.iter().map(|one| distribution(judged, one)).collect::<Vec<_>>(),
    })
}

fn node(judged: &FleetJudgement, place: usize) -> Value {
    let (node, state) = (&judged.nodes[place], judged.states[place]);
    let (missing, account) = match &node.answer {
        NodeAnswer::Missing(why) => (Some(why), None),
        NodeAnswer::Judged(account) => (None, Some(account.as_ref())),
    };
    json!({
        "name": node.name, "answer": words::node_word(node), "attempts": node.attempts, "no_answer": missing,
        "cohort": state.cohort.map(|at| judged.cohorts[at].name.clone()), "failed": state.failed, "outliers": state.outliers,
        "stands_out": words::standing_out(judged, place),
        "judged": account.map(self::account),
    })
}

fn account(account: &Account) -> Value {
    json!({
        "runs": account.runs, "started": account.started, "host": account.host,
        "acceptance": acceptance_word(account.acceptance),
        "targets": account.targets.iter().map(|one| json!({
            "id": one.id, "metric": one.series.as_ref().map(id), "required": one.required, "verdict": one.verdict.name(),
            "value": one.value.map(|value| value.value), "documented": one.documented.value,
            "unit": one.documented.unit.symbol(), "share_of_documented": one.share, "reason": one.reason,
        })).collect::<Vec<_>>(),
        "parts": account.parts.iter().map(|one| json!({
            "id": one.id, "required": one.required, "verdict": one.verdict.name(), "documented": one.documented,
            "found": one.found, "reason": one.reason,
        })).collect::<Vec<_>>(),
        "remarks": account.remarks,
    })
}

fn criterion(judged: &FleetJudgement, one: &FleetCriterion) -> Value {
    let name = |place: &usize| judged.nodes[*place].name.clone();
    json!({
        "id": one.id, "title": one.title, "part": one.is_part, "metric": one.series.as_ref().map(id),
        "documented": one.documented, "required": one.required, "met": one.passed,
        "missed": one.failed.iter().map(name).collect::<Vec<_>>(),
        "open": one.open.iter().map(|(place, verdict)| json!({"node": name(place), "verdict": verdict.name()})).collect::<Vec<_>>(),
        "points_at": one.points.name(), "sentence": one.sentence,
    })
}

fn distribution(judged: &FleetJudgement, one: &Distribution) -> Value {
    json!({
        "metric": id(&one.id), "unit": one.metric.unit.symbol(), "better": one.metric.better, "margin": one.margin.share(),
        "targets": one.targets,
        "cohorts": one.cohorts.iter().map(|spread| json!({
            "cohort": judged.cohorts[spread.cohort].name, "nodes": spread.nodes, "median": spread.median,
            "deviation": spread.deviation, "limit": spread.limit, "named_from": spread.detectable,
        })).collect::<Vec<_>>(),
        "nodes": one.places.iter().map(|place| json!({
            "node": judged.nodes[place.node].name, "value": place.value, "off": place.off, "z": place.z.filter(|z| z.is_finite()),
            "among": place.among.name(),
        })).collect::<Vec<_>>(),
    })
}

/// A fleet before and after.
#[must_use]
pub fn change_json(change: &FleetChange) -> Value {
    let facts = change
        .facts
        .iter()
        .map(|(fact, before, after, nodes)| json!({"fact": fact, "before": before, "after": after, "nodes": nodes}));
    json!({
        "overall": change.overall().name(), "worse_nodes": change.worse(), "pairs": change.pairs, "tests": change.tests,
        "left_out": change.unpaired.iter().map(|(node, why)| json!({"node": node, "why": why})).collect::<Vec<_>>(),
        "facts": facts.collect::<Vec<_>>(),
        "metrics": change.rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn row(row: &SeriesChange) -> Value {
    let moved = row.change();
    json!({
        "metric": id(&row.id), "unit": row.metric.unit.symbol(), "better": row.metric.better, "critical": row.critical,
        "margin": row.margin.share(), "nodes": row.nodes, "change": moved.map(|(change, _)| change),
        "interval_95": moved.map(|(_, ends)| ends), "verdict": row.finding.name(), "deviation": row.deviation,
        "worse": row.worse.iter().map(|one| json!({
            "node": one.node, "change": one.change, "siblings": one.siblings, "z": one.z.is_finite().then_some(one.z),
        })).collect::<Vec<_>>(),
    })
}
