//! A program that yields a figure: how it is started, and where the figure stands in what it prints.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, bail};
use machine::{Machine, Profile, Siblings, Source, place};

/// One side of a comparison, as data. Texts may hold places in braces: see [`Places::fill`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side {
    pub(crate) name: &'static str,
    pub(crate) program: &'static str,
    pub(crate) arguments: &'static [&'static str],
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// The arguments that make it print its version; none where it has none to tell.
    pub(crate) version: &'static [&'static str],
    pub(crate) way: Way,
    /// The text that stands before the figure.
    pub(crate) after: &'static str,
    /// From what is printed to the base unit.
    pub(crate) factor: f64,
    /// What to say where it cannot be started.
    pub(crate) hint: &'static str,
}

/// How often a program is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Once: it prints a line when it is ready, and then a figure for each line that it reads.
    Resident,
    /// For each figure.
    StartsAnew,
}

impl Side {
    /// What rows leave out.
    pub(crate) const NONE: Side = Side {
        name: "",
        program: "",
        arguments: &[],
        environment: &[],
        version: &[],
        way: Way::Resident,
        after: "",
        factor: 1.0,
        hint: "",
    };
}

/// What the places in braces stand for.
pub(crate) struct Places {
    itself: PathBuf,
    built: PathBuf,
    pub(crate) threads: usize,
    cpu: u32,
    elements: u64,
}

impl Places {
    /// Asks this host.
    pub(crate) fn find(built: PathBuf) -> anyhow::Result<Places> {
        let machine = Machine::detect(&Source::Host)?;
        let workers = place(&machine.topology, Siblings::OnePerCore)?;
        let config = stream::Config::for_profile(Profile::Quick, &machine)?;
        let itself = env::current_exe().context("this program's own path")?;
        let (threads, cpu) = (workers.len(), workers[0].cpu);
        Ok(Places { itself, built, threads, cpu, elements: config.array_bytes / size_of::<f64>() as u64 })
    }

    /// Replaces `{self}`, `{built}`, `{threads}`, `{cpu}` (of the first worker) and `{elements}` (of an array).
    fn fill(&self, text: &str) -> String {
        text.replace("{self}", &self.itself.display().to_string())
            .replace("{built}", &self.built.display().to_string())
            .replace("{threads}", &self.threads.to_string())
            .replace("{cpu}", &self.cpu.to_string())
            .replace("{elements}", &self.elements.to_string())
    }

    /// The command line of a side, for people: programs without their folders.
    pub(crate) fn command_line(&self, side: &Side) -> String {
        let program = self.fill(side.program);
        let name = Path::new(&program).file_name().map_or(program.clone(), |name| name.to_string_lossy().into_owned());
        let environment = side.environment.iter().map(|(name, value)| format!("{name}={}", self.fill(value)));
        let arguments = side.arguments.iter().map(|argument| self.fill(argument));
        environment.chain([name]).chain(arguments).collect::<Vec<_>>().join(" ")
    }

    fn command(&self, side: &Side) -> Command {
        let mut command = Command::new(self.fill(side.program));
        command.args(side.arguments.iter().map(|argument| self.fill(argument)));
        command.envs(side.environment.iter().map(|(name, value)| (name, self.fill(value))));
        command
    }

    /// The first line of what a program says of its version.
    pub(crate) fn version(&self, side: &Side) -> Option<String> {
        if side.version.is_empty() {
            return None;
        }
        let output = Command::new(self.fill(side.program)).args(side.version).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
    }
}

/// A side that yields figures.
pub(crate) struct Running<'a> {
    side: &'a Side,
    places: &'a Places,
    resident: Option<Resident>,
    /// What it said of itself when it was ready.
    pub(crate) how: String,
}

struct Resident {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl<'a> Running<'a> {
    /// Starts a resident side and waits until it is ready; for the other kind, only looks whether it can be started.
    pub(crate) fn start(side: &'a Side, places: &'a Places) -> anyhow::Result<Running<'a>> {
        let running = Running { side, places, resident: None, how: String::new() };
        if side.way == Way::StartsAnew {
            let found = Command::new(places.fill(side.program)).args(side.version).output();
            found.with_context(|| format!("{} cannot be started", side.name))?;
            return Ok(running);
        }
        let mut command = places.command(side);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{} cannot be started", places.command_line(side)))?;
        let input = child.stdin.take().context("its input is a pipe")?;
        let output = BufReader::new(child.stdout.take().context("its output is a pipe")?);
        let mut resident = Resident { child, input, output };
        let ready = resident.line(side)?;
        let how = ready.trim_start_matches("ready").trim().to_owned();
        Ok(Running { resident: Some(resident), how, ..running })
    }

    /// Whether it is started for each figure.
    pub(crate) fn starts_anew(&self) -> bool {
        self.side.way == Way::StartsAnew
    }

    /// Measures once, in the base unit.
    pub(crate) fn figure(&mut self) -> anyhow::Result<f64> {
        let side = self.side;
        let text = if let Some(resident) = &mut self.resident {
            writeln!(resident.input).with_context(|| format!("{} ended", side.name))?;
            resident.line(side)?
        } else {
            let output =
                self.places.command(side).output().with_context(|| format!("{} cannot be started", side.name))?;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                bail!("{} ended with {}: {}", self.places.command_line(side), output.status, said.trim());
            }
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        number_after(&text, side.after)
            .map(|number| number * side.factor)
            .with_context(|| format!("{} printed no number after `{}`: {text}", side.name, side.after))
    }
}

impl Resident {
    fn line(&mut self, side: &Side) -> anyhow::Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("{} ended with {} and said nothing more", side.name, self.child.wait()?);
        }
        Ok(line)
    }
}

impl Drop for Resident {
    fn drop(&mut self) {
        // It holds gigabytes that the next side needs, and nothing that it must save.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The number that follows a text, blanks between them skipped.
fn number_after(text: &str, after: &str) -> Option<f64> {
    let (_, rest) = text.split_once(after)?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_in_what_is_printed() {
        let check =
            |text: &str, after: &str, expect: Option<f64>| assert_eq!(number_after(text, after), expect, "{text}");
        check("Data volume (Byte):\t64\nMByte/s:\t\t52880.97\nCycles", "MByte/s:", Some(52880.97));
        check("copy 1 scale 2 add 3 triad 4.5\n", "triad", Some(4.5));
        check("load 79.2 ns at 0x1\n", "load", Some(79.2));
        check("MByte/s:", "MByte/s:", None);
        check("MByte/s: -", "MByte/s:", None);
        check("", "rate", None);
    }
}
