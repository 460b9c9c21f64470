use super::*;
use crate::partition::HUGE_PAGE;
use crate::{Siblings, Source, Topology, chunks, place};

/// Elements of `f64` in a huge page.
const ELEMENTS: usize = HUGE_PAGE / size_of::<f64>();

/// A node of this host that memory can be bound to.
fn node() -> u32 {
    let topology = Topology::read(&Source::Host).unwrap();
    place(&topology, Siblings::OnePerCore).unwrap()[0].node
}

#[test]
fn a_new_buffer_is_zero_and_aligned() {
    let check = |len: usize| {
        let buffer = Buffer::<[u64; 8]>::map(len, Pages::Huge).unwrap();
        assert_eq!(buffer.as_slice().len(), len);
        assert_eq!(buffer.as_slice().as_ptr().addr() % HUGE_PAGE, 0);
        assert!(buffer.as_slice().iter().all(|line| *line == [0; 8]));
    };
    check(0);
    check(1);
    check(HUGE_PAGE / 64 + 1);
}

#[test]
fn the_proof_sees_what_was_touched() {
    let node = node();
    let mut buffer = Buffer::<f64>::map(2 * ELEMENTS, Pages::Small).unwrap();
    let planned: Vec<_> = chunks(2 * ELEMENTS, 2, ELEMENTS).into_iter().map(|range| (range, node)).collect();
    for (range, node) in &planned {
        buffer.bind(range.clone(), *node).unwrap();
    }
    buffer.as_mut_slice()[..ELEMENTS].fill(1.0);
    let proof = buffer.proof(&planned);
    if proof.refused.is_none() {
        assert_eq!(proof.on_node, Some(0.5), "{proof:?}");
        assert_eq!(proof.asked, 2 * HUGE_PAGE / SMALL_PAGE);
        assert_eq!(buffer.proof(&[(0..ELEMENTS, node + 1)]).on_node, Some(0.0));
    }
    assert!(matches!(proof.huge, None | Some(0.0)), "{proof:?}");
    assert_eq!(buffer.proof(&[]).on_node, None);
}

#[test]
fn a_large_buffer_is_sampled() {
    let buffer = Buffer::<u8>::map(20 << 30, Pages::Huge);
    // A host that does not overcommit may refuse it.
    let Ok(buffer) = buffer else { return };
    let proof = buffer.proof(&[(0..20 << 30, 0)]);
    if proof.refused.is_none() {
        assert_eq!(proof.on_node, Some(0.0));
        assert!((1 << 19..=1 << 20).contains(&proof.asked), "{}", proof.asked);
    }
    assert_eq!(proof.huge, None, "nothing is resident");
}

#[test]
fn ranges_off_the_pages_and_absent_nodes_are_errors() {
    let mut buffer = Buffer::<f64>::map(1000, Pages::Small).unwrap();
    let mut check = |range: Range<usize>, node: u32, expect: &str| {
        let error = buffer.bind(range, node).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    };
    check(1..512, 0, "page boundaries");
    check(0..100, 0, "page boundaries");
    check(0..1001, 0, "not inside");
    check(Range { start: 512, end: 0 }, 0, "not inside");
    check(0..1000, 5000, "bound to node 5000");
    buffer.bind(0..0, 0).unwrap();
    buffer.bind(512..1000, node()).unwrap();
}

#[test]
fn what_cannot_be_mapped_is_an_error() {
    let check = |len: usize| assert!(matches!(Buffer::<u64>::map(len, Pages::Huge), Err(Error::Memory { .. })));
    check(usize::MAX);
    check(usize::MAX / 8 - 1);
    check(1 << 58);
}

#[test]
fn elements_are_bytes_in_the_order_of_the_machine() {
    let mut buffer = Buffer::<[u64; 8]>::map(2, Pages::Small).unwrap();
    buffer.as_mut_slice()[1][7] = 0x0102_0304_0506_0708;
    assert_eq!(buffer.as_bytes()[120..], [8, 7, 6, 5, 4, 3, 2, 1]);
    buffer.as_mut_bytes()[127] = 9;
    assert_eq!((buffer.as_bytes().len(), buffer.as_slice()[1][7]), (128, 0x0902_0304_0506_0708));
}
