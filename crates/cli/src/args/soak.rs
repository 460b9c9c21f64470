//! What was typed of a soak.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Command, FromArgMatches};
use measure::{Load, Profile, Workload};

use super::{AlarmArgs, DEFAULT_SPEC, Records, RunArgs};
use crate::completion;

/// What a soak keeps from its beginning to its end.
const OF_THE_PLAN: [&str; 9] = ["hours", "load", "only", "no_figures", "spec", "scratch", "memory", "files", "install"];

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "what is typed are switches that are independent")]
pub(crate) struct SoakArgs {
    /// Hours under load
    #[arg(long, value_name = "HOURS", value_parser = hours, required_unless_present_any = ["go_on", "status", "end"])]
    pub(crate) hours: Option<f64>,
    /// Go on with the soak that was stopped, or that a crash or power cut ended
    #[arg(long = "continue", conflicts_with_all = OF_THE_PLAN, conflicts_with_all = ["status", "end"])]
    pub(crate) go_on: bool,
    /// Show what the last soak has proved so far
    #[arg(long, conflicts_with_all = ["hours", "end"])]
    pub(crate) status: bool,
    /// End a soak that was stopped, with what it has proved
    #[arg(long, conflicts_with = "hours")]
    pub(crate) end: bool,
    /// Only these loads, separated by commas
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) load: Vec<Load>,
    /// The workloads whose figures are taken alone once an hour, in the quick profile
    #[arg(long, value_enum, value_delimiter = ',', default_value = "stream,dense", conflicts_with = "no_figures")]
    pub(crate) only: Vec<Workload>,
    /// Take no figures: loads alone
    #[arg(long)]
    pub(crate) no_figures: bool,
    /// The specification whose limits hold: the id of a built-in system, or a TOML file
    #[arg(long, value_name = "ID|FILE", default_value = DEFAULT_SPEC, add = completion::specification())]
    pub(crate) spec: String,
    /// The folder for the files of the disk load [default: where records go]
    #[arg(long, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
    /// Memory that is written and read back [default: nine tenths of what is available]
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<String>,
    /// Files of the disk load together [default: a fifth of what is free, 64 GiB at most]
    #[arg(long, value_name = "SIZE")]
    pub(crate) files: Option<String>,
    #[command(flatten)]
    pub(crate) alarm: AlarmArgs,
    /// Install a systemd unit that goes on with it at each boot; it is removed when the soak ends
    #[arg(long)]
    pub(crate) install: bool,
    /// Where systemd's units are
    #[arg(long, value_name = "DIR", default_value = "/etc/systemd/system", requires = "install")]
    pub(crate) unit_dir: PathBuf,
    /// Load this host although another measurement runs on it (or set the environment variable `HOSTPROOF_BESIDE`)
    #[arg(long)]
    pub(crate) beside: bool,
    /// Write also a page that draws the hours
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Print JSON instead of tables
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) records: Records,
    /// Seconds between two readings of the watch
    #[arg(long, value_name = "SECONDS", default_value = "10", hide = true, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub(crate) interval: u64,
    /// Seconds of one entry of the record
    #[arg(long, value_name = "SECONDS", default_value = "60", hide = true, value_parser = clap::value_parser!(u16).range(1..=600))]
    pub(crate) stretch: u16,
    /// Seconds under load after which figures are taken and the record is sealed
    #[arg(long, value_name = "SECONDS", default_value = "3600", hide = true, value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub(crate) hour: u16,
    /// How long the runs that take figures measure
    #[arg(long, value_enum, default_value = "quick", hide = true)]
    pub(crate) profile: Profile,
    /// Where the host's `/proc`, `/sys` and `/dev` are, for the watch
    #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
    pub(crate) root: PathBuf,
}

impl SoakArgs {
    /// A soak that follows an acceptance, with what was typed for that.
    pub(crate) fn after(run: &RunArgs, seconds: f64) -> Result<SoakArgs, clap::Error> {
        let hours = (seconds / 3600.0).to_string();
        let mut words: Vec<OsString> = ["soak", "--hours", &hours, "--spec", &run.spec].map(OsString::from).to_vec();
        for (option, folder) in [("--out", &run.out), ("--scratch", &run.scratch)] {
            words.extend(folder.iter().flat_map(|folder| [OsString::from(option), folder.into()]));
        }
        // The figures are there.
        words.push("--no-figures".into());
        words.extend(run.beside.then(|| "--beside".into()));
        SoakArgs::from_arg_matches(&SoakArgs::augment_args(Command::new("soak")).try_get_matches_from(words)?)
    }
}

/// More than nothing, and no more than a year.
fn hours(typed: &str) -> Result<f64, String> {
    let hours = typed.parse().ok().filter(|hours: &f64| *hours > 0.0 && *hours <= 8784.0);
    hours.ok_or_else(|| "it is a number of hours, more than 0".to_owned())
}
