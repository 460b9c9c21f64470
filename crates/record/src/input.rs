//! Files that somebody named: read as far as they go, and no device in their place.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::Error;

/// The bytes of a file. A device, a pipe or a socket has no end, and is refused.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let fail = |source| Error::Io { doing: "read", path: path.to_owned(), source };
    let metadata = fs::metadata(path).map_err(fail)?;
    if !metadata.is_file() {
        return Err(fail(special(metadata.is_dir())));
    }
    fs::read(path).map_err(fail)
}

/// The text of a file, which must be UTF-8.
pub fn read_text(path: &Path) -> Result<String, Error> {
    let not_text = |_| io::Error::other("it is not UTF-8 text");
    let fail = |source| Error::Io { doing: "read", path: path.to_owned(), source };
    String::from_utf8(read(path)?).map_err(not_text).map_err(fail)
}

/// Opens a file to be read in parts, and gives its length.
pub fn open(path: &Path) -> Result<(File, u64), Error> {
    let fail = |source| Error::Io { doing: "read", path: path.to_owned(), source };
    let metadata = fs::metadata(path).map_err(fail)?;
    if !metadata.is_file() {
        return Err(fail(special(metadata.is_dir())));
    }
    Ok((File::open(path).map_err(fail)?, metadata.len()))
}

fn special(is_folder: bool) -> io::Error {
    io::Error::other(if is_folder {
        "it is a folder"
    } else {
        "it is a device, a pipe or a socket; give an ordinary file"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ordinary_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "text").unwrap();
        fs::write(dir.path().join("binary"), [0xff]).unwrap();
        let check = |path: &Path, expect: Result<&str, &str>| match (read_text(path), expect) {
            (Ok(text), Ok(expect)) => assert_eq!(text, expect),
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
            other => panic!("{}: {other:?}", path.display()),
        };
        check(&dir.path().join("file"), Ok("text"));
        check(&dir.path().join("binary"), Err("not UTF-8"));
        check(&dir.path().join("none"), Err("No such file"));
        check(dir.path(), Err("is a folder"));
        check(Path::new("/dev/zero"), Err("is a device"));
        assert!(open(Path::new("/dev/zero")).is_err());
        assert_eq!(open(&dir.path().join("file")).unwrap().1, 4);
    }
}
