//! Any text is a synthetic topology or an error; what is let through to hwloc is small.
#![no_main]

use libfuzzer_sys::fuzz_target;
use machine::{Siblings, Source, Topology, place};

fuzz_target!(|text: &str| {
    if let Ok(topology) = Topology::read(&Source::Synthetic(text.to_owned())) {
        assert!(topology.cpus().len() <= 8192);
        let _ = place(&topology, Siblings::EverySmtThread);
    }
});
