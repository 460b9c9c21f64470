//! The inventory of the documented system in a folder: every fact of its tables, and every planted fault named.

mod fixture;

use std::fs;

use fixture::{DimmPlan, Host, bare, documented, set_link, structure, table};
use inventory::doctor::{Cpus, Grant, Limit, advise, examine};
use inventory::{BmcValue, FilesOnly, Inventory, Tree, Unavailable, gpu_count, inspect, take_with};
use measure::{FactValue, Facts, Reading};

/// Numbers of the controller's sensors.
const CPU_TEMPERATURE: usize = 0;
const SECOND_SUPPLY: usize = 4;
const REDUNDANCY: usize = 5;

fn inventory(host: &Host) -> Inventory {
    take_with(host.root(), host)
}

fn printed(facts: &Facts, id: &str) -> String {
    facts.value(id).map_or_else(|| format!("{:?}", facts.0.get(id)), ToString::to_string)
}

#[test]
fn the_documented_system_is_read_in_every_fact() {
    let host = documented(64);
    let facts = inventory(&host).facts;
    assert_eq!(gpu_count(&Tree::new(host.root())), 4);
    let check = |id: &str, expect: &str| assert_eq!(printed(&facts, id), expect, "{id}");
    for (id, expect) in [
        // §1.1
        ("chassis.model", "Supermicro SYS-7508B-T"),
        ("chassis.form_factor", "4U rackmount"),
        ("chassis.height", "4"),
        ("chassis.drive_bays", "8"),
        ("chassis.bay_form_factor", "E3.S, U.2"),
        ("board.model", "Supermicro X13DEG-OA"),
        ("board.chipset", "Intel C741 (Emmitsburg)"),
        ("bios.version", "2.1"),
        // §1.2
        ("cpu.model", "Intel(R) Xeon(R) Gold 8580+"),
        ("cpu.sockets", "2"),
        ("cpu.cores_per_socket", "64"),
        ("cpu.threads_per_socket", "128"),
        ("cpu.cores", "128"),
        ("cpu.threads", "256"),
        ("cpu.base_clock", "2.800 GHz"),
        ("cpu.turbo_clock", "4.500 GHz"),
        ("cpu.l3_per_socket", "134.2 MB"),
        ("cpu.l3", "268.4 MB"),
        ("cpu.l1d", "49.15 kB"),
        ("cpu.l2", "2.097 MB"),
        ("os.smt", "yes"),
        ("cpu.tdp_per_socket", "350 W"),
        ("cpu.tdp", "700 W"),
        ("cpu.pcie_gen", "5"),
        ("cpu.vendor", "GenuineIntel"),
        ("cpu.arch", "x86_64"),
        ("cpu.avx512", "yes"),
        ("cpu.amx", "yes"),
        // §1.3
        ("memory.capacity", "2.199 TB"),
        ("memory.type", "DDR5 ECC RDIMM"),
        ("memory.dimms", "16"),
        ("memory.dimms_per_socket", "8"),
        ("memory.channels", "16"),
        ("memory.channels_per_socket", "8"),
        ("memory.data_rate", "5600 MT/s"),
        ("memory.channels_missing", "0"),
        ("memory.channel_width", "8 B"),
        ("memory.bandwidth", "716.8 GB/s"),
        ("memory.full_speed", "yes"),
        ("memory.usable_dataset", "952.2 GB"),
        ("numa.nodes", "2"),
        ("numa.nodes_per_socket", "1"),
        // §1.4
        ("storage.boot.drives", "2"),
        ("storage.boot.devices", "nvme0n1, nvme1n1"),
        ("storage.boot.drive_capacity", "1.920 TB"),
        ("storage.boot.form_factor", "U.2"),
        ("storage.boot.pcie_gen", "4"),
        ("storage.boot.layout", "raid1"),
        ("storage.boot.missing", "0"),
        ("storage.boot.media", "nvme"),
        ("storage.boot.power_loss_protection", "yes"),
        ("storage.boot.written", "0 B"),
        ("os.nvme_fabrics", "yes"),
        ("storage.scratch.drives", "6"),
        ("storage.scratch.devices", "nvme2n1, nvme3n1, nvme4n1, nvme5n1, nvme6n1, nvme7n1"),
        ("storage.scratch.drive_capacity", "7.682 TB"),
        ("storage.scratch.form_factor", "E3.S"),
        ("storage.scratch.pcie_gen", "5"),
        ("storage.scratch.pcie_lanes", "4"),
        ("storage.scratch.layout", "zfs-stripe"),
        ("storage.scratch.usable", "46.09 TB"),
        ("storage.scratch.wear", "3 %"),
        ("storage.scratch.record_size", "1.049 MB"),
        // §1.5
        ("gpu.count", "4"),
        ("gpu.slots", "4"),
        ("gpu.slot_pcie_gen", "5"),
        ("gpu.slot_lanes", "16"),
        ("gpu.pcie_gen", "5"),
        ("gpu.pcie_lanes", "16"),
        ("gpu.cpu_attached", "yes"),
        ("gpu.model", "NVIDIA H100 PCIe"),
        ("gpu.form_factor", "PCIe"),
        ("gpu.driver", "560.35.03"),
        // §5
        ("power.supplies", "2"),
        ("power.supply_rating", "2400 W"),
        ("power.supply_redundancy", "redundant"),
        ("thermal.highest", "52 °C"),
        ("thermal.alarm", "86 °C"),
        ("os.file_handles", "1048576"),
        ("os.shm", "1.100 TB"),
        ("os.zfs", "2.3.1-1"),
        ("os.drivers", "nvidia 560.35.03"),
        ("bmc.version", "1.02"),
    ] {
        check(id, expect);
    }
}

/// An NVMe namespace: its controller, and of it its subsystem, serial number and transport, and the namespace's own name.
fn namespace(host: &Host, name: &str, controller: &str, of: [&str; 3], wwid: &str) {
    let [subsystem, serial, transport] = of;
    let class = format!("sys/class/nvme/{controller}");
    for (file, text) in [("subsysnqn", subsystem), ("serial", serial), ("transport", transport), ("model", "a drive")] {
        host.write(
            &format!("{class}/{file}"),
            format!(
                "{text}
"
            ),
        );
    }
    host.write(
        &format!("sys/block/{name}/size"),
        "1000
",
    );
    host.write(
        &format!("sys/block/{name}/wwid"),
        format!(
            "{wwid}
"
        ),
    );
    host.link(&format!("sys/block/{name}/device"), &format!("../../{controller}"));
}

/// What the inventory lists of a host: kernel names, kind and capacity of each drive, and the working volume.
fn listed(plant: fn(&Host)) -> (Vec<(String, &'static str, u64)>, Inventory) {
    let host = bare();
    plant(&host);
    let inventory = inventory(&host);
    let drives = inventory.drives.found.iter().flatten();
    (drives.map(|drive| (drive.names.join(" "), drive.media, drive.bytes / 512)).collect(), inventory)
}

#[test]
fn namespaces_and_paths_are_counted_as_the_drives_that_they_are_of() {
    let check = |plant: fn(&Host), expect: &[(&str, &str, u64)], scratch: (&str, &str)| {
        let (drives, inventory) = listed(plant);
        let drives: Vec<_> = drives.iter().map(|(names, media, size)| (names.as_str(), *media, *size)).collect();
        assert_eq!(drives, expect);
        let facts = &inventory.facts;
        let devices = printed(facts, "storage.scratch.devices");
        assert_eq!(printed(facts, "storage.scratch.drives"), scratch.0);
        assert!(devices == scratch.1 || scratch.1.is_empty(), "{devices}");
    };
    let two_namespaces = |host: &Host| {
        namespace(host, "nvme0n1", "nvme0", ["nqn.a", "S1", "pcie"], "eui.1");
        namespace(host, "nvme0n2", "nvme0", ["nqn.a", "S1", "pcie"], "eui.2");
    };
    check(two_namespaces, &[("nvme0n1 nvme0n2", "nvme", 2000)], ("1", "nvme0n1, nvme0n2"));
    // Both ports of a drive, which the kernel does not join: two controllers, one subsystem, one namespace.
    let two_paths = |host: &Host| {
        namespace(host, "nvme0n1", "nvme0", ["nqn.a", "S1", "pcie"], "eui.1");
        namespace(host, "nvme1n1", "nvme1", ["nqn.a", "S1", "pcie"], "eui.1");
    };
    check(two_paths, &[("nvme0n1 nvme1n1", "nvme", 1000)], ("1", "nvme0n1, nvme1n1"));
    // Two drives of one model whose firmware has one name for all.
    let one_name = |host: &Host| {
        namespace(host, "nvme0n1", "nvme0", ["nqn.a", "S1", "pcie"], "eui.1");
        namespace(host, "nvme1n1", "nvme1", ["nqn.a", "S2", "pcie"], "eui.2");
    };
    check(one_name, &[("nvme0n1", "nvme", 1000), ("nvme1n1", "nvme", 1000)], ("2", ""));
    let over_fabrics = |host: &Host| {
        namespace(host, "nvme0n1", "nvme0", ["nqn.a", "S1", "pcie"], "eui.1");
        namespace(host, "nvme1n1", "nvme1", ["nqn.b", "S2", "tcp"], "uuid.1");
        namespace(host, "nvme2n1", "nvme2", ["nqn.c", "S3", "rdma"], "uuid.2");
    };
    let expect = [("nvme0n1", "nvme", 1000), ("nvme1n1", "nvme-tcp", 1000), ("nvme2n1", "nvme-rdma", 1000)];
    check(over_fabrics, &expect, ("1", "nvme0n1"));
    let two_ports_of_sas = |host: &Host| {
        for name in ["sda", "sdb", "sdc"] {
            host.write(
                &format!("sys/block/{name}/size"),
                "1000
",
            );
            let wwid = if name == "sdc" { "naa.2" } else { "naa.1" };
            host.write(
                &format!("sys/block/{name}/device/wwid"),
                format!(
                    "{wwid}
"
                ),
            );
        }
    };
    check(two_ports_of_sas, &[("sda sdb", "scsi", 1000), ("sdc", "scsi", 1000)], ("0", ""));
}

#[test]
fn block_devices_are_named_as_what_they_are() {
    let (drives, inventory) = listed(|host| {
        for name in ["mmcblk0", "mmcblk0boot0", "bcache0", "pmem0", "nullb0", "ublkb0", "loop0", "dm-0", "vda"] {
            host.write(
                &format!("sys/block/{name}/size"),
                "1000
",
            );
        }
        // A loop device without a file, and an optical drive without a medium.
        host.write(
            "sys/block/sr0/size",
            "0
",
        );
        let below = |name: &str, path: &str, vendor: &str, model: &str| {
            let folder = format!("sys/devices/{path}/block/{name}");
            host.write(
                &format!("{folder}/size"),
                "1000
",
            );
            host.write(
                &format!("{folder}/device/vendor"),
                format!(
                    "{vendor}
"
                ),
            );
            host.write(
                &format!("{folder}/device/model"),
                format!(
                    "{model}
"
                ),
            );
            host.link(&format!("sys/block/{name}"), &format!("../devices/{path}/block/{name}"));
        };
        below("sda", "pci0000:00/0000:00:14.0/usb1/1-3/host7", "AMI", "Virtual HDisk0");
        below("sdb", "pci0000:00/0000:00:14.0/usb1/1-4/host8", "SanDisk", "Ultra");
        below("sdc", "platform/host9/session1/target9:0:0", "LIO-ORG", "disk");
        below("sdd", "pci0000:00/0000:3b:00.0/host10/rport-10:0-0/target10:0:0", "PURE", "FlashArray");
        below("sde", "pci0000:00/0000:00:17.0/ata1/host0", "ATA", "SSD");
    });
    let drives: Vec<_> = drives.iter().map(|(names, media, _)| (names.as_str(), *media)).collect();
    let expect = [
        ("mmcblk0", "mmc"),
        ("sda", "virtual media"),
        ("sdb", "usb"),
        ("sdc", "iscsi"),
        ("sdd", "fc"),
        ("sde", "sata"),
        ("vda", "virtio"),
    ];
    assert_eq!(drives, expect);
    let others = inventory.other_devices.found.unwrap();
    let others: Vec<_> = others.iter().map(|other| (other.name.as_str(), other.what)).collect();
    let expect = [
        ("bcache0", "a cache before another device"),
        ("mmcblk0boot0", "a boot area of an eMMC"),
        ("nullb0", "a test device that keeps nothing"),
        ("pmem0", "persistent memory"),
        ("ublkb0", "a device that a program answers for"),
    ];
    assert_eq!(others, expect);
}

/// Drives that a host has, where its root file system lies, and which drives it boots from and works on.
#[test]
fn drives_are_filed_under_the_volume_that_they_are_of() {
    let absent = format!("{:?}", Some(&Reading::Absent));
    let check = |drives: &[&str], root: &str, boot: Option<&str>, scratch: Option<&str>| {
        let host = bare();
        for drive in drives {
            host.write(&format!("sys/block/{drive}/size"), "1000000\n");
            host.write(&format!("sys/block/{drive}/{drive}p1/partition"), "1\n");
            if let Some(number) = drive.strip_prefix("nvme") {
                let controller = format!("nvme{}", number.trim_end_matches("n1"));
                host.write(&format!("sys/class/nvme/{controller}/model"), "a drive\n");
                host.link(&format!("sys/block/{drive}/device"), &format!("../../{controller}"));
            }
        }
        host.write("proc/self/mounts", format!("{root} / ext4 rw 0 0\n"));
        let facts = inventory(&host).facts;
        for (volume, expect) in [("boot", boot), ("scratch", scratch)] {
            let id = format!("storage.{volume}.devices");
            let found = facts.value(&id).map(ToString::to_string);
            assert_eq!(found.as_deref(), expect, "{drives:?} {root} {volume}");
            let told = format!("{:?}", facts.0.get(&id).map(|fact| &fact.reading));
            assert!(found.is_some() || told == absent, "{told}");
        }
        assert!(
            !inventory(&host).fingerprint().config.values().any(|part| part.contains("n1")),
            "names change by boot"
        );
        facts
    };
    let facts = check(&["vda"], "/dev/vdap1", Some("vda"), Some("vda"));
    assert_eq!(printed(&facts, "storage.scratch.media"), "virtio");
    assert_eq!(
        (printed(&facts, "storage.boot.drives"), printed(&facts, "storage.scratch.drives")),
        ("1".into(), "1".into())
    );
    assert_eq!(printed(&facts, "storage.scratch.layout"), "single");
    // A container sees no root of its own, but the host boots from something.
    let facts = check(&["nvme0n1"], "overlay", Some("nvme0n1"), Some("nvme0n1"));
    assert_eq!(facts.0["storage.boot.layout"].reading, Reading::Absent);
    check(&["nvme0n1", "nvme1n1"], "/dev/nvme0n1p1", Some("nvme0n1"), Some("nvme1n1"));
    check(&["nvme0n1", "nvme1n1"], "overlay", None, Some("nvme0n1, nvme1n1"));
    check(&["sda", "sdb"], "/dev/sdap1", Some("sda"), None);
    check(&[], "/dev/sdap1", None, None);
}

#[test]
fn the_controller_is_asked_for_power_heat_and_supplies() {
    let mut host = documented(2);
    for piece in [255, 16] {
        host.controller.piece = piece;
        let bmc = inventory(&host).bmc.found.unwrap();
        assert_eq!((bmc.watts, bmc.whole), (Some((451.0, "bmc host (DCMI)")), true));
        let sensors: Vec<(&str, BmcValue)> =
            bmc.sensors.iter().map(|sensor| (sensor.name.as_str(), sensor.value)).collect();
        let works = BmcValue::Supply { present: true, failed: false };
        assert_eq!(
            sensors,
            [
                ("CPU1 Temp", BmcValue::Celsius(49.0)),
                ("PS1 Input Power", BmcValue::Watts(228.0)),
                ("PS2 Input Power", BmcValue::Watts(216.0)),
                ("PS1 Status", works),
                ("PS2 Status", works),
                ("PS Redundancy", BmcValue::Redundant(true)),
                ("System Temp", BmcValue::Celsius(120.0)),
            ]
        );
    }
    host.controller.watts = None;
    let bmc = inventory(&host).bmc.found.unwrap();
    assert_eq!(bmc.watts, Some((444.0, "bmc supplies (sum of their inputs)")));
    let alone = take_with(host.root(), &FilesOnly);
    assert_eq!(alone.bmc.found, Err(Unavailable::Absent));
}

#[test]
fn a_drive_is_asked_for_what_sysfs_does_not_tell() {
    let host = documented(2);
    host.remove("sys/class/nvme/nvme2/model");
    host.remove("sys/class/nvme/nvme2/serial");
    let drives = inventory(&host).drives.found.unwrap();
    let names = |drive: usize| (drives[drive].model.as_deref(), drives[drive].serial.as_deref());
    assert_eq!(names(2), (Some("BY ITSELF"), Some("nvme2")));
    assert_eq!(names(3), (Some("SCRATCH MODEL 7.68TB"), Some("S0000003")));
    assert_eq!(drives[3].warm.map(f64::round), Some(70.0));
}

/// How many things `doctor` looks at.
const LOOKED_AT: usize = 25;

#[test]
fn the_whole_system_needs_no_advice() {
    let host = documented(2);
    let checkup = examine(host.root(), &inventory(&host), &Grant::default(), host.root());
    assert_eq!((checkup.advice.len(), checkup.fine.len()), (0, LOOKED_AT), "{:?}", checkup.advice);
    let found = |what: &str| checkup.fine.iter().find(|fine| fine.what == what).unwrap().found.as_deref();
    assert_eq!(found("CPU frequency governor"), Some("performance"));
    assert_eq!(found("swap space"), Some("none"));
    assert_eq!(found("data rate of memory"), Some("5600 MT/s"));
    assert_eq!(found("power supplies"), Some("none failed"));
    assert_eq!(found("CPUs that this process may run on"), None, "nobody told it");
}

/// Plants a fault; it must change these facts, and be named by exactly this advice.
fn check(fault: &str, plant: fn(&mut Host), changed: &[(&str, &str)], advice: &[&str]) {
    let mut host = documented(2);
    plant(&mut host);
    let inventory = inventory(&host);
    for (id, expect) in changed {
        assert_eq!(&printed(&inventory.facts, id), expect, "{fault}: {id}");
    }
    let checkup = examine(host.root(), &inventory, &Grant::default(), host.root());
    let told: Vec<String> = checkup.advice.into_iter().map(|advice| advice.what).collect();
    assert_eq!(told.len(), advice.len(), "{fault}: {told:?}");
    assert_eq!(checkup.fine.len() == LOOKED_AT, advice.is_empty(), "{fault}: what is to be mended is not fine");
    for expect in advice {
        assert!(told.iter().any(|told| told.contains(expect)), "{fault}: {expect}: {told:?}");
    }
}

/// Lets the kernel's list name a device that lies elsewhere, with all bridges above it.
fn move_device(host: &Host, address: &str, to: &str) {
    let at = |path: &str| host.root().join(path);
    let listed = |device: &str| format!("sys/bus/pci/devices/{device}");
    let names: Vec<&str> = to.split('/').collect();
    // What lies below /sys/devices/pci0000:00, but for the device itself.
    for last in 3..names.len() - 1 {
        let bridge = names[..=last].join("/");
        fs::create_dir_all(at(&bridge)).unwrap();
        if at(&listed(names[last])).symlink_metadata().is_err() {
            host.link(&listed(names[last]), &format!("../../../../{bridge}"));
        }
    }
    fs::rename(fs::canonicalize(at(&listed(address))).unwrap(), at(to)).unwrap();
    fs::remove_file(at(&listed(address))).unwrap();
    host.link(&listed(address), &format!("../../../../{to}"));
}

#[test]
fn every_planted_fault_changes_a_fact_or_is_named_by_advice() {
    check(
        "a missing DIMM",
        |host| {
            let plan = DimmPlan { count: 15, ..DimmPlan::default() };
            host.write("sys/firmware/dmi/tables/DMI", table(&plan, "Supermicro", "2.1"));
        },
        &[
            ("memory.dimms", "15"),
            ("memory.capacity", "2.062 TB"),
            ("memory.channels", "15"),
            ("memory.channels_missing", "1"),
        ],
        &["1 memory channel has no DIMM that works"],
    );
    check(
        "a slower DIMM",
        |host| {
            let plan = DimmPlan { rates: (4800, 5600), ..DimmPlan::default() };
            host.write("sys/firmware/dmi/tables/DMI", table(&plan, "Supermicro", "2.1"));
        },
        &[("memory.data_rate", "4800 MT/s"), ("memory.rated_data_rate", "5600 MT/s"), ("memory.full_speed", "no")],
        &["the DIMMs run at 4800 of the 5600 MT/s"],
    );
    check(
        "a missing drive",
        |host| {
            host.remove("sys/block/nvme7n1");
            host.remove("sys/class/nvme/nvme7");
        },
        &[("storage.scratch.drives", "5")],
        &[],
    );
    check(
        "a worn drive",
        |host| host.worn = Some((4, 96)),
        &[("storage.scratch.wear", "96 %")],
        &["nvme4n1 has used 96 % of its endurance"],
    );
    check(
        "older firmware",
        |host| {
            host.write("sys/firmware/dmi/tables/DMI", table(&DimmPlan::default(), "Supermicro", "1.4"));
            host.write("sys/class/nvme/nvme3/firmware_rev", "FW11\n");
        },
        &[("bios.version", "1.4"), ("storage.scratch.firmware", "FW11, FW12")],
        &[],
    );
    check(
        "a hot sensor",
        |host| host.write("sys/class/hwmon/hwmon0/temp1_input", "97000\n"),
        &[("thermal.highest", "97 °C")],
        &["coretemp Package id 0 is at 97 °C"],
    );
    check(
        "a degraded link",
        |host| set_link(host, "sys/bus/pci/devices/0000:13:00.0", ("32.0", 2), ("32.0", 4)),
        &[("storage.scratch.pcie_lanes", "2")],
        &["nvme3n1 runs at PCIe 5 x2"],
    );
    check(
        "a boot drive with a volatile cache",
        |host| host.write("sys/block/nvme1n1/queue/write_cache", "write back\n"),
        &[("storage.boot.power_loss_protection", "no")],
        &[],
    );
    check(
        "a GPU behind a switch",
        |host| {
            let switch = "sys/devices/pci0000:15/0000:33:01.0/0000:38:00.0/0000:39:01.0/0000:43:00.0";
            move_device(host, "0000:43:00.0", switch);
        },
        &[("gpu.cpu_attached", "no"), ("gpu.count", "4")],
        &[],
    );
    check(
        "a kernel without NVMe over Fabrics",
        |host| host.write("lib/modules/6.8.0-45-generic/modules.dep", "kernel/drivers/nvme/host/nvme.ko:\n"),
        &[("os.nvme_fabrics", "no")],
        &[],
    );
    check(
        "a broken mirror",
        |host| host.write("sys/block/md0/md/degraded", "1\n"),
        &[("storage.boot.missing", "1")],
        &["array md0 lacks 1 of 2 devices"],
    );
}

#[test]
fn cards_of_a_maker_with_sensors_and_switches_of_their_own() {
    check(
        "GPUs that tell their temperature, one with a switch of its own maker on the card",
        |host| {
            for gpu in 0x40..0x44 {
                host.write(&format!("sys/bus/pci/devices/0000:{gpu:02x}:00.0/hwmon/hwmon9/temp1_input"), "71000\n");
            }
            let card = "sys/devices/pci0000:15/0000:33:01.0/0000:38:00.0/0000:39:01.0";
            move_device(host, "0000:43:00.0", &format!("{card}/0000:43:00.0"));
            for port in ["0000:38:00.0", "0000:39:01.0"] {
                host.write(&format!("sys/bus/pci/devices/{port}/vendor"), "0x10de\n");
            }
        },
        &[("gpu.cpu_attached", "yes"), ("thermal.monitored", "yes"), ("thermal.highest", "71 °C")],
        &[],
    );
}

#[test]
fn a_slot_of_eight_lanes_is_a_slot_for_gpus_where_it_holds_one() {
    let check = |bus: u8, slots: &str, lanes: &str| {
        let host = documented(2);
        let mut table = table(&DimmPlan::default(), "Supermicro", "2.1");
        // Before the structure that ends the table: eight lanes of PCIe 5, with the device of this bus.
        table.truncate(table.len() - 6);
        structure(&mut table, 9, &[1, 0xC3, 0x0B, 4, 4, 0, 0, 0, 0, 0, 0, bus, 0], &["CPU SLOT9 PCI-E 5.0 X8"]);
        structure(&mut table, 127, &[], &[]);
        host.write("sys/firmware/dmi/tables/DMI", table);
        let facts = inventory(&host).facts;
        assert_eq!(
            (printed(&facts, "gpu.slots"), printed(&facts, "gpu.slot_lanes")),
            (slots.into(), lanes.into()),
            "{bus}"
        );
    };
    check(0x77, "4", "16");
    check(0x42, "5", "8");
}

#[test]
fn what_the_controller_and_drives_tell_of_faults_is_named() {
    check(
        "a hot drive",
        |host| host.kelvin = 346,
        &[("thermal.highest", "72.85 °C")],
        &["nvme0n1", "nvme1n1", "nvme2n1", "nvme3n1", "nvme4n1", "nvme5n1", "nvme6n1", "nvme7n1"],
    );
    check(
        "a processor that only the controller knows to be hot",
        |host| host.controller.readings[CPU_TEMPERATURE][0] = 95,
        &[("thermal.highest", "95 °C")],
        &["CPU1 Temp is at 95 °C"],
    );
    check(
        "a supply without input",
        |host| {
            host.controller.readings[SECOND_SUPPLY][1] = 0b1001;
            host.controller.readings[REDUNDANCY][1] = 0b10;
        },
        &[("power.supply_redundancy", "none")],
        &["power supply PS2 Status failed or has no input"],
    );
}

#[test]
fn what_disturbs_a_measurement_is_named_with_what_mends_it() {
    check(
        "another user of a drive",
        |host| host.write("sys/block/nvme5n1/stat", "100 0 800 9 50 0 400 9 7 9 18\n"),
        &[],
        &["others use nvme5n1"],
    );
    check(
        "a kernel that is set otherwise",
        |host| {
            host.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
            host.write("sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
            host.write("proc/sys/kernel/numa_balancing", "1\n");
            host.write("proc/meminfo", "MemTotal:       2113401234 kB\nSwapTotal:      8388604 kB\n");
            host.write(
                "proc/self/limits",
                "Max open files  1024  1048576  files\nMax locked memory  8388608  8388608  bytes\n",
            );
            host.write("proc/self/mounts", "/dev/md0 / ext4 rw 0 0\ntmpfs /dev/shm tmpfs rw,size=64m 0 0\n");
        },
        &[("os.governor", "performance, powersave"), ("os.file_handles", "1024"), ("os.memlock", "8.389 MB")],
        &[
            "governor is performance, powersave",
            "transparent huge pages are off",
            "automatic NUMA balancing is on",
            "swap space is switched on",
            "a process may open 1024 files",
            "little memory may be locked",
            "/dev/shm is smaller",
        ],
    );
}

#[test]
fn what_this_process_may_use_is_named_where_it_is_less_than_the_host() {
    let check = |grant: &Grant, expect: &[(&str, &str)]| {
        let host = documented(2);
        let told = advise(host.root(), &inventory(&host), grant, host.root());
        let told: Vec<(&str, &str)> = told.iter().map(|told| (told.what.as_str(), told.command.as_str())).collect();
        assert_eq!(told, expect, "{grant:?}");
    };
    let limit = |value: f64| Some(Limit { value, command: format!("lift {value}") });
    let cpus = |count: usize| Some(Cpus { count, list: format!("0-{}", count - 1) });
    let none = Grant::default();
    check(&Grant { cpus: cpus(8), cpu_time: limit(8.0), memory: limit(2.2e12), ..none.clone() }, &[]);
    check(
        &Grant { cpus: cpus(4), cpu_time: limit(2.0), memory: limit(1e12), ..none.clone() },
        &[
            ("a control group grants the time of 2 CPUs of 8", "lift 2"),
            ("a control group grants 931.3 GiB of memory", "lift 1000000000000"),
            ("this process may run on 4 of 8 CPUs (0-3)", "sudo taskset -cp 0-7 $$"),
        ],
    );
    // Commands name the CPUs that are there.
    let listed = |count: usize, list: &str| Some(Cpus { count, list: list.to_owned() });
    let (online, offline) = (listed(8, "0-3,6-9"), listed(2, "4-5"));
    check(
        &Grant { cpus: cpus(4), online: online.clone(), offline: offline.clone(), ..none.clone() },
        &[
            ("this process may run on 4 of 8 CPUs (0-3)", "sudo taskset -cp 0-3,6-9 $$"),
            ("2 of 10 CPUs are switched off (4-5)", "sudo chcpu -e 4-5"),
        ],
    );
    let host = documented(2);
    let told = |host: &Host| {
        let grant = Grant { offline: offline.clone(), online: online.clone(), ..none.clone() };
        advise(host.root(), &inventory(host), &grant, host.root()).len()
    };
    assert_eq!(told(&host), 1);
    host.write("sys/devices/system/cpu/smt/control", "off\n");
    assert_eq!(told(&host), 0, "those are the second threads of cores");
}

#[test]
fn cpus_that_are_switched_off_and_memory_without_cpus_are_told() {
    let host = documented(2);
    let told = |id: &str| printed(&inventory(&host).facts, id);
    assert_eq!((told("cpu.offline"), told("numa.nodes_per_socket")), ("0".into(), "1".into()));
    for cpu in [8, 9] {
        host.write(&format!("sys/devices/system/cpu/cpu{cpu}/online"), "0\n");
    }
    for node in [2, 3] {
        let folder = format!("sys/devices/system/node/node{node}");
        host.write(&format!("{folder}/meminfo"), format!("Node {node} MemTotal: 67108864 kB\n"));
        host.write(&format!("{folder}/cpulist"), "\n");
    }
    assert_eq!((told("cpu.offline"), told("cpu.threads")), ("2".into(), "8".into()));
    assert_eq!((told("numa.nodes"), told("numa.nodes_per_socket")), ("4".into(), "1".into()));
}

#[test]
fn files_alone_tell_the_same_without_tools() {
    let facts = inspect(documented(2).root());
    assert_eq!(printed(&facts, "storage.scratch.drives"), "6");
    assert_eq!(facts.0["storage.scratch.wear"].reading, Reading::Absent);
    assert_eq!(facts.0["storage.scratch.layout"].reading, Reading::Absent);
}

#[test]
fn a_fingerprint_is_stable_and_tells_what_was_changed() {
    let host = documented(2);
    let before = inventory(&host).fingerprint();
    host.write("proc/loadavg", "99 99 99 99/99 1\n");
    host.write("sys/class/hwmon/hwmon0/temp1_input", "81000\n");
    for _ in 0..20 {
        assert_eq!(inventory(&host).fingerprint(), before);
    }
    host.write("sys/class/nvme/nvme2/firmware_rev", "FW13\n");
    host.write("proc/sys/kernel/osrelease", "6.8.0-46-generic\n");
    let after = inventory(&host).fingerprint();
    assert_eq!(after.platform_id, before.platform_id);
    assert_ne!(after.config_id, before.config_id);
    let parts: Vec<String> = after.changes_since(&before).into_iter().map(|change| change.part).collect();
    assert_eq!(parts, ["drive S0000002 firmware", "os.kernel"]);
}

#[test]
fn an_installation_is_known_by_a_hash_of_its_id() {
    let host = documented(2);
    let id = "0123456789abcdef0123456789abcdef";
    let check = |file: &str, expect: bool| {
        host.write("etc/machine-id", file);
        let print = inventory(&host).fingerprint();
        let hash = print.platform.get("machine-id");
        assert_eq!(hash.is_some(), expect, "{file}");
        assert!(hash.is_none_or(|hash| hash.len() == 32 && hash != id), "{hash:?}");
    };
    check(&format!("{id}\n"), true);
    check("uninitialized\n", false);
    check("", false);
}

#[test]
fn strings_from_outside_are_carried_as_they_are() {
    let host = documented(2);
    let long = "x".repeat(10_000);
    for hostile in ["\u{1b}[31mred\u{7}", "<script>alert(\"1\")</script>&'", "line\u{b}two\ttab", &long] {
        host.write("sys/firmware/dmi/tables/DMI", table(&DimmPlan::default(), hostile, hostile));
        host.write("sys/class/nvme/nvme2/model", hostile);
        let inventory = inventory(&host);
        assert_eq!(inventory.facts.value("bios.version"), Some(&FactValue::Text(hostile.to_owned())));
        let drives = inventory.drives.found.as_ref().unwrap();
        assert_eq!(drives[2].model.as_deref(), Some(hostile));
        assert!(inventory.tables().iter().any(|table| {
            table.rows.iter().flatten().flatten().flatten().any(|value| value == &FactValue::Text(hostile.to_owned()))
        }));
        assert_eq!(inventory.fingerprint().platform_id.len(), 64);
    }
}

#[test]
fn only_a_table_that_says_nothing_fails() {
    let host = documented(2);
    let check = |bytes: &[u8], fails: bool| {
        host.write("sys/firmware/dmi/tables/DMI", bytes);
        let inventory = inventory(&host);
        assert_eq!(inventory.firmware.found.is_err(), fails);
        // The kernel's own figure stands in.
        assert_eq!(inventory.facts.number("memory.capacity"), Some(2_113_401_234.0 * 1024.0));
    };
    check(b"", true);
    check(b"\0\0\0\0\0\0\0\0", true);
    let mut bios = Vec::new();
    structure(&mut bios, 0, &[1, 2, 0, 0, 3], &["AMI", "1.0", "today"]);
    check(&bios, false);
}
