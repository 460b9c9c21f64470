//! Tables and sentences for a terminal. Text from the outside (models, DMI, specifications) has its control characters
//! written out, and what does not fit as a table becomes a list.

mod audit;
mod coverage;
mod criteria;
mod diff;
mod facts;
pub(crate) mod grid;
mod judgement;
mod metrics;
mod placement;
mod systems;
mod vendor;

pub use crate::text::{clean, clean_lines, wrap as paragraph};
pub use audit::audit;
pub use coverage::coverage;
pub use diff::{JudgedRun, diff};
pub use facts::{comparison, facts, fingerprint, list};
pub use judgement::{Extent, judged_parts, judged_run, shown_run};
pub use metrics::{metric, metrics, warnings};
pub use placement::{PlacementRow, placement};
pub use systems::{system, systems};
pub use vendor::vendor_file;

/// The figures that a letter shows.
pub(crate) fn shown_of_vendor(rows: &[verdict::vendor::VendorRow]) -> Vec<&verdict::vendor::VendorRow> {
    vendor::shown(rows, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata;
    use crate::{Look, json};

    const WIDE: Look = Look::plain(140);
    const NARROW: Look = Look::plain(60);

    /// Nothing steers the terminal, and no line is longer than it except for words that cannot be cut.
    fn check(text: String, look: Look) -> String {
        assert!(!text.contains('\u{1b}'), "{text}");
        for line in text.lines() {
            let is_typed = line.trim().starts_with("hostproof ");
            assert!(is_typed || line.chars().count() <= usize::from(look.width), "{line}");
        }
        text
    }

    #[test]
    fn a_judged_run() {
        let (run, judgement) = (testdata::run(), testdata::judged());
        insta::assert_snapshot!("judged_run_wide", check(judged_run(&run, &judgement, Extent::default(), WIDE), WIDE));
        insta::assert_snapshot!(
            "judged_run_narrow",
            check(judged_run(&run, &judgement, Extent::default(), NARROW), NARROW)
        );
        insta::assert_snapshot!("shown_run_wide", check(shown_run(&run, &judgement, false, WIDE), WIDE));
        insta::assert_snapshot!("shown_run_narrow", check(shown_run(&run, &judgement, true, NARROW), NARROW));
        insta::assert_snapshot!("metric_wide", check(metric(&run, "stream.", WIDE).unwrap(), WIDE));
        assert_eq!(metric(&run, "stream.traid", WIDE), None);
        insta::assert_snapshot!(
            "judged_run_json",
            serde_json::to_string_pretty(&json::judgement(&run, &judgement)).unwrap()
        );
    }

    #[test]
    fn parts_that_are_judged_before_anything_is_measured() {
        let (mut run, system) = (testdata::run(), testdata::system_of_parts());
        run.attempts.clear();
        let judgement = verdict::judge_parts(&run, &system, &[], &[]);
        insta::assert_snapshot!("parts_narrow", check(judged_parts(&judgement, NARROW), NARROW));
        insta::assert_snapshot!("parts_json", serde_json::to_string_pretty(&json::parts(&judgement)).unwrap());
    }

    #[test]
    fn a_run_says_where_its_files_lay() {
        let run = testdata::run_with_files();
        let text = check(judged_run(&run, &testdata::judged(), Extent::default(), WIDE), WIDE);
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("test files")).collect();
        assert_eq!(lines, ["test files in /data/test: nvme0n1 (xfs on /data, 1.200 TB free)"], "once");
        let json = json::judgement(&run, &testdata::judged());
        let metrics = json["metrics"].as_array().unwrap();
        assert_eq!(metrics.last().unwrap()["place"]["drives"]["known"][0], "nvme0n1");
        assert!(metrics[0]["place"].is_null());
    }

    #[test]
    fn two_runs_beside_each_other() {
        let (first, second) = (testdata::run(), testdata::run_after());
        let judgement = testdata::judged();
        let sides = [&first, &second].map(|run| JudgedRun { run, judgement: &judgement });
        for (name, change) in [("one_boot", testdata::change()), ("campaign", testdata::campaign())] {
            for look in [WIDE, NARROW] {
                let text = check(diff(&sides, &change, look == WIDE, look), look);
                insta::assert_snapshot!(format!("diff_{name}_{}", look.width), text);
            }
        }
    }

    #[test]
    fn the_facts_of_a_host() {
        let (host, system) = (testdata::facts(), testdata::system());
        insta::assert_snapshot!("facts_wide", check(facts(&host, WIDE), WIDE));
        insta::assert_snapshot!("facts_documented_narrow", check(comparison(&host, &system, false, NARROW), NARROW));
        insta::assert_snapshot!("facts_documented_wide", check(comparison(&host, &system, true, WIDE), WIDE));
        insta::assert_snapshot!("facts_json", serde_json::to_string_pretty(&json::comparison(&host, &system)).unwrap());
    }

    #[test]
    fn documented_systems() {
        let documented = testdata::system();
        insta::assert_snapshot!("system_wide", check(system(&documented, WIDE), WIDE));
        insta::assert_snapshot!("system_narrow", check(system(&documented, NARROW), NARROW));
        insta::assert_snapshot!("systems_wide", check(systems(&[documented], WIDE), WIDE));
        for documented in spec::builtin() {
            check(system(documented, WIDE), WIDE);
            check(system(documented, NARROW), NARROW);
        }
        check(systems(spec::builtin(), NARROW), NARROW);
    }

    #[test]
    fn the_place_of_each_worker() {
        let row = |worker, cpu| PlacementRow { worker, cpu, core: 7, package: 0, node: 1, bytes: 3 << 30 };
        insta::assert_snapshot!("placement", check(placement(&[row(0, 12), row(1, 13)], NARROW), NARROW));
    }
}
