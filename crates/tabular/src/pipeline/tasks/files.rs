//! Which files tasks read and write.

use super::plan::{Kind, Plan, Task, VOCABULARIES};

/// The folder in the work folder for what tasks hand on to one another.
pub(super) const TASKS: &str = "tasks";

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holds {
    /// Statistics of a scan, and the values of each text column with their counts
    Statistics,
    /// The slot of each row's values
    Slots,
    /// Records by user
    Users,
    /// Records by item
    Items,
    /// Records by country and day
    Days,
    /// What a task hands on that writes one file
    All,
    /// Rows of the result
    Result,
}

/// A file of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    pub(super) kind: Kind,
    pub(super) part: usize,
    pub(super) holds: Holds,
}

impl Named {
    /// Its path in the work folder.
    pub(super) fn name(self) -> String {
        let id = self.kind.id(self.part);
        match self.holds {
            Holds::Statistics => format!("{TASKS}/{id}.statistics"),
            Holds::Slots => format!("{TASKS}/{id}.slots"),
            Holds::Users => format!("{TASKS}/{id}.t08"),
            Holds::Items => format!("{TASKS}/{id}.t09"),
            Holds::Days => format!("{TASKS}/{id}.t10"),
            Holds::All => format!("{TASKS}/{id}.words"),
            Holds::Result => format!("part-{:05}.parquet", self.part),
        }
    }
}

/// A file of a scan.
pub(super) fn scanned(part: usize, holds: Holds) -> Named {
    Named { kind: Kind::Scan, part, holds }
}

/// The file of a task that hands one on.
pub(super) fn all(kind: Kind, part: usize) -> Named {
    Named { kind, part, holds: Holds::All }
}

/// The file of a group with the records that a kind of task reads.
pub(super) fn records(group: usize, kind: Kind) -> Option<Named> {
    let holds = match kind {
        Kind::T08 => Holds::Users,
        Kind::T09 => Holds::Items,
        Kind::T10 => Holds::Days,
        Kind::Scan | Kind::Merge | Kind::Quantiles | Kind::Limits | Kind::Rows => return None,
    };
    Some(scanned(group, holds))
}

/// What a task writes.
pub(super) fn outputs(kind: Kind, part: usize) -> Vec<Named> {
    match kind {
        Kind::Scan => {
            let holds = [Holds::Users, Holds::Items, Holds::Days, Holds::Slots, Holds::Statistics];
            holds.map(|holds| scanned(part, holds)).to_vec()
        }
        Kind::Merge | Kind::Quantiles | Kind::Limits | Kind::T08 | Kind::T09 | Kind::T10 => vec![all(kind, part)],
        Kind::Rows => vec![Named { kind, part, holds: Holds::Result }],
    }
}

/// What a task reads of others.
pub(super) fn inputs(plan: &Plan, task: &Task) -> Vec<Named> {
    let groups = || 0..plan.groups.len();
    let of_scans = |holds: Holds| groups().map(|group| scanned(group, holds)).collect::<Vec<_>>();
    match task.kind {
        Kind::Scan => Vec::new(),
        Kind::Merge => of_scans(Holds::Statistics),
        Kind::Quantiles => vec![all(Kind::Merge, 0)],
        Kind::Limits => groups().map(|group| all(Kind::Quantiles, group)).chain([all(Kind::Merge, 0)]).collect(),
        Kind::T08 => of_scans(Holds::Users),
        Kind::T09 => of_scans(Holds::Items),
        Kind::T10 => [of_scans(Holds::Days), vec![all(Kind::Merge, VOCABULARIES)]].concat(),
        Kind::Rows => {
            let merged = (0..=VOCABULARIES).map(|part| all(Kind::Merge, part));
            let solved = [Kind::T08, Kind::T09, Kind::T10].into_iter();
            let solved = solved.flat_map(|kind| (0..plan.buckets).map(move |bucket| all(kind, bucket)));
            let own = [scanned(task.part, Holds::Slots), all(Kind::Limits, 0)];
            own.into_iter().chain(merged).chain(solved).collect()
        }
    }
}
