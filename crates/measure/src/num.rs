//! Numbers with all their digits; those that JSON lacks by name: `"NaN"`, `"Infinity"`, `"-Infinity"`.
//! For `#[serde(with = "measure::num")]`.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Num(pub f64);

impl Serialize for Num {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Num {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer).map(Num)
    }
}

/// The number, or its name.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match *value {
        finite if finite.is_finite() => serializer.serialize_f64(finite),
        nan if nan.is_nan() => serializer.serialize_str("NaN"),
        positive if positive > 0.0 => serializer.serialize_str("Infinity"),
        _ => serializer.serialize_str("-Infinity"),
    }
}

/// A number, or the name of one that JSON lacks.
///
/// # Errors
///
/// Where it is neither.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    deserializer.deserialize_any(NumVisitor)
}

struct NumVisitor;

impl Visitor<'_> for NumVisitor {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<f64, E> {
        match value {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(value), &self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(value: f64, text: &str) {
        assert_eq!(serde_json::to_string(&Num(value)).unwrap(), text);
        let again: Num = serde_json::from_str(text).unwrap();
        assert_eq!(again.0.is_nan(), value.is_nan(), "{text}");
        assert!(value.is_nan() || again.0.to_bits() == value.to_bits(), "{text}");
    }

    #[test]
    fn numbers_on_the_wire() {
        check(0.1 + 0.2, "0.30000000000000004");
        check(-0.0, "-0.0");
        check(1.65e12, "1650000000000.0");
        check(5e-324, "5e-324");
        check(f64::NAN, "\"NaN\"");
        check(f64::INFINITY, "\"Infinity\"");
        check(f64::NEG_INFINITY, "\"-Infinity\"");
    }

    #[test]
    fn whole_numbers_are_numbers_and_words_are_not() {
        let read = |text: &str| serde_json::from_str::<Num>(text).map(|num| num.0).ok();
        assert_eq!(read("3"), Some(3.0));
        assert_eq!(read("-3"), Some(-3.0));
        assert_eq!(read("\"fast\""), None);
        assert_eq!(read("null"), None);
    }

    proptest! {
        #[test]
        fn every_bit_survives(bits: u64) {
            let value = f64::from_bits(bits);
            let again: Num = serde_json::from_str(&serde_json::to_string(&Num(value)).unwrap()).unwrap();
            prop_assert!(value.is_nan() && again.0.is_nan() || again.0.to_bits() == bits);
        }
    }
}
