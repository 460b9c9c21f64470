//! The lab: a virtual machine that says it is the documented system, and what must be seen in it.
//!
//! No machine of the developers has more than one NUMA node, an NVMe drive, a management controller or firmware tables.
//! Here QEMU states all of them, in software, so that the parts of the suite that matter most on the target are run on
//! every change. The emulator's speed says nothing, and no figure from here is judged against the document.
//!
//! The program has two halves: on the host it puts the machine together, boots it and asserts on what comes back
//! (`cases.rs` is the list); as the first process of the machine it sets the machine up and runs the steps (`guest.rs`).
#![expect(clippy::print_stderr, reason = "a tool of the developers: where nobody can be told, it may end")]

mod cases;
mod findings;
mod guest;
mod hardware;
mod image;
mod parts;
mod scenario;
mod sensors;
mod smbios;
mod vm;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

/// Boots virtual machines that say they are the documented system, and asserts on what the suite says in them.
#[derive(Debug, Parser)]
struct Args {
    /// All cases; without it only those that are marked short
    #[arg(long)]
    full: bool,
    /// Only these cases, by name
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// List the cases and end
    #[arg(long)]
    list: bool,
    /// The suite's program that is tried
    #[arg(long, value_name = "FILE")]
    hostproof: Option<PathBuf>,
    /// Where the kernel's package is kept, and where the machines are put together
    #[arg(long, value_name = "DIR")]
    cache: PathBuf,
}

fn main() -> ExitCode {
    if rustix::process::getpid() == rustix::process::Pid::INIT {
        guest::main();
    }
    match lab(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Runs the cases; whether all of them held.
fn lab(args: &Args) -> Result<bool> {
    let chosen = cases::choose(args.full, &args.only)?;
    if args.list {
        for case in cases::CASES {
            println!("{:18} {:6} {}", case.name, if case.short { "short" } else { "" }, case.about);
        }
        return Ok(true);
    }
    let hostproof = match &args.hostproof {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("hostproof"),
    };
    let parts = parts::Parts::gather(&args.cache, hostproof)?;
    let mut faults = 0;
    for case in &chosen {
        let started = std::time::Instant::now();
        let mut findings = findings::Findings::default();
        let folder = args.cache.join("machines").join(case.name);
        (case.run)(&parts, &folder, &mut findings)
            .with_context(|| format!("the case {} could not be run", case.name))?;
        println!("{:18} {} in {:.0} s", case.name, findings.summary(), started.elapsed().as_secs_f64());
        findings.wrong().for_each(|wrong| println!("    {wrong}"));
        if findings.wrong().next().is_some() {
            faults += 1;
            println!("    its machine is kept in {}", folder.display());
        } else {
            std::fs::remove_dir_all(&folder).with_context(|| format!("could not remove {}", folder.display()))?;
        }
    }
    println!("{} passed, {faults} failed", chosen.len() - faults);
    Ok(faults == 0)
}
