//! The binary `hostproof`: proves that a server delivers its documented numbers.

mod args;
mod build_info;
mod case;
mod commands;
mod exit;
mod failure;
mod grant;
mod history;
mod interrupt;
mod locations;
mod plan;
mod progress;
mod run;
mod scratch;
mod supervisor;
mod systemd_unit;
mod worker;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Arguments, Command};
use crate::exit::Exit;

fn main() -> ExitCode {
    if let Err(missing) = machine::isa::check_floor() {
        eprintln!("error: {missing}");
        return Exit::Unusable.into();
    }
    let typed = commands::disk::with_job_options(std::env::args_os());
    match dispatch(Arguments::parse_from(typed).command) {
        Ok(exit) => exit.into(),
        Err(error) if is_broken_pipe(&error) => Exit::Done.into(),
        Err(error) => {
            eprintln!("error: {}", failure::message(&error));
            Exit::Unusable.into()
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Run(args) => commands::run::run(&args, commands::run::Purpose::Measure),
        Command::Accept(args) => commands::run::run(&args, commands::run::Purpose::Gate),
        Command::Judge(args) => commands::judge::judge(&args),
        Command::Show(args) => commands::show::show(&args),
        Command::Diff(args) => commands::show::diff(&args),
        Command::Dossier(args) => commands::dossier::dossier(args),
        Command::Report(args) => commands::report::report(&args),
        Command::Audit(args) => commands::audit::audit(&args),
        Command::Spec { command } => commands::spec::spec(&command),
        Command::Plan(args) => commands::plan::plan(&args),
        Command::Inspect(args) => commands::inspect::inspect(&args),
        Command::Doctor(args) => commands::inspect::doctor(&args),
        Command::Disk(args) => commands::disk::disk(&args),
        Command::Features { arguments } => commands::features::features(&arguments),
        Command::Compare(args) => commands::compare::compare(&args),
        Command::Campaign { command } => commands::campaign::campaign(&command),
        Command::Noise(args) => commands::noise::noise(&args),
        Command::Trend(args) => commands::trend::trend(&args),
        Command::Baseline { command } => commands::baseline::baseline(&command),
        Command::Store { command } => commands::store::store(&command),
        Command::Worker => worker::serve(),
        Command::Manual { folder } => commands::manual::manual(&folder),
    }
}

/// Whether the reader of our output went away (`hostproof … | head`): that is no error.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
