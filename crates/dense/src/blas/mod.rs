//! The BLAS, one thread for each caller: column-major views, and the routines that the timed work consists of.

mod cblas;
mod library;
mod load;
pub(crate) mod packing;

pub use cblas::{eliminate, gemm};
pub use library::{Library, environment, library, set_threads};

/// A column-major matrix in a slice: element (i, j) is `data[i + j * ld]`.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    data: &'a [f64],
    rows: usize,
    cols: usize,
    ld: usize,
}

/// A column-major matrix in a slice that is written.
#[derive(Debug)]
pub struct ViewMut<'a> {
    data: &'a mut [f64],
    rows: usize,
    cols: usize,
    ld: usize,
}

/// Panics unless a matrix of this shape lies within `len` elements and its numbers fit a BLAS integer.
fn fits(len: usize, rows: usize, cols: usize, ld: usize) {
    assert!(ld >= rows.max(1) && i32::try_from(ld.max(cols)).is_ok(), "{rows}×{cols} with columns {ld} apart");
    let end = if rows == 0 || cols == 0 { 0 } else { (cols - 1) * ld + rows };
    assert!(end <= len, "{rows}×{cols} with columns {ld} apart do not fit {len} elements");
}

impl<'a> View<'a> {
    /// `rows` × `cols` elements of `data`, columns `ld` apart.
    ///
    /// # Panics
    ///
    /// If they do not lie within `data`, or a number does not fit the 32-bit integers of the BLAS.
    #[must_use]
    pub fn new(data: &'a [f64], rows: usize, cols: usize, ld: usize) -> Self {
        fits(data.len(), rows, cols, ld);
        View { data, rows, cols, ld }
    }

    /// The elements of a column.
    ///
    /// # Panics
    ///
    /// If there is no such column.
    #[must_use]
    pub fn column(&self, j: usize) -> &'a [f64] {
        assert!(j < self.cols, "column {j} of {}", self.cols);
        &self.data[j * self.ld..][..self.rows]
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    #[must_use]
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The part from row `first` and column `first` on, `rows` × `cols`.
    ///
    /// # Panics
    ///
    /// If it reaches beyond the matrix.
    #[must_use]
    pub fn part(&self, first: (usize, usize), rows: usize, cols: usize) -> View<'a> {
        assert!(first.0 + rows <= self.rows && first.1 + cols <= self.cols, "a part beyond its matrix");
        let start = (first.1 * self.ld + first.0).min(self.data.len());
        View::new(&self.data[start..], rows, cols, self.ld)
    }
}

impl<'a> ViewMut<'a> {
    /// `rows` × `cols` elements of `data`, columns `ld` apart.
    ///
    /// # Panics
    ///
    /// As [`View::new`].
    #[must_use]
    pub fn new(data: &'a mut [f64], rows: usize, cols: usize, ld: usize) -> Self {
        fits(data.len(), rows, cols, ld);
        ViewMut { data, rows, cols, ld }
    }

    /// Number of columns.
    #[must_use]
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// `rows` of all columns, from row `first` on.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    pub fn rows_from(&mut self, first: usize, rows: usize) -> ViewMut<'_> {
        assert!(first + rows <= self.rows, "rows beyond the matrix");
        let start = first.min(self.data.len());
        ViewMut::new(&mut self.data[start..], rows, self.cols, self.ld)
    }

    /// The elements of a column, to write.
    ///
    /// # Panics
    ///
    /// If there is no such column.
    pub fn column(&mut self, j: usize) -> &mut [f64] {
        assert!(j < self.cols, "column {j} of {}", self.cols);
        &mut self.data[j * self.ld..][..self.rows]
    }
}

/// The routines of the loaded library as values, so that a test can put a wrong one in its place.
#[derive(Clone, Copy, Debug)]
pub struct Blas {
    /// C ← α·A·B + β·C, see [`gemm`].
    pub gemm: fn(f64, View<'_>, View<'_>, f64, ViewMut<'_>),
    /// C ← C − A·B with C below B, see [`eliminate`].
    pub eliminate: fn(View<'_>, ViewMut<'_>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_beyond_its_slice_is_refused() {
        let check = |len: usize, rows: usize, cols: usize, ld: usize, fits: bool| {
            let data = vec![0.0; len];
            let made = std::panic::catch_unwind(|| View::new(&data, rows, cols, ld).cols());
            assert_eq!(made.is_ok(), fits, "{rows}×{cols} ld {ld} in {len}");
        };
        check(6, 2, 3, 2, true);
        check(5, 2, 3, 2, false);
        check(8, 2, 3, 3, true);
        check(7, 2, 3, 3, false);
        check(9, 3, 3, 2, false);
        check(0, 0, 5, 1, true);
        check(0, 5, 0, 5, true);
        check(0, 0, 0, 0, false);
    }

    #[test]
    fn gemm_does_what_it_says() {
        let Blas { gemm, .. } = Blas::load().unwrap();
        // columns (1 2), (3 4) times columns (5 6), (7 8)
        let (left, right) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]);
        let mut product = [1.0, 1.0, -9.0, 1.0, 1.0];
        gemm(-1.0, View::new(&left, 2, 2, 2), View::new(&right, 2, 2, 2), 2.0, ViewMut::new(&mut product, 2, 2, 3));
        assert_eq!(product.map(f64::to_bits), [-21.0, -32.0, -9.0, -29.0, -44.0].map(f64::to_bits));
    }

    #[test]
    fn elimination_works_on_the_rows_below() {
        let Blas { eliminate, .. } = Blas::load().unwrap();
        // one column (2, 3 | 10, 20) and A = columns (1 4), (5 6)
        let mut column = [2.0, 3.0, 10.0, 20.0, -1.0];
        eliminate(View::new(&[1.0, 4.0, 5.0, 6.0], 2, 2, 2), ViewMut::new(&mut column, 4, 1, 5));
        assert_eq!(column.map(f64::to_bits), [2.0, 3.0, 10.0 - 17.0, 20.0 - 26.0, -1.0].map(f64::to_bits));
    }

    #[test]
    fn empty_products_change_nothing() {
        let Blas { gemm, .. } = Blas::load().unwrap();
        let mut c = [3.0];
        gemm(1.0, View::new(&[], 1, 0, 1), View::new(&[], 0, 1, 1), 1.0, ViewMut::new(&mut c, 1, 1, 1));
        gemm(1.0, View::new(&[], 0, 1, 1), View::new(&[1.0], 1, 1, 1), 1.0, ViewMut::new(&mut [], 0, 1, 1));
        assert_eq!(c[0].to_bits(), 3.0_f64.to_bits());
    }
}
