//! Events of this workload, with the share of the planned time that is behind them.

use measure::{Event, Labels, Measurement, MetricId, NotMeasured, Outcome, Reason, Warning};

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
        (self.emit)(Event::Outcome(Outcome::Measured(measurement)));
    }

    pub(crate) fn not_measured(&mut self, name: &str, labels: &[(&str, String)], reason: Reason) {
        let labels: Labels = labels.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let id = MetricId { name: name.to_owned(), labels };
        (self.emit)(Event::Outcome(Outcome::NotMeasured(NotMeasured { id, reason })));
    }

    pub(crate) fn warn(&mut self, warning: Warning) {
        (self.emit)(Event::Warning(warning));
    }
}
