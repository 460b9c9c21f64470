//! `hostproof report`: judged runs as a page to sign, and in the formats that other tools read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use measure::{Run, binary_bytes};
use record::Store;
use report::{Judged, exchange, html};

use crate::args::ReportArgs;
use crate::case::{Case, Head, Source};
use crate::commands::{import, print, print_as_is};
use crate::exit::Exit;
use crate::history::History;
use crate::locations;
use crate::outfile::OutFile;

/// What makes a report of several hosts.
type OfHosts = fn(&[Judged<'_>]) -> Result<String>;

/// A format.
#[derive(Clone, Copy)]
struct Format {
    way: Way,
    /// What stands in the first kilobytes of every report in it.
    mark: &'static str,
}

/// How a format is made.
#[derive(Clone, Copy)]
enum Way {
    /// From what was judged.
    Judged {
        text: fn(&Judged<'_>) -> Result<String>,
        /// The same of several hosts.
        of_hosts: Option<OfHosts>,
    },
    /// From each run, while it is read: a thousand of them do not fit into memory.
    EachRun,
}

const HTML: Format = Format {
    way: Way::Judged { text: |judged| Ok(html::page(judged)?), of_hosts: Some(|hosts| Ok(html::hosts(hosts)?)) },
    mark: "style-src 'unsafe-inline'; img-src data:",
};
const OCPTV: Format = of_one(|judged| Ok(exchange::ocptv(judged)?), "\"schemaVersion\":");
const JUNIT: Format = of_one(|judged| Ok(exchange::junit(judged)?), "name=\"hostproof\"");
const CSV: Format = Format { way: Way::EachRun, mark: "run,host,boot,profile,workload," };
const MD: Format = of_one(|judged| Ok(exchange::markdown(judged)?), "| target | documented | document's");
const BMF: Format = of_one(|judged| Ok(exchange::bencher(judged)?), "\"lower_value\":");
const PROM: Format = of_one(|judged| Ok(exchange::prometheus(judged)?), "# HELP hostproof_");

const FIO: Format = of_one(|judged| Ok(exchange::fio(judged)?), "\"fio version\": \"hostproof-");
const STREAM: Format =
    of_one(|judged| Ok(exchange::stream(judged)?), "based on a variant of the STREAM benchmark code");
const HPL: Format = of_one(|judged| Ok(exchange::hpl(judged)?), "a proxy of HPL, not HPL");

const fn of_one(text: fn(&Judged<'_>) -> Result<String>, mark: &'static str) -> Format {
    Format { way: Way::Judged { text, of_hosts: None }, mark }
}

pub(crate) fn report(args: &ReportArgs) -> Result<Exit> {
    // Before anything is read: a path that cannot be written must not cost the time of judging.
    let outputs = open(wanted(args), args.force)?;
    let store = Store::at(&locations::results(args.out.as_deref())?);
    let head = |typed: &String| {
        let path = store.find(typed)?;
        Ok(Head::of(&record::head(&path)?, path))
    };
    let heads = args.runs.iter().map(head).collect::<Result<Vec<Head>>>()?;
    // One run has no sides, and needs no history.
    let history = (heads.len() > 1).then(|| History::of(store)).transpose()?;
    let hosts = by_host(heads);
    can_show(&outputs, &hosts)?;
    let names: Vec<&str> = hosts.keys().map(String::as_str).collect();
    let sent = import::sent(&args.with, args.out.as_deref(), &names)?;
    let of_each_run = outputs.iter().any(|(_, format)| matches!(format.way, Way::EachRun));
    let mut table = of_each_run.then(Table::begin).transpose()?;
    let mut cases = Vec::new();
    for heads in hosts.into_values() {
        let mut load = |head: &Head| Ok(record::read(&head.path)?);
        let mut seen = |run: &Run| table.as_mut().map_or(Ok(()), |table| table.push(run));
        let source = Source { heads, load: &mut load, seen: &mut seen };
        let mut case = Case::of(source, args.spec.as_deref(), history.as_ref())?;
        if let Some(last) = case.runs.last() {
            case.vendor = import::beside(&sent, last, &case.judgement);
        }
        cases.push(case);
    }
    finish(outputs, &cases, table)
}

/// Puts each report in its place; all are made before.
fn finish(outputs: Vec<(OutFile, Format)>, cases: &[Case], mut table: Option<Table>) -> Result<Exit> {
    let texts = outputs.iter().map(|(_, format)| text(*format, cases)).collect::<Result<Vec<Option<String>>>>()?;
    let stdout_is_taken = outputs.iter().any(|(output, _)| output.is_stdout());
    for ((output, _), text) in outputs.into_iter().zip(texts) {
        if output.is_stdout() {
            match (text, &mut table) {
                (Some(text), _) => print_as_is(&text)?,
                (None, Some(table)) => table.print()?,
                (None, None) => {}
            }
            continue;
        }
        let path = output.path().display().to_string();
        let written = match (&text, &mut table) {
            (None, Some(table)) => output.write(table.rows()?),
            (text, _) => output.write(text.as_deref().unwrap_or_default().as_bytes()),
        };
        let bytes = written.with_context(|| format!("could not write {path}"))?;
        if !stdout_is_taken {
            print(&format!("{path}: {}", binary_bytes(bytes as f64)))?;
        }
    }
    Ok(Exit::Done)
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
        let bytes = output.write(text.as_bytes()).with_context(|| format!("could not write {path}"))?;
        if !stdout_is_taken {
            print(&format!("{path}: {}", binary_bytes(bytes as f64)))?;
        }
    }
    Ok(Exit::Done)
}

/// The table of all samples, in a file without a name: of a thousand runs it does not fit into memory.
struct Table(File);

impl Table {
    fn begin() -> Result<Table> {
        let mut file = tempfile::tempfile().context("could not make a temporary file")?;
        file.write_all(exchange::csv_header().as_bytes())?;
        Ok(Table(file))
    }

    fn push(&mut self, run: &Run) -> Result<()> {
        self.0.write_all(exchange::csv_rows(run)?.as_bytes()).context("could not write to a temporary file")
    }

    /// Its text, from the beginning.
    fn rows(&mut self) -> io::Result<&mut File> {
        self.0.rewind()?;
        Ok(&mut self.0)
    }

    fn print(&mut self) -> Result<()> {
        /// Bytes that are printed together.
        const PART: usize = 1 << 20;
        let mut lines = BufReader::new(self.rows()?);
        loop {
            let mut part = String::new();
            while part.len() < PART && lines.read_line(&mut part)? > 0 {}
            if part.is_empty() {
                return Ok(());
            }
            print_as_is(&part)?;
        }
    }
}

/// The runs of each host, the hosts by name.
fn by_host(heads: Vec<Head>) -> BTreeMap<String, Vec<Head>> {
    let mut hosts: BTreeMap<String, Vec<Head>> = BTreeMap::new();
    for head in heads {
        hosts.entry(head.host.clone()).or_default().push(head);
    }
    hosts
}

/// Refuses several hosts in a format that shows one.
fn can_show(outputs: &[(OutFile, Format)], hosts: &BTreeMap<String, Vec<Head>>) -> Result<()> {
    let shows_several = |format: &Format| matches!(format.way, Way::Judged { of_hosts: Some(_), .. });
    if hosts.len() > 1 && !outputs.iter().all(|(_, format)| shows_several(format)) {
        let names: Vec<&str> = hosts.keys().map(String::as_str).collect();
        bail!(
            "the runs are of {} hosts ({}), and of the formats only the page (--html) shows several: give the runs of one",
            names.len(),
            names.join(", ")
        )
    }
    Ok(())
}

/// What is made from what was judged.
fn text(format: Format, cases: &[Case]) -> Result<Option<String>> {
    let Way::Judged { text, of_hosts } = format.way else { return Ok(None) };
    let judged: Vec<Judged<'_>> = cases.iter().map(Case::judged).collect();
    let text = match (judged.as_slice(), of_hosts) {
        (hosts @ [_, _, ..], Some(of_hosts)) => of_hosts(hosts),
        (hosts, _) => hosts.first().context("give at least one run").and_then(text),
    };
    text.map(Some)
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
        (&args.fio, FIO),
        (&args.stream, STREAM),
        (&args.hpl, HPL),
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
