//! The difference between two sides with its error.

use super::distribution::{t_below, t_quantile};
use super::{History, Moments};

/// How a difference was estimated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// Each side with its own variance: Welch (1947), Biometrika 34, 28.
    Welch,
    /// Differences within pairs of neighbouring boots, which cancels a drift that both share: Student (1908).
    Paired,
    /// One variance for both sides, moderated by the host's own history: s̃² = (d₀s₀² + d·s²)/(d₀ + d), Smyth (2004),
    /// Statistical Applications in Genetics and Molecular Biology 3(1), 3.
    Moderated(History),
}

impl Method {
    /// Its name in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Method::Welch => "welch",
            Method::Paired => "paired",
            Method::Moderated(_) => "moderated",
        }
    }
}

/// A difference of y, after less before: positive is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The difference.
    pub difference: f64,
    /// Its standard error.
    pub error: f64,
    /// Degrees of freedom of the error.
    pub degrees_of_freedom: f64,
    /// How it was estimated.
    pub method: Method,
}

/// From where to where.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConfidenceInterval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl ConfidenceInterval {
    /// Whether it holds a value.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

impl Estimate {
    /// The p value of "it is not below `bound`": small means that the difference is below.
    #[must_use]
    pub fn p_below(&self, bound: f64) -> f64 {
        t_below((self.difference - bound) / self.error, self.degrees_of_freedom)
    }

    /// The p value of "it is not above `bound`": small means that the difference is above.
    #[must_use]
    pub fn p_above(&self, bound: f64) -> f64 {
        t_below((bound - self.difference) / self.error, self.degrees_of_freedom)
    }

    /// t·error: the distance from the estimate to its one-sided bound.
    #[must_use]
    pub fn half_width(&self, confidence: f64) -> f64 {
        if self.error == 0.0 { 0.0 } else { t_quantile(confidence, self.degrees_of_freedom) * self.error }
    }

    /// Whether "no change" lies outside of the 95 % interval: it changed, with 95 % confidence.
    #[must_use]
    pub fn excludes_none(&self) -> bool {
        !self.interval(0.95).contains(0.0)
    }

    /// The interval with this share at both sides together: 0.95 leaves 2.5 % on each.
    #[must_use]
    pub fn interval(&self, confidence: f64) -> ConfidenceInterval {
        let half_width = self.half_width(f64::midpoint(1.0, confidence));
        ConfidenceInterval { low: self.difference - half_width, high: self.difference + half_width }
    }
}

/// Welch's t on the boots of two sides; `None` with fewer than two boots on a side.
///
/// The degrees of freedom are those of Satterthwaite (1946), Biometrics Bulletin 2, 110.
#[must_use]
pub fn welch(before: &[f64], after: &[f64]) -> Option<Estimate> {
    let (a, b) = (Moments::of(before)?, Moments::of(after)?);
    if a.degrees_of_freedom() < 1.0 || b.degrees_of_freedom() < 1.0 {
        return None;
    }
    let (va, vb) = (a.variance / a.n, b.variance / b.n);
    let satterthwaite = (va + vb).powi(2) / (va.powi(2) / a.degrees_of_freedom() + vb.powi(2) / b.degrees_of_freedom());
    // Boots that agree to the last bit have no variance and every degree of freedom.
    let degrees_of_freedom =
        if satterthwaite.is_finite() { satterthwaite } else { a.degrees_of_freedom() + b.degrees_of_freedom() };
    Some(Estimate { difference: b.mean - a.mean, error: (va + vb).sqrt(), degrees_of_freedom, method: Method::Welch })
}

/// The estimate for two sides of separate boots: moderated by the host's history where there is some that fits the
/// boots at hand, else Welch's. `None` with fewer than
/// two boots on a side.
///
/// The history fits as long as the boots spread neither significantly more than it, nor significantly less
/// ([`History::fits`]): an update that makes a host noisier must not be judged by how quiet it was, and one odd boot of
/// long ago, or a drift, must not hide a change today. It never stands in for a side of one boot, whose spread cannot be
/// held against it.
#[must_use]
pub fn unpaired(before: &[f64], after: &[f64], history: Option<History>) -> Option<Estimate> {
    let (a, b) = (Moments::of(before)?, Moments::of(after)?);
    if a.degrees_of_freedom() < 1.0 || b.degrees_of_freedom() < 1.0 {
        return None;
    }
    let Some(history) = history.filter(|history| history.fits(&a, &b)) else { return welch(before, after) };
    let degrees_of_freedom = a.degrees_of_freedom() + b.degrees_of_freedom();
    let squares = a.variance * a.degrees_of_freedom() + b.variance * b.degrees_of_freedom();
    let moderated =
        (history.degrees_of_freedom * history.variance + squares) / (history.degrees_of_freedom + degrees_of_freedom);
    Some(Estimate {
        difference: b.mean - a.mean,
        error: (moderated * (1.0 / a.n + 1.0 / b.n)).sqrt(),
        degrees_of_freedom: history.degrees_of_freedom + degrees_of_freedom,
        method: Method::Moderated(history),
    })
}

/// The paired t: the i-th boot of a side with the i-th of the other, as the order ABBA makes them neighbours. `None`
/// where the sides are not equally long, or with fewer than two pairs.
#[must_use]
pub fn paired(before: &[f64], after: &[f64]) -> Option<Estimate> {
    if before.len() != after.len() {
        return None;
    }
    let differences: Vec<f64> = before.iter().zip(after).map(|(before, after)| after - before).collect();
    let moments = Moments::of(&differences).filter(|moments| moments.degrees_of_freedom() >= 1.0)?;
    let error = (moments.variance / moments.n).sqrt();
    Some(Estimate {
        difference: moments.mean,
        error,
        degrees_of_freedom: moments.degrees_of_freedom(),
        method: Method::Paired,
    })
}
