//! Each fault planted in the trees of a host is named within two scans, and nothing else is.

#[path = "../../../inventory/tests/fixture/controller.rs"]
mod controller;

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use inventory::{IpmiRequest, Outside, Unavailable};
use tempfile::TempDir;

use super::*;
use crate::limits::tests::documented;
use crate::{Limits, Reader};
use controller::Controller;

/// Seconds between two scans.
const STEP: f64 = 10.0;

/// What the drive's SMART page says.
struct Drive {
    used: Cell<u8>,
    media: Cell<u8>,
    throttled: Cell<u8>,
    warning: Cell<u8>,
    /// Spare capacity left, and the threshold of it.
    spare: Cell<(u8, u8)>,
}

// Tests ask from one thread.
struct Beside(std::sync::Mutex<Drive>);

impl Outside for Beside {
    fn smart(&self, _: &str) -> Result<Vec<u8>, Unavailable> {
        let drive = self.0.lock().unwrap();
        let mut page = vec![0; 512];
        (page[0], page[5]) = (drive.warning.get(), drive.used.get());
        (page[3], page[4]) = drive.spare.get();
        (page[160], page[224]) = (drive.media.get(), drive.throttled.get());
        Ok(page)
    }

    fn ipmi(&self, _: &IpmiRequest) -> Result<Vec<u8>, Unavailable> {
        Err(Unavailable::Absent)
    }
}

struct Host {
    folder: TempDir,
    beside: Beside,
}

impl Host {
    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn append(&self, path: &str, text: &str) {
        use std::io::Write;
        let mut file = fs::File::options().append(true).open(self.folder.path().join(path)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn drive(&self, change: impl FnOnce(&Drive)) {
        change(&self.beside.0.lock().unwrap());
    }

    /// Time goes on: processors are used, and a drive answers 1000 requests of a millisecond.
    fn pass(&self, scan: u32) {
        let (ticks, requests) = (1000 * scan, 1000 * scan);
        self.write("proc/stat", &format!("cpu {ticks} 0 0 {scan} 0 0 0 0 0 0\n"));
        self.write("sys/block/nvme0n1/stat", &format!("{requests} 0 0 {requests} 0 0 0 0 0 0 0"));
    }

    fn new() -> Host {
        let drive = Drive {
            used: Cell::new(3),
            media: Cell::new(0),
            throttled: Cell::new(5),
            warning: Cell::new(0),
            spare: Cell::new((100, 5)),
        };
        let host = Host { folder: tempfile::tempdir().unwrap(), beside: Beside(drive.into()) };
        for (path, text) in [
            ("sys/class/hwmon/hwmon0/name", "k10temp"),
            ("sys/class/hwmon/hwmon0/temp1_label", "Tctl"),
            ("sys/class/hwmon/hwmon0/temp1_input", "71000"),
            ("sys/class/hwmon/hwmon0/temp1_crit", "100000"),
            ("sys/class/hwmon/hwmon1/name", "nvme"),
            ("sys/class/hwmon/hwmon1/temp1_label", "Composite"),
            ("sys/class/hwmon/hwmon1/temp1_input", "48000"),
            ("sys/class/hwmon/hwmon1/temp1_max", "70000"),
            ("sys/class/hwmon/hwmon2/name", "board"),
            ("sys/class/hwmon/hwmon2/fan1_input", "9000"),
            ("sys/class/hwmon/hwmon2/fan1_min", "1200"),
            ("sys/class/hwmon/hwmon2/fan2_input", "0"),
            ("sys/class/hwmon/hwmon2/temp1_input", "127000"),
            ("sys/devices/system/edac/mc/mc0/dimm0/dimm_label", "P0_DIMM_A1"),
            ("sys/devices/system/edac/mc/mc0/dimm0/dimm_ce_count", "4"),
            ("sys/devices/system/edac/mc/mc0/dimm0/dimm_ue_count", "0"),
            ("sys/devices/system/edac/mc/mc0/dimm1/dimm_ce_count", "0"),
            ("sys/devices/system/edac/mc/mc0/ce_noinfo_count", "0"),
            ("sys/bus/pci/devices/0000:c1:00.0/class", "0x010802"),
            ("sys/bus/pci/devices/0000:c1:00.0/current_link_width", "4"),
            ("sys/bus/pci/devices/0000:c1:00.0/current_link_speed", "32.0 GT/s PCIe"),
            ("sys/bus/pci/devices/0000:c1:00.0/aer_dev_correctable", "RxErr 1\nTOTAL_ERR_COR 1"),
            ("sys/bus/pci/devices/0000:c1:00.0/aer_dev_fatal", "TOTAL_ERR_FATAL 0"),
            ("sys/bus/pci/devices/0000:41:00.0/class", "0x020000"),
            ("sys/bus/pci/devices/0000:41:00.0/current_link_width", "16"),
            ("sys/bus/pci/devices/0000:41:00.0/current_link_speed", "16.0 GT/s PCIe"),
            ("sys/class/nvme/nvme0/model", "DRIVE"),
            ("sys/block/nvme0n1/queue/rotational", "0"),
            ("sys/devices/system/cpu/cpu0/topology/physical_package_id", "0"),
            ("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "3100000"),
            ("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "2"),
            ("sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count", "1"),
            ("proc/interrupts", "   CPU0\n MCE:  2  Machine check exceptions\n MCP: 9  polls\n"),
            ("dev/kmsg", "2,1,1,-;Machine check: an old one\n"),
        ] {
            host.write(path, text);
        }
        let device = host.folder.path().join("sys/devices/pci/0000:c1:00.0/nvme0");
        fs::create_dir_all(&device).unwrap();
        symlink(&device, host.folder.path().join("sys/class/hwmon/hwmon1/device")).unwrap();
        host
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }
}

/// A host is watched for three scans, then something happens, and three scans more; gives what was told.
fn told(happens: impl Fn(&Host, u32)) -> Vec<(u32, Vital, String)> {
    let host = Host::new();
    let mut reader = Reader::find(host.root(), Limits::of(&documented()), &host.beside);
    let mut guard = Guard::default();
    let mut told = Vec::new();
    for scan in 0..6 {
        host.pass(scan);
        if scan >= 3 {
            happens(&host, scan);
        }
        let found = guard.look(&reader.scan(1000.0 + STEP * f64::from(scan), &host.beside));
        told.extend(found.into_iter().map(|incident| (scan, incident.vital, incident.says)));
    }
    told
}

/// What happens is told once, at the scan in which it happens or the one after, in these words.
fn check(happens: impl Fn(&Host), vital: Vital, says: &str) {
    let found = told(|host, scan| {
        if scan == 3 {
            happens(host);
        }
    });
    assert!(matches!(found.as_slice(), [(3 | 4, found, words)] if *found == vital && words == says), "{found:?}");
}

#[test]
fn a_sound_host_tells_nothing() {
    assert_eq!(told(|_, _| {}), []);
}

#[test]
fn each_fault_is_told_once_and_nothing_else() {
    let file = |path: &'static str, text: &'static str| move |host: &Host| host.write(path, text);
    check(
        file("sys/devices/system/edac/mc/mc0/dimm0/dimm_ce_count", "7"),
        Vital::CorrectedErrors,
        "P0_DIMM_A1: corrected memory errors grew by 3",
    );
    check(
        file("sys/devices/system/edac/mc/mc0/dimm0/dimm_ue_count", "1"),
        Vital::UncorrectedErrors,
        "P0_DIMM_A1: uncorrected memory errors grew by 1",
    );
    check(
        file("sys/devices/system/edac/mc/mc0/dimm1/dimm_ce_count", "1"),
        Vital::CorrectedErrors,
        "mc0 dimm1: corrected memory errors grew by 1",
    );
    check(
        file("sys/bus/pci/devices/0000:c1:00.0/current_link_width", "2"),
        Vital::LinkLanes,
        "0000:c1:00.0: lanes of the PCIe link 2, at least 4",
    );
    check(
        file("sys/bus/pci/devices/0000:c1:00.0/current_link_width", "63"),
        Vital::LinkLanes,
        "0000:c1:00.0: lanes of the PCIe link 0, at least 4",
    );
    check(
        file("sys/bus/pci/devices/0000:41:00.0/current_link_speed", "8.0 GT/s PCIe"),
        Vital::LinkGeneration,
        "0000:41:00.0: generation of the PCIe link 3, at least 4",
    );
    check(
        file("sys/bus/pci/devices/0000:c1:00.0/aer_dev_correctable", "TOTAL_ERR_COR 9"),
        Vital::PcieCorrected,
        "0000:c1:00.0: corrected PCIe errors grew by 8",
    );
    check(
        file("sys/class/hwmon/hwmon0/temp1_input", "90500"),
        Vital::Temperature,
        "k10temp Tctl: temperature 90.50 °C, at most 90 °C",
    );
    check(
        file("sys/class/hwmon/hwmon1/temp1_input", "75000"),
        Vital::Temperature,
        "nvme0 Composite: temperature 75 °C, at most 70 °C",
    );
    check(file("sys/class/hwmon/hwmon2/fan1_input", "0"), Vital::Fan, "board fan1: turns a minute 0, at least 1200");
    check(
        file("proc/interrupts", "  CPU0\n MCE:  3  Machine check exceptions\n"),
        Vital::MachineChecks,
        "processors MCE: machine checks grew by 1",
    );
    check(
        file("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "6"),
        Vital::Throttles,
        "package 0: times throttled grew by 4",
    );
    check(
        file("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "400000"),
        Vital::Clock,
        "processors: clock under load 400 MHz, at least 1.680 GHz",
    );
    check(
        |host| host.append("dev/kmsg", "2,2,2,-;mce: [Hardware Error]: CPU 1\n6,3,3,-;usb: hello\n"),
        Vital::KernelLog,
        "processor: the kernel says: mce: [Hardware Error]: CPU 1",
    );
}

#[test]
fn drives_that_wear_slow_down_fail_or_go_are_told() {
    check(|host| host.drive(|drive| drive.used.set(91)), Vital::Wear, "nvme0: endurance used 91 %, at most 90 %");
    check(|host| host.drive(|drive| drive.media.set(2)), Vital::MediaErrors, "nvme0: media errors grew by 2");
    check(
        |host| host.drive(|drive| drive.throttled.set(9)),
        Vital::DriveThrottled,
        "nvme0: time slowed down by heat grew by 4 s",
    );
    check(
        |host| host.drive(|drive| drive.warning.set(4)),
        Vital::CriticalWarning,
        "nvme0: bits of the drive's critical warning 4, at most 0",
    );
    let spare = |left: u8, threshold: u8| move |host: &Host| host.drive(|drive| drive.spare.set((left, threshold)));
    check(spare(9, 5), Vital::Spare, "nvme0: spare capacity left 9 %, at least 10 %");
    check(spare(14, 15), Vital::Spare, "nvme0: spare capacity left 14 %, at least 15 %");
    check(spare(0, 5), Vital::Spare, "nvme0: spare capacity left 0 %, at least 10 %");
    // It does not tell.
    assert_eq!(told(|host, _| spare(0, 0)(host)), []);
    check(
        |host| host.write("sys/block/nvme0n1/stat", "4000 0 0 3000000 0 0 0 0 0 0 0"),
        Vital::AnswerTime,
        "nvme0n1: mean time of a request 1.499 s, at most 1 s",
    );
    let gone = told(|host, scan| {
        if scan == 3 {
            fs::remove_dir_all(host.root().join("sys/bus/pci/devices/0000:41:00.0")).unwrap();
        }
    });
    assert_eq!(gone, [(3, Vital::Present, "0000:41:00.0: the device is gone".to_owned())]);
}

/// What a controller answers; none while it begins anew.
struct OfController(std::sync::Mutex<Option<Controller>>);

impl Outside for OfController {
    fn ipmi(&self, request: &IpmiRequest) -> Result<Vec<u8>, Unavailable> {
        let answers = self.0.lock().unwrap();
        answers.as_ref().map(|controller| controller.answer(request)).ok_or(Unavailable::Absent)
    }
}

/// A host whose kernel reads neither heat nor fans: its controller is watched for three scans, then it changes, and for five
/// more; gives what was told.
fn told_by_the_controller(changes: impl Fn(&mut Option<Controller>, u32)) -> Vec<(u32, Vital, String)> {
    let root = tempfile::tempdir().unwrap();
    let mut controller = Controller::documented();
    controller.readings[FAN][0] = 90;
    let beside = OfController(Some(controller).into());
    let mut reader = Reader::find(root.path(), Limits::of(&documented()), &beside);
    let mut guard = Guard::default();
    let mut told = Vec::new();
    for scan in 0..8 {
        if scan >= 3 {
            changes(&mut beside.0.lock().unwrap(), scan);
        }
        let found = guard.look(&reader.scan(1000.0 + STEP * f64::from(scan), &beside));
        told.extend(found.into_iter().map(|incident| (scan, incident.vital, incident.says)));
    }
    told
}

/// Sensors of the documented controller, by their numbers.
const CPU1: usize = 0;
const PS2: usize = 4;
const FAN: usize = 7;

#[test]
fn the_controller_is_asked_for_what_the_kernel_does_not_read() {
    let check = |changes: &dyn Fn(&mut Controller), vital: Vital, says: &str| {
        let found = told_by_the_controller(|controller, _| changes(controller.as_mut().unwrap()));
        assert!(matches!(found.as_slice(), [(3 | 4, found, words)] if *found == vital && words == says), "{found:?}");
    };
    check(&|host| host.readings[FAN][0] = 11, Vital::Fan, "bmc FAN1: turns a minute 1100, at least 1200");
    check(&|host| host.unread = Some(FAN), Vital::Fan, "bmc FAN1: turns a minute 0, at least 1200");
    check(
        &|host| host.readings[PS2][1] = 0b10,
        Vital::Supply,
        "PS2 Status: the supply failed, is gone or not redundant",
    );
    check(&|host| host.readings[CPU1][0] = 91, Vital::Temperature, "bmc CPU1 Temp: temperature 91 °C, at most 90 °C");
}

#[test]
fn a_controller_that_is_silent_or_begins_anew_tells_nothing() {
    assert_eq!(told_by_the_controller(|_, _| {}), []);
    assert_eq!(told_by_the_controller(|controller, _| *controller = None), []);
    // Its sensors have no readings at first.
    let begins_anew = |controller: &mut Option<Controller>, scan: u32| {
        controller.as_mut().unwrap().unread = (scan == 3).then_some(FAN);
    };
    assert_eq!(told_by_the_controller(begins_anew), []);
}

#[test]
fn what_the_kernel_reads_is_not_asked_for_again() {
    let host = Host::new();
    let mut controller = Controller::documented();
    controller.readings[FAN][0] = 90;
    let beside = OfController(Some(controller).into());
    let mut reader = Reader::find(host.root(), Limits::of(&documented()), &beside);
    let scan = reader.scan(1000.0, &beside);
    let parts = |vital: Vital| scan.signs().filter(move |sign| sign.vital == vital).map(|sign| sign.part.as_str());
    assert_eq!(parts(Vital::Fan).collect::<Vec<_>>(), ["board fan1"]);
    assert_eq!(parts(Vital::Temperature).filter(|part| part.starts_with("bmc")).count(), 0);
    assert_eq!(parts(Vital::Supply).collect::<Vec<_>>(), ["PS1 Status", "PS2 Status", "PS Redundancy"]);
    // A graphics card's fan is none of the board's.
    host.write("sys/class/hwmon/hwmon2/name", "amdgpu");
    let mut reader = Reader::find(host.root(), Limits::of(&documented()), &beside);
    let scan = reader.scan(1000.0, &beside);
    let fans: Vec<&str> = scan.signs().filter(|sign| sign.vital == Vital::Fan).map(|sign| sign.part.as_str()).collect();
    assert_eq!(fans, ["amdgpu fan1", "bmc FAN1"]);
}

#[test]
fn heat_that_passes_at_once_is_none_and_heat_that_comes_again_is_told_again() {
    let sensor = "sys/class/hwmon/hwmon0/temp1_input";
    let found = told(|host, scan| host.write(sensor, if scan == 3 { "95000" } else { "89000" }));
    assert_eq!(found, []);
    let host = Host::new();
    let mut reader = Reader::find(host.root(), Limits::of(&documented()), &host.beside);
    let mut guard = Guard::default();
    let heat = [80, 95, 95, 95, 80, 95, 95, 80];
    let counts = heat.iter().enumerate().map(|(scan, degrees)| {
        host.write(sensor, &format!("{degrees}000"));
        guard.look(&reader.scan(STEP * scan as f64, &host.beside)).len()
    });
    assert_eq!(counts.collect::<Vec<_>>(), [0, 0, 1, 0, 0, 0, 1, 0]);
}

#[test]
fn a_slow_clock_of_an_idle_host_and_a_counter_that_begins_again_are_none() {
    let found = told(|host, scan| {
        host.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "400000");
        host.write("proc/stat", &format!("cpu 2000 0 0 {} 0 0 0 0 0 0\n", 100_000 * scan));
        host.write("sys/devices/system/edac/mc/mc0/dimm0/dimm_ce_count", "0");
    });
    assert_eq!(found, []);
}

#[test]
fn supplies_are_held_to_what_they_were() {
    let mut guard = Guard::default();
    let mut look = |at: f64, works: f64| {
        let sign = Sign { part: "PSU2".into(), vital: Vital::Supply, value: works };
        guard.look(&Scan { at, observed: vec![Observed { sign, held: None }], log: Vec::new() })
    };
    assert_eq!((look(0.0, 1.0).len(), look(10.0, 1.0).len()), (0, 0));
    let lost = look(20.0, 0.0);
    assert_eq!(lost[0].says, "PSU2: the supply failed, is gone or not redundant");
    assert_eq!((look(30.0, 0.0).len(), look(40.0, 1.0).len(), look(50.0, 0.0).len()), (0, 0, 1));
}

#[test]
fn errors_that_the_specification_allows_are_told_when_they_are_more() {
    let mut guard = Guard::default();
    let mut look = |at: f64, count: f64| {
        let sign = Sign { part: "A1".into(), vital: Vital::CorrectedErrors, value: count };
        let held = Some(Held { bound: 5.0, sustained: 0.0 });
        guard.look(&Scan { at, observed: vec![Observed { sign, held }], log: Vec::new() })
    };
    assert_eq!((look(0.0, 100.0).len(), look(10.0, 105.0).len()), (0, 0));
    let told = look(20.0, 108.0);
    assert_eq!(told[0].says, "A1: corrected memory errors grew by 3, over the 5 that are allowed in all");
    assert_eq!((look(30.0, 108.0).len(), look(40.0, 109.0).len()), (0, 1));
}

#[test]
fn another_watch_goes_on_where_one_ended() {
    let sign = |part: &str, vital, value| Sign { part: part.into(), vital, value };
    let look = |guard: &mut Guard, at: f64, signs: Vec<Sign>| {
        let observed = signs.into_iter().map(|sign| Observed { sign, held: None }).collect();
        let told = guard.look(&Scan { at, observed, log: Vec::new() });
        told.into_iter().map(|incident| incident.says).collect::<Vec<_>>()
    };
    let drive = |errors: f64, lanes: f64| {
        vec![
            sign("c1:00.0", Vital::Present, 1.0),
            sign("c1:00.0", Vital::LinkLanes, lanes),
            sign("nvme0", Vital::MediaErrors, errors),
            sign("nvme0", Vital::Power, 9.0),
            sign("package 0", Vital::Throttles, 100.0 * errors),
        ]
    };
    let mut first = Guard::default();
    assert_eq!(look(&mut first, 0.0, drive(4.0, 4.0)), [] as [&str; 0]);
    let watched = first.watched();
    assert_eq!(watched.len(), 4, "power breaks nothing: {watched:?}");
    let check = |same_boot: bool, signs: Vec<Sign>, expect: &[&str]| {
        let found = look(&mut Guard::since(&watched, same_boot), 99.0, signs);
        assert_eq!(found, expect, "{same_boot}");
    };
    check(true, drive(4.0, 4.0), &[]);
    check(true, drive(6.0, 4.0), &["nvme0: media errors grew by 2"]);
    check(true, drive(4.0, 2.0), &["c1:00.0: lanes of the PCIe link 2, at least 4"]);
    // What is called nvme0 in another boot may be another drive, and what is gone is gone in any.
    check(false, drive(6.0, 4.0), &[]);
    check(false, vec![], &["c1:00.0: the device is gone"]);
}

#[test]
fn what_a_host_does_not_tell_is_named() {
    let host = Host::new();
    let mut reader = Reader::find(host.root(), Limits::of(&documented()), &host.beside);
    let scan = reader.scan(1000.0, &host.beside);
    let missing = reader.not_watched(&scan);
    assert!(!missing.iter().any(|one| one.contains("EDAC") || one.contains("kernel")), "{missing:?}");
    let empty = tempfile::tempdir().unwrap();
    let mut reader = Reader::find(empty.path(), Limits::of(&documented()), &host.beside);
    let scan = reader.scan(1000.0, &inventory::FilesOnly);
    let missing = reader.not_watched(&scan);
    assert_eq!(missing.len(), 12, "{missing:?}");
    assert!(missing.contains(&"memory errors by module (EDAC)".to_owned()));
}
