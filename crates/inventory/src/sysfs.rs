//! Reading `/proc`, `/sys` and tables under a root prefix, so that a fixture tree is read like the live host.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use measure::{FactValue, Facts, Quantity, Reading, Unit};

/// No table or kernel file that is read here is larger; a larger one is cut rather than filling the memory.
const LONGEST: u64 = 4 << 20;

/// Why a probe has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// The host has no such thing, or nothing that tells of it.
    Absent,
    /// The user may not read it.
    Denied {
        /// What would give the right to.
        remedy: String,
    },
    /// Reading it failed.
    Failed {
        /// How.
        error: String,
    },
}

impl Unavailable {
    /// What a failed read means for a probe.
    pub(crate) fn of(error: &io::Error) -> Unavailable {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unavailable::Absent,
            io::ErrorKind::PermissionDenied => Unavailable::Denied { remedy: "run as root (sudo)".to_owned() },
            _ => Unavailable::Failed { error: error.to_string() },
        }
    }

    /// A reading failed in this way.
    pub(crate) fn failed(error: impl Into<String>) -> Unavailable {
        Unavailable::Failed { error: error.into() }
    }
}

impl From<Unavailable> for Reading {
    fn from(lack: Unavailable) -> Reading {
        match lack {
            Unavailable::Absent => Reading::Absent,
            Unavailable::Denied { remedy } => Reading::Denied { remedy },
            Unavailable::Failed { error } => Reading::Failed { error },
        }
    }
}

/// What a probe found.
pub(crate) type Found<T> = Result<T, Unavailable>;

/// `None` means that the host does not tell.
pub(crate) fn ok_or_absent<T>(value: Option<T>) -> Found<T> {
    value.ok_or(Unavailable::Absent)
}

/// Adds what a probe found, or why it found nothing.
pub(crate) fn note(facts: &mut Facts, id: &str, found: Found<FactValue>, source: &str) {
    facts.put(id, found.map_or_else(Reading::from, Reading::Present), source);
}

/// Adds a number, or why there is none.
pub(crate) fn note_number(facts: &mut Facts, id: &str, unit: Unit, found: Found<f64>, source: &str) {
    note(facts, id, found.map(|value| FactValue::Quantity(Quantity::new(value, unit))), source);
}

/// Adds a text, or why there is none.
pub(crate) fn note_text(facts: &mut Facts, id: &str, found: Found<String>, source: &str) {
    note(facts, id, found.map(FactValue::Text), source);
}

/// A root directory: `/` for the live host, anything else for a copy or a fixture.
#[derive(Clone, Debug)]
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    /// The tree under this folder.
    #[must_use]
    pub fn new(root: &Path) -> Tree {
        Tree { root: root.to_owned() }
    }

    /// Whether this is the running host itself, which answers more than files do.
    pub(crate) fn is_live(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Where `path`, absolute on the host, lies under the root.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The bytes of a file, at most 4 MiB. Only regular files are opened: a pipe would never answer.
    pub(crate) fn bytes(&self, path: &str) -> Found<Vec<u8>> {
        let read = || -> io::Result<Vec<u8>> {
            let at = self.at(path);
            if !fs::metadata(&at)?.is_file() {
                return Err(io::Error::from(io::ErrorKind::NotFound));
            }
            let mut bytes = Vec::new();
            File::open(at)?.take(LONGEST).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|error| Unavailable::of(&error))
    }

    /// The text of a file; what is not UTF-8 is replaced, and the newline at its end is dropped.
    pub fn text(&self, path: &str) -> Found<String> {
        let bytes = self.bytes(path)?;
        Ok(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\0']).to_owned())
    }

    /// A text that is not blank, without blanks around it.
    pub fn word(&self, path: &str) -> Found<String> {
        let text = self.text(path)?;
        match text.trim() {
            "" => Err(Unavailable::Absent),
            word => Ok(word.to_owned()),
        }
    }

    /// A whole number in decimal, or in hexadecimal with `0x`.
    pub fn number(&self, path: &str) -> Found<u64> {
        let word = self.word(path)?;
        let parsed = match word.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => word.parse(),
        };
        parsed.map_err(|_| Unavailable::failed(format!("`{}` in {path} is no whole number", cut(&word))))
    }

    /// The names in a directory, in the order in which people count: cpu2 before cpu10.
    #[must_use]
    pub fn names(&self, path: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.at(path)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort_by_cached_key(|name| natural(name));
        names
    }

    /// The names in a directory that are `prefix` and a number.
    pub(crate) fn numbered(&self, path: &str, prefix: &str) -> Vec<String> {
        let mut names = self.names(path);
        names.retain(|name| name.strip_prefix(prefix).is_some_and(is_digits));
        names
    }

    /// The last part of a symbolic link's target: the name of the device, driver or subsystem that it leads to.
    pub(crate) fn link(&self, path: &str) -> Option<String> {
        let target = fs::read_link(self.at(path)).ok()?;
        Some(target.file_name()?.to_string_lossy().into_owned())
    }

    /// Where a path leads, without symbolic links, as the host would name it.
    pub(crate) fn real(&self, path: &str) -> Option<String> {
        let (root, full) = (fs::canonicalize(&self.root).ok()?, fs::canonicalize(self.at(path)).ok()?);
        Some(format!("/{}", full.strip_prefix(root).ok()?.display()))
    }

    /// Whether there is such a file or directory.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.at(path).exists()
    }
}

/// A text from outside, short enough for a message.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Letters as they are, runs of digits by length and then value.
fn natural(name: &str) -> Vec<(usize, String)> {
    let mut parts: Vec<(usize, String)> = Vec::new();
    for c in name.chars() {
        let digit = c.is_ascii_digit();
        match parts.last_mut() {
            Some((length, part)) if digit && *length > 0 => {
                part.push(c);
                *length += 1;
            }
            Some((0, part)) if !digit => part.push(c),
            _ => parts.push((usize::from(digit), c.to_string())),
        }
    }
    parts
}

/// The values of lines like `key : value` of a `/proc` file.
pub(crate) fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then_some(value.trim())
    })
}

/// Bytes in sizes as the kernel writes them: `32768K`, `260M`, `1048576 kB`, `512`.
pub(crate) fn kernel_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let factor = match unit.trim() {
        "" | "B" => 1,
        "k" | "K" | "kB" => 1 << 10,
        "m" | "M" | "MB" => 1 << 20,
        "g" | "G" | "GB" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_the_kernel() {
        let check = |text: &str, expect: Option<u64>| assert_eq!(kernel_size(text), expect, "{text}");
        check("32768K", Some(32 << 20));
        check("260M", Some(260 << 20));
        check("24684096 kB", Some(24_684_096 << 10));
        check("512", Some(512));
        check("", None);
        check("lots", None);
        check("99999999999999999999G", None);
        check("18446744073709551615K", None);
    }

    #[test]
    fn names_are_in_counting_order() {
        let mut names = ["cpu10", "cpu2", "cpu", "node0", "cpu1", "cpu01x"];
        names.sort_by_cached_key(|name| natural(name));
        assert_eq!(names, ["cpu", "cpu1", "cpu2", "cpu01x", "cpu10", "node0"]);
    }

    #[test]
    fn lines_with_a_key() {
        assert_eq!(field("a : 1\nmodel name\t: X: Y \n", "model name"), Some("X: Y"));
        assert_eq!(field("no colon", "no colon"), None);
    }
}
