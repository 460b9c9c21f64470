//! Exchanges of rows, all those of a panel together.

use super::panel::exchange;
use super::prefetch::prefetch;

/// Elements of a cache line.
const LINE: usize = 8;

/// What the exchanges of a panel come to: where each row that they touch comes from.
///
/// One after another they would wait for each other, and each fetches a line from far away. Together the lines can be
/// fetched at the same time.
#[derive(Clone, Debug, Default)]
pub(super) struct Moves {
    /// Row i was exchanged with row `pivots[i]`, in this order.
    pivots: Vec<usize>,
    /// To and from, both among the first rows, as many as there are pivots.
    within: Vec<(usize, usize)>,
    /// To one of the first rows, from below them.
    up: Vec<(usize, usize)>,
    /// To below the first rows, from one of them.
    down: Vec<(usize, usize)>,
}

impl Moves {
    /// Room for this many exchanges.
    pub(super) fn with_capacity(pivots: usize) -> Moves {
        let room = || Vec::with_capacity(pivots);
        Moves { pivots: Vec::with_capacity(pivots), within: room(), up: room(), down: room() }
    }

    /// Follows the exchanges of row i with row `pivots[i]` ≥ i.
    pub(super) fn follow(&mut self, pivots: &[usize]) {
        let first = pivots.len();
        self.pivots.clear();
        self.pivots.extend_from_slice(pivots);
        self.within.clear();
        self.up.clear();
        self.down.clear();
        // What lies in each of the first rows: at the start itself.
        self.within.extend((0..first).map(|row| (row, row)));
        for (row, &pivot) in pivots.iter().enumerate() {
            if pivot < first {
                let came = self.within[row].1;
                self.within[row].1 = self.within[pivot].1;
                self.within[pivot].1 = came;
            } else if let Some((_, lies)) = self.down.iter_mut().find(|(place, _)| *place == pivot) {
                // It was exchanged before, so that one of the first rows lies there.
                std::mem::swap(lies, &mut self.within[row].1);
            } else {
                self.down.push((pivot, self.within[row].1));
                self.within[row].1 = pivot;
            }
        }
        self.up.extend(self.within.iter().filter(|(_, from)| *from >= first));
        self.within.retain(|&(to, from)| from < first && to != from);
    }

    /// Moves the rows of `width` columns, `ld` apart. `room` holds the first rows of two columns meanwhile.
    ///
    /// While two columns are moved, the lines of the next two are fetched: one pair after another would wait for memory
    /// each time.
    pub(super) fn apply(&self, columns: &mut [f64], ld: usize, width: usize, room: &mut [f64]) {
        let (left_rows, rest) = room.split_at_mut(self.pivots.len());
        let right_rows = &mut rest[..self.pivots.len()];
        let mut ahead = columns;
        for _ in 0..width / 2 {
            let (pair, next) = ahead.split_at_mut((2 * ld).min(ahead.len()));
            let (left, right) = pair.split_at_mut(ld);
            left_rows.copy_from_slice(&left[..left_rows.len()]);
            right_rows.copy_from_slice(&right[..right_rows.len()]);
            let fetch = |row: usize| [row, row + ld].into_iter().filter_map(|at| next.get(at)).for_each(prefetch);
            (0..left_rows.len()).step_by(LINE).for_each(fetch);
            for &(to, from) in &self.up {
                left[to] = left[from];
                right[to] = right[from];
                fetch(from);
            }
            for &(to, from) in self.within.iter().chain(&self.down) {
                left[to] = left_rows[from];
                right[to] = right_rows[from];
            }
            ahead = next;
        }
        if !width.is_multiple_of(2)
            && let Some(last) = ahead.chunks_mut(ld).next()
        {
            exchange(last, ld, &self.pivots);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn moves_are_what_exchanges_come_to(
            rows in 1_usize..60, width in 0_usize..6, pad in 0_usize..3, choices in prop::collection::vec(any::<usize>(), 1..60)
        ) {
            let pivots: Vec<usize> =
                choices.iter().take(rows).enumerate().map(|(row, choice)| row + choice % (rows - row)).collect();
            let ld = rows + pad;
            let mut one: Vec<f64> = (0..ld * width).map(|at| at as f64).collect();
            let mut other = one.clone();
            exchange(&mut one, ld, &pivots);
            let mut moves = Moves::with_capacity(pivots.len());
            moves.follow(&[0]);
            moves.follow(&pivots);
            moves.apply(&mut other, ld, width, &mut vec![f64::NAN; 2 * pivots.len() + 1]);
            prop_assert_eq!(one, other);
        }
    }
}
