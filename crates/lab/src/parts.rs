//! What a machine is put together from: a Debian kernel, the suite's program, and the libraries that it loads.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// Modules in the order in which they depend on each other: NVMe, IPMI, the md driver, ext4.
pub(crate) const MODULES: [&str; 20] = [
    "crct10dif_common",
    "crc-t10dif",
    "crct10dif_generic",
    "crc64",
    "crc64_rocksoft_generic",
    "crc64-rocksoft",
    "t10-pi",
    "nvme-core",
    "nvme",
    "ipmi_msghandler",
    "ipmi_devintf",
    "ipmi_si",
    "crc16",
    "crc32c_generic",
    "libcrc32c",
    "mbcache",
    "jbd2",
    "ext4",
    "md-mod",
    "raid1",
];

/// Files on the host.
pub(crate) struct Parts {
    /// The kernel's image.
    pub(crate) kernel: PathBuf,
    /// File name without `.ko` → file.
    modules: BTreeMap<String, PathBuf>,
    /// The suite's program.
    pub(crate) hostproof: PathBuf,
    /// The feature worker, where it lies beside the suite's program.
    pub(crate) tabular: Option<PathBuf>,
    /// The library that the dense workload loads.
    pub(crate) blas: PathBuf,
}

impl Parts {
    /// Finds them, and fetches the kernel's package into `cache` where it is not there yet; nothing is installed.
    pub(crate) fn gather(cache: &Path, hostproof: PathBuf) -> Result<Parts> {
        ensure!(hostproof.is_file(), "{} is missing; build it, or name it with --hostproof", hostproof.display());
        let unpacked = cache.join("kernel");
        if !unpacked.is_dir() {
            fetch_kernel(cache, &unpacked)?;
        }
        let mut files = Vec::new();
        walk(&unpacked, &mut files)?;
        let kernel = files.iter().find(|file| starts_with(file, "vmlinuz-"));
        let kernel =
            kernel.with_context(|| format!("{} holds no kernel; remove it and try again", unpacked.display()))?;
        let modules = files.iter().filter(|file| file.extension() == Some(OsStr::new("ko")));
        let modules = modules.filter_map(|file| Some((file.file_stem()?.to_str()?.to_owned(), file.clone()))).collect();
        let tabular = Some(hostproof.with_file_name("hostproof-tabular")).filter(|program| program.is_file());
        Ok(Parts { kernel: kernel.clone(), modules, hostproof, tabular, blas: find_blas()? })
    }

    /// What is tried.
    pub(crate) fn programs(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.hostproof).chain(&self.tabular)
    }

    /// The file of a kernel module.
    pub(crate) fn module(&self, name: &str) -> Result<&Path> {
        let file = self.modules.get(name).with_context(|| format!("the kernel's package has no module {name}"))?;
        Ok(file)
    }
}

/// OpenBLAS as the host's loader finds it.
fn find_blas() -> Result<PathBuf> {
    const NAME: &str = "libopenblas.so.0";
    let known = output(Command::new("/sbin/ldconfig").arg("-p"))?;
    let of_name = known.lines().find(|line| line.trim().starts_with(NAME));
    let file = of_name.and_then(|line| line.split_whitespace().last());
    Ok(file.with_context(|| format!("the loader knows no {NAME}; is libopenblas0 installed?"))?.into())
}

fn fetch_kernel(cache: &Path, unpacked: &Path) -> Result<()> {
    fs::create_dir_all(cache).with_context(|| format!("could not make {}", cache.display()))?;
    // The package of this name is empty and depends on the one of the newest version.
    let depends = output(Command::new("apt-cache").args(["depends", "linux-image-amd64"]))?;
    let package = depends.lines().find_map(|line| line.trim().strip_prefix("Depends: ")).map(str::trim);
    let package = package.context("apt knows no linux-image-amd64; run apt-get update")?;
    eprintln!("lab: fetching {package} (70 MB)");
    let folder = tempfile::tempdir_in(cache)?;
    output(Command::new("apt-get").args(["download", "-q", package]).current_dir(folder.path()))?;
    let mut files = Vec::new();
    walk(folder.path(), &mut files)?;
    let archive = files.first().with_context(|| format!("apt-get brought no file of {package}"))?;
    let half = folder.path().join("unpacked");
    output(Command::new("dpkg-deb").arg("-x").arg(archive).arg(&half))?;
    // Put in place whole, so that a fetch that was cut is made again.
    fs::rename(&half, unpacked).with_context(|| format!("could not make {}", unpacked.display()))
}

fn starts_with(file: &Path, prefix: &str) -> bool {
    file.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with(prefix))
}

/// All files under a folder.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("could not read {}", folder.display()))? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// The libraries that a program loads, with the loader itself, as `ldd` tells.
pub(crate) fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let told = output(Command::new("ldd").arg(program))?;
    let mut libraries = Vec::new();
    for line in told.lines() {
        ensure!(!line.contains("not found"), "{} needs a library that is missing: {}", program.display(), line.trim());
        libraries.extend(line.split_whitespace().find(|word| word.starts_with('/')).map(PathBuf::from));
    }
    Ok(libraries)
}

/// What a tool prints; its own words where it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{name} could not be started; is its package installed?"))?;
    if !output.status.success() {
        bail!("{name} failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
