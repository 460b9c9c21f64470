//! How a run tells what it does and what it measured.

use measure::{Event, Labels, Measurement, MetricId, NotMeasured, Outcome, Reason, Warning};

/// Passes events on, and keeps account of the planned time.
pub(crate) struct Report<'a> {
    sink: &'a mut dyn FnMut(Event),
    planned: f64,
    done: f64,
}

impl<'a> Report<'a> {
    pub(crate) fn new(sink: &'a mut dyn FnMut(Event), planned: f64) -> Self {
        Report { sink, planned, done: 0.0 }
    }

    /// Says what is being done, which was planned to take some seconds from here.
    pub(crate) fn doing(&mut self, what: impl Into<String>, seconds: f64) {
        let done = (self.done / self.planned).clamp(0.0, 1.0);
        (self.sink)(Event::Progress { done, doing: what.into() });
        self.done += seconds;
    }

    pub(crate) fn measured(&mut self, measurement: Measurement) {
        (self.sink)(Event::Outcome(Outcome::Measured(measurement)));
    }

    pub(crate) fn failed(&mut self, name: &str, reason: Reason) {
        let id = MetricId { name: name.to_owned(), labels: Labels::new() };
        (self.sink)(Event::Outcome(Outcome::NotMeasured(NotMeasured { id, reason })));
    }

    pub(crate) fn warn(&mut self, warning: Warning) {
        (self.sink)(Event::Warning(warning));
    }

    pub(crate) fn finished(&mut self) {
        (self.sink)(Event::Progress { done: 1.0, doing: "done".into() });
    }
}
