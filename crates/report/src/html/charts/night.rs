//! The hours of a soak: how host and loads fared, with what broke.

use std::ops::Range;

use measure::{Load, SoakLog, Stretch, Unit};

use super::super::Error;
use super::super::axis::{Label, Scale};
use super::super::plot::{self, PlotLine};
use super::{Chart, axis, chart};

/// What of the whole time the mark of an event takes.
const MARK: f64 = 0.004;

/// What a stretch says of a figure.
type ValueOf = Box<dyn Fn(&Stretch) -> Option<f64>>;

/// A figure of each stretch.
struct FigureOfNight {
    id: &'static str,
    title: &'static str,
    unit: Unit,
    value: ValueOf,
}

fn figure(
    id: &'static str,
    title: &'static str,
    unit: Unit,
    value: impl Fn(&Stretch) -> Option<f64> + 'static,
) -> FigureOfNight {
    FigureOfNight { id, title, unit, value: Box::new(value) }
}

/// A chart of each figure that the soak has, over the time under load.
pub(in super::super) fn night(log: &SoakLog) -> Result<Vec<Chart>, Error> {
    let mut figures = vec![
        figure("temperature", "Highest temperature", Unit::Celsius, |stretch| stretch.hottest),
        figure("power", "Power", Unit::Watt, |stretch| stretch.watts),
        figure("clock", "Clock", Unit::Hertz, |stretch| stretch.clock),
        figure("throttled", "Throttled in each minute", Unit::Second, |stretch| stretch.throttled),
    ];
    figures.extend(Load::ALL.map(|load| {
        let title = match load {
            Load::Memory => "Memory read back and compared",
            Load::Cpu => "Operations of the cores, compared",
            Load::Disk => "Files read back and compared",
        };
        figure(load.name(), title, load.rate_unit(), move |stretch| stretch.loads.get(&load)?.rate)
    }));
    let spans = spans(log);
    let charts = figures.iter().map(|figure| figure.chart(&log.stretches, &spans));
    Ok(charts.collect::<Result<Vec<_>, Error>>()?.into_iter().flatten().collect())
}

/// When something broke, in seconds under load.
fn spans(log: &SoakLog) -> Vec<Range<f64>> {
    let width = (log.seconds() * MARK).max(1.0);
    let wrong = log.wrong.iter().map(|(at, _)| *at);
    let at = wrong.chain(log.incidents.iter().map(|incident| incident.at));
    at.map(|at| log.seconds_until(at)).map(|seconds| seconds..seconds + width).collect()
}

impl FigureOfNight {
    /// Its line; `None` where it has too few points.
    fn chart(&self, stretches: &[Stretch], spans: &[Range<f64>]) -> Result<Option<Chart>, Error> {
        let FigureOfNight { id, title, unit, value } = self;
        let mut seconds = 0.0;
        let point = |stretch: &Stretch| {
            seconds += stretch.seconds;
            Some((seconds, value(stretch)?))
        };
        let points: Vec<(f64, f64)> = stretches.iter().filter_map(point).collect();
        let x = axis("time under load", Scale::Linear, Label::Unit(Unit::Second));
        let x = x.around(points.iter().map(|point| point.0));
        let y = axis(title, Scale::Linear, Label::Unit(*unit)).around(points.iter().map(|point| point.1));
        let (Some(x), Some(y), true) = (x, y, points.len() > 1) else { return Ok(None) };
        let lines = [PlotLine { name: (*title).to_owned(), points, joined: true, style: 0 }];
        let svg = plot::lines(&x.at_most(5), &y, &lines, spans, &[])?;
        let mut legend = plot::legend(&lines);
        if !spans.is_empty() {
            legend.push(plot::span_key("something broke".to_owned()));
        }
        let caption = "A point for each minute under load; the time in which figures were taken alone is left out.";
        Ok(Some(chart(id, title, caption, &svg, legend)))
    }
}
