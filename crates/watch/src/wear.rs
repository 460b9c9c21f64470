//! When a drive's endurance runs out, by what it has said so far.

/// Drives tell the share in whole percents.
const STEP: f64 = 0.01;

/// What a drive said on a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WornOn {
    /// The day, counted from any.
    pub day: f64,
    /// Endurance used, as a share.
    pub used: f64,
}

/// When endurance runs out at the pace so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RunsOut {
    /// It has.
    Past,
    /// Between these days: drives tell whole percents, so that the pace is known no better.
    Between(f64, f64),
    /// It has hardly moved: not before this day.
    NotBefore(f64),
}

/// When a drive runs out; `None` where what it said is of one day. What was said is in the order of the days.
#[must_use]
pub fn runs_out(said: &[WornOn]) -> Option<RunsOut> {
    let (first, last) = (said.first()?, said.last()?);
    if last.used >= 1.0 {
        return Some(RunsOut::Past);
    }
    let days = last.day - first.day;
    if days < 1.0 {
        return None;
    }
    let after = |used: f64| last.day + (1.0 - last.used) * days / used;
    let used = (last.used - first.used).max(0.0);
    let soonest = after(used + STEP);
    Some(if used - STEP > STEP / 2.0 {
        RunsOut::Between(soonest, after(used - STEP))
    } else {
        RunsOut::NotBefore(soonest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_follows_from_the_pace() {
        let check = |said: &[(f64, f64)], expect: Option<RunsOut>| {
            let said: Vec<WornOn> = said.iter().map(|&(day, used)| WornOn { day, used }).collect();
            match (runs_out(&said), expect) {
                (Some(RunsOut::Between(low, high)), Some(RunsOut::Between(least, most))) => {
                    assert!((low - least).abs() < 0.5 && (high - most).abs() < 0.5, "{said:?}: {low} to {high}");
                }
                (Some(RunsOut::NotBefore(day)), Some(RunsOut::NotBefore(expect))) => {
                    assert!((day - expect).abs() < 0.5, "{said:?}: {day}");
                }
                (found, expect) => assert_eq!(found, expect, "{said:?}"),
            }
        };
        check(&[], None);
        check(&[(0.0, 0.1)], None);
        check(&[(0.0, 0.1), (0.5, 0.9)], None);
        // Ten percent in 100 days: 9 to 11 of them, and 80 are left.
        check(&[(0.0, 0.1), (50.0, 0.16), (100.0, 0.2)], Some(RunsOut::Between(100.0 + 727.3, 100.0 + 888.9)));
        check(&[(0.0, 0.1), (100.0, 0.1)], Some(RunsOut::NotBefore(100.0 + 9000.0)));
        check(&[(0.0, 0.1), (100.0, 0.11)], Some(RunsOut::NotBefore(100.0 + 4450.0)));
        check(&[(0.0, 0.1), (100.0, 1.02)], Some(RunsOut::Past));
    }
}
