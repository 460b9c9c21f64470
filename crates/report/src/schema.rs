//! JSON Schemas of what the commands print with `--json`.
//!
//! `schema.json` is an outline, so that a person can read it: a type is `string`, `number`, `integer`, `boolean`, `any`, the
//! name of an entry (`#name`), a list (`[type]`) or a map (`{type}`). `?` admits null, `??` lets a field be left out, and what
//! follows `;` describes it. A list of words is a closed set. No object has a field that is not named.

use serde_json::{Map, Value, json};

/// The commands with the entries that their outputs are of.
pub const COMMANDS: [(&str, &[&str]); 24] = [
    ("accept", &["judgement", "judged_parts", "dry_run", "refusal"]),
    ("audit", &["audit"]),
    ("baseline show", &["baselines"]),
    ("campaign finish", &["compare", "within_boot", "not_compared"]),
    ("campaign status", &["campaign"]),
    ("compare", &["compare", "within_boot", "not_compared"]),
    ("diff", &["diff"]),
    ("doctor", &["doctor"]),
    ("fleet compare", &["fleet_change"]),
    ("fleet judge", &["fleet_judgement"]),
    ("fleet report", &["fleet_judgement"]),
    ("fleet status", &["fleet_status"]),
    ("import", &["imported"]),
    ("inspect", &["inspect"]),
    ("judge", &["judgement"]),
    ("noise", &["noise"]),
    ("plan", &["plan"]),
    ("run", &["judgement", "dry_run", "refusal"]),
    ("show", &["judgement"]),
    ("soak", &["soak"]),
    ("spec metrics", &["metrics"]),
    ("store list", &["listed_runs"]),
    ("store show", &["listed_run"]),
    ("trend", &["trend"]),
];

/// The outline is a part of this program, so this is a fault of it.
#[derive(Debug, thiserror::Error)]
#[error("the outline of the schemas is wrong: {0}")]
pub struct OutlineError(String);

/// The schema of a command's JSON; `None` where it prints none.
pub fn of(command: &str) -> Result<Option<Value>, OutlineError> {
    let Some((name, entries)) = COMMANDS.iter().find(|(name, _)| *name == command) else { return Ok(None) };
    let mut schema = any_of(entries);
    schema["$schema"] = json!(DIALECT);
    schema["title"] = json!(format!("hostproof {name} --json"));
    schema["$defs"] = definitions()?;
    Ok(Some(schema))
}

/// The schemas of all commands: one for each below `commands`.
pub fn all() -> Result<Value, OutlineError> {
    let commands: Map<String, Value> =
        COMMANDS.iter().map(|(name, entries)| ((*name).to_owned(), any_of(entries))).collect();
    Ok(json!({"$schema": DIALECT, "commands": commands, "$defs": definitions()?}))
}

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

fn any_of(entries: &[&str]) -> Value {
    match entries {
        [only] => reference(only),
        several => json!({"anyOf": several.iter().map(|name| reference(name)).collect::<Vec<_>>()}),
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

fn definitions() -> Result<Value, OutlineError> {
    let outline: Map<String, Value> =
        serde_json::from_str(include_str!("schema.json")).map_err(|error| OutlineError(error.to_string()))?;
    let mut all = Map::new();
    for (name, entry) in &outline {
        all.insert(name.clone(), schema(entry)?);
    }
    Ok(Value::Object(all))
}

fn schema(entry: &Value) -> Result<Value, OutlineError> {
    match entry {
        Value::String(text) => typed(text),
        Value::Array(words) => Ok(json!({"enum": words})),
        Value::Object(fields) => object(fields),
        other => Err(OutlineError(format!("{other} is no type"))),
    }
}

fn object(fields: &Map<String, Value>) -> Result<Value, OutlineError> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, entry) in fields {
        properties.insert(name.clone(), schema(entry)?);
        if !entry.as_str().is_some_and(|text| split(text).0.ends_with("??")) {
            required.push(name);
        }
    }
    Ok(json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false}))
}

/// The type and its description.
fn split(text: &str) -> (&str, Option<&str>) {
    text.split_once(';').map_or((text, None), |(kind, about)| (kind.trim(), Some(about.trim())))
}

fn typed(text: &str) -> Result<Value, OutlineError> {
    let (kind, about) = split(text);
    let mut schema = match (kind.strip_suffix("??"), kind.strip_suffix('?')) {
        (Some(left_out), _) => plain(left_out)?,
        (None, Some(nullable)) => json!({"anyOf": [plain(nullable)?, {"type": "null"}]}),
        (None, None) => plain(kind)?,
    };
    if let Some(about) = about {
        schema["description"] = json!(about);
    }
    Ok(schema)
}

fn plain(kind: &str) -> Result<Value, OutlineError> {
    let inside = |open: char, close: char| kind.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    if let Some(item) = inside('[', ']') {
        return Ok(json!({"type": "array", "items": plain(item)?}));
    }
    if let Some(value) = inside('{', '}') {
        return Ok(json!({"type": "object", "additionalProperties": plain(value)?}));
    }
    match kind {
        "any" => Ok(json!({})),
        "string" | "number" | "integer" | "boolean" => Ok(json!({"type": kind})),
        _ => kind.strip_prefix('#').map(reference).ok_or_else(|| OutlineError(format!("{kind} is no type"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_becomes_a_schema() {
        let check = |outline: Value, expect: Value| assert_eq!(schema(&outline).unwrap(), expect, "{outline}");
        check(json!("string"), json!({"type": "string"}));
        check(json!("[#p]; what"), json!({"type": "array", "items": {"$ref": "#/$defs/p"}, "description": "what"}));
        check(json!("number?"), json!({"anyOf": [{"type": "number"}, {"type": "null"}]}));
        check(json!("{any}"), json!({"type": "object", "additionalProperties": {}}));
        check(json!(["a", "b"]), json!({"enum": ["a", "b"]}));
        check(
            json!({"a": "integer", "b": "string??"}),
            json!({
                "type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}, "required": ["a"],
                "additionalProperties": false,
            }),
        );
        assert!(schema(&json!("text")).is_err() && schema(&json!(1)).is_err());
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_entry_is_used() {
        let all = all().unwrap();
        let text = all.to_string();
        let names: Vec<&String> = all["$defs"].as_object().unwrap().keys().collect();
        let referred = |name: &str| text.contains(&format!("\"#/$defs/{name}\""));
        for name in &names {
            assert!(referred(name), "{name} is used by nothing");
        }
        for part in text.split("\"#/$defs/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(names.iter().any(|known| *known == name), "{name} is nowhere");
        }
        assert_eq!(of("disk").unwrap(), None);
    }
}
