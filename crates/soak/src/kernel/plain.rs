//! The kernels without vectors.

use super::LINE;
use crate::pattern::{Line, Word};

pub(super) fn fill(lines: &mut [Line], address: u64, word: &Word) {
    for (number, line) in (0..).zip(lines) {
        *line = word.line(address + LINE * number);
    }
}

pub(super) fn check(lines: &[Line], address: u64, word: &Word) -> u64 {
    let mut differing = 0;
    for (number, line) in (0..).zip(lines) {
        let expected = word.line(address + LINE * number);
        differing = line.iter().zip(expected).fold(differing, |all, (found, expected)| all | (found ^ expected));
    }
    differing
}
