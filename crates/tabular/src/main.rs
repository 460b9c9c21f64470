//! The program `hostproof-tabular`: the feature workload, which `hostproof features` and `hostproof run` start.

#[cfg(target_os = "linux")]
mod allocator;
mod args;
// The same facts as those of the other binary: build.rs is shared as well.
#[path = "../../cli/src/build_info.rs"]
mod build_info;
mod commands;
mod peer;
mod print;
mod scheduled;
mod worker;

use std::panic::catch_unwind;
use std::process::ExitCode;

use clap::Parser;
use tabular::panics;

use crate::args::{Arguments, Command};

/// Polars allocates large columns again and again.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

/// Wrong use, or it could not run; as README.md lists the exit codes.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    panics::keep_quiet();
    let done = catch_unwind(|| {
        machine::isa::check_floor().map_err(anyhow::Error::from).and_then(|()| dispatch(Arguments::parse().command))
    });
    let error = match done {
        Ok(Ok(code)) => return code,
        Ok(Err(error)) => format!("{error:#}"),
        Err(_) => format!("this program has a fault, please report it: {}", panics::last()),
    };
    print::note(&format!("error: {error}"));
    ExitCode::from(UNUSABLE)
}

fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Generate(args) => commands::generate(args),
        Command::Run(args) => commands::run(&args),
        Command::Plan(args) => commands::plan(&args),
        Command::Task(args) => commands::task(&args),
        Command::Tasks(args) => commands::tasks(&args),
        Command::Storage(args) => commands::storage(&args),
        Command::Verify(args) => commands::verify(&args),
        Command::Worker => worker::serve(),
    }
}
