//! One worker process: a workload, once; and how it is put together from what the worker tells.

use crate::telemetry::Gathered;
use crate::{Event, Outcome, Warning, Workload, disturbance};

/// One worker process: a workload, once.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Which workload.
    pub workload: Workload,
    /// Which repetition of it in this run, from 0.
    pub repetition: u32,
    /// What came of it, in order; the telemetry of the host behind it.
    pub outcomes: Vec<Outcome>,
    /// Remarks that concern the whole workload.
    pub warnings: Vec<Warning>,
}

/// An attempt that goes on: takes events, and gives the attempt when it ends.
#[derive(Clone, Debug)]
pub struct AttemptLog {
    attempt: Attempt,
    telemetry: Gathered,
}

impl AttemptLog {
    /// An attempt that begins.
    #[must_use]
    pub fn begin(workload: Workload, repetition: u32) -> AttemptLog {
        let attempt = Attempt { workload, repetition, outcomes: Vec::new(), warnings: Vec::new() };
        AttemptLog { attempt, telemetry: Gathered::default() }
    }

    /// Takes the next event. Progress leaves nothing behind.
    pub fn take(&mut self, event: Event) {
        match event {
            Event::Progress { .. } => {}
            Event::Measured(measurement) => self.attempt.outcomes.push(Outcome::Measured(measurement)),
            Event::NotMeasured(missing) => self.attempt.outcomes.push(Outcome::NotMeasured(missing)),
            Event::Telemetry(stretch) => self.telemetry.add(stretch, self.attempt.workload),
            Event::Warning(warning) => self.attempt.warnings.push(warning),
        }
    }

    /// The attempt at its end: with its telemetry, and with the samples marked that the host disturbed.
    #[must_use]
    pub fn end(self) -> Attempt {
        let AttemptLog { mut attempt, telemetry } = self;
        attempt.outcomes.extend(telemetry.into_series().map(Outcome::Measured));
        disturbance::mark(&mut attempt);
        attempt
    }
}
