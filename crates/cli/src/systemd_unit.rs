//! The systemd units that go on with a campaign or a soak at each boot.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::trust;

/// What goes on at each boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Campaign,
    Soak,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Campaign => "hostproof-campaign.service",
            Unit::Soak => "hostproof-soak.service",
        }
    }

    /// What it goes on with, and how.
    fn command(self) -> (&'static str, &'static str) {
        match self {
            Unit::Campaign => ("campaign", "campaign next"),
            Unit::Soak => ("soak", "soak --continue"),
        }
    }
}

/// What `systemctl enable` would make a link in.
const WANTS: &str = "multi-user.target.wants";
/// What reads a unit as systemd will.
const ANALYZE: &str = "systemd-analyze";

/// Writes the unit to `folder` and enables it. It is there for the next boot; nothing is started now.
pub(crate) fn install(which: Unit, folder: &Path, program: &str, results: &str) -> Result<PathBuf> {
    let unit = file(which, folder);
    let text = text(which, program, results)?;
    verified(which, ANALYZE, &text)?;
    let trouble = || format!("could not install the unit {}; installing it is for root", unit.display());
    let wants = folder.join(WANTS);
    fs::create_dir_all(&wants).with_context(trouble)?;
    for path in [Path::new(program), &wants] {
        trust::for_root(path)?;
    }
    written(folder, &unit, &text).with_context(trouble)?;
    let link = wants.join(which.name());
    gone(fs::remove_file(&link)).with_context(trouble)?;
    symlink(&unit, &link).with_context(trouble)?;
    for changed in [folder, &wants] {
        File::open(changed).and_then(|folder| folder.sync_all()).with_context(trouble)?;
    }
    Ok(unit)
}

/// Puts the unit in its place whole, readable for all and writable for root alone, whatever the umask and whatever was there
/// before: a link is replaced, not followed.
fn written(folder: &Path, unit: &Path, text: &str) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".hostproof-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.as_file().sync_all()?;
    file.persist(unit)?;
    Ok(())
}

/// Refuses a unit that systemd would refuse without a word at the next boot. Where there is no systemd, nobody can tell.
fn verified(which: Unit, analyze: &str, text: &str) -> Result<()> {
    let folder = tempfile::tempdir().context("could not make a folder to check the unit in")?;
    let unit = file(which, folder.path());
    fs::write(&unit, text).with_context(|| format!("could not write {}", unit.display()))?;
    let output = match Command::new(analyze).args(["verify", "--man=no"]).arg(&unit).stdin(Stdio::null()).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        output => output.with_context(|| format!("could not start {analyze}"))?,
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // It also speaks of units that ours only stands beside.
    if !output.status.success() && said.contains(which.name()) {
        bail!("systemd would not take the unit {}: {}", which.name(), said.trim());
    }
    Ok(())
}

/// Where the unit lies in the folder of units.
pub(crate) fn file(which: Unit, folder: &Path) -> PathBuf {
    folder.join(which.name())
}

/// Disables and removes the unit; one that is not there is removed already.
pub(crate) fn remove(which: Unit, folder: &Path) -> Result<()> {
    for file in [folder.join(WANTS).join(which.name()), file(which, folder)] {
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
fn text(which: Unit, program: &str, results: &str) -> Result<String> {
    // systemd takes some characters in the name of a program for what they are, whatever stands before them.
    if let Some(c) = program.chars().find(|c| c.is_control() || matches!(c, '"' | '\'' | '\\' | '$')) {
        bail!("systemd cannot start a program whose path holds {c:?} ({program:?}): install hostproof elsewhere");
    }
    if let Some(c) = results.chars().find(|c| c.is_control()) {
        bail!(
            "a unit cannot hold {c:?}, which is in the path of the records ({results:?}): give another folder with --out"
        );
    }
    let (program, results) = (quoted(program), quoted(results));
    let (what, command) = which.command();
    Ok(format!(
        "[Unit]\n\
         Description=Go on with the hostproof {what}\n\
         Documentation=man:systemd.service(5)\n\
         After=multi-user.target\n\
         \n\
         [Service]\n\
         Type=oneshot\n\
         # The host comes to rest first.\n\
         ExecStartPre=sleep 60\n\
         ExecStart={program} {command} --out {results}\n\
         SuccessExitStatus=3\n\
         TimeoutStartSec=infinity\n\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n"
    ))
}

/// A word of a command line in a unit: quoted, and without specifiers and variables (systemd.service(5), "Command lines").
fn quoted(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "hostproof-campaign.service";

    #[test]
    fn a_unit_comes_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("my program").to_str().unwrap().to_owned();
        fs::copy("/bin/true", &program).unwrap();
        for (which, command) in [(Unit::Campaign, "campaign next"), (Unit::Soak, "soak --continue")] {
            let link = folder.path().join(WANTS).join(which.name());
            for _ in 0..2 {
                let unit = install(which, folder.path(), &program, "/var/100%/results").unwrap();
                let text = fs::read_to_string(&link).unwrap();
                assert_eq!(text, fs::read_to_string(unit).unwrap());
                let start = format!("\nExecStart=\"{program}\" {command} --out \"/var/100%%/results\"\n");
                assert!(text.contains(&start), "{text}");
            }
            for _ in 0..2 {
                remove(which, folder.path()).unwrap();
                assert!(!file(which, folder.path()).exists() && !link.is_symlink());
            }
        }
    }

    #[test]
    fn a_unit_is_written_like_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let aim = folder.path().join("aim");
        fs::write(&aim, "mine").unwrap();
        symlink(&aim, folder.path().join(NAME)).unwrap();
        let unit = folder.path().join(NAME);
        written(folder.path(), &unit, "text").unwrap();
        let about = fs::symlink_metadata(&unit).unwrap();
        assert!(about.is_file() && about.permissions().mode() & 0o7777 == 0o644, "{about:?}");
        assert_eq!(fs::read_to_string(&aim).unwrap(), "mine");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_no_unit_can_hold_is_refused() {
        let check = |program: &str, results: &str, expect: Option<&str>| {
            let text = text(Unit::Campaign, program, results);
            match expect {
                None => assert_eq!(text.unwrap().lines().filter(|line| line.starts_with("ExecStart=")).count(), 1),
                Some(words) => assert!(text.unwrap_err().to_string().contains(words), "{program} {results}"),
            }
        };
        check("/opt/hostproof", "/var/a $b \"c\" 100% \\", None);
        check("/opt/a b/hostproof", "/var", None);
        check("/opt/a\nUser=b", "/var", Some("'\\n'"));
        check("/opt", "/var/a\nUser=b", Some("of the records"));
        for path in ["/opt/$a", "/opt/\"a", "/opt/'a", "/opt/\\a"] {
            check(path, "/var", Some("install hostproof elsewhere"));
        }
    }

    #[test]
    fn what_systemd_would_refuse_is_refused() {
        // A stand-in, so that the test is the same where there is no systemd.
        let folder = tempfile::tempdir().unwrap();
        let tool = |name: &str, body: &str| {
            let path = folder.path().join(name);
            fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let good = tool("good", &format!("test -f \"$3\" && test \"${{3##*/}}\" = {NAME}"));
        assert!(verified(Unit::Campaign, &good, "[Unit]").is_ok());
        let refuses = tool("refuses", &format!("echo '{NAME}: Unit has a bad setting.' >&2; exit 1"));
        let said = verified(Unit::Campaign, &refuses, "[Unit]").unwrap_err().to_string();
        assert!(said.contains("would not take the unit") && said.contains("bad setting"), "{said}");
        assert!(verified(Unit::Campaign, &tool("other", "echo 'other.service: wrong' >&2; exit 1"), "[Unit]").is_ok());
        assert!(verified(Unit::Campaign, "/nonexistent/analyze", "[Unit]").is_ok());
        // Where systemd is here, it takes ours.
        assert!(
            verified(Unit::Campaign, ANALYZE, &text(Unit::Campaign, "/bin/true", "/var/a b $c \"d\" 100%").unwrap())
                .is_ok()
        );
    }

    #[test]
    fn words_are_quoted() {
        let check = |word: &str, expect: &str| assert_eq!(quoted(word), expect);
        check("a b", "\"a b\"");
        check("50%", "\"50%%\"");
        check("$HOME\\\"", "\"$$HOME\\\\\\\"\"");
    }
}
