//! What is never written to: each refusal, with the bytes compared before and after.
//!
//! Most cases are plain files that hold an image of a device. Where this process may make loop devices, the same is
//! done with devices, one of them mounted; elsewhere that test says why it did nothing.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use disk::job::{Amount, Blocks, Job, JobTarget, Queue, ReadWriteMix};
use disk::{Error, Rights, Settings, run_jobs};

const SIZE: usize = 16 << 20;

fn write_job(path: &Path) -> Job {
    let mut job = Job::new("write", JobTarget::Paths(vec![path.to_owned()]));
    job.rw = ReadWriteMix::Write;
    job.flags.direct = false;
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
    refused(&path, &settings(&[&path], &[]), "at offset 0: 07 07 07");
    run_jobs(&[write_job(&path)], &settings(&[&path], &[&path]), &mut |_| {}).unwrap();
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

/// A thread that changes what a name means, over and over, until it is dropped.
struct Exchanging(Arc<AtomicBool>, Option<JoinHandle<()>>);

impl Exchanging {
    fn new(mut exchange: impl FnMut() + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                exchange();
            }
        });
        Exchanging(stop, Some(thread))
    }
}

impl Drop for Exchanging {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.take().unwrap().join().unwrap();
    }
}

/// Makes `name` a link to `target`, whatever it was before, in one step.
fn link(name: &Path, target: &Path) {
    let new = name.with_extension("new");
    std::os::unix::fs::symlink(target, &new).unwrap();
    fs::rename(&new, name).unwrap();
}

#[test]
fn a_name_that_is_exchanged_under_load_never_leads_to_what_was_not_allowed() {
    let dir = tempfile::tempdir().unwrap();
    let [allowed, forbidden, name] = ["allowed", "forbidden", "name"].map(|name| dir.path().join(name));
    fs::write(&allowed, vec![0; 1 << 20]).unwrap();
    fs::write(&forbidden, vec![0; 1 << 20]).unwrap();
    link(&name, &allowed);
    let targets = [allowed.clone(), forbidden.clone()];
    let exchanged = name.clone();
    let exchanging = Exchanging::new(move || targets.iter().for_each(|target| link(&exchanged, target)));
    let (mut written, mut refused) = (0, 0);
    for _ in 0..500 {
        match run_jobs(&[write_job(&name)], &settings(&[&allowed], &[]), &mut |_| {}) {
            Ok(_) => written += 1,
            Err(Error::Refused { .. }) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    drop(exchanging);
    println!("{written} written, {refused} refused");
    assert!(bytes(&forbidden).iter().all(|&byte| byte == 0), "it was not named");
}

#[test]
fn a_test_file_is_never_what_comes_to_have_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let [forbidden, name] = ["forbidden", "name"].map(|name| dir.path().join(name));
    fs::write(&forbidden, vec![0; 1 << 20]).unwrap();
    let (target, coming) = (forbidden.clone(), name.clone());
    let exchanging = Exchanging::new(move || {
        link(&coming, &target);
        fs::remove_file(&coming).unwrap();
    });
    for _ in 0..500 {
        match run_jobs(&[write_job(&name)], &settings(&[], &[]), &mut |_| {}) {
            // A test file, or what has the name now; between two looks at it, it can be gone.
            Ok(_) | Err(Error::Refused { .. } | Error::File { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    drop(exchanging);
    assert!(bytes(&forbidden).iter().all(|&byte| byte == 0), "it was not named");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left");
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    if let Err(why) = run_tool("mkfifo", &[&fifo]) {
        return println!("no FIFO could be made: {why}");
    }
    for rw in [ReadWriteMix::Read, ReadWriteMix::Write] {
        for (path, expect) in [(fifo.as_path(), "is a FIFO"), (Path::new("/dev/null"), "is a character device")] {
            let job = Job { rw, ..write_job(path) };
            let error = run_jobs(&[job], &settings(&[path], &[path]), &mut |_| {}).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        }
    }
}

#[test]
fn nothing_is_made_or_measured_among_the_device_files() {
    let missing = Path::new("/dev/no-such-device-77n1");
    let scratch = Job { target: JobTarget::Scratch(vec!["/dev".into()]), ..write_job(missing) };
    for job in [write_job(missing), Job { rw: ReadWriteMix::Read, ..write_job(missing) }, scratch] {
        let error = run_jobs(&[job], &settings(&[missing], &[missing]), &mut |_| {}).unwrap_err();
        assert!(matches!(error, Error::NoDevice { .. }), "{error}");
        assert!(error.to_string().contains("no such device"), "{error}");
    }
    assert!(!missing.exists());
}

#[test]
fn reading_needs_no_right_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine");
    fs::write(&path, vec![7; SIZE]).unwrap();
    let read = Job { rw: ReadWriteMix::Read, ..write_job(&path) };
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
            unmount(point);
        }
        let _ = run_tool("losetup", &[Path::new("-d"), &self.device]);
    }
}

fn run_tool(program: &str, arguments: &[&Path]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

fn attach(image: &Path) -> Result<Loop, String> {
    let device = run_tool("losetup", &["-f".as_ref(), "--show".as_ref(), image])?;
    Ok(Loop { device: device.into(), mounted: None })
}

/// A loop device on an image of zeros in a folder; `None`, with the reason said, where this process may not make one.
fn device(dir: &Path) -> Option<(Loop, PathBuf)> {
    let image = dir.join("image");
    fs::write(&image, vec![0; SIZE]).unwrap();
    match attach(&image) {
        Ok(device) => Some((device, image)),
        Err(why) => {
            println!("no loop device here, so only images are tested: {why}");
            None
        }
    }
}

#[test]
fn devices_are_refused_as_images_are() {
    let dir = tempfile::tempdir().unwrap();
    let Some((device, image)) = device(dir.path()) else { return };
    let path = device.device.as_path();
    refused(path, &settings(&[], &[]), "it is a block device");
    refused(&image, &settings(&[&image], &[]), "lies on it");
    for direct in [false, true, true] {
        let mut job = write_job(path);
        job.flags.direct = direct;
        run_jobs(&[job], &settings(&[path], &[]), &mut |_| {}).unwrap();
    }
    fs::OpenOptions::new().write(true).open(path).unwrap().write_all_at(&[7; 512], 1536).unwrap();
    refused(path, &settings(&[path], &[]), "at offset 1536: 07 07");
    let labels: [(&[u8], usize, &str); 5] = [
        (b"EFI PART", 512, "GPT"),
        (&[0x55, 0xAA], 510, "partition table"),
        (&0x00BA_B10C_u64.to_le_bytes(), 128 << 10, "ZFS"),
        (&0x00BA_B10C_u64.to_be_bytes(), SIZE - (128 << 10), "ZFS"),
        (b"SWAPSPACE2", 4086, "swap"),
    ];
    for (magic, at, expect) in labels {
        let mut bytes = vec![0; SIZE];
        bytes[at..at + magic.len()].copy_from_slice(magic);
        fs::write(path, bytes).unwrap();
        refused(path, &settings(&[path], &[]), expect);
        refused(path, &settings(&[], &[path]), "--allow-write");
    }
}

#[test]
fn blocks_that_are_none_of_the_device_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let Some((device, _)) = device(dir.path()) else { return };
    let path = device.device.as_path();
    if let Err(why) = run_tool("losetup", &["--sector-size".as_ref(), "4096".as_ref(), path]) {
        return println!("the loop device keeps its blocks: {why}");
    }
    let check = |change: fn(&mut Job), expect: Option<&str>| {
        let mut job = Job { rw: ReadWriteMix::Read, ..write_job(path) };
        job.flags.direct = true;
        job.blocks = [Blocks::of(4096); 2];
        change(&mut job);
        let error = run_jobs(&[job], &settings(&[], &[]), &mut |_| {}).err().map(|error| error.to_string());
        assert_eq!(error.is_some(), expect.is_some(), "{error:?}");
        assert!(error.unwrap_or_default().contains(expect.unwrap_or_default()));
    };
    check(|_| {}, None);
    check(|job| job.blocks = [Blocks::of(512); 2], Some("bs=512 is not a multiple of 4096, the block of"));
    check(|job| job.offset = Amount::Bytes(512), Some("it starts at 512, which is not a multiple of 4096"));
    check(|job| (job.blocks, job.flags.direct) = ([Blocks::of(512); 2], false), None);
}

#[test]
fn what_the_tools_of_the_system_make_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let Some((mut device, _)) = device(dir.path()) else { return };
    let path = device.device.clone();
    let makers: [(&str, &[&str], &str); 2] = [("mkswap", &[], "swap"), ("mkfs.ext4", &["-q", "-F"], "ext file system")];
    for (program, flags, expect) in makers {
        let arguments: Vec<&Path> = flags.iter().map(Path::new).chain([path.as_path()]).collect();
        if let Err(why) = run_tool(program, &arguments) {
            return println!("{program} made nothing: {why}");
        }
        refused(&path, &settings(&[&path], &[]), expect);
    }
    let point = dir.path().join("point");
    fs::create_dir(&point).unwrap();
    if let Err(why) = run_tool("mount", &[&path, &point]) {
        return println!("it could not be mounted: {why}");
    }
    device.mounted = Some(point.clone());
    refused(&path, &settings(&[&path], &[]), "mounted on");
    too_large(&point);
    fills_up(&point);
}

/// More than the free space is refused before anything is written.
fn too_large(dir: &Path) {
    let mut job = Job::new("big", JobTarget::Scratch(vec![dir.to_owned()]));
    job.rw = ReadWriteMix::Write;
    job.size = Some(Amount::Bytes(1 << 30));
    let error = run_jobs(&[job], &Settings::default(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::NoRoom { .. }), "{error}");
}

/// A file with a hole that is larger than the free space: the file system is full in the middle of the run. That ends
/// in a clear error, and no other file has changed.
fn fills_up(dir: &Path) {
    let (other, sparse) = (dir.join("other"), dir.join("sparse"));
    fs::write(&other, vec![3; 1 << 20]).unwrap();
    fs::File::create(&sparse).unwrap().set_len(64 << 20).unwrap();
    for block in [4096, 1 << 20] {
        let mut job = write_job(&sparse);
        job.blocks = [Blocks::of(block); 2];
        job.queue = Queue::deep(8);
        job.size = Some(Amount::Bytes(64 << 20));
        let error = run_jobs(&[job], &settings(&[&sparse], &[]), &mut |_| {}).unwrap_err();
        let Error::Full { written, .. } = &error else { panic!("blocks of {block}: {error}") };
        assert!(*written < 64 << 20, "{error}");
        assert!(error.to_string().contains("free space"), "{error}");
    }
    assert_eq!(bytes(&other), vec![3; 1 << 20]);
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.retain(|name| name != "lost+found");
    names.sort();
    assert_eq!(names, ["other", "sparse"]);
    fs::remove_file(sparse).unwrap();
}

#[test]
fn a_file_system_in_memory_fills_up() {
    let dir = tempfile::tempdir().unwrap();
    let options = ["-t", "tmpfs", "-o", "size=8m", "none"].map(Path::new);
    let arguments: Vec<&Path> = options.into_iter().chain([dir.path()]).collect();
    if let Err(why) = run_tool("mount", &arguments) {
        return println!("nothing could be mounted: {why}");
    }
    let _mounted = Mounted(dir.path());
    too_large(dir.path());
    fills_up(dir.path());
}

/// Unmounts, whatever becomes of the test.
struct Mounted<'a>(&'a Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        unmount(self.0);
    }
}

/// Unmounts, also where the kernel lets go of a ring's files a moment after the run.
fn unmount(point: &Path) {
    for _ in 0..50 {
        if run_tool("umount", &[point]).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("{} is still mounted", point.display());
}
