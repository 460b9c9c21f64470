//! What was probably meant.

use measure::{likeness, metrics};

/// The metric whose id is written most like this text.
#[must_use]
pub fn nearest_metric(text: &str) -> &'static str {
    likeness::most_alike(text, metrics::ALL.iter().map(|metric| metric.id)).unwrap_or_default()
}

/// The built-in system whose id is written most like this text; `None` where none is written like it at all.
#[must_use]
pub fn nearest_system(text: &str) -> Option<&'static str> {
    likeness::alike(&text.to_uppercase(), crate::builtin().iter().map(|system| system.id.as_str()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mistyped_has_a_nearest() {
        assert_eq!(nearest_metric("stream.traid"), "stream.triad");
        assert_eq!(nearest_system("py-hpc-2024"), Some("PY-HPC-2024.Q3"));
        assert_eq!(nearest_system("HOSTED-EPYC-9454"), Some("HOSTED-EPYC-9454P"));
        assert_eq!(nearest_system("no-such-system"), None);
    }
}
