//! What the kernel and people send: Ctrl-C, a polite kill and a closed terminal become a flag that the run loop looks at, so
//! that the record is ended in order; a limit on the size of files becomes an error of writing.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};

use crate::exit::Exit;

/// The flag; a second Ctrl-C ends the program at once. Nothing else does: whoever closes a terminal sends several signals.
pub(crate) fn flag() -> Result<Arc<AtomicBool>> {
    let (flag, typed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let install = || -> std::io::Result<()> {
        signal_hook::flag::register_conditional_shutdown(SIGINT, Exit::Interrupted as i32, Arc::clone(&typed))?;
        signal_hook::flag::register(SIGINT, typed)?;
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&flag))?;
        }
        Ok(())
    };
    install().context("could not install the handler for Ctrl-C")?;
    Ok(flag)
}

/// Lets a write beyond a limit on the size of files fail with an error, which has a place to be told, instead of killing the
/// program. The handler is not inherited.
pub(crate) fn write_errors_instead_of_signals() {
    // Where no handler can be installed, the signal ends the program as it does any other.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}
