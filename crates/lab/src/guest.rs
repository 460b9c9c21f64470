//! The first process of the machine: file systems, modules, the mirror of the boot drives, then the steps.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::mount::{MountFlags, mount, mount_move};
use rustix::system::RebootCommand;

use crate::scenario::{MODULES, OUT, SCENARIO, Scenario, Step};

/// How long drives may take to appear.
const PATIENCE: Duration = Duration::from_mins(1);

/// Never returns: the machine goes down.
pub(crate) fn main() -> ! {
    match all() {
        Ok(()) => println!("lab: done"),
        Err(error) => println!("lab: error: {error:#}"),
    }
    rustix::fs::sync();
    // Where even this is refused, the host's time limit ends the machine.
    if let Err(error) = rustix::system::reboot(RebootCommand::PowerOff) {
        println!("lab: error: the machine does not go down: {error}");
    }
    loop {
        sleep(PATIENCE);
    }
}

fn all() -> Result<()> {
    let scenario: Scenario = serde_json::from_slice(&fs::read(SCENARIO)?).context("the scenario is not one")?;
    system_folders()?;
    for module in &scenario.modules {
        load(&Path::new(MODULES).join(module))?;
    }
    let drives = drives()?;
    assemble_mirror(&drives)?;
    enter_root()?;
    rustix::system::sethostname(b"lab")?;
    for cpu in &scenario.offline {
        fs::write(format!("/sys/devices/system/cpu/cpu{cpu}/online"), "0")
            .with_context(|| format!("could not switch CPU {cpu} off"))?;
    }
    scenario.steps.iter().try_for_each(|step| run(step, &drives))
}

fn system_folders() -> Result<()> {
    for (kind, folder) in
        [("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev"), ("tmpfs", "/dev/shm"), ("tmpfs", "/tmp")]
    {
        fs::create_dir_all(folder)?;
        mount(kind, folder, kind, MountFlags::empty(), None).with_context(|| format!("could not mount {folder}"))?;
    }
    Ok(())
}

fn load(module: &Path) -> Result<()> {
    let file = File::open(module).with_context(|| format!("{} is missing", module.display()))?;
    match rustix::system::finit_module(file, c"", 0) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("could not load {}", module.display())),
    }
}

/// Serial number → block device, of all NVMe drives. The kernel numbers them in the order in which they answered.
fn drives() -> Result<BTreeMap<String, String>> {
    let begin = Instant::now();
    loop {
        let controllers = fs::read_dir("/sys/class/nvme").map(Iterator::count).unwrap_or_default();
        let found = named_drives()?;
        if controllers > 0 && found.len() == controllers {
            return Ok(found);
        }
        if begin.elapsed() > PATIENCE {
            bail!("{controllers} NVMe controllers, and only these drives: {found:?}");
        }
        sleep(Duration::from_millis(100));
    }
}

fn named_drives() -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir("/sys/block")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Ok(serial) = fs::read_to_string(format!("/sys/block/{name}/device/serial")) {
            found.insert(serial.trim().to_owned(), name);
        }
    }
    Ok(found)
}

/// RAID 1 over the boot drives by the md driver's own files; the array has no superblock, so nothing is written to them.
fn assemble_mirror(drives: &BTreeMap<String, String>) -> Result<()> {
    let write = |file: &str, text: &str| {
        fs::write(file, text).with_context(|| format!("the md driver did not take {text:?} for {file}"))
    };
    let members: Vec<&String> = ["BOOT0", "BOOT1"].iter().filter_map(|serial| drives.get(*serial)).collect();
    write("/sys/module/md_mod/parameters/new_array", "md0")?;
    let md = "/sys/block/md0/md";
    write(&format!("{md}/metadata_version"), "none")?;
    write(&format!("{md}/level"), "raid1")?;
    write(&format!("{md}/raid_disks"), "2")?;
    let kib = |name: &str| -> Result<u64> {
        let sectors: u64 = fs::read_to_string(format!("/sys/block/{name}/size"))?.trim().parse()?;
        Ok(sectors / 2)
    };
    let first = members.first().context("there is no boot drive")?;
    write(&format!("{md}/component_size"), &kib(first)?.to_string())?;
    for (slot, name) in members.iter().enumerate() {
        write(&format!("{md}/new_dev"), fs::read_to_string(format!("/sys/block/{name}/dev"))?.trim())?;
        write(&format!("{md}/dev-{name}/size"), &kib(name)?.to_string())?;
        write(&format!("{md}/dev-{name}/slot"), &slot.to_string())?;
    }
    write(&format!("{md}/resync_start"), "none")?;
    write(&format!("{md}/array_state"), "active")
}

/// The mirror becomes the root.
fn enter_root() -> Result<()> {
    fs::create_dir_all("/root")?;
    mount("/dev/md0", "/root", "ext4", MountFlags::empty(), None).context("could not mount the mirror")?;
    std::env::set_current_dir("/root")?;
    mount_move(".", "/")?;
    rustix::process::chroot(".")?;
    std::env::set_current_dir("/")?;
    system_folders()
}

fn run(step: &Step, drives: &BTreeMap<String, String>) -> Result<()> {
    let named = |text: &str| {
        drives.iter().fold(text.to_owned(), |text, (serial, name)| {
            text.replace(&format!("{{{serial}}}"), &format!("/dev/{name}"))
        })
    };
    for (path, text) in &step.files {
        fs::write(path, named(text)).with_context(|| format!("could not write {path}"))?;
    }
    let folder = PathBuf::from(OUT).join(&step.name);
    fs::create_dir_all(&folder)?;
    println!("lab: begin {}", step.name);
    let begin = Instant::now();
    let command: Vec<String> = step.command.iter().map(|word| named(word)).collect();
    let (program, arguments) = command.split_first().context("a step has no command")?;
    let child = Command::new(program)
        .args(arguments)
        .env("HOME", "/tmp")
        .current_dir("/tmp")
        .stdout(File::create(folder.join("stdout"))?)
        .stderr(File::create(folder.join("stderr"))?)
        .spawn()
        .with_context(|| format!("could not start {program}"))?;
    let status = wait(child, Duration::from_secs(step.seconds))?;
    let code = status.and_then(|status| status.code()).map_or("killed".to_owned(), |code| code.to_string());
    fs::write(folder.join("code"), &code)?;
    rustix::fs::sync();
    println!("lab: end {} {code} after {:.0} s", step.name, begin.elapsed().as_secs_f64());
    Ok(())
}

/// Its status, or nothing where it had to be killed.
fn wait(mut child: Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begin.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        sleep(Duration::from_millis(50));
    }
}
