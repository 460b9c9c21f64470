//! The binary `hostproof`: proves that a server delivers its documented numbers.

mod alarm;
mod alone;
mod args;
mod build_info;
mod case;
mod commands;
mod completion;
mod exit;
mod failure;
mod grant;
mod history;
mod interrupt;
mod loads;
mod locations;
mod outfile;
mod output;
mod plan;
mod progress;
mod run;
mod scratch;
mod supervisor;
mod systemd_unit;
mod trust;
mod worker;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::args::{Arguments, Command};
use crate::exit::Exit;

fn main() -> ExitCode {
    if let Err(missing) = machine::isa::check_floor() {
        output::say_error(&missing.into());
        return Exit::Unusable.into();
    }
    interrupt::write_errors_instead_of_signals();
    completion::answer_a_shell(Arguments::command);
    let arguments = match parsed() {
        Err(wrong) if wrong.use_stderr() => {
            // What was typed is in it.
            output::say(wrong.render().to_string().trim_end());
            return Exit::Unusable.into();
        }
        Err(help) => help.exit(),
        Ok(arguments) => arguments,
    };
    output::set(arguments.output);
    match dispatch(arguments.command) {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::say_error(&error);
            Exit::Unusable.into()
        }
    }
}

/// What was typed.
fn parsed() -> Result<Arguments, clap::Error> {
    let typed = commands::disk::with_job_options(std::env::args_os());
    let matches = args::grouped(Arguments::command(), output::look().width).try_get_matches_from(typed)?;
    Arguments::from_arg_matches(&matches)
}

fn dispatch(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Run(args) => commands::run::run(&args),
        Command::Accept(args) => commands::accept::accept(&args),
        Command::Import(args) => commands::import::import(&args),
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
        Command::Fleet { command } => commands::fleet::fleet(&command),
        Command::Noise(args) => commands::noise::noise(&args),
        Command::Trend(args) => commands::trend::trend(&args),
        Command::Baseline { command } => commands::baseline::baseline(&command),
        Command::Soak(args) => commands::soak::soak(&args),
        Command::Load => loads::serve(),
        Command::Watch(args) => commands::watch::watch(&args),
        Command::Store { command } => commands::store::store(&command),
        Command::Schema { command } => commands::schema::schema(&command),
        Command::Completions { shell } => commands::manual::completions(shell),
        Command::Worker => worker::serve(),
        Command::Manual { folder } => commands::manual::manual(&folder),
    }
}
