//! Loading the library when it is needed, so that a host without it can do everything else.
//!
//! ndarray and ndarray-linalg call routines by names that a linker must find. They are defined here, and each jumps to
//! the routine of the same name in what was loaded.
#![allow(unsafe_code)] // routines are found by their names, and jumped to

use std::arch::naked_asm;
use std::env::{self, VarError};
use std::ffi::c_void;
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

use super::{Blas, eliminate, gemm};
use crate::Error;

/// The environment variable that names another library than the one that this program was built for.
const VARIABLE: &str = "HOSTPROOF_BLAS";

/// Files of a library, and how to get it.
struct Choice {
    /// Each is a list of names for one file, of which the first that is found is loaded.
    files: &'static [&'static [&'static str]],
    advice: &'static str,
}

/// The last feature that is on counts.
const CHOICE: Choice = if cfg!(feature = "mkl") {
    Choice {
        files: &[&["libmkl_rt.so.3", "libmkl_rt.so.2", "libmkl_rt.so"]],
        advice: "the PyPI package `mkl` ships it; HOSTPROOF_BLAS=/…/lib/libmkl_rt.so.3 says where it lies",
    }
} else if cfg!(feature = "system-blas") {
    Choice {
        files: &[&["libblas.so.3", "libblas.so"], &["liblapack.so.3", "liblapack.so"]],
        advice: "install it (Debian: apt-get install libblas3 liblapack3), or name a BLAS with LAPACK in HOSTPROOF_BLAS",
    }
} else {
    Choice {
        files: &[&["libopenblas.so.0", "libopenblas.so"]],
        advice: "install it (Debian: apt-get install libopenblas0), or name a BLAS with LAPACK in HOSTPROOF_BLAS",
    }
};

impl Blas {
    /// The library that this program was built for, or that `HOSTPROOF_BLAS` names; it is loaded by the first call.
    ///
    /// # Errors
    ///
    /// [`Error::NoBlas`] if it is not on this host or lacks a routine.
    pub fn load() -> Result<Blas, Error> {
        static LOADED: OnceLock<Result<(), String>> = OnceLock::new();
        let load = || match env::var(VARIABLE) {
            Ok(file) => open(&[&[file.as_str()]]),
            Err(VarError::NotPresent) => open(CHOICE.files),
            Err(error) => Err(format!("{VARIABLE}: {error}")),
        };
        match LOADED.get_or_init(load) {
            Ok(()) => Ok(Blas { gemm, eliminate }),
            Err(why) => Err(Error::NoBlas { why: why.clone(), advice: CHOICE.advice }),
        }
    }
}

/// Loads the files for as long as the process lives, and finds the routines in them.
fn open(files: &[&[&str]]) -> Result<(), String> {
    let mut libraries = Vec::new();
    for names in files {
        libraries.push(first(names)?);
    }
    for (name, place) in ROUTINES {
        // SAFETY: the address is not read or called here.
        let found = libraries.iter().find_map(|library| unsafe { library.get::<*mut c_void>(name.as_bytes()) }.ok());
        let found = found.ok_or_else(|| format!("{} has no routine {name}", files.concat().join(", ")))?;
        place.store(found.into_raw(), Ordering::Release);
    }
    libraries.into_iter().for_each(std::mem::forget);
    Ok(())
}

/// The first of these files that is there. It is global, so that what is loaded later, or asked by name, finds it.
fn first(names: &[&str]) -> Result<Library, String> {
    let mut why = String::new();
    for name in names {
        // SAFETY: a BLAS does nothing when it is loaded but set itself up.
        match unsafe { Library::open(Some(name), RTLD_NOW | RTLD_GLOBAL) } {
            Ok(library) => return Ok(library),
            // The first name is the usual one; what the loader says of it helps most.
            Err(error) if why.is_empty() => why = error.to_string(),
            Err(_) => {}
        }
    }
    Err(why)
}

/// What a routine does that is called although nothing was loaded.
extern "C" fn not_loaded() -> ! {
    let _ = std::io::stderr().write_all(b"a routine of the BLAS was called before Blas::load\n");
    std::process::abort()
}

/// Defines routines: their names, and the place of the address of each.
macro_rules! routines {
    ($($name:ident $place:ident,)*) => {
        $(
            static $place: AtomicPtr<c_void> = AtomicPtr::new(not_loaded as extern "C" fn() -> ! as *mut c_void);

            // SAFETY: the name is that of a routine of BLAS or LAPACK, which nothing else in this program defines.
            // Callers have its declaration; registers and stack reach it as they were left.
            #[unsafe(naked)]
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name() {
                naked_asm!("jmp qword ptr [rip + {place}]", place = sym $place)
            }
        )*

        static ROUTINES: &[(&str, &AtomicPtr<c_void>)] = &[$((stringify!($name), &$place),)*];
    };
}

routines!(
    cblas_dgemm DGEMM,
    dgetrf_ DGETRF,
    dgetrs_ DGETRS,
    // ndarray's product of any element names them; only an optimised build drops what doubles do not need.
    cblas_sgemm SGEMM,
    cblas_cgemm CGEMM,
    cblas_zgemm ZGEMM,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let check = |files: &[&[&str]], expect: &str| {
            let why = open(files).unwrap_err();
            assert!(why.contains(expect), "{why}");
        };
        check(&[&["libnone.so.7", "libnone.so"]], "libnone.so.7");
        // a library, but not a BLAS
        check(&[&["libm.so.6"]], "libm.so.6 has no routine cblas_dgemm");
    }

    #[test]
    fn it_is_loaded_once_and_again() {
        assert!(Blas::load().is_ok());
        assert!(Blas::load().is_ok());
    }
}
