//! What is never written to: each refusal, with the bytes compared before and after.
//!
//! Most cases are plain files that hold an image of a device. Where this process may make loop devices, the same is
//! done with devices, one of them mounted; elsewhere that test says why it did nothing.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use disk::job::{Amount, Flow, Job, Place};
use disk::{Error, Rights, Settings, run_jobs};

const SIZE: usize = 16 << 20;

fn write_job(path: &Path) -> Job {
    let mut job = Job::new("write", Place::Paths(vec![path.to_owned()]));
    job.flow = Flow::Write;
    job.ways.direct = false;
    job.size = Some(Amount::Bytes(64 << 10));
    job
}

fn settings(write: &[&Path], destroy: &[&Path]) -> Settings {
    let owned = |list: &[&Path]| list.iter().map(|path| path.to_path_buf()).collect::<Vec<PathBuf>>();
    Settings { rights: Rights { write: owned(write), destroy: owned(destroy) }, ..Settings::default() }
}

fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

/// Runs a write that has to be refused, for this reason, without a byte changed.
fn refused(path: &Path, settings: &Settings, expect: &str) {
    let before = bytes(path);
    let error = run_jobs(&[write_job(path)], settings, &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    assert!(error.to_string().contains(expect), "{error}");
    assert!(before == bytes(path), "{expect}: the bytes changed");
}

#[test]
fn what_was_not_made_here_is_refused_and_taken_when_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine");
    fs::write(&path, vec![7; SIZE]).unwrap();
    refused(&path, &settings(&[], &[]), "--allow-write");
    run_jobs(&[write_job(&path)], &settings(&[&path], &[]), &mut |_| {}).unwrap();
    assert_ne!(bytes(&path)[..64 << 10], vec![7; 64 << 10], "it was named, so it was written to");
    assert_eq!(bytes(&path)[64 << 10..], vec![7; SIZE - (64 << 10)], "and only where it was told to");
}

#[test]
fn what_holds_data_needs_a_second_word() {
    let dir = tempfile::tempdir().unwrap();
    let zfs = 0x00BA_B10C_u64.to_le_bytes();
    let check = |magic: &[u8], at: u64, expect: &str| {
        let path = dir.path().join("image");
        fs::write(&path, vec![0; SIZE]).unwrap();
        fs::OpenOptions::new().write(true).open(&path).unwrap().write_all_at(magic, at).unwrap();
        refused(&path, &settings(&[&path], &[]), expect);
        refused(&path, &settings(&[], &[&path]), "--allow-write");
        run_jobs(&[write_job(&path)], &settings(&[&path], &[&path]), &mut |_| {}).unwrap();
    };
    check(b"EFI PART", 512, "GPT");
    check(&[0x55, 0xAA], 510, "partition table");
    check(&[0x53, 0xEF], 0x438, "ext file system");
    check(b"XFSB", 0, "XFS");
    check(b"SWAPSPACE2", 4086, "swap");
    check(&zfs, 128 << 10, "ZFS");
    check(&zfs, SIZE as u64 - (128 << 10), "ZFS");
    check(b"LABELONE", 512, "LVM");
}

#[test]
fn reading_needs_no_right_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine");
    fs::write(&path, vec![7; SIZE]).unwrap();
    let read = Job { flow: Flow::Read, ..write_job(&path) };
    let results = run_jobs(&[read], &settings(&[], &[]), &mut |_| {}).unwrap();
    assert_eq!(results.jobs[0].stats[0].bytes, 64 << 10);
    assert_eq!(bytes(&path), vec![7; SIZE]);
}

/// Removes a loop device, and a mount of it, whatever becomes of the test.
struct Loop {
    device: PathBuf,
    mounted: Option<PathBuf>,
}

impl Drop for Loop {
    fn drop(&mut self) {
        if let Some(point) = &self.mounted {
            let _ = said("umount", &[point]);
        }
        let _ = said("losetup", &[Path::new("-d"), &self.device]);
    }
}

fn said(program: &str, arguments: &[&Path]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

fn attach(image: &Path) -> Result<Loop, String> {
    let device = said("losetup", &["-f".as_ref(), "--show".as_ref(), image])?;
    Ok(Loop { device: device.into(), mounted: None })
}

#[test]
fn devices_are_refused_as_images_are() {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("image");
    fs::write(&image, vec![0; SIZE]).unwrap();
    let mut device = match attach(&image) {
        Ok(device) => device,
        Err(why) => return println!("no loop device here, so only images are tested: {why}"),
    };
    let path = device.device.clone();
    refused(&path, &settings(&[], &[]), "it is a block device");
    refused(&image, &settings(&[&image], &[]), "lies on it");
    run_jobs(&[write_job(&path)], &settings(&[&path], &[]), &mut |_| {}).unwrap();
    if let Err(why) = said("mkswap", &[&path]) {
        return println!("no swap area could be made: {why}");
    }
    refused(&path, &settings(&[&path], &[]), "swap");
    if let Err(why) = said("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), &path]) {
        return println!("no file system could be made: {why}");
    }
    refused(&path, &settings(&[&path], &[]), "ext file system");
    let point = dir.path().join("point");
    fs::create_dir(&point).unwrap();
    if let Err(why) = said("mount", &[&path, &point]) {
        return println!("it could not be mounted: {why}");
    }
    device.mounted = Some(point);
    refused(&path, &settings(&[&path], &[]), "mounted on");
    // A file system that fills up ends in a clear error, and its other files are as they were.
    full(device.mounted.as_ref().unwrap());
}

fn full(dir: &Path) {
    let other = dir.join("other");
    fs::write(&other, vec![3; 1 << 20]).unwrap();
    let mut job = Job::new("big", Place::Scratch(dir.to_owned()));
    job.flow = Flow::Write;
    job.size = Some(Amount::Bytes(1 << 30));
    let error = run_jobs(&[job], &Settings::default(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::NoRoom { .. }), "{error}");
    assert_eq!(bytes(&other), vec![3; 1 << 20]);
    let names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| name == "other" || name == "lost+found"), "{names:?}");
}
