//! Scenarios: a specification and the boots of a host, described by what is planted in them, and drawn at random.

use std::collections::{BTreeMap, BTreeSet};

use measure::Workload;
use measure::random::SplitMix64;

use super::kinds::{LIMITS, LimitKind, MEMORY_PAIR, METRICS, MetricKind, PARTS, PartKind, Physics, Told, metric_named};

/// A specification, and runs of a host that are judged by it.
#[derive(Debug, Default)]
pub(crate) struct Scenario {
    pub(crate) parts: Vec<Part>,
    pub(crate) limits: Vec<Bounded>,
    pub(crate) targets: Vec<Wanted>,
    /// The last one is judged, the others beside it.
    pub(crate) visits: Vec<Visit>,
    /// Which ceilings the host tells beside its parts.
    pub(crate) tells: BTreeSet<&'static str>,
    /// How the machine is recognised.
    pub(crate) identity: Identity,
    /// Whether it is a release build.
    pub(crate) release: bool,
    /// What is to be known of all figures of a metric.
    pub(crate) moods: BTreeMap<&'static str, Mood>,
    /// Noise floor and degrees of freedom that the history of the host told before the last visit.
    pub(crate) noise: BTreeMap<&'static str, (f64, f64)>,
}

/// A statement of a part.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) kind: &'static PartKind,
    pub(crate) required: bool,
    pub(crate) standing: Stand,
    /// Whether another place says the first of the other values.
    pub(crate) restated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    Firm,
    Placeholder,
    Contradicted,
}

#[derive(Debug)]
pub(crate) struct Bounded {
    pub(crate) kind: &'static LimitKind,
    pub(crate) required: bool,
    /// What the host of the last visit is, where it tells.
    pub(crate) kept: Option<bool>,
}

/// A target.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) id: String,
    pub(crate) metric: Option<&'static MetricKind>,
    pub(crate) value: f64,
    pub(crate) tolerance: Option<f64>,
    pub(crate) required: bool,
    /// Places in the list of parts.
    pub(crate) depends_on: Vec<usize>,
    pub(crate) second: Option<(&'static MetricKind, f64)>,
    pub(crate) engine: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Identity {
    #[default]
    Serial,
    Dimm,
    MachineId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Caches answered.
    Cached,
    Extrapolated,
    /// It covers a part of the host.
    Partial,
}

/// A run of the suite.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// Which boot, where the kernel tells.
    pub(crate) boot: Option<u32>,
    pub(crate) machine: Machine,
    pub(crate) like: Like,
    /// What the host says of each part.
    pub(crate) hosts: Vec<Saying>,
    pub(crate) engine: Option<&'static str>,
    pub(crate) lay: Lay,
    pub(crate) sessions: Vec<Session>,
}

/// Where the files of a run lay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lay {
    /// On the drives of the volume.
    Volume,
    /// On a drive that is none of them.
    Elsewhere,
    /// On a disk of a hypervisor.
    Virtual,
    /// The record does not say.
    Untold,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Machine {
    Own,
    Other,
    /// Nothing in the record tells.
    Unidentified,
}

/// In what a run was measured otherwise than the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Like {
    Alike,
    OtherMinor,
    OtherMajor,
    OtherBuild,
    OtherFeatures,
    OtherProfile,
}

/// What a host says of a part: a value by its place in the list, or nothing, in one of four ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saying {
    Same(usize),
    Other(usize),
    Nothing(usize),
}

impl Saying {
    pub(crate) fn told(self, kind: &PartKind) -> Option<Told> {
        match self {
            Saying::Same(at) => Some(kind.same[at]),
            Saying::Other(at) => Some(kind.other[at]),
            Saying::Nothing(_) => None,
        }
    }
}

/// A workload once.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) workload: Workload,
    pub(crate) fate: Fate,
    pub(crate) figures: BTreeMap<&'static str, Figure>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Whole,
    LostAtStart,
    LostAtEnd,
    StoppedAtEnd,
    Untried,
}

impl Fate {
    /// Whether figures were told before the end.
    pub(crate) fn measures(self) -> bool {
        !matches!(self, Fate::LostAtStart | Fate::Untried)
    }
}

/// What a session says of a metric.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Figure {
    /// Samples that count, and disturbed ones.
    Values(Vec<f64>, Vec<f64>),
    Disturbed(Vec<f64>),
    Wrong,
    Failed,
    /// A sample that cannot be among sound ones; without one, no sample at all.
    Invalid(Option<f64>),
    /// In another unit.
    Foreign(f64),
    Untried,
    Absent,
}

/// Randomness.
pub(crate) struct Dice(pub(crate) SplitMix64);

impl Dice {
    fn chance(&mut self, of: f64) -> bool {
        self.0.uniform() < of
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.0.index(from.len())]
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.uniform()
    }

    /// The first of the pairs with this chance, or the last.
    fn one_of<T: Copy>(&mut self, choices: &[(f64, T)], usual: T) -> T {
        let mut left = self.0.uniform();
        for (chance, choice) in choices {
            if left < *chance {
                return *choice;
            }
            left -= chance;
        }
        usual
    }
}

/// How rough a scenario is: from 0, where only harmless things go wrong.
struct Draw<'a> {
    dice: &'a mut Dice,
    rough: f64,
}

/// A scenario at random.
pub(crate) fn scenario(dice: &mut Dice) -> Scenario {
    let rough = dice.pick(&[0.0, 0.0, 0.0, 0.3, 1.0]);
    let mut draw = Draw { dice, rough };
    let mut scenario = Scenario { release: !draw.mishap(0.03), ..Scenario::default() };
    scenario.identity = draw.dice.pick(&[Identity::Serial, Identity::Dimm, Identity::MachineId]);
    scenario.parts = draw.parts();
    scenario.limits = draw.limits();
    scenario.targets = draw.targets(&scenario.parts);
    let has_drives = scenario.parts.iter().any(|part| part.kind.id == "storage.scratch.drives");
    for what in ["memory", "flops", "links", "dram"] {
        if draw.dice.chance(0.5) && !(what == "links" && has_drives) {
            scenario.tells.insert(what);
        }
    }
    let used = used(&scenario.targets);
    for metric in &used {
        draw.remarks_on(metric, &mut scenario);
    }
    scenario.visits = draw.visits(&scenario.parts, &used);
    scenario
}

/// The metrics that are judged.
fn used(targets: &[Wanted]) -> Vec<&'static MetricKind> {
    let all =
        targets.iter().flat_map(|target| target.metric.into_iter().chain(target.second.map(|(metric, _)| metric)));
    let ids: BTreeSet<&str> = all.map(|metric| metric.id).collect();
    METRICS.iter().filter(|metric| ids.contains(metric.id)).collect()
}

impl Draw<'_> {
    /// Something that may cost the acceptance, with this chance in a rough scenario.
    fn mishap(&mut self, of: f64) -> bool {
        let chance = of * self.rough;
        self.dice.chance(chance)
    }

    fn parts(&mut self) -> Vec<Part> {
        let mut kinds: Vec<&'static PartKind> = Vec::new();
        for _ in 0..self.dice.0.index(5) {
            let kind = &PARTS[self.dice.0.index(PARTS.len())];
            // A document that names boot drives counts them apart.
            let excludes = |other: &PartKind| {
                other.id == kind.id
                    || (other.id == "storage.scratch.drives" && kind.id.starts_with("storage.boot."))
                    || (kind.id == "storage.scratch.drives" && other.id.starts_with("storage.boot."))
            };
            if !kinds.iter().any(|other| excludes(other)) {
                kinds.push(kind);
            }
        }
        let mut parts: Vec<Part> = kinds.into_iter().map(|kind| self.part(kind)).collect();
        if self.dice.chance(0.3) {
            let firm = |required, kind| Part { kind, required, standing: Stand::Firm, restated: false };
            parts.extend(MEMORY_PAIR.iter().map(|kind| firm(self.dice.chance(0.5), kind)));
        }
        parts
    }

    fn part(&mut self, kind: &'static PartKind) -> Part {
        let doubts = [(0.1, Stand::Placeholder), (0.1, Stand::Contradicted)];
        let standing = self.dice.one_of(&doubts, Stand::Firm);
        let required = standing == Stand::Firm && self.dice.chance(0.5);
        Part { kind, required, standing, restated: kind.restated.is_some() && self.dice.chance(0.2) }
    }

    fn limits(&mut self) -> Vec<Bounded> {
        let mut limits = Vec::new();
        for kind in &LIMITS {
            if !self.dice.chance(0.15) {
                continue;
            }
            let required = kind.is_firm && self.dice.chance(0.5);
            let bad = if required { self.mishap(0.3) } else { self.dice.chance(0.5) };
            let kept = if bad { self.dice.pick(&[Some(false), None]) } else { Some(true) };
            limits.push(Bounded { kind, required, kept });
        }
        limits
    }

    fn targets(&mut self, parts: &[Part]) -> Vec<Wanted> {
        let count = 1 + self.dice.0.index(5);
        (0..count).map(|number| self.target(number, parts)).collect()
    }

    fn target(&mut self, number: usize, parts: &[Part]) -> Wanted {
        let id = format!("t{number}");
        let kind = &METRICS[self.dice.0.index(METRICS.len())];
        let required = self.dice.chance(0.6);
        let is_measured = if required { !self.mishap(0.03) } else { self.dice.chance(0.9) };
        let metric = is_measured.then_some(kind);
        let has_pair = parts.iter().any(|part| part.kind.id == MEMORY_PAIR[0].id);
        let tolerance = self.dice.pick(&[None, None, Some(0.0), Some(0.02), Some(0.1)]);
        let value = if has_pair && kind.physics == Physics::Memory && self.dice.chance(0.3) {
            // More than eight channels of 4800 MT/s carry.
            self.dice.between(310e9, 600e9)
        } else {
            self.asked(kind, required)
        };
        let depends_on = (0..parts.len()).filter(|_| self.dice.chance(0.3)).collect();
        let second = kind.second.filter(|_| self.dice.chance(0.4)).map(metric_named);
        let second = second.map(|second| (second, self.asked(second, required)));
        let engine =
            (kind.id == "tabular.time_500gb").then(|| self.dice.pick(&[None, Some("Pandas/NumPy"), Some("Polars")]));
        Wanted { id, metric, value, tolerance, required, depends_on, second, engine: engine.flatten() }
    }

    /// A figure that is asked of the host: range where it must be accepted, else anything near and far.
    fn asked(&mut self, kind: &MetricKind, required: bool) -> f64 {
        let range = if required && !self.mishap(0.4) { (0.08, 0.4) } else { (-0.3, 0.3) };
        let ease = self.dice.between(range.0, range.1);
        kind.base * if kind.higher { 1.0 - ease } else { 1.0 + ease }
    }

    fn remarks_on(&mut self, metric: &'static MetricKind, scenario: &mut Scenario) {
        let mood = match metric.physics {
            Physics::Memory => Some(Mood::Cached),
            _ if metric.is_of_host() => Some(Mood::Partial),
            _ if metric.home == Workload::Tabular || metric.home == Workload::Dense => Some(Mood::Extrapolated),
            _ => None,
        };
        if let Some(mood) = mood.filter(|_| self.mishap(0.1)) {
            scenario.moods.insert(metric.id, mood);
        }
        let floor = self.dice.between(0.005, 0.06);
        let noise = [
            (0.25, Some((floor, 4.0))),
            (0.1, Some((floor * 4.0, 9.5))),
            (0.1, Some((floor, 3.9))),
            (0.05, Some((0.0, 9.0))),
            (0.05, Some((-floor, 9.0))),
        ];
        if let Some(noise) = self.dice.one_of(&noise, None) {
            scenario.noise.insert(metric.id, noise);
        }
    }

    fn visits(&mut self, parts: &[Part], used: &[&'static MetricKind]) -> Vec<Visit> {
        let noise = self.dice.pick(&[0.002, 0.01, 0.03]);
        let count = self.dice.pick(&[1, 1, 1, 2, 3, 4, 5]);
        let hosts: Vec<Saying> = parts.iter().map(|part| self.saying(part)).collect();
        let engine = self.dice.pick(&[Some("pandas 3.1.1"), Some("Polars 0.55.2")]);
        // Boots of a machine each, with their own level of each metric.
        let mut boots: BTreeMap<Option<u32>, (Machine, Vec<f64>)> = BTreeMap::new();
        let mut visits = Vec::new();
        for number in (0..count).rev() {
            let is_last = number == 0;
            let boot = match number {
                0 => Some(0),
                _ if self.dice.chance(0.15) => Some(self.dice.pick(&[0, 1])),
                number => Some(number),
            };
            let boot = boot.filter(|_| !self.dice.chance(0.03));
            let usual = if boot == Some(0) || self.dice.chance(0.85) { Machine::Own } else { Machine::Other };
            let (machine, levels) = boots.entry(boot).or_insert_with(|| {
                let scale = if usual == Machine::Other { self.dice.between(0.5, 1.05) } else { 1.0 };
                (usual, used.iter().map(|_| scale * (noise * self.dice.0.normal()).exp()).collect())
            });
            let (machine, levels) = (*machine, levels.clone());
            let machine = if self.dice.chance(0.04) { Machine::Unidentified } else { machine };
            let likes = [Like::OtherMinor, Like::OtherMajor, Like::OtherBuild, Like::OtherFeatures, Like::OtherProfile];
            let like = if is_last || self.dice.chance(0.8) { Like::Alike } else { self.dice.pick(&likes) };
            let hosts = if is_last || self.dice.chance(0.8) {
                hosts.clone()
            } else {
                parts.iter().map(|part| self.saying(part)).collect()
            };
            let engine = if self.mishap(0.15) { self.dice.pick(&[None, Some("Polars 0.55.2")]) } else { engine };
            let astray = [Lay::Elsewhere, Lay::Virtual, Lay::Untold];
            let lay = if self.mishap(0.1) { self.dice.pick(&astray) } else { Lay::Volume };
            let sessions = self.sessions(used, &levels);
            visits.push(Visit { boot, machine, like, hosts, engine, lay, sessions });
        }
        visits
    }

    fn saying(&mut self, part: &Part) -> Saying {
        // What is not demanded may be anything; that a target depends on it is another mishap.
        let bad = if self.rough == 0.0 {
            !part.required && part.standing != Stand::Firm && self.dice.chance(0.5)
        } else {
            self.mishap(0.12)
        };
        if !bad {
            Saying::Same(self.dice.0.index(part.kind.same.len()))
        } else if self.dice.chance(0.6) {
            Saying::Other(self.dice.0.index(part.kind.other.len()))
        } else {
            Saying::Nothing(self.dice.0.index(4))
        }
    }

    fn sessions(&mut self, used: &[&'static MetricKind], levels: &[f64]) -> Vec<Session> {
        let mut sessions = Vec::new();
        for workload in Workload::ALL {
            let own: Vec<_> = used.iter().zip(levels).filter(|(metric, _)| metric.home == workload).collect();
            let repetitions = if own.is_empty() { 0 } else { self.dice.pick(&[1, 3, 3, 5]) };
            // Where there are some, one may be lost without cost.
            let spared =
                if repetitions > 2 && self.dice.chance(0.2) { self.dice.0.index(repetitions) } else { repetitions };
            for repetition in 0..repetitions {
                let fates = [Fate::LostAtStart, Fate::LostAtEnd, Fate::LostAtEnd, Fate::StoppedAtEnd, Fate::Untried];
                let fate = if repetition == spared || self.mishap(0.1) { self.dice.pick(&fates) } else { Fate::Whole };
                let figures = own.iter().map(|(metric, level)| (metric.id, self.figure(metric, **level))).collect();
                sessions.push(Session { workload, fate, figures });
            }
        }
        sessions
    }

    fn figure(&mut self, metric: &MetricKind, level: f64) -> Figure {
        let good = if metric.higher { level } else { 1.0 / level };
        let middle = metric.base * good * (0.002 * self.dice.0.normal()).exp();
        let count = 1 + self.dice.0.index(4);
        let values: Vec<f64> = (0..count).map(|_| middle * (0.001 * self.dice.0.normal()).exp()).collect();
        if self.mishap(0.1) {
            return self.bad_figure(metric, middle, values);
        }
        // Disturbed samples are far off, and must not move the figure.
        let disturbed = if self.dice.chance(0.15) { vec![middle * 3.0, middle / 3.0] } else { Vec::new() };
        Figure::Values(values, disturbed)
    }

    fn bad_figure(&mut self, metric: &MetricKind, middle: f64, values: Vec<f64>) -> Figure {
        let beyond = match metric.physics {
            Physics::Memory => Some(307.2e9 * self.dice.between(1.1, 1.5)),
            Physics::Flops => Some(1.536e12 * self.dice.between(1.1, 1.5)),
            Physics::LinkBytes => Some(63.0e9 * self.dice.between(1.1, 1.5)),
            Physics::LinkBlocks => Some(15.4e6 * self.dice.between(1.1, 1.5)),
            Physics::Dram => Some(25e-9 * self.dice.between(0.3, 0.9)),
            Physics::Nothing => None,
        };
        match self.dice.0.index(8) {
            0 => Figure::Disturbed(values),
            1 => Figure::Wrong,
            2 => Figure::Failed,
            3 => Figure::Invalid(self.dice.pick(&[None, Some(0.0), Some(-1.0), Some(f64::NAN), Some(f64::INFINITY)])),
            4 => Figure::Foreign(middle),
            5 if self.dice.chance(0.5) => Figure::Untried,
            5 => Figure::Absent,
            6 => Figure::Values(vec![if metric.higher { middle * 0.6 } else { middle * 1.6 }], Vec::new()),
            _ => Figure::Values(beyond.map_or(values, |beyond| vec![beyond]), Vec::new()),
        }
    }
}
