//! The one place that writes to stdout and stderr.

use std::io::{self, Write};

/// A line, at once: what reads it may be waiting.
pub(crate) fn say(line: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    Ok(stdout.flush()?)
}

/// A line on stderr. A terminal that was closed or a full disk behind a redirection ends nothing.
pub(crate) fn note(line: &str) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
