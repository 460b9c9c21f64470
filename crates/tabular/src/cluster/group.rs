//! Groups of processes: how one ends, and that nothing of it stays.

use std::fs;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// How long the processes of a killed group are waited for.
pub(super) const DYING: Duration = Duration::from_secs(10);
/// How often is looked whether one has ended.
const LOOK: Duration = Duration::from_millis(5);

/// Kills a process that leads a group and all of that group, and waits until none is left, but not for ever.
pub(super) fn kill_group(leader: &mut Child) {
    let group = Pid::from_child(leader);
    // Nobody may be left in it.
    let _ = kill_process_group(group, Signal::KILL);
    let since = Instant::now();
    let _ = ended(leader, DYING);
    while since.elapsed() < DYING && has_members(group) {
        sleep(LOOK);
    }
}

/// How a process ended, if it did within a time.
pub(super) fn ended(child: &mut Child, limit: Duration) -> Option<String> {
    let since = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(format!("ended with {status}")),
            Ok(None) if since.elapsed() < limit => sleep(LOOK),
            Ok(None) | Err(_) => return None,
        }
    }
}

/// Whether a process of a group still runs; those that have ended and were not waited for do not.
fn has_members(group: Pid) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else { return false };
    let wanted = group.as_raw_nonzero().to_string();
    processes.filter_map(Result::ok).any(|process| {
        let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        // The name before may hold anything, a parenthesis too.
        let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        let (state, group) = (fields.next(), fields.nth(1));
        group == Some(wanted.as_str()) && !matches!(state, Some("Z" | "X"))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn nothing_of_a_group_stays_and_others_do() {
        let start = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]).stdin(Stdio::null()).process_group(0).spawn().unwrap()
        };
        let mut other = start("sleep 600");
        // The leader has ended, and what it started has not.
        let mut leader = start("sleep 600 & sleep 600 & exit 0");
        assert_eq!(ended(&mut leader, DYING).as_deref(), Some("ended with exit status: 0"));
        assert!(has_members(Pid::from_child(&leader)));
        kill_group(&mut leader);
        assert!(!has_members(Pid::from_child(&leader)));
        assert_eq!(ended(&mut other, Duration::ZERO), None);
        kill_group(&mut other);
        assert_eq!(ended(&mut other, DYING).as_deref(), Some("ended with signal: 9 (SIGKILL)"));
    }
}
