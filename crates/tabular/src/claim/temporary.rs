//! Temporary folders: of a unique name, gone at their end, and told from everything else when a kill left them.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::lock::Lock;
use crate::Error;

/// The lock that a temporary folder carries as long as it is one.
const UNFINISHED: &str = "_hostproof.unfinished";
/// Its name until it is locked, so that no other process ever finds it unlocked while its own lives.
const NOT_YET: &str = "_hostproof.new";
/// The end of the name that an older result has while a newer one takes its place.
const OLD: &str = "-old";
/// Only for the process that works in it.
const PRIVATE: u32 = 0o700;

/// A folder `PREFIX<process>-<random>` that this process made. It is removed with all that is in it when this is dropped.
#[derive(Debug)]
pub(crate) struct Temporary {
    path: PathBuf,
    /// What a folder gets here that anybody may see.
    permissions: Permissions,
    lock: Option<Lock>,
    /// Whether it was given another name.
    given_away: bool,
    /// Whether it stays, as if a kill had left it.
    stays: bool,
}

impl Temporary {
    /// Makes one.
    pub(crate) fn create(parent: &Path, prefix: &OsStr) -> Result<Temporary, Error> {
        let trouble = |path: &Path, error| Error::io("cannot create", path, error);
        let path = loop {
            let random = RandomState::new().build_hasher().finish();
            let mut name = prefix.to_owned();
            name.push(format!("{}-{random:016x}", std::process::id()));
            let path = parent.join(name);
            match fs::create_dir(&path) {
                Ok(()) => break path,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(trouble(&path, error)),
            }
        };
        let made = fs::metadata(&path).map_err(|error| trouble(&path, error));
        let permissions = Permissions::from_mode(PRIVATE);
        let mut temporary = Temporary { path, permissions, lock: None, given_away: false, stays: false };
        let private = std::mem::replace(&mut temporary.permissions, made?.permissions());
        fs::set_permissions(&temporary.path, private).map_err(|error| trouble(&temporary.path, error))?;
        temporary.lock = Some(lock(&temporary.path)?);
        Ok(temporary)
    }

    /// Takes over what an ended process left in a folder of this prefix that holds a file of a name: all of it comes into a new
    /// folder, which stays where it gets no other name. Of several the one whose file was written last.
    pub(crate) fn take_over(parent: &Path, prefix: &OsStr, holding: &str) -> Result<Option<Temporary>, Error> {
        let mut left = Vec::new();
        for path in temporaries(parent, prefix)? {
            let Ok(written) = fs::metadata(path.join(holding)).and_then(|file| file.modified()) else { continue };
            if let Some(lock) = Lock::abandoned(&path.join(UNFINISHED)) {
                left.push((written, path, lock));
            }
        }
        left.sort_by_key(|(written, ..)| *written);
        let Some((_, from, lock)) = left.pop() else { return Ok(None) };
        // The others are for the next sweep, as they were.
        for (_, _, lock) in left {
            lock.leave();
        }
        let taken = Temporary::create(parent, prefix).and_then(|temporary| temporary.filled(&from, holding));
        // What could not be taken over is left as well.
        lock.leave();
        taken.map(Some)
    }

    /// Gets all that is in another temporary folder, and stays from then on.
    fn filled(mut self, from: &Path, holding: &str) -> Result<Temporary, Error> {
        let look = || fs::read_dir(from)?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<Vec<_>>>();
        let mut names = look().map_err(|error| Error::io("cannot look into", from, error))?;
        names.retain(|name| name != UNFINISHED && name != holding);
        // What tells that there is something comes last.
        names.push(holding.into());
        for name in names {
            let to = self.path.join(&name);
            fs::rename(from.join(&name), &to).map_err(|error| Error::io("cannot rename to", &to, error))?;
        }
        self.stays = true;
        Ok(self)
    }

    /// Lets it stay at its end, for a later process to take over.
    pub(super) fn keep(&mut self) {
        self.stays = true;
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a name in it is not of what was put into it.
    pub(crate) fn is_own(name: &OsStr) -> bool {
        name == UNFINISHED
    }

    /// Makes a folder like others of it: without the lock, and for whoever may see `like`, or any new folder.
    pub(super) fn lay_open(&mut self, like: Option<Permissions>) -> Result<(), Error> {
        self.lock = None;
        let permissions = like.unwrap_or_else(|| self.permissions.clone());
        fs::set_permissions(&self.path, permissions)
            .map_err(|error| Error::io("cannot set the permissions of", &self.path, error))
    }

    /// Removes it, and says where that fails.
    pub(crate) fn close(mut self) -> Result<(), Error> {
        self.given_away = true;
        remove(&self.path).map_err(|error| Error::io("cannot remove", &self.path, error))
    }

    /// What has its name now is not removed at the end.
    pub(super) fn give_away(mut self) {
        self.given_away = true;
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.given_away {
            return;
        }
        if !self.stays {
            // What cannot be removed is removed at the next start.
            let _ = remove(&self.path);
        } else if let Some(lock) = self.lock.take() {
            lock.leave();
        }
    }
}

/// Makes a folder one that the next start removes if this process does not live to do it.
pub(super) fn lock(folder: &Path) -> Result<Lock, Error> {
    Lock::take(folder.join(NOT_YET), folder)?.renamed(folder.join(UNFINISHED))
}

/// The name beside a temporary folder for the older result whose place it takes.
pub(super) fn aside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(OLD);
    path.with_file_name(name)
}

/// Removes the folders in `parent` that killed processes left; gives those that carry no lock: a process that was killed
/// while it gave a result its name left one, or they are somebody else's.
pub(crate) fn sweep(parent: &Path, prefix: &OsStr) -> Result<Vec<PathBuf>, Error> {
    let mut others = Vec::new();
    for path in temporaries(parent, prefix)? {
        if let Some(lock) = Lock::abandoned(&path.join(UNFINISHED)) {
            // What cannot be removed blocks nothing.
            let _ = remove(&path);
            drop(lock);
        } else if !path.join(UNFINISHED).exists() {
            others.push(path);
        }
    }
    others.sort();
    Ok(others)
}

/// The folders in `parent` with names of temporary ones.
fn temporaries(parent: &Path, prefix: &OsStr) -> Result<Vec<PathBuf>, Error> {
    let trouble = |error| Error::io("cannot look into", parent, error);
    let mut found = Vec::new();
    for entry in fs::read_dir(parent).map_err(trouble)? {
        let entry = entry.map_err(trouble)?;
        if is_temporary(&entry.file_name(), prefix) && entry.file_type().map_err(trouble)?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Whether a name is one that [`Temporary::create`] or [`aside`] gives.
fn is_temporary(name: &OsStr, prefix: &OsStr) -> bool {
    let Some(rest) = name.as_bytes().strip_prefix(prefix.as_bytes()) else { return false };
    let rest = rest.strip_suffix(OLD.as_bytes()).unwrap_or(rest);
    let mut parts = rest.split(|&byte| byte == b'-');
    let (process, random) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let digits = !process.is_empty() && process.iter().all(u8::is_ascii_digit);
    digits && random.len() == 16 && random.iter().all(u8::is_ascii_hexdigit) && parts.next().is_none()
}

/// How long the removal of a folder is tried again while others still write to it; longer in tests, whose writers may be held up.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 300 } else { 5 });

/// Removes a folder. Tasks of other processes and hosts end a moment after their run, and until then have files in it.
fn remove(path: &Path) -> std::io::Result<()> {
    let end = Instant::now() + PATIENCE;
    loop {
        let removed = remove_once(path);
        let in_use =
            |error: &std::io::Error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty);
        if !removed.as_ref().is_err_and(in_use) || !path.exists() || Instant::now() > end {
            return removed;
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Removes a folder, its lock last: a removal that a kill cuts off is gone on with.
fn remove_once(path: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name() == UNFINISHED {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    fs::remove_dir_all(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As tasks of a run that has failed do until they hear of it.
    #[test]
    fn a_folder_is_gone_although_others_still_wrote_to_it() {
        let parent = tempfile::tempdir().unwrap();
        let one = Temporary::create(parent.path(), OsStr::new("work-")).unwrap();
        let deep = one.path().join("deep");
        fs::create_dir(&deep).unwrap();
        let (begun, heard) = std::sync::mpsc::channel();
        let writer = thread::spawn(move || {
            for number in 0..500 {
                let written = fs::write(deep.join(number.to_string()), "x");
                begun.send(written.is_ok()).unwrap();
                thread::sleep(Duration::from_micros(100));
            }
        });
        assert!(heard.recv().unwrap());
        let path = one.path().to_owned();
        drop(one);
        assert!(!path.exists());
        assert_eq!(heard.iter().count(), 499);
        writer.join().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_is_gone_at_its_end_and_that_of_another_process_stays() {
        let parent = tempfile::tempdir().unwrap();
        let prefix = OsStr::new("work-");
        let one = Temporary::create(parent.path(), prefix).unwrap();
        fs::create_dir(one.path().join("deep")).unwrap();
        fs::write(one.path().join("deep/file"), "x").unwrap();
        assert_eq!(sweep(parent.path(), prefix).unwrap(), Vec::<PathBuf>::new());
        assert!(one.path().join("deep/file").exists(), "its process lives");
        drop(one);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_stays_is_taken_over_whole_by_one_process_or_removed() {
        let parent = tempfile::tempdir().unwrap();
        let prefix = OsStr::new("work-");
        let take_over = |holding: &str| Temporary::take_over(parent.path(), prefix, holding).unwrap();
        assert!(take_over("plan").is_none());
        let mut one = Temporary::create(parent.path(), prefix).unwrap();
        fs::create_dir(one.path().join("deep")).unwrap();
        fs::write(one.path().join("deep/file"), "x").unwrap();
        fs::write(one.path().join("plan"), "p").unwrap();
        one.keep();
        assert!(take_over("plan").is_none(), "its process lives");
        let path = one.path().to_owned();
        drop(one);
        assert!(path.exists() && take_over("other").is_none(), "it does not hold that");
        let other = take_over("plan").unwrap();
        assert_eq!(sweep(parent.path(), prefix).unwrap(), Vec::<PathBuf>::new());
        assert!(!path.exists() && other.path().join("plan").exists());
        assert_eq!(fs::read_to_string(other.path().join("deep/file")).unwrap(), "x");
        // It stays again, and who does not ask for it removes it.
        drop(other);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
        sweep(parent.path(), prefix).unwrap();
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_kill_left_is_removed_and_nothing_else() {
        const LOCK: Option<&str> = Some("hostproof features, process 7\n");
        let parent = tempfile::tempdir().unwrap();
        let left = |name: &str, lock: Option<&str>| {
            let path = parent.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("part-00000.parquet"), "half").unwrap();
            if let Some(text) = lock {
                fs::write(path.join(UNFINISHED), text).unwrap();
            }
            path
        };
        let ours = left("work-7-0123456789abcdef", LOCK);
        let stay = [
            left("work-7-0123456789abcde", LOCK),
            left("work-7", LOCK),
            left("other-7-0123456789abcdef", LOCK),
            left("work-x-0123456789abcdef", LOCK),
            left("work-8-0123456789abcdef", Some("mine")),
            left("work-9-0123456789abcdef", None),
        ];
        let others = sweep(parent.path(), OsStr::new("work-")).unwrap();
        assert!(!ours.exists());
        assert!(stay.iter().all(|path| path.join("part-00000.parquet").exists()));
        assert_eq!(others, [parent.path().join("work-9-0123456789abcdef")]);
    }
}
