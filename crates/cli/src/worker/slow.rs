//! For tests of fleets: a node that measures less than it does, as `HOSTPROOF_TEST_SLOW=n02=0.8` asks. Virtual nodes share one
//! host, so that no other way makes one of them slow.
//!
//! Only a build of tests does it, whose figures count against no document; each measurement says so in the record.

use anyhow::{Context, Result, ensure};
use measure::{Better, Event, Warning};

use crate::build_info::build;

const SLOW: &str = "HOSTPROOF_TEST_SLOW";

/// The share of its own figures that this node is to tell; 1 where nobody asked.
pub(super) fn asked() -> Result<f64> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    factor(&variable(SLOW), &variable("HOSTPROOF_NODE"), &build().profile)
}

fn factor(asked: &str, node: &str, profile: &str) -> Result<f64> {
    let Some((slow, factor)) = asked.split_once('=') else { return Ok(1.0) };
    if slow != node {
        return Ok(1.0);
    }
    ensure!(profile != "release", "{SLOW} is set, which is for tests: this build measures");
    let factor = factor.parse().ok().filter(|factor| (0.01..1.0).contains(factor));
    factor.with_context(|| format!("{SLOW} is NODE=SHARE, with a share from 0.01 to 1: {asked}"))
}

/// A measurement that tells less, and says that it does.
pub(super) fn slowed(event: Event, factor: f64) -> Event {
    match event {
        Event::Measured(mut measurement) if factor < 1.0 => {
            let better = measurement.metric.better;
            for sample in &mut measurement.samples {
                sample.value = if better == Better::Higher { sample.value * factor } else { sample.value / factor };
            }
            let why = format!("{SLOW} has made it {factor} of what was measured, for a test");
            measurement.warnings.push(Warning::OtherThing { why });
            Event::Measured(measurement)
        }
        event => event,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::{Measurement, Sample, metrics};

    #[test]
    fn only_a_test_build_is_slow_and_only_on_the_node_that_is_named() {
        let check = |asked: &str, node: &str, profile: &str, expect: Result<f64, &str>| match (
            factor(asked, node, profile).map_err(|error| error.to_string()),
            expect,
        ) {
            (Ok(found), Ok(expect)) => assert!((found - expect).abs() < 1e-12, "{asked}"),
            (Err(error), Err(words)) => assert!(error.contains(words), "{error}"),
            other => panic!("{asked}: {other:?}"),
        };
        check("", "n02", "ci", Ok(1.0));
        check("n02=0.8", "n02", "ci", Ok(0.8));
        check("n02=0.8", "n01", "ci", Ok(1.0));
        check("n02=0.8", "n02", "release", Err("is for tests"));
        check("n02=0.8", "n01", "release", Ok(1.0));
        check("n02=2", "n02", "ci", Err("NODE=SHARE"));
        check("n02=", "n02", "ci", Err("NODE=SHARE"));
    }

    #[test]
    fn what_is_slow_says_so() {
        let measured = |definition| Event::Measured(Measurement::new(definition, [Sample::untimed(100.0)]));
        let check = |definition, factor, expect: f64, says: usize| {
            let Event::Measured(one) = slowed(measured(definition), factor) else { panic!() };
            assert!((one.samples[0].value - expect).abs() < 1e-9);
            assert_eq!(one.warnings.len(), says);
        };
        check(&metrics::STREAM_TRIAD, 0.8, 80.0, 1);
        check(&metrics::STREAM_LATENCY, 0.8, 125.0, 1);
        check(&metrics::STREAM_TRIAD, 1.0, 100.0, 0);
    }
}
