//! How noisy a host's figures are from boot to boot.

use serde::{Deserialize, Serialize};

/// The noise of one metric between boots of one configuration, from the host's history before a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BootNoise {
    /// The noise floor g: how far one boot falls short of the mean of many in one of twenty, as a share.
    pub floor: f64,
    /// Degrees of freedom behind it: boots less configurations.
    pub degrees_of_freedom: f64,
}
