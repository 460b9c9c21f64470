//! Driving with a launcher whose nodes are made up, killed before and after each of its calls.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use measure::{Build, Facts, Fingerprint, Profile, Run, SpecSource};
use record::Writer;

use super::*;
use crate::{FleetPlan, Via};

/// What is outside of the process, and outlives it.
#[derive(Default)]
struct World {
    begun: BTreeMap<String, Vec<u32>>,
    cancelled: Vec<String>,
    /// How many calls were made, and at which the process is killed.
    calls: usize,
    kill_at: Option<usize>,
    looks: BTreeMap<String, u32>,
    /// `sbatch` was not heard of the first time.
    deaf: BTreeSet<String>,
    drained: BTreeSet<String>,
}

struct Fake(Rc<RefCell<World>>);

impl Fake {
    /// Kills the process here, where this is the moment.
    fn moment(&self) {
        let mut world = self.0.borrow_mut();
        world.calls += 1;
        if world.kill_at == Some(world.calls) {
            drop(world);
            std::panic::resume_unwind(Box::new("killed"));
        }
    }
}

impl Launcher for Fake {
    fn unavailable(&mut self, nodes: &NodeSet) -> Result<BTreeMap<String, String>, Error> {
        self.moment();
        let world = self.0.borrow();
        let drained = nodes.names().iter().filter(|node| world.drained.contains(*node));
        Ok(drained.map(|node| (node.clone(), "drained".to_owned())).collect())
    }

    fn submit(&mut self, tries: &[OpenTry]) -> Vec<Result<String, Refused>> {
        let mut answers = Vec::new();
        for one in tries {
            self.moment();
            let job = {
                let mut world = self.0.borrow_mut();
                if one.node != "n6" {
                    world.begun.entry(one.node.clone()).or_default().push(one.attempt);
                }
                format!("job of {}", one.node)
            };
            self.moment();
            let deaf = self.0.borrow_mut().deaf.remove(&one.node);
            answers.push(match one.node.as_str() {
                _ if deaf => Err(Refused::Later("timed out".into())),
                "n6" => Err(Refused::No("no such account".into())),
                _ => Ok(job),
            });
        }
        answers
    }

    fn look(&mut self, tries: &[OpenTry]) -> Result<Vec<Look>, Error> {
        self.moment();
        let mut world = self.0.borrow_mut();
        let look = |one: &OpenTry| {
            if world.begun.get(&one.node).is_none_or(|begun| !begun.contains(&one.attempt)) {
                return Look { seen: Seen::Never, job: None };
            }
            let looks = world.looks.entry(one.node.clone()).or_default();
            *looks += 1;
            let seen = match (one.node.as_str(), *looks) {
                ("stuck", _) => Seen::Pending,
                (_, 1) => Seen::Running,
                ("n3", _) => Seen::Ended(Some("NODE_FAIL".into())),
                _ => Seen::Ended(None),
            };
            Look { seen, job: Some(format!("job of {}", one.node)) }
        };
        Ok(tries.iter().map(look).collect())
    }

    fn fetch(&mut self, one: &OpenTry) -> Result<Option<PathBuf>, Error> {
        self.moment();
        let ending = match one.node.as_str() {
            "n3" => return Ok(None),
            "n5" => Ending::Interrupted,
            _ => Ending::Complete,
        };
        let file = one.place.join("run.jsonl");
        if !file.exists() {
            let node = if one.node == "n7" { "other" } else { &one.node };
            Writer::create(&file, &run(node, one.attempt)).unwrap().finish(ending).unwrap();
        }
        self.moment();
        Ok(Some(file))
    }

    fn cancel(&mut self, tries: &[OpenTry]) -> Result<(), Error> {
        self.moment();
        self.0.borrow_mut().cancelled.extend(tries.iter().map(|one| one.node.clone()));
        Ok(())
    }
}

fn run(node: &str, attempt: u32) -> Run {
    Run {
        id: format!("20260701T12000{attempt}Z-{:04x}", node.len()),
        started: "2026-07-01T12:00:00Z".into(),
        host: "vm".into(),
        node: Some(node.into()),
        boot_id: None,
        profile: Profile::Smoke,
        build: Build::default(),
        spec: SpecSource::default(),
        facts: Facts::default(),
        fingerprint: Fingerprint::default(),
        noise: BTreeMap::new(),
        attempts: Vec::new(),
        ending: Ending::Cut,
    }
}

fn plan(nodes: &str) -> FleetPlan {
    FleetPlan {
        nodes: nodes.parse::<NodeSet>().unwrap().names().to_vec(),
        via: Via::Slurm,
        program: String::new(),
        options: Vec::new(),
        specification: None,
        launcher: Vec::new(),
        seed: None,
        at: String::new(),
    }
}

const LIMITS: Limits = Limits { pending: 2, open: 3, pause: Duration::ZERO };

fn go_on(store: &Store, world: &Rc<RefCell<World>>) -> Result<FleetEnd, Error> {
    let mut fleet = FleetJournal::open(store, "f1").unwrap();
    let mut most = 0;
    let outcome =
        drive(&mut fleet, &mut Fake(Rc::clone(world)), store, LIMITS, &AtomicBool::new(false), &mut |fleet, _| {
            most = most.max(fleet.open_tries().len());
        });
    assert!(most <= LIMITS.open, "{most} at once");
    outcome
}

fn states(store: &Store) -> Vec<String> {
    let fleet = FleetJournal::open(store, "f1").unwrap();
    let state = |(node, state, attempts): (&str, NodeState, u32)| match state {
        NodeState::Measured { .. } => format!("{node} measured {attempts}"),
        NodeState::NoAnswer { why } => format!("{node} {why} {attempts}"),
        other => format!("{node} {other:?} {attempts}"),
    };
    fleet.nodes().into_iter().map(state).collect()
}

const EXPECT: [&str; 8] = [
    "n1 measured 1",
    "n2 drained 0",
    "n3 NODE_FAIL 1",
    "n4 measured 1",
    "n5 its record does not count: it was interrupted 1",
    "n6 no such account 1",
    "n7 its record does not count: it is of the node other 1",
    "n8 measured 1",
];

fn world() -> World {
    World { drained: ["n2".to_owned()].into(), deaf: ["n8".to_owned()].into(), ..World::default() }
}

#[test]
fn every_node_is_asked_once_whenever_the_launcher_is_killed() {
    let mut kill_at = 0;
    loop {
        kill_at += 1;
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        FleetJournal::begin(&store, "f1", plan("n[1-8]")).unwrap();
        let world = Rc::new(RefCell::new(World { kill_at: Some(kill_at), ..world() }));
        let killed = catch_unwind(AssertUnwindSafe(|| go_on(&store, &world))).is_err();
        assert_eq!(go_on(&store, &world).unwrap(), FleetEnd::Done);
        assert_eq!(states(&store), EXPECT, "killed at {kill_at}");
        let world = world.borrow();
        let twice = world.begun.values().filter(|begun| begun.len() > 1).count();
        assert_eq!((twice, store.list().unwrap().len()), (0, 3), "killed at {kill_at}");
        if !killed {
            break;
        }
    }
    assert!(kill_at > 30, "{kill_at}");
}

#[test]
fn a_node_is_asked_again_only_where_somebody_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path());
    let mut fleet = FleetJournal::begin(&store, "f1", plan("n1,n3")).unwrap();
    let world = Rc::new(RefCell::new(World::default()));
    for _ in 0..2 {
        assert_eq!(go_on(&store, &world).unwrap(), FleetEnd::Done);
        assert_eq!(states(&store), ["n1 measured 1", "n3 NODE_FAIL 1"]);
    }
    fleet.note(FleetEvent::Again { nodes: vec!["n3".into()] }).unwrap();
    assert_eq!(go_on(&store, &world).unwrap(), FleetEnd::Done);
    assert_eq!(states(&store), ["n1 measured 1", "n3 NODE_FAIL 2"]);
    assert_eq!(world.borrow().begun["n3"], [1, 2]);
}

#[test]
fn what_waits_for_drained_nodes_alone_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path());
    let mut fleet = FleetJournal::begin(&store, "f1", plan("stuck")).unwrap();
    fleet.note(FleetEvent::Asked { node: "stuck".into(), attempt: 1, at: 0 }).unwrap();
    let world = World {
        drained: ["stuck".to_owned()].into(),
        begun: [("stuck".to_owned(), vec![1])].into(),
        ..World::default()
    };
    let world = Rc::new(RefCell::new(world));
    assert_eq!(go_on(&store, &world).unwrap(), FleetEnd::Done);
    assert_eq!(states(&store), ["stuck while it waited: drained 1"]);
    assert_eq!(world.borrow().cancelled, ["stuck"]);
}

#[test]
fn a_fleet_that_is_stopped_asks_nobody_and_keeps_what_came() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path());
    let mut fleet = FleetJournal::begin(&store, "f1", plan("n1,stuck,n4")).unwrap();
    for node in ["n1", "stuck"] {
        fleet.note(FleetEvent::Asked { node: node.into(), attempt: 1, at: 0 }).unwrap();
    }
    fleet.note(FleetEvent::Stopped {}).unwrap();
    let begun = ["n1", "stuck"].map(|node| (node.to_owned(), vec![1]));
    let looks = [("n1".to_owned(), 1)].into();
    let world = Rc::new(RefCell::new(World { begun: begun.into(), looks, ..World::default() }));
    assert_eq!(go_on(&store, &world).unwrap(), FleetEnd::Stopped);
    assert_eq!(settle_stopped(&mut fleet, &mut Fake(Rc::clone(&world)), &store).unwrap(), (1, 1));
    assert_eq!(world.borrow().cancelled, ["stuck"]);
    assert_eq!(states(&store), ["n1 measured 1", "stuck the fleet was stopped 1", "n4 Waiting 0"]);
    fleet.note(FleetEvent::Continued {}).unwrap();
    assert_eq!(go_on(&store, &world).unwrap(), FleetEnd::Done);
    assert_eq!(states(&store)[2], "n4 measured 1");
}
