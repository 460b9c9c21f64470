//! Any bytes are an answer of the management controller or of a drive, whatever it says.
#![no_main]

use inventory::{DeviceId, Health, Identity, RawReading, SensorRecord, power_reading};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = (DeviceId::parse(bytes), RawReading::parse(bytes), power_reading(bytes));
    let _ = (Health::parse(bytes), Identity::parse(bytes));
    let Some(conversion) = SensorRecord::parse(bytes).and_then(|sensor| sensor.conversion) else { return };
    for raw in 0..=u8::MAX {
        assert!(conversion.value(raw).is_none_or(f64::is_finite));
        let _ = (conversion.celsius(raw), conversion.watts(raw));
    }
});
