//! Where the test files of a run lie: what was typed, the volume that the specification speaks of, or where records go.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use disk::mounts::{self, Mounted};
use disk::place_of;
use measure::{DrivesBelow, FactValue, Facts, StoragePlace};
use serde_json::{Value, json};
use spec::System;

/// The facts of the volume that targets of storage speak of.
const VOLUME: &str = "storage.scratch.";

/// The folder of the test files, which is there and can be written to.
pub(crate) struct Scratch {
    pub(crate) folder: PathBuf,
    /// What holds it.
    pub(crate) place: StoragePlace,
}

impl Scratch {
    /// The folder that was typed. Nothing is measured in its place.
    pub(crate) fn typed(folder: &Path, root: &Path) -> Result<Scratch> {
        let shown = folder.display();
        let about = folder.metadata().with_context(|| {
            format!("--scratch {shown}: there is no such folder; make it, or mount its file system first")
        })?;
        ensure!(about.is_dir(), "--scratch {shown} is no folder; name the folder that test files may be made in");
        let trouble =
            || format!("--scratch {shown}: no files can be made there; give a folder that this user can write to");
        takes_files(folder).with_context(trouble)?;
        Scratch::at(folder, root)
    }

    /// A folder that is there.
    pub(crate) fn at(folder: &Path, root: &Path) -> Result<Scratch> {
        let folder = std::path::absolute(folder)?;
        Ok(Scratch { place: place_of(&folder, root), folder })
    }

    /// What is known of it, for machines.
    pub(crate) fn json(&self) -> Value {
        let StoragePlace { file_system, drives, source, mount_point, free, .. } = &self.place;
        json!({
            "folder": self.folder, "file_system": file_system, "source": source, "mount_point": mount_point,
            "devices": drives.names(), "is_virtual": matches!(drives, DrivesBelow::Virtual(_)),
            "unknown": drives.why_unknown(), "free": free,
        })
    }
}

/// That files can be made in a folder, found by making one without a name.
pub(crate) fn takes_files(folder: &Path) -> io::Result<()> {
    tempfile::tempfile_in(folder).map(drop)
}

/// The folder itself, or the nearest one above it that exists: a dry run makes none.
pub(crate) fn existing(folder: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(folder)?;
    let found = absolute.ancestors().find(|folder| folder.is_dir());
    Ok(found.with_context(|| format!("no folder above {} exists", absolute.display()))?.to_owned())
}

/// Where test files lie that nobody named a place for, and what is to be said about it: the only file system on the drives
/// that the specification speaks of, else `records`.
pub(crate) fn found(records: PathBuf, system: &System, host: &Facts, root: &Path) -> (PathBuf, Option<String>) {
    let speaks_of_one = system.facts.iter().any(|fact| fact.id.starts_with(VOLUME));
    let drives = drives(host);
    if !speaks_of_one || drives.is_empty() {
        return (records, None);
    }
    let place = place_of(&records, root);
    let below = place.drives.names();
    if !below.is_empty() && below.iter().all(|name| drives.contains(name)) {
        return (records, None);
    }
    choose(records, &drives, &mounts::on_drives(&drives, root))
}

fn choose(records: PathBuf, volume: &BTreeSet<String>, mounted: &[Mounted]) -> (PathBuf, Option<String>) {
    let names = |drives: &BTreeSet<String>| drives.iter().cloned().collect::<Vec<_>>().join(" ");
    let default = records.display().to_string();
    let otherwise = format!("the storage workload uses {default}: name a folder on them with --scratch");
    match mounted {
        [] => (
            records,
            Some(format!(
                "no file system is mounted on the volume of the specification ({}), so {otherwise}",
                names(volume)
            )),
        ),
        [only] => {
            let part = match only.drives.len() {
                all if all == volume.len() => String::new(),
                some => format!(", {some} of its {} drives", volume.len()),
            };
            let Mounted { point, file_system, drives } = only;
            let place = format!("{} ({file_system} on {}{part})", point.display(), names(drives));
            let why = "the only file system on the volume of the specification";
            (point.clone(), Some(format!("the storage workload uses {place}: {why}")))
        }
        several => {
            let points: Vec<_> = several.iter().map(|one| one.point.display().to_string()).collect();
            let many = format!("{} file systems are mounted on the volume of the specification", several.len());
            (records, Some(format!("{many} ({}), so {otherwise}", points.join(", "))))
        }
    }
}

/// Kernel names of the drives that the inventory files under the scratch volume.
fn drives(host: &Facts) -> BTreeSet<String> {
    let Some(FactValue::Text(names)) = host.value("storage.scratch.devices") else { return BTreeSet::new() };
    names.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &str) -> BTreeSet<String> {
        names.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn one_file_system_on_the_volume_is_taken_and_said() {
        let check = |mounted: &[(&str, &str)], place: &str, words: &str| {
            let mounted = mounted.iter().map(|(point, drives)| Mounted {
                point: point.into(),
                file_system: "xfs".to_owned(),
                drives: set(drives),
            });
            let (folder, said) = choose("/records".into(), &set("nvme0n1 nvme1n1"), &mounted.collect::<Vec<_>>());
            assert_eq!(folder, Path::new(place));
            assert!(said.as_ref().is_some_and(|said| said.contains(words)), "{said:?}");
        };
        check(&[], "/records", "no file system is mounted on the volume of the specification (nvme0n1 nvme1n1)");
        check(&[("/a", "nvme0n1 nvme1n1")], "/a", "/a (xfs on nvme0n1 nvme1n1): the only file system");
        check(&[("/a", "nvme0n1")], "/a", "/a (xfs on nvme0n1, 1 of its 2 drives): the only file system");
        check(&[("/a", "nvme0n1"), ("/b", "nvme1n1")], "/records", "2 file systems are mounted");
    }

    #[test]
    fn only_a_specification_with_a_volume_moves_the_test_files() {
        let mut host = Facts::default();
        let with = spec::builtin().iter().find(|system| system.id == "PY-HPC-2024.Q3").unwrap().clone();
        let mut without = with.clone();
        without.facts.clear();
        let root = tempfile::tempdir().unwrap();
        let place = |system: &System, host: &Facts| found("/records".into(), system, host, root.path());
        assert_eq!(place(&with, &host), ("/records".into(), None), "the host's drives are not known");
        host.0.insert("storage.scratch.devices".to_owned(), devices("nvme0n1, nvme1n1"));
        assert_eq!(place(&without, &host), ("/records".into(), None));
        assert!(place(&with, &host).1.is_some_and(|said| said.contains("--scratch")));
    }

    fn devices(names: &str) -> measure::Fact {
        let reading = measure::Reading::Present(FactValue::Text(names.to_owned()));
        measure::Fact { reading, source: "test".to_owned() }
    }
}
