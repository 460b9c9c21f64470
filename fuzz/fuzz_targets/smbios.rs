//! Any bytes are a firmware table, whatever it says.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = inventory::parse_smbios(bytes.to_vec());
});
