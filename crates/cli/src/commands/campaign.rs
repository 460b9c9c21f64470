//! `hostproof campaign`: boots before and after an update, over reboots and power cuts. All state is in the journal.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use measure::{Ending, Fingerprint};
use record::{Annotation, Annotations, Campaign, Event, Listed, Plan, Side, Slot, Store, holds, is_told, present};
use report::compare::CampaignBoot;
use serde_json::{Value, json};
use verdict::compare::LEAST_ALTERNATIONS;
use verdict::power::Design;
use verdict::trend::PLANNED_BOOTS;

use crate::args::{CampaignCommand, OrderName, Records, StartArgs, View};
use crate::commands::noise::proposal;
use crate::commands::{compare, look, print, print_json};
use crate::exit::Exit;
use crate::history::{History, tolerances};
use crate::output::say;
use crate::systemd_unit::{self, Unit};
use crate::{locations, trust};

pub(crate) fn campaign(command: &CampaignCommand) -> Result<Exit> {
    match command {
        CampaignCommand::Start(args) => start(args),
        CampaignCommand::Next { records } => next(records),
        CampaignCommand::Status { json, records } => status(*json, records),
        CampaignCommand::Finish { abandon, view } => finish(*abandon, view),
    }
}

/// The host as it is now.
struct Now {
    boot: String,
    fingerprint: Fingerprint,
}

impl Now {
    /// The host with the sysctls that some conditions name, as parts of its configuration.
    fn with_sysctls(root: &Path, conditions: &[String]) -> Result<Now> {
        let mut now = Now::read(root)?;
        for name in conditions.iter().filter_map(|condition| condition.strip_prefix("sysctl.")?.split('=').next()) {
            let file = root.join("proc/sys").join(name.replace('.', "/"));
            let value = fs::read_to_string(&file)
                .with_context(|| format!("could not read the sysctl {name} from {}", file.display()))?;
            let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
            now.fingerprint.config.insert(format!("sysctl.{name}"), value);
        }
        Ok(now)
    }

    /// The host as a campaign looks at it.
    fn of(plan: &Plan) -> Result<Now> {
        Now::with_sysctls(Path::new(&plan.root), &[plan.before.as_slice(), &plan.after].concat())
    }

    fn read(root: &Path) -> Result<Now> {
        let file = root.join("proc/sys/kernel/random/boot_id");
        let boot =
            fs::read_to_string(&file).with_context(|| format!("could not tell this boot by {}", file.display()))?;
        Ok(Now { boot: boot.trim().to_owned(), fingerprint: inventory::take(root).fingerprint() })
    }

    /// Whether the host meets all conditions.
    fn meets(&self, conditions: &[String]) -> Result<bool> {
        for condition in conditions {
            if !holds(&self.fingerprint, condition)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn store(records: &Records) -> Result<Store> {
    Ok(Store::at(&std::path::absolute(locations::results(records.out.as_deref())?)?))
}

fn running(store: &Store) -> Result<Campaign> {
    let campaign = Campaign::running(store)?;
    campaign.with_context(|| {
        format!("no campaign is running in {}: `hostproof campaign start` begins one", store.root().display())
    })
}

/// Refuses, for root, a campaign that others may have written: its journal names a command to run, in a folder, and a unit.
fn trusted(campaign: &Campaign) -> Result<()> {
    trust::for_root(campaign.journal())?;
    let Plan { command, folder, unit_dir, .. } = &campaign.plan;
    let program =
        command.first().filter(|program| program.contains('/')).map(|program| Path::new(folder).join(program));
    let unit = unit_dir
        .as_ref()
        .map(|folder| systemd_unit::file(Unit::Campaign, Path::new(folder)))
        .filter(|unit| unit.exists());
    let places = [Some(folder.into()), program, unit];
    places.into_iter().flatten().try_for_each(|place| trust::for_root(&place))
}

/// A path as the text that the journal keeps.
fn text(path: &Path) -> Result<String> {
    let path = std::path::absolute(path)?;
    let text =
        path.to_str().with_context(|| format!("the path {} is not UTF-8, which a campaign needs", path.display()))?;
    Ok(text.to_owned())
}

fn now() -> Result<Timestamp> {
    Ok(Timestamp::now().round(jiff::Unit::Second)?)
}

fn start(args: &StartArgs) -> Result<Exit> {
    let store = store(&args.records)?;
    let host = Now::with_sysctls(&args.root, &[args.before.as_slice(), &args.after].concat())?;
    let boots = boots(args)?;
    let before = if args.before.is_empty() { configuration(&host.fingerprint) } else { args.before.clone() };
    let (is_before, is_after) = (host.meets(&before)?, host.meets(&args.after)?);
    ensure!(
        !(is_before && is_after),
        "this host meets the conditions after the update ({}) already: start before the update, or tell the sides apart by \
         --before and --after",
        args.after.join(", ")
    );
    for condition in before.iter().chain(&args.after) {
        ensure!(
            is_told(&host.fingerprint, condition),
            "this host does not tell what {condition} asks for, so no boot could ever meet it; `hostproof inspect` shows what it \
             tells, some of it to root alone"
        );
    }
    let program = text(&std::env::current_exe().context("could not find this program's own file")?)?;
    let results = text(store.root())?;
    let command = if args.command.is_empty() {
        [program.as_str(), "run", "--profile", "full", "--out", &results].map(str::to_owned).to_vec()
    } else {
        args.command.clone()
    };
    let at = now()?;
    let plan = Plan {
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        boots,
        order: match args.order {
            OrderName::Abba => record::Order::Abba,
            OrderName::Aabb => record::Order::Aabb,
        },
        within_boot: args.within_boot,
        before,
        after: args.after.clone(),
        command,
        folder: text(&std::env::current_dir().context("could not find the current folder")?)?,
        root: text(&args.root)?,
        unit_dir: args.install.then(|| text(&args.unit_dir)).transpose()?,
        at: at.to_string(),
    };
    if args.install {
        // What the unit will run at each boot.
        fs::create_dir_all(store.root()).with_context(|| format!("could not create {}", store.root().display()))?;
        trust::for_root(store.root())?;
    }
    let mut campaign = Campaign::start(&store, &at.strftime("c%Y%m%dT%H%M%SZ").to_string(), plan)?;
    if let Some(folder) = campaign.plan.unit_dir.clone() {
        match systemd_unit::install(Unit::Campaign, Path::new(&folder), &program, &results) {
            Ok(unit) => {
                print(&format!("{} runs `campaign next` at each boot, until the campaign ends", unit.display()))?;
            }
            Err(error) => {
                campaign.note(Event::Finished { at: at.to_string() })?;
                return Err(error.context("the campaign was not started"));
            }
        }
    }
    show(&store, &campaign)?;
    if !campaign.plan.within_boot {
        let design = if campaign.plan.order.is_paired() {
            |boots| Design::Paired { pairs: boots }
        } else {
            |boots| Design::Unpaired { before: boots, after: boots }
        };
        let history = History::of(store)?;
        if let Some(proposal) = proposal(&history, &campaign.plan.host, campaign.plan.boots, design) {
            print(&proposal)?;
        }
    }
    Ok(Exit::Done)
}

/// How many boots on each side are made; within one boot how many runs.
fn boots(args: &StartArgs) -> Result<u32> {
    if !args.within_boot {
        return Ok(args.boots.unwrap_or(PLANNED_BOOTS));
    }
    let least = u32::try_from(LEAST_ALTERNATIONS)?;
    let runs = args.boots.unwrap_or(least);
    ensure!(
        runs >= least && runs.is_multiple_of(2) && args.order == OrderName::Abba,
        "within one boot at least {least} runs on each side are made, an even number, in the order ABBA"
    );
    let of_boot = |condition: &&String| {
        let key = condition.split('=').next().unwrap_or_default();
        ["bios", "microcode", "kernel", "cmdline", "cpu.microcode", "os.kernel", "os.cmdline"].contains(&key)
            || key.starts_with("bios.")
    };
    if let Some(condition) = args.before.iter().chain(&args.after).find(of_boot) {
        bail!("{condition} changes with a reboot: leave --within-boot out, and boots are compared");
    }
    Ok(runs)
}

/// The configuration as conditions, part by part.
fn configuration(fingerprint: &Fingerprint) -> Vec<String> {
    let named = fingerprint.config.iter().filter(|(part, _)| part.contains('.'));
    named.map(|(part, value)| format!("{part}={value}")).collect()
}

fn next(records: &Records) -> Result<Exit> {
    let store = store(records)?;
    trusted(&running(&store)?)?;
    let _lock = lock(&store)?;
    // The step that was waited for has written on.
    let mut campaign = running(&store)?;
    trusted(&campaign)?;
    let history = settle(&store, &mut campaign)?;
    let Some(slot) = campaign.next() else {
        print("every boot is measured: `hostproof campaign finish` compares them and ends the campaign")?;
        return Ok(Exit::Done);
    };
    let host = Now::of(&campaign.plan)?;
    let tasks = tasks(&campaign, slot, &host, &history)?;
    if !tasks.is_empty() {
        print(&to_do(&campaign, slot, &tasks))?;
        return Ok(Exit::Inconclusive);
    }
    measure(&store, &mut campaign, slot, &host, &history)
}

fn lock(store: &Store) -> Result<fs::File> {
    Ok(Campaign::lock(store, || say("another step of this campaign is running: waiting for its end"))?)
}

/// Brings an attempt of which nothing more is known to its end: the process or the machine stopped while it measured, or
/// right after. What it left in the store whole counts.
fn settle(store: &Store, campaign: &mut Campaign) -> Result<History> {
    let history = History::of(store.clone())?;
    if let Some((slot, boot, known)) = campaign.open_attempt() {
        let (boot, run) = (boot.to_owned(), new_run(&history, boot, known));
        campaign.note(match run {
            Some(run) => Event::Measured { slot, boot, run },
            None => Event::Failed { slot, why: "it was cut off".to_owned() },
        })?;
    }
    Ok(history)
}

/// Ids of all runs of a boot.
fn runs_of<'a>(history: &'a History, boot: &'a str) -> impl DoubleEndedIterator<Item = &'a Listed> {
    history.runs.iter().filter(move |run| run.digest.boot_id.as_deref() == Some(boot))
}

/// The newest whole run of a boot that is not among the known ones.
fn new_run(history: &History, boot: &str, known: &BTreeSet<String>) -> Option<String> {
    let new = |run: &&Listed| run.digest.ending == Ending::Complete && !known.contains(&run.digest.id);
    runs_of(history, boot).rfind(new).map(|run| run.digest.id.clone())
}

/// What somebody has to do before the next boot of the plan can be measured; nothing where this is it.
fn tasks(campaign: &Campaign, slot: Slot, host: &Now, history: &History) -> Result<Vec<String>> {
    let mut tasks = Vec::new();
    if campaign.plan.within_boot && campaign.first_boot().is_some_and(|boot| boot != host.boot) {
        return Ok(vec![
            "end this campaign by `finish --abandon`: the host has booted, and its runs are of one boot".to_owned(),
        ]);
    }
    for condition in campaign.plan.conditions(slot.side) {
        if !holds(&host.fingerprint, condition)? {
            tasks.push(format!("bring the host to {condition}; it has {}", present(&host.fingerprint, condition)));
        }
    }
    let first = campaign.runs(slot.side).first().and_then(|id| history.runs.iter().find(|run| run.digest.id == *id));
    if let Some(first) = first.filter(|_| tasks.is_empty()) {
        // Every boot of a side is of one configuration, or what differs between them would count as noise.
        for change in host.fingerprint.changes_since(&first.digest.fingerprint) {
            if let (Some(before), Some(now)) = (change.before, change.after) {
                tasks.push(format!(
                    "bring {} back to {before}, as it was in the first boot of this side; it is {now}",
                    change.part
                ));
            }
        }
    }
    if !campaign.plan.within_boot && (!tasks.is_empty() || campaign.used(&host.boot)) {
        tasks.push("reboot".to_owned());
    }
    Ok(tasks)
}

fn to_do(campaign: &Campaign, slot: Slot, tasks: &[String]) -> String {
    let heading = format!(
        "{} {} of {}, {} the update, is next. Before it:\n",
        if campaign.plan.within_boot { "Run" } else { "Boot" },
        slot.number + 1,
        campaign.plan.sides().len(),
        slot.side.name()
    );
    let tasks = tasks.iter().map(|task| format!("  {}\n", report::terminal::clean(task)));
    heading + &tasks.collect::<String>() + "Then: hostproof campaign next"
}

/// Measures this boot by the campaign's command.
fn measure(store: &Store, campaign: &mut Campaign, slot: Slot, host: &Now, history: &History) -> Result<Exit> {
    let boot = host.boot.clone();
    let known: BTreeSet<String> = runs_of(history, &boot).map(|run| run.digest.id.clone()).collect();
    campaign.note(Event::Begun { slot: slot.number, boot: boot.clone(), known: known.clone() })?;
    let outcome = match ran(&campaign.plan) {
        Ok(()) => new_run(&History::of(store.clone())?, &boot, &known).ok_or_else(|| {
            format!(
                "the command left no whole run of this boot in the store; it must measure with --out {}",
                store.root().display()
            )
        }),
        Err(why) => Err(why),
    };
    match outcome {
        Ok(run) => {
            campaign.note(Event::Measured { slot: slot.number, boot, run })?;
            show(store, campaign)
        }
        Err(why) => {
            campaign.note(Event::Failed { slot: slot.number, why: why.clone() })?;
            bail!("boot {} could not be measured: {why}", slot.number + 1)
        }
    }
}

/// Runs the command that measures. It inherits the lock, so that no step begins while it lives.
fn ran(plan: &Plan) -> Result<(), String> {
    let Some((program, arguments)) = plan.command.split_first() else {
        return Err("the campaign has no command".to_owned());
    };
    match Command::new(program).args(arguments).current_dir(&plan.folder).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{}` ended with {status}", plan.command.join(" "))),
        Err(error) => Err(format!("`{program}` could not be started: {error}")),
    }
}

fn status(json: bool, records: &Records) -> Result<Exit> {
    let store = store(records)?;
    let latest = || -> Result<Campaign> {
        let campaign = Campaign::all(&store)?.pop();
        campaign.with_context(|| {
            format!("there is no campaign in {}: `hostproof campaign start` begins one", store.root().display())
        })
    };
    let mut campaign = latest()?;
    // What a step that was stopped left counts from now on, as `next` would have it. While somebody measures, and for
    // whoever may not write to the store, the journal is shown as it is.
    if campaign.open_attempt().is_some()
        && let Ok(Some(_lock)) = Campaign::try_lock(&store)
    {
        campaign = latest()?;
        settle(&store, &mut campaign)?;
    }
    if json {
        print_json(&as_json(&store, &campaign)?)?;
        return Ok(Exit::Done);
    }
    show(&store, &campaign)
}

/// What is next, and what has to be done before it.
fn open(store: &Store, campaign: &Campaign) -> Result<Option<(Slot, Vec<String>)>> {
    let Some(slot) = campaign.next().filter(|_| !campaign.is_finished()) else { return Ok(None) };
    let host = Now::of(&campaign.plan)?;
    Ok(Some((slot, tasks(campaign, slot, &host, &History::of(store.clone())?)?)))
}

fn show(store: &Store, campaign: &Campaign) -> Result<Exit> {
    let measured = campaign.measured();
    let open_attempt = campaign.open_attempt().map(|(slot, ..)| slot);
    let next = open(store, campaign)?;
    let boot = |(number, side): (usize, Side)| CampaignBoot {
        side: side.name(),
        state: match measured.get(&number) {
            Some(_) => "measured",
            None if open_attempt == Some(number) => "began, and did not end yet",
            None if next.as_ref().is_some_and(|(slot, _)| slot.number == number) => "next",
            None => "",
        },
        run: measured.get(&number).copied().unwrap_or_default().to_owned(),
    };
    let boots: Vec<CampaignBoot> = campaign.plan.sides().into_iter().enumerate().map(boot).collect();
    let mut text = report::compare::campaign(&campaign.id, &boots, look());
    let failed = campaign.failures().count();
    text += &format!("{} attempts, {failed} of them failed\n", campaign.attempts());
    for (slot, why) in campaign.failures() {
        text += &format!("  boot {}: {}\n", slot + 1, report::terminal::clean(why));
    }
    text += &match next {
        _ if campaign.is_finished() => "finished".to_owned(),
        None => "every boot is measured: `hostproof campaign finish` compares them and ends the campaign".to_owned(),
        Some((_, tasks)) if tasks.is_empty() => "this boot is the next one: hostproof campaign next".to_owned(),
        Some((slot, tasks)) => to_do(campaign, slot, &tasks),
    };
    print(&text)?;
    Ok(Exit::Done)
}

fn as_json(store: &Store, campaign: &Campaign) -> Result<Value> {
    let next = open(store, campaign)?.map(|(slot, tasks)| {
        json!({
            "boot": slot.number, "side": slot.side.name(), "conditions": campaign.plan.conditions(slot.side), "tasks": tasks,
        })
    });
    Ok(json!({
        "id": campaign.id, "plan": campaign.plan, "measured": campaign.measured(), "attempts": campaign.attempts(),
        "failures": campaign.failures().map(|(slot, why)| json!({"boot": slot, "why": why})).collect::<Vec<_>>(),
        "finished": campaign.is_finished(), "next": next,
    }))
}

fn finish(abandon: bool, view: &View) -> Result<Exit> {
    let store = store(&view.records)?;
    trusted(&running(&store)?)?;
    let _lock = lock(&store)?;
    let mut campaign = running(&store)?;
    trusted(&campaign)?;
    let history = settle(&store, &mut campaign)?;
    if abandon {
        end(&store, &mut campaign)?;
        print(&format!("{} ended without a verdict; its runs stay in the store", campaign.id))?;
        return Ok(Exit::Done);
    }
    let (done, all) = (campaign.measured().len(), campaign.plan.sides().len());
    ensure!(
        done == all,
        "{done} of {all} boots are measured: go on with `hostproof campaign next`, or end the campaign without a verdict by --abandon"
    );
    let (before, after) = (runs(&history, &campaign, Side::Before)?, runs(&history, &campaign, Side::After)?);
    if campaign.plan.within_boot {
        let newest = after.last().context("no run is measured")?;
        let tolerances = tolerances(newest, view.spec.as_deref())?;
        let exit = compare::within_boot(&history, (&before, &after), &tolerances, view.json)?;
        end(&store, &mut campaign)?;
        return Ok(exit);
    }
    let order = if campaign.plan.order.is_paired() {
        verdict::compare::Order::Paired
    } else {
        verdict::compare::Order::Separate
    };
    let answer = history.compare((&before, &after), order, view.spec.as_deref())?;
    // The campaign ends only after its verdict was shown: a kill until then leaves it to be finished again.
    let exit = compare::show(&answer, false, view.json)?;
    end(&store, &mut campaign)?;
    Ok(exit)
}

/// The runs of a side in the order of their boots.
fn runs<'a>(history: &'a History, campaign: &Campaign, side: Side) -> Result<Vec<&'a Listed>> {
    let find = |id: String| {
        let run = history.runs.iter().find(|run| run.digest.id == id);
        run.with_context(|| format!("the run {id} of this campaign is no longer in the store"))
    };
    campaign.runs(side).into_iter().map(find).collect()
}

/// Tags the runs with the campaign and their side, takes the unit away, and notes the end.
fn end(store: &Store, campaign: &mut Campaign) -> Result<()> {
    let annotations = Annotations::at(store.root());
    for side in [Side::Before, Side::After] {
        for run in campaign.runs(side) {
            annotations.add(&Annotation::Tag { run, tag: format!("{}:{}", campaign.id, side.name()) })?;
        }
    }
    if let Some(folder) = &campaign.plan.unit_dir {
        systemd_unit::remove(Unit::Campaign, Path::new(folder))?;
    }
    campaign.note(Event::Finished { at: now()?.to_string() })?;
    Ok(())
}
