//! A program that yields figures: how it is started, and where they stand in what it prints.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::{env, fs};

use anyhow::{Context, bail, ensure};
use machine::{Machine, Siblings, Source, isa, place};
use measure::{Isa, Profile};
use serde::Deserialize;

/// One side of a comparison, as data. Texts may hold places in braces: see [`Places::fill`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side {
    pub(crate) name: &'static str,
    pub(crate) program: &'static str,
    pub(crate) arguments: &'static [&'static str],
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// The arguments that make it print its version; none where it prints none.
    pub(crate) version: &'static [&'static str],
    pub(crate) way: Way,
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
    pub(crate) const NONE: Side =
        Side { name: "", program: "", arguments: &[], environment: &[], version: &[], way: Way::Resident, hint: "" };

    /// Whether it is started for each figure.
    pub(crate) fn starts_anew(&self) -> bool {
        self.way == Way::StartsAnew
    }
}

/// Where a figure stands in what is printed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
    /// The number after this text, times what makes the base unit of it.
    After(&'static str, f64),
    /// The sum of the numbers after these texts, in base units.
    Sum(&'static [&'static str]),
    /// The seconds of all phases whose names begin so: lines of JSON with `phase` and `seconds`.
    Phases(&'static [&'static str]),
}

#[derive(Deserialize)]
struct Phase {
    phase: String,
    seconds: f64,
}

impl Mark {
    /// The figure, in the base unit.
    pub(crate) fn find(&self, text: &str) -> anyhow::Result<f64> {
        match self {
            Mark::After(after, factor) => number_after(text, after)
                .map(|number| number * factor)
                .with_context(|| format!("no number after `{after}` in: {text}")),
            Mark::Sum(texts) => texts.iter().map(|after| Mark::After(after, 1.0).find(text)).sum(),
            Mark::Phases(names) => {
                // Other lines are of other kinds.
                let phases = text.lines().filter_map(|line| serde_json::from_str::<Phase>(line).ok());
                let wanted = phases.filter(|phase| names.iter().any(|name| phase.phase.starts_with(name)));
                let seconds: Vec<f64> = wanted.map(|phase| phase.seconds).collect();
                ensure!(!seconds.is_empty(), "no phase of {} in: {text}", names.join(", "));
                Ok(seconds.iter().sum())
            }
        }
    }
}

/// What the places in braces stand for.
pub(crate) struct Places {
    itself: PathBuf,
    given: Given,
    pub(crate) threads: usize,
    cpu: u32,
    elements: u64,
}

/// What was found or made before, and is given on the command line.
#[derive(clap::Args)]
pub(crate) struct Given {
    /// Where the peers that were built from `scripts/peers.d` are.
    #[arg(long, default_value = ".")]
    built: PathBuf,
    /// A zram device that is full of data: it is only read.
    #[arg(long)]
    zram: Option<PathBuf>,
    /// A loop device over a file in memory: it is only read.
    #[arg(long = "loop")]
    looped: Option<PathBuf>,
    /// The binary hostproof-tabular.
    #[arg(long)]
    tabular: Option<PathBuf>,
    /// The binary hostproof-tabular of another build, beside which this one is measured.
    #[arg(long)]
    earlier: Option<PathBuf>,
    /// The folder with the input of the feature workload; results are put beside it.
    #[arg(long)]
    events: Option<PathBuf>,
}

impl Places {
    /// Asks this host.
    pub(crate) fn find(given: Given) -> anyhow::Result<Places> {
        let machine = Machine::detect(&Source::Host)?;
        let workers = place(&machine.topology, Siblings::OnePerCore)?;
        let config = stream::Config::for_profile(Profile::Quick, &machine)?;
        let itself = env::current_exe().context("this program's own path")?;
        let (threads, cpu) = (workers.len(), workers[0].cpu);
        Ok(Places { itself, given, threads, cpu, elements: config.array_bytes / size_of::<f64>() as u64 })
    }

    /// The cargo profile of our side, by the folder that it was built into.
    pub(crate) fn profile(&self) -> String {
        let folder = self.itself.parent().and_then(Path::file_name);
        folder.map_or("unknown".into(), |folder| folder.to_string_lossy().replace("debug", "dev"))
    }

    /// Each place, and what stands for it; `None` where it was not given.
    fn all(&self) -> [(&'static str, Option<String>); 11] {
        let path = |path: &PathBuf| path.display().to_string();
        [
            ("{self}", Some(path(&self.itself))),
            ("{built}", Some(path(&self.given.built))),
            ("{zram}", self.given.zram.as_ref().map(path)),
            ("{loop}", self.given.looped.as_ref().map(path)),
            ("{tabular}", self.given.tabular.as_ref().map(path)),
            ("{earlier}", self.given.earlier.as_ref().map(path)),
            ("{events}", self.given.events.as_ref().map(path)),
            ("{threads}", Some(self.threads.to_string())),
            // Of the first worker.
            ("{cpu}", Some(self.cpu.to_string())),
            // Of an array.
            ("{elements}", Some(self.elements.to_string())),
            // The widest that likwid's kernels are named by.
            ("{avx}", Some(if isa::widest() == Isa::Avx512 { "avx512" } else { "avx" }.to_owned())),
        ]
    }

    /// Replaces the places by what stands for them; one that was not given stays.
    fn fill(&self, text: &str) -> String {
        let given = self.all().into_iter().filter_map(|(place, value)| Some((place, value?)));
        given.fold(text.to_owned(), |text, (place, value)| text.replace(place, &value))
    }

    /// That all its places were given.
    fn check(&self, side: &Side) -> anyhow::Result<()> {
        for (place, _) in self.all().into_iter().filter(|(_, value)| value.is_none()) {
            if side.program.contains(place) || side.arguments.iter().any(|argument| argument.contains(place)) {
                bail!("`--{}` was not given", place.trim_matches(['{', '}']));
            }
        }
        Ok(())
    }

    /// The command line of a side, for people: where this host keeps programs and data is left out.
    pub(crate) fn command_line(&self, side: &Side) -> String {
        let last = |path: &str| Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
        let short = |value: String| if value.starts_with("/dev/") { value } else { last(&value).unwrap_or(value) };
        let given = || self.all().into_iter().filter_map(|(place, value)| Some((place, short(value?))));
        let fill = |text: &str| given().fold(text.to_owned(), |text, (place, value)| text.replace(place, &value));
        let program = fill(side.program);
        let name = last(&program).unwrap_or(program);
        let environment = side.environment.iter().map(|(name, value)| format!("{name}={}", fill(value)));
        let arguments = side.arguments.iter().map(|argument| fill(argument));
        environment.chain([name]).chain(arguments).collect::<Vec<_>>().join(" ")
    }

    fn command(&self, side: &Side) -> Command {
        let mut command = Command::new(self.fill(side.program));
        command.args(side.arguments.iter().map(|argument| self.fill(argument)));
        command.envs(side.environment.iter().map(|(name, value)| (name, self.fill(value))));
        command
    }

    /// Removes what the run before saved, where a side saves something beside its input: how long it takes to free that is
    /// nobody's figure, and some engines would have it in theirs.
    fn remove_result(&self, side: &Side) -> anyhow::Result<()> {
        let outputs = side.arguments.windows(2).filter(|pair| pair[0] == "--out" && pair[1].starts_with("{events}."));
        for folder in outputs.map(|pair| self.fill(pair[1])) {
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != ErrorKind::NotFound => bail!("cannot remove {folder}: {error}"),
                _ => {}
            }
        }
        Ok(())
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
        places.check(side)?;
        let running = Running { side, places, resident: None, how: String::new() };
        if side.starts_anew() {
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
        self.side.starts_anew()
    }

    /// Measures once: what it prints.
    pub(crate) fn measure(&mut self) -> anyhow::Result<String> {
        let side = self.side;
        if let Some(resident) = &mut self.resident {
            writeln!(resident.input).with_context(|| format!("{} ended", side.name))?;
            return resident.line(side);
        }
        self.places.remove_result(side)?;
        let output = self.places.command(side).output().with_context(|| format!("{} cannot be started", side.name))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            bail!("{} ended with {}: {}", self.places.command_line(side), output.status, said.trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
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
    let rest = text.split_once(after)?.1.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | 'e' | '+' | '-')).unwrap_or(rest.len());
    rest[..end].parse().ok()
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
        check("rate 1.5e-2, of", "rate", Some(0.015));
        check("MByte/s:", "MByte/s:", None);
        check("MByte/s: -", "MByte/s:", None);
        check("", "rate", None);
    }

    #[test]
    fn numbers_are_added() {
        let text = "{\"report\":{\"save_seconds\":0.25,\"tasks\":9,\"tasks_seconds\":7.5}}";
        let check = |texts: &'static [&'static str], expect: Option<f64>| {
            assert_eq!(Mark::Sum(texts).find(text).ok(), expect, "{texts:?}");
        };
        check(&["\"tasks_seconds\":", "\"save_seconds\":"], Some(7.75));
        check(&["\"tasks_seconds\":", "\"start_seconds\":"], None);
    }

    #[test]
    fn phases_are_added_by_their_names() {
        let text = "{\"phase\": \"t01\", \"seconds\": 1.5}\n{\"rows\":4,\"phase\":\"t02\",\"seconds\":2}\nwarning\n\
                    {\"phase\":\"verify\",\"seconds\":9}\n{\"report\":{\"phases\":[]}}";
        let check = |names: &'static [&'static str], expect: Option<f64>| {
            assert_eq!(Mark::Phases(names).find(text).ok(), expect, "{names:?}");
        };
        check(&["t01"], Some(1.5));
        check(&["load", "t"], Some(3.5));
        check(&["save"], None);
    }
}
