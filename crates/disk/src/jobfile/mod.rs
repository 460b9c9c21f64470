//! fio's job files: an INI format with `[global]` sections, `stonewall` and `include`.

mod arithmetic;
mod draft;
mod options;
mod text;
mod values;

use std::path::Path;

pub use options::{honoured, is_switch, not_honoured};
pub use text::Surroundings;

use crate::Error;
use crate::job::Job;
use draft::{JobDraft, check_engine};
use text::{SourceLine, collect};

/// What job files and options on the command line ask for.
#[derive(Clone, Debug, Default)]
pub struct JobFile {
    /// The options of the `[global]` sections, for the result.
    pub globals: Vec<(String, String)>,
    /// The jobs in order.
    pub jobs: Vec<Job>,
}

/// A job file's text, with the name by which messages and its own `include` lines find it.
#[derive(Clone, Copy, Debug)]
pub struct JobText<'a> {
    /// Where it was read from.
    pub path: &'a Path,
    /// What was read.
    pub text: &'a str,
}

/// The jobs of a job file's text, with relative names in `folder` and no variables.
///
/// ```
/// let jobs = disk::jobfile::parse("[global]\nbs=4k\nsize=1g\n[a]\nrw=randread\niodepth=32\n", "/scratch".as_ref())?;
/// assert_eq!((jobs[0].name.as_str(), jobs[0].queue.depth), ("a", 32));
/// # Ok::<(), disk::Error>(())
/// ```
pub fn parse(text: &str, folder: &Path) -> Result<Vec<Job>, Error> {
    let path = Path::new("job file");
    read(&[], &[JobText { path, text }], &Surroundings::at(folder)).map(|file| file.jobs)
}

/// The jobs of options as on fio's command line (`name=a`, `rw=read`), then those of job files. Options before the first
/// name are the defaults of all jobs, those of the first file too; each later file starts after the jobs before it.
pub fn read(options: &[String], files: &[JobText<'_>], surroundings: &Surroundings) -> Result<JobFile, Error> {
    let mut reader = Reader { surroundings, global: JobDraft::new(), found: JobFile::default() };
    reader.take_options(options)?;
    for (index, file) in files.iter().enumerate() {
        if index > 0 {
            reader.global = JobDraft::new();
        }
        let before = reader.found.jobs.len();
        reader.take_lines(collect(file.path, file.text, surroundings)?)?;
        if let (1.., Some(first)) = (index, reader.found.jobs.get_mut(before)) {
            first.stonewall = true;
        }
    }
    let found = reader.found;
    if found.jobs.is_empty() {
        let file = files.first().map_or_else(|| "command line".to_owned(), |file| file.path.display().to_string());
        let what = "no job defined: add a section such as [read], or --name=read".to_owned();
        return Err(Error::JobFile { file, line: 0, what });
    }
    check_waits(&found.jobs)?;
    Ok(found)
}

/// A section and its lines.
struct Section {
    head: SourceLine,
    name: String,
    lines: Vec<SourceLine>,
}

/// Sections one after the other.
struct Reader<'a> {
    surroundings: &'a Surroundings,
    global: JobDraft,
    found: JobFile,
}

impl Reader<'_> {
    /// Options of the command line: those before the first name are a global section.
    fn take_options(&mut self, options: &[String]) -> Result<(), Error> {
        let mut section =
            Section { head: SourceLine::argument(0, String::new()), name: "global".to_owned(), lines: Vec::new() };
        for (number, option) in (1..).zip(options) {
            let line = SourceLine::argument(number, self.surroundings.replace(option));
            if let ("name", Some(name)) = line.option() {
                let name = name.to_owned();
                let before = std::mem::replace(&mut section, Section { head: line, name, lines: Vec::new() });
                self.take(before)?;
            } else {
                section.lines.push(line);
            }
        }
        self.take(section)
    }

    fn take_lines(&mut self, lines: Vec<SourceLine>) -> Result<(), Error> {
        // Whose jobs they are comes before what is wrong with their options, which are those of that engine.
        for line in &lines {
            if let ("ioengine", Some(name)) = line.option()
                && !name.is_empty()
            {
                check_engine(name).map_err(|what| line.error(format!("ioengine: {what}")))?;
            }
        }
        let mut current: Option<Section> = None;
        for line in lines {
            if let Some(name) = line.section()? {
                let before = current.replace(Section { head: line, name, lines: Vec::new() });
                before.map_or(Ok(()), |section| self.take(section))?;
            } else if let Some(section) = &mut current {
                section.lines.push(line);
            } else {
                return Err(line.error(format!("`{}` comes before the first [section]", line.option().0)));
            }
        }
        current.map_or(Ok(()), |section| self.take(section))
    }

    /// Takes a section: the defaults where its name begins with "global", else a job.
    fn take(&mut self, section: Section) -> Result<(), Error> {
        let Section { head, name, lines } = section;
        let is_global = name.starts_with("global");
        let mut draft = self.global.clone();
        let options = || lines.iter().map(|line| (line, line.option()));
        for (line, (key, value)) in options() {
            draft.take_base(key, value).map_err(|what| line.error(what))?;
        }
        for (line, (key, value)) in options() {
            options::set(&mut draft, key, value).map_err(|what| line.error(what))?;
        }
        if is_global {
            self.found.globals.extend(draft.forget_options());
            self.global = draft;
        } else {
            self.found.jobs.push(draft.finish(&name, self.surroundings).map_err(|what| head.error(what))?);
        }
        Ok(())
    }
}

/// That a job waits only for one before it.
fn check_waits(jobs: &[Job]) -> Result<(), Error> {
    for (index, job) in jobs.iter().enumerate() {
        let Some(name) = &job.wait_for else { continue };
        if !jobs[..index].iter().any(|other| other.name == *name) {
            let why = format!("wait_for={name}: no job before it has this name");
            return Err(Error::Plan { job: job.name.clone(), why });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
