//! What shapes a load beside its pattern: rates, pauses, mixes of sizes, parts of a file, bounds of latency.

/// How fast a direction's requests arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Requests a second.
    Requests(u32),
    /// Bytes a second.
    Bytes(u64),
}

/// A pause after some requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThinkTime {
    /// Requests between two pauses.
    pub after: u32,
    /// Seconds of a pause.
    pub seconds: f64,
}

/// A size of requests, and how often it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockShare {
    /// Bytes.
    pub bytes: u32,
    /// Percent of the requests.
    pub percent: u8,
}

/// A part of a file that has a share of the random requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HotZone {
    /// Percent of the requests.
    pub requests: u8,
    /// Percent of the file.
    pub size: u8,
}

/// Parts of a file with gaps between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StridedZones {
    /// Bytes that are transferred in a zone before the next one.
    pub size: u64,
    /// Bytes of a zone.
    pub range: u64,
    /// Bytes between two zones.
    pub skip: u64,
}

/// A share of the requests of all jobs of a flow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlowShare {
    /// Which flow.
    pub id: u32,
    /// Each worker's weight in it.
    pub weight: u32,
    /// Seconds that a worker sleeps which is ahead of its share.
    pub sleep: f64,
}

/// A latency by which the requests in flight are limited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyTarget {
    /// Seconds.
    pub seconds: f64,
    /// Seconds in which a depth is tried.
    pub window: f64,
    /// Percent of the requests that are to be faster.
    pub percent: f64,
    /// Whether the job goes on at the depth that was found.
    pub goes_on: bool,
}
