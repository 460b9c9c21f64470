//! Whether a figure is of the engine that the document used: the figure of another one is not the documented figure.

use std::collections::{BTreeMap, BTreeSet};

use measure::Measurement;

use crate::Verdict;

/// The name of the condition of a target, and of the context of a measurement.
const ENGINE: &str = "engine";

/// The engine of a measurement, where it tells one.
pub(crate) fn of(one: &Measurement) -> Option<String> {
    one.context.get(ENGINE).cloned()
}

/// Why a measured figure cannot be judged by a target whose document names its engine. A figure of several boots is of the
/// documented engine where each of them is.
pub(crate) fn objection(
    conditions: &BTreeMap<String, String>,
    engines: &BTreeSet<Option<String>>,
) -> Option<(Verdict, String)> {
    let documented = conditions.get(ENGINE)?;
    if let Some(found) = engines.iter().flatten().find(|found| !is_one_of(found, documented)) {
        let why = format!("Other engine: measured with {found}; the document used {documented}.");
        return Some((Verdict::NotComparable, why));
    }
    engines.contains(&None).then(|| {
        let why = format!("Cannot tell which engine was measured; the document used {documented}.");
        (Verdict::Inconclusive, why)
    })
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
        check_all(documented, &[found], expect);
    }

    fn check_all(documented: Option<&str>, found: &[Option<&str>], expect: Option<(Verdict, &str)>) {
        let conditions = documented.map(|name| (ENGINE.to_owned(), name.to_owned())).into_iter().collect();
        let engines = found.iter().map(|name| name.map(str::to_owned)).collect();
        let got = objection(&conditions, &engines);
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
        let (pandas, polars) = (Some("pandas 3.1.1"), Some("Polars 0.55.2"));
        check_all(Some("Pandas"), &[pandas, Some("pandas 3.2.0")], None);
        check_all(Some("Pandas"), &[pandas, polars], Some((other, "measured with Polars")));
        check_all(Some("Pandas"), &[None, polars], Some((other, "measured with Polars")));
        check_all(Some("Pandas"), &[None, pandas], Some((Verdict::Inconclusive, "which engine")));
    }
}
