//! What this binary was built from and by, as `build.rs` found it.

use measure::Build;

pub(crate) fn build() -> Build {
    Build {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: env!("HOSTPROOF_REVISION").to_owned(),
        compiler: env!("HOSTPROOF_COMPILER").to_owned(),
        profile: env!("HOSTPROOF_PROFILE").to_owned(),
        target_features: env!("HOSTPROOF_TARGET_FEATURES").to_owned(),
    }
}

/// The long form of `--version`.
pub(crate) const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\nrevision ",
    env!("HOSTPROOF_REVISION"),
    "\ncompiler ",
    env!("HOSTPROOF_COMPILER"),
    "\nprofile  ",
    env!("HOSTPROOF_PROFILE"),
    "\nfeatures ",
    env!("HOSTPROOF_TARGET_FEATURES"),
);
