//! The frontier of a sweep of queue depths: the highest rate at a latency.

/// What one depth gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SweepPoint {
    /// Requests in flight, all workers together.
    pub depth: u32,
    /// Requests or bytes a second.
    pub rate: f64,
    /// 99th percentile of the latency in seconds.
    pub p99: f64,
}

/// The point with the highest rate whose p99 is within the limit; what a target of a rate *with* a p99 needs.
#[must_use]
pub fn best_within(points: &[SweepPoint], p99: f64) -> Option<SweepPoint> {
    points.iter().filter(|point| point.p99 <= p99).copied().max_by(|a, b| a.rate.total_cmp(&b.rate))
}

/// The points that no other point beats in both figures, by depth.
#[must_use]
pub fn frontier(points: &[SweepPoint]) -> Vec<SweepPoint> {
    let beaten = |point: &SweepPoint| {
        let better = |other: &&SweepPoint| {
            other.rate >= point.rate && other.p99 <= point.p99 && (other.rate > point.rate || other.p99 < point.p99)
        };
        points.iter().any(|other| better(&other))
    };
    let mut best: Vec<SweepPoint> = points.iter().filter(|point| !beaten(point)).copied().collect();
    best.sort_by_key(|point| point.depth);
    best
}

/// The point after which depth buys latency and not rate: the smallest depth with at least 95 % of the highest rate.
#[must_use]
pub fn knee(points: &[SweepPoint]) -> Option<SweepPoint> {
    let most = points.iter().map(|point| point.rate).fold(0.0, f64::max);
    points.iter().filter(|point| point.rate >= 0.95 * most).copied().min_by_key(|point| point.depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(rows: &[(u32, f64, f64)]) -> Vec<SweepPoint> {
        rows.iter().map(|&(depth, rate, p99)| SweepPoint { depth, rate, p99 }).collect()
    }

    #[test]
    fn the_best_within_a_latency() {
        let sweep = points(&[(1, 10.0, 1.0), (2, 19.0, 1.1), (4, 30.0, 2.0), (8, 31.0, 5.0), (16, 29.0, 9.0)]);
        let check =
            |p99: f64, depth: Option<u32>| assert_eq!(best_within(&sweep, p99).map(|p| p.depth), depth, "{p99}");
        check(0.5, None);
        check(1.0, Some(1));
        check(2.5, Some(4));
        check(100.0, Some(8));
        let depths: Vec<u32> = frontier(&sweep).iter().map(|point| point.depth).collect();
        assert_eq!(depths, [1, 2, 4, 8]);
        assert_eq!(knee(&sweep).map(|point| point.depth), Some(4));
        assert_eq!(knee(&[]), None);
    }
}
