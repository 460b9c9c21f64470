//! The documented protocol: everything is read, then decoded, then transformed ten times, then saved, all in memory.

use std::path::Path;

use super::input;
use super::output::Output;
use super::phases::Phases;
use super::tables::{STEPS, Tables};
use crate::{Dataset, Error};

pub(super) fn run(data: &Dataset, out: &Path, phases: &mut Phases) -> Result<(), Error> {
    let read = phases.time("load.read", || input::read(data))?;
    let mut tables = phases.time("load.decode", || Tables::decode(data, read))?;
    for (id, step) in STEPS {
        phases.time(id, || Ok(((), step(&mut tables)?)))?;
    }
    let output = phases.time("save.encode", || {
        let output = Output::create(out)?;
        let written = output.write(tables.into_chunks())?;
        Ok((output, written))
    })?;
    phases.time("save.sync", || Ok(((), output.finish()?)))
}
