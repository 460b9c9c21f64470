//! `hostproof report`: judged runs as a page to sign, and in the formats that other tools read.

use anyhow::{Context, Result, bail};
use measure::Run;
use report::{Judged, exchange, html};

use crate::args::ReportArgs;
use crate::case::{self, Case};
use crate::commands::{print, print_as_is};
use crate::exit::Exit;
use crate::history::History;
use crate::outfile::OutFile;

/// A format.
#[derive(Clone, Copy)]
struct Format {
    /// What was judged, in it.
    text: fn(&Judged<'_>) -> Result<String>,
    /// What stands in the first kilobytes of every report in it.
    mark: &'static str,
}

const HTML: Format =
    Format { text: |judged| Ok(html::page(judged)?), mark: "style-src 'unsafe-inline'; img-src data:" };
const OCPTV: Format = Format { text: |judged| Ok(exchange::ocptv(judged)?), mark: "\"schemaVersion\":" };
const JUNIT: Format = Format { text: |judged| Ok(exchange::junit(judged)?), mark: "name=\"hostproof\"" };
const CSV: Format = Format { text: |judged| Ok(exchange::csv(judged)?), mark: "run,host,boot,profile,workload," };
const MD: Format =
    Format { text: |judged| Ok(exchange::markdown(judged)?), mark: "| target | documented | document's" };
const BMF: Format = Format { text: |judged| Ok(exchange::bencher(judged)?), mark: "\"lower_value\":" };
const PROM: Format = Format { text: |judged| Ok(exchange::prometheus(judged)?), mark: "# HELP hostproof_" };

pub(crate) fn report(args: &ReportArgs) -> Result<Exit> {
    // Before anything is read: a path that cannot be written must not cost the time of judging.
    let outputs = open(args)?;
    let runs = args.runs.iter().map(|typed| case::find(typed, args.out.as_deref()));
    let runs = runs.collect::<Result<Vec<Run>>>()?;
    // One run has no sides, and needs no history.
    let store = (runs.len() > 1).then(|| History::at(args.out.as_deref())).transpose()?;
    let case = Case::of(runs, args.spec.as_deref(), store.as_ref())?;
    let judged = case.judged();
    let texts: Result<Vec<String>> = outputs.iter().map(|(_, format)| (format.text)(&judged)).collect();
    let stdout_is_taken = outputs.iter().any(|(output, _)| output.is_stdout());
    // All are made before any is put in its place.
    for ((output, _), text) in outputs.into_iter().zip(texts?) {
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

/// The files that were asked for, each in its format.
fn open(args: &ReportArgs) -> Result<Vec<(OutFile, Format)>> {
    let all = [
        (&args.html, HTML),
        (&args.ocptv, OCPTV),
        (&args.junit, JUNIT),
        (&args.csv, CSV),
        (&args.md, MD),
        (&args.bmf, BMF),
        (&args.prom, PROM),
    ];
    let mut outputs: Vec<(OutFile, Format)> = Vec::new();
    for (path, format) in all {
        let Some(path) = path else { continue };
        let output = OutFile::open(path, format.mark, args.force)?;
        if outputs.iter().any(|(other, _)| other.is_same_as(&output)) {
            bail!("two reports cannot go to {}: give each a file of its own", path.display());
        }
        outputs.push((output, format));
    }
    Ok(outputs)
}
