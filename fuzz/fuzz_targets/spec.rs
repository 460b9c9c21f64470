//! Any bytes are a specification or an error with its place; what is read can be audited and written.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    match spec::parse(&text, "fuzz.toml") {
        Ok(systems) => {
            for system in &systems {
                let audit = spec::audit::audit(system, &systems);
                let _ = spec::companions(system, &audit);
            }
            let written = spec::to_toml(&systems);
            assert_eq!(spec::parse(&written, "written.toml"), Ok(systems));
        }
        Err(error) => assert!(error.line > 0 && error.column > 0 && !error.expected.is_empty()),
    }
});
