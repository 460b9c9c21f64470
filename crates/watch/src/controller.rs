//! What of the management controller is read beside what the kernel reads itself.

use inventory::Tree;
use inventory::bmc::BmcWatch;
use inventory::sensors::{self, is_processor};

/// A sensor of the management controller among those of the kernel.
pub(crate) fn of_controller(sensor: &str) -> String {
    format!("bmc {sensor}")
}

/// What of the controller is read where the kernel reads so much itself: no processor's heat twice, and no fan of a board.
pub(crate) fn beside_the_kernel(mut bmc: BmcWatch, tree: &Tree, fans: &[(String, String, Option<f64>)]) -> BmcWatch {
    if sensors::sensors(tree).unwrap_or_default().iter().any(is_processor) {
        bmc.heat.clear();
    }
    let of_card = |name: &str| ["amdgpu ", "nouveau "].iter().any(|card| name.starts_with(card));
    if fans.iter().any(|(name, ..)| !of_card(name)) {
        bmc.fans.clear();
    }
    bmc
}
