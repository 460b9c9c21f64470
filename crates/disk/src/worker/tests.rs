//! The loop over a device in virtual time: nothing here depends on the machine that it runs on.

use std::cell::Cell;
use std::collections::VecDeque;

use super::*;
use crate::arrivals::ArrivalRate;
use crate::job::{Access, Job, JobTarget, Rate, ReadWriteMix};
use crate::latency_recorder::Stats;
use crate::pattern::{Extent, Pattern};

const MICRO: u64 = 1000;
const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

/// A device that needs the same time for each request, but for one stall in which nothing completes.
struct Simulated {
    now: Cell<u64>,
    service: u64,
    /// What a submission takes before the device has the requests.
    call: u64,
    stall: std::ops::Range<u64>,
    queued: Vec<u32>,
    /// The requests in flight, in order of their ends.
    in_flight: VecDeque<InFlight>,
    memory: Vec<Vec<u8>>,
    lens: Vec<u32>,
    /// A planted error: the stamp of a submission is this much late.
    late: u64,
    deepest: usize,
}

/// A request that ends then.
#[derive(Clone, Copy)]
struct InFlight {
    end: u64,
    slot: u32,
}

impl Simulated {
    fn new(depth: u32) -> Self {
        Simulated {
            now: Cell::new(SECOND),
            service: 100 * MICRO,
            call: 0,
            stall: 0..0,
            queued: Vec::new(),
            in_flight: VecDeque::new(),
            memory: vec![vec![0; 4096]; depth as usize],
            lens: vec![0; depth as usize],
            late: 0,
            deepest: 0,
        }
    }
}

/// When a request that begins now ends. What would end in the stall, or begins in it, is served when it is over.
fn end_of(begin: u64, service: u64, stall: &std::ops::Range<u64>) -> u64 {
    let end = begin + service;
    if end > stall.start && begin < stall.end { stall.end + service } else { end }
}

impl IoEngine for Simulated {
    fn stamp(&self) -> u64 {
        // The stamp that is taken with requests queued is the one of their submission.
        self.now.get() + if self.queued.is_empty() { 0 } else { self.late }
    }

    fn meter(&self) -> u64 {
        self.now.get()
    }

    fn buffer(&mut self, slot: u32) -> &mut [u8] {
        &mut self.memory[slot as usize]
    }

    fn push(&mut self, slot: u32, op: &Op) {
        self.lens[slot as usize] = op.len;
        self.queued.push(slot);
    }

    fn submit(&mut self) -> Result<(), Error> {
        let now = self.now.get() + if self.queued.is_empty() { 0 } else { self.call };
        self.now.set(now);
        for slot in self.queued.drain(..) {
            let end = end_of(now, self.service, &self.stall);
            self.in_flight.push_back(InFlight { end, slot });
        }
        self.deepest = self.deepest.max(self.in_flight.len());
        Ok(())
    }

    fn wait(&mut self, wait: Wait) -> Result<(), Error> {
        let now = self.now.get();
        let done_by = |count: u32| self.in_flight.get((count.max(1) - 1) as usize).map_or(now, |request| request.end);
        let wake = match wait {
            Wait::For(count) => done_by(count),
            Wait::Until(moment) if self.in_flight.is_empty() => moment,
            Wait::Until(moment) => done_by(1).min(moment),
        };
        self.now.set(wake.max(now));
        Ok(())
    }

    fn reap(&mut self, done: &mut Vec<Completion>) {
        while let Some(&InFlight { slot, .. }) = self.in_flight.front().filter(|request| request.end <= self.now.get())
        {
            self.in_flight.pop_front();
            done.push(Completion { slot, result: self.lens[slot as usize].cast_signed() });
        }
    }
}

fn rules(depth: u32, seconds: u64) -> Rules {
    Rules {
        queue: Queue::deep(depth),
        arrivals: [Arrivals::Free; 2],
        pause: None,
        target: None,
        compressible: 0,
        ramp: 0,
        runtime: Some(seconds * SECOND),
        content: WriteContent::Stamped,
        check: None,
        seed: 1,
    }
}

/// A job that reads at a rate.
fn reads_at(rate: u32) -> [Arrivals; 2] {
    let rate = Rate::Requests(rate);
    [Arrivals::At(ArrivalRate { rate, poisson: None, delay: 0 }), Arrivals::Never]
}

fn run(device: &mut Simulated, rules: Rules) -> LatencyRecorder {
    try_run(device, rules, u64::MAX).unwrap()
}

/// The same with so many requests at most.
fn try_run(device: &mut Simulated, rules: Rules, requests: u64) -> Result<LatencyRecorder, Failure> {
    let mut job = Job::new("test", JobTarget::Paths(Vec::new()));
    job.random_map = false;
    let mut pattern = Pattern::new(&job, &[Extent { start: 0, len: 1 << 30 }], 0, requests.saturating_mul(4096));
    let mut recorder = LatencyRecorder::new(device.stamp(), rules.arrivals != [Arrivals::Free; 2]);
    let stop = AtomicBool::new(false);
    Worker::new(device, rules).run(&mut |due| pattern.next_due(due), &mut recorder, &LiveCounters::default(), &stop)?;
    Ok(recorder)
}

fn percentile(histogram: &crate::histogram::Histogram, percent: f64) -> u64 {
    histogram.percentile(percent).unwrap()
}

#[test]
fn a_stall_shows_in_the_open_loop_and_hides_in_the_closed_one() {
    // Two seconds, a stall of 200 ms after the first.
    let stall = 2 * SECOND..2 * SECOND + 200 * MILLI;
    let mut closed = Simulated { stall: stall.clone(), ..Simulated::new(1) };
    let closed = run(&mut closed, rules(1, 2));
    let reads = &closed.stats[0];
    assert!(reads.operations() > 10_000);
    // One request of 18,000 met the stall: coordinated omission.
    assert!(percentile(&reads.latency, 99.9) < 110 * MICRO);
    assert!(reads.response.max >= 200 * MILLI);

    let mut open = Simulated { stall, ..Simulated::new(4) };
    let open = run(&mut open, Rules { arrivals: reads_at(1000), ..rules(4, 2) });
    let reads = &open.stats[0];
    let delayed = reads.delayed.as_ref().unwrap();
    // 200 of 2000 arrivals fell into the stall, the first of which waited for all of it.
    assert_eq!(reads.operations(), 2000);
    assert!((190 * MILLI..=205 * MILLI).contains(&percentile(delayed, 99.9)), "{delayed:?}");
    let tenth = percentile(delayed, 95.0);
    assert!((90 * MILLI..=110 * MILLI).contains(&tenth), "half of the delayed ones waited half of it: {tenth}");
    // The device's own view of the open loop hides it as the closed loop does.
    assert!(percentile(&reads.latency, 99.0) < 110 * MICRO);
}

#[test]
fn an_open_loop_keeps_its_rate_without_drift() {
    for rate in [1, 3, 7, 1000, 9999] {
        let recorder = run(&mut Simulated::new(64), Rules { arrivals: reads_at(rate), ..rules(64, 7) });
        let done = recorder.stats[0].operations();
        assert!(done.abs_diff(u64::from(rate) * 7) <= 1, "{rate}: {done}");
        assert_eq!(recorder.stats[0].response.max, 100 * MICRO, "{rate}");
    }
}

#[test]
fn littles_law_holds_and_a_wrong_stamp_breaks_it() {
    let check = |depth: u32, late: u64, holds: bool| {
        let mut device = Simulated { late, ..Simulated::new(depth) };
        let recorder = run(&mut device, rules(depth, 2));
        let law = recorder.littles_law();
        assert_eq!(law.holds(), Some(holds), "depth {depth}, {late} ns late: {law:?}");
    };
    check(1, 0, true);
    check(8, 0, true);
    check(32, 0, true);
    // As if the time were taken after the submission instead of before it.
    check(1, 20 * MICRO, false);
    check(32, 3 * MICRO, false);
    check(32, MICRO, true);
}

#[test]
fn submission_latency_is_told_from_completion_latency_as_in_fio() {
    let check = |queue: Queue, call: u64| {
        let mut device = Simulated { call, ..Simulated::new(queue.depth) };
        let recorder = run(&mut device, Rules { queue, ..rules(queue.depth, 1) });
        let Stats { latency, slat, clat, response, .. } = &recorder.stats[0];
        let (latency, clat) = (latency.moments(), clat.moments());
        assert!(slat.count > 0 && slat.count == clat.count && clat.count == latency.count, "{queue:?}");
        assert_eq!((slat.min, slat.max), (call, call), "{queue:?}");
        assert_eq!(slat.sum + clat.sum, response.sum, "{queue:?}");
        assert_eq!(latency.sum - clat.sum, call * latency.count, "{queue:?}");
        assert_eq!(recorder.littles_law().holds(), Some(true), "{queue:?}");
    };
    check(Queue::deep(1), 0);
    check(Queue::deep(1), 7 * MICRO);
    check(Queue { depth: 8, submit: 1, complete: 1 }, 7 * MICRO);
    check(Queue { depth: 8, submit: 4, complete: 4 }, 3 * MICRO);
}

#[test]
fn a_short_window_tells_nothing_of_littles_law() {
    let mut device = Simulated { service: 100 * MILLI, ..Simulated::new(4) };
    assert_eq!(run(&mut device, rules(4, 1)).littles_law().holds(), None);
}

#[test]
fn depth_and_batches_are_kept() {
    let check = |queue: Queue, submits: usize| {
        let mut device = Simulated::new(queue.depth);
        let recorder = run(&mut device, Rules { queue, ..rules(queue.depth, 1) });
        assert_eq!(device.deepest, queue.depth as usize, "{queue:?}");
        let most = (0..7).max_by_key(|&class| recorder.depths.submit[class]).unwrap();
        assert_eq!(most, submits, "{queue:?}: {:?}", recorder.depths);
        // 100 µs each: depth times 10,000 a second.
        let expect = u64::from(queue.depth) * 10_000;
        assert!(recorder.operations().abs_diff(expect) <= expect / 50, "{}", recorder.operations());
    };
    check(Queue::deep(16), 1);
    check(Queue { depth: 16, submit: 16, complete: 1 }, 3);
    check(Queue { depth: 16, submit: 1, complete: 1 }, 1);
    check(Queue { depth: 32, submit: 8, complete: 8 }, 2);
}

#[test]
fn a_depth_is_found_or_the_job_has_no_figure() {
    // Each request takes 100 µs, whatever the depth: the largest is found after 1, 2, 4, 8, 16, each for a window of 10 ms.
    let target = LatencyBound { nanos: 150 * MICRO, window: 10 * MILLI, percent: 99.0, goes_on: false };
    let check = |requests: u64, expect: Option<u64>| {
        let rules = Rules { target: Some(target), ..rules(16, 100) };
        match (try_run(&mut Simulated::new(16), rules, requests), expect) {
            (Ok(recorder), Some(expect)) => {
                let done = recorder.operations();
                assert!(done.abs_diff(expect) <= expect / 20, "{requests}: {done}");
            }
            (Err(Failure::DepthNotFound(depth)), None) => assert!(depth < 16, "{requests}: {depth}"),
            (found, _) => panic!("{requests}: {:?}", found.map(|recorder| recorder.operations()).is_ok()),
        }
    };
    check(1 << 40, Some(1600));
    check(1500, None);
    check(150, None);
}

#[test]
fn the_ramp_does_not_count() {
    let mut device = Simulated::new(1);
    let recorder = run(&mut device, Rules { ramp: SECOND, ..rules(1, 1) });
    assert!(recorder.operations().abs_diff(10_000) <= 2, "{}", recorder.operations());
    assert_eq!(recorder.end - recorder.begin, SECOND);
    let before: u64 = recorder.ticks[..9].iter().map(|tick| tick.operations[0]).sum();
    assert_eq!(before, 0);
    assert_eq!(recorder.whole_ticks(), 10..20);
}

#[test]
fn an_end_of_data_ends_the_run() {
    let mut device = Simulated::new(4);
    let job = Job::new("test", JobTarget::Paths(Vec::new()));
    let mut pattern = Pattern::new(&job, &[Extent { start: 0, len: 40_960 }], 0, 40_960);
    let mut recorder = LatencyRecorder::new(0, false);
    let rules = Rules { runtime: None, ..rules(4, 1) };
    let stop = AtomicBool::new(false);
    let issued = Worker::new(&mut device, rules).run(
        &mut |due| pattern.next_due(due),
        &mut recorder,
        &LiveCounters::default(),
        &stop,
    );
    assert_eq!((issued.unwrap(), recorder.operations(), recorder.bytes()), (10, 10, 40_960));
    assert!(device.in_flight.is_empty());
}

/// Answers as many requests as are `left` with the same result, and does the others.
struct Answering {
    inner: Simulated,
    answer: i32,
    left: usize,
}

impl IoEngine for Answering {
    fn stamp(&self) -> u64 {
        self.inner.stamp()
    }
    fn meter(&self) -> u64 {
        self.inner.meter()
    }
    fn buffer(&mut self, slot: u32) -> &mut [u8] {
        self.inner.buffer(slot)
    }
    fn push(&mut self, slot: u32, op: &Op) {
        self.inner.push(slot, op);
    }
    fn submit(&mut self) -> Result<(), Error> {
        self.inner.submit()
    }
    fn wait(&mut self, wait: Wait) -> Result<(), Error> {
        self.inner.wait(wait)
    }
    fn reap(&mut self, done: &mut Vec<Completion>) {
        self.inner.reap(done);
        for one in done.iter_mut().take(self.left) {
            one.result = self.answer;
        }
        self.left -= self.left.min(done.len());
    }
}

#[test]
fn what_a_device_cannot_do_is_a_failure() {
    let check = |answer: i32, verify: Option<Checksum>, expect: &str| {
        let job = Job::new("test", JobTarget::Paths(Vec::new()));
        let mut pattern = Pattern::new(&job, &[Extent { start: 0, len: 1 << 20 }], 0, 1 << 20);
        let mut device = Answering { inner: Simulated::new(2), answer, left: usize::MAX };
        let rules = Rules { check: verify, ..rules(2, 1) };
        let (mut recorder, stop) = (LatencyRecorder::new(0, false), AtomicBool::new(false));
        let failure = Worker::new(&mut device, rules).run(
            &mut |due| pattern.next_due(due),
            &mut recorder,
            &LiveCounters::default(),
            &stop,
        );
        assert!(format!("{:?}", failure.unwrap_err()).contains(expect), "{answer}");
    };
    check(-libc::EIO, None, "Request");
    check(-libc::ENOSPC, None, "28");
    check(512, None, "Short");
    check(4096, Some(Checksum::Crc32c), "Mismatch");
}

/// Ten requests to a device that answers the first `refusals` that it cannot now; how many were issued, or the failure in words.
fn refused(answer: i32, refusals: usize, service: u64) -> Result<u64, String> {
    let job = Job::new("test", JobTarget::Paths(Vec::new()));
    let mut pattern = Pattern::new(&job, &[Extent { start: 8192, len: 40_960 }], 0, 40_960);
    let mut device = Answering { inner: Simulated { service, ..Simulated::new(1) }, answer, left: refusals };
    let rules = Rules { runtime: None, ..rules(1, 1) };
    let (mut recorder, stop) = (LatencyRecorder::new(0, false), AtomicBool::new(false));
    let done = Worker::new(&mut device, rules).run(
        &mut |due| pattern.next_due(due),
        &mut recorder,
        &LiveCounters::default(),
        &stop,
    );
    let assignment = crate::plan::WorkerAssignment { paths: vec!["drive".into()], ..Default::default() };
    done.map_err(|failure| crate::engine::describe(failure, &assignment, 0).to_string())
}

#[test]
fn what_is_refused_for_now_is_sent_again_but_not_for_ever() {
    for answer in [-libc::EAGAIN, -libc::EINTR] {
        assert_eq!(refused(answer, 50_000, 100 * MICRO), Ok(10), "5 s of refusals pass");
        let error = refused(answer, usize::MAX, 100 * MICRO).unwrap_err();
        assert!(error.starts_with("read of 4096 bytes at offset 8192 of drive failed: "), "{error}");
        assert!(error.contains("100000 times in 10.000 s"), "by time: {error}");
        let error = refused(answer, usize::MAX, 10).unwrap_err();
        assert!(error.contains("1000000 times in 0.010 s"), "by count: {error}");
    }
    let stopped = refused(-libc::EIO, 1, MICRO).unwrap_err();
    assert!(!stopped.contains("times"), "{stopped}");
}

#[test]
fn arrivals_come_at_their_rate() {
    let spans = |rate: Rate, poisson: Option<u64>| {
        let mut pace = Pace::new(SECOND, ArrivalRate { rate, poisson, delay: 5 });
        let due: Vec<u64> = (0..10_000).map(|_| pace.arrive(4096)).collect();
        assert_eq!(due[0], SECOND + 5, "the first comes after the delay");
        due.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<u64>>()
    };
    // 3 a second: thirds of a second, and no nanosecond is lost.
    let even = spans(Rate::Requests(3), None);
    assert_eq!(even[..3].iter().sum::<u64>(), SECOND);
    assert!(spans(Rate::Bytes(1 << 20), None).iter().all(|&span| span / 1000 == 3906));
    let random = spans(Rate::Requests(1000), Some(7));
    let mean = random.iter().sum::<u64>() as f64 / random.len() as f64;
    let deviation = (random.iter().map(|&span| (span as f64 - mean).powi(2)).sum::<f64>() / random.len() as f64).sqrt();
    assert!((mean / 1e6 - 1.0).abs() < 0.05 && (deviation / 1e6 - 1.0).abs() < 0.1, "{mean} {deviation}");
}

#[test]
fn each_direction_has_a_rate_of_its_own() {
    let mut device = Simulated::new(8);
    let at = |iops: u32| Arrivals::At(ArrivalRate { rate: Rate::Requests(iops), poisson: None, delay: 0 });
    let mut job = Job::new("test", JobTarget::Paths(Vec::new()));
    (job.access, job.rw) = (Access::Random, ReadWriteMix::Mixed { read_percent: 50 });
    let mut pattern = Pattern::new(&job, &[Extent { start: 0, len: 1 << 30 }], 0, u64::MAX);
    let rules = Rules { arrivals: [at(400), at(100)], ..rules(8, 10) };
    let mut recorder = LatencyRecorder::new(device.stamp(), true);
    let stop = AtomicBool::new(false);
    let mut next = |due| pattern.next_due(due);
    Worker::new(&mut device, rules).run(&mut next, &mut recorder, &LiveCounters::default(), &stop).unwrap();
    let [reads, writes] = [0, 1].map(|way: usize| recorder.stats[way].operations());
    assert!((3999..=4001).contains(&reads) && (999..=1001).contains(&writes), "{reads} and {writes}");
}

#[test]
fn pauses_come_when_what_was_sent_is_done() {
    let mut device = Simulated::new(4);
    let pause = Some(Pause { after: 10, nanos: 9 * MILLI });
    let recorder = run(&mut device, Rules { pause, ..rules(4, 1) });
    // 10 requests at a depth of 4 take three times 100 µs, and 9 ms go by before the next.
    let seconds = (recorder.end - recorder.begin) as f64 / 1e9;
    let expect = seconds / 0.0093 * 10.0;
    let seen = recorder.operations() as f64;
    assert!((seen - expect).abs() <= 20.0, "{seen}, expected {expect}");
}
