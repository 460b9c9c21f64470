//! Files that others made. Only regular ones are opened: a named pipe would wait for its other end, a device give bytes for ever.

use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a file to read it.
///
/// # Errors
///
/// If it cannot be opened, or is something else than a file.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // Some devices do something when they are opened, so it is looked at before; and after, because another may have its name.
    require(fs::metadata(path)?.file_type())?;
    let file = File::options().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    require(file.metadata()?.file_type())?;
    Ok(file)
}

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = open(path)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?)?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of a file.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
}

fn require(kind: FileType) -> io::Result<()> {
    let what = match kind {
        _ if kind.is_file() => return Ok(()),
        _ if kind.is_dir() => "a folder",
        _ if kind.is_fifo() => "a named pipe",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    };
    Err(io::Error::other(format!("it is {what}, not a file")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let check = |path: &Path, expect: &str| {
            let found = open(path).map_or_else(|error| error.to_string(), |_| "open".to_owned());
            assert_eq!(found, expect);
        };
        fs::write(path("file"), "text").unwrap();
        check(&path("file"), "open");
        assert_eq!(read_text(&path("file")).unwrap(), "text");
        check(folder.path(), "it is a folder, not a file");
        mknodat(CWD, path("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
        check(&path("pipe"), "it is a named pipe, not a file");
        let _listener = UnixListener::bind(path("socket")).unwrap();
        check(&path("socket"), "it is a socket, not a file");
        check(Path::new("/dev/zero"), "it is a device, not a file");
        std::os::unix::fs::symlink(path("pipe"), path("link")).unwrap();
        check(&path("link"), "it is a named pipe, not a file");
        std::os::unix::fs::symlink(path("circle"), path("circle")).unwrap();
        check(&path("circle"), "Too many levels of symbolic links (os error 40)");
    }
}
