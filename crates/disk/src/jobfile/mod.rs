//! fio's job files: an INI format with `[global]` sections, `stonewall` and `include`.

mod options;
mod values;

use std::path::Path;

pub use options::{honoured, not_honoured};

use crate::Error;
use crate::job::Job;
use options::JobDraft;

/// Maximum include depth.
const MAX_INCLUDE_DEPTH: usize = 8;
/// Maximum number of included files: each may include as many as it has lines.
const MAX_INCLUDES: usize = 1000;
/// Maximum size of an included file in bytes.
const MAX_INCLUDE_SIZE: u64 = 1 << 20;

/// A line with an option or a section, and where it came from.
struct SourceLine {
    file: String,
    number: usize,
    text: String,
}

impl SourceLine {
    fn error(&self, what: impl Into<String>) -> Error {
        Error::JobFile { file: self.file.clone(), line: self.number, what: what.into() }
    }
}

/// The jobs of a job file's text. Relative paths in it, those of included files too, are relative to `dir`.
///
/// ```
/// let jobs = disk::jobfile::parse("[global]\nbs=4k\nsize=1g\n[a]\nrw=randread\niodepth=32\n", "/scratch".as_ref())?;
/// assert_eq!((jobs[0].name.as_str(), jobs[0].queue.depth), ("a", 32));
/// # Ok::<(), disk::Error>(())
/// ```
pub fn parse(text: &str, dir: &Path) -> Result<Vec<Job>, Error> {
    let lines = lines_of(text, dir)?;
    let mut global = JobDraft::new();
    let mut jobs: Vec<Job> = Vec::new();
    let mut current: Option<(SourceLine, Option<JobDraft>)> = None;
    for line in lines {
        if let Some(name) = section(&line)? {
            jobs.extend(close(current.take(), dir)?);
            if name.eq_ignore_ascii_case("global") {
                current = Some((line, None));
            } else {
                let mut draft = global.clone();
                draft.forget_options();
                draft.name(&name);
                current = Some((line, Some(draft)));
            }
            continue;
        }
        let (key, value) = line.text.split_once('=').unwrap_or((&line.text, ""));
        let (key, value) = (key.trim(), value.trim());
        let target = match &mut current {
            None => return Err(line.error(format!("`{key}` comes before the first [section]"))),
            Some((_, None)) => &mut global,
            Some((_, Some(draft))) => draft,
        };
        target.set(key, value).map_err(|what| line.error(what))?;
    }
    jobs.extend(close(current, dir)?);
    if jobs.is_empty() {
        let what = "no job defined: add a section such as [read]".to_owned();
        return Err(Error::JobFile { file: "job file".to_owned(), line: 0, what });
    }
    Ok(jobs)
}

/// The options of the `[global]` sections of a text that [`parse`] accepts, for the result.
pub fn global_options(text: &str, dir: &Path) -> Result<Vec<(String, String)>, Error> {
    let lines = lines_of(text, dir)?;
    let mut global = JobDraft::new();
    let mut inside = false;
    for line in lines {
        if let Some(name) = section(&line)? {
            inside = name.eq_ignore_ascii_case("global");
        } else if inside {
            let (key, value) = line.text.split_once('=').unwrap_or((&line.text, ""));
            global.set(key.trim(), value.trim()).map_err(|what| line.error(what))?;
        }
    }
    Ok(global.forget_options())
}

fn close(section: Option<(SourceLine, Option<JobDraft>)>, dir: &Path) -> Result<Option<Job>, Error> {
    match section {
        Some((line, Some(draft))) => draft.finish(dir).map(Some).map_err(|what| line.error(what)),
        _ => Ok(None),
    }
}

/// The name of a section's head, or `None` for another line.
fn section(line: &SourceLine) -> Result<Option<String>, Error> {
    let Some(rest) = line.text.strip_prefix('[') else { return Ok(None) };
    match rest.strip_suffix(']').map(str::trim) {
        Some(name) if !name.is_empty() => Ok(Some(name.to_owned())),
        _ => Err(line.error(format!("`{}` is not a section such as [name]", line.text))),
    }
}

/// The lines that are neither empty nor a comment, with those of included files in their place.
fn lines_of(text: &str, dir: &Path) -> Result<Vec<SourceLine>, Error> {
    let mut lines = Lines { dir, found: Vec::new(), includes: 0 };
    lines.collect("job file", text, 0)?;
    Ok(lines.found)
}

struct Lines<'a> {
    dir: &'a Path,
    found: Vec<SourceLine>,
    includes: usize,
}

impl Lines<'_> {
    fn collect(&mut self, file: &str, text: &str, depth: usize) -> Result<(), Error> {
        for (index, raw) in text.lines().enumerate() {
            // As in fio, a comment may begin anywhere in a line.
            let text = raw.split([';', '#']).next().unwrap_or_default().trim().to_owned();
            if text.is_empty() {
                continue;
            }
            let line = SourceLine { file: file.to_owned(), number: index + 1, text };
            match line.text.strip_prefix("include ") {
                None => self.found.push(line),
                Some(_) if self.includes == MAX_INCLUDES => {
                    return Err(line.error(format!("more than {MAX_INCLUDES} files are included")));
                }
                Some(name) if depth < MAX_INCLUDE_DEPTH => {
                    let name = name.trim();
                    self.includes += 1;
                    let included =
                        read(&self.dir.join(name)).map_err(|why| line.error(format!("include {name}: {why}")))?;
                    self.collect(name, &included, depth + 1)?;
                }
                Some(_) => return Err(line.error(format!("includes are nested more than {MAX_INCLUDE_DEPTH} deep"))),
            }
        }
        Ok(())
    }
}

/// The text of an included file, which is a regular file of a sane size.
fn read(path: &Path) -> Result<String, String> {
    let about = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !about.is_file() || about.len() > MAX_INCLUDE_SIZE {
        return Err("not a regular file of at most 1 MiB".to_owned());
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
