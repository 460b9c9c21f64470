//! What a watch reads, as Prometheus text.

use std::collections::BTreeMap;

use measure::{Labels, Sign, Vital};

use super::prometheus::{Families, add, labels, text};
use super::unit_name;

/// Every value of the last reading, how often each limit broke since the watch began, and when the reading was taken, in
/// seconds since 1970.
pub fn watch_prometheus<'a>(
    at: f64,
    signs: impl Iterator<Item = &'a Sign>,
    incidents: &BTreeMap<(Vital, String), u64>,
) -> String {
    let mut families = Families::new();
    for Sign { part, vital, value } in signs {
        let parts = ["hostproof_watch", vital.name(), unit_name(vital.unit())];
        let name = parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("_");
        let help = format!("At the last reading: {}.", vital.words());
        add(&mut families, &name, &help, &labels(&[("part", part)]), *value);
    }
    let help = "Limits that broke since the watch began.";
    for ((vital, part), count) in incidents {
        let of = labels(&[("event", vital.name()), ("part", part)]);
        add(&mut families, "hostproof_watch_events", help, &of, *count as f64);
    }
    let sum: u64 = incidents.values().sum();
    add(&mut families, "hostproof_watch_events_all", help, &Labels::new(), sum as f64);
    let help = "When the last reading was taken, in seconds since 1970.";
    add(&mut families, "hostproof_watch_timestamp_seconds", help, &Labels::new(), at);
    families.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_events_by_part() {
        let sign = |part: &str, vital, value| Sign { part: part.to_owned(), vital, value };
        let signs = [sign("nvme0 \"x\"", Vital::Temperature, 48.5), sign("A1", Vital::CorrectedErrors, 7.0)];
        let incidents = BTreeMap::from([((Vital::CorrectedErrors, "A1".to_owned()), 2)]);
        let found = watch_prometheus(5.0, signs.iter(), &incidents);
        for line in [
            "hostproof_watch_temperature_celsius{part=\"nvme0 \\\"x\\\"\"} 48.5",
            "hostproof_watch_corrected_errors{part=\"A1\"} 7",
            "hostproof_watch_events{event=\"corrected_errors\",part=\"A1\"} 2",
            "hostproof_watch_events_all 2",
            "hostproof_watch_timestamp_seconds 5",
        ] {
            assert!(found.lines().any(|found| found == line), "{line}:\n{found}");
        }
        assert!(found.starts_with("# HELP hostproof_watch_"), "{found}");
    }
}
