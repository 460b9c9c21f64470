//! `hostproof features …`: becomes `hostproof-tabular`, which holds Polars.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::exit::Exit;
use crate::locations;

pub(crate) fn features(arguments: &[OsString]) -> Result<Exit> {
    let program = locations::feature_worker()?;
    if !program.exists() {
        bail!("{} is not there; {}", program.display(), locations::HOW_TO_BUILD_FEATURES);
    }
    // Only a failure comes back.
    let error = Command::new(&program).args(arguments).exec();
    Err(error).with_context(|| format!("could not start {}", program.display()))
}
