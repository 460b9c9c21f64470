//! The tasks of `bucketed` on two hosts: network namespaces of this one with names of their own, joined by a link and a folder.
//! Only root may make them; else it is said that nothing was tried.

#[path = "support/cluster.rs"]
mod cluster;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use cluster::{Case, Dask, Place, listening};

/// The hosts' addresses.
const ADDRESSES: [&str; 2] = ["10.77.0.1", "10.77.0.2"];
/// The name of the link on both hosts.
const LINK: &str = "hostproof";

/// Two hosts; gone with the test.
struct Hosts {
    namespaces: [String; 2],
}

impl Hosts {
    /// None where they cannot be made, which is said.
    fn new(test: &str) -> Option<Hosts> {
        let hosts = Hosts { namespaces: ["a", "b"].map(|end| format!("hostproof-{test}-{}{end}", std::process::id())) };
        let [a, b] = &hosts.namespaces;
        let words = |text: String| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let mut steps = vec![
            words(format!("netns add {a}")),
            words(format!("netns add {b}")),
            words(format!("link add {LINK} netns {a} type veth peer name {LINK} netns {b}")),
        ];
        for (namespace, address) in hosts.namespaces.iter().zip(ADDRESSES) {
            steps.push(words(format!("-n {namespace} address add {address}/24 dev {LINK}")));
            steps.push(words(format!("-n {namespace} link set {LINK} up")));
            steps.push(words(format!("-n {namespace} link set lo up")));
        }
        for step in &steps {
            let made = Command::new("ip").args(step).output();
            if !made.as_ref().is_ok_and(|output| output.status.success()) {
                println!("there are no two hosts: ip {}: {made:?}", step.join(" "));
                return None;
            }
        }
        Some(hosts)
    }

    /// Processes on the first or second one, each with a CPU of its own where there are two.
    fn place(&self, host: usize, first: &str) -> Place {
        let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let name = ["host-a", "host-b"][host];
        let script = format!("hostname {name}; {first} exec taskset -c {} \"$@\"", host % cpus);
        let before = ["ip", "netns", "exec", &self.namespaces[host], "unshare", "--uts", "--mount", "sh", "-c"];
        let before = before.into_iter().chain([script.as_str(), "sh"]).map(str::to_owned).collect();
        Place { before, address: ADDRESSES[host] }
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for namespace in &self.namespaces {
            let _ = Command::new("ip").args(["netns", "delete", namespace]).output();
        }
    }
}

/// A scheduler and a worker on the first host, and a worker on the second, which does something first.
fn start<'a>(case: &'a Case, hosts: &Hosts, first: &str) -> Option<Dask<'a>> {
    let mut dask = Dask::start_at(case, &hosts.place(0, ""), "")?;
    dask.add_worker_at(&hosts.place(0, ""), 0);
    dask.add_worker_at(&hosts.place(1, first), 1);
    for worker in ["worker-0.err", "worker-1.err"] {
        case.wait_for(worker, || {
            let said = std::fs::read_to_string(case.own(worker)).ok()?;
            said.contains("Registered to").then_some(())
        });
    }
    Some(dask)
}

#[test]
fn two_hosts_that_share_a_folder_give_the_result_of_one_process() {
    let case = Case::new();
    let alone = case.end(case.start(&[]));
    assert_eq!(alone.code, Some(0), "{}", alone.said);
    let expect = case.digests();
    let Some(hosts) = Hosts::new("share") else { return };
    let Some(dask) = start(&case, &hosts, "") else { return };
    let ended = dask.run_at(&hosts.place(0, ""), "", &[]);
    let report = ended.report();
    assert_eq!(case.digests(), expect);
    let workers = report["workers"].as_array().unwrap();
    let names: BTreeSet<_> = workers.iter().map(|worker| worker["host"].as_str().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(["host-a", "host-b"]), "{report}");
    let tasks: u64 = workers.iter().map(|worker| worker["tasks"].as_u64().unwrap()).sum();
    assert_eq!(Some(tasks), report["tasks"].as_u64(), "{report}");
    // Whoever did too little is named; nothing else is wrong with it.
    let why = report["why_not"].as_str().unwrap_or("did nothing");
    assert!(why.contains("CPU seconds") || why.contains("did nothing"), "{why}");
    case.nothing_runs_but(&dask.ids());
    drop(dask);
    case.nothing_is_left(&["result"]);
}

#[test]
fn a_host_that_does_not_share_the_folder_is_named() {
    let case = Case::new();
    let Some(hosts) = Hosts::new("other") else { return };
    let hide = format!("mount -t tmpfs none '{}' || exit 1;", case.path("").display());
    let Some(dask) = start(&case, &hosts, &hide) else { return };
    let ended = dask.run_at(&hosts.place(0, ""), "", &[]);
    ended.failed("worker own-1 on host-b does not see the work folder");
    drop(dask);
    case.nothing_is_left(&[]);
}

#[test]
fn a_link_that_goes_down_is_a_reason() {
    // On a host that is busy with other things, no task may end for so long before.
    for _ in 0..10 {
        let case = Case::new();
        let Some(hosts) = Hosts::new("down") else { return };
        let Some(dask) = start(&case, &hosts, "") else { return };
        let fault = format!("[ \"$kind\" = merge ] && once merge && ip link set {LINK} down && exec sleep 600");
        let ended = dask.run_at(&hosts.place(0, ""), &fault, &["--stall", "4"]);
        let is_down = case.own("once-merge").exists();
        let task = if is_down { "merge-" } else { "" };
        ended.failed(&format!("no task ended for 4 s; under way: {task}"));
        drop(dask);
        case.kill_all();
        case.nothing_is_left(&[]);
        if is_down {
            return;
        }
    }
    panic!("no run came to its merging");
}

#[test]
fn nothing_listens_on_a_host_but_at_its_address() {
    let case = Case::new();
    let Some(hosts) = Hosts::new("listen") else { return };
    let Some(dask) = start(&case, &hosts, "") else { return };
    let folder = format!("/proc/{}/net", dask.scheduler.id());
    let seen = listening(Path::new(&folder), &case.alive());
    // Scheduler and worker, and the HTTP of both.
    assert!(seen.len() >= 4, "{seen:?}");
    assert!(seen.iter().all(|at| at.starts_with("0100007F:") || at.starts_with("01004D0A:")), "{seen:?}");
}
