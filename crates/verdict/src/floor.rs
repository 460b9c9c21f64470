//! The noise floor of a judgement of one boot: the host's own where its history tells it, else one that is assumed.

use std::collections::BTreeMap;

use measure::{BootNoise, Definition, Digest, MetricId, Run, definition};

use crate::compare::{Boots, Runs, same_kind};
use crate::decide::DEFAULT_NOISE_FLOOR;
use crate::stats::History;

/// Fewer degrees of freedom than these tell too little: at four, Student's t is 2.1 where many boots have 1.6.
const FEWEST_DEGREES: f64 = 4.0;

/// A noise floor, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoiseFloor {
    /// g, as a share.
    pub share: f64,
    /// Whether it is of the host's own history, and not assumed.
    pub own: bool,
}

impl NoiseFloor {
    /// The floor that is assumed of a host without a history.
    pub const ASSUMED: NoiseFloor = NoiseFloor { share: DEFAULT_NOISE_FLOOR, own: false };

    /// The floor by which a run is judged: the one in its record, where that is one.
    pub(crate) fn of(run: &Run, metric: &Definition) -> NoiseFloor {
        let is_usable = |noise: &&BootNoise| {
            noise.floor.is_finite() && noise.floor > 0.0 && noise.degrees_of_freedom >= FEWEST_DEGREES
        };
        let own = run.noise.get(metric.id).filter(is_usable);
        own.map_or(NoiseFloor::ASSUMED, |noise| NoiseFloor { share: noise.floor, own: true })
    }
}

/// What the history of a host tells of its noise: for the record of `run`, which is about to be measured. Runs of another
/// machine, build or profile say nothing of it; configurations do not mix.
#[must_use]
pub fn boot_noise(run: &Run, past: Runs) -> BTreeMap<String, BootNoise> {
    let own: Runs = [Digest::of(run)].into_iter().collect();
    let boots = Boots::of(past, |earlier| own.heads().iter().all(|own| same_kind(own, earlier)));
    let groups = boots.all().by_configuration();
    let is_judged = |id: &MetricId| definition(&id.name).is_some_and(|metric| id.is(metric));
    let noise = boots.columns().filter(|(id, _)| is_judged(id)).filter_map(|(id, _)| {
        let gains: Vec<Vec<f64>> = groups.iter().map(|group| group.gains(id).into_iter().flatten().collect()).collect();
        let history = History::of(&gains).filter(|history| history.degrees_of_freedom >= FEWEST_DEGREES)?;
        let noise = BootNoise { floor: history.floor(), degrees_of_freedom: history.degrees_of_freedom };
        Some((id.name.clone(), noise))
    });
    noise.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::{measured, run};
    use measure::metrics::STREAM_TRIAD;

    fn past(values: &[f64]) -> Vec<Digest> {
        let boot = |(n, value): (usize, &f64)| {
            let mut run = run();
            run.id = format!("past-{n}");
            run.boot_id = Some(format!("boot-{n}"));
            run.attempts[0].outcomes = vec![measured(&STREAM_TRIAD, &[*value])];
            Digest::of(&run)
        };
        values.iter().enumerate().map(boot).collect()
    }

    #[test]
    fn the_floor_is_the_hosts_own_where_its_history_tells() {
        let check = |values: &[f64], change: &dyn Fn(&mut Digest), expect: Option<(f64, f64)>| {
            let mut past = past(values);
            past.iter_mut().for_each(change);
            let noise = boot_noise(&run(), past.into_iter().collect());
            let got = noise.get(STREAM_TRIAD.id).map(|noise| (noise.floor, noise.degrees_of_freedom));
            match (got, expect) {
                (Some(got), Some(expect)) => {
                    assert!((got.0 - expect.0).abs() < 1e-4 && (got.1 - expect.1).abs() < 0.5, "{values:?}: {got:?}");
                }
                (got, expect) => assert_eq!(got, expect, "{values:?}"),
            }
        };
        // s₀ of the logarithms is 0.014 142; Student's t for 4 degrees is 2.131 85.
        let five = [98.0, 99.0, 100.0, 101.0, 102.0].map(|percent: f64| 1e11 * ((percent - 100.0) / 100.0).exp());
        let floor = (2.131_85 * (2.5e-4_f64).sqrt()).exp_m1();
        check(&five, &|_| {}, Some((floor, 4.0)));
        check(&five[..4], &|_| {}, None);
        check(&[], &|_| {}, None);
        let another = |run: &mut Digest| drop(run.fingerprint.platform.insert("system.serial".into(), "other".into()));
        check(&five, &another, None);
        check(&five, &|run: &mut Digest| run.build.version = "9.0.0".into(), None);
        // Each boot alone in its configuration: nothing that repeats.
        let alone = |run: &mut Digest| drop(run.fingerprint.config.insert("bios.version".into(), run.id.clone()));
        check(&five, &alone, None);
    }

    #[test]
    fn a_floor_of_a_record_that_cannot_be_one_is_not_used() {
        let check = |noise: Option<(f64, f64)>, expect: NoiseFloor| {
            let mut run = run();
            let noise = noise.map(|(floor, degrees_of_freedom)| BootNoise { floor, degrees_of_freedom });
            run.noise = noise.map(|noise| (STREAM_TRIAD.id.to_owned(), noise)).into_iter().collect();
            assert_eq!(NoiseFloor::of(&run, &STREAM_TRIAD), expect, "{noise:?}");
        };
        check(Some((0.16, 4.0)), NoiseFloor { share: 0.16, own: true });
        check(None, NoiseFloor::ASSUMED);
        for (floor, degrees) in [(0.16, 3.0), (0.0, 9.0), (-0.1, 9.0), (f64::NAN, 9.0), (0.1, f64::NAN)] {
            check(Some((floor, degrees)), NoiseFloor::ASSUMED);
        }
    }
}
