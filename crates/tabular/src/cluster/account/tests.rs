use super::*;

fn worker(name: &str, slots: usize, cpus: &[u32]) -> Event {
    let (host, build) = ("node1".to_owned(), "0.1.0".to_owned());
    let facts = HostFacts { numa_nodes: 1, ..HostFacts::default() };
    Event::Worker { name: name.to_owned(), host, build, slots, cpus: cpus.to_vec(), facts }
}

fn started(task: &str, worker: &str, at: f64) -> Event {
    Event::Started { task: task.to_owned(), worker: worker.to_owned(), at }
}

fn ended(task: &str, worker: &str, at: f64, cpu_seconds: f64) -> Event {
    let figures = Figures {
        id: task.to_owned(),
        kind: Kind::Scan,
        rows: 10,
        read_bytes: 5,
        written_bytes: 7,
        seconds: cpu_seconds,
        cpu_seconds,
        peak_bytes: Some(100),
        host: "node1".to_owned(),
        cpus: vec![0],
        build: "0.1.0".to_owned(),
        already: cpu_seconds == 0.0,
    };
    Event::Ended { task: task.to_owned(), worker: worker.to_owned(), at, figures: Said::Task(figures) }
}

/// Two tasks and one behind both.
fn account(events: &[Event]) -> Account {
    let node = |id: &str, after: &[&str]| Handed {
        id: id.to_owned(),
        after: after.iter().map(|&id| id.to_owned()).collect(),
        on: None,
    };
    let mut account = Account::of(&[node("a", &[]), node("b", &[]), node("c", &["a", "b"])], 0);
    for event in events {
        account.note(event);
    }
    account
}

#[test]
fn time_goes_to_tasks_scheduler_other_tasks_and_the_last() {
    let account = account(&[
        worker("one", 1, &[0]),
        worker("two", 1, &[1]),
        // `b` could have begun at once, and waits a second for the scheduler.
        started("a", "one", 0.0),
        started("b", "two", 1.0),
        ended("a", "one", 3.0, 2.5),
        // From here `one` waits for `b`.
        ended("b", "two", 6.0, 4.0),
        // Half a second of both for the scheduler of which only one slot could have worked; then `two` has nothing left.
        started("c", "one", 6.5),
        ended("c", "one", 8.5, 1.0),
    ]);
    let split = account.split();
    assert_eq!(split, Split { running: 10.0, waiting_for_scheduler: 1.5, waiting_for_tasks: 3.5, tail: 2.0 });
    let all = split.running + split.waiting_for_scheduler + split.waiting_for_tasks + split.tail;
    assert_eq!((all, account.seconds(), account.done()), (2.0 * 8.5, 8.5, 3));
    let workers = account.workers();
    let told: Vec<_> = workers.iter().map(|one| (one.tasks, one.cpu_seconds, one.idle_seconds, one.rows)).collect();
    assert_eq!(told, [(2, 3.5, 3.5, 20), (1, 4.0, 3.5, 10)]);
    assert_eq!((workers[0].read_bytes, workers[0].written_bytes, workers[0].peak_bytes), (10, 14, Some(100)));
    let tasks: Vec<_> = account.tasks().into_iter().map(|task| (task.id, task.worker, task.start, task.end)).collect();
    let expect = [("a", "one", 0.0, 3.0), ("b", "two", 1.0, 6.0), ("c", "one", 6.5, 8.5)];
    assert_eq!(tasks, expect.map(|(id, worker, start, end)| (id.to_owned(), worker.to_owned(), start, end)));
    let [kind] = &account.kinds()[..] else { panic!("one kind") };
    assert_eq!((kind.kind.as_str(), kind.tasks, kind.wall_seconds, kind.cpu_seconds), ("scan", 3, 8.5, 7.5));
    assert_eq!(not_distributed(&workers, account.already), None);
}

#[test]
fn what_a_lost_worker_had_under_way_has_ended_and_what_is_asked_for_again_counts_once() {
    let lost = Event::Lost { worker: "one".to_owned(), at: 4.0 };
    let mut account = account(&[
        worker("one", 1, &[0]),
        worker("two", 1, &[1]),
        started("a", "one", 0.0),
        ended("a", "one", 2.0, 2.0),
        started("b", "one", 2.0),
        lost,
        started("a", "two", 4.0),
        ended("a", "two", 4.5, 0.0),
        started("b", "two", 4.5),
        ended("b", "two", 6.5, 2.0),
    ]);
    assert_eq!(account.under_way(), "under way: c not begun");
    account.note(&started("c", "two", 6.5));
    assert_eq!(account.under_way(), "under way: c on two");
    let workers = account.workers();
    assert_eq!(workers.iter().map(|one| (one.tasks, one.lost)).collect::<Vec<_>>(), [(1, true), (1, false)]);
    assert_eq!((account.done(), account.already), (2, 0));
    assert_eq!(not_distributed(&workers, 0).unwrap(), "worker one was lost");
}

#[test]
fn a_result_is_distributed_where_each_worker_did_its_part() {
    let check = |workers: &[(&str, usize, f64, &[u32])], already: usize, expect: Option<&str>| {
        let report = |&(name, tasks, cpu_seconds, cpus): &(&str, usize, f64, &[u32])| WorkerReport {
            name: name.to_owned(),
            host: "node1".to_owned(),
            cpus: cpus.to_vec(),
            tasks,
            cpu_seconds,
            ..WorkerReport::default()
        };
        let workers: Vec<_> = workers.iter().map(report).collect();
        assert_eq!(not_distributed(&workers, already).as_deref(), expect);
    };
    check(&[("a", 4, 8.0, &[0]), ("b", 4, 7.0, &[1])], 0, None);
    check(&[("a", 4, 8.0, &[0])], 0, Some("worker a was the only one"));
    check(&[("a", 4, 8.0, &[0]), ("b", 0, 0.0, &[1])], 0, Some("worker b did nothing"));
    check(&[("a", 4, 8.0, &[0]), ("b", 4, 7.0, &[1])], 3, Some("3 tasks had been done before"));
    check(&[("a", 4, 8.0, &[0, 1]), ("b", 4, 7.0, &[1])], 0, Some("workers share CPU 1 of node1"));
    let unequal = "worker b had 0.60 CPU seconds, 8 % of the mean of 7.85, and 25 % are wanted";
    check(&[("a", 9, 15.1, &[0]), ("b", 1, 0.6, &[1])], 0, Some(unequal));
}

#[test]
fn killed_processes_are_counted_and_their_time_is_time_of_the_worker() {
    let killed = Event::Killed { task: "a".to_owned(), worker: "one".to_owned(), at: 1.0, reason: "killed".to_owned() };
    let account = account(&[worker("one", 1, &[0]), started("a", "one", 0.0), killed, started("a", "one", 1.5)]);
    assert_eq!((account.killed, account.done()), (1, 0));
    assert_eq!(account.spans.len(), 1);
}
