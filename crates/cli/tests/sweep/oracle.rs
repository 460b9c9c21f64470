//! What must come of a scenario, by METHODOLOGY's sections "Statistics" and "Verdicts" and from what was planted alone: no
//! code of the judgement is called here.

use std::collections::BTreeMap;

use measure::Workload;

use super::kinds::{MEMORY_PAIR, MetricKind, Physics};
use super::scenario::{Fate, Figure, Lay, Like, Machine, Mood, Saying, Scenario, Stand, Visit, Wanted};

/// What becomes of a criterion: PASS; FAIL; NOT-COMPARABLE or TAINTED; INFEASIBLE; anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Answer {
    Pass,
    Fail,
    Apart,
    Void,
    Open,
}

/// The answers, and what they add up to.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) targets: BTreeMap<String, Answer>,
    /// The exit code of `accept`.
    pub(crate) code: u8,
    /// How many required criteria are met, and of how many.
    pub(crate) met: (usize, usize),
}

/// The one-sided 95 % points of Student's t for 1 to 4 degrees of freedom, from a table.
const T95: [f64; 4] = [6.313_751_514_675, 2.919_985_580_354, 2.353_363_434_802, 2.131_846_786_327];
/// The noise floor of a host without a history.
const FLOOR: f64 = 0.03;
/// The tolerance of a target that states none.
const TOLERANCE: f64 = 0.05;
/// Channels × transfers × bytes of the document that states them.
const DOCUMENT_CEILING: f64 = 8.0 * 4.8e9 * 8.0;

pub(crate) fn expected(scenario: &Scenario) -> Expected {
    let mut targets = BTreeMap::new();
    let mut demanded = Vec::new();
    for target in &scenario.targets {
        let answer = of_target(scenario, target);
        targets.insert(target.id.clone(), answer);
        let mut all = vec![answer];
        let companion = target.metric.and_then(|metric| metric.achievable).filter(|_| answer == Answer::Void);
        if let Some(share) = companion {
            let achievable = judged(scenario, target, DOCUMENT_CEILING * share, None);
            targets.insert(format!("{}.achievable", target.id), achievable);
            all.push(achievable);
        }
        demanded.extend(all.into_iter().filter(|_| target.required));
    }
    demanded.extend(of_parts(scenario));
    let is_demanded = scenario.targets.iter().any(|target| target.required && target.metric.is_some())
        || scenario.parts.iter().any(|part| part.required)
        || scenario.limits.iter().any(|limit| limit.required);
    let any = |answer| demanded.contains(&answer);
    let code = if !is_demanded {
        2
    } else if any(Answer::Fail) {
        1
    } else if any(Answer::Apart) {
        4
    } else if any(Answer::Open) || !any(Answer::Pass) {
        3
    } else {
        0
    };
    let count = |wanted: fn(&Answer) -> bool| demanded.iter().filter(|answer| wanted(answer)).count();
    Expected { targets, code, met: (count(|one| *one == Answer::Pass), count(|one| *one != Answer::Void)) }
}

/// The required parts and limits.
fn of_parts(scenario: &Scenario) -> Vec<Answer> {
    let answer = |agrees: Option<bool>| match agrees {
        Some(true) => Answer::Pass,
        Some(false) => Answer::Fail,
        None => Answer::Open,
    };
    let parts = (0..scenario.parts.len()).filter(|at| scenario.parts[*at].required);
    let limits = scenario.limits.iter().filter(|limit| limit.required);
    parts.map(|at| answer(agrees(scenario, at))).chain(limits.map(|limit| answer(limit.kept))).collect()
}

fn last(scenario: &Scenario) -> &Visit {
    scenario.visits.last().unwrap()
}

/// Whether the host is as the document says, by one of its statements.
fn agrees(scenario: &Scenario, part: usize) -> Option<bool> {
    match last(scenario).hosts[part] {
        Saying::Same(_) => Some(true),
        Saying::Other(at) => Some(at == 0 && scenario.parts[part].restated),
        Saying::Nothing(_) => None,
    }
}

fn of_target(scenario: &Scenario, target: &Wanted) -> Answer {
    let Some(metric) = target.metric else { return Answer::Open };
    let states_pair = scenario.parts.iter().any(|part| part.kind.id == MEMORY_PAIR[0].id);
    if states_pair && metric.physics == Physics::Memory && target.value > DOCUMENT_CEILING {
        return Answer::Void;
    }
    judged(scenario, target, target.value, target.second)
}

/// A target of this value, in the order of the questions: is there a result, can it be trusted, is it of this machine, is
/// enough known, is it good enough?
fn judged(scenario: &Scenario, target: &Wanted, value: f64, second: Option<(&'static MetricKind, f64)>) -> Answer {
    let Some(metric) = target.metric else { return Answer::Open };
    let visits = counted(scenario, target);
    let results = Results::of(metric, &visits);
    let boots = match results.boots(scenario, metric) {
        Ok(boots) => boots,
        Err(answer) => return answer,
    };
    if let Some(answer) = objection(scenario, target, &results, &visits) {
        return answer;
    }
    let tolerance = target.tolerance.unwrap_or(TOLERANCE);
    let goal = |metric: &MetricKind, value: f64, boots: &[f64]| {
        decided(boots, threshold(value, tolerance, metric.higher), metric.higher, floor(scenario, metric))
    };
    let mood = scenario.moods.get(metric.id);
    let by_value = goal(metric, value, &boots);
    // A part of the host can break a limit and never keep it.
    if mood == Some(&Mood::Partial) && by_value != Answer::Fail {
        return Answer::Open;
    }
    let first = results.lowered(by_value);
    let Some((other, bound)) = second else { return first };
    let of_second = Results::of(other, &visits);
    let second = match of_second.boots(scenario, other) {
        Ok(boots) => of_second.lowered(goal(other, bound, &boots)),
        Err(Answer::Fail) => Answer::Fail,
        Err(_) => Answer::Open,
    };
    match (first, second) {
        (Answer::Fail, _) | (_, Answer::Fail) => Answer::Fail,
        (Answer::Pass, Answer::Pass) => Answer::Pass,
        _ => Answer::Open,
    }
}

/// Why a result is not judged by its value: build, machine, engine, place of the files, what is not known, and what is no
/// measurement.
fn objection(scenario: &Scenario, target: &Wanted, results: &Results, visits: &[&Visit]) -> Option<Answer> {
    let metric = target.metric?;
    let firm = |at: &&usize| scenario.parts[**at].standing == Stand::Firm;
    let known: Vec<Option<bool>> = target.depends_on.iter().filter(firm).map(|at| agrees(scenario, *at)).collect();
    // The document's words, and the engine's name without its version.
    let is_documented = |engine: &str, documented: &str| {
        documented.to_lowercase().contains(&engine.split(' ').next().unwrap().to_lowercase())
    };
    let is_other = |documented: &str| results.engines.iter().flatten().any(|engine| !is_documented(engine, documented));
    let places = places(scenario, metric, visits);
    let is_another = !scenario.release || known.contains(&Some(false)) || target.engine.is_some_and(is_other);
    if is_another || places.contains(&Lay::Elsewhere) {
        return Some(Answer::Apart);
    }
    let no_engine = target.engine.is_some() && results.engines.contains(&None);
    let is_model = scenario.moods.get(metric.id) == Some(&Mood::Extrapolated);
    let is_astray = places.iter().any(|lay| *lay != Lay::Volume);
    (known.contains(&None) || no_engine || is_model || is_astray).then_some(Answer::Open)
}

/// Where the files of a figure lay, as far as the document speaks of a volume.
fn places(scenario: &Scenario, metric: &MetricKind, visits: &[&Visit]) -> Vec<Lay> {
    let states_volume = scenario.parts.iter().any(|part| part.kind.id.starts_with("storage.scratch."));
    if !states_volume || !matches!(metric.home, Workload::Disk | Workload::Tabular) {
        return Vec::new();
    }
    let has_samples = |figure: &Figure| {
        matches!(figure, Figure::Values(..) | Figure::Disturbed(_) | Figure::Invalid(_) | Figure::Foreign(_))
    };
    let measured = |visit: &&&Visit| {
        let told = visit.sessions.iter().filter(|session| session.fate.measures());
        told.filter_map(|session| session.figures.get(metric.id)).any(has_samples)
    };
    visits.iter().filter(measured).map(|visit| visit.lay).collect()
}

/// The boots of this machine, measured alike, whose facts are those of the last one where the target depends on them.
fn counted<'a>(scenario: &'a Scenario, target: &Wanted) -> Vec<&'a Visit> {
    let last = last(scenario);
    let is_its = |visit: &Visit| {
        let same_boot = visit.boot.is_some() && visit.boot == last.boot;
        let alike = matches!(visit.like, Like::Alike | Like::OtherMinor);
        alike && (same_boot || (visit.machine == last.machine && visit.machine != Machine::Unidentified))
    };
    let has_facts = |visit: &Visit| {
        target.depends_on.iter().all(|&at| {
            let told = |visit: &Visit| visit.hosts[at].told(scenario.parts[at].kind).map(super::kinds::Told::value);
            match (told(visit), told(last)) {
                (Some(one), Some(other)) => one == other,
                _ => true,
            }
        })
    };
    let all = scenario.visits.iter();
    all.filter(|visit| std::ptr::eq(*visit, last) || (is_its(visit) && has_facts(visit))).collect()
}

/// What the repetitions of one metric gave.
#[derive(Default)]
struct Results {
    /// The boot and the median of each repetition that has one.
    medians: Vec<(Option<u32>, f64)>,
    disturbed: usize,
    wrong: usize,
    /// Repetitions that failed in any way.
    failed: usize,
    /// All that were tried.
    tried: usize,
    foreign: bool,
    /// Whether what has a value is of repetitions that failed, because no other has one.
    of_lost: bool,
    engines: Vec<Option<&'static str>>,
}

impl Results {
    fn of(metric: &MetricKind, visits: &[&Visit]) -> Results {
        let (mut sound, mut lost) = (Results::default(), Results::default());
        for visit in visits {
            for session in visit.sessions.iter().filter(|session| session.workload == metric.home) {
                let figure = match session.fate {
                    Fate::Untried => &Figure::Untried,
                    Fate::LostAtStart if metric.is_of_host() => &Figure::Absent,
                    Fate::LostAtStart => &Figure::Failed,
                    _ => session.figures.get(metric.id).unwrap_or(&Figure::Absent),
                };
                let is_lost = session.fate == Fate::LostAtEnd;
                let has_figure = matches!(figure, Figure::Values(..) | Figure::Disturbed(_));
                if is_lost && has_figure {
                    lost.add(figure, visit);
                    sound.failed += 1;
                    sound.tried += 1;
                } else if is_lost && matches!(figure, Figure::Untried | Figure::Absent) && !metric.is_of_host() {
                    sound.add(&Figure::Failed, visit);
                } else {
                    sound.add(figure, visit);
                }
            }
        }
        if sound.medians.is_empty() && sound.disturbed == 0 {
            let Results { medians, disturbed, engines, .. } = lost;
            return Results { medians, disturbed, engines, of_lost: true, ..sound };
        }
        sound
    }

    fn add(&mut self, figure: &Figure, visit: &Visit) {
        self.tried += usize::from(!matches!(figure, Figure::Untried | Figure::Absent | Figure::Foreign(_)));
        match figure {
            Figure::Values(values, _) => {
                self.medians.push((visit.boot, median(values)));
                self.engines.push(visit.engine);
            }
            Figure::Disturbed(_) => self.disturbed += 1,
            Figure::Wrong => (self.wrong, self.failed) = (self.wrong + 1, self.failed + 1),
            Figure::Failed | Figure::Invalid(_) => self.failed += 1,
            Figure::Foreign(_) => self.foreign = true,
            Figure::Untried | Figure::Absent => {}
        }
    }

    /// The medians of the boots, or what is to be said without them.
    fn boots(&self, scenario: &Scenario, metric: &MetricKind) -> Result<Vec<f64>, Answer> {
        if self.foreign {
            return Err(Answer::Open);
        }
        if self.wrong > 0 && 2 * self.wrong >= self.tried {
            return Err(Answer::Fail);
        }
        if self.medians.is_empty() {
            return Err(if self.disturbed > 0 { Answer::Apart } else { Answer::Open });
        }
        let mut boots: BTreeMap<Option<u32>, Vec<f64>> = BTreeMap::new();
        for (boot, value) in &self.medians {
            boots.entry(*boot).or_default().push(*value);
        }
        let boots: Vec<f64> = boots.values().map(|values| median(values)).collect();
        let beyond = ceiling(scenario, metric.physics)
            .is_some_and(|bound| boots.iter().any(|boot| if metric.higher { *boot > bound } else { *boot < bound }));
        if beyond || scenario.moods.get(metric.id) == Some(&Mood::Cached) {
            return Err(Answer::Open);
        }
        Ok(boots)
    }

    /// At best undecided where at least half of the repetitions failed, or one gave a wrong result; what failed decides
    /// nothing.
    fn lowered(&self, answer: Answer) -> Answer {
        let too_many = self.wrong > 0 || (self.failed > 0 && 2 * self.failed >= self.tried);
        if self.of_lost || (too_many && answer == Answer::Pass) { Answer::Open } else { answer }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) }
}

/// What the last host cannot go beyond, with what its inputs are inexact by, where it tells enough.
fn ceiling(scenario: &Scenario, physics: Physics) -> Option<f64> {
    let tells = |what: &str| scenario.tells.contains(what);
    let last = last(scenario);
    let stated = |id: &str| {
        let at = scenario.parts.iter().position(|part| part.kind.id == id)?;
        Some(last.hosts[at].told(scenario.parts[at].kind).map(super::kinds::Told::value))
    };
    let of_memory = |id: &str, usual: f64| match stated(id) {
        Some(told) => told.map(|value| value.parse::<f64>().unwrap()),
        None => tells("memory").then_some(usual),
    };
    let lane = 32e9 * 128.0 / 130.0 / 8.0;
    match physics {
        Physics::Memory => {
            Some(of_memory("memory.channels", 8.0)? * of_memory("memory.data_rate", 4.8e9)? * 8.0 * 1.005)
        }
        Physics::Flops => {
            let dense = last.sessions.iter().find(|session| session.workload == Workload::Dense);
            (tells("flops") && dense.is_some_and(|dense| dense.fate.measures())).then_some(32.0 * 3e9 * 16.0 * 1.03)
        }
        Physics::LinkBytes => tells("links").then_some(4.0 * 4.0 * lane * 1.005),
        Physics::LinkBlocks => tells("links").then_some(4.0 * 4.0 * lane / 4096.0 * 1.005),
        Physics::Dram => {
            let kind = match stated("memory.type") {
                Some(told) => told?,
                None => tells("dram").then(|| "DDR5".to_owned())?,
            };
            ["DDR4", "DDR5"].iter().any(|known| kind.starts_with(known)).then_some(25e-9)
        }
        Physics::Nothing => None,
    }
}

fn floor(scenario: &Scenario, metric: &MetricKind) -> f64 {
    match scenario.noise.get(metric.id) {
        Some((floor, degrees)) if *floor > 0.0 && *degrees >= 4.0 => *floor,
        _ => FLOOR,
    }
}

/// T' = T·(1 − τ), mirrored where lower is better.
fn threshold(value: f64, tolerance: f64, higher: bool) -> f64 {
    value * if higher { 1.0 - tolerance } else { 1.0 + tolerance }
}

/// By the noise floor of one boot, or by one-sided 95 % bounds of the mean of ln over boots.
fn decided(boots: &[f64], threshold: f64, higher: bool, floor: f64) -> Answer {
    // How far it is on the good side, and how far it must be for a PASS and short of that for a FAIL.
    let (good, pass, fail) = if let [only] = boots {
        let good = if higher { only / threshold } else { 2.0 - only / threshold } - 1.0;
        (good, floor, -floor)
    } else {
        let logs: Vec<f64> =
            boots.iter().map(|boot| (boot / threshold).ln() * if higher { 1.0 } else { -1.0 }).collect();
        let n = logs.len() as f64;
        let mean = logs.iter().sum::<f64>() / n;
        let variance = logs.iter().map(|log| (log - mean) * (log - mean)).sum::<f64>() / (n - 1.0);
        let half = T95[boots.len() - 2] * (variance / n).sqrt();
        (mean, half, -half)
    };
    if good >= pass {
        Answer::Pass
    } else if good < fail {
        Answer::Fail
    } else {
        Answer::Open
    }
}
