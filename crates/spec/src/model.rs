//! A documented system as data: what it says of its hardware, and what it promises.

use std::collections::BTreeMap;

use measure::{Better, Definition, FactValue, MetricId, Quantity};

/// One documented system.
#[derive(Clone, Debug, PartialEq)]
pub struct System {
    /// Unique id, for instance `PY-HPC-2024.Q3`.
    pub id: String,
    /// What it is, in a line.
    pub name: String,
    /// The document that it was taken from.
    pub document: String,
    /// Systems of one family are compared with one another by the audit.
    pub family: Option<String>,
    /// What the document says of the hardware. A fact may be stated more than once, in different places.
    pub facts: Vec<StatedFact>,
    /// What the document says that it delivers.
    pub targets: Vec<Target>,
    /// Figures of another system that the document compares itself with.
    pub baselines: Vec<Baseline>,
    /// Ratios that the document claims.
    pub claims: Vec<Claim>,
    /// Operational limits and expected versions.
    pub limits: Vec<Limit>,
    /// Sentences in which there is nothing to check.
    pub prose: Vec<Prose>,
}

/// Where in the document a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Place {
    /// Section and row: `§1.3 Configuration`.
    pub at: String,
    /// The words of the document, short.
    pub says: String,
}

/// How firmly a fact is stated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Stated, and nothing speaks against it.
    Firm,
    /// The document itself calls it an example or a placeholder; the text says where.
    Placeholder(String),
    /// The document says something else at another place; the text says where.
    Contradicted(String),
}

/// One statement about the hardware.
#[derive(Clone, Debug, PartialEq)]
pub struct StatedFact {
    /// Id in the vocabulary of facts.
    pub id: String,
    /// The value.
    pub value: FactValue,
    /// Whether the document says "about" (`~`).
    pub approximate: bool,
    /// Where it is stated.
    pub place: Place,
    /// How firmly it is stated; only firm facts decide comparability.
    pub standing: Standing,
    /// Whether `accept` demands it.
    pub required: bool,
    /// The names that the statement admits, where its words are ambiguous: "NVIDIA H100 or A100". Without any, the
    /// value is the name.
    pub admits: Vec<String>,
}

/// One promised figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Unique id in the system, for instance `memory.stream`.
    pub id: String,
    /// What it is, in a few words.
    pub title: String,
    /// The metric of this suite that it is judged by; `None` where the suite has none. Its unit is that of the value.
    pub metric: Option<&'static Definition>,
    /// Labels of the series of that metric that it is judged by; without any, the series without labels.
    pub series: BTreeMap<String, String>,
    /// The promised value.
    pub value: Quantity,
    /// Whether the document says "about" (`~`).
    pub approximate: bool,
    /// Which direction is better.
    pub better: Better,
    /// How far below (or above) the value is still met, as a share of it.
    pub tolerance: f64,
    /// Whether `accept` demands it.
    pub required: bool,
    /// Where it is stated.
    pub place: Place,
    /// The conditions that the document gives, by name: `block = "4 KiB"`, `pattern = "random"`.
    pub conditions: BTreeMap<String, String>,
    /// The conditions that it leaves open, in words: "queue depth not stated".
    pub open: Vec<String>,
    /// A second figure that must hold at the same time: most IOPS *with* p99 ≤ 35 µs.
    pub constraint: Option<Constraint>,
    /// Ids of the facts that decide whether a host's result can be compared with it.
    pub depends_on: Vec<String>,
    /// Shares of the value by phase (a time), for instance read 22 % and transform 78 %.
    pub shares: BTreeMap<String, f64>,
    /// Phases that the workload has, so that an audit sees the ones without a share.
    pub phases: Vec<String>,
    /// For a companion that was derived: the id of the documented target that it accompanies.
    pub companion_of: Option<String>,
}

/// A second figure that bounds a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    /// The metric that is bounded.
    pub metric: &'static Definition,
    /// Its bound: at most where less is better, at least where more is.
    pub bound: Quantity,
    /// Which direction is better.
    pub better: Better,
}

/// A figure of another system that the document compares with.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// Id of the target that it is set beside.
    pub target: String,
    /// Which system: `DDR4-3200 quad-channel`.
    pub system: String,
    /// The figure.
    pub value: Quantity,
    /// Whether the document says "about" (`~`).
    pub approximate: bool,
    /// What the other system is made of, in the vocabulary of facts, as far as the document states it.
    pub facts: BTreeMap<String, FactValue>,
    /// Where it is stated.
    pub place: Place,
}

/// What the document claims of a target in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Id of the target that the claim is judged as: that of its target with `.claim`, from the second one on with a number.
    pub id: String,
    /// Id of the target.
    pub target: String,
    /// What is claimed.
    pub that: Claimed,
    /// Whether the document says "about" or "near".
    pub approximate: bool,
    /// Where it is stated.
    pub place: Place,
}

/// What a claim says of its target.
#[derive(Clone, Debug, PartialEq)]
pub enum Claimed {
    /// It is so many times its baseline.
    Ratio(f64),
    /// It saturates the links of the GPU slots.
    SaturatesGpuLinks,
}

/// A sentence in which there is nothing to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prose {
    /// Unique id in the system.
    pub id: String,
    /// Where it is stated.
    pub place: Place,
    /// Why there is nothing to check.
    pub reason: String,
}

/// An operational limit, or a version that is expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// Id of the fact that it bounds.
    pub fact: String,
    /// The bound.
    pub bound: Bound,
    /// For how many seconds it must be broken without a break before a watch calls it broken, where the document says.
    pub sustained: Option<f64>,
    /// Whether `accept` demands it. What is open is never demanded.
    pub required: bool,
    /// Where it is stated.
    pub place: Place,
}

/// What a limit asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    /// No more than this.
    AtMost(Quantity),
    /// No less than this.
    AtLeast(Quantity),
    /// One of these texts.
    OneOf(Vec<String>),
    /// The document asks for something without giving a number; these are its words. Nothing can be judged by it.
    Open(String),
}

/// What a system demands of a host that this suite can judge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demands<'a> {
    /// Ids of the required targets that have a metric of this suite.
    pub targets: Vec<&'a str>,
    /// Ids of the required facts, each once.
    pub facts: Vec<&'a str>,
    /// Facts of the required limits, each once.
    pub limits: Vec<&'a str>,
}

impl Demands<'_> {
    /// Whether nothing is demanded: then nothing can be accepted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty() && self.facts.is_empty() && self.limits.is_empty()
    }
}

impl System {
    /// What `accept` demands of a host. A target without a metric of this suite cannot be judged, and is not among them.
    #[must_use]
    pub fn demands(&self) -> Demands<'_> {
        let mut demands = Demands::default();
        let measurable = |target: &&Target| target.required && target.metric.is_some();
        demands.targets = self.targets.iter().filter(measurable).map(|target| target.id.as_str()).collect();
        for fact in self.facts.iter().filter(|fact| fact.required) {
            if !demands.facts.contains(&fact.id.as_str()) {
                demands.facts.push(&fact.id);
            }
        }
        for limit in self.limits.iter().filter(|limit| limit.required) {
            if !demands.limits.contains(&limit.fact.as_str()) {
                demands.limits.push(&limit.fact);
            }
        }
        demands
    }

    /// The claims that a baseline makes a figure of, as targets: near 10 times 200 GB/s are 2 TB/s.
    #[must_use]
    pub fn claimed(&self) -> Vec<Target> {
        self.claims.iter().filter_map(|claim| claim.as_target(self)).collect()
    }

    /// All statements of a fact, in the order of the document.
    pub fn stated<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a StatedFact> {
        self.facts.iter().filter(move |fact| fact.id == id)
    }

    /// The statements of a fact that decide: the firm ones, where there are any; of these those that are exact, since what is
    /// stated exactly once is not loosened by "about" elsewhere.
    #[must_use]
    pub fn deciding<'a>(&'a self, id: &'a str) -> Vec<&'a StatedFact> {
        let narrowed = |all: Vec<&'a StatedFact>, wanted: fn(&StatedFact) -> bool| {
            let some: Vec<&StatedFact> = all.iter().copied().filter(|fact| wanted(fact)).collect();
            if some.is_empty() { all } else { some }
        };
        let firm = narrowed(self.stated(id).collect(), |fact| fact.standing == Standing::Firm);
        narrowed(firm, |fact| !fact.approximate)
    }

    /// The first statement of a fact that is a number.
    #[must_use]
    pub fn number(&self, id: &str) -> Option<f64> {
        self.stated(id).find_map(|fact| match fact.value {
            FactValue::Quantity(quantity) => Some(quantity.value),
            _ => None,
        })
    }

    /// The target with this id.
    #[must_use]
    pub fn target(&self, id: &str) -> Option<&Target> {
        self.targets.iter().find(|target| target.id == id)
    }
}

impl Target {
    /// The series that it is judged by: `dense.clock{isa=avx512,scope=all}`.
    #[must_use]
    pub fn measured_by(&self) -> Option<String> {
        let (name, labels) = (self.metric?.id.to_owned(), self.series.clone());
        Some(MetricId { name, labels }.to_string())
    }
}

impl Claim {
    /// The id of the claim on a target that so many others stand before.
    pub(crate) fn id_of(target: &str, before: usize) -> String {
        if before == 0 { format!("{target}.claim") } else { format!("{target}.claim.{}", before + 1) }
    }

    fn as_target(&self, system: &System) -> Option<Target> {
        let Claimed::Ratio(ratio) = self.that else { return None };
        let target = system.target(&self.target)?;
        let baseline = system.baselines.iter().find(|baseline| baseline.target == self.target)?;
        let value = match target.better {
            Better::Higher => baseline.value.value * ratio,
            Better::Lower => baseline.value.value / ratio,
        };
        Some(Target {
            id: self.id.clone(),
            title: format!("{}, {ratio} times {}", target.title, baseline.system),
            value: Quantity::new(value, target.value.unit),
            approximate: self.approximate || baseline.approximate,
            required: false,
            place: self.place.clone(),
            constraint: None,
            ..target.clone()
        })
    }
}
