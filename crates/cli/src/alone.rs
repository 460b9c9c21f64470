//! One measurement a host: two at once would measure each other.
//!
//! The lock is an abstract socket, `@hostproof-measurement`: it lies in no folder, so it needs no rights, it is one for all
//! users, and the kernel lets it go with the process that has it. It is as far as the network namespace: containers that have
//! their own do not see each other.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use anyhow::{Context, Result, bail};

use crate::output::say;

const NAME: &str = "hostproof-measurement";
/// Says `--beside` for every measurement.
const BESIDE: &str = "HOSTPROOF_BESIDE";

/// That no other measurement begins while it is held.
pub(crate) struct Alone(#[expect(dead_code, reason = "it is held, and let go at its end")] Option<UnixListener>);

/// Takes the right to measure; where somebody has it, goes on only if that was asked for.
pub(crate) fn measure(beside: bool) -> Result<Alone> {
    take(NAME, beside || std::env::var_os(BESIDE).is_some_and(|value| !value.is_empty()))
}

fn take(name: &str, beside: bool) -> Result<Alone> {
    let address = SocketAddr::from_abstract_name(name).context("could not name the lock of measurements")?;
    match UnixListener::bind_addr(&address) {
        Ok(lock) => Ok(Alone(Some(lock))),
        Err(error) if error.kind() != std::io::ErrorKind::AddrInUse => {
            say(&format!("warning: whether another measurement runs on this host cannot be told: {error}"));
            Ok(Alone(None))
        }
        Err(_) if beside => {
            say("warning: another measurement runs on this host: both are disturbed");
            Ok(Alone(None))
        }
        Err(_) => bail!(
            "another measurement runs on this host (it holds the socket @{name}; `ss -xlp` shows whose it is), and two at once \
             would measure each other: wait for its end, or measure --beside it, as several virtual nodes of one host must"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_measures_at_a_time() {
        let name = format!("hostproof-test-{}", std::process::id());
        let first = take(&name, false).unwrap();
        let refused = take(&name, false).err().unwrap().to_string();
        assert!(refused.contains("--beside") && refused.contains(&name), "{refused}");
        assert!(take(&name, true).is_ok());
        drop(first);
        assert!(take(&name, false).is_ok());
    }
}
