//! From the TOML text to the model, with every check that needs no other file.

mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use measure::{Better, Definition, FactKind, FactValue, Quantity, Shape, Unit, definition, fact_kind};
use toml::Spanned;

use crate::hints::{nearest_metric, similar_fact};
use crate::wire::{self, Raw};
use crate::{
    Baseline, Bound, Claim, Claimed, Constraint, Error, Limit, Place, Prose, Standing, StatedFact, System, Target,
};

/// The tolerance of a target whose document states none: this suite's choice, noted at each such target.
pub const DEFAULT_TOLERANCE: f64 = 0.05;

/// How a file names the links of the GPU slots.
pub(crate) const GPU_LINKS: &str = "gpu links";

/// What is noted as left open at a target without a stated tolerance.
pub(crate) const TOLERANCE_IS_OURS: &str = "tolerance not stated: 5 % is this suite's default";

/// Reads a specification file.
///
/// `file` is only used to name the file in an error. What is refused: what is not TOML, unknown fields, ids that are used
/// twice or point to nothing, facts that are not in the vocabulary, metrics that are not in the catalogue, values of the
/// wrong shape, unit or direction, and numbers that are negative or not finite.
pub fn parse(text: &str, file: &str) -> Result<Vec<System>, Error> {
    let reader = Reader { file, text };
    let parsed: wire::File = toml::from_str(text).map_err(|mut error| Error::from_toml(file, text, &mut error))?;
    if parsed.system.is_empty() {
        return Err(reader.error(&(0..0), "system", "no system".to_owned(), "at least one [[system]]"));
    }
    let mut ids = BTreeSet::new();
    parsed
        .system
        .into_iter()
        .map(|system| {
            reader.unique(&mut ids, &system.id, "system.id")?;
            reader.system(system)
        })
        .collect()
}

/// The text that is read, for the positions of errors.
pub(crate) struct Reader<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
}

impl Reader<'_> {
    fn error(&self, span: &Range<usize>, field: &str, problem: String, expected: impl Into<String>) -> Error {
        Error::at(self.file, self.text, span.start, field, problem, expected.into())
    }

    fn unique(&self, seen: &mut BTreeSet<String>, id: &Spanned<String>, field: &str) -> Result<(), Error> {
        let name = id.get_ref();
        if name.trim().is_empty() {
            return Err(self.error(&id.span(), field, "an empty id".to_owned(), "a name"));
        }
        if seen.insert(name.clone()) {
            return Ok(());
        }
        Err(self.error(&id.span(), field, format!("`{name}` is used twice"), "an id that is used once"))
    }

    fn system(&self, system: wire::SystemEntry) -> Result<System, Error> {
        let facts = self.facts(system.fact)?;
        let stated: BTreeSet<String> = facts.iter().map(|fact| fact.id.clone()).collect();
        let names: BTreeSet<String> = system.target.iter().map(|target| target.id.get_ref().clone()).collect();
        let mut ids = BTreeSet::new();
        let targets = system
            .target
            .into_iter()
            .map(|target| {
                self.unique(&mut ids, &target.id, "system.target.id")?;
                self.target(target, &stated, &names)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let units: BTreeMap<&str, Unit> =
            targets.iter().map(|target| (target.id.as_str(), target.value.unit)).collect();
        let baselines = system.baseline.into_iter().map(|row| self.baseline(row, &units)).collect::<Result<_, _>>()?;
        let mut claims: Vec<Claim> = Vec::new();
        for row in system.claim {
            let claim = self.claim(row, &names, &claims)?;
            claims.push(claim);
        }
        let limits = system.limit.into_iter().map(|row| self.limit(row)).collect::<Result<_, _>>()?;
        let mut ids = BTreeSet::new();
        let prose = system.prose.into_iter().map(|row| {
            self.unique(&mut ids, &row.id, "system.prose.id")?;
            self.prose(row)
        });
        let prose = prose.collect::<Result<_, _>>()?;
        Ok(System {
            id: system.id.into_inner(),
            name: system.name,
            document: system.document,
            family: system.family,
            facts,
            targets,
            baselines,
            claims,
            limits,
            prose,
        })
    }

    fn facts(&self, rows: Vec<wire::FactEntry>) -> Result<Vec<StatedFact>, Error> {
        let mut seen = BTreeSet::new();
        rows.into_iter()
            .map(|row| {
                let kind = self.kind(&row.id, "system.fact.id")?;
                if !seen.insert((row.id.get_ref().clone(), row.at.clone())) {
                    let problem = format!("`{}` is stated twice at `{}`", row.id.get_ref(), row.at);
                    return Err(self.error(
                        &row.id.span(),
                        "system.fact.id",
                        problem,
                        "each statement of a place once",
                    ));
                }
                let value = self.value(kind, &row.value, "system.fact.value")?;
                let doubt = row.placeholder.as_ref().or(row.contradicted.as_ref()).map(Spanned::span);
                let standing = match (row.placeholder, row.contradicted) {
                    (None, None) => Standing::Firm,
                    (Some(place), None) => Standing::Placeholder(place.into_inner()),
                    (None, Some(place)) => Standing::Contradicted(place.into_inner()),
                    (Some(_), Some(place)) => {
                        let problem = "`contradicted` beside `placeholder`".to_owned();
                        return Err(self.error(&place.span(), "system.fact.contradicted", problem, "one of the two"));
                    }
                };
                if let Some(span) = doubt.filter(|_| row.required) {
                    let problem = format!("`required` for `{}`, which the document does not stand by", kind.id);
                    let expected = "`required` at facts that are neither a placeholder nor contradicted";
                    return Err(self.error(&span, "system.fact.required", problem, expected));
                }
                let admits = self.admits(kind, row.admits)?;
                Ok(StatedFact {
                    id: row.id.into_inner(),
                    value,
                    approximate: row.approximate,
                    place: Place { at: row.at, says: row.says },
                    standing,
                    required: row.required,
                    admits,
                })
            })
            .collect()
    }

    /// The names that a statement admits: one or more, of a fact that is a text.
    fn admits(&self, kind: &FactKind, names: Option<Spanned<Vec<String>>>) -> Result<Vec<String>, Error> {
        let Some(names) = names else { return Ok(Vec::new()) };
        let sound = |names: &[String]| !names.is_empty() && names.iter().all(|name| !name.trim().is_empty());
        if kind.shape == Shape::Text && sound(names.get_ref()) {
            return Ok(names.into_inner());
        }
        let expected = "one name or more, none of them empty, for a fact that is a text";
        Err(self.error(&names.span(), "system.fact.admits", format!("`admits` for `{}`", kind.id), expected))
    }

    fn target(
        &self,
        row: wire::TargetEntry,
        stated: &BTreeSet<String>,
        names: &BTreeSet<String>,
    ) -> Result<Target, Error> {
        let value = self.quantity(&row.value, "system.target.value")?;
        let metric = row.metric.map(|name| self.metric(&name, "system.target.metric")).transpose()?;
        if let Some(metric) = metric {
            self.unit_of(metric, value.unit, &row.value, "system.target.value")?;
            self.direction_of(metric, &row.better, "system.target.better")?;
        }
        let series = self.series(metric, row.series)?;
        for fact in &row.depends_on {
            self.dependence(fact, stated)?;
        }
        if let Some(other) = &row.companion_of {
            self.known(other, names, "system.target.companion_of")?;
        }
        let mut open = row.open;
        let tolerance = if let Some(raw) = &row.tolerance {
            self.share(raw, "system.target.tolerance")?
        } else {
            open.push(TOLERANCE_IS_OURS.to_owned());
            DEFAULT_TOLERANCE
        };
        let constraint = row.constraint.map(|constraint| self.constraint(constraint)).transpose()?;
        let shares = self.shares(&row.shares, &row.phases)?;
        Ok(Target {
            id: row.id.into_inner(),
            title: row.title,
            metric,
            series,
            value,
            approximate: row.approximate,
            better: row.better.into_inner(),
            tolerance,
            required: row.required,
            place: Place { at: row.at, says: row.says },
            conditions: row.conditions,
            open,
            constraint,
            depends_on: row.depends_on.into_iter().map(Spanned::into_inner).collect(),
            shares,
            phases: row.phases,
            companion_of: row.companion_of.map(Spanned::into_inner),
        })
    }

    /// The labels of a series: labels that the metric has, and all of them where there is one.
    fn series(
        &self,
        metric: Option<&'static Definition>,
        labels: BTreeMap<String, Spanned<String>>,
    ) -> Result<BTreeMap<String, String>, Error> {
        let known = metric.map_or(&[][..], |metric| metric.labels);
        for (label, value) in &labels {
            if !known.contains(&label.as_str()) {
                let problem = format!("`{label}`, which is no label of the metric");
                let expected = if known.is_empty() { "no series".to_owned() } else { known.join(", ") };
                return Err(self.error(&value.span(), "system.target.series", problem, expected));
            }
        }
        if let Some((_, value)) = labels.first_key_value()
            && let Some(missing) = known.iter().find(|label| !labels.contains_key(**label))
        {
            let problem = format!("a series without `{missing}`");
            return Err(self.error(
                &value.span(),
                "system.target.series",
                problem,
                format!("all of {}", known.join(", ")),
            ));
        }
        Ok(labels.into_iter().map(|(label, value)| (label, value.into_inner())).collect())
    }

    fn prose(&self, row: wire::Prose) -> Result<Prose, Error> {
        if row.reason.get_ref().trim().is_empty() {
            let problem = "prose without a reason".to_owned();
            return Err(self.error(
                &row.reason.span(),
                "system.prose.reason",
                problem,
                "why there is nothing to check",
            ));
        }
        let place = Place { at: row.at, says: row.says };
        Ok(Prose { id: row.id.into_inner(), place, reason: row.reason.into_inner() })
    }

    /// Values of facts by their ids.
    pub(crate) fn values(
        &self,
        rows: &BTreeMap<String, Spanned<Raw>>,
        field: &str,
    ) -> Result<BTreeMap<String, FactValue>, Error> {
        let value = |(id, raw): (&String, &Spanned<Raw>)| {
            let kind = self.kind(&Spanned::new(raw.span(), id.clone()), field)?;
            Ok((id.clone(), self.value(kind, raw, field)?))
        };
        rows.iter().map(value).collect()
    }

    /// A fact that a target depends on: this system must state it.
    fn dependence(&self, fact: &Spanned<String>, stated: &BTreeSet<String>) -> Result<(), Error> {
        self.kind(fact, "system.target.depends_on")?;
        if stated.contains(fact.get_ref()) {
            return Ok(());
        }
        let problem = format!("`{}` is not stated by this system", fact.get_ref());
        let expected = "the id of a [[system.fact]] of the same system";
        Err(self.error(&fact.span(), "system.target.depends_on", problem, expected))
    }

    fn shares(&self, rows: &BTreeMap<String, Spanned<Raw>>, phases: &[String]) -> Result<BTreeMap<String, f64>, Error> {
        let mut shares = BTreeMap::new();
        for (phase, raw) in rows {
            let share = self.share(raw, "system.target.shares")?;
            if !phases.contains(phase) {
                let problem = format!("a share of the phase `{phase}`, which is not among the phases");
                let expected = format!("one of {}", phases.join(", "));
                return Err(self.error(&raw.span(), "system.target.shares", problem, expected));
            }
            shares.insert(phase.clone(), share);
        }
        Ok(shares)
    }

    fn constraint(&self, row: wire::ConstraintEntry) -> Result<Constraint, Error> {
        let metric = self.metric(&row.metric, "system.target.constraint.metric")?;
        let bound = self.quantity(&row.bound, "system.target.constraint.bound")?;
        self.unit_of(metric, bound.unit, &row.bound, "system.target.constraint.bound")?;
        self.direction_of(metric, &row.better, "system.target.constraint.better")?;
        Ok(Constraint { metric, bound, better: row.better.into_inner() })
    }

    fn baseline(&self, row: wire::Baseline, units: &BTreeMap<&str, Unit>) -> Result<Baseline, Error> {
        let names = units.keys().map(|id| (*id).to_owned()).collect();
        self.known(&row.target, &names, "system.baseline.target")?;
        let value = self.quantity(&row.value, "system.baseline.value")?;
        let unit = units[row.target.get_ref().as_str()];
        if value.unit != unit {
            return Err(self.wrong_unit(&row.value, "system.baseline.value", value.unit, unit));
        }
        let facts = self.values(&row.facts, "system.baseline.facts")?;
        let place = Place { at: row.at, says: row.says };
        Ok(Baseline {
            target: row.target.into_inner(),
            system: row.system,
            value,
            approximate: row.approximate,
            facts,
            place,
        })
    }

    fn claim(&self, row: wire::Claim, names: &BTreeSet<String>, before: &[Claim]) -> Result<Claim, Error> {
        self.known(&row.target, names, "system.claim.target")?;
        let that = match (&row.ratio, &row.saturates) {
            (Some(ratio), None) => Claimed::Ratio(self.ratio(ratio, "system.claim.ratio")?),
            (None, Some(what)) if what.get_ref() == GPU_LINKS => Claimed::SaturatesGpuLinks,
            (None, Some(what)) => {
                let problem = format!("`{}`", what.get_ref());
                return Err(self.error(&what.span(), "system.claim.saturates", problem, format!("`{GPU_LINKS}`")));
            }
            _ => {
                let problem = "not exactly one claim".to_owned();
                return Err(self.error(&row.target.span(), "system.claim", problem, "one of ratio and saturates"));
            }
        };
        let place = Place { at: row.at, says: row.says };
        let target = row.target.into_inner();
        let id = Claim::id_of(&target, before.iter().filter(|claim| claim.target == target).count());
        Ok(Claim { id, target, that, approximate: row.approximate, place })
    }

    fn limit(&self, row: wire::Limit) -> Result<Limit, Error> {
        let kind = self.kind(&row.fact, "system.limit.fact")?;
        let bound = match (row.at_most, row.at_least, row.one_of, row.open) {
            (Some(raw), None, None, None) => Bound::AtMost(self.bounded(kind, &raw, "system.limit.at_most")?),
            (None, Some(raw), None, None) => Bound::AtLeast(self.bounded(kind, &raw, "system.limit.at_least")?),
            (None, None, Some(texts), None) if kind.shape == Shape::Text && !texts.get_ref().is_empty() => {
                Bound::OneOf(texts.into_inner())
            }
            (None, None, Some(texts), None) => {
                let problem = format!("`one_of` for `{}`", kind.id);
                let expected = "one text or more, for a fact that is a text";
                return Err(self.error(&texts.span(), "system.limit.one_of", problem, expected));
            }
            (None, None, None, Some(words)) => Bound::Open(words),
            _ => {
                let problem = "not exactly one bound".to_owned();
                let expected = "one of at_most, at_least, one_of and open";
                return Err(self.error(&row.fact.span(), "system.limit", problem, expected));
            }
        };
        let sustained = row.sustained.map(|text| self.sustained(&text)).transpose()?;
        if row.required && matches!(bound, Bound::Open(_)) {
            let problem = "`required` beside `open`, by which nothing can be judged".to_owned();
            let expected = "`required` at a bound that is a figure or a text";
            return Err(self.error(&row.fact.span(), "system.limit.required", problem, expected));
        }
        let (fact, place) = (row.fact.into_inner(), Place { at: row.at, says: row.says });
        Ok(Limit { fact, bound, sustained, required: row.required, place })
    }

    /// The seconds of a time.
    fn sustained(&self, text: &Spanned<String>) -> Result<f64, Error> {
        match text.get_ref().parse::<Quantity>() {
            Ok(time) if time.unit == Unit::Second && time.value >= 0.0 => Ok(time.value),
            _ => {
                let problem = format!("`{}`", text.get_ref());
                Err(self.error(&text.span(), "system.limit.sustained", problem, "a time, as `60 s`"))
            }
        }
    }

    fn bounded(&self, kind: &FactKind, raw: &Spanned<Raw>, field: &str) -> Result<Quantity, Error> {
        match self.value(kind, raw, field)? {
            FactValue::Quantity(quantity) => Ok(quantity),
            FactValue::Text(_) | FactValue::Flag(_) => {
                let problem = format!("a bound of `{}`, which is not a number", kind.id);
                Err(self.error(&raw.span(), field, problem, "one_of for a text"))
            }
        }
    }

    pub(crate) fn kind(&self, id: &Spanned<String>, field: &str) -> Result<&'static FactKind, Error> {
        fact_kind(id.get_ref()).ok_or_else(|| {
            let problem = format!("`{}` is not a fact", id.get_ref());
            self.error(&id.span(), field, problem, format!("an id of the vocabulary{}", similar_fact(id.get_ref())))
        })
    }

    fn known(&self, id: &Spanned<String>, names: &BTreeSet<String>, field: &str) -> Result<(), Error> {
        if names.contains(id.get_ref()) {
            return Ok(());
        }
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        let problem = format!("`{}` is not a target of this system", id.get_ref());
        Err(self.error(&id.span(), field, problem, format!("one of {}", all.join(", "))))
    }

    fn metric(&self, name: &Spanned<String>, field: &str) -> Result<&'static Definition, Error> {
        definition(name.get_ref()).ok_or_else(|| {
            let problem = format!("`{}` is not a metric", name.get_ref());
            let expected = format!("a metric of the catalogue; the nearest is `{}`", nearest_metric(name.get_ref()));
            self.error(&name.span(), field, problem, expected)
        })
    }

    /// A figure must be in the unit of its metric.
    fn unit_of(&self, metric: &Definition, unit: Unit, raw: &Spanned<Raw>, field: &str) -> Result<(), Error> {
        if unit == metric.unit {
            return Ok(());
        }
        let expected = format!("a quantity in {}, the unit of `{}`", metric.unit.symbol(), metric.id);
        let problem = match unit {
            Unit::Count => "a value without a unit".to_owned(),
            unit => format!("a quantity in {}", unit.symbol()),
        };
        Err(self.error(&raw.span(), field, problem, expected))
    }

    /// What is better belongs to the metric, and the document may not turn it round.
    fn direction_of(&self, metric: &Definition, better: &Spanned<Better>, field: &str) -> Result<(), Error> {
        if *better.get_ref() == metric.better {
            return Ok(());
        }
        let word = |better: Better| match better {
            Better::Higher => "higher",
            Better::Lower => "lower",
        };
        let problem = format!("`{}`", word(*better.get_ref()));
        let expected = format!("`{}`, which is better for `{}`", word(metric.better), metric.id);
        Err(self.error(&better.span(), field, problem, expected))
    }
}
