//! A campaign: boots before and after an update in a fixed order, over reboots and power cuts.
//!
//! Its state is a journal in the store, and nothing else: what is to be done next follows from the entries. Every attempt
//! has an entry before it measures and one after it, so that one that a power cut took is known, counted, and kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::journal::Journal;
use crate::{Error, Store};

const FOLDER: &str = "campaigns";
const LOCK: &str = "lock";

/// Before or after the update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The firmware that was there.
    Before,
    /// The firmware that is tried.
    After,
}

impl Side {
    /// `before` or `after`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Side::Before => "before",
            Side::After => "after",
        }
    }
}

/// In which order the boots are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Order {
    /// Before, after, after, before, …: pairs of neighbours in turning order, so that a slow drift of the host (heat, wear,
    /// season) falls on both sides alike.
    Abba,
    /// All before, then all after: one update only, and a drift is taken for its effect.
    Aabb,
}

impl Order {
    /// Whether the i-th boots of both sides are neighbours.
    #[must_use]
    pub fn is_paired(self) -> bool {
        self == Order::Abba
    }
}

/// What a campaign is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The host.
    pub host: String,
    /// Boots on each side.
    pub boots: u32,
    /// In which order.
    pub order: Order,
    /// Whether all runs are made in one boot, in which `boots` are the runs on each side.
    #[serde(default)]
    pub within_boot: bool,
    /// What the host must have before, such as `bios=1.2`.
    pub before: Vec<String>,
    /// What it must have after.
    pub after: Vec<String>,
    /// The command that measures a boot.
    pub command: Vec<String>,
    /// The folder in which it runs.
    pub folder: String,
    /// Where the host's `/proc` and `/sys` are.
    pub root: String,
    /// The folder of systemd's units, where one is installed.
    pub unit_dir: Option<String>,
    /// When it was started, in RFC 3339.
    pub at: String,
}

impl Plan {
    /// The sides of all boots in their order.
    #[must_use]
    pub fn sides(&self) -> Vec<Side> {
        let pair = |block: u32| {
            if block.is_multiple_of(2) { [Side::Before, Side::After] } else { [Side::After, Side::Before] }
        };
        match self.order {
            Order::Abba => (0..self.boots).flat_map(pair).collect(),
            Order::Aabb => [Side::Before, Side::After]
                .into_iter()
                .flat_map(|side| std::iter::repeat_n(side, self.boots as usize))
                .collect(),
        }
    }

    /// What the host must have on a side.
    #[must_use]
    pub fn conditions(&self, side: Side) -> &[String] {
        match side {
            Side::Before => &self.before,
            Side::After => &self.after,
        }
    }
}

/// An entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The campaign began.
    Started(Plan),
    /// A boot is being measured.
    Begun {
        /// Which boot of the plan, from 0.
        slot: usize,
        /// The kernel's id of it.
        boot: String,
        /// Ids of the runs of this boot that were there before.
        known: BTreeSet<String>,
    },
    /// It was measured.
    Measured {
        /// Which boot of the plan.
        slot: usize,
        /// The kernel's id of it.
        boot: String,
        /// The run.
        run: String,
    },
    /// It could not be measured.
    Failed {
        /// Which boot of the plan.
        slot: usize,
        /// Why.
        why: String,
    },
    /// The campaign ended.
    Finished {
        /// When, in RFC 3339.
        at: String,
    },
}

/// A campaign with all that happened in it.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Its id.
    pub id: String,
    /// What it is to do.
    pub plan: Plan,
    events: Vec<Event>,
    journal: Journal,
}

/// A boot of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its number, from 0.
    pub number: usize,
    /// On which side it is.
    pub side: Side,
}

impl Campaign {
    /// Starts a campaign, called `id` or, where there is one of that name, `id-2`; a store has one at a time.
    pub fn start(store: &Store, id: &str, plan: Plan) -> Result<Campaign, Error> {
        if let Some(running) = Campaign::running(store)? {
            return Err(Error::Campaign(format!("campaign {} is not finished yet: finish it first", running.id)));
        }
        if plan.boots < 2 {
            return Err(Error::Campaign("a campaign needs two boots on each side; five are usual".to_owned()));
        }
        let folder = store.root().join(FOLDER);
        let (mut name, mut number) = (id.to_owned(), 1);
        while folder.join(format!("{name}.jsonl")).exists() {
            number += 1;
            name = format!("{id}-{number}");
        }
        let journal = Journal::at(&folder.join(format!("{name}.jsonl")));
        journal.append(&Event::Started(plan.clone()))?;
        Ok(Campaign { id: name, plan: plan.clone(), events: vec![Event::Started(plan)], journal })
    }

    /// The campaign that is not finished yet.
    pub fn running(store: &Store) -> Result<Option<Campaign>, Error> {
        Ok(Campaign::all(store)?.into_iter().rfind(|campaign| !campaign.is_finished()))
    }

    /// All campaigns of a store, the oldest first.
    pub fn all(store: &Store) -> Result<Vec<Campaign>, Error> {
        let folder = store.root().join(FOLDER);
        let mut ids = Vec::new();
        if folder.is_dir() {
            let fail = |source| Error::Io { doing: "list", path: folder.clone(), source };
            for entry in fs::read_dir(&folder).map_err(fail)? {
                let entry = entry.map_err(fail)?;
                // In a store of an earlier version a host may be called like this folder, and a run like a journal.
                if !entry.path().is_file() {
                    continue;
                }
                let name = entry.file_name();
                ids.extend(name.to_str().and_then(|name| name.strip_suffix(".jsonl")).map(str::to_owned));
            }
        }
        ids.sort();
        let opened: Result<Vec<Option<Campaign>>, Error> = ids.iter().map(|id| Campaign::open(&folder, id)).collect();
        Ok(opened?.into_iter().flatten().collect())
    }

    /// `None` of a journal whose first entry was never written whole.
    fn open(folder: &Path, id: &str) -> Result<Option<Campaign>, Error> {
        let journal = Journal::at(&folder.join(format!("{id}.jsonl")));
        let events: Vec<Event> = journal.read()?;
        match events.first() {
            Some(Event::Started(plan)) => Ok(Some(Campaign { id: id.to_owned(), plan: plan.clone(), events, journal })),
            Some(_) => Err(Error::RecordLine {
                path: journal.path().to_owned(),
                line: 1,
                what: "a campaign begins with its plan".to_owned(),
            }),
            None => Ok(None),
        }
    }

    /// The journal that is its state.
    #[must_use]
    pub fn journal(&self) -> &Path {
        self.journal.path()
    }

    /// Notes what happened. It is on the disk when this returns.
    pub fn note(&mut self, event: Event) -> Result<(), Error> {
        self.journal.append(&event)?;
        self.events.push(event);
        Ok(())
    }

    /// Takes the right to make a step. Whoever inherits the file, as a command that measures does, keeps the right as long
    /// as it lives; until then this waits, and says so first through `wait`.
    pub fn lock(store: &Store, wait: impl FnOnce()) -> Result<File, Error> {
        let (file, taken) = Campaign::lock_file(store)?;
        if !taken {
            wait();
            let path = store.root().join(FOLDER).join(LOCK);
            file.lock().map_err(|source| Error::Io { doing: "lock", path, source })?;
        }
        Ok(file)
    }

    /// The same without waiting: `None` while somebody has the right.
    pub fn try_lock(store: &Store) -> Result<Option<File>, Error> {
        let (file, taken) = Campaign::lock_file(store)?;
        Ok(taken.then_some(file))
    }

    /// The file of the lock, and whether it was free and is taken now.
    fn lock_file(store: &Store) -> Result<(File, bool), Error> {
        let path = store.root().join(FOLDER).join(LOCK);
        let fail = |doing| {
            let path = path.clone();
            move |source| Error::Io { doing, path, source }
        };
        let file = File::options().append(true).create(true).open(&path).map_err(fail("open"))?;
        let taken = file.try_lock().is_ok();
        // Files are closed in a new program unless they are told to stay.
        rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty())
            .map_err(|errno| fail("keep open")(errno.into()))?;
        Ok((file, taken))
    }

    /// Whether it was finished.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Finished { .. }))
    }

    /// The run of each boot of the plan that was measured.
    #[must_use]
    pub fn measured(&self) -> BTreeMap<usize, &str> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Measured { slot, run, .. } => Some((*slot, run.as_str())),
                _ => None,
            })
            .collect()
    }

    /// The next boot of the plan; `None` where all are measured.
    #[must_use]
    pub fn next(&self) -> Option<Slot> {
        let measured = self.measured();
        let mut slots = self.plan.sides().into_iter().enumerate();
        slots.find(|(number, _)| !measured.contains_key(number)).map(|(number, side)| Slot { number, side })
    }

    /// An attempt that began and of which nothing more is known: its boot of the plan, the kernel's id of the boot, and
    /// the runs that were there before.
    #[must_use]
    pub fn open_attempt(&self) -> Option<(usize, &str, &BTreeSet<String>)> {
        match self.events.last() {
            Some(Event::Begun { slot, boot, known }) => Some((*slot, boot, known)),
            _ => None,
        }
    }

    /// Whether the kernel's boot has been measured already: every boot of the plan needs one of its own.
    #[must_use]
    pub fn used(&self, boot: &str) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Measured { boot: used, .. } if used == boot))
    }

    /// The kernel's boot in which the first run was measured.
    #[must_use]
    pub fn first_boot(&self) -> Option<&str> {
        self.events.iter().find_map(|event| match event {
            Event::Measured { boot, .. } => Some(boot.as_str()),
            _ => None,
        })
    }

    /// How many attempts were made, whatever came of them.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::Begun { .. })).count()
    }

    /// Why attempts failed.
    pub fn failures(&self) -> impl Iterator<Item = (usize, &str)> {
        self.events.iter().filter_map(|event| match event {
            Event::Failed { slot, why } => Some((*slot, why.as_str())),
            _ => None,
        })
    }

    /// The runs of a side in the order of their boots.
    #[must_use]
    pub fn runs(&self, side: Side) -> Vec<String> {
        let sides = self.plan.sides();
        let of_side = |(slot, run): (usize, &str)| (sides.get(slot) == Some(&side)).then(|| run.to_owned());
        self.measured().into_iter().filter_map(of_side).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(order: Order) -> Plan {
        Plan {
            host: "h".into(),
            boots: 3,
            order,
            within_boot: false,
            before: vec!["bios=1".into()],
            after: vec!["bios=2".into()],
            command: vec![],
            folder: "/".into(),
            root: "/".into(),
            unit_dir: None,
            at: "2026-07-01T00:00:00Z".into(),
        }
    }

    fn measured(slot: usize) -> Event {
        Event::Measured { slot, boot: format!("boot{slot}"), run: format!("run{slot}") }
    }

    #[test]
    fn the_order_turns_in_every_pair() {
        let letters = |order| -> String {
            plan(order).sides().iter().map(|side| if *side == Side::Before { 'A' } else { 'B' }).collect()
        };
        assert_eq!((letters(Order::Abba).as_str(), letters(Order::Aabb).as_str()), ("ABBAAB", "AAABBB"));
    }

    #[test]
    fn a_campaign_goes_on_from_whatever_its_journal_holds() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        let mut campaign = Campaign::start(&store, "c1", plan(Order::Abba)).unwrap();
        for slot in 0..6 {
            assert_eq!(campaign.next().unwrap().number, slot);
            let boot = format!("boot{slot}");
            campaign.note(Event::Begun { slot, boot: boot.clone(), known: BTreeSet::new() }).unwrap();
            assert_eq!(campaign.open_attempt().map(|(slot, ..)| slot), Some(slot));
            campaign.note(measured(slot)).unwrap();
            assert!(campaign.used(&boot) && campaign.open_attempt().is_none());
        }
        assert_eq!(campaign.next(), None);
        assert_eq!(campaign.runs(Side::Before), ["run0", "run3", "run4"]);
        assert_eq!(campaign.runs(Side::After), ["run1", "run2", "run5"]);
        let file = dir.path().join("campaigns/c1.jsonl");
        let bytes = fs::read(&file).unwrap();
        let mut last = 0;
        for end in 0..=bytes.len() {
            fs::write(&file, &bytes[..end]).unwrap();
            let Some(campaign) = Campaign::running(&store).unwrap() else {
                assert_eq!(last, 0, "lost at {end}");
                continue;
            };
            let now = campaign.measured().len();
            assert!(now >= last && campaign.attempts() - now <= 1, "at {end}");
            last = now;
        }
        assert_eq!(last, 6);
    }

    #[test]
    fn one_campaign_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        assert!(Campaign::running(&store).unwrap().is_none());
        let mut first = Campaign::start(&store, "c1", plan(Order::Abba)).unwrap();
        let error = Campaign::start(&store, "c2", plan(Order::Abba)).unwrap_err().to_string();
        assert!(error.contains("c1 is not finished"), "{error}");
        first.note(Event::Failed { slot: 0, why: "no disk".into() }).unwrap();
        first.note(Event::Finished { at: String::new() }).unwrap();
        assert!(Campaign::start(&store, "c2", Plan { boots: 1, ..plan(Order::Aabb) }).is_err());
        Campaign::start(&store, "c1", plan(Order::Aabb)).unwrap();
        let all = Campaign::all(&store).unwrap();
        assert_eq!(all.iter().map(|campaign| campaign.id.as_str()).collect::<Vec<_>>(), ["c1", "c1-2"]);
        assert_eq!(all[0].failures().collect::<Vec<_>>(), [(0, "no disk")]);
    }
}
