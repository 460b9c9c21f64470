//! The documented protocol: everything is read, then decoded, then transformed ten times, then saved, all in memory.

use super::input;
use super::output::{Output, row_groups_a_file};
use super::phases::Phases;
use super::tables::{STEPS, Tables};
use crate::{Dataset, Error};

pub(super) fn run(data: &Dataset, output: Output, phases: &mut Phases) -> Result<(), Error> {
    let read = phases.time("load.read", || input::read(data))?;
    let mut tables = phases.time("load.decode", || Tables::decode(data, read))?;
    for (id, step) in STEPS {
        phases.time(id, || Ok(((), step(&mut tables)?)))?;
    }
    phases.time("save.encode", || {
        let mut chunks = tables.into_chunks();
        let a_file = row_groups_a_file(chunks.len());
        let mut files = Vec::new();
        while !chunks.is_empty() {
            let rest = chunks.split_off(a_file.min(chunks.len()));
            // A chunk is freed when it is written.
            files.push(std::mem::replace(&mut chunks, rest).into_iter().map(|chunk| Ok(chunk.frame)));
        }
        Ok(((), output.write_files(files)?))
    })?;
    phases.time("save.sync", || output.finish())?.remove_older()
}
