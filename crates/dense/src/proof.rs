//! The proof of placement of a measurement that uses several buffers.

use machine::{PageProof, Team};
use measure::{Placement, Warning};

use crate::blas::packing;

/// Half of the bytes in huge pages is what a run needs to be representative.
const ENOUGH_HUGE: f64 = 0.5;

/// Joins the proofs of buffers, each with its length, and asks again where the workers may run. The library's packing
/// buffers are its own affair, small and mostly in caches: where they lie astray, a warning says how far, and the share
/// of the pages stays that of the data.
pub(crate) fn join(team: &Team, proofs: &[(PageProof, usize)], migrations: Option<u64>) -> (Placement, Vec<Warning>) {
    let (packing, mut warnings) = packing::proof(team);
    let refused = proofs.iter().map(|(proof, _)| proof).chain(&packing).find_map(|proof| proof.refused.clone());
    if let Some(why) = refused {
        warnings.push(Warning::PlacementUnproved { why });
    }
    let huge_pages = mean(proofs, |proof| proof.huge);
    if let Some(share) = huge_pages.filter(|&share| share < ENOUGH_HUGE) {
        warnings.push(Warning::FewHugePages { share });
    }
    if let Err(error) = team.verify() {
        warnings.push(Warning::NotHonoured { what: error.to_string() });
    }
    let cpus = team.workers().iter().map(|worker| worker.cpu).collect();
    let pages_on_node = mean(proofs, |proof| proof.on_node);
    (Placement { cpus, pages_on_node, huge_pages, migrations }, warnings)
}

/// The mean weighted by length; `None` where one is not known.
fn mean(proofs: &[(PageProof, usize)], share: impl Fn(&PageProof) -> Option<f64>) -> Option<f64> {
    let weighted: Option<f64> = proofs.iter().map(|(proof, len)| Some(share(proof)? * *len as f64)).sum();
    let total: f64 = proofs.iter().map(|(_, len)| *len as f64).sum();
    weighted.filter(|_| total > 0.0).map(|sum| sum / total)
}
