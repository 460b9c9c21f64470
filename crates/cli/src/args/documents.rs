//! What was typed for documents: audit and specifications.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::DEFAULT_SPEC;
use crate::completion;

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// The specification: the id of a built-in system, or a TOML file
    #[arg(long, value_name = "ID|FILE", default_value = DEFAULT_SPEC, add = completion::specification())]
    pub(crate) spec: String,
    /// Only how many targets have which grade, and the grade of each
    #[arg(long, conflicts_with_all = ["json", "markdown"])]
    pub(crate) summary: bool,
    /// Print JSON, for machines
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,
    /// Print Markdown, for a letter to the vendor
    #[arg(long)]
    pub(crate) markdown: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SpecCommand {
    /// List the built-in systems
    #[command(after_help = "Example:\n  hostproof spec list")]
    List,
    /// Show what a specification says
    #[command(
        after_help = "Examples:\n  hostproof spec show PY-HPC-2024.Q3\n  hostproof spec show PY-HPC-2024.Q3 --coverage\n  hostproof spec show PY-HPC-2024.Q3 --toml > mine.toml\n  hostproof spec show my-server.toml"
    )]
    Show {
        /// The id of a built-in system, or a TOML file
        spec: String,
        /// Show instead where each statement of the document lives: criterion, finding, remark or prose
        #[arg(long)]
        coverage: bool,
        /// Print the specification itself, to copy and change
        #[arg(long, conflicts_with = "coverage")]
        toml: bool,
    },
    /// Check a specification file; errors name file, line and field
    #[command(after_help = "Example:\n  hostproof spec check my-server.toml")]
    Check {
        /// The TOML file
        file: PathBuf,
    },
    /// Write a specification for this host from its detected hardware
    #[command(after_help = "Example:\n  hostproof spec derive --id node7 > node7.toml")]
    Derive {
        /// The id of the new system
        #[arg(long, default_value = "this-host")]
        id: String,
    },
    /// Print the JSON Schema of the format
    #[command(after_help = "Example:\n  hostproof spec schema > spec.schema.json")]
    Schema,
    /// List the metrics that a target can name: unit, direction, what each means
    #[command(after_help = "Examples:\n  hostproof spec metrics\n  hostproof spec metrics --json")]
    Metrics {
        /// Print JSON, for machines
        #[arg(long)]
        json: bool,
    },
}
