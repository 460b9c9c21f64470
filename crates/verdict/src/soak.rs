//! What the hours of a soak prove: errors with their rates, drift, throttling, and the answer.

use std::collections::{BTreeMap, BTreeSet};

use measure::{Digest, Ending, Load, SoakLog, Stretch, Unit, median};
use statrs::distribution::{ChiSquared, ContinuousCDF};

use crate::Verdict;
use crate::stats::{ConfidenceInterval, welch};

/// Seconds of an hour.
const HOUR: f64 = 3600.0;
/// The confidence of a rate's upper bound.
const CONFIDENCE: f64 = 0.95;
/// Stretches that an hour has at least, for a figure of it to be held against another one.
const LEAST_STRETCHES: usize = 10;
/// Runs that a third of them has at least, for the same.
const LEAST_RUNS: usize = 3;

/// Errors of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorRate {
    /// Of which part and kind.
    pub what: String,
    /// How many there were.
    pub count: u64,
    /// How many an hour.
    pub per_hour: f64,
    /// The rate an hour that is not exceeded, with a confidence of 95 %.
    pub at_most: f64,
}

/// How a figure changed from the first hour to the last.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// The figure.
    pub figure: String,
    /// Its unit.
    pub unit: Unit,
    /// Its mean in the first hour, and in the last.
    pub means: [f64; 2],
    /// The change as a share, with its 95 % interval.
    pub change: f64,
    /// That interval.
    pub interval: ConfidenceInterval,
}

/// What a soak proved.
#[derive(Clone, Debug, PartialEq)]
pub struct SoakJudgement {
    /// PASS, FAIL or INCONCLUSIVE.
    pub verdict: Verdict,
    /// Seconds under load, and those that were planned.
    pub seconds: f64,
    /// Those that were planned.
    pub planned: f64,
    /// Seconds under load before the first error; all of them where there was none.
    pub clean: f64,
    /// Bytes that were compared by each load.
    pub compared: BTreeMap<Load, f64>,
    /// Errors: of each load, also where there are none, and of each part that broke a limit.
    pub errors: Vec<ErrorRate>,
    /// How figures drifted.
    pub drift: Vec<Drift>,
    /// Share of the time in which a processor was throttled, as far as it tells.
    pub throttled: Option<f64>,
    /// What was not watched, because the host does not tell of it.
    pub not_watched: Vec<String>,
    /// Why it is not a PASS, or what stands beside one.
    pub reasons: Vec<String>,
}

/// The upper bound of the rate of events that come by chance, by how many came in a time (Garwood, 1936: exact).
#[must_use]
pub fn rate_at_most(count: u64, hours: f64) -> f64 {
    if hours <= 0.0 {
        return f64::INFINITY;
    }
    let quantile = ChiSquared::new(2.0 * (count as f64 + 1.0)).map_or(f64::INFINITY, |chi| chi.inverse_cdf(CONFIDENCE));
    quantile / 2.0 / hours
}

/// Judges the hours of a soak, with those runs of it that the store has, in their order.
#[must_use]
pub fn judge_soak(log: &SoakLog, runs: &[Digest]) -> SoakJudgement {
    let seconds = log.seconds();
    let figures = Figures::of(log, runs);
    let errors = errors(log, &figures, seconds / HOUR);
    let firsts = [
        log.wrong.iter().map(|(at, _)| *at).reduce(f64::min),
        log.incidents.iter().map(|incident| incident.at).reduce(f64::min),
        log.failures.iter().filter(|failure| failure.is_fault).map(|failure| failure.at).reduce(f64::min),
    ];
    let first = firsts.into_iter().flatten().reduce(f64::min);
    let clean = first.map_or(seconds, |first| log.seconds_until(first));
    let clean = figures.first.map_or(clean, |first| first.min(clean));
    let (verdict, reasons) = answer(log, &figures, seconds);
    let told: Vec<f64> = log.stretches.iter().filter_map(|stretch| stretch.throttled).collect();
    let mut compared: BTreeMap<Load, f64> = BTreeMap::new();
    for (load, sum) in log.stretches.iter().flat_map(|stretch| &stretch.loads) {
        *compared.entry(*load).or_default() += sum.compared;
    }
    SoakJudgement {
        verdict,
        seconds,
        planned: log.plan.seconds,
        clean,
        compared,
        errors,
        drift: drift(&log.stretches).into_iter().chain(drift_of_runs(runs)).collect(),
        not_watched: log.not_watched.clone(),
        throttled: (!told.is_empty() && seconds > 0.0).then(|| told.iter().sum::<f64>() / seconds),
        reasons,
    }
}

/// What the runs say beside their figures.
struct Figures {
    /// Results that were wrong.
    wrong: u64,
    /// Seconds under load before the first run with one.
    first: Option<f64>,
    failed: Vec<String>,
    open: Vec<String>,
}

impl Figures {
    fn of(log: &SoakLog, runs: &[Digest]) -> Figures {
        let mut figures = Figures { wrong: 0, first: None, failed: Vec::new(), open: Vec::new() };
        for (before, id) in &log.runs {
            let Some(run) = runs.iter().find(|run| run.id == *id) else {
                figures.open.push(format!("the run {id}, which took figures, is not in the store any more"));
                continue;
            };
            for (series, count) in &run.failures {
                if count.wrong > 0 {
                    figures.wrong += u64::from(count.wrong);
                    figures.first = Some(figures.first.map_or(*before, |first: f64| first.min(*before)));
                    figures.failed.push(format!("{} wrong results of {series} in the run {id}", count.wrong));
                }
                let failed = count.no_value + count.lost;
                if failed > 0 {
                    figures.open.push(format!("{failed} repetitions of {series} failed in the run {id}"));
                }
            }
            if run.ending != Ending::Complete {
                figures.open.push(format!("the run {id}, which took figures, is not whole"));
            }
        }
        figures.open.extend(log.no_figures.iter().map(|why| format!("figures could not be taken: {why}")));
        figures
    }
}

fn errors(log: &SoakLog, figures: &Figures, hours: f64) -> Vec<ErrorRate> {
    let rate = |what: String, count: u64| ErrorRate {
        what,
        count,
        per_hour: if hours > 0.0 { count as f64 / hours } else { 0.0 },
        at_most: rate_at_most(count, hours),
    };
    let mut rates = Vec::new();
    for load in &log.plan.loads {
        let of_load = log.wrong.iter().filter(|(_, wrong)| wrong.load == *load);
        let mut parts: BTreeMap<&str, u64> = BTreeMap::new();
        of_load.for_each(|(_, wrong)| *parts.entry(&wrong.part).or_default() += wrong.count());
        rates.push(rate(format!("{}: wrong results", load.name()), parts.values().sum()));
        rates.extend(
            parts.into_iter().map(|(part, count)| rate(format!("{}: wrong results of {part}", load.name()), count)),
        );
    }
    if !log.runs.is_empty() {
        rates.push(rate("figures: wrong results".to_owned(), figures.wrong));
    }
    let mut parts: BTreeMap<(String, &str), u64> = BTreeMap::new();
    for incident in &log.incidents {
        *parts.entry((incident.part.clone(), incident.vital.words())).or_default() += 1;
    }
    rates.push(rate("watch: limits broken".to_owned(), log.incidents.len() as u64));
    rates.extend(parts.into_iter().map(|((part, words), count)| rate(format!("watch: {words} of {part}"), count)));
    rates
}

/// The answer, with what decides it.
fn answer(log: &SoakLog, figures: &Figures, seconds: f64) -> (Verdict, Vec<String>) {
    let mut failed = Vec::new();
    if let Some((_, wrong)) = log.wrong.first() {
        let count: u64 = log.wrong.iter().map(|(_, wrong)| wrong.count()).sum();
        failed.push(format!("{count} wrong results, the first in {}, {}", wrong.part, wrong.place));
    }
    if let Some(incident) = log.incidents.first() {
        failed.push(format!("{} events, the first: {}", log.incidents.len(), incident.says));
    }
    failed.extend(figures.failed.iter().cloned());
    let mut open = figures.open.clone();
    for failure in &log.failures {
        let text = format!("the {} load ended early: {}", failure.load.name(), failure.why);
        if failure.is_fault { failed.push(text) } else { open.push(text) }
    }
    open.extend(crashes(log));
    // A second in which nothing ended is none that counts.
    if seconds + 1.0 < log.plan.seconds {
        open.push(format!("it stopped after {:.2} of {:.2} hours", seconds / HOUR, log.plan.seconds / HOUR));
    }
    let compared: BTreeSet<Load> = log
        .stretches
        .iter()
        .flat_map(|stretch| &stretch.loads)
        .filter(|(_, sum)| sum.compared > 0.0)
        .map(|(load, _)| *load)
        .collect();
    let idle = log.plan.loads.iter().filter(|load| !compared.contains(load));
    open.extend(idle.map(|load| format!("the {} load compared nothing", load.name())));
    let verdict = match (failed.is_empty(), open.is_empty()) {
        (false, _) => Verdict::Fail,
        (true, false) => Verdict::Inconclusive,
        (true, true) => Verdict::Pass,
    };
    failed.extend(open);
    (verdict, failed)
}

/// Boots that nobody ordered: the soak went on in another boot without having been stopped.
fn crashes(log: &SoakLog) -> Vec<String> {
    let pairs = log.begun.windows(2).filter(|pair| pair[0].1 != pair[1].1);
    let ordered = |from: f64, to: f64| log.stopped.iter().any(|stopped| (from..=to).contains(stopped));
    let unordered = pairs.filter(|pair| !ordered(pair[0].0, pair[1].0));
    unordered
        .map(|pair| {
            format!(
                "the boot changed after {:.2} hours: a crash or a power cut; the kernel's log of that boot may tell",
                log.seconds_until(pair[1].0) / HOUR
            )
        })
        .collect()
}

/// First hour against last, for each figure that both have.
fn drift(stretches: &[Stretch]) -> Vec<Drift> {
    type Figure = (String, Unit, Box<dyn Fn(&Stretch) -> Option<f64>>);
    let rate = |load: Load| -> Figure {
        let name = format!("rate of the {} load", load.name());
        (name, load.rate_unit(), Box::new(move |stretch| stretch.loads.get(&load)?.rate))
    };
    let mut figures: Vec<Figure> = Load::ALL.into_iter().map(rate).collect();
    figures.push(("highest temperature".to_owned(), Unit::Celsius, Box::new(|stretch| stretch.hottest)));
    figures.push(("power".to_owned(), Unit::Watt, Box::new(|stretch| stretch.watts)));
    figures.push(("clock".to_owned(), Unit::Hertz, Box::new(|stretch| stretch.clock)));
    let (first, last) = ends(stretches);
    let of = |(figure, unit, value): Figure| {
        let values =
            |some: &[Stretch]| some.iter().filter_map(&value).filter(|value| *value > 0.0).collect::<Vec<f64>>();
        let (before, after) = (values(first), values(last));
        if before.len().min(after.len()) < LEAST_STRETCHES {
            return None;
        }
        change(figure, unit, &before, &after)
    };
    figures.into_iter().filter_map(of).collect()
}

/// How values changed from some to later ones.
fn change(figure: String, unit: Unit, before: &[f64], after: &[f64]) -> Option<Drift> {
    let logs = |values: &[f64]| values.iter().map(|value| value.ln()).collect::<Vec<f64>>();
    let estimate = welch(&logs(before), &logs(after))?;
    let interval = estimate.interval(CONFIDENCE);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    Some(Drift {
        figure,
        unit,
        means: [mean(before), mean(after)],
        change: estimate.difference.exp_m1(),
        interval: ConfidenceInterval { low: interval.low.exp_m1(), high: interval.high.exp_m1() },
    })
}

/// The first third of the runs against the last, for each series that changed.
fn drift_of_runs(runs: &[Digest]) -> Vec<Drift> {
    let third = runs.len() / 3;
    if third < LEAST_RUNS {
        return Vec::new();
    }
    let ids: BTreeSet<_> = runs.iter().flat_map(|run| run.series.keys()).collect();
    let of = |id| {
        let values = |some: &[Digest]| {
            let medians = some.iter().filter_map(|run| median(&run.series.get(id)?.medians));
            medians.filter(|value| *value > 0.0).collect::<Vec<f64>>()
        };
        let (before, after) = (values(&runs[..third]), values(&runs[runs.len() - third..]));
        let unit = runs.iter().find_map(|run| run.series.get(id))?.metric.unit;
        let drift = change(id.to_string(), unit, &before, &after)?;
        (!drift.interval.contains(0.0)).then_some(drift)
    };
    ids.into_iter().filter_map(of).collect()
}

/// The first hour and the last, which do not overlap: of less than two hours the two halves.
fn ends(stretches: &[Stretch]) -> (&[Stretch], &[Stretch]) {
    let total: f64 = stretches.iter().map(|stretch| stretch.seconds).sum();
    let wanted = HOUR.min(total / 2.0);
    let count = |mut some: Box<dyn Iterator<Item = &Stretch> + '_>| {
        let mut sum = 0.0;
        let mut count = 0;
        while sum + 1e-9 < wanted {
            let Some(stretch) = some.next() else { break };
            sum += stretch.seconds;
            count += 1;
        }
        count
    };
    let first = count(Box::new(stretches.iter()));
    let last = count(Box::new(stretches.iter().rev())).min(stretches.len() - first);
    (&stretches[..first], &stretches[stretches.len() - last..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::{FailureCount, Incident, LoadFailure, LoadSum, SoakPlan, Vital, WrongResult};

    /// Minutes under a memory load whose rate is told for each.
    fn log(rates: impl Iterator<Item = f64>) -> SoakLog {
        let stretch = |(minute, rate): (u32, f64)| Stretch {
            at: 60.0 * f64::from(minute + 1),
            seconds: 60.0,
            loads: BTreeMap::from([(
                Load::Memory,
                LoadSum { passes: 3, compared: 1e12, done: 1e12, rate: Some(rate) },
            )]),
            throttled: Some(if minute == 0 { 30.0 } else { 0.0 }),
            ..Stretch::default()
        };
        let stretches: Vec<Stretch> = (0..).zip(rates).map(stretch).collect();
        SoakLog {
            id: "s".into(),
            plan: SoakPlan {
                host: "h".into(),
                seconds: 60.0 * stretches.len() as f64,
                loads: vec![Load::Memory],
                workloads: vec![],
                memory: 1,
                files: 0,
                folder: ".".into(),
                spec: "s".into(),
                prom: None,
                on_event: None,
                unit_dir: None,
                started: String::new(),
            },
            begun: vec![(0.0, "b1".into())],
            stopped: vec![],
            stretches,
            wrong: vec![],
            incidents: vec![],
            failures: vec![],
            runs: vec![],
            no_figures: vec![],
            watched: vec![],
            not_watched: vec![],
        }
    }

    fn judge(log: &SoakLog) -> SoakJudgement {
        judge_soak(log, &[])
    }

    fn steady() -> SoakLog {
        log((0..300).map(|minute| 1e10 + 1e7 * f64::from(minute % 7)))
    }

    #[test]
    fn bounds_of_rates_are_exact() {
        let check = |count: u64, hours: f64, expect: f64| {
            assert!((rate_at_most(count, hours) - expect).abs() < 5e-4 * expect, "{count} in {hours}");
        };
        // The rule of three, and printed tables of the Poisson distribution.
        check(0, 1.0, 2.9957);
        check(0, 48.0, 0.062_411);
        check(1, 1.0, 4.7439);
        check(10, 1.0, 16.9622);
        assert!(rate_at_most(0, 0.0).is_infinite());
    }

    #[test]
    fn all_hours_without_an_error_pass() {
        let judged = judge(&steady());
        assert_eq!((judged.verdict, judged.reasons.clone()), (Verdict::Pass, vec![]));
        assert_eq!((judged.seconds, judged.clean), (18_000.0, 18_000.0));
        assert!((judged.throttled.unwrap() - 30.0 / 18_000.0).abs() < 1e-9);
        assert_eq!(judged.errors.iter().map(|error| error.count).sum::<u64>(), 0);
        assert!((judged.errors[0].at_most - 2.9957 / 5.0).abs() < 1e-3, "{:?}", judged.errors);
        assert!((judged.compared[&Load::Memory] - 300e12).abs() < 1.0);
    }

    #[test]
    fn an_error_fails_and_what_is_missing_leaves_it_open() {
        let check = |change: &dyn Fn(&mut SoakLog), verdict: Verdict, words: &str| {
            let mut log = steady();
            change(&mut log);
            let judged = judge(&log);
            assert_eq!(judged.verdict, verdict, "{:?}", judged.reasons);
            assert!(judged.reasons.iter().any(|reason| reason.contains(words)), "{:?}", judged.reasons);
            judged
        };
        let wrong = WrongResult {
            load: Load::Memory,
            part: "memory of node 0".into(),
            place: "address 0x5".into(),
            expected: 1,
            found: 0,
            more: 4,
        };
        let judged = check(
            &|log| log.wrong.push((7200.0, wrong.clone())),
            Verdict::Fail,
            "5 wrong results, the first in memory of node 0",
        );
        assert!((judged.clean - 7200.0).abs() < 1e-9);
        assert_eq!(
            (judged.errors[1].what.as_str(), judged.errors[1].count),
            ("memory: wrong results of memory of node 0", 5)
        );
        let incident = Incident {
            at: 60.0,
            part: "A1".into(),
            vital: Vital::CorrectedErrors,
            value: 1.0,
            limit: None,
            says: "A1: grew".into(),
        };
        check(&|log| log.incidents.push(incident.clone()), Verdict::Fail, "1 events, the first: A1: grew");
        let failure = |is_fault| LoadFailure { at: 60.0, load: Load::Memory, why: "signal 7".into(), is_fault };
        check(&|log| log.failures.push(failure(true)), Verdict::Fail, "ended early: signal 7");
        check(&|log| log.failures.push(failure(false)), Verdict::Inconclusive, "ended early: signal 7");
        check(&|log| log.plan.seconds *= 2.0, Verdict::Inconclusive, "it stopped after 5.00 of 10.00 hours");
        check(&|log| log.plan.loads.push(Load::Disk), Verdict::Inconclusive, "the disk load compared nothing");
        check(&|log| log.begun.push((9000.0, "b2".into())), Verdict::Inconclusive, "the boot changed after 2.50 hours");
    }

    #[test]
    fn what_the_runs_computed_wrong_fails_and_what_they_lost_leaves_it_open() {
        let check = |change: &dyn Fn(&mut SoakLog, &mut Vec<Digest>), verdict: Verdict, words: &str| {
            let (mut log, mut runs) = (steady(), vec![Digest::of(&crate::testdata::run())]);
            log.runs.push((3600.0, runs[0].id.clone()));
            change(&mut log, &mut runs);
            let judged = judge_soak(&log, &runs);
            assert_eq!(judged.verdict, verdict, "{:?}", judged.reasons);
            assert!(words.is_empty() || judged.reasons.iter().any(|reason| reason.contains(words)), "{judged:?}");
            judged
        };
        let failures = |wrong, no_value, lost| {
            move |_: &mut SoakLog, runs: &mut Vec<Digest>| {
                let series = runs[0].series.keys().next().unwrap().clone();
                runs[0].failures.insert(series, FailureCount { wrong, no_value, lost });
            }
        };
        let count = |judged: &SoakJudgement| {
            judged.errors.iter().find(|error| error.what == "figures: wrong results").map(|error| error.count)
        };
        assert_eq!(count(&check(&|_, _| {}, Verdict::Pass, "")), Some(0));
        let judged = check(&failures(2, 0, 0), Verdict::Fail, "2 wrong results of ");
        assert_eq!((count(&judged), judged.clean), (Some(2), 3600.0));
        check(&failures(0, 1, 0), Verdict::Inconclusive, "1 repetitions of ");
        check(&failures(0, 0, 1), Verdict::Inconclusive, "1 repetitions of ");
        check(&|_, runs| runs.clear(), Verdict::Inconclusive, "is not in the store any more");
        check(&|_, runs| runs[0].ending = Ending::Cut, Verdict::Inconclusive, "is not whole");
        check(&|log, _| log.no_figures.push("why".into()), Verdict::Inconclusive, "figures could not be taken: why");
    }

    #[test]
    fn a_reboot_that_was_ordered_and_a_process_that_was_killed_take_nothing_away() {
        let mut log = steady();
        log.begun.push((4000.0, "b1".into()));
        log.stopped.push(8000.0);
        log.begun.push((9000.0, "b2".into()));
        assert_eq!(judge(&log).verdict, Verdict::Pass);
    }

    #[test]
    fn a_slow_decline_shows() {
        let judged = judge(&log((0..600).map(|minute| 1e10 - 1e6 * f64::from(minute) + 1e7 * f64::from(minute % 7))));
        let [drift] = judged.drift.as_slice() else { panic!("{:?}", judged.drift) };
        assert!((drift.change + 0.054).abs() < 2e-3 && drift.interval.high < 0.0, "{drift:?}");
        let steady = judge(&steady());
        assert!(steady.drift[0].interval.contains(0.0), "{:?}", steady.drift);
        // Halves of less than two hours, and nothing of minutes.
        assert_eq!(judge(&log((0..24).map(|_| 1e10))).drift.len(), 1);
        assert_eq!(judge(&log((0..10).map(|_| 1e10))).drift, []);
        assert_eq!(judge(&log(std::iter::empty())).verdict, Verdict::Inconclusive);
    }
}
