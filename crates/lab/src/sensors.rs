//! The sensors of the management controller: its sensor data records (IPMI 2.0, 43.2), as QEMU's simulator takes them.

/// The names of the sensors. The simulator gives readings to compact records alone, and all of their states unset: a
/// supply that is not in its bay.
pub(crate) const SUPPLIES: [&str; 2] = ["PSU1 Status", "PSU2 Status"];

/// All records, one after another.
pub(crate) fn records() -> Vec<u8> {
    (0..).zip(SUPPLIES).flat_map(|(number, name)| compact(number, name)).collect()
}

/// A compact record (02h) of a sensor of a power supply.
fn compact(number: u8, name: &str) -> Vec<u8> {
    // Record id (the simulator counts for itself), version 1.5 of the format, kind, length of what follows.
    let mut record = vec![number, 0, 0x51, 0x02, 0];
    // Owner: the controller, unit 0; number; entity power supply (0Ah) and which.
    record.extend([0x20, 0, number + 1, 0x0A, number + 1]);
    // Scanning is on when it starts (bit 6); no capabilities; power supply (08h) with states of its own (6Fh).
    record.extend([0x40, 0, 0x08, 0x6F]);
    // States that may come and go, and that may be read: present, failed, predictive failure, input lost.
    for _ in 0..3 {
        record.extend([0x0F, 0]);
    }
    // No unit; one sensor a record; no hysteresis; reserved; for the maker.
    record.extend([0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    // The name in 8-bit ASCII (upper bits 11) and its length.
    record.push(0xC0 | u8::try_from(name.len()).unwrap_or(0x1F));
    record.extend(name.as_bytes());
    record[4] = u8::try_from(record.len() - 5).unwrap_or(u8::MAX);
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_its_length_and_has_its_name_at_its_place() {
        let record = compact(0, "PSU1 Status");
        assert_eq!(usize::from(record[4]), record.len() - 5);
        assert_eq!(record[31], 0xC0 | 0x0B);
        assert_eq!(&record[32..], b"PSU1 Status");
    }
}
