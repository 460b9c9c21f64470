//! Values: facts in the shape of the vocabulary, quantities, ratios and shares.

use measure::{FactKind, FactValue, Quantity, Shape, Unit};
use toml::Spanned;

use super::Reader;
use crate::Error;
use crate::wire::Raw;

impl Reader<'_> {
    /// The value of a fact, in the shape that the vocabulary asks for.
    pub(super) fn value(&self, kind: &FactKind, raw: &Spanned<Raw>, field: &str) -> Result<FactValue, Error> {
        match (kind.shape, raw.get_ref()) {
            (Shape::Text, Raw::Text(text)) if !text.trim().is_empty() => Ok(FactValue::Text(text.clone())),
            (Shape::Flag, Raw::Flag(flag)) => Ok(FactValue::Flag(*flag)),
            (Shape::Number(unit), Raw::Text(_) | Raw::Number(_)) => {
                let quantity = self.quantity(raw, field)?;
                if quantity.unit == unit {
                    return Ok(FactValue::Quantity(quantity));
                }
                Err(self.wrong_unit(raw, field, quantity.unit, unit))
            }
            (shape, found) => {
                let expected = match shape {
                    Shape::Text => "a text".to_owned(),
                    Shape::Flag => "true or false".to_owned(),
                    Shape::Number(unit) => format!("a quantity in {}", unit.symbol()),
                };
                let problem = format!("{found} for `{}` ({})", kind.id, kind.about);
                Err(self.error(&raw.span(), field, problem, expected))
            }
        }
    }

    pub(super) fn wrong_unit(&self, raw: &Spanned<Raw>, field: &str, found: Unit, wanted: Unit) -> Error {
        let problem = format!("a quantity in {}", found.symbol());
        self.error(&raw.span(), field, problem, format!("a quantity in {}", wanted.symbol()))
    }

    /// A quantity that is finite and not negative; a bare number is a count.
    pub(super) fn quantity(&self, raw: &Spanned<Raw>, field: &str) -> Result<Quantity, Error> {
        let quantity = match raw.get_ref() {
            Raw::Number(number) => Quantity::new(*number, Unit::Count),
            Raw::Text(text) => text.parse().map_err(|error: measure::ParseQuantityError| {
                self.error(&raw.span(), field, error.to_string(), "a quantity such as \"1.65 TB/s\" or \"35 µs\"")
            })?,
            Raw::Flag(_) => {
                let expected = "a quantity such as \"1.65 TB/s\", or a count";
                return Err(self.error(&raw.span(), field, raw.get_ref().to_string(), expected));
            }
        };
        if quantity.value.is_finite() && quantity.value >= 0.0 {
            return Ok(quantity);
        }
        let problem = format!("{} {}", quantity.value, quantity.unit.symbol());
        Err(self.error(&raw.span(), field, problem, "a finite number that is not negative"))
    }

    /// A ratio: `10`, `"10 x"`, `"78 %"`.
    pub(super) fn ratio(&self, raw: &Spanned<Raw>, field: &str) -> Result<f64, Error> {
        let quantity = self.quantity(raw, field)?;
        if matches!(quantity.unit, Unit::Ratio | Unit::Count) {
            return Ok(quantity.value);
        }
        Err(self.wrong_unit(raw, field, quantity.unit, Unit::Ratio))
    }

    /// A ratio from 0 to 1.
    pub(super) fn share(&self, raw: &Spanned<Raw>, field: &str) -> Result<f64, Error> {
        let share = self.ratio(raw, field)?;
        if share <= 1.0 {
            return Ok(share);
        }
        Err(self.error(
            &raw.span(),
            field,
            format!("the share {share}"),
            "a share from 0 to 1, or from \"0 %\" to \"100 %\"",
        ))
    }
}
