//! Asking libblkid, which knows more formats than any list here. It is loaded when it is needed; where it is missing, the
//! table of `signature.rs` and the rule of `unknown.rs` are left.
#![allow(unsafe_code)] // functions of a C library, found by their names

use std::ffi::{CStr, c_char, c_int, c_void};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::ptr::null_mut;
use std::sync::OnceLock;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use crate::signature::is_telling;

const FILE: &str = "libblkid.so.1";
/// `BLKID_SUBLKS_` TYPE, USAGE, MAGIC and BADCSUM: a superblock whose checksum is wrong counts.
const SUPERBLOCKS: c_int = 1 << 5 | 1 << 7 | 1 << 9 | 1 << 10;
/// `BLKID_PARTS_` `FORCE_GPT` (also where the protective MBR is gone) and MAGIC.
const PARTITIONS: c_int = 1 << 1 | 1 << 3;
/// More than there are formats: an end for a library that would find the same for ever.
const MOST: usize = 256;

type Probe = *mut c_void;

/// What libblkid sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlkidMatch {
    /// As libblkid calls it: `ext4`, `isw_raid_member`, `gpt`.
    pub(crate) name: String,
    /// Where its magic bytes lie, where that is told.
    pub(crate) offset: Option<u64>,
    /// Whether it has more to it than random bytes could have by chance.
    pub(crate) telling: bool,
}

/// The functions, as `<blkid.h>` declares them.
struct Functions {
    new: unsafe extern "C" fn() -> Probe,
    free: unsafe extern "C" fn(Probe),
    set_device: unsafe extern "C" fn(Probe, c_int, i64, i64) -> c_int,
    superblocks: [unsafe extern "C" fn(Probe, c_int) -> c_int; 2],
    partitions: [unsafe extern "C" fn(Probe, c_int) -> c_int; 2],
    next: unsafe extern "C" fn(Probe) -> c_int,
    value: unsafe extern "C" fn(Probe, *const c_char, *mut *const c_char, *mut usize) -> c_int,
}

/// The library; `None` where it is not on this host or lacks a function. It is never unloaded.
fn functions() -> Option<&'static Functions> {
    static LOADED: OnceLock<Option<Functions>> = OnceLock::new();
    LOADED.get_or_init(load).as_ref()
}

fn load() -> Option<Functions> {
    // SAFETY: libblkid does nothing when it is loaded but set itself up.
    let library = unsafe { Library::open(Some(FILE), RTLD_NOW | RTLD_LOCAL) }.ok()?;
    macro_rules! function {
        ($name:literal) => {{
            // SAFETY: the field's type is the declaration of this function in `<blkid.h>` (`blkid_loff_t` is 64 bits), and the
            // library is kept for as long as the process lives, below.
            let found = unsafe { library.get($name) };
            *found.ok()?
        }};
    }
    let functions = Functions {
        new: function!(b"blkid_new_probe\0"),
        free: function!(b"blkid_free_probe\0"),
        set_device: function!(b"blkid_probe_set_device\0"),
        superblocks: [
            function!(b"blkid_probe_enable_superblocks\0"),
            function!(b"blkid_probe_set_superblocks_flags\0"),
        ],
        partitions: [function!(b"blkid_probe_enable_partitions\0"), function!(b"blkid_probe_set_partitions_flags\0")],
        next: function!(b"blkid_do_probe\0"),
        value: function!(b"blkid_probe_lookup_value\0"),
    };
    std::mem::forget(library);
    Some(functions)
}

/// A probe of one file or device, freed when it is dropped.
struct Probing<'a> {
    library: &'static Functions,
    probe: Probe,
    /// The probe reads from its descriptor.
    _file: &'a File,
}

impl<'a> Probing<'a> {
    fn new(library: &'static Functions, file: &'a File) -> Option<Self> {
        // SAFETY: it takes nothing.
        let probe = unsafe { (library.new)() };
        if probe.is_null() {
            return None;
        }
        // From here on the probe is freed whatever happens.
        let probing = Probing { library, probe, _file: file };
        // SAFETY: the probe is live, and the descriptor is open for as long as `_file` is borrowed; 0, 0 is all of it.
        let mut failed = unsafe { (library.set_device)(probe, file.as_raw_fd(), 0, 0) } != 0;
        let settings = [(library.superblocks, SUPERBLOCKS), (library.partitions, PARTITIONS)];
        for ([enable, set_flags], flags) in settings {
            // SAFETY: the probe is live; 1 enables the chain.
            failed |= unsafe { enable(probe, 1) } != 0;
            // SAFETY: the probe is live; the flags are of this chain.
            failed |= unsafe { set_flags(probe, flags) } != 0;
        }
        (!failed).then_some(probing)
    }

    /// Goes on to the next signature: 0 where there is one, 1 where there is none.
    fn next(&mut self) -> c_int {
        // SAFETY: the probe is live and has a device.
        unsafe { (self.library.next)(self.probe) }
    }

    /// A value of the signature that was found last.
    fn value(&self, name: &CStr) -> Option<String> {
        let (text, _) = self.raw(name)?;
        // SAFETY: values of the names that are asked for are texts that end in a zero byte and live until the next step of
        // the probe; it is copied before.
        let text = unsafe { CStr::from_ptr(text) };
        Some(text.to_string_lossy().into_owned())
    }

    /// Where a value lies, and its bytes.
    fn raw(&self, name: &CStr) -> Option<(*const c_char, usize)> {
        let (mut bytes, mut len): (*const c_char, usize) = (null_mut(), 0);
        // SAFETY: the probe is live, the name ends in a zero byte, and the two places are written to.
        let missing = unsafe { (self.library.value)(self.probe, name.as_ptr(), &raw mut bytes, &raw mut len) };
        (missing == 0 && !bytes.is_null()).then_some((bytes, len))
    }

    /// What was found last, by the names of both chains.
    fn found(&self) -> BlkidMatch {
        let of = |[name, offset, magic]: [&CStr; 3]| {
            let name = self.value(name)?;
            let offset = self.value(offset).and_then(|text| text.parse().ok());
            let long = self.raw(magic).is_some_and(|(_, len)| is_telling(len));
            // A DOS table has a short magic number, but four entries that fit; an Atari one has none but its entries.
            let telling = name == "dos" || (long && name != "atari");
            Some(BlkidMatch { name, offset, telling })
        };
        let table = || of([c"PTTYPE", c"PTMAGIC_OFFSET", c"PTMAGIC"]);
        let unnamed = || BlkidMatch { name: "a signature without a name".to_owned(), offset: None, telling: true };
        of([c"TYPE", c"SBMAGIC_OFFSET", c"SBMAGIC"]).or_else(table).unwrap_or_else(unnamed)
    }
}

impl Drop for Probing<'_> {
    fn drop(&mut self) {
        // SAFETY: the probe is live, and nothing uses it afterwards.
        unsafe { (self.library.free)(self.probe) };
    }
}

/// All superblocks and partition tables that libblkid finds; `None` where there is no libblkid. Only reads.
///
/// Each step finds one more, so that several at once, which its own "safe" probing calls ambivalent, are all told. Where it
/// cannot tell, that is one of them: what is not known to be empty is not written to.
pub(crate) fn find(file: &File) -> Option<Vec<BlkidMatch>> {
    let library = functions()?;
    let lost = || BlkidMatch { name: "something that it could not read".to_owned(), offset: None, telling: true };
    let Some(mut probing) = Probing::new(library, file) else { return Some(vec![lost()]) };
    let mut all = Vec::new();
    while all.len() < MOST {
        match probing.next() {
            0 => all.push(probing.found()),
            1 => return Some(all),
            _ => break,
        }
    }
    all.push(lost());
    Some(all)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    fn names(content: &[(&[u8], u64)]) -> Option<Vec<String>> {
        let file = tempfile::tempfile().unwrap();
        file.set_len(8 << 20).unwrap();
        for (bytes, at) in content {
            file.write_all_at(bytes, *at).unwrap();
        }
        let Some(found) = find(&file) else {
            println!("there is no libblkid on this host");
            return None;
        };
        Some(found.into_iter().map(|one| one.name).collect())
    }

    #[test]
    fn it_finds_all_and_not_only_the_first() {
        let Some(none) = names(&[]) else { return };
        assert_eq!(none, Vec::<String>::new());
        let isw = b"Intel Raid ISM Cfg Sig. 1.3.00";
        let raid = ((8 << 20) - 1024, isw);
        assert_eq!(names(&[(raid.1, raid.0)]).unwrap(), ["isw_raid_member"]);
        let both = names(&[(raid.1, raid.0), (b"ORCLDISK", 32)]).unwrap();
        assert_eq!(both, ["isw_raid_member", "oracleasm"]);
    }

    #[test]
    fn it_tells_where() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(8 << 20).unwrap();
        file.write_all_at(b"ORCLDISK", 32).unwrap();
        let found = vec![BlkidMatch { name: "oracleasm".to_owned(), offset: Some(32), telling: true }];
        assert!(find(&file).is_none_or(|all| all == found), "{:?}", find(&file));
    }
}
