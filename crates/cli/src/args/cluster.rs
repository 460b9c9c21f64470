//! Which workers of Dask the feature workload is measured on, as it was typed.

use std::path::PathBuf;

use clap::{Args, value_parser};

/// Workers of Dask for the feature workload.
#[derive(Debug, Args)]
pub(crate) struct ClusterArgs {
    /// Measure the feature workload on workers of Dask too, local:WORKERS of this host, those on slurm:NODES, or those of
    /// tcp://HOST:PORT
    #[arg(long, value_name = "CLUSTER", requires = "cluster_data")]
    pub(crate) cluster: Option<String>,
    /// The input of that, made by `hostproof features generate` where all workers see it at the same path; the results lie
    /// beside it until they are verified
    #[arg(long, value_name = "DIR", requires = "cluster")]
    pub(crate) cluster_data: Option<PathBuf>,
    /// The numbers of workers that are measured in turn [default: 1,2,4 and so on, and all]
    #[arg(long, value_name = "COUNTS", requires = "cluster", value_delimiter = ',', value_parser = value_parser!(u64).range(1..=1024))]
    pub(crate) cluster_workers: Vec<u64>,
    /// A Python with dask.distributed in the versions of the scheduler [default: an environment of its own, made once]
    #[arg(long, value_name = "PATH", requires = "cluster")]
    pub(crate) cluster_python: Option<PathBuf>,
    /// Where the workers' hosts have hostproof-tabular [default: at the path of this host's]
    #[arg(long, value_name = "PATH", requires = "cluster")]
    pub(crate) cluster_program: Option<PathBuf>,
}
