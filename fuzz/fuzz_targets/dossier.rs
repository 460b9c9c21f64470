//! Any bytes are a dossier or an error, and so are any bytes in one.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use record::dossier::{self, Files};

/// What a dossier may unpack to here.
const MOST: u64 = 16 << 20;

fuzz_target!(|bytes: &[u8]| {
    let _ = dossier::open(&mut Cursor::new(bytes), MOST);
    let files = Files::from([("dossier.json".to_owned(), bytes.to_vec())]);
    let mut packed = dossier::pack(&files, None).unwrap();
    assert_eq!(dossier::open(&mut Cursor::new(&packed), MOST).unwrap().files, files);
    // One bit of the first bytes says which one is flipped.
    let at = bytes.iter().take(4).fold(0_usize, |at, byte| (at << 8) | usize::from(*byte)) % (packed.len() * 8);
    packed[at / 8] ^= 1 << (at % 8);
    assert!(dossier::open(&mut Cursor::new(&packed), MOST).is_err());
});
