//! The files of a machine: the initial file system with its first process, and the root on the boot drives.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::hardware::{BOOT_BYTES, Hardware};
use crate::parts::{self, MODULES, Parts, output};
use crate::scenario::{self, Scenario};
use crate::{sensors, smbios};

/// Where the files of one machine lie.
pub(crate) struct Files<'a> {
    pub(crate) folder: &'a Path,
}

impl Files<'_> {
    pub(crate) fn initial(&self) -> PathBuf {
        self.folder.join("initial.cpio")
    }

    pub(crate) fn drive(&self, serial: &str) -> PathBuf {
        self.folder.join(format!("{serial}.img"))
    }

    pub(crate) fn structure(&self, number: usize) -> PathBuf {
        self.folder.join(format!("smbios-{number}"))
    }

    pub(crate) fn sensors(&self) -> PathBuf {
        self.folder.join("sensors")
    }

    /// The socket of the emulator's monitor.
    pub(crate) fn monitor(&self) -> PathBuf {
        self.folder.join("monitor")
    }

    /// Makes the drives: the root on both boot drives, byte for byte the same; the others empty.
    pub(crate) fn make_drives(&self, parts: &Parts, hardware: &Hardware) -> Result<()> {
        fs::create_dir_all(self.folder)?;
        let root = tempfile::tempdir_in(self.folder)?;
        fill_root(root.path(), parts)?;
        for drive in &hardware.drives {
            let file = fs::File::create(self.drive(&drive.serial))?;
            file.set_len(drive.bytes)?;
        }
        let first = self.drive("BOOT0");
        // No lazy part: the kernel would go on writing while the machine measures.
        let options = ["-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", "-d"];
        output(Command::new("mkfs.ext4").args(options).arg(root.path()).arg(&first))?;
        ensure!(fs::metadata(&first)?.len() == BOOT_BYTES, "mkfs.ext4 changed the size of {}", first.display());
        self.mirror()
    }

    /// Makes the second boot drive what the first one is.
    fn mirror(&self) -> Result<()> {
        let (first, second) = (self.drive("BOOT0"), self.drive("BOOT1"));
        output(Command::new("cp").arg("--sparse=always").arg(first).arg(second)).map(drop)
    }

    /// Makes the initial file system, which holds the scenario, and the firmware's tables.
    pub(crate) fn make_boot(&self, parts: &Parts, hardware: &Hardware, scenario: &Scenario) -> Result<()> {
        for (number, bytes) in smbios::structures(hardware).iter().enumerate() {
            fs::write(self.structure(number), bytes)?;
        }
        fs::write(self.sensors(), sensors::records())?;
        let staging = tempfile::tempdir_in(self.folder)?;
        let root = staging.path();
        let modules = root.join(&scenario::MODULES[1..]);
        fs::create_dir_all(&modules)?;
        for name in MODULES {
            fs::copy(parts.module(name)?, modules.join(format!("{name}.ko")))?;
        }
        fs::write(root.join(&scenario::SCENARIO[1..]), serde_json::to_vec(scenario)?)?;
        let own = std::env::current_exe()?;
        output(Command::new("strip").arg("-o").arg(root.join("init")).arg(&own))?;
        copy_libraries(&own, root)?;
        pack(root, &self.initial())
    }

    /// Brings what the machine wrote on its root to `OUT` into a folder of the host, after the journal was replayed.
    pub(crate) fn bring_back(&self) -> Result<PathBuf> {
        let drive = self.drive("BOOT0");
        // 0: clean; 1: mended, as after a power cut.
        let checked = Command::new("e2fsck").arg("-fy").arg(&drive).output().context("e2fsck could not be started")?;
        let code = checked.status.code();
        ensure!(matches!(code, Some(0 | 1)), "the root is broken: {}", String::from_utf8_lossy(&checked.stdout).trim());
        self.mirror()?;
        let back = self.folder.join("back");
        if back.exists() {
            fs::remove_dir_all(&back)?;
        }
        fs::create_dir_all(&back)?;
        let command = format!("rdump {} {}", scenario::OUT, back.display());
        output(Command::new("debugfs").arg("-R").arg(command).arg(&drive))?;
        Ok(back.join(&scenario::OUT[1..]))
    }
}

/// What the lab's machine is, as a specification.
pub(crate) const SPECIFICATION: &str = include_str!("../lab.toml");

fn fill_root(root: &Path, parts: &Parts) -> Result<()> {
    for folder in ["proc", "sys", "dev", "tmp", "run", &scenario::OUT[1..]] {
        fs::create_dir_all(root.join(folder))?;
    }
    fs::write(root.join("lab.toml"), SPECIFICATION)?;
    for program in parts.programs() {
        let name = program.file_name().context("a program has no name")?;
        output(Command::new("strip").arg("-o").arg(root.join(name)).arg(program))?;
        copy_libraries(program, root)?;
    }
    copy(&parts.blas, root)?;
    copy_libraries(&parts.blas, root)
}

fn copy_libraries(program: &Path, root: &Path) -> Result<()> {
    parts::libraries(program)?.iter().try_for_each(|library| copy(library, root))
}

/// Copies a file of the host to the same place under `root`.
fn copy(file: &Path, root: &Path) -> Result<()> {
    let to = root.join(file.strip_prefix("/")?);
    fs::create_dir_all(to.parent().context("a file has no folder")?)?;
    fs::copy(file, &to).with_context(|| format!("could not copy {}", file.display()))?;
    Ok(())
}

/// A folder as an archive that the kernel unpacks.
fn pack(folder: &Path, archive: &Path) -> Result<()> {
    let mut find = Command::new("find").arg(".").current_dir(folder).stdout(Stdio::piped()).spawn()?;
    let names = find.stdout.take().context("find has no output")?;
    let status = Command::new("cpio")
        .args(["-o", "-H", "newc", "--quiet", "-R", "0:0"])
        .current_dir(folder)
        .stdin(names)
        .stdout(fs::File::create(archive)?)
        .status()
        .context("cpio could not be started; is its package installed?")?;
    ensure!(find.wait()?.success() && status.success(), "the initial file system could not be packed");
    Ok(())
}
