//! The Python that the driver runs in: one that was named, or an environment of its own with pinned packages, made once.

use std::env;
use std::fs::{self, File, TryLockError};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::group::kill_group;
use crate::Error;

/// The packages of the environment, each in one version.
const PINS: &str = include_str!("requirements.txt");
/// The interpreter that makes the environment.
const INTERPRETER: &str = "python3";
/// Marks an environment that is whole.
const WHOLE: &str = "hostproof-whole";
/// How long `venv` or `pip` may take, and how long another process that makes the same environment is waited for.
const LIMIT: Duration = Duration::from_mins(5);
/// How often is looked whether something has ended.
const LOOK: Duration = Duration::from_millis(50);

/// Runs a module of Python that ends with this process: its arguments are the process and what the module gets, its own name
/// first.
const MODULE: &str = "
import ctypes, os, runpy, signal, sys
ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)
if os.getppid() != int(sys.argv[1]): os._exit(1)
sys.argv = sys.argv[2:]
runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)
";

/// An interpreter that has Dask.
#[derive(Clone, Debug)]
pub(super) struct Python {
    pub(super) program: PathBuf,
    /// Whether it is ours, and takes nothing from the user's settings of Python.
    pub(super) is_pinned: bool,
}

/// The Python that was named, or that of the pinned environment, which is made where it is not there.
pub(super) fn find(named: Option<&Path>, note: &mut dyn FnMut(&str)) -> Result<Python, Error> {
    if let Some(program) = named {
        return Ok(Python { program: absolute(program)?, is_pinned: false });
    }
    let version = version()?;
    let folder = folder_of(&version, &cache()?);
    if !folder.join(WHOLE).is_file() {
        make(&folder, note)?;
    }
    Ok(Python { program: folder.join("bin/python"), is_pinned: true })
}

/// A path that means the same in another folder; a name that is looked for on the PATH stays one.
pub(super) fn absolute(program: &Path) -> Result<PathBuf, Error> {
    if program.components().count() == 1 && !program.has_root() {
        return Ok(program.to_owned());
    }
    std::path::absolute(program).map_err(|error| Error::io("cannot find", program, error))
}

/// The version of the interpreter.
fn version() -> Result<String, Error> {
    let shown = Command::new(INTERPRETER).arg("--version").stdin(Stdio::null()).output();
    match shown {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        Ok(output) => Err(trouble(&format!("`{INTERPRETER} --version` ended with {}", output.status))),
        Err(error) => Err(trouble(&format!("{INTERPRETER} cannot be started: {error}"))),
    }
}

fn trouble(why: &str) -> Error {
    Error::Cluster(format!(
        "the driver needs Python with Dask, and {why}; install {INTERPRETER} with venv, or name a Python that has \
         dask.distributed with --python"
    ))
}

/// Where things are kept that can be made again.
fn cache() -> Result<PathBuf, Error> {
    let set = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    cache.ok_or_else(|| trouble("there is no folder to keep it in (neither XDG_CACHE_HOME nor HOME is set)"))
}

/// The folder of the environment with these pins for an interpreter of this version.
fn folder_of(version: &str, cache: &Path) -> PathBuf {
    let hash = Sha256::new().chain_update(PINS).chain_update(version).finalize();
    cache.join("hostproof/python").join(&hex::encode(hash)[..16])
}

/// Makes the environment, or waits until another process has made it.
fn make(folder: &Path, note: &mut dyn FnMut(&str)) -> Result<(), Error> {
    let parent = folder.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(|error| Error::io("cannot create", parent, error))?;
    let _lock = lock(&folder.with_extension("lock"))?;
    if folder.join(WHOLE).is_file() {
        return Ok(());
    }
    note(&format!("installs Dask for the driver in {} (once)", folder.display()));
    // What a process left that was killed.
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| Error::io("cannot remove", folder, error))?;
    }
    let made = install(folder);
    if made.is_err() {
        // What is in the way is removed at the next start.
        let _ = fs::remove_dir_all(folder);
    }
    made
}

fn install(folder: &Path) -> Result<(), Error> {
    module(Path::new(INTERPRETER), "venv", &[folder.as_os_str()])?;
    let pins = folder.join("requirements.txt");
    fs::write(&pins, PINS).map_err(|error| Error::io("cannot write", &pins, error))?;
    let options = [
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--retries",
        "1",
        "--no-deps",
        "--only-binary",
        ":all:",
        "-r",
    ];
    let arguments: Vec<_> = options.iter().map(std::ffi::OsStr::new).chain([pins.as_os_str()]).collect();
    module(&folder.join("bin/python"), "pip", &arguments)?;
    let whole = folder.join(WHOLE);
    fs::write(&whole, "").map_err(|error| Error::io("cannot write", &whole, error))
}

/// A lock that the kernel releases with this process.
fn lock(path: &Path) -> Result<File, Error> {
    let file = File::options().write(true).create(true).truncate(false).open(path);
    let file = file.map_err(|error| Error::io("cannot open", path, error))?;
    let since = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if since.elapsed() < LIMIT => sleep(LOOK),
            Err(TryLockError::WouldBlock) => {
                return Err(trouble(&format!("another process has held {} for {} s", path.display(), LIMIT.as_secs())));
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("cannot lock", path, error)),
        }
    }
}

/// Runs a module of Python to its end, within a limit.
fn module(python: &Path, name: &str, arguments: &[&std::ffi::OsStr]) -> Result<(), Error> {
    let file = tempfile_in_memory(name)?;
    let said = || file.try_clone().map_err(|error| Error::Cluster(format!("a file in memory cannot be used: {error}")));
    let mut child = Command::new(python)
        .args(["-I", "-c", MODULE, &std::process::id().to_string(), name])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(said()?)
        .stderr(said()?)
        .process_group(0)
        .spawn()
        .map_err(|error| Error::io("cannot start", python, error))?;
    let since = Instant::now();
    let ended = loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => break format!("ended with {status}"),
            Ok(None) if since.elapsed() < LIMIT => sleep(LOOK),
            Ok(None) => break format!("did not end within {} s", LIMIT.as_secs()),
            Err(error) => break format!("could not be waited for: {error}"),
        }
    };
    kill_group(&mut child);
    Err(trouble(&format!("`{name}` {ended}: {}", last_line(&file))))
}

/// A file that no disk has.
fn tempfile_in_memory(name: &str) -> Result<File, Error> {
    let made = rustix::fs::memfd_create(name, rustix::fs::MemfdFlags::CLOEXEC);
    made.map(File::from).map_err(|error| Error::Cluster(format!("a file in memory cannot be made: {error}")))
}

/// The last line of text in a file that was written by others.
fn last_line(file: &File) -> String {
    use std::os::unix::fs::FileExt;
    let mut text = vec![0; file.metadata().map_or(0, |metadata| metadata.len().min(1 << 20)) as usize];
    let read = file.read_at(&mut text, 0).unwrap_or(0);
    let text = String::from_utf8_lossy(&text[..read]).into_owned();
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_the_pins_names_one_version() {
        let pins: Vec<_> = PINS.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(
            pins.iter().any(|pin| pin.starts_with("dask==")) && pins.iter().any(|pin| pin.starts_with("distributed=="))
        );
        for pin in pins {
            let (name, version) = pin.split_once("==").unwrap_or_else(|| panic!("{pin}"));
            assert!(!name.is_empty() && version.starts_with(|first: char| first.is_ascii_digit()), "{pin}");
        }
    }

    #[test]
    fn another_python_has_another_environment() {
        let of = |version| folder_of(version, Path::new("/cache"));
        assert_eq!(of("Python 3.11.2"), of("Python 3.11.2"));
        assert_ne!(of("Python 3.11.2"), of("Python 3.13.5"));
        assert!(of("Python 3.11.2").starts_with("/cache/hostproof/python"));
    }

    #[test]
    fn a_module_that_fails_says_why_and_one_that_succeeds_nothing() {
        let failed = module(Path::new(INTERPRETER), "no_such_module", &[]).unwrap_err().to_string();
        assert!(
            failed.contains("`no_such_module` ended with exit status: 1: ") && failed.contains("No module named"),
            "{failed}"
        );
        module(Path::new(INTERPRETER), "this", &[]).unwrap();
    }
}
