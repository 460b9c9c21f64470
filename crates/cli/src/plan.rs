//! What was typed becomes what will be done. Every failure that can be known before measuring is raised here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use inventory::Inventory;
use inventory::doctor::{self, Advice};
use measure::{Facts, Fingerprint, Needs, Profile, Quantity, Reason, Unit, Workload};
use pipe::request::{Choices, ClusterChoice, Planned, Room};
use spec::{System, Target};

use crate::args::{ClusterArgs, RunArgs};
use crate::grant::grant;
use crate::locations::{self, Specification};
use crate::scratch::{self, Scratch};
use crate::supervisor;

/// A run that is ready to start.
pub(crate) struct RunPlan {
    pub(crate) profile: Profile,
    pub(crate) specification: Specification,
    /// What this host is.
    pub(crate) facts: Facts,
    pub(crate) fingerprint: Fingerprint,
    /// The name by which a launcher knows this host, where one started the run.
    pub(crate) node: Option<String>,
    /// Which start of the kernel this is, where it tells.
    pub(crate) boot_id: Option<String>,
    pub(crate) results: PathBuf,
    /// Where test files are made.
    pub(crate) scratch: Scratch,
    /// What should be mended before measuring.
    pub(crate) advice: Vec<Advice>,
    /// What is said before anything is measured.
    pub(crate) notes: Vec<String>,
    /// What people call this run.
    pub(crate) tags: Vec<String>,
    pub(crate) steps: Vec<Step>,
}

/// One workload of a run.
pub(crate) struct Step {
    pub(crate) workload: Workload,
    /// The workload sized for this host, or why it cannot run here.
    pub(crate) planned: Result<Planned, Reason>,
    /// How often it is repeated, each time in a process of its own.
    pub(crate) repetitions: u32,
    /// How many times longer than planned a worker may take.
    timeout_factor: f64,
}

impl RunPlan {
    /// What `args` ask of the host, whose `/proc` and `/sys` lie under `root`, with its specification and what it is.
    pub(crate) fn resolve(
        args: &RunArgs,
        specification: Specification,
        inventory: Inventory,
        root: &Path,
    ) -> Result<RunPlan> {
        let results = locations::results(args.out.as_deref())?;
        // Where both are one folder, a run makes it.
        let typed = args.scratch.as_ref().filter(|&folder| *folder != results);
        let typed = typed.map(|folder| Scratch::typed(folder, root)).transpose()?;
        if !args.dry_run {
            fs::create_dir_all(&results).with_context(|| no_records(&results))?;
        }
        let records = scratch::existing(&results)?;
        scratch::takes_files(&records).with_context(|| no_records(&results))?;
        let (scratch, found) = match typed {
            Some(typed) => (typed, None),
            None if args.scratch.is_some() => (Scratch::at(&records, root)?, None),
            None => {
                let (folder, found) = scratch::found(records, &specification.system, &inventory.facts, root);
                (Scratch::at(&folder, root)?, found)
            }
        };
        let advice = doctor::advise(root, &inventory, &grant(root), &scratch.folder);
        let steps = steps(args, &specification.system, &scratch)?;
        let uses_scratch = steps.iter().any(|step| matches!(step.workload, Workload::Disk | Workload::Tabular));
        let notes = found.filter(|_| uses_scratch).into_iter().chain(missing(&steps, &specification.system)).collect();
        Ok(RunPlan {
            profile: args.profile,
            specification,
            fingerprint: inventory.fingerprint(),
            facts: inventory.facts,
            node: node(|variable| std::env::var_os(variable))?,
            boot_id: boot_id(root),
            results,
            scratch,
            advice,
            notes,
            tags: args.tag.clone(),
            steps,
        })
    }

    /// Seconds that all steps take together, as planned.
    pub(crate) fn seconds(&self) -> f64 {
        self.steps.iter().map(Step::seconds).sum()
    }
}

impl Step {
    /// When a worker of it hangs. A plan is an estimate on a quiet host, and starting takes some seconds of any workload.
    pub(crate) fn limit(&self, planned: &Planned) -> Duration {
        Duration::from_secs_f64(self.timeout_factor * (12.0 + planned.needs.seconds))
    }

    /// Seconds of all its repetitions, as planned.
    pub(crate) fn seconds(&self) -> f64 {
        self.planned.as_ref().map_or(0.0, |planned| planned.needs.seconds * f64::from(self.repetitions))
    }
}

/// Repetitions in a boot: one where the profile is for a look, five where it is for a verdict; HPL fills hours once, and
/// the feature workload repeats what it times itself, on data that is generated once.
fn repetitions(profile: Profile, workload: Workload) -> u32 {
    match (profile, workload) {
        (Profile::Smoke | Profile::Quick, _) | (Profile::Full, Workload::Dense | Workload::Tabular) => 1,
        (Profile::Full, Workload::Stream | Workload::Disk) => 5,
    }
}

/// The latencies in seconds that targets of storage rates are bound to, by the case of the disk workload.
fn latency_bounds(system: &System) -> BTreeMap<String, f64> {
    let bound = |target: &Target| {
        let case = disk::case_of(target.metric?)?;
        let bound = target.constraint.as_ref().filter(|bound| bound.bound.unit == Unit::Second)?;
        Some((case.to_owned(), bound.bound.value))
    };
    system.targets.iter().filter_map(bound).collect()
}

/// The workloads that are wanted, each asked what it takes and held against what there is.
fn steps(args: &RunArgs, system: &System, scratch: &Scratch) -> Result<Vec<Step>> {
    let disk_p99 = latency_bounds(system);
    let pandas = args.pandas.as_deref().map(python_environment).transpose()?;
    let cluster = cluster(&args.cluster)?;
    let (isa, engine, scratch_folder) = (args.isa, args.engine, scratch.folder.clone());
    let choices = Choices { isa, engine, scratch: scratch_folder, disk_p99, pandas, cluster };
    let profile = args.profile;
    let is_wanted = |workload: &Workload| args.only.is_empty() || args.only.contains(workload);
    let mut steps = Vec::new();
    for workload in Workload::ALL.into_iter().filter(is_wanted) {
        let memory = machine::memory_available();
        let planned = supervisor::plan(workload, profile, &choices)?.and_then(|planned| {
            enough_memory(workload, &planned.needs, memory)?;
            enough_disk(workload, &planned.needs, scratch)?;
            planned.shared.as_ref().map_or(Ok(()), |room| enough_room(room, &planned.needs, scratch))?;
            Ok(planned)
        });
        let repetitions = repetitions(profile, workload);
        steps.push(Step { workload, planned, repetitions, timeout_factor: args.patience });
    }
    let refusals: Vec<_> = steps.iter().filter_map(|step| step.planned.as_ref().err()).collect();
    if refusals.len() == steps.len() {
        let refusals: Vec<_> = refusals.into_iter().map(ToString::to_string).collect();
        bail!("no workload can run on this host: {}", refusals.join("; "));
    }
    Ok(steps)
}

/// The absolute path of a Python environment: workers have a current folder of their own.
fn python_environment(folder: &Path) -> Result<PathBuf> {
    ensure!(
        folder.join("bin/python").is_file(),
        "--pandas {0} is not a Python environment: it has no bin/python; \
         `python3 -m venv {0} && {0}/bin/pip install pandas pyarrow` makes one",
        folder.display()
    );
    Ok(std::path::absolute(folder)?)
}

/// What was typed of a cluster, with absolute paths; a program that is looked for on the PATH stays a name.
fn cluster(args: &ClusterArgs) -> Result<Option<ClusterChoice>> {
    let (Some(cluster), Some(data)) = (&args.cluster, &args.cluster_data) else { return Ok(None) };
    ensure!(
        data.is_dir(),
        "--cluster-data {0} is no folder; `hostproof features generate --size 1GB --out {0}` makes the input",
        data.display()
    );
    let absolute =
        |path: &PathBuf| if path.components().count() == 1 { Ok(path.clone()) } else { std::path::absolute(path) };
    Ok(Some(ClusterChoice {
        cluster: cluster.clone(),
        data: std::path::absolute(data)?,
        workers: args.cluster_workers.iter().map(|&count| usize::try_from(count)).collect::<Result<_, _>>()?,
        python: args.cluster_python.as_ref().map(absolute).transpose()?,
        program: args.cluster_program.as_ref().map(absolute).transpose()?,
    }))
}

/// That a workload fits the memory that this process may take; 0 where that is not known.
fn enough_memory(workload: Workload, needs: &Needs, available: u64) -> Result<(), Reason> {
    let share = match workload {
        // Its engine leaves as much to the page cache, and checks it again.
        Workload::Disk => 2,
        Workload::Stream | Workload::Dense | Workload::Tabular => 1,
    };
    if available == 0 || needs.memory <= available / share {
        return Ok(());
    }
    Err(Reason::NoResources(format!(
        "it would take {} of memory, and {} are available to this process, control groups considered: free memory, lift the \
         limit (`hostproof doctor` names it), or choose a smaller --profile",
        bytes(needs.memory),
        bytes(available / share),
    )))
}

/// That a workload's files fit where they are put.
fn enough_disk(workload: Workload, needs: &Needs, scratch: &Scratch) -> Result<(), Reason> {
    let Some(free) = scratch.place.free else { return Ok(()) };
    let room = match workload {
        // Its engine checks it again.
        Workload::Disk => free / 100 * disk::ROOM_PERCENT,
        Workload::Stream | Workload::Dense | Workload::Tabular => free,
    };
    if needs.disk <= room {
        return Ok(());
    }
    Err(Reason::NoResources(format!(
        "its files would take {}, and of the {} that are free in {} it may take {}: free space, or give another folder with \
         --scratch",
        bytes(needs.disk),
        bytes(free),
        scratch.folder.display(),
        bytes(room),
    )))
}

/// That what goes to a folder that the user named fits there, beside the files of the workload where both are on one file system.
fn enough_room(room: &Room, needs: &Needs, scratch: &Scratch) -> Result<(), Reason> {
    let place = disk::place_of(&room.folder, Path::new("/"));
    let beside = if place.mount_point == scratch.place.mount_point { needs.disk } else { 0 };
    fits(room, beside, place.free)
}

fn fits(room: &Room, beside: u64, free: Option<u64>) -> Result<(), Reason> {
    let Some(free) = free.filter(|&free| room.bytes.saturating_add(beside) > free) else { return Ok(()) };
    let others = if beside > 0 { format!(", beside {} of its test files", bytes(beside)) } else { String::new() };
    Err(Reason::NoResources(format!(
        "results and what tasks hand on would take {} in {}{others}, and {} are free there: free space, or give an input on \
         another file system with --cluster-data",
        bytes(room.bytes),
        room.folder.display(),
        bytes(free),
    )))
}

fn bytes(count: u64) -> Quantity {
    Quantity::new(count as f64, Unit::Byte)
}

/// What the workloads that cannot run leave unmeasured: said before hours are spent on the others.
fn missing(steps: &[Step], system: &System) -> Vec<String> {
    let line = |step: &Step| {
        let (name, refusal) = (step.workload.name(), step.planned.as_ref().err()?);
        let is_its = |target: &&Target| {
            let workload = target.metric.and_then(|metric| metric.id.split('.').next());
            target.required && workload == Some(name)
        };
        let targets: Vec<_> = system.targets.iter().filter(is_its).map(|target| target.id.as_str()).collect();
        let lost = match targets.as_slice() {
            [] => String::new(),
            targets => format!("\nwarning: required and therefore not measured: {}", targets.join(", ")),
        };
        Some(format!("warning: {name} cannot run here: {refusal}{lost}"))
    };
    steps.iter().filter_map(line).collect()
}

/// Which start of the kernel this is, where it tells.
pub(crate) fn boot_id(root: &Path) -> Option<String> {
    let id = fs::read_to_string(root.join("proc/sys/kernel/random/boot_id")).ok()?;
    Some(id.trim().to_owned())
}

/// By which environment variables a launcher says how it calls this host: our own, else that of Slurm.
const NODE_VARIABLES: [&str; 2] = ["HOSTPROOF_NODE", "SLURMD_NODENAME"];

/// The name by which a launcher knows this host: virtual nodes share the name that the host itself has.
fn node(variable: impl Fn(&str) -> Option<OsString>) -> Result<Option<String>> {
    let set = |name: &&'static str| Some((*name, variable(name).filter(|value| !value.is_empty())?));
    let Some((name, value)) = NODE_VARIABLES.iter().find_map(set) else { return Ok(None) };
    let is_name = |text: &&str| {
        text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    let node = value.to_str().filter(is_name).with_context(|| {
        format!(
            "{name} is no name of a node: `{}`; it begins with a letter or digit, and has up to 64 letters, digits and . _ -",
            value.display()
        )
    })?;
    Ok(Some(node.to_owned()))
}

fn no_records(folder: &Path) -> String {
    format!("records cannot be written to {}; give another folder with --out", folder.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launcher_names_the_node() {
        let check = |set: &[(&str, &str)], expect: Result<Option<&str>, &str>| {
            let variable =
                |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
            match (node(variable).map_err(|error| error.to_string()), expect) {
                (Ok(node), Ok(expect)) => assert_eq!(node.as_deref(), expect),
                (Err(error), Err(words)) => assert!(error.contains(words), "{error}"),
                other => panic!("{set:?}: {other:?}"),
            }
        };
        check(&[], Ok(None));
        check(&[("SLURMD_NODENAME", "n01")], Ok(Some("n01")));
        check(&[("SLURMD_NODENAME", "n01"), ("HOSTPROOF_NODE", "rack-1.n_02")], Ok(Some("rack-1.n_02")));
        check(&[("SLURMD_NODENAME", "n01"), ("HOSTPROOF_NODE", "")], Ok(Some("n01")));
        for name in ["..", "-n", "a/b", "a b", "ü", &"n".repeat(65)] {
            check(&[("HOSTPROOF_NODE", name)], Err("HOSTPROOF_NODE is no name of a node"));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_in_the_plan() {
        let root = tempfile::tempdir().unwrap();
        let mut scratch = Scratch::at(root.path(), root.path()).unwrap();
        let mut check =
            |workload, (memory, disk): (u64, u64), (available, free): (u64, Option<u64>), expect: Option<&str>| {
                scratch.place.free = free;
                let needs = Needs { seconds: 1.0, memory, disk };
                let fits =
                    enough_memory(workload, &needs, available).and_then(|()| enough_disk(workload, &needs, &scratch));
                let why = fits.err().map(|reason| reason.to_string());
                match expect {
                    None => assert_eq!(why, None),
                    Some(expect) => assert!(why.as_ref().is_some_and(|why| why.contains(expect)), "{why:?}"),
                }
            };
        check(Workload::Dense, (1000, 0), (1000, None), None);
        check(Workload::Dense, (1001, 0), (1000, None), Some("would take 1.001 kB of memory"));
        check(Workload::Dense, (1001, 0), (0, None), None);
        check(Workload::Disk, (500, 800), (1000, Some(1000)), None);
        check(Workload::Disk, (501, 800), (1000, Some(1000)), Some("500 B are available"));
        check(Workload::Disk, (500, 801), (1000, Some(1000)), Some("it may take 800 B"));
        check(Workload::Disk, (500, 801), (1000, None), None);
        check(Workload::Tabular, (1000, 1000), (1000, Some(1000)), None);
        check(Workload::Tabular, (1000, 1001), (1000, Some(1000)), Some("files would take 1.001 kB"));
    }

    #[test]
    fn a_shared_folder_has_room_for_what_goes_there_and_for_test_files_on_the_same_file_system() {
        let check = |needed: u64, beside: u64, free: Option<u64>, expect: Option<&str>| {
            let room = Room { folder: "/share".into(), bytes: needed };
            let why = fits(&room, beside, free).err().map(|reason| reason.to_string());
            assert_eq!(why.is_some(), expect.is_some(), "{why:?}");
            assert!(expect.is_none_or(|expect| why.as_ref().unwrap().contains(expect)), "{why:?}");
        };
        check(1000, 0, Some(1000), None);
        check(1000, 0, None, None);
        check(1001, 0, Some(1000), Some("would take 1.001 kB in /share, and 1 kB are free there"));
        check(900, 100, Some(1000), None);
        check(
            900,
            101,
            Some(1000),
            Some("would take 900 B in /share, beside 101 B of its test files, and 1 kB are free"),
        );

        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::at(folder.path(), Path::new("/")).unwrap();
        let free = scratch.place.free.unwrap();
        let room = Room { folder: folder.path().to_owned(), bytes: free / 4 };
        let needs = |disk| Needs { disk, ..Needs::default() };
        assert_eq!(enough_room(&room, &needs(0), &scratch), Ok(()));
        // Both are on one file system.
        assert!(enough_room(&room, &needs(free), &scratch).is_err());
    }

    #[test]
    fn what_stays_unmeasured_is_said_with_its_required_targets() {
        let system = spec::builtin().iter().find(|system| system.id == "PY-HPC-2024.Q3").unwrap();
        let step = |planned| Step { workload: Workload::Disk, planned, repetitions: 1, timeout_factor: 1.0 };
        let planned = Planned::new(&(), Needs::default()).unwrap();
        assert_eq!(missing(&[step(Ok(planned))], system), Vec::<String>::new());
        let said = missing(&[step(Err(Reason::NotAllowed("io_uring".to_owned())))], system);
        assert!(said[0].contains("disk cannot run here: not allowed: io_uring"), "{said:?}");
        assert!(said[0].contains("required and therefore not measured: disk.seqread"), "{said:?}");
    }
}
