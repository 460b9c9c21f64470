//! What other numbers of workers would take: a replay of the tasks with the seconds that they were measured to take.
//!
//! A worker that is free begins the first task of the plan that waits for nothing (list scheduling, as Dask does it by
//! priorities); each task costs what the scheduler was waited for, and all of them no less than their bytes take the
//! shared folder. That a task takes longer where more workers share memory or storage is not in it, but by that bound.

use std::collections::BTreeMap;

use super::account::TaskReport;
use super::report::Report;

/// What the shared folder gives all workers together, in bytes a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Folder {
    /// To readers.
    pub read: f64,
    /// To writers.
    pub write: f64,
}

/// A task with those before it, by their places, and its seconds.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    after: Vec<usize>,
    seconds: f64,
}

/// A run that can be replayed on any number of workers.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    steps: Vec<Step>,
    /// Seconds that a slot waits for the scheduler before each task.
    wait: f64,
    /// Tasks that a worker does at a time.
    slots: usize,
    /// Seconds that the tasks' bytes take the shared folder.
    least: f64,
    /// Seconds of saving, which no worker takes part in.
    save: f64,
}

impl Model {
    /// Of a run, and of the folder that it was on, where that was measured.
    #[must_use]
    pub fn of(report: &Report, folder: Option<Folder>) -> Model {
        let sum = |bytes: fn(&super::KindReport) -> u64| report.kinds.iter().map(bytes).sum::<u64>() as f64;
        // Readers and writers at the same time may each have their full rate: so not the sum.
        let least = |folder: Folder| {
            (sum(|kind| kind.read_bytes) / folder.read).max(sum(|kind| kind.written_bytes) / folder.write)
        };
        let slots: usize = report.workers.iter().map(|worker| worker.slots).sum();
        Model {
            steps: steps(&report.done),
            wait: report.split.waiting_for_scheduler / report.done.len().max(1) as f64,
            slots: (slots / report.workers.len().max(1)).max(1),
            least: folder.map_or(0.0, least),
            save: report.save_seconds,
        }
    }

    /// Seconds that so many workers would take.
    #[must_use]
    pub fn seconds(&self, workers: usize) -> f64 {
        self.replay(workers.max(1) * self.slots).max(self.least) + self.save
    }

    /// Seconds below which no number of workers comes.
    #[must_use]
    pub fn least(&self) -> f64 {
        self.seconds(self.steps.len().max(1))
    }

    /// Tasks of it.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.steps.len()
    }

    /// Seconds that each of them waits for the scheduler.
    #[must_use]
    pub fn wait(&self) -> f64 {
        self.wait
    }

    /// When the last task ends where so many are done at a time.
    fn replay(&self, slots: usize) -> f64 {
        let mut left: Vec<usize> = self.steps.iter().map(|step| step.after.len()).collect();
        let mut behind = vec![Vec::new(); self.steps.len()];
        for (task, step) in self.steps.iter().enumerate() {
            step.after.iter().for_each(|&before| behind[before].push(task));
        }
        let mut has_begun = vec![false; self.steps.len()];
        let mut running: Vec<(f64, usize)> = Vec::new();
        let mut now = 0.0;
        loop {
            for (task, step) in self.steps.iter().enumerate() {
                if running.len() < slots && !has_begun[task] && left[task] == 0 {
                    has_begun[task] = true;
                    running.push((now + self.wait + step.seconds, task));
                }
            }
            let next = running.iter().enumerate().min_by(|(_, one), (_, other)| one.0.total_cmp(&other.0));
            let Some((at, &(end, ended))) = next else { return now };
            running.swap_remove(at);
            now = end;
            behind[ended].iter().for_each(|&task: &usize| left[task] -= 1);
        }
    }
}

/// The tasks by their places; of those before one that are none of them nothing is waited for.
fn steps(tasks: &[TaskReport]) -> Vec<Step> {
    let places: BTreeMap<&str, usize> =
        tasks.iter().enumerate().map(|(place, task)| (task.id.as_str(), place)).collect();
    let step = |task: &TaskReport| Step {
        after: task.after.iter().filter_map(|id| places.get(id.as_str()).copied()).collect(),
        seconds: (task.end - task.start).max(0.0),
    };
    tasks.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A task that waits for nothing.
    const NOTHING: &[usize] = &[];

    fn model(tasks: &[(f64, &[usize])]) -> Model {
        let steps = tasks.iter().map(|&(seconds, after)| Step { after: after.to_vec(), seconds }).collect();
        Model { steps, wait: 0.0, slots: 1, least: 0.0, save: 0.0 }
    }

    fn check(model: &Model, expect: &[(usize, f64)]) {
        for &(workers, seconds) in expect {
            let told = model.seconds(workers);
            assert!((told - seconds).abs() < 1e-9, "{workers} workers: {told}, {seconds} expected; {model:?}");
        }
    }

    #[test]
    fn independent_tasks_scale_and_a_chain_does_not() {
        check(&model(&[(1.0, NOTHING); 8]), &[(1, 8.0), (2, 4.0), (4, 2.0), (8, 1.0), (64, 1.0)]);
        check(&model(&[(1.0, &[]), (1.0, &[0]), (1.0, &[1])]), &[(1, 3.0), (2, 3.0), (64, 3.0)]);
    }

    #[test]
    fn the_longest_way_and_the_last_task_bound_what_workers_gain() {
        // Four of a second, one behind all of them that takes two, and four behind that.
        let all: [(f64, &[usize]); 9] = [
            (1.0, &[]),
            (1.0, &[]),
            (1.0, &[]),
            (1.0, &[]),
            (2.0, &[0, 1, 2, 3]),
            (1.0, &[4]),
            (1.0, &[4]),
            (1.0, &[4]),
            (1.0, &[4]),
        ];
        let one = model(&all);
        check(&one, &[(1, 10.0), (2, 6.0), (3, 6.0), (4, 4.0), (64, 4.0)]);
        assert!((one.least() - 4.0).abs() < 1e-9);
        // Three workers have five tasks of a second: the last two wait.
        check(&model(&[(1.0, NOTHING); 5]), &[(3, 2.0), (5, 1.0)]);
    }

    #[test]
    fn tasks_begin_in_the_order_of_the_plan() {
        // The long one stands last, and is begun last although it is ready at once.
        check(&model(&[(1.0, &[]), (1.0, &[]), (5.0, &[])]), &[(2, 6.0), (3, 5.0)]);
    }

    #[test]
    fn the_scheduler_the_folder_and_the_saving_cost_what_they_cost() {
        let plain = model(&[(1.0, NOTHING); 4]);
        check(&Model { wait: 0.5, ..plain.clone() }, &[(1, 6.0), (4, 1.5)]);
        check(&Model { least: 3.0, ..plain.clone() }, &[(1, 4.0), (2, 3.0), (64, 3.0)]);
        check(&Model { save: 2.0, least: 3.0, ..plain.clone() }, &[(1, 6.0), (64, 5.0)]);
        check(&Model { slots: 2, ..plain }, &[(1, 2.0), (2, 1.0)]);
    }

    #[test]
    fn a_model_has_the_seconds_of_each_task_and_what_is_before_it() {
        let task = |id: &str, after: &[&str], start, end| TaskReport {
            id: id.to_owned(),
            after: after.iter().map(|&id| id.to_owned()).collect(),
            worker: "one".to_owned(),
            start,
            end,
        };
        let tasks = [task("a", &["gone"], 1.0, 3.0), task("b", &[], 1.0, 1.5), task("c", &["a", "b"], 4.0, 8.0)];
        let step = |after: &[usize], seconds| Step { after: after.to_vec(), seconds };
        assert_eq!(steps(&tasks), [step(&[], 2.0), step(&[], 0.5), step(&[0, 1], 4.0)]);
    }
}
