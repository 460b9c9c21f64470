//! `hostproof report`: judged runs as a page to sign, and in the formats that other tools read.

use std::fs::{File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use measure::Run;
use report::{Judged, exchange, html};
use tempfile::NamedTempFile;

use crate::args::ReportArgs;
use crate::case::{self, Case};
use crate::commands::print;
use crate::exit::Exit;
use crate::history::History;

/// A format, as a function from what was judged to a text.
type Format = fn(&Judged<'_>) -> Result<String>;

pub(crate) fn report(args: &ReportArgs) -> Result<Exit> {
    // Before anything is read: a path that cannot be written must not cost the time of judging.
    let outputs = open(args)?;
    let runs = args.runs.iter().map(|typed| case::find(typed, args.out.as_deref()));
    let runs = runs.collect::<Result<Vec<Run>>>()?;
    // One run has no sides, and needs no history.
    let store = (runs.len() > 1).then(|| History::at(args.out.as_deref())).transpose()?;
    let case = Case::of(runs, args.spec.as_deref(), store.as_ref())?;
    let judged = case.judged();
    for (output, format) in outputs {
        let text = format(&judged)?;
        let path = output.path().display().to_string();
        output.write(&text).with_context(|| format!("could not write {path}"))?;
        print(&format!("{path}: {} bytes", text.len()))?;
    }
    Ok(Exit::Done)
}

/// The files that were asked for, opened.
fn open(args: &ReportArgs) -> Result<Vec<(Output, Format)>> {
    let all: [(&Option<PathBuf>, Format); 6] = [
        (&args.html, |judged| Ok(html::page(judged)?)),
        (&args.ocptv, |judged| Ok(exchange::ocptv(judged)?)),
        (&args.junit, |judged| Ok(exchange::junit(judged)?)),
        (&args.csv, |judged| Ok(exchange::csv(judged)?)),
        (&args.md, |judged| Ok(exchange::markdown(judged)?)),
        (&args.bmf, |judged| Ok(exchange::bencher(judged)?)),
    ];
    let mut outputs: Vec<(Output, Format)> = Vec::new();
    for (path, format) in all {
        if let Some(path) = path {
            outputs.push((Output::open(path)?, format));
        }
    }
    if let Some(path) = &args.prom {
        outputs.push((Output::open_for_rename(path)?, |judged| Ok(exchange::prometheus(judged)?)));
    }
    Ok(outputs)
}

/// A file that will be written when all is judged.
enum Output {
    /// In place; what it held is there until then.
    InPlace(File, PathBuf),
    /// Beside it, to be renamed, so that a collector never reads half of it.
    Rename(NamedTempFile, PathBuf),
}

impl Output {
    fn open(path: &Path) -> Result<Output> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        Ok(Output::InPlace(
            file.with_context(|| format!("could not open {} for writing", path.display()))?,
            path.into(),
        ))
    }

    fn open_for_rename(path: &Path) -> Result<Output> {
        if path.is_dir() {
            bail!("could not open {} for writing: it is a folder", path.display());
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // The collector is another user: it must be able to read the file.
        let readable = Permissions::from_mode(0o644);
        let file = tempfile::Builder::new().prefix(".hostproof-").permissions(readable).tempfile_in(folder);
        let file = file.with_context(|| format!("could not open a file beside {} for writing", path.display()))?;
        Ok(Output::Rename(file, path.into()))
    }

    fn path(&self) -> &Path {
        match self {
            Output::InPlace(_, path) | Output::Rename(_, path) => path,
        }
    }

    fn write(self, text: &str) -> Result<()> {
        match self {
            Output::InPlace(mut file, _) => {
                // A pipe or a terminal has no length.
                if file.metadata()?.is_file() {
                    file.set_len(0)?;
                }
                file.write_all(text.as_bytes())?;
            }
            Output::Rename(mut file, path) => {
                file.write_all(text.as_bytes())?;
                file.as_file().sync_all()?;
                file.persist(path)?;
            }
        }
        Ok(())
    }
}
