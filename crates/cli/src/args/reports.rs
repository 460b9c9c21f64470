//! What was typed for what is handed on: reports and dossiers.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::completion;

#[derive(Debug, Args)]
pub(crate) struct DossierArgs {
    #[command(subcommand)]
    pub(crate) command: Option<DossierCommand>,
    #[command(flatten)]
    pub(crate) pack: Option<PackArgs>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DossierCommand {
    /// Judge a dossier again from its raw data alone: exit code 0 where it holds, 1 where it does not, 3 where records and verdict
    /// hold and another build rendered the rest
    #[command(
        after_help = "Examples:\n  hostproof dossier verify node7.tar.zst\n  hostproof dossier verify node7.tar.zst --key public.pem"
    )]
    Verify {
        /// The dossier
        file: PathBuf,
        /// The public key (PEM) that must have signed it
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// Take records and verdict for enough: what another build rendered need not be what this one renders
        #[arg(long)]
        records_only: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct PackArgs {
    /// Runs of one host: ids or the starts of them, folders, files, or `latest`
    #[arg(required = true, value_name = "RUN", add = completion::run())]
    pub(crate) runs: Vec<String>,
    /// The file to write, which must not be there yet; `-` is the standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// The Ed25519 private key (PKCS#8, PEM) to sign by
    #[arg(long, value_name = "FILE")]
    pub(crate) sign: Option<PathBuf>,
    /// Another specification than the last run's own: the id of a built-in system, or a TOML file
    #[arg(long, value_name = "ID|FILE", add = completion::specification())]
    pub(crate) spec: Option<String>,
    /// Where records are [default: results/ in a checkout, else the user's state folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("format").required(true).multiple(true))]
pub(crate) struct ReportArgs {
    /// Runs: ids or the starts of them, folders, files, or `latest`; those of one host are judged together, and several hosts
    /// are a page (--html)
    #[arg(required = true, value_name = "RUN", add = completion::run())]
    pub(crate) runs: Vec<String>,
    /// One self-contained page, to read and to sign; here and below `-` is the standard output
    #[arg(long, value_name = "FILE", group = "format")]
    pub(crate) html: Option<PathBuf>,
    /// OCP Test & Validation output 2.0, JSON lines
    #[arg(long, value_name = "FILE", group = "format")]
    pub(crate) ocptv: Option<PathBuf>,
    /// `JUnit` XML: a failure is below a demanded target, an error could not be measured, skipped decides nothing
    #[arg(long, value_name = "FILE", group = "format")]
    pub(crate) junit: Option<PathBuf>,
    /// Prometheus text for the textfile collector, written by rename
    #[arg(long, value_name = "FILE", group = "format")]
    pub(crate) prom: Option<PathBuf>,
    /// CSV, one line for each sample
    #[arg(long, value_name = "FILE", group = "format")]
    pub(crate) csv: Option<PathBuf>,
    /// Markdown summary
    #[arg(long, value_name = "FILE", group = "format")]
    pub(crate) md: Option<PathBuf>,
    /// Bencher Metric Format, JSON
    #[arg(long, value_name = "FILE", group = "format")]
    pub(crate) bmf: Option<PathBuf>,
    /// fio's JSON of what was measured of drives, for scripts that read it
    #[arg(long, value_name = "FILE", group = "format")]
    pub(crate) fio: Option<PathBuf>,
    /// STREAM's table of what was measured of memory
    #[arg(long, value_name = "FILE", group = "format")]
    pub(crate) stream: Option<PathBuf>,
    /// HPL's table of what was solved
    #[arg(long, value_name = "FILE", group = "format")]
    pub(crate) hpl: Option<PathBuf>,
    /// Show on the page what a vendor sent (imported records, by id or file); none of it decides anything
    #[arg(long, value_name = "IMPORTED", add = completion::imported(), requires = "html")]
    pub(crate) with: Vec<String>,
    /// Write also to a device or a pipe, and over a file that is no earlier report; a record is never written over
    #[arg(long)]
    pub(crate) force: bool,
    /// Another specification than the last run's own: the id of a built-in system, or a TOML file
    #[arg(long, value_name = "ID|FILE", add = completion::specification())]
    pub(crate) spec: Option<String>,
    /// Where records are [default: results/ in a checkout, else the user's state folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}
