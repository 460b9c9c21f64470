//! Whether root may act on what is written somewhere: a file that another user owns or may change says what that user
//! wants, and root would do it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Links that are followed on the way to a file, as Linux does.
const MOST_LINKS: usize = 40;

/// Refuses a file or folder that another user than root owns or may change, or could put another one in the place of. For
/// anybody but root there is nothing to refuse: a command then does what its caller could do himself.
pub(crate) fn for_root(path: &Path) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let way = way(path)?;
    match way.iter().find_map(|(place, about)| about.fault().map(|fault| (place, fault))) {
        None => Ok(()),
        Some((place, (why, command))) => bail!(
            "root does not act on what others may have written: {} {why}, and {} rests on it; if you trust what it holds: \
             sudo {command} {}",
            place.display(),
            path.display(),
            place.display(),
        ),
    }
}

/// What decides who may change a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct About {
    owner: u32,
    group: u32,
    mode: u32,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Link,
    Folder,
    File,
}

impl About {
    fn of(metadata: &fs::Metadata) -> About {
        let kind = match metadata.file_type() {
            kind if kind.is_symlink() => Kind::Link,
            kind if kind.is_dir() => Kind::Folder,
            _ => Kind::File,
        };
        About { owner: metadata.uid(), group: metadata.gid(), mode: metadata.mode(), kind }
    }

    /// Why others decide what is there, and the command that ends it.
    fn fault(&self) -> Option<(&'static str, &'static str)> {
        if self.owner != 0 {
            return Some(("belongs to another user", "chown -h root:root"));
        }
        // A link has no rights of its own, and in a folder such as /tmp nobody can move what is root's.
        let is_sticky = self.kind == Kind::Folder && self.mode & 0o1000 != 0;
        if self.kind == Kind::Link || is_sticky {
            return None;
        }
        let others = self.mode & 0o002 != 0 || (self.mode & 0o020 != 0 && self.group != 0);
        others.then_some(("can be written to by other users", "chmod go-w"))
    }
}

/// Everything that decides what lies at a path: each folder and link on the way, and the file itself.
fn way(path: &Path) -> Result<BTreeMap<PathBuf, About>> {
    let mut way = BTreeMap::new();
    let mut rest: Vec<PathBuf> = parts(&std::path::absolute(path)?);
    let (mut here, mut links) = (PathBuf::from("/"), 0);
    while let Some(part) = rest.pop() {
        let next =
            if part == Path::new("..") { here.parent().unwrap_or(Path::new("/")).to_owned() } else { here.join(&part) };
        let unseen = || format!("could not look who may change {}", next.display());
        let metadata = match fs::symlink_metadata(&next) {
            // What is not there yet comes from whoever may write to the folders before it.
            Err(error) if error.kind() == ErrorKind::NotFound => break,
            metadata => metadata.with_context(unseen)?,
        };
        way.insert(next.clone(), About::of(&metadata));
        if metadata.is_symlink() {
            links += 1;
            if links > MOST_LINKS {
                bail!("too many links on the way to {}", path.display());
            }
            let aim = fs::read_link(&next).with_context(unseen)?;
            if aim.is_absolute() {
                here = PathBuf::from("/");
            }
            rest.extend(parts(&aim));
        } else {
            here = next;
        }
    }
    Ok(way)
}

/// The parts of a path, the last one first; the root is one.
fn parts(path: &Path) -> Vec<PathBuf> {
    let named = |part: Component<'_>| (part != Component::CurDir).then(|| PathBuf::from(part.as_os_str()));
    path.components().rev().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn root_trusts_what_root_alone_can_change() {
        let check = |owner, group, mode, kind, expect: Option<&str>| {
            let about = About { owner, group, mode, kind };
            assert_eq!(about.fault().map(|(_, command)| command), expect, "{about:?}");
        };
        check(0, 0, 0o644, Kind::File, None);
        check(0, 0, 0o664, Kind::File, None);
        check(0, 100, 0o644, Kind::File, None);
        check(0, 100, 0o664, Kind::File, Some("chmod go-w"));
        check(0, 0, 0o646, Kind::File, Some("chmod go-w"));
        check(1000, 0, 0o600, Kind::File, Some("chown -h root:root"));
        check(0, 0, 0o1777, Kind::Folder, None);
        check(0, 0, 0o777, Kind::Folder, Some("chmod go-w"));
        check(0, 0, 0o1646, Kind::File, Some("chmod go-w"));
        check(0, 0, 0o777, Kind::Link, None);
        check(1000, 1000, 0o777, Kind::Link, Some("chown -h root:root"));
    }

    #[test]
    fn the_way_to_a_file_is_every_folder_and_link() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/file"), "").unwrap();
        symlink("a/b", root.join("relative")).unwrap();
        symlink(root.join("relative"), root.join("absolute")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let check = |path: &str, expect: &[&str]| {
            let way = way(&root.join(path)).unwrap();
            for place in way.keys() {
                let known = root.starts_with(place) || expect.iter().any(|name| *place == root.join(name));
                assert!(known, "{path}: {}", place.display());
            }
            for name in expect {
                assert!(way.contains_key(&root.join(name)), "{path}: {name}");
            }
        };
        check("a/b/file", &["a", "a/b", "a/b/file"]);
        check("absolute/file", &["absolute", "relative", "a", "a/b", "a/b/file"]);
        check("relative/../b/./file", &["relative", "a", "a/b", "a/b/file"]);
        assert!(way(&root.join("loop")).unwrap_err().to_string().contains("too many links"));
        check("a/none/file", &["a"]);
    }
}
