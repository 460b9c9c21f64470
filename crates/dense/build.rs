//! Links the BLAS and LAPACK that the features name.

use std::env;
use std::path::{Path, PathBuf};

/// Where MKL's libraries lie, where they are not in the system's folders.
const MKL_FOLDER: &str = "HOSTPROOF_MKL_LIB";

fn main() {
    println!("cargo:rerun-if-env-changed={MKL_FOLDER}");
    println!("cargo:rerun-if-changed=build.rs");
    let on = |feature: &str| env::var_os(format!("CARGO_FEATURE_{feature}")).is_some();
    if on("MKL") {
        mkl();
    } else if on("SYSTEM_BLAS") {
        println!("cargo:rustc-link-lib=dylib=blas");
        println!("cargo:rustc-link-lib=dylib=lapack");
    } else if on("OPENBLAS") {
        println!("cargo:rustc-link-lib=dylib=openblas");
    } else {
        println!("cargo:error=dense needs a BLAS: turn on one of the features openblas, system-blas and mkl");
    }
}

/// MKL's single dynamic library. The wheel `mkl` ships it with a version in its name only (`libmkl_rt.so.3`),
/// which a linker does not look for.
fn mkl() {
    let folder = env::var_os(MKL_FOLDER).map(PathBuf::from);
    let Some(folder) = folder else {
        println!("cargo:rustc-link-lib=dylib=mkl_rt");
        return;
    };
    match versioned(&folder) {
        Some(name) => {
            println!("cargo:rustc-link-search=native={}", folder.display());
            println!("cargo:rustc-link-lib=dylib:+verbatim={name}");
        }
        None => println!("cargo:error={MKL_FOLDER}={} holds no libmkl_rt.so", folder.display()),
    }
}

fn versioned(folder: &Path) -> Option<String> {
    let names = folder.read_dir().ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| name.starts_with("libmkl_rt.so")).min()
}
