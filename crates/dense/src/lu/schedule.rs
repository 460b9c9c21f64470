//! Which worker does what: the steps of a factorisation as they become ready.
//!
//! Step s is: factor panel s; update panel s + 1 with it, alone (the *critical* unit, done by whoever factors panel
//! s + 1 next); update in each group what lies behind panel s + 1 (the *bulk* units). A group takes its bulk updates in
//! the order of the steps, so one counter tells how far it is. Columns left of a panel are never touched again: b is
//! carried along as the last column, so that L is not needed any more once it was applied.

use std::hint;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, TryLockError};
use std::thread;

use machine::Member;

use super::moves::Moves;
use super::panel::{self, NoPivot};
use super::plan::{DEPTH, Plan, padded};
use crate::Error;
use crate::blas::{Blas, View, ViewMut};

/// Spins before an idle worker offers its CPU to others, which matters only where workers share one.
const SPINS: u32 = 2000;

/// A factored panel in the memory of a node.
pub(super) struct Slot<'a> {
    data: &'a mut [f64],
    rows: usize,
    ld: usize,
    /// Rows exchanged, counted from the panel's first row.
    pivots: Vec<usize>,
    /// What these exchanges come to.
    moves: Moves,
}

/// What stays of a panel.
pub(super) struct Kept {
    /// The triangle of U on the diagonal, by columns.
    pub(super) upper: Vec<f64>,
    /// Rows exchanged, counted from the matrix's first row.
    pub(super) pivots: Vec<usize>,
}

/// A node's copies of the panels, and how many of them it has got so far.
struct Home<'a> {
    node: u32,
    slots: Vec<RwLock<Slot<'a>>>,
    fetched: AtomicUsize,
    fetching: AtomicBool,
}

/// The state of a factorisation that all workers share.
pub(super) struct Schedule<'a> {
    plan: Plan,
    blas: Blas,
    owners: &'a [u32],
    /// The columns of each group.
    groups: Vec<Mutex<&'a mut [f64]>>,
    /// For each group, the step whose bulk update it takes next.
    next: Vec<AtomicUsize>,
    homes: Vec<Home<'a>>,
    kept: Vec<Mutex<Kept>>,
    /// Panels that a worker has begun, and panels that are factored.
    begun: AtomicUsize,
    factored: AtomicUsize,
    /// The first column without a pivot, or `usize::MAX`.
    singular: AtomicUsize,
    /// Whether a worker panicked, so that the others must not wait for what it had begun.
    abandoned: AtomicBool,
    /// Floating-point operations of the updates done so far.
    flops: &'a AtomicU64,
}

impl<'a> Schedule<'a> {
    /// Prepares the factorisation of `matrix`, whose groups belong to the nodes `owners`. `panels` is space for
    /// [`DEPTH`] panels on each node of the team.
    pub(super) fn new(
        plan: Plan,
        blas: Blas,
        owners: &'a [u32],
        matrix: &'a mut [f64],
        panels: Vec<(u32, &'a mut [f64])>,
        flops: &'a AtomicU64,
    ) -> Self {
        let homes = panels.into_iter().map(|(node, space)| Home::new(&plan, node, space)).collect();
        let keep = |panel: usize| {
            let cols = plan.panel_columns(panel).len();
            Mutex::new(Kept { upper: vec![0.0; cols * cols], pivots: vec![0; cols] })
        };
        Schedule {
            plan,
            blas,
            owners,
            groups: matrix.chunks_mut(plan.group_stride()).map(Mutex::new).collect(),
            next: (0..plan.groups()).map(|_| AtomicUsize::new(0)).collect(),
            homes,
            kept: (0..plan.panels()).map(keep).collect(),
            begun: AtomicUsize::new(0),
            factored: AtomicUsize::new(0),
            singular: AtomicUsize::new(usize::MAX),
            abandoned: AtomicBool::new(false),
            flops,
        }
    }

    /// What was kept of the panels; an error if one had no pivot.
    pub(super) fn finish(self) -> Result<Vec<Kept>, Error> {
        match self.singular.into_inner() {
            usize::MAX => Ok(self.kept.into_iter().map(into_inner).collect()),
            column => Err(Error::Singular { column }),
        }
    }

    /// Elements that each worker needs room for.
    pub(super) fn room(plan: &Plan) -> usize {
        2 * plan.block()
    }

    /// The part of one worker: takes units until none is left for its node. `room` is as large as [`Schedule::room`] says.
    pub(super) fn work(&self, member: &Member<'_>, room: &mut [f64]) {
        let node = member.worker.node;
        let home = self.homes.iter().find(|home| home.node == node).expect("a home for each node of the team");
        let _abandon = Abandon(&self.abandoned);
        let mut idle = 0;
        while !self.stopped() && !self.done(node) {
            if self.critical(home, room) || self.fetch(home) || self.bulk(home, room) {
                idle = 0;
            } else {
                idle += 1;
                if idle % SPINS == 0 { thread::yield_now() } else { hint::spin_loop() }
            }
        }
    }

    fn stopped(&self) -> bool {
        self.singular.load(Ordering::Relaxed) != usize::MAX || self.abandoned.load(Ordering::Relaxed)
    }

    /// Whether nothing is left that a worker of this node has to do.
    fn done(&self, node: u32) -> bool {
        self.begun.load(Ordering::Relaxed) == self.plan.panels() && self.owned(node).all(|group| self.complete(group))
    }

    fn owned(&self, node: u32) -> impl Iterator<Item = usize> {
        (0..self.plan.groups()).filter(move |&group| self.owners[group] == node)
    }

    /// Whether a group has taken all its bulk updates.
    fn complete(&self, group: usize) -> bool {
        let next = self.next[group].load(Ordering::Acquire);
        next == self.plan.panels() || self.plan.bulk_columns(group, next).is_none()
    }

    /// Whether a group has taken the bulk update of a step, or has none of it.
    fn has_taken(&self, group: usize, step: usize) -> bool {
        self.next[group].load(Ordering::Acquire) > step || self.complete(group)
    }

    /// Brings the next panel up to date and factors it, if it is ready and of this node, and nobody has begun it.
    fn critical(&self, home: &Home<'_>, room: &mut [f64]) -> bool {
        let panel = self.factored.load(Ordering::Acquire);
        if panel == self.plan.panels() || self.begun.load(Ordering::Relaxed) != panel {
            return false;
        }
        let group = self.plan.group_of(panel);
        let ready = self.owners[group] == home.node
            && home.fetched.load(Ordering::Acquire) == panel
            && (panel < 2 || self.has_taken(group, panel - 2))
            && self.is_free(home, panel);
        if !ready {
            return false;
        }
        let Some(mut data) = try_lock(&self.groups[group]) else { return false };
        if self.begun.compare_exchange(panel, panel + 1, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            return false;
        }
        let mut slot = write(&home.slots[panel % DEPTH]);
        let columns = self.plan.panel_columns(panel);
        let first = self.plan.group_columns(group).start;
        let own = &mut data[(columns.start - first) * self.plan.ld()..];
        if let Some(step) = panel.checked_sub(1) {
            self.update(&read(&home.slots[step % DEPTH]), step, own, columns.len(), room);
        }
        slot.take(own, self.plan.ld(), columns.start..self.plan.order(), columns.len());
        drop(data); // others may go on with the group while the copy is factored
        match slot.factor(&self.blas) {
            Ok(()) => self.publish(home, panel, &slot),
            Err(NoPivot { column }) => self.singular.store(columns.start + column, Ordering::Release),
        }
        true
    }

    /// Keeps what the solution needs of a factored panel, and lets the others use it.
    fn publish(&self, home: &Home<'_>, panel: usize, slot: &Slot<'_>) {
        let columns = self.plan.panel_columns(panel);
        {
            let mut kept = self.kept[panel].lock().unwrap_or_else(PoisonError::into_inner);
            let kept = &mut *kept;
            for (row, (pivot, &found)) in kept.pivots.iter_mut().zip(&slot.pivots).enumerate() {
                *pivot = columns.start + found;
                kept.upper[row * columns.len()..][..columns.len()]
                    .copy_from_slice(&slot.data[row * slot.ld..][..columns.len()]);
            }
        }
        home.fetched.store(panel + 1, Ordering::Release);
        self.factored.store(panel + 1, Ordering::Release);
    }

    /// Whether the slot for a panel is no longer needed on this node, nor by others that have yet to copy from it.
    fn is_free(&self, home: &Home<'_>, panel: usize) -> bool {
        let Some(old) = panel.checked_sub(DEPTH) else { return true };
        self.owned(home.node).all(|group| self.has_taken(group, old))
            && self.homes.iter().all(|other| other.fetched.load(Ordering::Acquire) > old)
    }

    /// Copies the next panel from the node that factored it, if there is one and nobody does.
    fn fetch(&self, home: &Home<'_>) -> bool {
        let panel = home.fetched.load(Ordering::Acquire);
        if panel >= self.factored.load(Ordering::Acquire) || !self.is_free(home, panel) {
            return false;
        }
        if home.fetching.swap(true, Ordering::AcqRel) {
            return false;
        }
        let fetch = home.fetched.load(Ordering::Acquire) == panel;
        if fetch {
            let owner = self.owners[self.plan.group_of(panel)];
            let source = self.homes.iter().find(|home| home.node == owner).expect("a home for each owner");
            write(&home.slots[panel % DEPTH]).copy(&read(&source.slots[panel % DEPTH]));
            home.fetched.store(panel + 1, Ordering::Release);
        }
        home.fetching.store(false, Ordering::Release);
        fetch
    }

    /// Takes one bulk update of the group of this node that is the farthest behind, if one is ready and free.
    fn bulk(&self, home: &Home<'_>, room: &mut [f64]) -> bool {
        let fetched = home.fetched.load(Ordering::Acquire);
        let mut behind = usize::MAX;
        let mut chosen = None;
        for group in self.owned(home.node).filter(|&group| !self.complete(group)) {
            let step = self.next[group].load(Ordering::Acquire);
            if step < fetched.min(behind)
                && let Some(guard) = try_lock(&self.groups[group])
            {
                behind = step;
                chosen = Some((group, guard));
            }
        }
        let Some((group, mut data)) = chosen else { return false };
        // Another worker may have moved it on between the look and the lock.
        let step = self.next[group].load(Ordering::Acquire);
        let Some(columns) = self.plan.bulk_columns(group, step).filter(|_| step < fetched) else { return false };
        let first = self.plan.group_columns(group).start;
        let own = &mut data[(columns.start - first) * self.plan.ld()..];
        self.update(&read(&home.slots[step % DEPTH]), step, own, columns.len(), room);
        self.next[group].store(step + 1, Ordering::Release);
        true
    }

    /// Updates whole columns with panel `step`: exchanges rows, solves for U, subtracts L·U.
    fn update(&self, slot: &Slot<'_>, step: usize, columns: &mut [f64], width: usize, room: &mut [f64]) {
        let (top, ld) = (self.plan.panel_columns(step).start, self.plan.ld());
        let (block, below) = (slot.pivots.len(), slot.rows - slot.pivots.len());
        let columns = &mut columns[top..];
        slot.moves.apply(columns, ld, width, room);
        let lower = View::new(slot.data, slot.rows, block, slot.ld);
        panel::solve_lower(lower.part((0, 0), block, block), ViewMut::new(columns, block, width, ld), &self.blas);
        (self.blas.eliminate)(lower.part((block, 0), below, block), ViewMut::new(columns, slot.rows, width, ld));
        let flops = (2 * below + block) * block * width;
        self.flops.fetch_add(flops as u64, Ordering::Relaxed);
    }
}

impl<'a> Home<'a> {
    fn new(plan: &Plan, node: u32, space: &'a mut [f64]) -> Self {
        let slots = space.chunks_mut(plan.panel_elements()).map(|data| {
            let (pivots, moves) = (Vec::with_capacity(plan.block()), Moves::with_capacity(plan.block()));
            RwLock::new(Slot { data, rows: 0, ld: 1, pivots, moves })
        });
        Home { node, slots: slots.collect(), fetched: AtomicUsize::new(0), fetching: AtomicBool::new(false) }
    }
}

impl Slot<'_> {
    /// Takes a copy of these rows of the first columns of `source`.
    fn take(&mut self, source: &[f64], ld: usize, rows: std::ops::Range<usize>, cols: usize) {
        self.rows = rows.len();
        self.ld = padded(rows.len());
        self.pivots.clear();
        self.pivots.resize(cols, 0);
        for (copy, column) in self.data.chunks_mut(self.ld).zip(source.chunks(ld)).take(cols) {
            copy[..rows.len()].copy_from_slice(&column[rows.clone()]);
        }
    }

    fn factor(&mut self, blas: &Blas) -> Result<(), NoPivot> {
        panel::factor(self.data, self.rows, self.ld, &mut self.pivots, blas)?;
        self.moves.follow(&self.pivots);
        Ok(())
    }

    /// Becomes a copy of another node's panel.
    fn copy(&mut self, other: &Slot<'_>) {
        self.rows = other.rows;
        self.ld = other.ld;
        self.pivots.clone_from(&other.pivots);
        self.moves.follow(&self.pivots);
        let len = self.pivots.len() * self.ld;
        self.data[..len].copy_from_slice(&other.data[..len]);
    }
}

/// Warns the others when a worker ends by a panic.
struct Abandon<'a>(&'a AtomicBool);

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

// A worker that panics ends the whole job, so a poisoned lock is only seen on the way out.

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

fn into_inner<T>(lock: Mutex<T>) -> T {
    lock.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn try_lock<T>(lock: &Mutex<T>) -> Option<std::sync::MutexGuard<'_, T>> {
    match lock.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
