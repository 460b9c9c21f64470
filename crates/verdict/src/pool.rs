//! Which earlier runs are boots of the machine that is judged.
//!
//! A good boot of another machine must never carry a bad one to PASS: an earlier run counts where it is shown to be of
//! this machine, measured in the same way. What is left out is said, once.

use measure::{Facts, Run};
use spec::Target;

/// Serial numbers of what there is once in a machine.
const SINGLE: [&str; 3] = ["system.serial", "board.serial", "chassis.serial"];
/// The installation's id: of a machine whose serial numbers are not known, and not kept by a new installation.
pub(crate) const MACHINE_ID: &str = "machine-id";

/// The runs that are judged together.
pub(crate) struct Pool<'a> {
    /// The newest last.
    pub(crate) runs: Vec<&'a Run>,
    /// Which were left out, and why.
    pub(crate) remarks: Vec<String>,
}

/// A run with the facts of its host as the document counts them.
pub(crate) struct Pooled<'a> {
    pub(crate) run: &'a Run,
    pub(crate) host: Facts,
}

/// Those of the earlier runs that are boots of the machine of `last`, and `last`.
pub(crate) fn pool<'a>(last: &'a Run, earlier: &[&'a Run]) -> Pool<'a> {
    let mut pool = Pool { runs: Vec::new(), remarks: Vec::new() };
    for run in earlier {
        match another(last, run) {
            None => pool.runs.push(run),
            Some(why) => pool.remarks.push(format!("Run {} is not judged together with {}: {why}.", run.id, last.id)),
        }
    }
    pool.runs.push(last);
    pool
}

/// Those boots whose host has the facts that a target depends on as the last one has them, and a remark on the others.
pub(crate) fn with_facts_of_last<'a>(boots: &[Pooled<'a>], target: &Target) -> (Vec<&'a Run>, Vec<String>) {
    let mut alike = Vec::new();
    let mut remarks = Vec::new();
    let last = boots.last().map(|boot| &boot.host);
    for Pooled { run, host } in boots {
        let is_other = |id: &&String| match (host.value(id), last.and_then(|last| last.value(id))) {
            (Some(one), Some(other)) => one != other,
            _ => false,
        };
        match target.depends_on.iter().find(is_other) {
            None => alike.push(*run),
            Some(id) => remarks.push(format!("Run {} does not count here: its {id} was another.", run.id)),
        }
    }
    (alike, remarks)
}

/// Why a run is no boot of the machine of `last`, measured in the same way.
fn another(last: &Run, run: &Run) -> Option<String> {
    let major = |run: &Run| run.build.version.split('.').next().map(str::to_owned);
    if major(run) != major(last) {
        return Some(format!(
            "version {} and version {} of the suite do not measure the same",
            run.build.version, last.build.version
        ));
    }
    if run.build.profile != last.build.profile || run.build.target_features != last.build.target_features {
        return Some("the suite was built in another way".to_owned());
    }
    if run.profile != last.profile {
        return Some(format!("its profile is {}, and this one's is {}", run.profile.name(), last.profile.name()));
    }
    // The kernel draws a new id at every boot, so one boot is of one machine.
    if last.boot_id.is_some() && run.boot_id == last.boot_id {
        return None;
    }
    another_machine(last, run)
}

/// Why two runs are not shown to be of one machine.
fn another_machine(last: &Run, run: &Run) -> Option<String> {
    let (ours, theirs) = (&last.fingerprint.platform, &run.fingerprint.platform);
    let both = |part: &str| Some((ours.get(part)?, theirs.get(part)?));
    let differs = |part: &str, one: &str, other: &str| {
        Some(format!("it is of another machine ({part} is {other}, and {one} here)"))
    };
    if let Some((part, one, other)) = SINGLE
        .into_iter()
        .find_map(|part| both(part).filter(|(one, other)| one != other).map(|(one, other)| (part, one, other)))
    {
        return differs(part, one, other);
    }
    let is_numbered = |part: &str| SINGLE.contains(&part) || part.starts_with("dimm ") || part.starts_with("drive ");
    if ours.iter().any(|(part, value)| is_numbered(part) && theirs.get(part) == Some(value)) {
        return None;
    }
    match both(MACHINE_ID) {
        Some((one, other)) if one != other => differs(MACHINE_ID, one, other),
        // Installations that were made from one image share it; they do not share their name.
        Some(_) if last.name() == run.name() => None,
        _ => Some(
            "no serial number is in both records that would show that the machine is the same (as root they can be read)"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::testdata::{self, run};
    use measure::Profile;

    fn platform(parts: &[(&str, &str)]) -> BTreeMap<String, String> {
        parts.iter().map(|(part, value)| ((*part).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn machines_are_one_where_both_records_show_it() {
        let check = |last: &[(&str, &str)], run: &[(&str, &str)], expect: Option<&str>| {
            let of = |parts: &[(&str, &str)]| {
                let mut run = testdata::run();
                run.fingerprint.platform = platform(parts);
                run
            };
            let answer = another_machine(&of(last), &of(run));
            assert_eq!(answer.is_some(), expect.is_some(), "{last:?} {run:?}: {answer:?}");
            assert!(answer.unwrap_or_default().contains(expect.unwrap_or_default()), "{last:?} {run:?}");
        };
        let (one, two) = (("system.serial", "A1"), ("system.serial", "A2"));
        check(&[one], &[one], None);
        check(&[one], &[two], Some("another machine (system.serial is A2, and A1 here)"));
        check(&[one, ("board.serial", "B")], &[("board.serial", "B")], None);
        check(&[one, ("board.serial", "B")], &[one, ("board.serial", "C")], Some("board.serial is C"));
        let drive = ("drive S1", "model 1 B");
        check(&[drive, ("drive S2", "model 1 B")], &[drive], None);
        check(&[drive], &[("drive S2", "model 1 B")], Some("no serial number"));
        check(&[("dimm P0 A1", "x serial 1")], &[("dimm P0 A1", "x serial 2")], Some("no serial number"));
        check(&[], &[], Some("no serial number"));
        let (image, other_image) = (("machine-id", "aa"), ("machine-id", "bb"));
        check(&[image], &[image], None);
        check(&[image], &[other_image], Some("another machine (machine-id is bb, and aa here)"));
        check(&[image, one], &[other_image, one], None);
        check(&[image, one], &[image, two], Some("system.serial is A2"));
        check(&[image, drive], &[other_image, drive], None);
        check(&[image], &[], Some("no serial number"));
        check(&[("cpu.model", "X")], &[("cpu.model", "X")], Some("no serial number"));
    }

    #[test]
    fn hosts_that_were_installed_from_one_image_are_two() {
        let of = |host: &str| {
            let mut run = run();
            run.host = host.into();
            run.fingerprint.platform = platform(&[("machine-id", "aa")]);
            run
        };
        assert_eq!(another_machine(&of("node-1"), &of("node-1")), None);
        assert!(another_machine(&of("node-1"), &of("node-2")).is_some());
    }

    #[test]
    fn runs_that_were_measured_in_another_way_are_left_out() {
        let check = |change: fn(&mut Run), expect: &str| {
            let last = run();
            let mut other = Run { id: "other".into(), ..run() };
            change(&mut other);
            let pool = pool(&last, &[&other]);
            assert_eq!(pool.remarks.is_empty(), expect.is_empty(), "{:?}", pool.remarks);
            assert_eq!(pool.runs.len(), 1 + usize::from(expect.is_empty()));
            assert!(pool.remarks.concat().contains(expect), "{:?}", pool.remarks);
        };
        check(|_| {}, "");
        check(|run| run.build.version = "0.2.0".into(), "");
        check(|run| run.build.version = "1.0.0".into(), "version 1.0.0");
        check(|run| run.build.profile = "ci".into(), "built in another way");
        check(|run| run.build.target_features = "avx".into(), "built in another way");
        check(|run| run.profile = Profile::Quick, "its profile is quick, and this one's is full");
        let unknown = |run: &mut Run| run.fingerprint = measure::Fingerprint::default();
        check(unknown, "");
        check(
            |run| {
                run.fingerprint = measure::Fingerprint::default();
                run.boot_id = Some("boot-2".into());
            },
            "no serial number is in both records",
        );
    }
}
