//! Records of a fleet: read as far as a judgement asks for, by as many threads as there are CPUs, and judged.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::Result;
use measure::Run;
use record::{Chain, Store};
use spec::Target;
use spec::audit::Graded;
use verdict::Judgement;

use crate::locations::Specification;

/// A record of a node.
#[derive(Clone, Debug)]
pub(super) struct NodeRecord {
    path: PathBuf,
    /// What its bytes must have, where that was noted: then it was read as a whole before, and is read in part.
    sha256: Option<String>,
}

impl NodeRecord {
    /// The record that came for a node, as the fleet's journal notes it.
    pub(super) fn of_node(store: &Store, node: &str, run: &str, sha256: &str) -> Result<NodeRecord, record::Error> {
        // Where it belongs: whoever looks for thousands does not walk through the store for each.
        let place = store.place(node, run);
        let path = if place.is_file() { place } else { store.find(run)? };
        Ok(NodeRecord { path, sha256: Some(sha256.to_owned()) })
    }

    /// The record with nothing but its first line.
    pub(super) fn head(&self) -> Result<Run, record::Error> {
        record::head(&self.path)
    }
}

/// The records of a store that were sealed.
pub(super) struct SealedRecords {
    root: PathBuf,
    hashes: HashMap<(String, String), String>,
}

impl SealedRecords {
    pub(super) fn of(store: &Store) -> SealedRecords {
        // Of a chain that cannot be read nothing is known, and every record is read as a whole.
        let hashes = Chain::at(store.root()).hashes().unwrap_or_default();
        SealedRecords { root: store.root().to_owned(), hashes }
    }

    pub(super) fn record(&self, path: PathBuf) -> NodeRecord {
        let name = |folder: Option<&Path>| Some(folder?.file_name()?.to_str()?.to_owned());
        let (run, host) = (path.parent(), path.parent().and_then(Path::parent));
        let sealed = path.starts_with(&self.root).then(|| self.hashes.get(&(name(host)?, name(run)?))).flatten();
        NodeRecord { sha256: sealed.cloned(), path }
    }
}

/// A specification with its audit, once for all nodes.
pub(super) struct NodeJudge {
    pub(super) specification: Specification,
    graded: Vec<Graded>,
    companions: Vec<Target>,
    asked_for: BTreeSet<&'static str>,
}

impl NodeJudge {
    pub(super) fn of(specification: Specification) -> NodeJudge {
        let audit = spec::audit::audit(&specification.system, &specification.siblings);
        let companions = spec::companions(&specification.system, &audit);
        let asked_for = verdict::asked_for(&specification.system, &companions);
        NodeJudge { graded: audit.grades(), companions, asked_for, specification }
    }

    /// A record as far as it is judged.
    pub(super) fn read(&self, record: &NodeRecord) -> Result<Run, record::Error> {
        match &record.sha256 {
            Some(sha256) => record::read_sealed(&record.path, sha256, &|metric| self.asked_for.contains(metric)),
            None => record::read(&record.path),
        }
    }

    /// Whether a run was made for this specification.
    pub(super) fn is_of(&self, run: &Run) -> bool {
        let source = &self.specification.source;
        run.spec.id == source.id && run.spec.text == source.text
    }

    pub(super) fn judge(&self, last: &Run, earlier: &[&Run]) -> Judgement {
        verdict::judge_boots(last, earlier, &self.specification.system, &self.graded, &self.companions)
    }
}

/// Does something with the items in parts, one for each CPU, and gives what came of them in their order.
pub(super) fn in_parts<T: Sync, R: Send>(items: &[T], of: impl Fn(&[T]) -> Result<Vec<R>> + Sync) -> Result<Vec<R>> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let part = items.len().div_ceil(threads).max(1);
    let parts: Vec<Result<Vec<R>>> = thread::scope(|scope| {
        let workers: Vec<_> = items.chunks(part).map(|part| scope.spawn(|| of(part))).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, Result<Vec<R>>>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().map(join).collect()
    });
    Ok(parts.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_in_parts_stays_in_order_and_fails_as_a_whole() {
        for count in [0_u32, 1, 2, 3, 100] {
            let items: Vec<u32> = (0..count).collect();
            let doubled = in_parts(&items, |part| Ok(part.iter().map(|item| item * 2).collect())).unwrap();
            assert_eq!(doubled, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        }
        let failed = in_parts(&[1, 2, 3], |part| {
            anyhow::ensure!(!part.contains(&3), "three");
            Ok(part.to_vec())
        });
        assert_eq!(failed.unwrap_err().to_string(), "three");
    }
}
