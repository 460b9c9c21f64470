//! The documented protocol: everything is read, then decoded, then transformed ten times, then saved, all in memory.

use super::input;
use super::output::Output;
use super::phases::Phases;
use super::tables::{STEPS, Tables};
use crate::{Dataset, Error};

pub(super) fn run(data: &Dataset, output: Output, phases: &mut Phases) -> Result<(), Error> {
    let read = phases.time("load.read", || input::read(data))?;
    let mut tables = phases.time("load.decode", || Tables::decode(data, read))?;
    for (id, step) in STEPS {
        phases.time(id, || Ok(((), step(&mut tables)?)))?;
    }
    phases.time("save.encode", || Ok(((), output.write(tables.into_chunks())?)))?;
    phases.time("save.sync", || Ok(((), output.finish()?)))
}
