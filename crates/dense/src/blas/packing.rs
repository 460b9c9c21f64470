//! Where the buffers lie that the library packs operands into.
//!
//! A product is formed from copies of its operands, in an order that suits the kernel. OpenBLAS takes the space for them
//! from a pool of the process, the first free buffer for whichever thread comes. So each worker takes one at the same
//! time, as all do while they multiply, and what they got is placed, or asked for.

use machine::{PageProof, Region, Team, prove_regions};
use measure::Warning;

use super::library::{PackingBuffer, library};

/// Binds the buffers to the nodes of the workers that take them now, in huge pages. It must not be called while a
/// routine of the library runs.
pub(crate) fn place(team: &Team) {
    for (region, node) in regions(team).unwrap_or_default() {
        region.prefer_huge_pages();
        // Where the kernel does not let memory be bound, it lies where it is touched first, which the proof shows.
        let _ = region.bind(node);
    }
}

/// Where the pages of the buffers lie that the workers take now, and what is not as planned.
pub(crate) fn proof(team: &Team) -> (Option<PageProof>, Vec<Warning>) {
    let Some(regions) = regions(team) else {
        let node = team.workers()[0].node;
        // On one node there is no other place.
        let several = team.workers().iter().any(|worker| worker.node != node);
        let why = format!("{} does not show its packing buffers", library().name);
        return (None, several.then_some(Warning::PlacementUnproved { why }).into_iter().collect());
    };
    let (proof, _) = prove_regions(&regions);
    let astray = proof.on_node.filter(|&share| share < 1.0).map(|share| Warning::NotHonoured {
        what: format!(
            "{:.1} % of the library's packing buffers lie on the node of the worker that takes them: one pool serves all",
            share * 100.0
        ),
    });
    (Some(proof), astray.into_iter().collect())
}

/// The buffer of each worker, with its node; `None` where the library shows none.
fn regions(team: &Team) -> Option<Vec<(Region, u32)>> {
    let mut addresses = vec![None; team.workers().len()];
    team.each(&mut addresses, |member, address| {
        let taken = PackingBuffer::take();
        *address = taken.as_ref().map(PackingBuffer::address);
        // Nobody gives one back before all have theirs.
        member.barrier();
    });
    let addresses: Vec<usize> = addresses.into_iter().collect::<Option<_>>()?;
    let regions = Region::at(&addresses).ok().filter(|regions| regions.len() == addresses.len())?;
    Some(regions.into_iter().zip(team.workers().iter().map(|worker| worker.node)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blas::{Blas, View, ViewMut};
    use machine::{Siblings, Source, Topology, place as workers};

    #[test]
    fn the_pages_that_a_product_touches_are_found() {
        let Blas { gemm, .. } = Blas::load().unwrap();
        let topology = Topology::read(&Source::Host).unwrap();
        let team = Team::start(&workers(&topology, Siblings::OnePerCore).unwrap()).unwrap();
        place(&team);
        let n = 300;
        let operand = vec![1.0; n * n];
        team.each(&mut vec![vec![0.0; n * n]; team.workers().len()], |_, c| {
            let view = View::new(&operand, n, n, n);
            gemm(1.0, view, view, 0.0, ViewMut::new(c, n, n, n));
            assert!(c.iter().all(|element| element.to_bits() == 300.0_f64.to_bits()));
        });
        let (proof, warnings) = proof(&team);
        let Some(proof) = proof else {
            assert_ne!(library().name, "OpenBLAS");
            return;
        };
        if proof.refused.is_none() {
            // How much it copies is the kernel's choice, and workers whose products are not formed at the same time take
            // the same buffer; but some of it is touched.
            let (_, bytes) = prove_regions(&regions(&team).unwrap());
            assert!(bytes > 0, "{proof:?}");
            assert_eq!(proof.on_node < Some(1.0), !warnings.is_empty(), "{proof:?}, {warnings:?}");
        }
    }
}
