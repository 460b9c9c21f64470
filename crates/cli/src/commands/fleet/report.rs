//! `hostproof fleet report`: a judged fleet as a page, and in the formats that other tools read.

use anyhow::Result;
use report::fleets::{self, JudgedFleet};
use report::{exchange, html};

use super::judge::judged;
use crate::args::FleetReportArgs;
use crate::commands::report::{open, write};
use crate::exit::Exit;

/// A fleet in a format, and what stands in the first kilobytes of every report in it.
#[derive(Clone, Copy)]
struct FleetFormat {
    text: fn(&JudgedFleet<'_>) -> Result<String>,
    mark: &'static str,
}

const HTML: FleetFormat =
    FleetFormat { text: |fleet| Ok(html::fleet(fleet)?), mark: "style-src 'unsafe-inline'; img-src data:" };
const CSV: FleetFormat =
    FleetFormat { text: |fleet| Ok(exchange::fleet_csv(fleet)?), mark: "fleet,node,answer,attempts," };
const JSON: FleetFormat = FleetFormat {
    text: |fleet| Ok(report::json::pretty(&fleets::judgement_json(fleet)) + "\n"),
    mark: "\"acceptance\":",
};
const PROM: FleetFormat =
    FleetFormat { text: |fleet| Ok(exchange::fleet_prometheus(fleet)), mark: "# HELP hostproof_" };
const JUNIT: FleetFormat = FleetFormat { text: |fleet| Ok(exchange::fleet_junit(fleet)?), mark: "name=\"hostproof\"" };

pub(super) fn report(args: &FleetReportArgs) -> Result<Exit> {
    let all = [(&args.html, HTML), (&args.csv, CSV), (&args.json, JSON), (&args.prom, PROM), (&args.junit, JUNIT)];
    let wanted = all.into_iter().filter_map(|(path, format)| Some((path.as_deref()?, format.mark, format)));
    // Before anything is read: a path that cannot be written must not cost the time of judging.
    let outputs = open(wanted, args.force)?;
    let (read, judged) = judged(&args.of)?;
    let fleet = JudgedFleet { name: &read.name, system: &read.specification.system, judgement: &judged };
    let texts = outputs.iter().map(|(_, format)| (format.text)(&fleet)).collect::<Result<Vec<String>>>()?;
    write(outputs.into_iter().map(|(output, _)| output), texts)
}
