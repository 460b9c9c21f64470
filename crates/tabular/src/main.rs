//! The program `hostproof-tabular`.

fn main() {}
