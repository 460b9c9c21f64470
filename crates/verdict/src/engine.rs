//! Whether a figure is of the engine that the document used: the figure of another one is not the documented figure.

use std::collections::BTreeMap;

use crate::Verdict;

/// The name of the condition of a target, and of the context of a measurement.
const ENGINE: &str = "engine";

/// Why a measured figure cannot be judged by a target whose document names its engine.
pub(crate) fn objection(
    conditions: &BTreeMap<String, String>,
    context: &BTreeMap<String, String>,
) -> Option<(Verdict, String)> {
    let documented = conditions.get(ENGINE)?;
    match context.get(ENGINE) {
        None => {
            let why = format!("Cannot tell which engine was measured; the document used {documented}.");
            Some((Verdict::Inconclusive, why))
        }
        Some(found) if !is_one_of(found, documented) => {
            let why = format!("Other engine: measured with {found}; the document used {documented}.");
            Some((Verdict::NotComparable, why))
        }
        Some(_) => None,
    }
}

/// Whether `pandas 3.1.1` is one of `Pandas/NumPy`: versions and case do not count.
fn is_one_of(found: &str, documented: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
    };
    words(found).first().is_some_and(|name| words(documented).contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(documented: Option<&str>, found: Option<&str>, expect: Option<(Verdict, &str)>) {
        let map = |engine: Option<&str>| engine.map(|name| (ENGINE.to_owned(), name.to_owned())).into_iter().collect();
        let got = objection(&map(documented), &map(found));
        assert_eq!(got.as_ref().map(|(verdict, _)| *verdict), expect.map(|(verdict, _)| verdict), "{got:?}");
        if let (Some((_, why)), Some((_, part))) = (got, expect) {
            assert!(why.contains(part), "{why}");
        }
    }

    #[test]
    fn only_the_documented_engine_is_judged_by_the_documented_figure() {
        let other = Verdict::NotComparable;
        check(Some("Pandas/NumPy"), Some("pandas 3.1.1"), None);
        check(Some("Polars"), Some("Polars 0.55.2"), None);
        check(None, Some("Polars 0.55.2"), None);
        check(None, None, None);
        check(
            Some("Pandas/NumPy"),
            Some("Polars 0.55.2"),
            Some((other, "measured with Polars 0.55.2; the document used Pandas")),
        );
        check(Some("Polars"), Some("Polarsen 1"), Some((other, "Other engine")));
        check(Some("Polars"), Some(""), Some((other, "Other engine")));
        check(Some("Polars"), None, Some((Verdict::Inconclusive, "which engine")));
    }
}
