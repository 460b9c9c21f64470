//! `hostproof dossier`: runs with all that their verdict rests on, in one sealed file; and whether such a verdict holds.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use measure::{Run, binary_bytes};
use record::Store;
use record::dossier::{self, Files, Opened, PublicKey, SecretKey};
use report::{html, json, terminal};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use verdict::compare::Runs;

use crate::args::{DossierArgs, DossierCommand, PackArgs};
use crate::build_info::build;
use crate::case::{Case, Head, Source};
use crate::commands::print;
use crate::exit::Exit;
use crate::failure;
use crate::locations::{self, Specification};

const CONTENTS: &str = "dossier.json";
const SPECIFICATION: &str = "spec.toml";
const JUDGEMENT: &str = "judgement.json";
const SUMS: &str = "SHA256SUMS";
const README: (&str, &[u8]) = ("README.txt", include_bytes!("dossier.txt"));
/// The share of this host's free memory that a dossier may unpack to: its records are read from there, too.
const MEMORY_SHARE: u64 = 4;
/// The version of what is in a dossier.
const FORMAT: u32 = 1;

/// What a dossier says of itself.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Contents {
    format: u32,
    /// Id of the system in the specification.
    system: String,
    /// Paths of the records, oldest first.
    records: Vec<String>,
    /// The build that judged: version and revision.
    judged_by: [String; 2],
}

impl Contents {
    fn of(case: &Case) -> Contents {
        Contents {
            format: FORMAT,
            system: case.specification.source.id.clone(),
            records: case.runs.iter().map(record_path).collect(),
            judged_by: judge(),
        }
    }
}

fn record_path(run: &Run) -> String {
    format!("runs/{}.jsonl", run.id)
}

/// This build as a judge.
fn judge() -> [String; 2] {
    let build = build();
    [build.version, build.revision]
}

pub(crate) fn dossier(args: DossierArgs) -> Result<Exit> {
    match (args.command, args.pack) {
        (Some(DossierCommand::Verify { file, key, records_only }), _) => verify(&file, key.as_deref(), records_only),
        (None, Some(pack)) => make(&pack),
        (None, None) => bail!("give runs and -o FILE, or `verify FILE`; see `hostproof dossier --help`"),
    }
}

fn make(args: &PackArgs) -> Result<Exit> {
    let output = args.output.display();
    let key = args.sign.as_deref().map(SecretKey::read).transpose()?;
    if args.output == Path::new("-") {
        ensure!(!io::stdout().is_terminal(), "a dossier is no text: send it to a file or a pipe");
        let bytes = packed(args, key.as_ref())?;
        return io::stdout().write_all(&bytes).context("could not write the dossier").map(|()| Exit::Done);
    }
    // Before anything is read, and never over another file.
    let file = OpenOptions::new().write(true).create_new(true).open(&args.output);
    let mut file = file.with_context(|| format!("could not begin {output}"))?;
    let packed = packed(args, key.as_ref()).and_then(|bytes| {
        file.write_all(&bytes).and_then(|()| file.sync_all()).with_context(|| format!("could not write {output}"))?;
        Ok(bytes.len())
    });
    let bytes = packed.inspect_err(|_| {
        // What could not be finished must not stay behind; the first error is the one to tell.
        let _ = fs::remove_file(&args.output);
    })?;
    print(&format!(
        "{output}: {}, {}",
        binary_bytes(bytes as f64),
        if key.is_some() { "signed" } else { "not signed" }
    ))?;
    Ok(Exit::Done)
}

fn packed(args: &PackArgs, key: Option<&SecretKey>) -> Result<Vec<u8>> {
    let store = Store::at(&locations::results(args.out.as_deref())?);
    let mut records = Files::new();
    let mut runs = Vec::new();
    for typed in &args.runs {
        let path = store.find(typed)?;
        let bytes = fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
        let run = record::parse(&bytes, &path)?;
        records.insert(record_path(&run), bytes);
        runs.push(run);
    }
    // A dossier is judged from its own records alone.
    let case = judged_together(&runs, |source| Case::of(source, args.spec.as_deref(), None))?;
    let mut files = derived(&case)?;
    files.extend(records);
    let contents = serde_json::to_vec_pretty(&Contents::of(&case))?;
    files.insert(CONTENTS.to_owned(), contents);
    files.insert(SPECIFICATION.to_owned(), case.specification.source.text.clone().into_bytes());
    files.insert(SUMS.to_owned(), sums(&files));
    Ok(dossier::pack(&files, key)?)
}

/// Judges runs that are read already.
fn judged_together(runs: &[Run], judge: impl FnOnce(Source<'_>) -> Result<Case>) -> Result<Case> {
    let heads = runs.iter().map(|run| Head::of(run, PathBuf::new())).collect();
    let load = &mut |head: &Head| runs.iter().find(|run| run.id == head.id).cloned().context("a run is gone");
    judge(Source { heads, load, seen: &mut |_| Ok(()) })
}

/// What follows from records and specification alone: the same build derives it again, byte for byte.
fn derived(case: &Case) -> Result<Files> {
    let judged = case.judged();
    let newest = judged.runs.last().context("there is no run")?;
    let text = |value: &Value| json::pretty(value).into_bytes();
    Ok(Files::from([
        (JUDGEMENT.to_owned(), text(&json::judgement(newest, judged.judgement))),
        ("audit.json".to_owned(), text(&json::audit(judged.system, judged.audit))),
        ("fingerprint.json".to_owned(), text(&json::fingerprint(&newest.fingerprint))),
        ("report.html".to_owned(), html::page(&judged)?.into_bytes()),
        (README.0.to_owned(), README.1.to_vec()),
    ]))
}

/// Hashes of all files, as `sha256sum -c` reads them.
fn sums(files: &Files) -> Vec<u8> {
    let line = |(name, content): (&String, &Vec<u8>)| format!("{}  {name}\n", hex::encode(Sha256::digest(content)));
    files.iter().map(line).collect::<String>().into_bytes()
}

fn verify(file: &Path, key: Option<&Path>, records_only: bool) -> Result<Exit> {
    let key = key.map(PublicKey::read).transpose()?;
    let (mut source, _) = record::input::open(file)?;
    let checked = dossier::open(&mut source, most()).map_err(anyhow::Error::from).and_then(|opened| {
        signed_by(&opened, key.as_ref())?;
        judge_again(&opened)
    });
    match checked {
        Ok((text, unchecked)) => {
            print(&text)?;
            Ok(if unchecked && !records_only { Exit::Inconclusive } else { Exit::Done })
        }
        Err(error) => {
            print(&format!("{}\nDOES NOT HOLD", terminal::clean(&failure::message(&error))))?;
            Ok(Exit::Rejected)
        }
    }
}

/// What a dossier may unpack to on this host.
fn most() -> u64 {
    match machine::memory_available() {
        0 => dossier::MOST,
        available => dossier::MOST.min(available / MEMORY_SHARE),
    }
}

fn signed_by(opened: &Opened, wanted: Option<&PublicKey>) -> Result<()> {
    match (&opened.signer, wanted) {
        (_, None) => Ok(()),
        (None, Some(_)) => bail!("nobody signed it"),
        (Some(signer), Some(wanted)) => {
            ensure!(signer == wanted, "it was signed by the key {}, which is another", signer.hex());
            Ok(())
        }
    }
}

/// Judges from the records and the specification alone, and compares with what the dossier says. An error is why it does
/// not hold; the text says what does, and the flag whether something could not be checked.
fn judge_again(opened: &Opened) -> Result<(String, bool)> {
    let files = &opened.files;
    let contents: Contents = serde_json::from_slice(part(files, CONTENTS)?).context(CONTENTS)?;
    ensure!(contents.format == FORMAT, "it has format {}, and this hostproof reads {FORMAT}", contents.format);
    let specification = Specification::parse(utf8(files, SPECIFICATION)?, SPECIFICATION, Some(&contents.system))?;
    let runs: Result<Vec<Run>> = contents.records.iter().map(|path| raw(files, path)).collect();
    let case = judged_together(&runs?, |source| Case::judge(source, specification, Runs::default()))?;
    ensure!(Contents::of(&case).records == contents.records, "the records are not those that {CONTENTS} names");
    let told: Value = serde_json::from_slice(part(files, JUDGEMENT)?).context(JUDGEMENT)?;
    let found = json::judgement(case.runs.last().context("there is no run")?, &case.judgement);
    same_verdicts(&told, &found)?;
    let mut rest = files.clone();
    rest.remove(SUMS);
    ensure!(part(files, SUMS)? == sums(&rest), "{SUMS} does not fit the files");
    let by_this_build = contents.judged_by == judge();
    let unchecked = unchecked(files, &case, &contents)?;
    if let Some(name) = unchecked.iter().find(|_| by_this_build) {
        bail!("{name} is not what follows from the records");
    }
    Ok((holds(opened, &case, &contents, &unchecked), !unchecked.is_empty()))
}

/// The files that are not what this build derives from the records: another build may have written them so, or anybody.
fn unchecked(files: &Files, case: &Case, contents: &Contents) -> Result<Vec<String>> {
    let derived = derived(case)?;
    let mut unchecked = Vec::new();
    for (name, content) in &derived {
        // The verdicts and figures in it were compared.
        if part(files, name)? != content && name != JUDGEMENT {
            unchecked.push(name.clone());
        }
    }
    if contents.judged_by == judge() && part(files, JUDGEMENT)? != derived[JUDGEMENT] {
        unchecked.push(JUDGEMENT.to_owned());
    }
    let named = |name: &String| derived.contains_key(name) || contents.records.contains(name);
    let others = files.keys().filter(|name| !named(name) && ![CONTENTS, SPECIFICATION, SUMS].contains(&name.as_str()));
    unchecked.extend(others.cloned());
    Ok(unchecked)
}

/// A record, whose specification must have the hash that it names.
fn raw(files: &Files, path: &str) -> Result<Run> {
    let run = record::parse(part(files, path)?, Path::new(path))?;
    let found = hex::encode(Sha256::digest(&run.spec.text));
    ensure!(found == run.spec.sha256, "the specification in {path} does not have the hash that stands beside it");
    Ok(run)
}

/// Each target's verdict and figure, and what they add up to. The words of reasons may differ between builds.
fn same_verdicts(told: &Value, found: &Value) -> Result<()> {
    let rows = |value: &Value| -> Vec<(String, String)> {
        let rows = value["targets"].as_array().cloned().unwrap_or_default();
        let row = |row: &Value| (row["id"].to_string(), format!("{} {}", row["verdict"], row["measured"]["value"]));
        rows.iter().map(row).collect()
    };
    let (told_rows, found_rows) = (rows(told), rows(found));
    ensure!(
        told_rows.len() == found_rows.len(),
        "it tells of {} targets, and the specification has {}",
        told_rows.len(),
        found_rows.len()
    );
    for ((id, told), (same, found)) in told_rows.iter().zip(&found_rows) {
        ensure!(id == same && told == found, "it says {id} {told}, and the records say {same} {found}");
    }
    let acceptance = |value: &Value| value["acceptance"].to_string();
    let (told, found) = (acceptance(told), acceptance(found));
    ensure!(told == found, "it says {told}, and the records say {found}");
    Ok(())
}

fn holds(opened: &Opened, case: &Case, contents: &Contents, unchecked: &[String]) -> String {
    let signer = opened.signer.as_ref().map_or("nobody".to_owned(), |key| format!("the key {}", key.hex()));
    let [version, revision] = &contents.judged_by;
    let who = if contents.judged_by == judge() { "the same build as this one" } else { "another build than this one" };
    let rest = if unchecked.is_empty() {
        "; audit, fingerprint and report follow from the records byte for byte"
    } else {
        "; verdicts and figures were computed again, and are the same"
    };
    let mut lines = vec![
        format!("sealed     SHA-256 {}", opened.sha256),
        format!("signed by  {signer}"),
        format!("judged by  hostproof {version} {revision}, {who}{rest}"),
        format!("host       {}, {} runs of {} boots", case.judgement.host, case.runs.len(), case.judgement.boots),
        format!("system     {}, SHA-256 {}", contents.system, case.specification.source.sha256),
    ];
    let other = case.runs.iter().filter(|run| run.spec.sha256 != case.specification.source.sha256).count();
    if other > 0 {
        lines.push(format!(
            "note       {other} of the runs were made for another specification than they are judged by"
        ));
    }
    let acceptance = json::acceptance(&case.judgement);
    if unchecked.is_empty() {
        lines.push(format!("HOLDS: {acceptance}"));
    } else {
        let [version, revision] = judge();
        lines.push(format!("NOT CHECKED: {}", unchecked.join(", ")));
        lines.push(format!(
            "           this build ({version} {revision}) renders them otherwise; the build that judged can check them, and \
             --records-only does without them"
        ));
        lines.push(format!("RECORDS AND VERDICT HOLD: {acceptance}"));
    }
    lines.iter().map(|line| terminal::clean(line) + "\n").collect()
}

fn part<'a>(files: &'a Files, name: &str) -> Result<&'a [u8]> {
    files.get(name).map(Vec::as_slice).with_context(|| format!("{name} is missing in it"))
}

fn utf8<'a>(files: &'a Files, name: &str) -> Result<&'a str> {
    std::str::from_utf8(part(files, name)?).with_context(|| format!("{name} is not text"))
}
