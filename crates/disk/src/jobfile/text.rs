//! The lines of job files: comments, included files, and what is replaced in options.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::arithmetic::evaluate;
use crate::Error;

/// How deep included files may include others.
const MAX_INCLUDE_DEPTH: usize = 32;
/// Maximum number of included files: each may include as many as it has lines.
pub(super) const MAX_INCLUDES: usize = 1000;
/// Maximum size of an included file in bytes.
const MAX_INCLUDE_SIZE: u64 = 1 << 20;

/// What a job file takes from outside of itself.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The folder that relative names are relative to.
    pub folder: PathBuf,
    /// What `${NAME}` stands for.
    pub variables: BTreeMap<String, String>,
    /// `$pagesize`: bytes of a page.
    pub page_size: u64,
    /// `$mb_memory`: MiB of memory.
    pub memory: u64,
    /// `$ncpus`: CPUs that are online.
    pub cpus: u64,
}

impl Surroundings {
    /// This host and a folder, without variables.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let memory = memory
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        let cpus = machine::online(Path::new("/"))
            .map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), |set| set.len());
        Surroundings {
            folder: folder.to_owned(),
            variables: BTreeMap::new(),
            page_size: rustix::param::page_size() as u64,
            memory: memory.unwrap_or(0) / 1024,
            cpus: cpus as u64,
        }
    }

    /// This process: its working folder and its environment.
    #[must_use]
    pub fn of_process() -> Self {
        let variables =
            env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Surroundings { variables: variables.collect(), ..Surroundings::at(Path::new("")) }
    }

    /// An option's line with its variables and words replaced; a variable that is not set is empty.
    pub(super) fn replace(&self, line: &str) -> String {
        let mut text = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, behind)) = after.split_once('}') else { break };
            text += before;
            text += self.variables.get(name).map_or("", String::as_str);
            rest = behind;
        }
        text += rest;
        let words = [("$pagesize", self.page_size), ("$mb_memory", self.memory), ("$ncpus", self.cpus)];
        let mut replaced = text.clone();
        for (word, number) in words {
            replaced = replaced.replace(word, &number.to_string());
        }
        // Only where a word was replaced does fio calculate: `-` and `/` are in names, too.
        match replaced.split_once('=').filter(|_| replaced != text) {
            Some((key, value)) => match evaluate(value) {
                Some(number) => format!("{key}={number}"),
                None => replaced,
            },
            None => replaced,
        }
    }
}

/// A line with an option or a section, and where it came from.
#[derive(Debug)]
pub(super) struct SourceLine {
    file: String,
    number: usize,
    pub(super) text: String,
}

impl SourceLine {
    /// An option of the command line, by its number.
    pub(super) fn argument(number: usize, text: String) -> Self {
        SourceLine { file: "command line".to_owned(), number, text }
    }

    pub(super) fn error(&self, what: impl Into<String>) -> Error {
        Error::JobFile { file: self.file.clone(), line: self.number, what: what.into() }
    }

    /// The name of a section's head, or `None` for another line.
    pub(super) fn section(&self) -> Result<Option<String>, Error> {
        let Some(rest) = self.text.strip_prefix('[') else { return Ok(None) };
        match rest.strip_suffix(']').map(str::trim) {
            Some(name) if !name.is_empty() => Ok(Some(name.to_owned())),
            _ => Err(self.error(format!("`{}` is not a section such as [name]", self.text))),
        }
    }

    /// Name and value of an option; `None` where there is no `=`.
    pub(super) fn option(&self) -> (&str, Option<&str>) {
        match self.text.split_once('=') {
            Some((key, value)) => (key.trim(), Some(value.trim())),
            None => (&self.text, None),
        }
    }
}

/// The lines of a file that are neither empty nor a comment, with those of included files in their place.
pub(super) fn collect(file: &Path, text: &str, surroundings: &Surroundings) -> Result<Vec<SourceLine>, Error> {
    let mut lines = Lines { surroundings, found: Vec::new(), includes: 0 };
    lines.append(file, text, 0)?;
    Ok(lines.found)
}

/// The lines of a file and of those that it includes.
struct Lines<'a> {
    surroundings: &'a Surroundings,
    found: Vec<SourceLine>,
    includes: usize,
}

impl Lines<'_> {
    fn append(&mut self, file: &Path, text: &str, depth: usize) -> Result<(), Error> {
        for (index, raw) in text.lines().enumerate() {
            // As in fio, a comment may begin anywhere in a line.
            let text = raw.split([';', '#']).next().unwrap_or_default().trim().to_owned();
            if text.is_empty() {
                continue;
            }
            let mut line = SourceLine { file: file.display().to_string(), number: index + 1, text };
            let included = line.text.strip_prefix("include").and_then(|rest| rest.strip_prefix([' ', '\t', '=']));
            match included.map(str::trim) {
                None => {
                    if !line.text.starts_with('[') {
                        line.text = self.surroundings.replace(&line.text);
                    }
                    self.found.push(line);
                }
                Some(_) if self.includes == MAX_INCLUDES => {
                    return Err(line.error(format!("more than {MAX_INCLUDES} files are included")));
                }
                Some(name) if depth < MAX_INCLUDE_DEPTH => {
                    self.includes += 1;
                    let found = include(file, name, &self.surroundings.folder);
                    let (path, text) = found.map_err(|why| line.error(format!("include {name}: {why}")))?;
                    self.append(&path, &text, depth + 1)?;
                }
                Some(_) => {
                    return Err(line.error(format!("includes are nested more than {MAX_INCLUDE_DEPTH} deep")));
                }
            }
        }
        Ok(())
    }
}

/// The path and text of an included file: in the working folder, else beside the file that includes it.
fn include(from: &Path, name: &str, folder: &Path) -> Result<(PathBuf, String), String> {
    let here = folder.join(name);
    let beside = from.parent().map(|beside| folder.join(beside).join(name));
    let path = if here.exists() { here } else { beside.filter(|path| path.exists()).unwrap_or(here) };
    let about = fs::metadata(&path).map_err(|error| error.to_string())?;
    if !about.is_file() || about.len() > MAX_INCLUDE_SIZE {
        return Err("not a regular file of at most 1 MiB".to_owned());
    }
    let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
    Ok((path, text))
}
