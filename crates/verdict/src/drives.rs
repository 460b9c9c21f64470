//! The drives of a host as a document counts them.

use measure::{Facts, Reading, Unit};
use spec::System;

use crate::facts::{FactMatch, compare_fact};

/// What a drive is told to be, beside how many there are.
const KINDS: [&str; 8] =
    ["drive_capacity", "form_factor", "pcie_gen", "pcie_lanes", "media", "firmware", "layout", "wear"];

/// The facts of a host as a document speaks of them: one that names no boot drives states all drives of the host, so the
/// drives that the host boots from are among those that an inventory does not count to the working volume, unless it counts
/// the only drive to both.
pub(crate) fn as_counted(system: &System, host: &Facts) -> Facts {
    let mut facts = host.clone();
    let boot = host.number("storage.boot.drives").unwrap_or(0.0);
    let of = |volume: &str| host.value(&format!("storage.{volume}.devices"));
    let is_one_volume = of("boot").is_some() && of("boot") == of("scratch");
    if boot == 0.0 || is_one_volume || system.facts.iter().any(|fact| fact.id.starts_with("storage.boot.")) {
        return facts;
    }
    let scratch = match host.0.get("storage.scratch.drives").map(|fact| &fact.reading) {
        // How many there are in all is as little known.
        Some(Reading::Denied { .. } | Reading::Failed { .. }) => return facts,
        _ => host.number("storage.scratch.drives").unwrap_or(0.0),
    };
    facts.quantity("storage.scratch.drives", boot + scratch, Unit::Count, "drives of the host");
    for kind in KINDS {
        let id = format!("storage.scratch.{kind}");
        let Some(of_boot) = host.0.get(&format!("storage.boot.{kind}")) else { continue };
        // Where both kinds of drives are there, the one that is not as documented decides.
        let as_documented = || system.stated(&id).any(|stated| compare_fact(stated, host) == FactMatch::Match);
        if scratch == 0.0 || as_documented() {
            facts.0.insert(id, of_boot.clone());
        }
    }
    facts
}
