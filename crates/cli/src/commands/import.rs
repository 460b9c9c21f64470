//! `hostproof import`: reads what other tools printed, keeps it, and says what each figure is worth.

use std::path::Path;

use anyhow::{Context, Result, bail};
use measure::{Facts, Run, binary_bytes};
use record::{Imported, Store};
use report::{VendorFile, terminal};
use verdict::Judgement;
use verdict::vendor::{KnownHost, examine};

use crate::args::ImportArgs;
use crate::commands::{look, print, print_json};
use crate::exit::Exit;
use crate::{locations, output};

/// More than this no tool prints: what is larger is no log.
const LARGEST: u64 = 64 << 20;

pub(crate) fn import(args: &ImportArgs) -> Result<Exit> {
    let store = Store::at(&locations::results(args.out.as_deref())?);
    let here = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let host = args.host.as_deref().unwrap_or(&here);
    let mut records = Vec::new();
    // All are read before one is kept.
    for path in &args.files {
        let bytes = log(path)?;
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
            anyhow::anyhow!("{}, line {line}: it is not UTF-8 text", path.display())
        })?;
        let import = import::read(text, args.tool.map(Into::into)).with_context(|| path.display().to_string())?;
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        records.push(Imported::new(import, &name, &bytes, (host, args.host.is_some())));
    }
    for record in &mut records {
        record.keep(&store)?;
    }
    let facts = facts(host, host == here, &store)?;
    if facts.is_none() {
        output::say(&format!(
            "nothing is known of {host}: there is no run of it in the store, so that its caches, cores and memory do not judge"
        ));
    }
    let facts = facts.unwrap_or_default();
    let known = KnownHost { name: host, facts: &facts, judged: None };
    let files: Vec<VendorFile> = records.iter().map(|record| file(record, known)).collect();
    if args.json {
        print_json(&serde_json::json!({"host": host, "vendor": report::vendor::json(&files)}))?;
        return Ok(Exit::Done);
    }
    let mut text = String::new();
    for file in &files {
        text += &terminal::vendor_file(file, true, look());
        text += &terminal::paragraph(
            &format!("kept as {}; beside a run: hostproof judge RUN --with {}", file.id, file.id),
            0,
            look(),
        );
    }
    print(text.trim_end())?;
    Ok(Exit::Done)
}

/// The bytes of a log.
fn log(path: &Path) -> Result<Vec<u8>> {
    let (_, length) = record::input::open(path)?;
    if length > LARGEST {
        bail!(
            "{} has {}, and a log has {} at most: give the output of the tool alone",
            path.display(),
            binary_bytes(length as f64),
            binary_bytes(LARGEST as f64)
        );
    }
    Ok(record::input::read(path)?)
}

/// What is known of a host: of this one its inventory, of another its newest run's.
fn facts(host: &str, is_here: bool, store: &Store) -> Result<Option<Facts>> {
    if is_here {
        return Ok(Some(inventory::inspect(Path::new("/"))));
    }
    let newest = store.list()?.into_iter().rfind(|entry| store.place(host, &entry.id) == entry.path);
    newest.map(|entry| Ok(record::head(&entry.path)?.facts)).transpose()
}

fn file(record: &Imported, known: KnownHost<'_>) -> VendorFile {
    let rows = examine(&record.import, known);
    VendorFile {
        name: record.file.clone(),
        id: record.id.clone(),
        host_was_named: record.host_was_named,
        import: record.import.clone(),
        rows,
    }
}

/// The imported records that were typed. One that was said to be of another host than those shown is refused.
pub(crate) fn sent(typed: &[String], out: Option<&Path>, hosts: &[&str]) -> Result<Vec<Imported>> {
    if typed.is_empty() {
        return Ok(Vec::new());
    }
    let store = Store::at(&locations::results(out)?);
    let one = |text: &String| {
        let record = Imported::read(&Imported::find(&store, text)?)?;
        if !hosts.iter().any(|host| may_be_of(&record, host)) {
            let (file, of, shown) = (&record.file, &record.host, hosts.join(", "));
            bail!("{file} was imported as of the host {of}, and what it is to stand beside is of {shown}");
        }
        Ok(record)
    };
    typed.iter().map(one).collect()
}

/// Of most tools the file does not tell of which host it is.
fn may_be_of(record: &Imported, host: &str) -> bool {
    !record.host_was_named || record.host == host
}

/// Those of a run's host, examined beside it.
pub(crate) fn beside(sent: &[Imported], run: &Run, judgement: &Judgement) -> Vec<VendorFile> {
    let known = KnownHost { name: run.name(), facts: &run.facts, judged: Some((run, judgement)) };
    sent.iter().filter(|record| may_be_of(record, run.name())).map(|record| file(record, known)).collect()
}
