//! What happened to the host while a workload ran: taints for its samples, and load, clock, temperature and power as
//! metrics of their own.

use std::thread::sleep;
use std::time::Duration;

use measure::{
    Event, Labels, Measurement, Metric, MetricId, NotMeasured, Outcome, Reason, Taint, Unit, Warning, Workload,
};

use crate::telemetry::{Point, Series, Telemetry, Watch};
use crate::{Machine, Siblings, place};

/// CPU time is counted in hundredths of a second: a shorter window says little.
const SHORTEST_WINDOW: f64 = 0.5;
/// How long an idle host is watched for its power.
const IDLE_WINDOW: Duration = Duration::from_secs(5);

/// Runs a workload under watch. Its events go to `tell`, tainted where the host was disturbed, and what was seen of the
/// host follows them.
///
/// # Errors
///
/// Those of the workload.
pub fn watched<E>(
    workload: Workload,
    machine: &Machine,
    tell: &mut dyn FnMut(Event),
    run: impl FnOnce(&mut dyn FnMut(Event)) -> Result<(), E>,
) -> Result<(), E> {
    idle_power(workload, machine).into_iter().for_each(&mut *tell);
    let mut watched = Watched::start(workload, machine);
    let end = run(&mut |mut event| {
        watched.judge(&mut event);
        tell(event);
    });
    watched.finish().into_iter().for_each(tell);
    end
}

/// A watch over one workload.
struct Watched {
    workload: Workload,
    telemetry: Option<Telemetry>,
    /// When the last outcome came, in seconds after the start.
    since: f64,
    /// GPUs that the host has.
    gpus: f64,
    /// From when to when something was measured whose samples were tainted, in seconds after the start.
    disturbed: Vec<(f64, f64)>,
}

impl Watched {
    /// Begins to watch the CPUs of the workers. A host that cannot be watched is measured all the same.
    fn start(workload: Workload, machine: &Machine) -> Watched {
        let workers = place(&machine.topology, Siblings::OnePerCore).unwrap_or_default();
        let cpus = workers.iter().map(|worker| worker.cpu).collect();
        let gpus = machine.facts.number("gpu.count").unwrap_or(0.0);
        Watched {
            workload,
            telemetry: Telemetry::start(Watch::new(cpus)).ok(),
            since: 0.0,
            gpus,
            disturbed: Vec::new(),
        }
    }

    /// Taints what was measured since the last outcome where the host was disturbed meanwhile.
    fn judge(&mut self, event: &mut Event) {
        let (Some(telemetry), Event::Outcome(Outcome::Measured(measurement))) = (&self.telemetry, event) else {
            return;
        };
        let now = telemetry.started.elapsed().as_secs_f64();
        let from = self.since.min(now - SHORTEST_WINDOW).max(0.0);
        self.since = now;
        let taints = telemetry.taints(from);
        let Some(taint) = taints.into_iter().find(|taint| counts(self.workload, taint)) else { return };
        self.disturbed.push((from, now));
        for sample in &mut measurement.samples {
            sample.taint.get_or_insert_with(|| taint.clone());
        }
    }

    /// Ends the watch; what it saw as events.
    fn finish(self) -> Vec<Event> {
        let Some(telemetry) = self.telemetry else { return Vec::new() };
        let series = telemetry.stop();
        let name = self.workload.name();
        let mut events: Vec<_> = GAUGES.iter().filter_map(|gauge| gauge.event(&series, name)).collect();
        events.extend(power(&series, name));
        events.push(disturbed(&series, &self.disturbed, name));
        if self.workload == HEAVIEST {
            events.extend(headlines(&series, self.gpus));
        }
        let kept = series.pinned.map_or("no CPU was free for it".to_owned(), |cpu| format!("kept on CPU {cpu}"));
        let cost = series.cost * 100.0;
        events.push(Event::Warning(Warning::Note(format!("watching took {cost:.2} % of one CPU; {kept}"))));
        events
    }
}

/// What the kernel's own threads do for the disk workload, and the processes that the feature workload starts, is their
/// work, and no other load.
fn counts(workload: Workload, taint: &Taint) -> bool {
    let helped = matches!(workload, Workload::Disk | Workload::Tabular);
    !(helped && matches!(taint, Taint::CpuTaken { by, .. } if by == "other processes"))
}

/// The workload under which the documented peak power and temperature are looked for.
const HEAVIEST: Workload = Workload::Dense;

/// A figure of each interval, or of the whole time where it counts what should not be.
struct Gauge {
    metric: &'static str,
    unit: Unit,
    of: fn(&Point) -> Option<f64>,
    is_total: bool,
}

const fn each(metric: &'static str, unit: Unit, of: fn(&Point) -> Option<f64>) -> Gauge {
    Gauge { metric, unit, of, is_total: false }
}

const fn total(metric: &'static str, of: fn(&Point) -> Option<f64>) -> Gauge {
    Gauge { metric, unit: Unit::Count, of, is_total: true }
}

const GAUGES: [Gauge; 15] = [
    // When each interval ended: the time of the other gauges.
    each("host.elapsed", Unit::Second, |point| Some(point.to)),
    each("host.steal", Unit::Ratio, |point| point.steal),
    each("host.other_load", Unit::Ratio, |point| point.other),
    each("host.interrupts", Unit::Ratio, |point| point.interrupts),
    each("host.interrupts_per_second", Unit::Count, |point| a_second(point, point.interrupt_count)),
    each("host.faults_per_second", Unit::Count, |point| a_second(point, point.minor_faults)),
    each("host.load", Unit::Count, |point| point.load),
    each("host.clock", Unit::Hertz, |point| point.clock),
    each("host.hottest", Unit::Celsius, |point| point.hottest),
    each("host.hottest_drive", Unit::Celsius, |point| point.hottest_drive),
    total("host.throttles", |point| count(point.throttles)),
    total("host.major_faults", |point| count(point.major_faults)),
    total("host.memory_errors.corrected", |point| count(point.corrected)),
    total("host.memory_errors.uncorrected", |point| count(point.uncorrected)),
    total("host.pcie_errors", |point| count(point.pcie_errors)),
];

fn count(counted: Option<u64>) -> Option<f64> {
    counted.map(|counted| counted as f64)
}

/// A count as a rate; an interval that an outcome cut short would make noise of it.
fn a_second(point: &Point, counted: Option<u64>) -> Option<f64> {
    let length = point.to - point.from;
    count(counted).filter(|_| length >= SHORTEST_WINDOW).map(|counted| counted / length)
}

impl Gauge {
    fn event(&self, series: &Series, workload: &str) -> Option<Event> {
        let mut values: Vec<f64> = series.points.iter().filter_map(self.of).collect();
        if self.is_total && !values.is_empty() {
            values = vec![values.iter().sum()];
        }
        let metric = Metric::lower(self.metric, self.unit);
        (!values.is_empty()).then(|| measured(Measurement::new(metric, values).label("workload", workload)))
    }
}

/// For each interval whether it is part of a window whose samples were tainted, 1 or 0: what a chart over time marks.
fn disturbed(series: &Series, windows: &[(f64, f64)], workload: &str) -> Event {
    let inside = |point: &Point| windows.iter().any(|&(from, to)| point.from < to && point.to > from);
    let values = series.points.iter().map(|point| f64::from(u8::from(inside(point))));
    measured(Measurement::new(Metric::lower("host.disturbed", Unit::Ratio), values).label("workload", workload))
}

/// Power by source; each says what it covers.
fn power(series: &Series, workload: &str) -> Vec<Event> {
    let mut sources: Vec<&String> =
        series.points.iter().flat_map(|point| point.watts.iter().map(|(name, _)| name)).collect();
    sources.sort();
    sources.dedup();
    let of = |source: &String| {
        let values =
            series.points.iter().flat_map(|point| &point.watts).filter(|(name, _)| name == source).map(|(_, w)| *w);
        let metric = Metric::lower("host.power", Unit::Watt);
        measured(Measurement::new(metric, values).label("workload", workload).label("source", source))
    };
    sources.into_iter().map(of).collect()
}

const NO_POWER_SENSOR: &str = "no power can be read here: not from the management controller (load ipmi_devintf and \
                               ipmi_si), not from ACPI's meter, and not by RAPL; each is for root";
const NO_HEAT_SENSOR: &str = "no temperature can be read here: neither the kernel (hwmon) nor the management controller \
                              (load ipmi_devintf and ipmi_si, and run as root) has a sensor of processor or drive";

/// Which sources of power stand for the host in a series.
enum Draw {
    /// A sensor of the whole host.
    Whole(String),
    /// Parts that count their own: the host draws more.
    Parts(Vec<String>),
}

impl Draw {
    /// The management controller before ACPI's meter, which is that of the supplies too, before the sum of the parts.
    fn of(series: &Series) -> Option<Draw> {
        let mut names: Vec<&String> =
            series.points.iter().flat_map(|point| &point.watts).map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        let holding = |part: &str| names.iter().find(|name| name.contains(part));
        if let Some(whole) = holding("bmc ").or_else(|| holding("power_meter")) {
            return Some(Draw::Whole((*whole).clone()));
        }
        // `psys` holds the packages too.
        let apart = |name: &str| ["rapl package", "rapl dram", "nvml"].iter().any(|kind| name.starts_with(kind));
        let parts: Vec<String> = names.into_iter().filter(|name| apart(name)).cloned().collect();
        (!parts.is_empty()).then_some(Draw::Parts(parts))
    }

    /// The power in an interval; nothing where a source of it did not answer.
    fn watts(&self, point: &Point) -> Option<f64> {
        let of = |name: &String| point.watts.iter().find(|(other, _)| other == name).map(|(_, watts)| *watts);
        match self {
            Draw::Whole(name) => of(name),
            Draw::Parts(names) => names.iter().map(of).sum(),
        }
    }

    fn describe(&self, measurement: Measurement) -> Measurement {
        match self {
            Draw::Whole(name) => measurement.context("covers", format!("the whole host ({name})")),
            Draw::Parts(names) => {
                let covers = names.join(", ");
                measurement.context("covers", &covers).warn([Warning::Partial { covers }])
            }
        }
    }
}

/// The figures that documented limits name, as they are sustained under the heaviest workload.
fn headlines(series: &Series, gpus: f64) -> Vec<Event> {
    let hottest = series.sustained(|point| point.hottest);
    let draw = Draw::of(series);
    let watts = draw.as_ref().and_then(|draw| series.sustained(|point| draw.watts(point)));
    let describe = |measurement: Measurement| {
        let described = draw.iter().fold(measurement, |measurement, draw| draw.describe(measurement));
        // This suite puts no load on GPUs, which a document counts among its peak.
        let idle = format!("a load of processors and memory, with {gpus} idle GPUs");
        described.warn((gpus > 0.0).then_some(Warning::Partial { covers: idle }))
    };
    vec![
        headline("host.temperature", Unit::Celsius, hottest.into_iter().collect(), NO_HEAT_SENSOR, |it| it),
        headline("host.power.peak", Unit::Watt, watts.into_iter().collect(), NO_POWER_SENSOR, describe),
    ]
}

/// The power of the host before the heaviest workload starts; nothing before the others.
fn idle_power(workload: Workload, machine: &Machine) -> Option<Event> {
    let seen = |window| {
        let telemetry = Telemetry::start(Watch::new(machine.topology.allowed.clone())).ok()?;
        sleep(window);
        Some(telemetry.stop())
    };
    if workload != HEAVIEST {
        return None;
    }
    // Nobody waits for a sensor that is not there.
    let there = seen(Duration::ZERO).is_some_and(|series| Draw::of(&series).is_some());
    let series = if there { seen(IDLE_WINDOW) } else { None };
    Some(idle(&series.unwrap_or_default()))
}

/// What an idle window tells; it is tainted where the host was not idle.
fn idle(series: &Series) -> Event {
    let draw = Draw::of(series);
    let values: Vec<f64> =
        draw.iter().flat_map(|draw| series.points.iter().filter_map(|point| draw.watts(point))).collect();
    let taint = series.taints(0.0, f64::INFINITY).into_iter().next();
    headline("host.power.idle", Unit::Watt, values, NO_POWER_SENSOR, |mut measurement| {
        for sample in &mut measurement.samples {
            sample.taint.clone_from(&taint);
        }
        draw.iter().fold(measurement, |measurement, draw| draw.describe(measurement))
    })
}

/// A figure without labels, which a target can name; without values it is told why.
fn headline(
    name: &str,
    unit: Unit,
    values: Vec<f64>,
    missing: &str,
    describe: impl FnOnce(Measurement) -> Measurement,
) -> Event {
    if values.is_empty() {
        let id = MetricId { name: name.to_owned(), labels: Labels::new() };
        return Event::Outcome(Outcome::NotMeasured(NotMeasured {
            id,
            reason: Reason::NoHardware(missing.to_owned()),
        }));
    }
    measured(describe(Measurement::new(Metric::lower(name, unit), values)))
}

fn measured(measurement: Measurement) -> Event {
    Event::Outcome(Outcome::Measured(measurement))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(watts: &[&[(&str, f64)]]) -> Series {
        let points = watts.iter().zip(0_u32..).map(|(watts, second)| Point {
            from: f64::from(second),
            to: f64::from(second) + 1.0,
            watts: watts.iter().map(|(name, watts)| ((*name).to_owned(), *watts)).collect(),
            hottest: Some(60.0 + f64::from(second)),
            interrupt_count: Some(100),
            throttles: Some(1),
            ..Point::default()
        });
        Series { points: points.collect(), ..Series::default() }
    }

    fn outcome(events: &[Event], name: &str) -> Outcome {
        let found = events.iter().find_map(|event| match event {
            Event::Outcome(outcome) => match outcome {
                Outcome::Measured(one) if one.metric.name == name => Some(outcome.clone()),
                Outcome::NotMeasured(one) if one.id.name == name => Some(outcome.clone()),
                _ => None,
            },
            _ => None,
        });
        found.unwrap_or_else(|| panic!("{name} is missing"))
    }

    fn value(outcome: &Outcome) -> (Option<f64>, usize) {
        match outcome {
            Outcome::Measured(one) => (one.summary().map(|summary| summary.median), one.warnings.len()),
            Outcome::NotMeasured(_) => (None, 0),
        }
    }

    #[test]
    fn the_host_s_power_is_of_the_widest_source() {
        let check = |watts: &[(&str, f64)], gpus: f64, expect: (Option<f64>, usize)| {
            let events = headlines(&series(&[watts, watts]), gpus);
            assert_eq!(value(&outcome(&events, "host.power.peak")), expect, "{watts:?}");
            assert_eq!(value(&outcome(&events, "host.temperature")), (Some(60.5), 0));
            let idle = idle(&series(&[watts, watts]));
            assert_eq!(value(&outcome(&[idle], "host.power.idle")).0, None, "a host that throttles is not idle");
        };
        let parts = [("rapl package-0", 100.0), ("rapl dram of package-0", 20.0), ("rapl psys", 150.0)];
        check(&parts, 0.0, (Some(120.0), 1));
        let meter = [("hwmon power_meter power1", 450.0), ("rapl package-0", 100.0)];
        check(&meter, 0.0, (Some(450.0), 0));
        check(&meter, 4.0, (Some(450.0), 1));
        check(&[("bmc host (DCMI)", 451.0), ("hwmon power_meter power1", 449.0)], 0.0, (Some(451.0), 0));
        check(&[("hwmon amdgpu PPT", 30.0)], 0.0, (None, 0));
        check(&[], 0.0, (None, 0));
    }

    #[test]
    fn an_idle_window_says_what_it_covers() {
        let mut quiet = series(&[&[("rapl package-0", 100.0)], &[("rapl package-0", 110.0)]]);
        for point in &mut quiet.points {
            point.throttles = Some(0);
        }
        let Event::Outcome(Outcome::Measured(idle)) = idle(&quiet) else { panic!("it is measured") };
        assert!((idle.summary().unwrap().median - 105.0).abs() < 1e-9);
        assert_eq!(idle.warnings, [Warning::Partial { covers: "rapl package-0".into() }]);
        assert_eq!(idle.context["covers"], "rapl package-0");
    }

    #[test]
    fn gauges_are_rates_or_totals() {
        let series = series(&[&[], &[]]);
        let events: Vec<Event> = GAUGES.iter().filter_map(|gauge| gauge.event(&series, "stream")).collect();
        let check = |name: &str, expect: &[f64]| {
            let Outcome::Measured(one) = outcome(&events, name) else { panic!("{name}") };
            assert_eq!(one.samples.iter().map(|sample| sample.value).collect::<Vec<_>>(), expect, "{name}");
            assert_eq!(one.labels["workload"], "stream");
        };
        check("host.interrupts_per_second", &[100.0, 100.0]);
        check("host.throttles", &[2.0]);
        check("host.hottest", &[60.0, 61.0]);
        check("host.elapsed", &series.points.iter().map(|point| point.to).collect::<Vec<_>>());
        assert_eq!(events.len(), 4, "what the host does not tell is no figure");
    }
}
