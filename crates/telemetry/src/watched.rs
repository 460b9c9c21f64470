//! The watch over a workload: what happened to the host meanwhile, as telemetry, and load, clock, temperature and power as
//! metrics of their own.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use inventory::{Tree, gpu_count};
use machine::{CpuSet, Machine, Siblings, place};
use measure::metrics::{
    HOST_CLOCK, HOST_CORRECTED_ERRORS, HOST_FAULTS_PER_SECOND, HOST_HOTTEST, HOST_HOTTEST_DRIVE, HOST_INTERRUPTS,
    HOST_INTERRUPTS_PER_SECOND, HOST_LOAD, HOST_MAJOR_FAULTS, HOST_MAJOR_FAULTS_PER_SECOND, HOST_OTHER_LOAD,
    HOST_PCIE_ERRORS, HOST_POWER, HOST_POWER_CPU, HOST_POWER_IDLE, HOST_POWER_PEAK, HOST_STEAL, HOST_TEMPERATURE,
    HOST_THROTTLES, HOST_THROTTLES_PER_SECOND, HOST_UNCORRECTED_ERRORS, HOST_UNCORRECTED_ERRORS_PER_SECOND,
};
use measure::{
    AttemptLog, Definition, Event, Gauge, Interval, Labels, Measurement, Metric, NotMeasured, Outcome, Reason, Sample,
    Telemetry, Warning, Workload,
};

use crate::watch::{Observations, Point, Watch, Watcher};

/// CPU time is counted in hundredths of a second, and so a rate of a shorter interval says little.
const SHORTEST_RATE: f64 = 0.5;
/// How long an idle host is watched for its power.
const IDLE_WINDOW: Duration = Duration::from_secs(5);
/// The workload under which the documented peak power and temperature are looked for.
const HEAVIEST: Workload = Workload::Dense;

/// A watch over one workload.
#[derive(Debug)]
pub struct Watched {
    workload: Workload,
    telemetry: Option<Watcher>,
    /// Intervals that were handed on.
    handed_on: usize,
    /// GPUs that the host has.
    gpus: usize,
}

impl Watched {
    /// Reads the power of the idle host before the heaviest workload, and begins to watch the CPUs of the workers. A host that
    /// cannot be watched is measured all the same.
    pub fn start(workload: Workload, machine: &Machine, emit: &mut dyn FnMut(Event)) -> Watched {
        if workload == HEAVIEST {
            emit(idle_power(machine));
        }
        let workers = place(&machine.topology, Siblings::OnePerCore).unwrap_or_default();
        let cpus: CpuSet = workers.iter().map(|worker| worker.cpu).collect();
        let telemetry = Watcher::start(Watch::new(cpus));
        if let Err(error) = &telemetry {
            let note = format!("the host is not watched ({error}): what disturbs the samples is not known");
            emit(Event::Warning(Warning::Note(note)));
        }
        let gpus = gpu_count(&Tree::new(Path::new("/")));
        Watched { workload, telemetry: telemetry.ok(), handed_on: 0, gpus }
    }

    /// Hands on what was seen since the last time: with each event of the workload, so that a workload that dies loses
    /// little of it.
    pub fn hand_on(&mut self, emit: &mut dyn FnMut(Event)) {
        let Some(telemetry) = &self.telemetry else { return };
        let points = telemetry.seen_since(self.handed_on);
        self.handed_on += points.len();
        if !points.is_empty() {
            emit(Event::Telemetry(stretch(&points)));
        }
    }

    /// Ends the watch; what it saw as events.
    pub fn stop(self, emit: &mut dyn FnMut(Event)) {
        let Some(telemetry) = self.telemetry else { return };
        let series = telemetry.stop();
        emit(Event::Telemetry(stretch(&series.points[self.handed_on.min(series.points.len())..])));
        let totals = TOTALS.iter().filter_map(|total| total.measure(&series.points, self.workload));
        totals.for_each(|total| emit(Event::Measured(total)));
        if self.workload == HEAVIEST {
            headlines(&series, self.gpus).into_iter().for_each(&mut *emit);
        }
        let kept = series.pinned.map_or("no CPU was free for it".to_owned(), |cpu| format!("kept on CPU {cpu}"));
        let cost = series.cost * 100.0;
        emit(Event::Warning(Warning::Note(format!("watching took {cost:.2} % of one CPU; {kept}"))));
    }
}

/// What a point tells of a metric.
type ReadPoint = fn(&Point) -> Option<f64>;

const GAUGES: [(&Definition, ReadPoint); 12] = [
    (&HOST_STEAL, |point| point.steal),
    (&HOST_OTHER_LOAD, |point| point.other),
    (&HOST_INTERRUPTS, |point| point.interrupts),
    (&HOST_INTERRUPTS_PER_SECOND, |point| a_second_of_many(point, point.interrupt_count)),
    (&HOST_FAULTS_PER_SECOND, |point| a_second_of_many(point, point.minor_faults)),
    (&HOST_LOAD, |point| point.load),
    (&HOST_CLOCK, |point| point.clock),
    (&HOST_HOTTEST, |point| point.hottest),
    (&HOST_HOTTEST_DRIVE, |point| point.hottest_drive),
    (&HOST_THROTTLES_PER_SECOND, |point| a_second(point, point.throttles)),
    (&HOST_MAJOR_FAULTS_PER_SECOND, |point| a_second(point, point.major_faults)),
    (&HOST_UNCORRECTED_ERRORS_PER_SECOND, |point| a_second(point, point.uncorrected)),
];

/// A count as a rate.
fn a_second(point: &Point, counted: Option<u64>) -> Option<f64> {
    let length = point.interval.seconds();
    counted.filter(|_| length > 0.0).map(|counted| counted as f64 / length)
}

/// The same of what happens all the time; an interval that the end cut short would make noise of it.
fn a_second_of_many(point: &Point, counted: Option<u64>) -> Option<f64> {
    a_second(point, counted).filter(|_| point.interval.seconds() >= SHORTEST_RATE)
}

/// Points as telemetry: the gauges that the host has, and its power by source.
fn stretch(points: &[Point]) -> Telemetry {
    let gauge = |definition: &Definition, labels: Labels, readings: Vec<Option<f64>>| {
        let there = readings.iter().any(Option::is_some);
        there.then(|| Gauge { metric: Metric::from(definition), labels, readings })
    };
    let gauges = GAUGES
        .iter()
        .filter_map(|(definition, reading)| gauge(definition, Labels::new(), points.iter().map(reading).collect()));
    let power = sources(points).into_iter().filter_map(|source| {
        let labels = Labels::from([("source".to_owned(), source.to_owned())]);
        gauge(&HOST_POWER, labels, points.iter().map(|point| watts(point, source)).collect())
    });
    Telemetry { clock: points.iter().map(|point| point.interval).collect(), gauges: gauges.chain(power).collect() }
}

/// A figure of the whole time: it counts what should not be.
struct Total {
    metric: &'static Definition,
    of: fn(&Point) -> Option<u64>,
}

const TOTALS: [Total; 5] = [
    Total { metric: &HOST_THROTTLES, of: |point| point.throttles },
    Total { metric: &HOST_MAJOR_FAULTS, of: |point| point.major_faults },
    Total { metric: &HOST_CORRECTED_ERRORS, of: |point| point.corrected },
    Total { metric: &HOST_UNCORRECTED_ERRORS, of: |point| point.uncorrected },
    Total { metric: &HOST_PCIE_ERRORS, of: |point| point.pcie_errors },
];

impl Total {
    /// The sum; nothing where no point tells.
    fn measure(&self, points: &[Point], workload: Workload) -> Option<Measurement> {
        let sum = points.iter().filter_map(self.of).reduce(u64::saturating_add)? as f64;
        let whole = Interval::hull_of(points.iter().map(|point| point.interval))?;
        let total = Measurement::new(self.metric, [Sample::timed(sum, whole)]);
        Some(total.label("workload", workload.name()))
    }
}

/// Sources of power, sorted.
fn sources(points: &[Point]) -> Vec<&str> {
    let mut sources: Vec<&str> =
        points.iter().flat_map(|point| point.watts.iter().map(|(name, _)| name.as_str())).collect();
    sources.sort_unstable();
    sources.dedup();
    sources
}

/// The power of one source in an interval.
fn watts(point: &Point, source: &str) -> Option<f64> {
    point.watts.iter().find(|(name, _)| name == source).map(|(_, watts)| *watts)
}

/// What the source of a processor's counter is called, before its number.
const PACKAGE: &str = "rapl package";
const NO_POWER_SENSOR: &str = "no power can be read here: not from the management controller (load ipmi_devintf and \
                               ipmi_si), not from ACPI's meter, and not by RAPL; each is for root";
const NO_HEAT_SENSOR: &str = "no temperature can be read here: neither the kernel (hwmon) nor the management controller \
                              (load ipmi_devintf and ipmi_si, and run as root) has a sensor of processor or drive";

const NO_PROCESSOR_COUNTER: &str = "the processors' counters of energy (RAPL) cannot be read here; they are for root";

/// The counters of the processors: a source for each package.
fn packages(points: &[Point]) -> Vec<String> {
    sources(points).into_iter().filter(|name| name.starts_with(PACKAGE)).map(ToOwned::to_owned).collect()
}

/// Which sources of power stand for the host in a series.
enum Draw {
    /// A sensor of the whole host.
    Whole(String),
    /// Parts that count their own: the host draws more.
    Parts(Vec<String>),
}

impl Draw {
    /// The management controller before ACPI's meter, which is that of the supplies too, before the sum of the parts.
    fn of(points: &[Point]) -> Option<Draw> {
        let names = sources(points);
        let holding = |part: &str| names.iter().find(|name| name.contains(part));
        if let Some(whole) = holding("bmc ").or_else(|| holding("power_meter")) {
            return Some(Draw::Whole((*whole).to_owned()));
        }
        // `psys` holds the packages too.
        let apart = |name: &str| [PACKAGE, "rapl dram", "nvml"].iter().any(|kind| name.starts_with(kind));
        let parts: Vec<String> = names.into_iter().filter(|name| apart(name)).map(ToOwned::to_owned).collect();
        (!parts.is_empty()).then_some(Draw::Parts(parts))
    }

    /// The power in an interval; nothing where a source of it did not answer.
    fn watts(&self, point: &Point) -> Option<f64> {
        match self {
            Draw::Whole(name) => watts(point, name),
            Draw::Parts(names) => names.iter().map(|name| watts(point, name)).sum(),
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
fn headlines(series: &Observations, gpus: usize) -> [Event; 3] {
    let sample = |(value, interval): (f64, Interval)| Sample::timed(value, interval);
    let hottest = series.sustained(|point| point.hottest).map(sample);
    let draw = Draw::of(&series.points);
    let watts = draw.as_ref().and_then(|draw| series.sustained(|point| draw.watts(point))).map(sample);
    let packages = Some(packages(&series.points)).filter(|packages| !packages.is_empty()).map(Draw::Parts);
    let processors = packages.as_ref().and_then(|packages| series.sustained(|point| packages.watts(point))).map(sample);
    let describe = |measurement: Measurement| {
        let described = draw.iter().fold(measurement, |measurement, draw| draw.describe(measurement));
        // This suite puts no load on GPUs, which a document counts among its peak.
        let idle = format!("a load of processors and memory, with {gpus} idle GPUs");
        described.warn((gpus > 0).then_some(Warning::Partial { covers: idle }))
    };
    [
        headline(&HOST_TEMPERATURE, hottest.into_iter().collect(), NO_HEAT_SENSOR, |it| it),
        headline(&HOST_POWER_PEAK, watts.into_iter().collect(), NO_POWER_SENSOR, describe),
        headline(&HOST_POWER_CPU, processors.into_iter().collect(), NO_PROCESSOR_COUNTER, |it| it),
    ]
}

/// The power of the host while nothing runs on any of its CPUs, tainted where something did.
fn idle_power(machine: &Machine) -> Event {
    let seen = |window| {
        let telemetry = Watcher::start(Watch::new(machine.topology.allowed.clone())).ok()?;
        sleep(window);
        Some(telemetry.stop().points)
    };
    // Nobody waits for a sensor that is not there.
    let there = seen(Duration::ZERO).is_some_and(|points| Draw::of(&points).is_some());
    idle(&if there { seen(IDLE_WINDOW) } else { None }.unwrap_or_default())
}

/// What an idle window tells, marked by its own telemetry: that of the workload begins after it.
fn idle(points: &[Point]) -> Event {
    let draw = Draw::of(points);
    let sample = |draw: &Draw, point: &Point| Some(Sample::timed(draw.watts(point)?, point.interval));
    let samples = draw.iter().flat_map(|draw| points.iter().filter_map(|point| sample(draw, point))).collect();
    let event = headline(&HOST_POWER_IDLE, samples, NO_POWER_SENSOR, |measurement| {
        draw.iter().fold(measurement, |measurement, draw| draw.describe(measurement))
    });
    let mut log = AttemptLog::begin(HEAVIEST, 0);
    log.take(event.clone());
    log.take(Event::Telemetry(stretch(points)));
    match log.end().outcomes.into_iter().next() {
        Some(Outcome::Measured(marked)) => Event::Measured(marked),
        Some(Outcome::NotMeasured(_)) | None => event,
    }
}

/// A figure without labels, which a target can name; without values it is told why.
fn headline(
    definition: &Definition,
    samples: Vec<Sample>,
    missing: &str,
    describe: impl FnOnce(Measurement) -> Measurement,
) -> Event {
    if samples.is_empty() {
        let reason = Reason::NoHardware(missing.to_owned());
        return Event::NotMeasured(NotMeasured::new(definition, Labels::new(), reason));
    }
    Event::Measured(describe(Measurement::new(definition, samples)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(watts: &[&[(&str, f64)]]) -> Vec<Point> {
        let points = watts.iter().zip(0_u32..).map(|(watts, second)| Point {
            watts: watts.iter().map(|(name, watts)| ((*name).to_owned(), *watts)).collect(),
            hottest: Some(60.0 + f64::from(second)),
            interrupt_count: Some(100),
            throttles: Some(1),
            ..Point::without_readings(Interval::new(
                u64::from(second) * 1_000_000_000,
                u64::from(second + 1) * 1_000_000_000,
            ))
        });
        points.collect()
    }

    /// The median, and the number of warnings.
    fn value(event: &Event) -> (Option<f64>, usize) {
        match event {
            Event::Measured(one) => (one.summary().map(|summary| summary.median), one.warnings.len()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_host_s_power_is_of_the_widest_source() {
        let check = |watts: &[(&str, f64)], gpus: usize, expect: Option<(f64, usize)>| {
            let of_packages = watts.iter().filter(|(name, _)| name.starts_with(PACKAGE)).map(|(_, watts)| *watts);
            let of_packages = of_packages.reduce(|one, other| one + other);
            let series = Observations { points: points(&[watts, watts]), ..Observations::default() };
            let [temperature, power, processors] = headlines(&series, gpus);
            match of_packages {
                Some(watts) => assert_eq!(value(&processors), (Some(watts), 0)),
                None => assert!(matches!(processors, Event::NotMeasured(_)), "{processors:?}"),
            }
            assert_eq!(value(&temperature), (Some(60.5), 0));
            match expect {
                Some((median, warnings)) => assert_eq!(value(&power), (Some(median), warnings), "{watts:?}"),
                None => assert!(matches!(power, Event::NotMeasured(_)), "{power:?}"),
            }
        };
        let parts = [("rapl package-0", 100.0), ("rapl dram of package-0", 20.0), ("rapl psys", 150.0)];
        check(&parts, 0, Some((120.0, 1)));
        check(&[("rapl package-0", 340.0), ("rapl package-1", 345.0)], 0, Some((685.0, 1)));
        let meter = [("hwmon power_meter power1", 450.0), ("rapl package-0", 100.0)];
        check(&meter, 0, Some((450.0, 0)));
        check(&meter, 4, Some((450.0, 1)));
        check(&[("bmc host (DCMI)", 451.0), ("hwmon power_meter power1", 449.0)], 0, Some((451.0, 0)));
        check(&[("hwmon amdgpu PPT", 30.0)], 0, None);
        check(&[], 0, None);
    }

    #[test]
    fn an_idle_window_says_what_it_covers_and_is_marked_where_the_host_was_not_idle() {
        let seen = points(&[&[("rapl package-0", 100.0)], &[("rapl package-0", 110.0)]]);
        let Event::Measured(idle) = idle(&seen) else { panic!("it is measured") };
        assert_eq!(idle.warnings, [Warning::Partial { covers: "rapl package-0".into() }]);
        assert_eq!(idle.context["covers"], "rapl package-0");
        assert_eq!(idle.samples.iter().map(|sample| sample.value).collect::<Vec<_>>(), [100.0, 110.0]);
        assert_eq!(idle.summary(), None, "a host that throttles is not idle");
    }

    #[test]
    fn gauges_are_readings_of_intervals_and_totals_are_sums() {
        let seen = points(&[&[], &[]]);
        let telemetry = stretch(&seen);
        let check = |definition: &Definition, expect: &[Option<f64>]| {
            let gauge = telemetry.gauges.iter().find(|gauge| gauge.metric.is(definition)).unwrap();
            assert_eq!(gauge.readings, expect, "{}", definition.id);
        };
        check(&HOST_INTERRUPTS_PER_SECOND, &[Some(100.0), Some(100.0)]);
        check(&HOST_THROTTLES_PER_SECOND, &[Some(1.0), Some(1.0)]);
        check(&HOST_HOTTEST, &[Some(60.0), Some(61.0)]);
        assert_eq!(telemetry.gauges.len(), 3, "what the host does not tell is no gauge");
        assert_eq!(telemetry.clock, seen.iter().map(|point| point.interval).collect::<Vec<_>>());
        let totals: Vec<Measurement> =
            TOTALS.iter().filter_map(|total| total.measure(&seen, Workload::Stream)).collect();
        let [throttles] = &totals[..] else { panic!("{totals:?}") };
        assert_eq!(throttles.id().to_string(), "host.throttles{workload=stream}");
        assert_eq!((throttles.samples[0].value, throttles.samples[0].interval.unwrap().seconds()), (2.0, 2.0));
    }
}
