//! How a new result gets the name of an older one: the name has a whole result at every moment, or gets it back.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::mark::{self, Mark};
use super::place::Place;
use super::{Found, earlier, found, temporary};
use crate::Error;

/// Gives the folder `new` the name of a place; where the older result is now.
pub(super) fn put(new: &Path, place: &Place, older: &Found) -> Result<Option<PathBuf>, Error> {
    let folder = place.folder();
    match older {
        // Fails where something has come into the empty folder.
        Found::Nothing => rename(new, &folder).map(|()| None),
        Found::Result(_) => match renameat_with(CWD, new, CWD, &folder, RenameFlags::EXCHANGE) {
            Ok(()) => Ok(Some(new.to_owned())),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => step_aside(new, &folder).map(Some),
            Err(error) => Err(Error::io("cannot exchange names with", &folder, error.into())),
        },
    }
}

/// The same on file systems that cannot exchange names.
fn step_aside(new: &Path, folder: &Path) -> Result<PathBuf, Error> {
    let aside = temporary::aside(new);
    rename(folder, &aside)?;
    if let Err(error) = rename(new, folder) {
        rename(&aside, folder)?;
        return Err(error);
    }
    Ok(aside)
}

/// Deals with what processes left that were killed in between: a whole result gets its name back where nothing has it, also
/// one of 0.1.0 that was to be replaced, and goes otherwise. What does not carry the mark of this program is never removed.
pub(super) fn tidy(place: &Place, left: &[PathBuf]) -> Result<(), Error> {
    for path in left {
        let Ok(entries) = mark::entries(path) else { continue };
        let mark = Mark::of(path, &entries).ok();
        let is_result = mark.is_some() || (earlier::is_named(&entries) && earlier::check(path, &entries).is_ok());
        match (found(place, false), mark) {
            (Ok(Found::Nothing), _) if is_result => rename(path, &place.folder())?,
            // What cannot be removed blocks nothing.
            (Ok(Found::Result(_)), Some(mark)) => drop(remove(path, &mark.names())),
            _ => {}
        }
    }
    Ok(())
}

/// Removes the files of a result, and its folder if nothing else is in it.
pub(super) fn remove(folder: &Path, names: &[OsString]) -> Result<(), Error> {
    // What a kill leaves of it is known to be ours.
    let lock = temporary::lock(folder)?;
    for name in names {
        let path = folder.join(name);
        fs::remove_file(&path).map_err(|error| Error::io("cannot remove", &path, error))?;
    }
    drop(lock);
    fs::remove_dir(folder).map_err(|error| Error::io("cannot remove", folder, error))
}

fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(|error| Error::io("cannot rename to", to, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &Path, text: &str) {
        fs::create_dir(path).unwrap();
        fs::write(path.join("file"), text).unwrap();
    }

    fn text(path: &Path) -> String {
        fs::read_to_string(path.join("file")).unwrap()
    }

    #[test]
    fn the_older_result_is_kept_until_the_newer_one_has_its_name() {
        let parent = tempfile::tempdir().unwrap();
        let (new, old) = (parent.path().join("new"), parent.path().join("old"));
        folder(&new, "new");
        folder(&old, "old");
        let aside = step_aside(&new, &old).unwrap();
        assert_eq!((text(&old), text(&aside), new.exists()), ("new".to_owned(), "old".to_owned(), false));
        // The second name cannot be given: the first one comes back.
        assert!(step_aside(&new, &old).is_err());
        assert_eq!(text(&old), "new");

        let place = Place::of(&old).unwrap();
        let aside = put(&aside, &place, &Found::Result(vec!["file".into()])).unwrap().unwrap();
        assert_eq!((text(&old), text(&aside)), ("old".to_owned(), "new".to_owned()));
        // Only what is listed goes.
        fs::write(aside.join("letter"), "mine").unwrap();
        assert!(remove(&aside, &["file".into()]).is_err());
        assert_eq!(fs::read_to_string(aside.join("letter")).unwrap(), "mine");
    }

    #[test]
    fn a_folder_that_is_no_longer_empty_is_not_replaced() {
        let parent = tempfile::tempdir().unwrap();
        let (new, old) = (parent.path().join("new"), parent.path().join("old"));
        folder(&new, "new");
        folder(&old, "mine");
        assert!(put(&new, &Place::of(&old).unwrap(), &Found::Nothing).is_err());
        assert_eq!((text(&new), text(&old)), ("new".to_owned(), "mine".to_owned()));
    }
}
