//! Tells the binary what it was built from and by: the facts that every record carries.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    // Any source file may change what "dirty" means, so all of them are watched.
    for watched in ["../../crates", "../../Cargo.lock", "../../.git/HEAD", "../../.git/index"] {
        if Path::new(watched).exists() {
            println!("cargo:rerun-if-changed={watched}");
        }
    }
    set("HOSTPROOF_REVISION", output("git", &["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]));
    set("HOSTPROOF_COMPILER", output(&env::var("RUSTC").unwrap_or_else(|_| "rustc".into()), &["--version"]));
    set("HOSTPROOF_PROFILE", profile());
    set("HOSTPROOF_TARGET_FEATURES", env::var("CARGO_CFG_TARGET_FEATURE").ok());
}

fn set(name: &str, value: Option<String>) {
    println!("cargo:rustc-env={name}={}", value.unwrap_or_else(|| "unknown".into()));
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// The cargo profile by the folder `target/<profile>/build/<package>/out`: `PROFILE` says "release" for every
/// profile that inherits it.
fn profile() -> Option<String> {
    let out = env::var("OUT_DIR").ok()?;
    let folder = Path::new(&out).ancestors().nth(3)?.file_name()?.to_str()?;
    Some(if folder == "debug" { "dev".to_owned() } else { folder.to_owned() })
}
