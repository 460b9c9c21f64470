//! Which library answers, and how many threads it may use.
//!
//! The name of a file says nothing (`update-alternatives`), so the loaded library is asked, by functions that only it
//! has.
#![allow(unsafe_code)] // symbols are looked up by name, and called

use std::ffi::{CStr, c_char, c_int, c_void};

/// The BLAS that is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// `OpenBLAS`, `BLIS`, `MKL`, or `unknown`.
    pub name: &'static str,
    /// What it says of its version and build.
    pub version: String,
    /// The kernels that it chose for this CPU, where it reports them.
    pub kernel: Option<String>,
}

type Text = unsafe extern "C" fn() -> *const c_char;
type Threads = unsafe extern "C" fn(c_int);
type Threads64 = unsafe extern "C" fn(i64);
type Take = unsafe extern "C" fn(c_int) -> *mut c_void;
type GiveBack = unsafe extern "C" fn(*mut c_void);
type VersionText = unsafe extern "C" fn(*mut c_char, c_int);

/// The environment that a process should be started with that measures: libraries read it when they are loaded.
#[must_use]
pub fn environment() -> Vec<(String, String)> {
    ["OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"]
        .map(|name| (name.to_owned(), "1".to_owned()))
        .to_vec()
}

/// The address of a function of a loaded library; `None` where none has it.
fn symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: the name is a C string, and RTLD_DEFAULT searches what is loaded without loading anything.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!address.is_null()).then_some(address)
}

/// What a function `const char *name(void)` answers.
fn text(name: &CStr) -> Option<String> {
    let address = symbol(name)?;
    // SAFETY: callers name functions whose documented signature is `char *name(void)`; the address is not null.
    let function: Text = unsafe { std::mem::transmute::<*mut c_void, Text>(address) };
    // SAFETY: it takes nothing and may be called at any time.
    let answer = unsafe { function() };
    if answer.is_null() {
        return None;
    }
    // SAFETY: the library answers a C string that lives as long as the library.
    let answer = unsafe { CStr::from_ptr(answer) };
    Some(answer.to_string_lossy().trim().to_owned())
}

/// MKL's version, which it writes into a buffer (`mkl_get_version_string`).
fn mkl_version() -> Option<String> {
    let address = symbol(c"MKL_Get_Version_String")?;
    // SAFETY: the documented signature is `void (char *, int)`; the address is not null.
    let function: VersionText = unsafe { std::mem::transmute::<*mut c_void, VersionText>(address) };
    let mut buffer = [0_u8; 256];
    // SAFETY: it writes at most that many bytes into the buffer, which outlives the call; the last stays zero.
    unsafe { function(buffer.as_mut_ptr().cast(), 255) };
    let version = CStr::from_bytes_until_nul(&buffer).ok()?;
    Some(version.to_string_lossy().trim().to_owned())
}

/// Asks the loaded library for its name, version and kernels.
#[must_use]
pub fn library() -> Library {
    if let Some(version) = text(c"openblas_get_config") {
        return Library { name: "OpenBLAS", version, kernel: text(c"openblas_get_corename") };
    }
    if let Some(version) = mkl_version() {
        // It names no kernel; its version text says for which instruction set the CPU was taken.
        return Library { name: "MKL", version, kernel: None };
    }
    if let Some(version) = text(c"bli_info_get_version_str") {
        return Library { name: "BLIS", version, kernel: None };
    }
    Library { name: "unknown", version: "not reported by the library".into(), kernel: None }
}

/// How many threads a call of the library may use; false where the loaded library offers no way to say it.
///
/// It must not be called while a routine of the library runs.
#[expect(clippy::must_use_candidate, reason = "whether a library can be told matters once, at the start")]
pub fn set_threads(threads: usize) -> bool {
    let threads = c_int::try_from(threads).unwrap_or(c_int::MAX);
    // MKL's C function is spelled in capitals; the one in small letters is Fortran's and takes a pointer.
    for name in [c"openblas_set_num_threads", c"MKL_Set_Num_Threads"] {
        if let Some(address) = symbol(name) {
            // SAFETY: the documented signature of both is `void (int)`; the address is not null.
            let function: Threads = unsafe { std::mem::transmute::<*mut c_void, Threads>(address) };
            // SAFETY: any number is allowed; the caller's part is that no routine runs.
            unsafe { function(threads) };
            return true;
        }
    }
    let Some(address) = symbol(c"bli_thread_set_num_threads") else { return false };
    // SAFETY: the documented signature is `void (dim_t)`, 64 bits here; the address is not null.
    let function: Threads64 = unsafe { std::mem::transmute::<*mut c_void, Threads64>(address) };
    // SAFETY: any number is allowed; the caller's part is that no routine runs.
    unsafe { function(i64::from(threads)) };
    true
}

/// A buffer of the pool from which a call of OpenBLAS takes the space that it packs operands into; it goes back when
/// this is dropped.
pub(super) struct PackingBuffer {
    address: *mut c_void,
    give_back: GiveBack,
}

impl PackingBuffer {
    /// The buffer that a call on this thread would take now; `None` where the library shows no such pool.
    pub(super) fn take() -> Option<PackingBuffer> {
        let (take, give_back) = (symbol(c"blas_memory_alloc")?, symbol(c"blas_memory_free")?);
        // SAFETY: OpenBLAS' own routines call it as `void *(int)`; the address is not null.
        let take: Take = unsafe { std::mem::transmute::<*mut c_void, Take>(take) };
        // SAFETY: OpenBLAS' own routines call it as `void (void *)`; the address is not null.
        let give_back: GiveBack = unsafe { std::mem::transmute::<*mut c_void, GiveBack>(give_back) };
        // SAFETY: any thread may take a buffer at any time; the number is not used on this system.
        let address = unsafe { take(0) };
        (!address.is_null()).then_some(PackingBuffer { address, give_back })
    }

    /// Where it begins.
    pub(super) fn address(&self) -> usize {
        self.address.addr()
    }
}

impl Drop for PackingBuffer {
    fn drop(&mut self) {
        // SAFETY: the buffer was taken from this pool, and is given back once.
        unsafe { (self.give_back)(self.address) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blas::Blas;

    #[test]
    fn the_loaded_library_names_itself() {
        Blas::load().unwrap();
        let library = library();
        assert_ne!(library.name, "unknown");
        assert!(!library.version.is_empty());
        assert!(set_threads(1));
    }

    #[test]
    fn buffers_that_are_held_at_a_time_differ() {
        Blas::load().unwrap();
        let (first, second) = (PackingBuffer::take(), PackingBuffer::take());
        let addresses = first.as_ref().zip(second.as_ref()).map(|(first, second)| [first.address(), second.address()]);
        assert_eq!(addresses.is_some(), library().name == "OpenBLAS");
        assert!(addresses.is_none_or(|[first, second]| first != second));
    }
}
