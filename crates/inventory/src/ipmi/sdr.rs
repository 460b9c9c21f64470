//! Sensor data records: which sensor it is, what it measures, and how its bytes become a value (IPMI 2.0, chapter 43).

/// Base units of table 43-15 that are read here.
const DEGREES_C: u8 = 1;
const DEGREES_F: u8 = 2;
const DEGREES_K: u8 = 3;
const WATTS: u8 = 6;
const TURNS_A_MINUTE: u8 = 18;

/// What a sensor belongs to (table 43-13), as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entity {
    /// A processor.
    Processor,
    /// A memory module or device.
    Memory,
    /// A drive or its bay.
    Drive,
    /// A card in a slot.
    Card,
    /// A power supply.
    Supply,
    /// Anything else.
    Other(u8),
}

impl From<u8> for Entity {
    fn from(id: u8) -> Entity {
        match id {
            0x03 => Entity::Processor,
            0x08 | 0x20 => Entity::Memory,
            0x04 | 0x1A => Entity::Drive,
            0x0B => Entity::Card,
            0x0A => Entity::Supply,
            other => Entity::Other(other),
        }
    }
}

/// A sensor of the controller.
#[derive(Clone, Debug, PartialEq)]
pub struct SensorRecord {
    /// Logical unit that it is read through.
    pub lun: u8,
    /// Its number there.
    pub number: u8,
    /// What it belongs to.
    pub entity: Entity,
    /// Which one of those.
    pub instance: u8,
    /// Sensor type (table 42-3): 01h temperature, 08h power supply.
    pub kind: u8,
    /// Event and reading type (table 42-1): 01h threshold, 0Bh redundancy, 6Fh of the sensor type's own.
    pub event: u8,
    /// Its name, as the controller has it.
    pub name: String,
    /// How an analog reading becomes a value; nothing for a discrete sensor.
    pub conversion: Option<Conversion>,
}

impl SensorRecord {
    /// Reads a full (01h) or compact (02h) sensor record. Others, and sensors of other controllers, are none.
    #[must_use]
    pub fn parse(record: &[u8]) -> Option<SensorRecord> {
        const FULL: u8 = 0x01;
        const COMPACT: u8 = 0x02;
        /// The management controller's own address.
        const BMC: u8 = 0x20;
        let kind = *record.get(3)?;
        let (name_at, is_full) = match kind {
            FULL => (47, true),
            COMPACT => (31, false),
            _ => return None,
        };
        if *record.get(5)? != BMC {
            return None;
        }
        Some(SensorRecord {
            lun: record.get(6)? & 0x03,
            number: *record.get(7)?,
            entity: Entity::from(*record.get(8)?),
            // The upper bit says whether the instance is logical.
            instance: record.get(9)? & 0x7F,
            kind: *record.get(12)?,
            event: *record.get(13)?,
            name: id_string(record.get(name_at..)?),
            conversion: is_full.then(|| Conversion::parse(record)).flatten(),
        })
    }
}

/// How an analog sensor's byte becomes a value: y = L((M·x + B·10^K1)·10^K2) (IPMI 2.0, 36.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// How the byte is a number: 0 unsigned, 1 one's complement, 2 two's complement.
    format: u8,
    /// Base unit (table 43-15).
    unit: u8,
    /// L: 0 none, 1 ln, … 11 cube root.
    linearisation: u8,
    multiplier: i16,
    offset: i16,
    offset_exponent: i8,
    result_exponent: i8,
}

impl Conversion {
    /// Reads it from a full record; nothing where the sensor has no analog reading in a plain unit.
    fn parse(record: &[u8]) -> Option<Conversion> {
        let units = *record.get(20)?;
        // Rates ("per minute"), products of units and percentages are none of what is read here.
        if units & 0x3F != 0 || units >> 6 == 3 {
            return None;
        }
        let exponents = *record.get(29)?;
        Some(Conversion {
            format: units >> 6,
            unit: *record.get(21)?,
            linearisation: record.get(23)? & 0x7F,
            multiplier: ten_bits(*record.get(24)?, *record.get(25)?),
            offset: ten_bits(*record.get(26)?, *record.get(27)?),
            offset_exponent: four_bits(exponents),
            result_exponent: four_bits(exponents >> 4),
        })
    }

    /// The value of a byte in the sensor's own unit. Sensors whose factors differ for each byte (70h and more) give
    /// none.
    #[must_use]
    pub fn value(&self, raw: u8) -> Option<f64> {
        let x = match self.format {
            1 if raw >= 0x80 => -f64::from(!raw),
            0 | 1 => f64::from(raw),
            _ => f64::from(raw.cast_signed()),
        };
        let power = |exponent: i8| 10_f64.powi(i32::from(exponent));
        let offset = f64::from(self.offset) * power(self.offset_exponent);
        let y = (f64::from(self.multiplier) * x + offset) * power(self.result_exponent);
        let value = match self.linearisation {
            0 => y,
            1 => y.ln(),
            2 => y.log10(),
            3 => y.log2(),
            4 => y.exp(),
            5 => 10_f64.powf(y),
            6 => y.exp2(),
            7 => 1.0 / y,
            8 => y.powi(2),
            9 => y.powi(3),
            10 => y.sqrt(),
            11 => y.cbrt(),
            _ => return None,
        };
        value.is_finite().then_some(value)
    }

    /// The value in °C, for a sensor of temperatures.
    #[must_use]
    pub fn celsius(&self, raw: u8) -> Option<f64> {
        let value = self.value(raw)?;
        match self.unit {
            DEGREES_C => Some(value),
            DEGREES_F => Some((value - 32.0) / 1.8),
            DEGREES_K => Some(value - 273.15),
            _ => None,
        }
    }

    /// The value in W, for a sensor of power.
    #[must_use]
    pub fn watts(&self, raw: u8) -> Option<f64> {
        if self.is_power() { self.value(raw) } else { None }
    }

    /// The turns a minute, for a sensor of a fan that tells them.
    #[must_use]
    pub fn turns(&self, raw: u8) -> Option<f64> {
        if self.is_fan() { self.value(raw) } else { None }
    }

    /// Whether it measures turns a minute.
    #[must_use]
    pub fn is_fan(&self) -> bool {
        self.unit == TURNS_A_MINUTE
    }

    /// Whether it measures in W.
    #[must_use]
    pub fn is_power(&self) -> bool {
        self.unit == WATTS
    }

    /// Whether it measures temperatures.
    #[must_use]
    pub fn is_temperature(&self) -> bool {
        matches!(self.unit, DEGREES_C | DEGREES_F | DEGREES_K)
    }
}

/// Ten bits in two's complement: eight, and above them two in the upper bits of the next byte.
fn ten_bits(low: u8, high: u8) -> i16 {
    let bits = i16::from(low) | (i16::from(high >> 6) << 8);
    if bits >= 1 << 9 { bits - (1 << 10) } else { bits }
}

/// The lower four bits in two's complement.
fn four_bits(byte: u8) -> i8 {
    let bits = (byte & 0x0F).cast_signed();
    if bits >= 8 { bits - 16 } else { bits }
}

/// A name behind its type and length (IPMI 2.0, 43.15 and 43.16). One that is cut gives what is there.
fn id_string(field: &[u8]) -> String {
    let Some((head, bytes)) = field.split_first() else { return String::new() };
    let bytes = &bytes[..bytes.len().min(usize::from(head & 0x1F))];
    let text: String = match head >> 6 {
        1 => bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]).map(bcd_plus).collect(),
        2 => six_bits(bytes),
        // Latin 1; what the standard calls Unicode is written as Latin 1 by those who use it.
        _ => bytes.iter().map(|byte| char::from(*byte)).collect(),
    };
    text.trim_matches(['\0', ' ']).to_owned()
}

/// A digit or sign of "BCD plus".
fn bcd_plus(digit: u8) -> char {
    match digit {
        0..=9 => char::from(b'0' + digit),
        10 => ' ',
        11 => '-',
        12 => '.',
        13 => ':',
        14 => ',',
        _ => '_',
    }
}

/// Characters of six bits from the blank on, packed with the first one lowest.
fn six_bits(bytes: &[u8]) -> String {
    let bit = |at: usize| (bytes[at / 8] >> (at % 8)) & 1;
    let characters = (0..bytes.len() * 8 / 6).map(|n| (0..6).fold(0, |value, i| value | (bit(n * 6 + i) << i)));
    characters.map(|value: u8| char::from(b' ' + value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A conversion of unsigned bytes in °C.
    fn plain(multiplier: i16, offset: i16, offset_exponent: i8, result_exponent: i8) -> Conversion {
        Conversion {
            format: 0,
            unit: DEGREES_C,
            linearisation: 0,
            multiplier,
            offset,
            offset_exponent,
            result_exponent,
        }
    }

    #[test]
    fn bytes_become_values() {
        let check = |conversion: Conversion, raw: u8, expect: Option<f64>| {
            let found = conversion.value(raw);
            let same = match (found, expect) {
                (Some(found), Some(expect)) => (found - expect).abs() < 1e-9 * expect.abs().max(1.0),
                (found, expect) => found == expect,
            };
            assert!(same, "{conversion:?} of {raw:#x}: {found:?}, not {expect:?}");
        };
        check(plain(1, 0, 0, 0), 0x1E, Some(30.0));
        check(plain(24, 0, 0, 0), 0x13, Some(456.0));
        // A 12 V rail: 62 · 10⁻³ V for each step, and 0.032 V more.
        check(plain(62, 32, 0, -3), 0xC1, Some(11.998));
        // An offset of −50 · 10¹ before the result is scaled.
        check(plain(5, -50, 1, -1), 200, Some(50.0));
        for (format, raw, expect) in
            [(0, 0xFE, 254.0), (1, 0xFE, -1.0), (1, 0x05, 5.0), (1, 0xFF, 0.0), (2, 0xFE, -2.0), (2, 0x80, -128.0)]
        {
            check(Conversion { format, ..plain(1, 0, 0, 0) }, raw, Some(expect));
        }
        for (linearisation, raw, expect) in [
            (1, 1, Some(0.0)),
            (2, 100, Some(2.0)),
            (3, 8, Some(3.0)),
            (4, 0, Some(1.0)),
            (5, 2, Some(100.0)),
            (6, 5, Some(32.0)),
            (7, 4, Some(0.25)),
            (8, 12, Some(144.0)),
            (9, 3, Some(27.0)),
            (10, 81, Some(9.0)),
            (11, 27, Some(3.0)),
            // No number, and factors that differ for each byte.
            (1, 0, None),
            (7, 0, None),
            (0x70, 1, None),
        ] {
            check(Conversion { linearisation, ..plain(1, 0, 0, 0) }, raw, expect);
        }
    }

    #[test]
    fn units_of_temperature_power_and_fans() {
        let in_unit = |unit: u8| Conversion { unit, ..plain(1, 0, 0, 0) };
        assert_eq!(in_unit(DEGREES_C).celsius(55), Some(55.0));
        assert_eq!(in_unit(DEGREES_F).celsius(212).map(f64::round), Some(100.0));
        assert_eq!(in_unit(DEGREES_K).celsius(255).map(f64::round), Some(-18.0));
        assert_eq!((in_unit(WATTS).celsius(55), in_unit(WATTS).watts(55)), (None, Some(55.0)));
        assert_eq!(in_unit(DEGREES_C).watts(55), None);
        assert_eq!((in_unit(WATTS).turns(55), in_unit(TURNS_A_MINUTE).turns(55)), (None, Some(55.0)));
    }

    #[test]
    fn factors_have_signs() {
        let check = |low: u8, high: u8, expect: i16| assert_eq!(ten_bits(low, high), expect);
        check(0x01, 0x00, 1);
        check(0xFF, 0x40, 511);
        check(0x00, 0x80, -512);
        check(0xFF, 0xFF, -1);
        assert_eq!([0x0, 0x7, 0x8, 0xF, 0xFD].map(four_bits), [0, 7, -8, -1, -3]);
    }

    #[test]
    fn names_in_their_three_spellings() {
        let check = |field: &[u8], expect: &str| assert_eq!(id_string(field), expect);
        check(b"\xC8CPU Temp", "CPU Temp");
        // The standard's own example of 43.16.
        check(&[0x83, 0x29, 0xDC, 0xA6], "IPMI");
        check(&[0x42, 0x12, 0xB3], "12-3");
        check(b"\xDFcut", "cut");
        check(&[], "");
    }

    #[test]
    fn records_of_other_controllers_and_kinds_are_none() {
        let mut record = vec![0; 48];
        record[3] = 1;
        record[5] = 0x20;
        assert!(SensorRecord::parse(&record).is_some());
        record[5] = 0x2C;
        assert_eq!(SensorRecord::parse(&record), None);
        record[5] = 0x20;
        record[3] = 0x11;
        assert_eq!(SensorRecord::parse(&record), None);
        record[3] = 1;
        assert_eq!(SensorRecord::parse(&record[..40]), None);
    }

    proptest! {
        #[test]
        fn any_record_is_read(mut record in prop::collection::vec(any::<u8>(), 0..70), raw in any::<u8>()) {
            if let [_, _, _, kind, _, owner, ..] = record.as_mut_slice() {
                (*kind, *owner) = (1 + *kind % 2, 0x20);
            }
            if let Some(conversion) = SensorRecord::parse(&record).and_then(|sensor| sensor.conversion) {
                prop_assert!(conversion.value(raw).is_none_or(f64::is_finite));
            }
        }
    }
}
