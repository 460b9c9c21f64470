//! The systemd unit that goes on with a campaign at each boot.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

const NAME: &str = "hostproof-campaign.service";
/// What `systemctl enable` would make a link in.
const WANTS: &str = "multi-user.target.wants";

/// Writes the unit to `folder` and enables it. It is there for the next boot; nothing is started now.
pub(crate) fn install(folder: &Path, program: &str, results: &str) -> Result<PathBuf> {
    let unit = folder.join(NAME);
    let trouble = || format!("could not install the unit {}; installing it is for root", unit.display());
    let wants = folder.join(WANTS);
    fs::create_dir_all(&wants).with_context(trouble)?;
    fs::write(&unit, text(program, results)).with_context(trouble)?;
    let link = wants.join(NAME);
    gone(fs::remove_file(&link)).with_context(trouble)?;
    symlink(&unit, &link).with_context(trouble)?;
    Ok(unit)
}

/// Disables and removes the unit; one that is not there is removed already.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    for file in [folder.join(WANTS).join(NAME), folder.join(NAME)] {
        gone(fs::remove_file(&file))
            .with_context(|| format!("could not remove {}; remove it by hand", file.display()))?;
    }
    Ok(())
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Exit code 3 says that somebody has to do something first, which is no failure.
fn text(program: &str, results: &str) -> String {
    let (program, results) = (quoted(program), quoted(results));
    format!(
        "[Unit]\n\
         Description=Go on with the hostproof campaign\n\
         Documentation=man:systemd.service(5)\n\
         After=multi-user.target\n\
         \n\
         [Service]\n\
         Type=oneshot\n\
         # The host comes to rest first.\n\
         ExecStartPre=sleep 60\n\
         ExecStart={program} campaign next --out {results}\n\
         SuccessExitStatus=3\n\
         TimeoutStartSec=infinity\n\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n"
    )
}

/// A word of a command line in a unit: quoted, and without specifiers and variables (systemd.service(5), "Command lines").
fn quoted(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_comes_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let unit = install(folder.path(), "/opt/my tools/hostproof", "/var/100%/results").unwrap();
            let text = fs::read_to_string(folder.path().join(WANTS).join(NAME)).unwrap();
            assert_eq!(text, fs::read_to_string(unit).unwrap());
            let start = "\nExecStart=\"/opt/my tools/hostproof\" campaign next --out \"/var/100%%/results\"\n";
            assert!(text.contains(start), "{text}");
        }
        for _ in 0..2 {
            remove(folder.path()).unwrap();
            assert!(!folder.path().join(NAME).exists() && !folder.path().join(WANTS).join(NAME).is_symlink());
        }
    }

    #[test]
    fn words_are_quoted() {
        let check = |word: &str, expect: &str| assert_eq!(quoted(word), expect);
        check("a b", "\"a b\"");
        check("50%", "\"50%%\"");
        check("$HOME\\\"", "\"$$HOME\\\\\\\"\"");
    }
}
