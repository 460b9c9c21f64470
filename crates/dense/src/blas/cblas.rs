//! The calls into the library. It must have been loaded: by [`Blas::load`](super::Blas::load).
#![allow(unsafe_code)] // foreign functions over raw pointers

use std::ffi::c_int;

use super::{View, ViewMut};

// The numbers of the enumerations of cblas.h.
const COLUMN_MAJOR: c_int = 102;
const NO_TRANSPOSE: c_int = 111;

unsafe extern "C" {
    fn cblas_dgemm(
        layout: c_int,
        transpose_a: c_int,
        transpose_b: c_int,
        m: c_int,
        n: c_int,
        k: c_int,
        alpha: f64,
        a: *const f64,
        lda: c_int,
        b: *const f64,
        ldb: c_int,
        beta: f64,
        c: *mut f64,
        ldc: c_int,
    );
}

/// A number that a view has checked to fit.
fn int(number: usize) -> c_int {
    c_int::try_from(number).expect("views have checked their numbers")
}

/// C ← α·A·B + β·C (`cblas_dgemm`).
///
/// # Panics
///
/// If the shapes do not match.
pub fn gemm(alpha: f64, a: View<'_>, b: View<'_>, beta: f64, c: ViewMut<'_>) {
    let ViewMut { data, rows, cols, ld } = c;
    assert!(a.rows == rows && b.cols == cols && a.cols == b.rows, "gemm of shapes that do not match");
    // SAFETY: the pointers come from slices; a view has checked that (cols - 1) * ld + rows elements lie within its
    // slice, that ld >= max(1, rows), and that all numbers fit a C int. C is borrowed exclusively, so that it overlaps
    // neither A nor B. The shapes match. The declaration is that of cblas.h with 32-bit integers.
    unsafe {
        cblas_dgemm(
            COLUMN_MAJOR,
            NO_TRANSPOSE,
            NO_TRANSPOSE,
            int(rows),
            int(cols),
            int(a.cols),
            alpha,
            a.data.as_ptr(),
            int(a.ld),
            b.data.as_ptr(),
            int(b.ld),
            beta,
            data.as_mut_ptr(),
            int(ld),
        );
    }
}

/// C ← C − A·B, where B is the upper part of `columns`, as high as A is wide, and C what is below it (`cblas_dgemm`).
///
/// # Panics
///
/// If `columns` is not as high as A is wide and high.
pub fn eliminate(a: View<'_>, columns: ViewMut<'_>) {
    let ViewMut { data, rows, cols, ld } = columns;
    assert!(rows == a.cols + a.rows, "elimination in columns of another height");
    if a.rows == 0 || cols == 0 {
        return;
    }
    let upper = data.as_mut_ptr();
    // SAFETY: the view has at least one row in its lower part, and at least one column, so that element (a.cols, 0) lies
    // within its slice.
    let lower = unsafe { upper.add(a.cols) };
    // SAFETY: the pointers come from slices; a view has checked that (cols - 1) * ld + rows elements lie within its
    // slice, that ld >= max(1, rows), and that all numbers fit a C int; the lower part begins a.cols rows further and is
    // as many rows less high. B and C are different rows of the same columns, borrowed exclusively here, so that what is
    // written is neither read as B nor overlaps A. The declaration is that of cblas.h with 32-bit integers.
    unsafe {
        cblas_dgemm(
            COLUMN_MAJOR,
            NO_TRANSPOSE,
            NO_TRANSPOSE,
            int(a.rows),
            int(cols),
            int(a.cols),
            -1.0,
            a.data.as_ptr(),
            int(a.ld),
            upper,
            int(ld),
            1.0,
            lower,
            int(ld),
        );
    }
}
