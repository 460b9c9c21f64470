//! The hours of a soak: how host and loads fared, with what broke.

use measure::{Load, SoakLog, Stretch, Unit};

use super::super::Error;
use super::super::axis::{Label, Scale};
use super::super::plot::{self, PlotLine, Tag};
use super::{Chart, axis, chart};
use crate::soak::broken;

/// Events that are nearer than this share of the whole time have one number together, or one line.
const ONE_NUMBER: f64 = 0.04;
const ONE_LINE: f64 = 0.003;
/// The mark of events: ✕.
const MARK: usize = 4;

/// What a stretch says of a figure.
type ValueOf = Box<dyn Fn(&Stretch) -> Option<f64>>;

/// A figure of each stretch.
struct FigureOfNight {
    id: &'static str,
    title: &'static str,
    caption: &'static str,
    unit: Unit,
    value: ValueOf,
}

fn figure(
    (id, title, caption): (&'static str, &'static str, &'static str),
    unit: Unit,
    value: impl Fn(&Stretch) -> Option<f64> + 'static,
) -> FigureOfNight {
    FigureOfNight { id, title, caption, unit, value: Box::new(value) }
}

/// A chart of each figure that the soak has, over the time under load.
pub(in super::super) fn night(log: &SoakLog) -> Result<Vec<Chart>, Error> {
    let heat = ("temperature", "Highest temperature", "The hottest sensor of processors, memory, drives and cards.");
    let power = ("power", "Power", "By the meter that tells most of it.");
    let clock = ("clock", "Clock", "The mean of the processors.");
    let throttled = ("throttled", "Throttled in each minute", "By the package that was throttled longest.");
    let mut figures = vec![
        figure(heat, Unit::Celsius, |stretch| stretch.hottest),
        figure(power, Unit::Watt, |stretch| stretch.watts),
        figure(clock, Unit::Hertz, |stretch| stretch.clock),
        figure(throttled, Unit::Second, |stretch| stretch.throttled),
    ];
    figures.extend(Load::ALL.map(|load| {
        let (title, caption) = match load {
            Load::Memory => ("Memory read back and compared", "Passes that read and compare alone."),
            Load::Cpu => ("Operations of the cores, compared", "Products and chains, compared bit by bit."),
            Load::Disk => ("Files read back and compared", "Passes that read and compare alone."),
        };
        let value = move |stretch: &Stretch| stretch.loads.get(&load)?.rate;
        figure((load.name(), title, caption), load.rate_unit(), value)
    }));
    let events = Events::of(log);
    let charts = figures.iter().map(|figure| figure.chart(&log.stretches, &events));
    Ok(charts.collect::<Result<Vec<_>, Error>>()?.into_iter().flatten().collect())
}

/// What broke, where charts mark it: seconds under load with the first and the last number in the list of events.
struct Events {
    lines: Vec<f64>,
    numbers: Vec<(f64, usize, usize)>,
}

impl Events {
    fn of(log: &SoakLog) -> Events {
        let (mut events, whole) = (Events { lines: Vec::new(), numbers: Vec::new() }, log.seconds());
        for (number, (at, _)) in (1..).zip(broken(log)) {
            let at = log.seconds_until(at);
            if events.lines.last().is_none_or(|line| at - line > ONE_LINE * whole) {
                events.lines.push(at);
            }
            match events.numbers.last_mut() {
                Some((first, _, last)) if at - *first <= ONE_NUMBER * whole => *last = number,
                _ => events.numbers.push((at, number, number)),
            }
        }
        events
    }

    /// The numbers as texts at the upper end of a chart.
    fn tags(&self, top: f64) -> Vec<Tag> {
        let text =
            |first: usize, last: usize| if first == last { first.to_string() } else { format!("{first}–{last}") };
        self.numbers.iter().map(|&(at, first, last)| Tag { at: (at, top), text: text(first, last) }).collect()
    }
}

impl FigureOfNight {
    /// Its line; `None` where it has too few points.
    fn chart(&self, stretches: &[Stretch], events: &Events) -> Result<Option<Chart>, Error> {
        let FigureOfNight { id, title, caption, unit, value } = self;
        let mut seconds = 0.0;
        let point = |stretch: &Stretch| {
            seconds += stretch.seconds;
            Some((seconds, value(stretch)?))
        };
        let points: Vec<(f64, f64)> = stretches.iter().filter_map(point).collect();
        let x = axis("time under load", Scale::Linear, Label::Unit(Unit::Second));
        let x = x.around(points.iter().map(|point| point.0));
        // Of times there may be none in a minute.
        let scale = if *unit == Unit::Second { Scale::Linear } else { Scale::Near };
        let y = axis("", scale, Label::Unit(*unit)).around(points.iter().map(|point| point.1));
        let (Some(x), Some(y), true) = (x, y, points.len() > 1) else { return Ok(None) };
        let mark = |at: &f64| {
            let points = vec![(*at, y.low), (*at, y.high)];
            PlotLine { name: "something broke".to_owned(), points, joined: true, style: MARK }
        };
        let mut lines: Vec<PlotLine> = events.lines.iter().map(mark).collect();
        let legend = lines.first().map(|line| plot::key(line.style, line.name.clone()));
        lines.push(PlotLine { name: (*title).to_owned(), points, joined: true, style: 0 });
        let svg = plot::lines(&x.at_most(5), &y, &lines, &[], &events.tags(y.high))?;
        Ok(Some(chart(id, title, caption, &svg, legend.into_iter().collect())))
    }
}

#[cfg(test)]
mod tests {
    use measure::{Incident, SoakPlan, Vital};

    use super::*;

    fn log(minutes: u32, broken: &[u32]) -> SoakLog {
        let at = |minute: u32| 60.0 * f64::from(minute);
        let incident = |minute: &u32| Incident {
            at: at(*minute),
            part: "A1".into(),
            vital: Vital::CorrectedErrors,
            value: 1.0,
            limit: None,
            says: "A1".into(),
        };
        let stretch =
            |minute: u32| Stretch { at: at(minute + 1), seconds: 60.0, hottest: Some(70.0), ..Stretch::default() };
        let plan = SoakPlan {
            host: "h".into(),
            seconds: at(minutes),
            loads: vec![],
            workloads: vec![],
            memory: 0,
            files: 0,
            folder: ".".into(),
            spec: "s".into(),
            prom: None,
            on_event: None,
            unit_dir: None,
            started: String::new(),
        };
        SoakLog {
            id: "s".into(),
            plan,
            begun: vec![],
            stopped: vec![],
            stretches: (0..minutes).map(stretch).collect(),
            wrong: vec![],
            incidents: broken.iter().map(incident).collect(),
            failures: vec![],
            runs: vec![],
            no_figures: vec![],
            watched: vec![],
            not_watched: vec![],
        }
    }

    #[test]
    fn events_have_the_numbers_of_the_list_and_near_ones_one_together() {
        let tags = |log: &SoakLog| Events::of(log).tags(1.0).into_iter().map(|tag| tag.text).collect::<Vec<_>>();
        assert_eq!(tags(&log(100, &[10, 12, 13, 60])), ["1–3", "4"]);
        assert_eq!(tags(&log(100, &[])), [] as [&str; 0]);
        // A thousand at once are one mark.
        let storm = log(1000, &[500; 1000]);
        assert_eq!((tags(&storm), Events::of(&storm).lines.len()), (vec!["1–1000".to_owned()], 1));
    }

    #[test]
    fn a_figure_that_nothing_tells_has_no_chart() {
        let charts = night(&log(30, &[7])).unwrap();
        assert_eq!(charts.iter().map(|chart| chart.title.as_str()).collect::<Vec<_>>(), ["Highest temperature"]);
        assert_eq!(charts[0].legend.len(), 1);
        assert!(night(&log(1, &[])).unwrap().is_empty());
    }
}
