//! One load, from its beginning until whoever started it ends it.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use dense::blas::Blas;
use machine::{Machine, Siblings, Team, place};
use measure::{Load, Pass, WrongResult};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::cores::Cores;
use crate::files::{Files, READS};
use crate::kernel::Kernel;
use crate::memory::Memory;

/// What a load works on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Which load.
    pub load: Load,
    /// Bytes of memory or of files.
    pub bytes: u64,
    /// Where files are made.
    pub folder: PathBuf,
    /// Rounds; without a number until it is ended.
    pub rounds: Option<u64>,
}

/// What a load tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// A pass has ended, all of which was compared.
    Pass(Pass),
    /// A result is wrong.
    Wrong(WrongResult),
}

/// Microseconds since 1970, from which rounds of files are counted: what an earlier load of the same soak left on the drive
/// must not fit. No round is as short as one.
fn since_1970() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or_default()
}

/// Runs a load; each pass is told when it has ended, and what was wrong in it before that.
///
/// # Errors
///
/// If it cannot be placed, there is too little room, or a drive does not answer. What is wrong is no error.
pub fn run(config: &Config, machine: &Machine, tell: &mut dyn FnMut(Told)) -> Result<(), Error> {
    machine.require_host()?;
    let rounds = 0..config.rounds.unwrap_or(u64::MAX);
    let mut tell_all = |(pass, wrong): (Pass, Vec<WrongResult>)| {
        for wrong in wrong {
            tell(Told::Wrong(wrong));
        }
        tell(Told::Pass(pass));
    };
    let team = || Ok::<Team, Error>(Team::start(&place(&machine.topology, Siblings::OnePerCore)?)?);
    match config.load {
        Load::Memory => {
            let team = team()?;
            let mut memory = Memory::map(&team, config.bytes, Kernel::widest())?;
            for round in rounds {
                Memory::steps(round).for_each(|step| tell_all(memory.pass(step)));
            }
        }
        Load::Cpu => {
            let team = team()?;
            let mut cores = Cores::prepare(&team, Blas::load()?)?;
            rounds.for_each(|round| tell_all(cores.round(round)));
        }
        Load::Disk => {
            let mut files = Files::create(&config.folder, config.bytes, Kernel::widest())?;
            let first = since_1970();
            for round in rounds {
                for pass in 0..=READS {
                    tell_all(files.pass(first.wrapping_add(round), pass == 0)?);
                }
            }
        }
    }
    Ok(())
}
