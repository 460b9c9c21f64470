//! What was probably meant.

use measure::metrics;

/// The metric whose id is written most like this text.
#[must_use]
pub fn nearest_metric(text: &str) -> &'static str {
    let likeness = |id: &str| strsim::normalized_damerau_levenshtein(id, text);
    let ids = metrics::ALL.iter().map(|metric| metric.id);
    ids.max_by(|one, other| likeness(one).total_cmp(&likeness(other))).unwrap_or_default()
}

/// The facts of the same group, as a hint.
pub(crate) fn similar_fact(id: &str) -> String {
    let group = id.split('.').next().unwrap_or_default();
    let ids: Vec<&str> = measure::VOCABULARY
        .iter()
        .map(|kind| kind.id)
        .filter(|known| !group.is_empty() && known.split('.').next() == Some(group))
        .collect();
    if ids.is_empty() { String::new() } else { format!(" such as {}", ids.join(", ")) }
}
