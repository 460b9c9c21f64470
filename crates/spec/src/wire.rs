//! The types of the TOML format, apart from the model: texts and numbers as they stand in the file, with positions.

use std::collections::BTreeMap;
use std::fmt;

use measure::Better;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::Spanned;

/// A specification file.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// The documented systems, one or more.
    #[schemars(length(min = 1))]
    pub(crate) system: Vec<SystemEntry>,
}

/// One documented system.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "System")]
pub(crate) struct SystemEntry {
    /// Unique id of the system.
    #[schemars(with = "String")]
    pub(crate) id: Spanned<String>,
    /// What it is, in a line.
    pub(crate) name: String,
    /// The document that the values come from.
    pub(crate) document: String,
    /// Systems of one family have figures that can be compared with one another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) family: Option<String>,
    /// What the document says of the hardware.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) fact: Vec<FactEntry>,
    /// What the document promises.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) target: Vec<TargetEntry>,
    /// Figures of other systems that it compares with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) baseline: Vec<Baseline>,
    /// Ratios that it claims.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) claim: Vec<Claim>,
    /// Operational limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) limit: Vec<Limit>,
    /// Sentences in which there is nothing to check, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) prose: Vec<Prose>,
}

/// One statement about the hardware.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "Fact")]
pub(crate) struct FactEntry {
    /// Id in the vocabulary of facts.
    #[schemars(with = "String")]
    pub(crate) id: Spanned<String>,
    /// A quantity ("5600 MT/s"), a count, a text or a flag, as the vocabulary has it.
    #[schemars(with = "Raw")]
    pub(crate) value: Spanned<Raw>,
    /// The document says "about".
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) approximate: bool,
    /// Whether acceptance demands it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) required: bool,
    /// The names that an ambiguous text admits: `["NVIDIA H100 PCIe", "NVIDIA A100-PCIE-40GB"]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<String>>")]
    pub(crate) admits: Option<Spanned<Vec<String>>>,
    /// Section and row.
    pub(crate) at: String,
    /// The words of the document.
    pub(crate) says: String,
    /// The document calls the value an example; where.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(crate) placeholder: Option<Spanned<String>>,
    /// The document says something else elsewhere; where.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(crate) contradicted: Option<Spanned<String>>,
}

/// One promised figure.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "Target")]
pub(crate) struct TargetEntry {
    /// Unique id in the system.
    #[schemars(with = "String")]
    pub(crate) id: Spanned<String>,
    /// What it is, in a few words.
    pub(crate) title: String,
    /// The metric of this suite that it is judged by; none where the suite has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(crate) metric: Option<Spanned<String>>,
    /// Labels of the series of that metric that decides: isa = "avx512", scope = "all".
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub(crate) series: BTreeMap<String, Spanned<String>>,
    /// The promised quantity with its unit: "1.65 TB/s".
    #[schemars(with = "Raw")]
    pub(crate) value: Spanned<Raw>,
    /// The document says "about".
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) approximate: bool,
    /// Which direction is better.
    #[schemars(schema_with = "better")]
    pub(crate) better: Spanned<Better>,
    /// How far off the value is still met, as a share: "5 %". Without it, the default of this suite.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Raw>")]
    pub(crate) tolerance: Option<Spanned<Raw>>,
    /// Whether acceptance demands it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) required: bool,
    /// Section and row.
    pub(crate) at: String,
    /// The words of the document.
    pub(crate) says: String,
    /// Conditions that the document leaves open, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) open: Vec<String>,
    /// Ids of the facts that decide whether a result can be compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub(crate) depends_on: Vec<Spanned<String>>,
    /// Phases of the work, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) phases: Vec<String>,
    /// For a derived target: the documented one that it accompanies.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(crate) companion_of: Option<Spanned<String>>,
    /// Conditions that the document gives, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) conditions: BTreeMap<String, String>,
    /// A second figure that must hold at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) constraint: Option<ConstraintEntry>,
    /// Shares of a time by phase: read = "22 %".
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Raw>")]
    pub(crate) shares: BTreeMap<String, Spanned<Raw>>,
}

/// A second figure that bounds a target.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "Constraint")]
pub(crate) struct ConstraintEntry {
    /// The metric that is bounded.
    #[schemars(with = "String")]
    pub(crate) metric: Spanned<String>,
    /// The bound: "150 µs".
    #[schemars(with = "Raw")]
    pub(crate) bound: Spanned<Raw>,
    /// Which direction is better.
    #[schemars(schema_with = "better")]
    pub(crate) better: Spanned<Better>,
}

/// A figure of another system.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Baseline {
    /// Id of the target that it is set beside.
    #[schemars(with = "String")]
    pub(crate) target: Spanned<String>,
    /// Which system it is.
    pub(crate) system: String,
    /// The figure.
    #[schemars(with = "Raw")]
    pub(crate) value: Spanned<Raw>,
    /// The document says "about".
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) approximate: bool,
    /// Section and row.
    pub(crate) at: String,
    /// The words of the document.
    pub(crate) says: String,
    /// What the other system is made of, by fact id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Raw>")]
    pub(crate) facts: BTreeMap<String, Spanned<Raw>>,
}

/// A claim about a target; exactly one of `ratio` and `saturates` is given.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claim {
    /// Id of the target.
    #[schemars(with = "String")]
    pub(crate) target: Spanned<String>,
    /// The ratio to its baseline: 10 or "10 x".
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Raw>")]
    pub(crate) ratio: Option<Spanned<Raw>>,
    /// What it saturates: "gpu links".
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(crate) saturates: Option<Spanned<String>>,
    /// The document says "about" or "near".
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) approximate: bool,
    /// Section and row.
    pub(crate) at: String,
    /// The words of the document.
    pub(crate) says: String,
}

/// An operational limit; exactly one of `at_most`, `at_least`, `one_of` and `open` is given.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limit {
    /// Id of the fact that is limited.
    #[schemars(with = "String")]
    pub(crate) fact: Spanned<String>,
    /// No more than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Raw>")]
    pub(crate) at_most: Option<Spanned<Raw>>,
    /// No less than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Raw>")]
    pub(crate) at_least: Option<Spanned<Raw>>,
    /// One of these texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<String>>")]
    pub(crate) one_of: Option<Spanned<Vec<String>>>,
    /// What is asked for without a number, in the document's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) open: Option<String>,
    /// For how long it must be broken without a break before a watch calls it broken: `60 s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(crate) sustained: Option<Spanned<String>>,
    /// Whether acceptance demands it; not beside `open`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) required: bool,
    /// Section and row.
    pub(crate) at: String,
    /// The words of the document.
    pub(crate) says: String,
}

/// A sentence in which there is nothing to check.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prose {
    /// Unique id in the system.
    #[schemars(with = "String")]
    pub(crate) id: Spanned<String>,
    /// Section and row.
    pub(crate) at: String,
    /// The words of the document.
    pub(crate) says: String,
    /// Why there is nothing to check.
    #[schemars(with = "String")]
    pub(crate) reason: Spanned<String>,
}

/// What data sheets say of parts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartsFile {
    pub(crate) part: Vec<PartEntry>,
    pub(crate) term: Vec<TermEntry>,
}

/// What a data sheet says of a part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartEntry {
    pub(crate) of: Spanned<String>,
    pub(crate) name: String,
    pub(crate) source: String,
    pub(crate) facts: BTreeMap<String, Spanned<Raw>>,
}

/// A word that belongs to the parts of one maker.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TermEntry {
    pub(crate) word: String,
    pub(crate) of: Spanned<String>,
    pub(crate) value: String,
    pub(crate) source: String,
}

fn better(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({"enum": [Better::Higher, Better::Lower]})
}

/// A value as it is written in the file: what it means depends on the field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Raw {
    Text(String),
    Number(f64),
    Flag(bool),
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Raw::Text(text) => write!(f, "the text `{text}`"),
            Raw::Number(number) => write!(f, "the number {number}"),
            Raw::Flag(flag) => write!(f, "`{flag}`"),
        }
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RawVisitor;
        impl Visitor<'_> for RawVisitor {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quantity as text (\"1.65 TB/s\"), a number, a text, or true or false")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Raw, E> {
                Ok(Raw::Text(text.to_owned()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Raw, E> {
                Ok(Raw::Number(number as f64))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Raw, E> {
                Ok(Raw::Number(number as f64))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Raw, E> {
                Ok(Raw::Number(number))
            }

            fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Raw, E> {
                Ok(Raw::Flag(flag))
            }
        }
        deserializer.deserialize_any(RawVisitor)
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Raw::Text(text) => serializer.serialize_str(text),
            Raw::Flag(flag) => serializer.serialize_bool(*flag),
            #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53 is the same as an integer")]
            Raw::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
                serializer.serialize_i64(*number as i64)
            }
            Raw::Number(number) => serializer.serialize_f64(*number),
        }
    }
}

impl JsonSchema for Raw {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "description": "a quantity as text (\"1.65 TB/s\"), a number for a count, a text, or a flag",
            "type": ["string", "number", "boolean"]
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// The JSON Schema of a specification file.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(File).to_value()
}
