//! Commands that look at many runs: comparisons, campaigns, histories, and the store itself.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use record::Selector;

use crate::completion;

const SELECTION: &str = "Selections are terms with commas between them; terms of one kind are alternatives, terms of different kinds \
    must all hold:\n  \
    20260701T12               runs whose id begins so\n  \
    2026-07-01..2026-07-05    runs of these days (UTC)\n  \
    bios=1.2, bios=1.*        also microcode, kernel, cmdline, mitigations, zfs, bmc, nvme_fw\n  \
    tag=good, host=node7, profile=full, boot=…, config_id=…, platform_id=…, version=…\n  \
    baseline, latest\n";

/// What `compare` says below its options.
pub(crate) fn compare_help() -> String {
    format!(
        "{SELECTION}\nExamples:\n  hostproof compare --before bios=1.2 --after bios=1.3\n  hostproof compare --before baseline --after \
         microcode=0x2c,tag=quiet --json\n  hostproof compare --before 2026-07-01..2026-07-05 --after \
         2026-07-06..2026-07-10\n\nExit codes: 0 not worse · 1 a regression · 2 wrong use · 3 not decided · 4 not comparable, or \
         tainted"
    )
}

/// What commands with one selection say below their options.
pub(crate) fn selection_help(examples: &str) -> String {
    format!("{SELECTION}\nExamples:\n{examples}")
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// The runs before the update
    #[arg(long, value_name = "SEL", add = completion::selection())]
    pub(crate) before: Selector,
    /// The runs after it
    #[arg(long, value_name = "SEL", add = completion::selection())]
    pub(crate) after: Selector,
    /// The i-th boot before belongs with the i-th after, as in a campaign in the order ABBA
    #[arg(long)]
    pub(crate) paired: bool,
    /// Compare runs of one boot that were made in turn, for what changes without a reboot (a sysctl, a drive's firmware)
    #[arg(long, conflicts_with_all = ["paired", "all"])]
    pub(crate) within_boot: bool,
    /// Show every metric, also those that decide nothing and did not move
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) view: View,
}

/// By which specification, from where, and how to print.
#[derive(Debug, Args)]
pub(crate) struct View {
    /// Another specification for the margins than the newest run's own: the id of a built-in system, or a TOML file
    #[arg(long, value_name = "ID|FILE", add = completion::specification())]
    pub(crate) spec: Option<String>,
    /// Print JSON instead of tables
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) records: Records,
}

#[derive(Debug, Args)]
pub(crate) struct Records {
    /// Where records are [default: results/ in a checkout, else the user's state folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// `noise` and `trend`.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Which runs [default: all of the host of the newest one]
    #[arg(value_name = "SEL", add = completion::selection())]
    pub(crate) runs: Option<Selector>,
    #[command(flatten)]
    pub(crate) view: View,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BaselineCommand {
    /// Make these runs, all of one host, its baseline; nothing else ever moves it
    #[command(after_help = selection_help("  hostproof baseline set bios=1.2\n  hostproof baseline set tag=accepted"))]
    Set {
        /// The runs
        #[arg(value_name = "SEL", add = completion::selection())]
        runs: Selector,
        #[command(flatten)]
        records: Records,
    },
    /// Show the baseline of every host
    #[command(after_help = "Examples:\n  hostproof baseline show")]
    Show {
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        records: Records,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OrderName {
    /// Before, after, after, before, …: a drift of the host falls on both sides alike; the firmware is changed often
    #[value(name = "ABBA")]
    Abba,
    /// All before, then all after: one update only, and a drift of the host is taken for its effect
    #[value(name = "AABB")]
    Aabb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CampaignCommand {
    /// Begin a campaign on this host
    #[command(
        after_help = "Examples:\n  hostproof campaign start --boots 5 --order ABBA --before bios=1.2 --after bios=1.3 --install\n  \
                            hostproof campaign start --order AABB --after microcode=0x2c\n  \
                            hostproof campaign start --after bios=1.3 -- numactl --localalloc hostproof run --profile full"
    )]
    Start(StartArgs),
    /// Do what is next: measure this boot if it is the right one, else say what to do (exit code 3)
    #[command(after_help = "Examples:\n  hostproof campaign next")]
    Next {
        #[command(flatten)]
        records: Records,
    },
    /// Show what was done and what is next
    #[command(after_help = "Examples:\n  hostproof campaign status\n  hostproof campaign status --json")]
    Status {
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        records: Records,
    },
    /// Compare the boots before and after, and end the campaign; exit codes as those of `compare`
    #[command(after_help = "Examples:\n  hostproof campaign finish\n  hostproof campaign finish --abandon")]
    Finish {
        /// End it although boots are missing, without a verdict; the runs stay in the store
        #[arg(long)]
        abandon: bool,
        #[command(flatten)]
        view: View,
    },
}

#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// Boots on each side [default: 5; with --within-boot runs, 8]
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub(crate) boots: Option<u32>,
    /// Make runs in turn within this boot, for what changes without a reboot: a drive's firmware (`nvme_fw=`), or a
    /// sysctl (`sysctl.vm.swappiness=10`)
    #[arg(long, conflicts_with = "install")]
    pub(crate) within_boot: bool,
    /// In which order the boots are made
    #[arg(long, value_enum, ignore_case = true, default_value = "ABBA")]
    pub(crate) order: OrderName,
    /// What the host has before the update, such as bios=1.2 [default: the configuration that it has now]
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',')]
    pub(crate) before: Vec<String>,
    /// What it has after the update, such as bios=1.3
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', required = true)]
    pub(crate) after: Vec<String>,
    /// Install a systemd unit that runs `campaign next` at each boot; it is removed when the campaign ends
    #[arg(long)]
    pub(crate) install: bool,
    /// Where systemd's units are
    #[arg(long, value_name = "DIR", default_value = "/etc/systemd/system", requires = "install")]
    pub(crate) unit_dir: PathBuf,
    /// Where this host's /proc and /sys are; in a container, where its host's root is mounted
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub(crate) root: PathBuf,
    #[command(flatten)]
    pub(crate) records: Records,
    /// The command that measures a boot: it leaves a run of it in the store [default: hostproof run --profile full]
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// List runs
    #[command(after_help = selection_help("  hostproof store list\n  hostproof store list host=node7,2026-07-01..2026-07-31 --json"))]
    List {
        /// Which runs [default: all]
        #[arg(value_name = "SEL", add = completion::selection())]
        runs: Option<Selector>,
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        records: Records,
    },
    /// Show what a run is and what it measured, in brief
    #[command(after_help = "Examples:\n  hostproof store show latest")]
    Show {
        /// A run: its id or the start of it, or `latest`
        #[arg(add = completion::run())]
        run: String,
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        records: Records,
    },
    /// Check every record against the hash chain; exit code 1 where one was changed or is gone
    #[command(after_help = "Examples:\n  hostproof store verify")]
    Verify {
        #[command(flatten)]
        records: Records,
    },
    /// Remove runs by choice; the chain keeps that they were removed, and why
    #[command(
        after_help = "Examples:\n  hostproof store prune profile=smoke --why 'trial runs'         shows what would go\n  \
                            hostproof store prune profile=smoke --why 'trial runs' --yes   removes it"
    )]
    Prune {
        /// Which runs
        #[arg(value_name = "SEL", add = completion::selection())]
        runs: Selector,
        /// The reason, which is kept in the chain
        #[arg(long)]
        why: String,
        /// Remove them; without it they are only listed
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        records: Records,
    },
    /// Give runs a tag, for selections
    #[command(after_help = "Examples:\n  hostproof store tag latest accepted")]
    Tag {
        /// Which runs
        #[arg(value_name = "SEL", add = completion::selection())]
        runs: Selector,
        /// The tag
        #[arg(value_parser = tag, add = completion::tag())]
        tag: String,
        /// Take the tag away instead
        #[arg(long)]
        remove: bool,
        #[command(flatten)]
        records: Records,
    },
    /// Write a run to one file, to carry it to another store
    #[command(after_help = "Examples:\n  hostproof store export latest run.bundle")]
    Export {
        /// A run: its id or the start of it, or `latest`
        #[arg(add = completion::run())]
        run: String,
        /// The file, which must not be there yet
        file: PathBuf,
        #[command(flatten)]
        records: Records,
    },
    /// Take runs from exported files, or plain run.jsonl files
    #[command(after_help = "Examples:\n  hostproof store import run.bundle")]
    Import {
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        records: Records,
    },
    /// Build the index again from the records
    #[command(after_help = "Examples:\n  hostproof store reindex")]
    Reindex {
        #[command(flatten)]
        records: Records,
    },
}

/// A tag that can stand in a selection.
pub(crate) fn tag(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if !text.is_empty() && text.chars().all(good) {
        Ok(text.to_owned())
    } else {
        Err("a tag is made of letters, digits and - _ . :".to_owned())
    }
}
