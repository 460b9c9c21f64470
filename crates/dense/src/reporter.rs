//! Events of this workload, with the share of the planned time that is behind them.

use measure::{Definition, Event, Labels, Measurement, NotMeasured, Reason, Warning};

/// The share of the median that the MAD may be without a remark.
const NOISE: f64 = 0.05;

/// Turns results into events.
pub(crate) struct Reporter<'a> {
    emit: &'a mut dyn FnMut(Event),
    /// Seconds that the whole is planned to take, and that are behind.
    planned: f64,
    behind: f64,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(emit: &'a mut dyn FnMut(Event), planned: f64) -> Self {
        Reporter { emit, planned, behind: 0.0 }
    }

    /// Says what comes next; `seconds` is its planned time.
    pub(crate) fn begin(&mut self, doing: String, seconds: f64) {
        let done = (self.behind / self.planned.max(f64::MIN_POSITIVE)).min(1.0);
        (self.emit)(Event::Progress { done, doing });
        self.behind += seconds;
    }

    /// Says how far it is within what was begun last with `seconds`.
    pub(crate) fn within(&mut self, doing: String, seconds: f64, share: f64) {
        let behind = self.behind - seconds * (1.0 - share);
        (self.emit)(Event::Progress { done: (behind / self.planned.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0), doing });
    }

    pub(crate) fn measured(&mut self, measurement: Measurement) {
        (self.emit)(Event::Measured(measurement));
    }

    pub(crate) fn not_measured(&mut self, metric: &Definition, labels: &[(&str, String)], reason: Reason) {
        let labels: Labels = labels.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        (self.emit)(Event::NotMeasured(NotMeasured::new(metric, labels, reason)));
    }

    pub(crate) fn warn(&mut self, warning: Warning) {
        (self.emit)(Event::Warning(warning));
    }
}

/// Adds a warning where the samples spread.
pub(crate) fn noisy(measurement: Measurement) -> Measurement {
    let spread = measurement.summary().map_or(0.0, |summary| summary.mad / summary.median);
    let warning = (spread > NOISE).then_some(Warning::Noisy { spread });
    measurement.warn(warning)
}
