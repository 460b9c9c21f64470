//! `hostproof report`: judged runs as a page to sign, and in the formats that other tools read.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use measure::Run;
use report::{Judged, exchange, html};

use crate::args::ReportArgs;
use crate::case::{self, Case};
use crate::commands::{print, print_as_is};
use crate::exit::Exit;
use crate::history::History;
use crate::outfile::OutFile;

/// What makes a report of several hosts.
type OfHosts = fn(&[Judged<'_>]) -> Result<String>;

/// A format.
#[derive(Clone, Copy)]
struct Format {
    /// What was judged, in it.
    text: fn(&Judged<'_>) -> Result<String>,
    /// Several hosts in it.
    of_hosts: Option<OfHosts>,
    /// What stands in the first kilobytes of every report in it.
    mark: &'static str,
}

const HTML: Format = Format {
    of_hosts: Some(|hosts| Ok(html::hosts(hosts)?)),
    ..of_one(|judged| Ok(html::page(judged)?), "style-src 'unsafe-inline'; img-src data:")
};
const OCPTV: Format = of_one(|judged| Ok(exchange::ocptv(judged)?), "\"schemaVersion\":");
const JUNIT: Format = of_one(|judged| Ok(exchange::junit(judged)?), "name=\"hostproof\"");
const CSV: Format = of_one(|judged| Ok(exchange::csv(judged)?), "run,host,boot,profile,workload,");
const MD: Format = of_one(|judged| Ok(exchange::markdown(judged)?), "| target | documented | document's");
const BMF: Format = of_one(|judged| Ok(exchange::bencher(judged)?), "\"lower_value\":");
const PROM: Format = of_one(|judged| Ok(exchange::prometheus(judged)?), "# HELP hostproof_");

const fn of_one(text: fn(&Judged<'_>) -> Result<String>, mark: &'static str) -> Format {
    Format { text, of_hosts: None, mark }
}

pub(crate) fn report(args: &ReportArgs) -> Result<Exit> {
    // Before anything is read: a path that cannot be written must not cost the time of judging.
    let outputs = open(wanted(args), args.force)?;
    let runs = args.runs.iter().map(|typed| case::find(typed, args.out.as_deref()));
    let runs = runs.collect::<Result<Vec<Run>>>()?;
    // One run has no sides, and needs no history.
    let store = (runs.len() > 1).then(|| History::at(args.out.as_deref())).transpose()?;
    let cases = by_host(runs).map(|runs| Case::of(runs, args.spec.as_deref(), store.as_ref()));
    let cases = cases.collect::<Result<Vec<Case>>>()?;
    let texts = outputs.iter().map(|(_, format)| text(*format, &cases)).collect::<Result<Vec<String>>>()?;
    write(outputs.into_iter().map(|(output, _)| output), texts)
}

/// Puts texts in their places, once all are made.
pub(crate) fn write(outputs: impl Iterator<Item = OutFile>, texts: Vec<String>) -> Result<Exit> {
    let outputs: Vec<OutFile> = outputs.collect();
    let stdout_is_taken = outputs.iter().any(OutFile::is_stdout);
    for (output, text) in outputs.into_iter().zip(texts) {
        if output.is_stdout() {
            print_as_is(&text)?;
            continue;
        }
        let path = output.path().display().to_string();
        output.write(text.as_bytes()).with_context(|| format!("could not write {path}"))?;
        if !stdout_is_taken {
            print(&format!("{path}: {} bytes", text.len()))?;
        }
    }
    Ok(Exit::Done)
}

/// The runs of each host, the hosts by name.
fn by_host(runs: Vec<Run>) -> impl Iterator<Item = Vec<Run>> {
    let mut hosts: BTreeMap<String, Vec<Run>> = BTreeMap::new();
    for run in runs {
        hosts.entry(run.host.clone()).or_default().push(run);
    }
    hosts.into_values()
}

fn text(format: Format, cases: &[Case]) -> Result<String> {
    let judged: Vec<Judged<'_>> = cases.iter().map(Case::judged).collect();
    match (judged.as_slice(), format.of_hosts) {
        ([one], _) => (format.text)(one),
        (hosts, Some(of_hosts)) => of_hosts(hosts),
        (hosts, None) => {
            let names: Vec<&str> = hosts.iter().map(|one| one.judgement.host.as_str()).collect();
            bail!(
                "the runs are of {} hosts ({}), and of the formats only the page (--html) shows several: give the runs of one",
                names.len(),
                names.join(", ")
            )
        }
    }
}

/// The files that were asked for, each in its format.
fn wanted(args: &ReportArgs) -> impl Iterator<Item = (&Path, &'static str, Format)> {
    let all = [
        (&args.html, HTML),
        (&args.ocptv, OCPTV),
        (&args.junit, JUNIT),
        (&args.csv, CSV),
        (&args.md, MD),
        (&args.bmf, BMF),
        (&args.prom, PROM),
    ];
    all.into_iter().filter_map(|(path, format)| Some((path.as_deref()?, format.mark, format)))
}

/// Opens files by what stands in earlier reports of their format; no two of them are one.
pub(crate) fn open<'a, F>(
    wanted: impl Iterator<Item = (&'a Path, &'static str, F)>,
    force: bool,
) -> Result<Vec<(OutFile, F)>> {
    let mut outputs: Vec<(OutFile, F)> = Vec::new();
    for (path, mark, format) in wanted {
        let output = OutFile::open(path, mark, force)?;
        if outputs.iter().any(|(other, _)| other.is_same_as(&output)) {
            bail!("two reports cannot go to {}: give each a file of its own", path.display());
        }
        outputs.push((output, format));
    }
    Ok(outputs)
}
