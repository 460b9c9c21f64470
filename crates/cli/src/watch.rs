//! What happened to the host while a workload ran: taints for its samples, and load, clock, temperature and power as
//! metrics of their own.

use std::thread::sleep;
use std::time::Duration;

use machine::telemetry::{Point, Series, Telemetry, Watch};
use machine::{CpuSet, Machine, Siblings, place};
use measure::{
    Event, Labels, Measurement, Metric, MetricId, NotMeasured, Outcome, Reason, Taint, Unit, Warning, Workload,
};

/// CPU time is counted in hundredths of a second: a shorter window says little.
const SHORTEST_WINDOW: f64 = 0.5;
/// How long an idle host is watched for its power.
const IDLE_WINDOW: Duration = Duration::from_secs(5);

/// A watch over one workload.
pub(crate) struct Watched {
    workload: Workload,
    telemetry: Option<Telemetry>,
    /// When the last outcome came, in seconds after the start.
    since: f64,
}

impl Watched {
    /// Begins to watch the CPUs of the workers. A host that cannot be watched is measured all the same.
    pub(crate) fn start(workload: Workload, machine: &Machine) -> Watched {
        let workers = place(&machine.topology, Siblings::OnePerCore).unwrap_or_default();
        let cpus = workers.iter().map(|worker| worker.cpu).collect();
        Watched { workload, telemetry: Telemetry::start(Watch::new(cpus)).ok(), since: 0.0 }
    }

    /// Taints what was measured since the last outcome where the host was disturbed meanwhile.
    pub(crate) fn judge(&mut self, event: &mut Event) {
        let (Some(telemetry), Event::Outcome(Outcome::Measured(measurement))) = (&self.telemetry, event) else {
            return;
        };
        let now = telemetry.started.elapsed().as_secs_f64();
        let from = self.since.min(now - SHORTEST_WINDOW).max(0.0);
        self.since = now;
        let taints = telemetry.taints(from);
        let Some(taint) = taints.into_iter().find(|taint| counts(self.workload, taint)) else { return };
        for sample in &mut measurement.samples {
            sample.taint.get_or_insert_with(|| taint.clone());
        }
    }

    /// Ends the watch; what it saw as events.
    pub(crate) fn finish(self) -> Vec<Event> {
        let Some(telemetry) = self.telemetry else { return Vec::new() };
        let series = telemetry.stop();
        let name = self.workload.name();
        let mut events: Vec<_> = GAUGES.iter().filter_map(|gauge| gauge.event(&series, name)).collect();
        events.extend(power(&series, name));
        if self.workload == HEAVIEST {
            events.extend(headlines(&series));
        }
        let kept = series.pinned.map_or("no CPU was free for it".to_owned(), |cpu| format!("kept on CPU {cpu}"));
        let cost = series.cost * 100.0;
        events.push(Event::Warning(Warning::Note(format!("watching took {cost:.2} % of one CPU; {kept}"))));
        events
    }
}

/// What the kernel's own threads do for the disk workload is its work, and no other load.
fn counts(workload: Workload, taint: &Taint) -> bool {
    !(workload == Workload::Disk && matches!(taint, Taint::CpuTaken { by, .. } if by == "other processes"))
}

/// The workload under which the documented peak power and temperature are looked for.
const HEAVIEST: Workload = Workload::Dense;

/// A figure of each interval.
struct Gauge {
    metric: &'static str,
    unit: Unit,
    of: fn(&Point) -> Option<f64>,
}

const GAUGES: [Gauge; 5] = [
    Gauge { metric: "host.steal", unit: Unit::Ratio, of: |point| point.steal },
    Gauge { metric: "host.other_load", unit: Unit::Ratio, of: |point| point.other },
    Gauge { metric: "host.interrupts", unit: Unit::Ratio, of: |point| point.interrupts },
    Gauge { metric: "host.clock", unit: Unit::Hertz, of: |point| point.clock },
    Gauge { metric: "host.hottest", unit: Unit::Celsius, of: |point| point.hottest },
];

impl Gauge {
    fn event(&self, series: &Series, workload: &str) -> Option<Event> {
        let values: Vec<f64> = series.points.iter().filter_map(self.of).collect();
        let metric = Metric::lower(self.metric, self.unit);
        (!values.is_empty()).then(|| measured(Measurement::new(metric, values).label("workload", workload)))
    }
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

const NO_POWER_SENSOR: &str = "no sensor of the whole host's power can be read";

/// The figures that documented limits name. Only a sensor of the whole host can stand beside them.
fn headlines(series: &Series) -> Vec<Event> {
    let hottest: Vec<f64> = series.points.iter().filter_map(|point| point.hottest).collect();
    let whole: Vec<f64> = series.points.iter().filter_map(whole_host).collect();
    vec![
        headline("host.temperature", Unit::Celsius, hottest, "no temperature sensor can be read on this host"),
        headline("host.power.peak", Unit::Watt, whole, NO_POWER_SENSOR),
    ]
}

/// The power of the host before the heaviest workload starts; nothing before the others.
pub(crate) fn idle_power(workload: Workload) -> Option<Event> {
    let seen = |window| {
        let telemetry = Telemetry::start(Watch::new(CpuSet::default())).ok()?;
        sleep(window);
        Some(telemetry.stop())
    };
    let watts = |series: Option<Series>| -> Vec<f64> {
        series.iter().flat_map(|series| &series.points).filter_map(whole_host).collect()
    };
    if workload != HEAVIEST {
        return None;
    }
    let there = !watts(seen(Duration::ZERO)).is_empty();
    let values = if there { watts(seen(IDLE_WINDOW)) } else { Vec::new() };
    Some(headline("host.power.idle", Unit::Watt, values, NO_POWER_SENSOR))
}

/// The power of the whole host: ACPI's power meter is that of the supplies.
fn whole_host(point: &Point) -> Option<f64> {
    point.watts.iter().find(|(name, _)| name.contains("power_meter")).map(|(_, watts)| *watts)
}

fn headline(name: &str, unit: Unit, values: Vec<f64>, missing: &str) -> Event {
    if values.is_empty() {
        let id = MetricId { name: name.to_owned(), labels: Labels::new() };
        return Event::Outcome(Outcome::NotMeasured(NotMeasured {
            id,
            reason: Reason::NoHardware(missing.to_owned()),
        }));
    }
    measured(Measurement::new(Metric::lower(name, unit), values))
}

fn measured(measurement: Measurement) -> Event {
    Event::Outcome(Outcome::Measured(measurement))
}
