//! What was typed of the results of other tools.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// What tools printed, a file each
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The tool whose output they are [default: by what stands in them]
    #[arg(long = "as", value_enum, value_name = "TOOL")]
    pub(crate) tool: Option<ToolName>,
    /// The host that they are of [default: this one]
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,
    /// Where records go [default: results/ in a checkout, else the user's state folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}

/// A tool whose output is read.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ToolName {
    /// fio's JSON
    Fio,
    /// STREAM's text
    Stream,
    /// HPL's text
    Hpl,
    /// The text of the HPC Challenge suite
    Hpcc,
    /// likwid-bench's text
    LikwidBench,
    /// What stress-ng says of its stressor `stream`
    StressNg,
    /// The text of Intel's Memory Latency Checker
    Mlc,
    /// The file of results of `PassMark`'s `PerformanceTest` for Linux
    Passmark,
    /// The text of NVIDIA's nvbandwidth
    Nvbandwidth,
    /// The JSON of `dcgmi diag -j`
    Dcgm,
}

impl From<ToolName> for import::Format {
    fn from(name: ToolName) -> import::Format {
        match name {
            ToolName::Fio => import::Format::Fio,
            ToolName::Stream => import::Format::Stream,
            ToolName::Hpl => import::Format::Hpl,
            ToolName::Hpcc => import::Format::Hpcc,
            ToolName::LikwidBench => import::Format::LikwidBench,
            ToolName::StressNg => import::Format::StressNg,
            ToolName::Mlc => import::Format::Mlc,
            ToolName::Passmark => import::Format::PassMark,
            ToolName::Nvbandwidth => import::Format::Nvbandwidth,
            ToolName::Dcgm => import::Format::Dcgm,
        }
    }
}
