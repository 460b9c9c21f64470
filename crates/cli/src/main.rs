//! The binary `hostproof`.

fn main() {}
