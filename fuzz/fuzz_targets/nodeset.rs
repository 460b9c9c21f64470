//! No text makes the reader of node sets panic, and what it reads is the same set when it is folded and read again.
#![no_main]

use std::collections::BTreeSet;

use launch::NodeSet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(set) = text.parse::<NodeSet>() {
        let again = if set.is_empty() { NodeSet::default() } else { set.to_string().parse().unwrap() };
        let names = |set: &NodeSet| set.names().iter().cloned().collect::<BTreeSet<_>>();
        assert_eq!(names(&again), names(&set), "{text}");
    }
});
