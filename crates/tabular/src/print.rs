//! The one place that writes to stdout.

use std::io::{self, Write};

/// A line, at once: what reads it may be waiting.
pub(crate) fn say(line: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    Ok(stdout.flush()?)
}
