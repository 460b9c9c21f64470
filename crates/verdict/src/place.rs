//! Whether storage was measured on the drives that a target speaks of.

use std::collections::BTreeSet;

use measure::{Definition, DrivesBelow, FactValue, Outcome, Run, StoragePlace, Workload};
use spec::{Standing, System, Target};

use crate::Verdict;

/// What the facts of the volume begin with that targets of storage speak of.
const VOLUME: &str = "storage.scratch.";
/// The drives of that volume, as the host called them when it was measured.
const DEVICES: &str = "storage.scratch.devices";
/// What kind of drives they are.
const MEDIA: &str = "storage.scratch.media";

/// Why the figures of a target cannot be judged by it: files on other drives than those of the specification's volume are
/// NOT-COMPARABLE, and INCONCLUSIVE is what cannot be told. `None` too for targets that no files are measured for, and where
/// the specification states nothing of a volume.
pub(crate) fn objection(target: &Target, system: &System, runs: &[&Run]) -> Option<(Verdict, String)> {
    let metric = target.metric.filter(|metric| measures_files(metric))?;
    if !states_volume(system) {
        return None;
    }
    let takes_virtual = takes_virtual(system);
    let mut unknown = None;
    for (run, place) in places(metric, runs) {
        match judge(run, place, takes_virtual) {
            Some((Verdict::NotComparable, why)) => return Some((Verdict::NotComparable, why)),
            Some(other) => unknown = unknown.or(Some(other)),
            None => {}
        }
    }
    unknown
}

/// Whether all files of a metric lay on the drives of the volume, each of them known.
pub(crate) fn is_on_volume(metric: &Definition, runs: &[&Run]) -> bool {
    let mut any = false;
    let all = places(metric, runs).all(|(run, place)| {
        any = true;
        judge(run, place, false).is_none()
    });
    any && all
}

/// What is to be known of the place of a figure that is judged: that the specification states no volume, or that the files
/// lay on a part of it.
pub(crate) fn remark(target: &Target, system: &System, runs: &[&Run]) -> Option<String> {
    let metric = target.metric.filter(|metric| measures_files(metric))?;
    let all: Vec<(&Run, &StoragePlace)> = places(metric, runs).filter_map(|(run, place)| Some((run, place?))).collect();
    if !states_volume(system) {
        let (_, place) = all.last()?;
        return Some(format!("The specification states no volume: judged where the files lay, on {place}."));
    }
    all.iter().find_map(|(run, place)| {
        let (all, part) = (devices(run).len(), place.drives.names().len());
        (part < all).then(|| format!("The files lay on {part} of the {all} drives of the volume: {place}."))
    })
}

fn measures_files(metric: &Definition) -> bool {
    matches!(metric.family.workload, Some(Workload::Disk | Workload::Tabular))
}

fn states_volume(system: &System) -> bool {
    system.facts.iter().any(|fact| fact.id.starts_with(VOLUME))
}

/// Whether the document firmly speaks of disks that a hypervisor gives.
fn takes_virtual(system: &System) -> bool {
    let is_virtio = |value: &FactValue| matches!(value, FactValue::Text(media) if media == "virtio");
    system.stated(MEDIA).any(|stated| stated.standing == Standing::Firm && is_virtio(&stated.value))
}

/// Where each measurement of a headline took place.
fn places<'a>(metric: &Definition, runs: &[&'a Run]) -> impl Iterator<Item = (&'a Run, Option<&'a StoragePlace>)> {
    let of = move |run: &'a Run| {
        let measured = run.outcomes().filter_map(Outcome::measured);
        measured
            .filter(|one| one.metric.is(metric) && one.labels.is_empty())
            .map(move |one| (run, one.place.as_deref()))
    };
    runs.iter().copied().flat_map(of)
}

/// The drives of the volume of a run's host, as that boot called them.
fn devices(run: &Run) -> BTreeSet<&str> {
    let Some(FactValue::Text(names)) = run.facts.value(DEVICES) else { return BTreeSet::new() };
    names.split([',', ' ']).filter(|name| !name.is_empty()).collect()
}

fn judge(run: &Run, place: Option<&StoragePlace>, takes_virtual: bool) -> Option<(Verdict, String)> {
    let unknown = |why: &str| {
        let sentence = format!("Cannot tell whether the files lay on the volume of the specification: {why}.");
        Some((Verdict::Inconclusive, sentence))
    };
    let Some(place) = place else {
        return unknown(&format!("the record of version {} does not say where they were", run.build.version));
    };
    if let Some(why) = place.drives.why_unknown() {
        let is_asked_for = takes_virtual && matches!(place.drives, DrivesBelow::Virtual(_));
        if !is_asked_for {
            return unknown(&format!("{place}; {why}"));
        }
    }
    let volume = devices(run);
    if volume.is_empty() {
        return unknown(&format!("{place}; the inventory names no drives of such a volume"));
    }
    if place.drives.names().iter().all(|name| volume.contains(name.as_str())) {
        return None;
    }
    let volume = volume.into_iter().collect::<Vec<_>>().join(", ");
    let sentence = format!("The files lay on {place}, and the volume of the specification is on {volume}.");
    Some((Verdict::NotComparable, sentence))
}

#[cfg(test)]
mod tests {
    use measure::metrics::DISK_RANDREAD_IOPS;

    use super::*;
    use crate::testdata::{run, stated, system};

    fn at(drives: DrivesBelow) -> StoragePlace {
        StoragePlace {
            path: "/data/test".into(),
            mount_point: "/data".into(),
            file_system: "xfs".into(),
            source: "a device".into(),
            drives,
            free: None,
        }
    }

    fn known(names: &[&str]) -> DrivesBelow {
        DrivesBelow::Known(names.iter().map(|&name| name.to_owned()).collect())
    }

    fn text(text: &str) -> FactValue {
        FactValue::Text(text.to_owned())
    }

    /// A run whose random reads took place there, on a host whose volume has these drives.
    fn measured(drives: Option<DrivesBelow>, volume: &str) -> Run {
        let mut run = run();
        let mut outcomes = run.attempts.iter_mut().flat_map(|attempt| &mut attempt.outcomes);
        let random = outcomes.find_map(|outcome| match outcome {
            Outcome::Measured(one) if one.metric.is(&DISK_RANDREAD_IOPS) => Some(one),
            _ => None,
        });
        random.unwrap().place = drives.map(at).map(Box::new);
        if !volume.is_empty() {
            run.facts.text(DEVICES, volume, "test");
        }
        run
    }

    fn document(media: Option<&str>) -> System {
        let mut system = system();
        system.facts.extend(media.map(|media| stated(MEDIA, text(media))));
        system
    }

    fn check(system: &System, runs: &[&Run], expect: Option<(Verdict, &str)>) {
        let target = system.target("storage.random").unwrap();
        let found = objection(target, system, runs);
        assert_eq!(found.as_ref().map(|(verdict, _)| *verdict), expect.map(|(verdict, _)| verdict), "{found:?}");
        let why = found.map(|(_, why)| why).unwrap_or_default();
        assert!(why.contains(expect.map_or("", |(_, words)| words)), "{why}");
        let other = system.target("memory.triad").unwrap();
        assert_eq!((objection(other, system, runs), remark(other, system, runs)), (None, None), "no files");
    }

    #[test]
    fn files_lie_on_the_drives_of_the_volume_or_the_figure_is_not_comparable() {
        let other = Verdict::NotComparable;
        let check = |drives: &[&str], volume: &str, expect: Option<(Verdict, &str)>| {
            check(&document(Some("nvme")), &[&measured(Some(known(drives)), volume)], expect);
        };
        let both = "nvme1n1, nvme2n1";
        check(&["nvme1n1", "nvme2n1"], both, None);
        check(&["nvme1n1"], both, None);
        let on_boot =
            "The files lay on nvme0n1 (xfs on /data), and the volume of the specification is on nvme1n1, nvme2n1.";
        check(&["nvme0n1"], both, Some((other, on_boot)));
        check(&["nvme0n1", "nvme1n1"], both, Some((other, "nvme0n1, nvme1n1 (xfs on /data)")));
        // Names are whole: nvme1n1 is not nvme1n11.
        check(&["nvme1n11"], both, Some((other, "nvme1n11")));
        check(&["sda"], "", Some((Verdict::Inconclusive, "the inventory names no drives of such a volume")));
    }

    #[test]
    fn what_cannot_be_told_decides_nothing() {
        let open = |words| Some((Verdict::Inconclusive, words));
        let unknown = || DrivesBelow::Unknown("overlay lies on others".into());
        let by_hypervisor = || DrivesBelow::Virtual(vec!["vda".into()]);
        let check = |media: &str, drives: Option<DrivesBelow>, expect: Option<(Verdict, &str)>| {
            check(&document(Some(media)), &[&measured(drives, "vda")], expect);
        };
        check("nvme", None, open("the record of version 0.1.0 does not say where they were"));
        check("nvme", Some(unknown()), open("unknown drives (xfs on /data); overlay lies on others."));
        check("nvme", Some(by_hypervisor()), open("vda (virtual) (xfs on /data); the hypervisor does not say"));
        check("virtio", Some(by_hypervisor()), None);
        check("virtio", Some(unknown()), open("overlay"));
        let elsewhere = DrivesBelow::Virtual(vec!["vdb".into()]);
        check("virtio", Some(elsewhere), Some((Verdict::NotComparable, "is on vda.")));
        // What the document does not stand by lets nothing pass.
        let mut weak = document(Some("virtio"));
        weak.facts.last_mut().unwrap().standing = Standing::Placeholder("§1".into());
        self::check(&weak, &[&measured(Some(by_hypervisor()), "vda")], open("hypervisor"));
    }

    #[test]
    fn each_boot_is_held_against_its_own_names_and_the_weightiest_answer_counts() {
        let document = document(Some("nvme"));
        let (one, two) =
            (measured(Some(known(&["nvme1n1"])), "nvme1n1"), measured(Some(known(&["nvme0n1"])), "nvme0n1"));
        check(&document, &[&one, &two], None);
        let (other, untold) = (measured(Some(known(&["nvme0n1"])), "nvme1n1"), measured(None, "nvme1n1"));
        check(&document, &[&untold, &one], Some((Verdict::Inconclusive, "does not say where")));
        check(&document, &[&untold, &other, &one], Some((Verdict::NotComparable, "lay on nvme0n1")));
        // What was not measured lay nowhere.
        check(&document, &[], None);
    }

    #[test]
    fn a_specification_without_a_volume_is_judged_where_the_files_lay_and_says_so() {
        let check = |system: &System, drives: DrivesBelow, volume: &str, expect: Option<&str>| {
            let run = measured(Some(drives), volume);
            let told = remark(system.target("storage.random").unwrap(), system, &[&run]);
            assert_eq!(told.as_deref(), expect);
        };
        let without = document(None);
        self::check(&without, &[&measured(Some(known(&["sda"])), "nvme1n1")], None);
        let said = "The specification states no volume: judged where the files lay, on sda (xfs on /data).";
        check(&without, known(&["sda"]), "nvme1n1", Some(said));
        let part = "The files lay on 1 of the 2 drives of the volume: nvme1n1 (xfs on /data).";
        check(&document(Some("nvme")), known(&["nvme1n1"]), "nvme1n1, nvme2n1", Some(part));
        check(&document(Some("nvme")), known(&["nvme1n1"]), "nvme1n1", None);
    }
}
