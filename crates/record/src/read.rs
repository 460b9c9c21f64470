//! Reading a record, whole or cut.

use std::io::{BufRead, BufReader};
use std::path::Path;

use measure::{AttemptLog, Ending, Event, Run};
use pipe::{SCHEMA, from_line};

use crate::Error;
use crate::chain;
use crate::earlier;
use crate::wire::{OLDEST_SCHEMA, Probe, RecordLine};

/// Reads a record. One that stops without an end is read as far as it goes and says `Ending::Cut`.
pub fn read(path: &Path) -> Result<Run, Error> {
    parse(&crate::input::read(path)?, path)
}

/// Who a run is and what it was made for: a record without its attempts, of which only the first line is read.
pub fn head(path: &Path) -> Result<Run, Error> {
    let (file, _) = crate::input::open(path)?;
    let mut first = Vec::new();
    let read = BufReader::new(file).read_until(b'\n', &mut first);
    read.map_err(|source| Error::Io { doing: "read", path: path.to_owned(), source })?;
    Ok(header(&first, path)?.1)
}

/// Reads of a record the measurements of those metrics alone whose names are `wanted`. Its bytes must have the SHA-256 that was
/// noted when it came: what was whole then is not looked through again.
pub fn read_sealed(path: &Path, sha256: &str, wanted: &dyn Fn(&str) -> bool) -> Result<Run, Error> {
    let bytes = crate::input::read(path)?;
    if chain::sha256(&bytes) != sha256 {
        return Err(Error::Altered(path.to_owned()));
    }
    parse_lines(&bytes, path, |line| measured(line).is_none_or(wanted))
}

/// Reads the bytes of a record; `path` is for the messages only.
pub fn parse(bytes: &[u8], path: &Path) -> Result<Run, Error> {
    parse_lines(bytes, path, |_| true)
}

/// The name of the metric in the line of a measurement, as the writer writes it.
fn measured(line: &[u8]) -> Option<&str> {
    let rest = line.strip_prefix(b"{\"event\":{\"measured\":{\"name\":\"")?;
    let end = memchr::memchr(b'"', rest)?;
    std::str::from_utf8(&rest[..end]).ok()
}

fn parse_lines(bytes: &[u8], path: &Path, wanted: impl Fn(&[u8]) -> bool) -> Result<Run, Error> {
    let mut lines = lines(bytes).enumerate();
    let (_, first) = lines.next().unwrap_or((0, b""));
    let (schema, run) = header(first, path)?;
    let mut reader = Reader { schema, run, open: None, ended: false };
    for (index, line) in lines.filter(|(_, line)| wanted(line)) {
        match from_line(line).and_then(|line| reader.take(line)) {
            Ok(()) => {}
            // A line without its end was being written when the process or the machine stopped.
            Err(_) if line.last() != Some(&b'\n') => break,
            Err(what) => return Err(Error::RecordLine { path: path.to_owned(), line: index + 1, what }),
        }
    }
    reader.end_attempt();
    Ok(reader.run)
}

/// The lines, each with its line feed.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    let ends = memchr::memchr_iter(b'\n', bytes).map(|at| at + 1).chain([bytes.len()]);
    ends.map(move |end| &bytes[std::mem::replace(&mut start, end)..end]).filter(|line| !line.is_empty())
}

/// The first line: its schema, and the run without its attempts.
fn header(line: &[u8], path: &Path) -> Result<(u32, Run), Error> {
    if crate::imported::is_imported(line) {
        return Err(Error::IsImported(path.to_owned()));
    }
    let fail = |what| Error::RecordLine { path: path.to_owned(), line: 1, what };
    let is_read = |schema: u32| (OLDEST_SCHEMA..=SCHEMA).contains(&schema);
    let wrong = match from_line(line) {
        Ok(RecordLine::Run(header)) if is_read(header.schema) => return Ok((header.schema, header.into_run())),
        Ok(_) => None,
        Err(what) => Some(what),
    };
    // Of another schema nothing but its number is looked at.
    let probe: Probe = from_line(line).map_err(|what| fail(format!("not the first line of a record ({what})")))?;
    if !is_read(probe.run.schema) {
        return Err(Error::Schema { path: path.to_owned(), found: probe.run.schema });
    }
    Err(fail(wrong.unwrap_or_else(|| "not the first line of a record".to_owned())))
}

struct Reader {
    schema: u32,
    run: Run,
    /// The attempt that goes on.
    open: Option<AttemptLog>,
    ended: bool,
}

impl Reader {
    /// Takes the next line; the order of the lines is part of the format.
    fn take(&mut self, line: RecordLine) -> Result<(), String> {
        if self.ended {
            return Err("something follows the end of the run".to_owned());
        }
        match line {
            RecordLine::Run(_) => return Err("a second first line".to_owned()),
            RecordLine::AttemptBegin { .. } if self.open.is_some() => {
                return Err("an attempt begins inside another".to_owned());
            }
            RecordLine::AttemptBegin { workload, repetition, .. } => {
                self.open = Some(AttemptLog::begin(workload, repetition));
            }
            RecordLine::Event(Event::Progress { .. }) => return Err("progress is not part of a record".to_owned()),
            RecordLine::Event(event) => self.open.as_mut().ok_or("an event outside of an attempt")?.take(event),
            RecordLine::AttemptEnd {} if self.open.is_none() => {
                return Err("an attempt ends that did not begin".to_owned());
            }
            RecordLine::AttemptEnd {} => self.end_attempt(),
            RecordLine::RunEnd { .. } if self.open.is_some() => return Err("the run ends inside an attempt".to_owned()),
            RecordLine::RunEnd { ending: Ending::Cut } => return Err("a record that was cut has no end".to_owned()),
            RecordLine::RunEnd { ending } => {
                self.ended = true;
                self.run.ending = ending;
            }
        }
        Ok(())
    }

    /// The attempt that goes on ends, by its line or with the record.
    fn end_attempt(&mut self) {
        let Some(log) = self.open.take() else { return };
        let mut attempt = log.end();
        if self.schema == OLDEST_SCHEMA {
            earlier::give_telemetry_its_clock(&mut attempt);
        }
        self.run.attempts.push(attempt);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use measure::Outcome;

    use super::*;
    use crate::testdata::{run, write_all};

    fn bytes() -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.jsonl");
        write_all(&path, &run());
        fs::read(&path).unwrap()
    }

    fn parsed(bytes: &[u8]) -> Result<Run, Error> {
        parse(bytes, Path::new("run.jsonl"))
    }

    #[test]
    fn a_record_cut_at_any_byte_is_read_as_far_as_it_goes() {
        let bytes = bytes();
        let header = bytes.iter().position(|&b| b == b'\n').unwrap();
        for end in 0..header {
            assert!(parsed(&bytes[..end]).is_err(), "cut in the first line, at {end}");
        }
        let mut outcomes = 0;
        for end in header..bytes.len() - 1 {
            let run = parsed(&bytes[..end]).unwrap_or_else(|error| panic!("cut at {end}: {error}"));
            assert_eq!(run.ending, Ending::Cut, "cut at {end}");
            assert!(run.outcomes().count() >= outcomes, "cut at {end}");
            outcomes = run.outcomes().count();
        }
        // An editor that takes the last line feed away does not take the end away.
        assert_eq!(parsed(&bytes[..bytes.len() - 1]).unwrap().ending, Ending::Complete);
        assert_eq!(outcomes, run().outcomes().count());
    }

    #[test]
    fn the_head_of_a_record_is_its_first_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.jsonl");
        write_all(&path, &run());
        let whole = read(&path).unwrap();
        let expect = Run { attempts: Vec::new(), ending: Ending::Cut, ..whole };
        assert_eq!(head(&path).unwrap(), expect);
        // What follows is not looked at.
        let line: Vec<u8> = fs::read(&path).unwrap().split_inclusive(|byte| *byte == b'\n').next().unwrap().to_vec();
        fs::write(&path, [line.as_slice(), b"no JSON\n"].concat()).unwrap();
        assert_eq!(head(&path).unwrap(), expect);
        assert!(head(&dir.path().join("none")).is_err() && head(dir.path()).is_err());
        fs::write(&path, "no JSON\n").unwrap();
        assert!(head(&path).unwrap_err().to_string().contains("line 1"));
    }

    #[test]
    fn of_a_sealed_record_only_what_is_asked_for_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.jsonl");
        let text = String::from_utf8(bytes()).unwrap();
        let names = |run: &Run| -> Vec<String> {
            run.outcomes().filter_map(Outcome::measured).map(|one| one.metric.name.clone()).collect()
        };
        let part = |text: &str, sha256: &str, wanted: &dyn Fn(&str) -> bool| {
            fs::write(&path, text).unwrap();
            read_sealed(&path, sha256, wanted)
        };
        let sealed = |text: &str, wanted: &dyn Fn(&str) -> bool| part(text, &chain::sha256(text.as_bytes()), wanted);
        let whole = parsed(text.as_bytes()).unwrap();
        // As text: a value that is no number is not equal to itself.
        let shown = |run: Run| format!("{run:?}");
        assert_eq!(shown(sealed(&text, &|_| true).unwrap()), shown(whole.clone()));
        let is_other = |name: &str| name != names(&whole)[0];
        let mut expect = whole.clone();
        let is_kept = |outcome: &Outcome| outcome.measured().is_none_or(|one| is_other(&one.metric.name));
        expect.attempts.iter_mut().for_each(|attempt| attempt.outcomes.retain(is_kept));
        assert!(expect.outcomes().count() < whole.outcomes().count());
        assert_eq!(shown(sealed(&text, &is_other).unwrap()), shown(expect.clone()));
        // What is left out is not even JSON, and nobody looks at it.
        let begin = format!("{{\"event\":{{\"measured\":{{\"name\":\"{}\"", names(&whole)[0]);
        let spoiled: String = text
            .split_inclusive('\n')
            .map(|line| if line.starts_with(&begin) { format!("{begin} and no JSON\n") } else { line.to_owned() })
            .collect();
        assert_ne!(spoiled, text);
        assert_eq!(shown(sealed(&spoiled, &is_other).unwrap()), shown(expect));
        assert!(sealed(&spoiled, &|_| true).is_err());
        // Another record than the one that was noted gives nothing at all.
        let error = part(&spoiled, &chain::sha256(text.as_bytes()), &is_other).unwrap_err();
        assert!(matches!(&error, Error::Altered(_)) && error.to_string().contains("was changed since"), "{error}");
    }

    #[test]
    fn a_damaged_record_gives_an_error_and_never_a_panic() {
        let original = bytes();
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut below = |n: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            usize::try_from(random % n as u64).unwrap()
        };
        let words: [&[u8]; 8] = [b"\n", b"\"", b"null", b"-1", b"1e999", b"[[[[[[", b"\"NaN\"", b"\xff\x00"];
        let mut refused = 0;
        for _ in 0..100_000 {
            let mut bytes = original.clone();
            for _ in 0..=below(3) {
                let at = below(bytes.len());
                let end = (at + 1 + below(20)).min(bytes.len());
                match below(4) {
                    0 => bytes[at] ^= 1 << below(8),
                    1 => drop(bytes.drain(at..end)),
                    2 => drop(bytes.splice(at..at, words[below(words.len())].iter().copied())),
                    _ => drop(bytes.splice(at..end, words[below(words.len())].iter().copied())),
                }
            }
            refused += usize::from(parsed(&bytes).is_err());
        }
        assert!(refused > 50_000, "only {refused} were refused");
    }

    #[test]
    fn an_error_names_its_line() {
        let bytes = bytes();
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let check = |lines: &[&str], expect: &str| {
            let error = parsed((lines.join("\n") + "\n").as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        };
        let begin = lines[1];
        check(&[], "line 1: not the first line of a record");
        check(&[begin], "line 1: not the first line of a record");
        check(&[lines[0], lines[0]], "line 2: a second first line");
        check(&[lines[0], lines[2]], "line 2: an event outside of an attempt");
        check(&[lines[0], begin, begin], "line 3: an attempt begins inside another");
        check(&[lines[0], begin, "{\"event\":{\"measured\":[]}}"], "line 3: column ");
        check(&[lines[0], begin, "", begin], "line 3: column 0: EOF");
        check(&[lines[0], "{\"attempt_end\":{}}"], "line 2: an attempt ends that did not begin");
        check(&[lines[0], lines[lines.len() - 1], begin], "line 3: something follows the end");
        let progress = "{\"event\":{\"progress\":{\"done\":0.5,\"doing\":\"\"}}}";
        check(&[lines[0], begin, progress], "line 3: progress is not part of a record");
        let untold = "{\"event\":{\"measured\":{\"name\":\"a\",\"unit\":\"B/s\",\"better\":\"higher\",\
            \"samples\":{\"values\":[1],\"taints\":{\"1\":{\"environment\":\"\"}}},\"context\":{},\"warnings\":[]}}}";
        check(&[lines[0], begin, untold], "sample 1 is said to be tainted, of 1 samples");
    }

    #[test]
    fn another_schema_is_refused_before_anything_else_is_looked_at() {
        let error = parsed(b"{\"run\":{\"schema\":3,\"all\":\"new\"}}\n").unwrap_err();
        assert!(matches!(error, Error::Schema { found: 3, .. }));
        assert!(error.to_string().contains("use the hostproof that wrote it"), "{error}");
    }
}
