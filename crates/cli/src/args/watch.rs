//! What was typed of the watch over a host.

use std::path::PathBuf;

use clap::Args;

use super::{DEFAULT_SPEC, Records};
use crate::completion;

/// Whom to tell of what breaks.
#[derive(Debug, Args)]
pub(crate) struct AlarmArgs {
    /// Renew this file once a minute, for the textfile collector of Prometheus' `node_exporter`
    #[arg(long, value_name = "FILE")]
    pub(crate) prom: Option<PathBuf>,
    /// Run this program at each event, without arguments: `HOSTPROOF_EVENT`, `_PART`, `_VALUE`, `_LIMIT`, `_AT` and `_SAYS` in its
    /// environment tell what, where, how much and when. Root runs none that others may write to
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) on_event: Option<PathBuf>,
    /// Seconds after which that program is ended
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) event_limit: u64,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// The specification whose limits hold: the id of a built-in system, or a TOML file
    #[arg(long, value_name = "ID|FILE", default_value = DEFAULT_SPEC, add = completion::specification())]
    pub(crate) spec: String,
    /// Seconds between two readings
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) interval: u64,
    #[command(flatten)]
    pub(crate) alarm: AlarmArgs,
    /// Show how drives wore from month to month, and when their endurance runs out, and watch nothing
    #[arg(long)]
    pub(crate) wear: bool,
    #[command(flatten)]
    pub(crate) records: Records,
    /// Where the host's `/proc`, `/sys` and `/dev` are
    #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
    pub(crate) root: PathBuf,
    /// End after so many readings
    #[arg(long, value_name = "COUNT", hide = true)]
    pub(crate) readings: Option<u64>,
}
