//! The loop of one worker: take requests from the pattern, submit, reap completions, record. It decides nothing and allocates
//! nothing while the clock runs.

use std::sync::atomic::{AtomicBool, Ordering};

use measure::random::mix;

use crate::Error;
use crate::arrivals::{Arrivals, Lane, Pace};
use crate::data;
use crate::job::{Checksum, Direction, Queue};
use crate::latency_recorder::{LatencyRecorder, Times};
use crate::pattern::{Action, Op};
pub(crate) use counters::{Completed, LiveCounters, Retries};

use crate::regulation::{DepthSearch, FlowMember, LatencyBound, Step};

mod counters;

/// What requests are submitted to: a ring, or a simulation of one in virtual time.
pub(crate) trait IoEngine {
    /// The clock of the latencies in nanoseconds.
    fn stamp(&self) -> u64;
    /// The clock of the requests in flight. It is read apart from the stamps, so that Little's law can fail.
    fn meter(&self) -> u64;
    /// The memory of a slot whose request is not in flight.
    fn buffer(&mut self, slot: u32) -> &mut [u8];
    /// Queues the request of a slot.
    fn push(&mut self, slot: u32, op: &Op);
    /// Submits what is queued, without waiting.
    fn submit(&mut self) -> Result<(), Error>;
    /// Waits; what could not be submitted yet is submitted first.
    fn wait(&mut self, wait: Wait) -> Result<(), Error>;
    /// Appends all completions that are there.
    fn reap(&mut self, done: &mut Vec<Completion>);
}

/// A completion: what a CQE says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Completion {
    pub(crate) slot: u32,
    /// Bytes, or a negative errno.
    pub(crate) result: i32,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// This many completions.
    For(u32),
    /// One completion, or this moment of the clock.
    Until(u64),
}

/// What written blocks contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteContent {
    /// The random bytes that the buffers began with, with a new stamp in each sector.
    Stamped,
    /// New random bytes for each write (`refill_buffers`).
    Refilled,
    /// New random bytes behind a header with their checksum (`verify`).
    Checksummed(Checksum),
}

/// The rules of a run of requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) queue: Queue,
    /// Scheduled arrivals of reads and writes: an open loop.
    pub(crate) arrivals: [Arrivals; 2],
    /// Pauses.
    pub(crate) pause: Option<Pause>,
    /// The latency by which the depth is found.
    pub(crate) target: Option<LatencyBound>,
    /// Nanoseconds that do not count.
    pub(crate) ramp: u64,
    /// Nanoseconds that count at most.
    pub(crate) runtime: Option<u64>,
    pub(crate) content: WriteContent,
    /// Percent of each sector that is zeros.
    pub(crate) compressible: u8,
    /// Whether blocks that were read are checked.
    pub(crate) check: Option<Checksum>,
    pub(crate) seed: u64,
}

/// Nothing is sent for some nanoseconds after some requests, once those are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pause {
    pub(crate) after: u32,
    pub(crate) nanos: u64,
}

/// Why a worker stopped before its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The ring failed.
    Ring(Error),
    /// A request failed, with this errno.
    Request(Op, i32),
    /// A request was refused for now, with this errno, however often it was submitted again.
    RetriesExhausted(Op, i32, Retries),
    /// A request transferred fewer bytes than asked.
    Short(Op, i32),
    /// A block is not what was written.
    Mismatch(Op, String),
    /// The work ended while the largest depth that keeps a latency was still searched for, at this one.
    DepthNotFound(u32),
}

/// Nanoseconds after which a worker that is ahead of its flow looks again.
const FLOW_LOOK: u64 = 20_000;

/// A request in flight.
#[derive(Clone, Copy)]
struct Slot {
    op: Op,
    times: Times,
    /// How often the kernel refused it for now.
    retries: u32,
}

/// One worker's loop over an engine.
pub(crate) struct Worker<'a, E> {
    engine: &'a mut E,
    rules: Rules,
    slots: Vec<Slot>,
    free: Vec<u32>,
    queued: Vec<u32>,
    done: Vec<Completion>,
    lanes: [Lane; 2],
    /// Whether a lane has a pace.
    paced: bool,
    /// Requests since the last pause, and when the one ends that goes on.
    unpaused: u32,
    resume: Option<u64>,
    search: Option<DepthSearch>,
    flow: Option<FlowMember<'a>>,
    /// When a worker that is ahead of its flow looks again.
    ahead_until: Option<u64>,
    deadline: u64,
    written: u64,
    exhausted: bool,
    issued: u64,
    completed: Completed,
}

impl<'a, E: IoEngine> Worker<'a, E> {
    /// A worker whose buffers hold random bytes.
    pub(crate) fn new(engine: &'a mut E, rules: Rules) -> Self {
        let depth = rules.queue.depth;
        let nothing = Op { action: Action::Sync { data_only: false }, file: 0, len: 0, offset: 0 };
        for slot in 0..depth {
            data::fill(engine.buffer(slot), mix(rules.seed ^ u64::from(slot)));
        }
        let room = depth as usize;
        Worker {
            engine,
            rules,
            slots: vec![Slot { op: nothing, times: Times::default(), retries: 0 }; room],
            free: (0..depth).rev().collect(),
            queued: Vec::with_capacity(room),
            done: Vec::with_capacity(room),
            lanes: [Lane::Free, Lane::Free],
            paced: false,
            unpaused: 0,
            resume: None,
            search: None,
            flow: None,
            ahead_until: None,
            deadline: u64::MAX,
            written: 0,
            exhausted: false,
            issued: 0,
            completed: Completed::default(),
        }
    }

    /// Joins a flow.
    pub(crate) fn in_flow(mut self, flow: Option<FlowMember<'a>>) -> Self {
        self.flow = flow;
        self
    }

    /// Sends what `next` gives until it gives no more, the time is up, or `stop` is set; returns how many transfers
    /// were issued. All requests are done when it returns without failure.
    pub(crate) fn run(
        &mut self,
        next: &mut impl FnMut([bool; 2]) -> Option<Op>,
        recorder: &mut LatencyRecorder,
        shown: &LiveCounters,
        stop: &AtomicBool,
    ) -> Result<u64, Failure> {
        let begin = self.engine.stamp();
        let ramp_end = begin + self.rules.ramp;
        self.deadline = self.rules.runtime.map_or(u64::MAX, |runtime| ramp_end.saturating_add(runtime));
        self.lanes = self.rules.arrivals.map(|arrivals| match arrivals {
            Arrivals::Never => Lane::Never,
            Arrivals::Free => Lane::Free,
            Arrivals::At(rate) => Lane::Paced(Pace::new(begin, rate)),
        });
        self.paced = self.lanes.iter().any(|lane| matches!(lane, Lane::Paced(_)));
        let depth = self.rules.queue.depth;
        self.search = self.rules.target.map(|target| DepthSearch::new(target, depth, ramp_end));
        let mut ramping = self.rules.ramp > 0;
        recorder.begin(begin, self.engine.meter());
        while !stop.load(Ordering::Relaxed) {
            let now = self.engine.stamp();
            if ramping && now >= ramp_end {
                ramping = false;
                recorder.restart(now, self.engine.meter());
            }
            if now >= self.deadline {
                break;
            }
            self.queue_requests(next, now);
            if self.exhausted && self.in_flight() == 0 {
                break;
            }
            self.submit(recorder)?;
            self.reap(recorder)?;
            shown.show(self.completed);
        }
        // Not the deadline itself: what was completed until now is counted, so the time until now is too.
        recorder.end(self.engine.stamp(), self.engine.meter());
        self.drain()?;
        // What was drained is in no figure, but the devices have moved it.
        shown.show(self.completed);
        match self.search {
            Some(search) if !search.found && !stop.load(Ordering::Relaxed) => Err(Failure::DepthNotFound(search.depth)),
            _ => Ok(self.issued),
        }
    }

    fn in_flight(&self) -> u32 {
        self.rules.queue.depth - u32::try_from(self.free.len()).expect("at most the depth")
    }

    /// Requests in flight at most.
    fn most(&self) -> u32 {
        self.search.map_or(self.rules.queue.depth, |search| search.depth)
    }

    /// Queues requests for free slots: as many as one submission may hold, in an open loop those that are due.
    #[inline]
    fn queue_requests(&mut self, next: &mut impl FnMut([bool; 2]) -> Option<Op>, now: u64) {
        while self.queued.len() < self.rules.queue.submit as usize
            && !self.exhausted
            && let Some(&slot) = self.free.last()
        {
            if self.search.is_some() && self.in_flight() >= self.most() {
                return;
            }
            if self.rules.pause.is_some_and(|pause| self.is_in_pause(pause, now)) {
                return;
            }
            let due = if self.paced { [0, 1].map(|lane: usize| self.lanes[lane].is_due(now)) } else { [true; 2] };
            if due == [false; 2] || self.is_ahead_of_flow(now) {
                return;
            }
            let Some(op) = next(due) else {
                self.exhausted = true;
                return;
            };
            self.free.pop();
            let mut start = now;
            if let Action::Transfer(direction) = op.action {
                self.issued += 1;
                self.unpaused += 1;
                if let Lane::Paced(pace) = &mut self.lanes[direction as usize] {
                    start = pace.arrive(op.len);
                }
            }
            if op.action == Action::Transfer(Direction::Write) {
                self.fill_buffer(slot, &op);
            }
            self.slots[slot as usize] = Slot { op, times: Times { start, ..Times::default() }, retries: 0 };
            self.engine.push(slot, &op);
            self.queued.push(slot);
        }
    }

    /// Whether nothing is sent now, because so many requests were: those in flight end first, then comes the pause.
    fn is_in_pause(&mut self, pause: Pause, now: u64) -> bool {
        if self.unpaused < pause.after {
            return false;
        }
        if self.in_flight() > 0 {
            return true;
        }
        if now < *self.resume.get_or_insert(now + pause.nanos) {
            return true;
        }
        (self.unpaused, self.resume) = (0, None);
        false
    }

    /// Whether other jobs of the flow are to send first.
    fn is_ahead_of_flow(&mut self, now: u64) -> bool {
        let Some(flow) = &mut self.flow else { return false };
        if self.ahead_until.is_some_and(|until| now < until) {
            return true;
        }
        let ahead = flow.is_ahead();
        self.ahead_until = ahead.then_some(now + flow.sleep.max(FLOW_LOOK));
        ahead
    }

    /// Makes the data of a write.
    fn fill_buffer(&mut self, slot: u32, op: &Op) {
        self.written += 1;
        let (sequence, seed) = (self.written, self.rules.seed);
        let buffer = &mut self.engine.buffer(slot)[..op.len as usize];
        if self.rules.content != WriteContent::Stamped {
            data::fill(buffer, mix(seed ^ sequence) ^ op.offset);
        }
        if self.rules.compressible > 0 {
            data::zero_share(buffer, self.rules.compressible);
        }
        match self.rules.content {
            WriteContent::Checksummed(checksum) => data::add_verify_header(buffer, checksum, op.offset, sequence),
            WriteContent::Stamped | WriteContent::Refilled => data::stamp(buffer, op.offset, sequence ^ seed << 40),
        }
    }

    /// What is to be waited for: completions where the queue is full, else the next arrival of an open loop.
    #[inline]
    fn wait(&self) -> Option<Wait> {
        if self.free.is_empty() || self.exhausted || self.in_flight() >= self.most() {
            return Some(Wait::For(self.rules.queue.complete.min(self.in_flight())));
        }
        if self.rules.pause.is_some_and(|pause| self.unpaused >= pause.after) {
            return Some(self.resume.map_or(Wait::For(1), |resume| Wait::Until(resume.min(self.deadline))));
        }
        if let Some(until) = self.ahead_until {
            return Some(Wait::Until(until.min(self.deadline)));
        }
        if !self.paced || self.lanes.iter().any(|lane| matches!(lane, Lane::Free)) {
            return None;
        }
        let next =
            self.lanes.iter().filter_map(|lane| if let Lane::Paced(pace) = lane { Some(pace.next) } else { None });
        Some(Wait::Until(next.min().map_or(self.deadline, |next| next.min(self.deadline))))
    }

    /// Stamps and submits what is queued, and waits. Two calls, because a driver may work for long in the first: how long
    /// is known only if the first returns.
    #[inline]
    fn submit(&mut self, recorder: &mut LatencyRecorder) -> Result<(), Failure> {
        let count = self.queued.len() as u64;
        // The stamp comes before the meter here and before it again after the wait: both see spans of equal length.
        let submit_begin = self.engine.stamp();
        recorder.submitted(count, self.engine.meter());
        self.engine.submit().map_err(Failure::Ring)?;
        let submit_end = self.engine.stamp();
        for slot in self.queued.drain(..) {
            let times = &mut self.slots[slot as usize].times;
            (times.submit_begin, times.submit_end) = (submit_begin, submit_end);
        }
        self.wait().map_or(Ok(()), |wait| self.engine.wait(wait)).map_err(Failure::Ring)
    }

    /// Records the completions that are there.
    #[inline]
    fn reap(&mut self, recorder: &mut LatencyRecorder) -> Result<(), Failure> {
        self.done.clear();
        self.engine.reap(&mut self.done);
        if self.done.is_empty() {
            return Ok(());
        }
        let completed = self.engine.stamp();
        let meter = self.engine.meter();
        let mut resubmitted = 0;
        for index in 0..self.done.len() {
            let Completion { slot, result } = self.done[index];
            let Slot { op, times, .. } = self.slots[slot as usize];
            if is_transient(result) {
                self.resubmit(slot, result)?;
                resubmitted += 1;
                continue;
            }
            self.check_result(slot, &op, result)?;
            self.free.push(slot);
            self.completed.count(&op);
            recorder.record(&op, &Times { completed, ..times });
        }
        recorder.completed(self.done.len() as u64 - resubmitted, meter);
        if self.search.is_some() {
            self.regulate(recorder, completed, meter);
        }
        Ok(())
    }

    /// Looks whether the latency was kept. What was recorded of other depths than the one that is found is forgotten.
    #[cold]
    fn regulate(&mut self, recorder: &mut LatencyRecorder, completed: u64, meter: u64) {
        let Some(search) = &mut self.search else { return };
        let mut last = None;
        for done in &self.done {
            let begin = self.slots[done.slot as usize].times.submit_begin;
            last = search.record(completed.saturating_sub(begin), completed).or(last);
        }
        match last {
            Some(Step::Tries | Step::Found) => recorder.restart(completed, meter),
            Some(Step::Holds) if search.ends() => self.deadline = completed,
            _ => {}
        }
    }

    /// Submits a request again that the kernel refused for now, but not for ever.
    #[cold]
    fn resubmit(&mut self, slot: u32, result: i32) -> Result<(), Failure> {
        let now = self.engine.stamp();
        let Slot { op, times, retries } = &mut self.slots[slot as usize];
        *retries += 1;
        let sent = Retries { count: *retries, nanos: now.saturating_sub(times.submit_begin) };
        if sent.are_exhausted() {
            return Err(Failure::RetriesExhausted(*op, -result, sent));
        }
        self.engine.push(slot, op);
        Ok(())
    }

    /// Whether a request did what it was asked to.
    #[inline]
    fn check_result(&mut self, slot: u32, op: &Op, result: i32) -> Result<(), Failure> {
        if result < 0 {
            return Err(Failure::Request(*op, -result));
        }
        let Action::Transfer(direction) = op.action else { return Ok(()) };
        if result.cast_unsigned() != op.len {
            return Err(Failure::Short(*op, result));
        }
        match self.rules.check {
            Some(checksum) if direction == Direction::Read => {
                let buffer = &self.engine.buffer(slot)[..op.len as usize];
                data::verify_block(buffer, checksum, op.offset).map_err(|why| Failure::Mismatch(*op, why))
            }
            _ => Ok(()),
        }
    }

    /// Waits for what is in flight, without recording it.
    fn drain(&mut self) -> Result<(), Failure> {
        while self.in_flight() > 0 {
            self.engine.wait(Wait::For(1)).map_err(Failure::Ring)?;
            self.done.clear();
            self.engine.reap(&mut self.done);
            for index in 0..self.done.len() {
                let Completion { slot, result } = self.done[index];
                let op = self.slots[slot as usize].op;
                if is_transient(result) {
                    self.resubmit(slot, result)?;
                    continue;
                }
                self.check_result(slot, &op, result)?;
                self.free.push(slot);
                self.completed.count(&op);
            }
        }
        Ok(())
    }
}

/// Errors after which a request is submitted again: the kernel ran out of something, or a signal came.
fn is_transient(result: i32) -> bool {
    result == -libc::EAGAIN || result == -libc::EINTR
}

#[cfg(test)]
mod tests;
