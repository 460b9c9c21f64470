//! What was typed becomes what will be done. Every failure that can be known before measuring is raised here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use inventory::doctor::{self, Advice};
use measure::{Facts, Fingerprint, Profile, Reason, Unit, Workload};
use record::request::{Choices, Planned};
use spec::{System, Target};

use crate::args::RunArgs;
use crate::grant::grant;
use crate::locations::{self, Specification};
use crate::supervisor;

/// A run that is ready to start.
pub(crate) struct RunPlan {
    pub(crate) profile: Profile,
    pub(crate) specification: Specification,
    /// What this host is.
    pub(crate) facts: Facts,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) results: PathBuf,
    /// What should be mended before measuring.
    pub(crate) advice: Vec<Advice>,
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
    pub(crate) fn resolve(args: &RunArgs) -> Result<RunPlan> {
        let specification = Specification::load(&args.spec)?;
        let root = Path::new("/");
        let inventory = inventory::take(root);
        let results = locations::results(args.out.as_deref())?;
        let scratch = args.scratch.clone().unwrap_or_else(|| results.clone());
        if !args.dry_run {
            writable(&results)?;
        }
        let scratch = existing(&scratch)?;
        let advice = doctor::advise(root, &inventory, &grant(root), &scratch);
        let disk_p99 = latency_bounds(&specification.system);
        let pandas = args.pandas.as_deref().map(python_environment).transpose()?;
        let choices = Choices { isa: args.isa, engine: args.engine, scratch, disk_p99, pandas };
        let profile = args.profile;
        let is_wanted = |workload: &Workload| args.only.is_empty() || args.only.contains(workload);
        let mut steps = Vec::new();
        for workload in Workload::ALL.into_iter().filter(is_wanted) {
            let planned = supervisor::plan(workload, profile, &choices)?;
            let repetitions = repetitions(profile, workload);
            steps.push(Step { workload, planned, repetitions, timeout_factor: args.patience });
        }
        let refusals: Vec<_> = steps.iter().filter_map(|step| step.planned.as_ref().err()).collect();
        if refusals.len() == steps.len() {
            let refusals: Vec<_> = refusals.into_iter().map(ToString::to_string).collect();
            bail!("no workload can run on this host: {}", refusals.join("; "));
        }
        let (fingerprint, facts) = (inventory.fingerprint(), inventory.facts);
        Ok(RunPlan { profile, specification, facts, fingerprint, results, advice, tags: args.tag.clone(), steps })
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

/// The folder itself, or the nearest one above it that exists: a dry run makes none.
fn existing(folder: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(folder)?;
    let found = absolute.ancestors().find(|folder| folder.is_dir());
    Ok(found.with_context(|| format!("no folder above {} exists", absolute.display()))?.to_owned())
}

fn writable(folder: &Path) -> Result<()> {
    let trouble = || format!("records cannot be written to {}; give another folder with --out", folder.display());
    fs::create_dir_all(folder).with_context(trouble)?;
    ensure!(rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok(), trouble());
    Ok(())
}
