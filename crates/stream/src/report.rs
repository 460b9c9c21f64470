//! How a run says what it does, and hands on what it measured.

use measure::{Definition, Event, Labels, Measurement, NotMeasured, Reason, Warning};

/// Passes events on, and keeps account of the planned time.
pub(crate) struct Report<'a> {
    emit: &'a mut dyn FnMut(Event),
    planned: f64,
    done: f64,
}

impl<'a> Report<'a> {
    pub(crate) fn new(emit: &'a mut dyn FnMut(Event), planned: f64) -> Self {
        Report { emit, planned, done: 0.0 }
    }

    /// Says what is being done, which was planned to take some seconds from here.
    pub(crate) fn doing(&mut self, what: impl Into<String>, seconds: f64) {
        let done = (self.done / self.planned).clamp(0.0, 1.0);
        (self.emit)(Event::Progress { done, doing: what.into() });
        self.done += seconds;
    }

    pub(crate) fn measured(&mut self, measurement: Measurement) {
        (self.emit)(Event::Measured(measurement));
    }

    pub(crate) fn failed(&mut self, definition: &Definition, reason: Reason) {
        self.failed_series(definition, Labels::new(), reason);
    }

    pub(crate) fn failed_series(&mut self, definition: &Definition, labels: Labels, reason: Reason) {
        (self.emit)(Event::NotMeasured(NotMeasured::new(definition, labels, reason)));
    }

    pub(crate) fn warn(&mut self, warning: Warning) {
        (self.emit)(Event::Warning(warning));
    }

    pub(crate) fn finished(&mut self) {
        (self.emit)(Event::Progress { done: 1.0, doing: "done".into() });
    }
}
