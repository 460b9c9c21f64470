//! The bench target `acceptance`: the real binary with the quick profile, so that `cargo bench` on the target host
//! ends with the table of documented targets.
#![expect(clippy::print_stderr, reason = "a tool of the developers: where nobody can be told, it may end")]

use std::env;
use std::process::{Command, exit};

fn main() {
    // `cargo bench` says `--bench`; `cargo test --benches` does not, and must not measure.
    let measured = env::args().any(|argument| argument == "--bench");
    let mut command = Command::new(env!("CARGO_BIN_EXE_hostproof"));
    command.args(["run", "--profile", "quick"]);
    if !measured {
        command.arg("--dry-run");
    }
    match command.status() {
        Ok(status) => exit(status.code().unwrap_or(2)),
        Err(error) => {
            eprintln!("error: the hostproof binary could not be started: {error}");
            exit(2);
        }
    }
}
