//! Whose data a folder holds: a result gets the place of what this program saved, and of nothing else.
//!
//! A [`Claim`] holds a lock beside the result's folder, so that two processes never write one result, and a temporary folder
//! beside it, which gets the result's name when everything is on the disk. A kill leaves both; the next claim on the same
//! name takes the lock over and removes the folder, which is told from others by its name and the lock file in it.

mod earlier;
mod lock;
mod mark;
mod place;
mod swap;
mod temporary;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::Error;

pub use mark::MARK;

pub(crate) use lock::Lock;
pub(crate) use mark::{FileSize, Identity, Origin};
pub(crate) use temporary::{Temporary, sweep};

use mark::Mark;
use place::Place;

/// The end of the name of the lock beside a result: `.NAME.hostproof-lock`.
const LOCK: &str = "lock";

/// What has the result's name.
#[derive(Debug)]
enum Found {
    /// Nothing, or an empty folder.
    Nothing,
    /// An older result, of these files.
    Result(Vec<OsString>),
}

/// The right to put a result under a name.
#[derive(Debug)]
pub(crate) struct Claim {
    // In the order in which they are dropped.
    temporary: Temporary,
    _lock: Lock,
    _made: Made,
    place: Place,
    replace_unmarked: bool,
}

/// Folders on the way to a result that were made for it; those that are empty at the end are removed.
#[derive(Debug)]
struct Made(Vec<PathBuf>);

impl Drop for Made {
    fn drop(&mut self) {
        for folder in self.0.iter().rev() {
            // One that holds something is no longer only for this result.
            let _ = fs::remove_dir(folder);
        }
    }
}

impl Claim {
    /// Claims the folder `out` for a result of `input` with these files; `replace_unmarked` takes a result of 0.1.0 for an
    /// older one. With `resume`, what an ended process left for this result is taken over where it holds a file of that name.
    ///
    /// # Errors
    ///
    /// If the folder holds anything but an older result of this program, overlaps the input, cannot get another's place, or
    /// another process writes it. Nothing was changed then.
    pub(crate) fn on(
        out: &Path,
        input: &Path,
        files: &[PathBuf],
        replace_unmarked: bool,
        resume: Option<&str>,
    ) -> Result<Claim, Error> {
        let place = Place::of(out)?;
        place.check_apart(input, files)?;
        found(&place, replace_unmarked)?;
        let made = make(&place.missing)?;
        let prefix = place.prefix();
        let mut lock = prefix.clone();
        lock.push(LOCK);
        let lock = Lock::take(place.parent.join(lock), out)?;
        let taken_over = match resume {
            Some(holding) => Temporary::take_over(&place.parent, &prefix, holding)?,
            None => None,
        };
        swap::tidy(&place, &sweep(&place.parent, &prefix)?)?;
        // Another process may have changed it until the lock was held.
        found(&place, replace_unmarked)?;
        let temporary = match taken_over {
            Some(temporary) => temporary,
            None => Temporary::create(&place.parent, &prefix)?,
        };
        Ok(Claim { temporary, _lock: lock, _made: made, place, replace_unmarked })
    }

    /// The temporary folder that the result is written to, for its files only.
    pub(crate) fn folder(&self) -> &Path {
        self.temporary.path()
    }

    /// Lets the temporary folder stay where the result does not get its name.
    pub(crate) fn keep(&mut self) {
        self.temporary.keep();
    }

    /// Marks the result, whose files are on the disk, and gives it its name; an older one keeps it until then.
    pub(crate) fn finish(mut self, origin: Origin, files: Vec<FileSize>) -> Result<Finished, Error> {
        Mark::new(origin, files).write(self.temporary.path())?;
        let older = found(&self.place, self.replace_unmarked)?;
        let like: Option<Permissions> = self.place.metadata()?.map(|metadata| metadata.permissions());
        self.temporary.lay_open(like)?;
        sync_folder(self.temporary.path())?;
        let Claim { temporary, _lock: lock, _made: made, place, .. } = self;
        let aside = swap::put(temporary.path(), &place, &older)?;
        temporary.give_away();
        sync_folder(&place.parent)?;
        let older = match older {
            Found::Result(names) => aside.map(|aside| (aside, names)),
            Found::Nothing => None,
        };
        Ok(Finished { older, _lock: lock, _made: made })
    }
}

/// A result that has its name. The place is claimed until the older one that had it is removed.
#[must_use]
pub(crate) struct Finished {
    older: Option<(PathBuf, Vec<OsString>)>,
    // In the order in which they are dropped.
    _lock: Lock,
    _made: Made,
}

impl Finished {
    /// Removes the older result, which may take a while and is no part of saving.
    pub(crate) fn remove_older(self) -> Result<(), Error> {
        self.older.map_or(Ok(()), |(aside, names)| swap::remove(&aside, &names))
    }
}

/// What has a result's name.
///
/// # Errors
///
/// If it must not be replaced.
fn found(place: &Place, replace_unmarked: bool) -> Result<Found, Error> {
    if place.metadata()?.is_none() {
        return Ok(Found::Nothing);
    }
    let folder = place.folder();
    let entries = mark::entries(&folder).map_err(|error| Error::io("cannot look into", &folder, error))?;
    if entries.is_empty() {
        return Ok(Found::Nothing);
    }
    if access(&folder, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        return Err(place.refused("you may not change what is in it: name another folder, or allow it"));
    }
    let why = match Mark::of(&folder, &entries) {
        Ok(mark) => return Ok(Found::Result(mark.names())),
        Err(why) => why,
    };
    let keep = "what this program did not save is not replaced; name another folder, or remove this one";
    if !earlier::is_named(&entries) {
        let stranger = entries.keys().next().filter(|_| !entries.contains_key(OsStr::new(MARK)));
        let holds = stranger.map(|name| format!("it holds `{}`, and ", name.display())).unwrap_or_default();
        return Err(place.refused(format!("{holds}{why}: {keep}")));
    }
    if let Err(why) = earlier::check(&folder, &entries) {
        return Err(place.refused(format!("{why}: {keep}")));
    }
    if replace_unmarked {
        return Ok(Found::Result(entries.into_keys().collect()));
    }
    Err(place.refused(format!("{why}, as results of 0.1.0; `--replace` replaces it, or name another folder")))
}

/// Makes folders, the outermost first.
fn make(missing: &[PathBuf]) -> Result<Made, Error> {
    let mut made = Made(Vec::new());
    for folder in missing {
        match fs::create_dir(folder) {
            Ok(()) => made.0.push(folder.clone()),
            // Another process was faster.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io("cannot create", folder, error)),
        }
    }
    Ok(made)
}

/// Brings the names in a folder to the disk.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    let sync = || File::open(folder)?.sync_all();
    sync().map_err(|error| Error::io("cannot sync", folder, error))
}
