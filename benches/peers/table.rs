//! What is compared: for each comparison the programs, and the figures that they print.

mod dense;
mod disk;
mod features;
mod memory;

use measure::Unit;

use crate::side::{Mark, Side, Way};

/// Programs that do the same work.
pub(crate) struct Comparison {
    pub(crate) ours: Side,
    /// Each is measured once for each time that ours is: that which must be compared most closely comes last, next to
    /// ours.
    pub(crate) peers: &'static [Peer],
}

/// Another program, and the figures that are compared.
pub(crate) struct Peer {
    pub(crate) side: Side,
    pub(crate) figures: &'static [Figure],
}

impl Comparison {
    pub(crate) fn figures(&self) -> impl Iterator<Item = &'static Figure> + use<> {
        self.peers.iter().flat_map(|peer| peer.figures)
    }
}

/// A figure that both sides print.
pub(crate) struct Figure {
    /// How it is chosen on the command line.
    pub(crate) id: &'static str,
    /// What is measured.
    pub(crate) what: &'static str,
    /// In which base unit.
    pub(crate) unit: Unit,
    /// What the ratio ours / theirs should be.
    pub(crate) wanted: Wanted,
    /// Where it stands in what our side prints.
    pub(crate) ours: Mark,
    /// Where it stands in what the peer prints.
    pub(crate) peer: Mark,
}

/// What a ratio should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wanted {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
    /// As far from 1 as this at most.
    Within(f64),
    /// It is shown for what it is.
    Any,
}

/// All comparisons.
pub(crate) fn table() -> impl Iterator<Item = &'static Comparison> {
    usual().chain(features::CLUSTERS)
}

/// Those that are made where no figure is named.
pub(crate) fn usual() -> impl Iterator<Item = &'static Comparison> {
    [memory::TABLE, dense::TABLE, disk::TABLE, features::TABLE].into_iter().flatten()
}

/// This program as our side.
const fn ours(arguments: &'static [&'static str]) -> Side {
    Side { name: "hostproof", program: "{self}", arguments, ..Side::NONE }
}

/// likwid-bench. It reports the same bytes as STREAM credits (`likwid-bench -l`: 8 an element for load, 16 for copy, 24
/// for triad), over all iterations of one run of a second or more.
const fn likwid(arguments: &'static [&'static str]) -> Side {
    Side {
        name: "likwid-bench",
        program: "likwid-bench",
        version: &["-v"],
        arguments,
        way: Way::StartsAnew,
        hint: "missing: install likwid (apt-get install likwid)",
        ..Side::NONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_sides_complete() {
        let all = || table().flat_map(Comparison::figures);
        let mut ids: Vec<_> = all().map(|figure| figure.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all().count());
        assert!(all().all(|figure| !figure.what.is_empty()));
        for (comparison, peer) in
            table().flat_map(|comparison| comparison.peers.iter().map(move |peer| (comparison, peer)))
        {
            let (ours, Peer { side, figures }) = (&comparison.ours, peer);
            assert!(!figures.is_empty() && !ours.program.is_empty() && !side.program.is_empty(), "{}", side.name);
            assert!(!ours.name.is_empty() && side.hint.starts_with("missing: "), "{}", side.name);
        }
    }
}
