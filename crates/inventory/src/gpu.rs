//! GPUs: PCI devices, what NVIDIA's driver lists in `/proc`, and what its management library tells.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use measure::{FactValue, Facts, Unit};
use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;

use crate::out_of_band::{Gpu, Nvidia, Outside};
use crate::pci::{self, DEVICES, Device};
use crate::sysfs::{Found, Tree, Unavailable, field, note, note_number, note_text, ok_or_absent};

const NVIDIA: u16 = 0x10de;
const AMD: u16 = 0x1002;
/// No GPU of today has more links to others.
const NVLINKS: u32 = 18;

/// Adds the facts `gpu.*` that come from the GPUs, and returns these.
pub(crate) fn probe(tree: &Tree, outside: &dyn Outside, devices: &[Device], facts: &mut Facts) -> Found<Vec<Gpu>> {
    if !tree.has(DEVICES) {
        return Err(Unavailable::Absent);
    }
    let mut gpus: Vec<Gpu> = devices.iter().filter(|device| is_gpu(device)).map(|device| plain(tree, device)).collect();
    let nvidia = devices.iter().any(|device| is_gpu(device) && device.vendor == NVIDIA);
    let report = if nvidia { outside.nvidia() } else { Err(Unavailable::Absent) };
    for gpu in &mut gpus {
        let told = report.iter().flat_map(|report| &report.gpus).find(|told| told.address == gpu.address);
        let Some(told) = told else { continue };
        gpu.model = told.model.clone().or(gpu.model.take());
        gpu.memory = told.memory.or(gpu.memory);
        (gpu.watts, gpu.draws) = (told.watts, told.draws);
        gpu.temperature = told.temperature.or(gpu.temperature);
        gpu.nvlinks = told.nvlinks;
    }
    describe(tree, &gpus, &report, facts);
    links(tree, &gpus, facts);
    Ok(gpus)
}

/// How many GPUs the host has, by the kernel's list alone.
#[must_use]
pub fn gpu_count(tree: &Tree) -> usize {
    pci::devices(tree).iter().filter(|device| is_gpu(device)).count()
}

/// Display and 3D controllers and accelerators of the makers of GPUs; a board's own video chip is none.
pub(crate) fn is_gpu(device: &Device) -> bool {
    let class = device.class >> 8;
    let integrated = device.vendor == 0x8086 && device.address.ends_with(":00:02.0");
    matches!(class, 0x0300 | 0x0302 | 0x0380 | 0x1200) && matches!(device.vendor, NVIDIA | AMD | 0x8086) && !integrated
}

fn plain(tree: &Tree, device: &Device) -> Gpu {
    let information = tree.text(&format!("/proc/driver/nvidia/gpus/{}/information", device.address));
    let vram = tree.number(&format!("{DEVICES}/{}/mem_info_vram_total", device.address));
    Gpu {
        address: device.address.clone(),
        model: information.ok().and_then(|text| field(&text, "Model").map(str::to_owned)),
        driver: device.driver.clone(),
        node: device.node,
        link: device.link,
        memory: vram.ok(),
        temperature: temperature(tree, &device.address),
        ..Gpu::default()
    }
}

/// What the driver's own sensor of a GPU says (amdgpu, xe, nouveau), °C; NVIDIA's driver has none, its library tells.
fn temperature(tree: &Tree, address: &str) -> Option<f64> {
    let folder = format!("{DEVICES}/{address}/hwmon");
    let sensors = tree.names(&folder);
    let degrees = |sensor: &String| tree.number(&format!("{folder}/{sensor}/temp1_input")).ok();
    sensors.iter().find_map(degrees).map(|thousandths| thousandths as f64 / 1e3)
}

/// How the GPUs hang on the processors.
fn links(tree: &Tree, gpus: &[Gpu], facts: &mut Facts) {
    let least = |of: fn(&Gpu) -> Option<u8>| {
        let values = gpus.iter().map(of).collect::<Option<Vec<u8>>>();
        ok_or_absent(values.and_then(|values| values.into_iter().min()).map(f64::from))
    };
    // A sleeping GPU lowers the generation of its link, so that what it can is told.
    note_number(
        facts,
        "gpu.pcie_gen",
        Unit::Count,
        least(|gpu| gpu.link.most_generation.or(gpu.link.generation)),
        DEVICES,
    );
    note_number(facts, "gpu.pcie_lanes", Unit::Count, least(|gpu| gpu.link.lanes), DEVICES);
    let all = gpus.iter().map(|gpu| is_attached(tree, &gpu.address));
    let all = all.collect::<Option<Vec<bool>>>().filter(|all| !all.is_empty());
    let all = ok_or_absent(all.map(|all| FactValue::Flag(all.into_iter().all(|attached| attached))));
    note(facts, "gpu.cpu_attached", all, DEVICES);
}

/// Whether a GPU hangs on a root port of a processor. A switch puts two more ports between; where these are the GPU's own
/// maker's, they are on its card (AMD's and Intel's cards have one) and nothing else shares them.
fn is_attached(tree: &Tree, address: &str) -> Option<bool> {
    let vendor = |address: &str| tree.word(&format!("{DEVICES}/{address}/vendor")).ok();
    let maker = vendor(address)?;
    let mut above = pci::parent(tree, address)?;
    while !above.starts_with("pci") {
        let next = pci::parent(tree, &above)?;
        if !next.starts_with("pci") && vendor(&above).as_ref() != Some(&maker) {
            return Some(false);
        }
        above = next;
    }
    Some(true)
}

fn describe(tree: &Tree, gpus: &[Gpu], report: &Found<Nvidia>, facts: &mut Facts) {
    note_number(facts, "gpu.count", Unit::Count, Ok(gpus.len() as f64), DEVICES);
    let models: Option<BTreeSet<String>> = gpus.iter().map(|gpu| gpu.model.clone()).collect();
    let models = models.filter(|models| !models.is_empty());
    let text = models.clone().map(|models| models.into_iter().collect::<Vec<_>>().join(", "));
    let source = "/proc/driver/nvidia/gpus, NVML";
    note_text(facts, "gpu.model", ok_or_absent(text), source);
    // NVIDIA writes the form into the model's name.
    let form = models
        .and_then(|models| ["PCIe", "SXM"].into_iter().find(|form| models.iter().all(|model| model.contains(form))));
    note_text(facts, "gpu.form_factor", ok_or_absent(form.map(str::to_owned)), source);
    let nvml = |value: Option<f64>| match (value, report) {
        (Some(value), _) => Ok(value),
        (None, Err(lack)) => Err(lack.clone()),
        (None, Ok(_)) => Err(Unavailable::Absent),
    };
    let watts = gpus.iter().map(|gpu| gpu.watts).collect::<Option<Vec<f64>>>().filter(|watts| !watts.is_empty());
    let highest = watts.as_ref().map(|watts| watts.iter().copied().fold(0.0, f64::max));
    note_number(facts, "gpu.power", Unit::Watt, nvml(highest), "NVML");
    note_number(facts, "gpu.power_total", Unit::Watt, nvml(watts.map(|watts| watts.iter().sum())), "NVML");
    let links = gpus.iter().map(|gpu| gpu.nvlinks).collect::<Option<Vec<u32>>>().filter(|links| !links.is_empty());
    let interconnect = links.map(|links| if links.iter().all(|up| *up > 0) { "NVLink" } else { "PCIe" });
    note_text(facts, "gpu.interconnect", ok_or_absent(interconnect.map(str::to_owned)), "NVML");
    let cuda = report.as_ref().map_err(Clone::clone).and_then(|report| ok_or_absent(report.cuda.clone()));
    note_text(facts, "gpu.cuda", cuda, "NVML");
    let (driver, source) = match report {
        Ok(report) => (Ok(report.driver.clone()), "NVML"),
        Err(_) => (tree.word("/sys/module/nvidia/version"), "/sys/module/nvidia/version"),
    };
    note_text(facts, "gpu.driver", driver, source);
}

/// Asks NVIDIA's management library, which is loaded at the first question and only where it is installed.
pub(crate) fn ask_nvidia() -> Found<Nvidia> {
    /// Loading it wakes the driver up: once is enough.
    static LIBRARY: OnceLock<Nvml> = OnceLock::new();
    let lack = |error: NvmlError| match error {
        NvmlError::LibloadingError(_) | NvmlError::LibraryNotFound | NvmlError::DriverNotLoaded => Unavailable::Absent,
        NvmlError::NoPermission => Unavailable::Denied { remedy: "run as root (sudo)".to_owned() },
        other => Unavailable::failed(other.to_string()),
    };
    let nvml = if let Some(library) = LIBRARY.get() {
        library
    } else {
        let library = Nvml::init().map_err(lack)?;
        LIBRARY.get_or_init(|| library)
    };
    let driver = nvml.sys_driver_version().map_err(lack)?;
    let count = nvml.device_count().map_err(lack)?;
    let gpus = (0..count).filter_map(|index| {
        let device = nvml.device_by_index(index).ok()?;
        let address = device.pci_info().ok()?.bus_id.to_lowercase();
        let up = (0..NVLINKS).filter(|link| device.link_wrapper_for(*link).is_active().unwrap_or(false)).count();
        let heat = device.temperature(nvml_wrapper::enum_wrappers::device::TemperatureSensor::Gpu);
        Some(Gpu {
            // NVML writes the domain with eight digits, the kernel with four.
            address: address.strip_prefix("0000").map_or(address.clone(), str::to_owned),
            model: device.name().ok(),
            memory: device.memory_info().ok().map(|memory| memory.total),
            watts: device.enforced_power_limit().ok().map(|milliwatts| f64::from(milliwatts) / 1e3),
            draws: device.power_usage().ok().map(|milliwatts| f64::from(milliwatts) / 1e3),
            temperature: heat.ok().map(f64::from),
            nvlinks: u32::try_from(up).ok(),
            ..Gpu::default()
        })
    });
    let cuda = nvml.sys_cuda_driver_version().ok();
    let cuda = cuda.map(|version| {
        format!(
            "{}.{}",
            nvml_wrapper::cuda_driver_version_major(version),
            nvml_wrapper::cuda_driver_version_minor(version)
        )
    });
    Ok(Nvidia { driver, cuda, gpus: gpus.collect() })
}
