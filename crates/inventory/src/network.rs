//! Network cards: `/sys/class/net`.

use crate::sysfs::{Found, Tree, Unavailable};

const NET: &str = "/sys/class/net";

/// A network interface with a device behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nic {
    /// Name of the interface.
    pub name: String,
    /// Name of the kernel's driver.
    pub driver: Option<String>,
    /// Its PCI or virtual device.
    pub device: Option<String>,
    /// Hardware address.
    pub mac: Option<String>,
    /// Whether it is up, as the kernel says it.
    pub state: Option<String>,
    /// Speed in bits a second.
    pub speed: Option<u64>,
    /// Largest packet in bytes.
    pub mtu: Option<u64>,
    /// NUMA node.
    pub node: Option<u32>,
}

/// All interfaces with a device behind them.
pub(crate) fn nics(tree: &Tree) -> Found<Vec<Nic>> {
    if !tree.has(NET) {
        return Err(Unavailable::Absent);
    }
    let names = tree.names(NET).into_iter().filter(|name| tree.has(&format!("{NET}/{name}/device")));
    Ok(names.map(|name| nic(tree, name)).collect())
}

fn nic(tree: &Tree, name: String) -> Nic {
    let at = |file: &str| format!("{NET}/{name}/{file}");
    Nic {
        driver: tree.link(&at("device/driver")),
        device: tree.link(&at("device")),
        mac: tree.word(&at("address")).ok(),
        state: tree.word(&at("operstate")).ok(),
        // Megabits; a link that is down says -1, which is no number of bits.
        speed: tree.number(&at("speed")).ok().and_then(|megabits| megabits.checked_mul(1_000_000)),
        mtu: tree.number(&at("mtu")).ok(),
        node: tree.number(&at("device/numa_node")).ok().and_then(|node| u32::try_from(node).ok()),
        name,
    }
}
