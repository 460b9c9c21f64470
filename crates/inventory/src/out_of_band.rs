//! What files do not tell: what devices, tools and libraries are asked, and what they answer. A test brings its own.

use crate::pci::Link;
use crate::sysfs::Unavailable;

/// Sources beyond `/proc`, `/sys` and tables. Each may be absent, which is the default.
pub trait Outside: Sync {
    /// The SMART log page (NVMe log page 02h, 512 bytes) of a controller: `nvme0`.
    fn smart(&self, controller: &str) -> Result<Vec<u8>, Unavailable> {
        let _ = controller;
        Err(Unavailable::Absent)
    }

    /// What a controller says of itself (NVMe Identify Controller, 4096 bytes).
    fn identify(&self, controller: &str) -> Result<Vec<u8>, Unavailable> {
        let _ = controller;
        Err(Unavailable::Absent)
    }

    /// The answer of the host's management controller, its completion code first.
    fn ipmi(&self, request: &IpmiRequest) -> Result<Vec<u8>, Unavailable> {
        let _ = request;
        Err(Unavailable::Absent)
    }

    /// What a tool prints.
    fn tool(&self, program: &str, arguments: &[&str]) -> Result<String, Unavailable> {
        let _ = (program, arguments);
        Err(Unavailable::Absent)
    }

    /// What NVIDIA's management library tells.
    fn nvidia(&self) -> Result<Nvidia, Unavailable> {
        Err(Unavailable::Absent)
    }
}

/// Only files: a fixture or a copy of another host's trees.
#[derive(Clone, Copy, Debug)]
pub struct FilesOnly;

impl Outside for FilesOnly {}

/// A request as it goes to the controller: IPMI 2.0, 5.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpmiRequest {
    /// Network function.
    pub netfn: u8,
    /// Logical unit of the controller: 0 but for some sensors.
    pub lun: u8,
    /// Command.
    pub command: u8,
    /// What follows it.
    pub data: Vec<u8>,
}

impl IpmiRequest {
    /// To the controller itself, which is unit 0.
    pub(crate) fn new(netfn: u8, command: u8, data: &[u8]) -> IpmiRequest {
        IpmiRequest { netfn, lun: 0, command, data: data.to_vec() }
    }
}

/// A GPU.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gpu {
    /// PCI address.
    pub address: String,
    /// Model, where a driver tells.
    pub model: Option<String>,
    /// Name of the kernel's driver.
    pub driver: Option<String>,
    /// NUMA node.
    pub node: Option<u32>,
    /// PCIe link. A sleeping GPU runs its link slower.
    pub link: Link,
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// Power that it may draw, in watts.
    pub watts: Option<f64>,
    /// Power that it draws now, in watts.
    pub draws: Option<f64>,
    /// Temperature in °C.
    pub temperature: Option<f64>,
    /// Links to other GPUs that are up.
    pub nvlinks: Option<u32>,
}

/// What NVIDIA's management library tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Nvidia {
    /// Version of the driver.
    pub driver: String,
    /// Version of CUDA that the driver supports.
    pub cuda: Option<String>,
    /// The GPUs, each with its address in the kernel's spelling.
    pub gpus: Vec<Gpu>,
}
