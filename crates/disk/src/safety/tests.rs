//! The sweep over images of devices: none is written to without the right to destroy what it holds.

use std::os::unix::fs::FileExt;
use std::process::Command;

use super::images::{At, FILE_SYSTEMS, Image, OTHERS, RAID, SIZE, TABLES};
use super::*;
use crate::job::{Access, Amount, Blocks, Checksum, Job, JobTarget, ReadWriteMix};
use crate::{Settings, run_jobs};

const MIB: u64 = 1 << 20;

fn write_job(path: &Path) -> Job {
    let mut job = Job::new("write", JobTarget::Paths(vec![path.to_owned()]));
    job.rw = ReadWriteMix::Write;
    job.flags.direct = false;
    job.blocks = [Blocks::of(65536); 2];
    job.size = Some(Amount::Bytes(MIB / 8));
    job
}

fn run(job: &Job, destroy: bool) -> Result<(), String> {
    let JobTarget::Paths(paths) = &job.target else { unreachable!("jobs here have paths") };
    let rights = Rights { write: paths.clone(), destroy: if destroy { paths.clone() } else { Vec::new() } };
    let settings = Settings { rights, ..Settings::default() };
    run_jobs(std::slice::from_ref(job), &settings, &mut |_| {}).map(|_| ()).map_err(|error| error.to_string())
}

/// An image of zeros.
fn zeros(path: &Path, size: u64) -> File {
    let file = File::create(path).unwrap();
    file.set_len(size).unwrap();
    file
}

fn lay(path: &Path, image: &Image) {
    let file = zeros(path, image.size);
    for (at, bytes) in image.content {
        let at = match at {
            At::Start(at) => *at,
            At::End(back) => image.size - back,
        };
        file.write_all_at(bytes, at).unwrap();
    }
}

/// A digest of a file's length and of what in it is not zero; what is a hole is not read.
fn digest(path: &Path) -> u64 {
    use std::hash::Hasher;
    let file = File::open(path).unwrap();
    let end = file.metadata().unwrap().len();
    let mut hasher = twox_hash::XxHash64::with_seed(end);
    let mut at = 0;
    // No data after this: an error, as the end of the file is one.
    while let Ok(data) = rustix::fs::seek(&file, rustix::fs::SeekFrom::Data(at)) {
        at = rustix::fs::seek(&file, rustix::fs::SeekFrom::Hole(data)).unwrap();
        let mut bytes = vec![0; usize::try_from(at - data).unwrap()];
        file.read_exact_at(&mut bytes, data).unwrap();
        for (start, block) in (data..).step_by(4096).zip(bytes.chunks(4096)) {
            if block.iter().any(|&byte| byte != 0) {
                hasher.write_u64(start);
                hasher.write(block);
            }
        }
    }
    hasher.finish()
}

/// How many of the kinds each way of looking knows.
#[derive(Debug, Default)]
struct Tally {
    kinds: usize,
    table: usize,
    libblkid: usize,
    neither: usize,
}

impl Tally {
    /// Runs a write with the right to write alone: it is refused and nothing changes.
    fn take(&mut self, name: &str, path: &Path) {
        let mut file = File::open(path).unwrap();
        let len = file.metadata().unwrap().len();
        let table = !signature::find(&mut file, len).unwrap().is_empty();
        let known: Vec<String> = blkid::find(&file).unwrap_or_default().into_iter().map(|found| found.name).collect();
        let before = digest(path);
        let error = run(&write_job(path), false).expect_err(name);
        assert!(error.contains("is not written to") && error.contains("--allow-destroy"), "{name}: {error}");
        assert_eq!(digest(path), before, "{name}: it was written to");
        assert!(known.iter().all(|known| error.contains(known)), "{name}: libblkid finds {known:?}: {error}");
        let unknown = unknown::find(&mut file, len).unwrap();
        assert!(table || unknown.is_some(), "{name}: it would be written to where there is no libblkid");
        if !table && known.is_empty() {
            assert!(error.contains("at offset"), "{name}: {error}");
            self.neither += 1;
        }
        self.kinds += 1;
        self.table += usize::from(table);
        self.libblkid += usize::from(!known.is_empty());
    }
}

#[test]
fn no_image_is_written_to_without_the_right_to_destroy_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    let mut tally = Tally::default();
    for image in [RAID, FILE_SYSTEMS, TABLES, OTHERS].into_iter().flatten() {
        lay(&path, image);
        tally.take(image.name, &path);
    }
    println!("{tally:?}");
    assert!(tally.kinds >= 80 && tally.neither > 0, "{tally:?}");
    run(&write_job(&path), true).unwrap();
}

/// Programs that make file systems in files; `{}` is the file.
const MAKERS: &[(&str, &[&str])] = &[
    ("mkfs.ext2", &["-q", "-F", "{}"]),
    ("mkfs.ext4", &["-q", "-F", "{}"]),
    ("mke2fs", &["-q", "-F", "-O", "journal_dev", "{}"]),
    ("mkfs.xfs", &["-q", "-f", "{}"]),
    ("mkfs.btrfs", &["-q", "-f", "{}"]),
    ("mkfs.f2fs", &["-q", "-f", "{}"]),
    ("mkfs.nilfs2", &["-q", "-f", "{}"]),
    ("mkfs.jfs", &["-q", "{}"]),
    ("mkfs.reiserfs", &["-q", "-f", "-f", "{}"]),
    ("mkfs.vfat", &["-F", "12", "-s", "128", "{}"]),
    ("mkfs.vfat", &["-F", "16", "{}"]),
    ("mkfs.vfat", &["-F", "32", "{}"]),
    ("mkfs.exfat", &["{}"]),
    ("mkfs.ntfs", &["-q", "-F", "-Q", "{}"]),
    ("mkudffs", &["{}"]),
    ("mkfs.minix", &["-1", "{}"]),
    ("mkfs.minix", &["-2", "{}"]),
    ("mkfs.minix", &["-3", "{}"]),
    ("mkfs.bfs", &["{}"]),
    ("mkswap", &["{}"]),
    ("mkswap", &["-p", "65536", "{}"]),
    ("cryptsetup", &["luksFormat", "-q", "--type", "luks1", "--pbkdf-force-iterations", "1000", "{}", "/etc/passwd"]),
    ("cryptsetup", &["luksFormat", "-q", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "{}", "/etc/passwd"]),
    ("make-bcache", &["-B", "{}"]),
    ("sgdisk", &["-n", "1:0:+8M", "{}"]),
    ("parted", &["-s", "{}", "mklabel", "msdos", "mkpart", "primary", "1MiB", "9MiB"]),
    ("parted", &["-s", "{}", "mklabel", "bsd"]),
    ("parted", &["-s", "{}", "mklabel", "sun"]),
    ("parted", &["-s", "{}", "mklabel", "mac"]),
    ("parted", &["-s", "{}", "mklabel", "dvh"]),
    ("parted", &["-s", "{}", "mklabel", "amiga"]),
    ("parted", &["-s", "{}", "mklabel", "atari"]),
    ("parted", &["-s", "{}", "mklabel", "aix"]),
    ("parted", &["-s", "{}", "mklabel", "pc98"]),
];

#[test]
fn what_the_makers_on_this_host_make_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    let mut tally = Tally::default();
    for (program, arguments) in MAKERS {
        std::fs::remove_file(&path).ok();
        zeros(&path, 320 * MIB);
        let arguments =
            arguments.iter().map(|argument| if *argument == "{}" { path.as_os_str() } else { argument.as_ref() });
        let made = Command::new(program).args(arguments).env("PATH", tools()).output();
        match made {
            Ok(output) if output.status.success() => tally.take(program, &path),
            Ok(output) => println!("{program} made nothing: {}", String::from_utf8_lossy(&output.stderr).trim()),
            Err(error) => println!("{program}: {error}"),
        }
    }
    println!("{tally:?}");
}

/// The folders of programs, also those that only the administrator has.
fn tools() -> String {
    format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

/// Jobs whose data is known again, whatever they write and how.
fn writers(path: &Path) -> Vec<(&'static str, Job)> {
    let all = || Job { size: Some(Amount::Bytes(SIZE)), ..write_job(path) };
    let blocks = |bytes: u32| Job { blocks: [Blocks::of(bytes); 2], ..all() };
    // Many requests: over the first MiB and a bit.
    let small = |bytes: u32| Job { size: Some(Amount::Bytes(MIB + 12345)), ..blocks(bytes) };
    vec![
        ("stamps", all()),
        ("one sector", small(512)),
        ("blocks that do not divide the MiB", blocks(3 * 4096)),
        ("blocks that do not divide the sector", small(1000)),
        ("a prime", small(4099)),
        ("blocks less than a stamp", Job { size: Some(Amount::Bytes(4096)), ..blocks(13) }),
        ("large blocks", blocks(1 << 20)),
        ("a range of blocks", Job { blocks: [Blocks { min: 4096, max: 65536 }; 2], access: Access::Random, ..all() }),
        ("new data", Job { refill: true, ..all() }),
        ("CRC-32C", Job { verify: Some(Checksum::Crc32c), ..all() }),
        ("XXH64", Job { verify: Some(Checksum::Xxhash), ..blocks(12288) }),
        ("a mix", Job { rw: ReadWriteMix::Mixed { read_percent: 50 }, access: Access::Random, ..blocks(4096) }),
        ("part of it", Job { io_size: Some(Amount::Bytes(SIZE / 3)), access: Access::Random, ..blocks(4096) }),
        ("workers", Job { workers: 3, access: Access::Random, random_map: false, ..blocks(8192) }),
        ("a region", Job { offset: Amount::Bytes(SIZE - MIB), size: Some(Amount::Bytes(MIB)), ..blocks(4096) }),
    ]
}

#[test]
fn what_this_program_wrote_is_as_good_as_empty_until_somebody_else_writes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    for (name, job) in writers(&path) {
        let file = zeros(&path, SIZE);
        for round in 1..3 {
            run(&job, false).unwrap_or_else(|error| panic!("{name}, run {round}: {error}"));
        }
        // Others on top of it: blocks of one kind cut those of another.
        run(&Job { blocks: [Blocks::of(1536); 2], io_size: Some(Amount::Percent(40)), ..job.clone() }, false).unwrap();
        run(&job, false).unwrap_or_else(|error| panic!("{name}, after another one: {error}"));
        for at in [0, 3 * 512, MIB - 512, SIZE - MIB, SIZE - 512] {
            let mut kept = [0; 512];
            File::open(&path).unwrap().read_exact_at(&mut kept, at).unwrap();
            file.write_all_at(&[7; 512], at).unwrap();
            let error = run(&job, false).expect_err(name);
            let place = format!("at offset {at}: 07 07 07 07 07 07 07 07 07 07 07 07 07 07 07 07 |................|");
            assert!(error.contains(&place), "{name}: {error}");
            file.write_all_at(&kept, at).unwrap();
        }
        run(&job, false).unwrap_or_else(|error| panic!("{name}, as it was: {error}"));
    }
}

#[test]
fn random_bytes_that_look_like_a_short_magic_number_are_still_own() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    zeros(&path, SIZE);
    run(&Job { size: Some(Amount::Bytes(SIZE)), ..write_job(&path) }, false).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    for (magic, at) in [(&[0x55, 0xAA][..], 510), (&[0x53, 0xEF], 0x438), (&[0x7F, 0x13], 1040), (b"BD", 1024 + 16)] {
        file.write_all_at(magic, at).unwrap();
    }
    file.write_all_at(&[7], 446).unwrap();
    run(&write_job(&path), false).unwrap();
}

#[test]
fn who_changes_a_part_of_an_own_sector_is_still_seen_by_his_signature() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    let check = |content: &[(&[u8], u64)], expect: &str| {
        let file = zeros(&path, SIZE);
        run(&Job { size: Some(Amount::Bytes(SIZE)), ..write_job(&path) }, false).unwrap();
        for (bytes, at) in content {
            file.write_all_at(bytes, *at).unwrap();
        }
        let error = run(&write_job(&path), false).unwrap_err();
        assert!(error.contains(expect), "{error}");
    };
    check(&[(&[0; 64], 446), (&[0x80, 1, 1, 0, 0x83], 446), (&[0x55, 0xAA], 510)], "a partition table");
    check(&[(b"SWAPSPACE2", 4086)], "a swap area");
    check(&[(b"_BHRfS_M", 0x1_0040)], "Btrfs");
    if blkid::find(&zeros(&path, SIZE)).is_some() {
        check(&[(b"ORCLDISK", 32)], "libblkid finds oracleasm");
    }
}
