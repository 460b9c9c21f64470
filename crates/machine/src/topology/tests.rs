use std::fs;

use super::*;

fn synthetic(description: &str) -> Topology {
    Topology::read(&Source::Synthetic(description.into())).unwrap()
}

fn xml(text: &str) -> Topology {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.xml");
    fs::write(&path, text).unwrap();
    Topology::read(&Source::Xml(path)).unwrap()
}

#[test]
fn synthetic_descriptions() {
    let check = |description: &str, packages: u32, nodes: usize, cores: usize, pus: usize| {
        let topology = synthetic(description);
        let found = (topology.packages, topology.nodes.len(), topology.cores.len(), topology.cpus().len());
        assert_eq!(found, (packages, nodes, cores, pus), "{description}");
        assert_eq!(topology.allowed, topology.cpus());
    };
    check("pack:2 numa:1 core:64 pu:2", 2, 2, 128, 256);
    check("pack:2 numa:4 core:16 pu:2", 2, 8, 128, 256);
    check("pu:4", 1, 1, 4, 4);
    check("pack:1 core:3 pu:1", 1, 1, 3, 3);
}

#[test]
fn what_hwloc_does_not_take_is_an_error() {
    let check = |source: Source, expect: &str| {
        let error = Topology::read(&source).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    };
    check(Source::Synthetic("sockets".into()), "expected for instance `pack:2");
    check(Source::Synthetic(String::new()), "expected for instance `pack:2");
    check(Source::Synthetic("pack:2\0".into()), "expected for instance `pack:2");
    check(
        Source::Synthetic("pack:2 numa:64 core:64(indexes=1:2) 2".into()),
        "16384 hardware threads; 8192 are the most",
    );
    check(Source::Synthetic("pack:18446744073709551615 pu:9".into()), "expected for instance `pack:2");
    for text in
        ["pack:0x2 pu:1", "pack:010 pu:1", "pack:-1", "pack:", "core:1e4", "pack:2[numa:2] core:1", "pa ck:2,pu:1"]
    {
        check(Source::Synthetic(text.into()), "expected for instance `pack:2");
    }
    check(Source::Synthetic("pack:2) core:1".into()), "closes nothing");
    check(Source::Synthetic("pack:2(size=[1) core:1]".into()), "closes nothing");
    check(Source::Synthetic("pack:2(memory=1GB".into()), "not closed");
    check(Source::Synthetic("core:2(indexes=1,40000) pu:1".into()), "a number that no host has");
    check(Source::Synthetic("pack:1 ".repeat(17)), "more than 16 levels");
    check(Source::Synthetic("pack:2 core:257 pu:2".into()), "more than 256 beside each other");
    check(Source::Synthetic("x".repeat(5000)), "4096 are the most");
    check(Source::Xml("/dev/zero".into()), "no ordinary file");
    check(Source::Xml("/nowhere/host.xml".into()), "/nowhere/host.xml could not be read");
    let folder = tempfile::tempdir().unwrap();
    let without = |attribute: &str| MIXED.replacen(attribute, "", 1);
    for (text, expect) in [
        ("", "file.xml"),
        ("not a topology", "file.xml"),
        ("<topology version=\"2.0\">", "file.xml"),
        (&MIXED[..MIXED.len() / 2], "file.xml"),
        (&MIXED.replace("version=\"2.0\"", "version=\"9.1\""), "it was written by hwloc 9"),
        (&without(" complete_cpuset=\"0x1\""), "lacks `complete_cpuset`"),
        (&without(" complete_nodeset=\"0x2\""), "lacks `complete_nodeset`"),
    ] {
        let path = folder.path().join("file.xml");
        fs::write(&path, text).unwrap();
        check(Source::Xml(path), expect);
    }
}

/// 10^4 mutations of descriptions. What is let through to hwloc is small, so none takes a second.
#[test]
fn mutated_descriptions_are_read_or_refused() {
    let mut random = measure::random::SplitMix64::new(7);
    let mut pick = |end: usize| usize::try_from(random.below(end as u64)).unwrap();
    let shapes = [
        "pack:2 numa:1 core:64 pu:2",
        "pack:2 l3:1(size=1000000) l2:2(size=100000) l1d:1(size=1000) core:1 pu:2",
        "pack:1 [numa(memory=1000000)] core:2 pu:1(indexes=0,1)",
    ];
    let words = ["2", "99", "8192", "0x10", ":", "(", ")", "[numa]", " ", "pu:2", "core:", "memory=9", "\0", "ü"];
    let mut read = 0;
    for _ in 0..10_000 {
        let mut text = shapes[pick(shapes.len())].to_owned();
        for _ in 0..=pick(2) {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let (at, end) = (places[pick(places.len())], places[pick(places.len())]);
            match pick(3) {
                0 => text.insert_str(at, words[pick(words.len())]),
                1 => text.replace_range(at.min(end)..at.max(end), ""),
                _ => text = text[..at].to_owned() + words[pick(words.len())],
            }
        }
        let before = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        read += usize::from(Topology::read(&Source::Synthetic(text.clone())).is_ok());
        let took = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime) - before;
        assert!(took.tv_sec < 1, "{text}");
    }
    assert!((500..9_500).contains(&read), "some are still read, some are not: {read}");
}

#[test]
fn caches_that_cpus_reach() {
    let topology = synthetic("pack:2 l3:1(size=1000000) l2:2(size=100000) l1d:1(size=1000) core:1 pu:2");
    let check = |cpus: &str, expect: u64| assert_eq!(topology.cache_reach(&cpus.parse().unwrap()), expect, "{cpus}");
    check("0", 1_100_000);
    check("0-1", 1_100_000);
    check("0-3", 1_200_000);
    check("0-7", 2_400_000);
    check("", 0);
}

/// Two packages: the first with ordinary and high-bandwidth memory, the second with a core of two threads beside one of
/// one, half of the host's memory size, and a CPU that is switched off; a node of memory only.
const MIXED: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc2.dtd">
<topology version="2.0">
 <object type="Machine" os_index="0" cpuset="0x1f" complete_cpuset="0x3f" allowed_cpuset="0x1f" nodeset="0xf" complete_nodeset="0xf" allowed_nodeset="0xf" gp_index="1">
  <object type="NUMANode" os_index="3" cpuset="0x1f" complete_cpuset="0x3f" nodeset="0x8" complete_nodeset="0x8" gp_index="2" local_memory="4000000"/>
  <object type="Package" os_index="0" cpuset="0x3" complete_cpuset="0x3" nodeset="0x5" complete_nodeset="0x5" gp_index="3">
   <object type="NUMANode" os_index="0" cpuset="0x3" complete_cpuset="0x3" nodeset="0x1" complete_nodeset="0x1" gp_index="4" local_memory="2000000"/>
   <object type="NUMANode" os_index="2" subtype="HBM" cpuset="0x3" complete_cpuset="0x3" nodeset="0x4" complete_nodeset="0x4" gp_index="5" local_memory="500000"/>
   <object type="Core" os_index="0" cpuset="0x1" complete_cpuset="0x1" nodeset="0x5" complete_nodeset="0x5" gp_index="6">
    <object type="PU" os_index="0" cpuset="0x1" complete_cpuset="0x1" nodeset="0x5" complete_nodeset="0x5" gp_index="7"/>
   </object>
   <object type="Core" os_index="1" cpuset="0x2" complete_cpuset="0x2" nodeset="0x5" complete_nodeset="0x5" gp_index="8">
    <object type="PU" os_index="1" cpuset="0x2" complete_cpuset="0x2" nodeset="0x5" complete_nodeset="0x5" gp_index="9"/>
   </object>
  </object>
  <object type="Package" os_index="1" cpuset="0x1c" complete_cpuset="0x3c" nodeset="0x2" complete_nodeset="0x2" gp_index="10">
   <object type="NUMANode" os_index="1" cpuset="0x1c" complete_cpuset="0x3c" nodeset="0x2" complete_nodeset="0x2" gp_index="11" local_memory="1000000"/>
   <object type="Core" os_index="0" cpuset="0xc" complete_cpuset="0xc" nodeset="0x2" complete_nodeset="0x2" gp_index="12">
    <object type="PU" os_index="2" cpuset="0x4" complete_cpuset="0x4" nodeset="0x2" complete_nodeset="0x2" gp_index="13"/>
    <object type="PU" os_index="3" cpuset="0x8" complete_cpuset="0x8" nodeset="0x2" complete_nodeset="0x2" gp_index="14"/>
   </object>
   <object type="Core" os_index="1" cpuset="0x10" complete_cpuset="0x30" nodeset="0x2" complete_nodeset="0x2" gp_index="15">
    <object type="PU" os_index="4" cpuset="0x10" complete_cpuset="0x10" nodeset="0x2" complete_nodeset="0x2" gp_index="16"/>
   </object>
  </object>
 </object>
 <distances2 type="NUMANode" nbobjs="2" kind="5" indexing="os">
  <indexes length="4">0 1 </indexes>
  <u64values length="12">10 21 22 10 </u64values>
 </distances2>
</topology>
"#;

#[test]
fn mixed_nodes_and_cores_by_xml() {
    let topology = xml(MIXED);
    let nodes: Vec<_> =
        topology.nodes.iter().map(|n| (n.os_index, n.memory, n.cpus.to_string(), n.kind.as_deref())).collect();
    assert_eq!(
        nodes,
        [
            (0, 2_000_000, "0-1".into(), None),
            (1, 1_000_000, "2-4".into(), None),
            (2, 500_000, "0-1".into(), Some("HBM")),
            (3, 4_000_000, "0-4".into(), None),
        ]
    );
    assert!(topology.nodes.iter().all(|node| node.available == Some(node.memory)));
    let cores: Vec<_> = topology.cores.iter().map(|c| (c.package, c.node, c.pus.to_string())).collect();
    assert_eq!(
        cores,
        [(0, Some(0), "0".into()), (0, Some(0), "1".into()), (1, Some(1), "2-3".into()), (1, Some(1), "4".into())]
    );
    assert_eq!(topology.offline.to_string(), "5");
    assert_eq!(topology.distance(0, 1), Some(21));
    assert_eq!(topology.distance(1, 0), Some(22));
    assert_eq!(topology.distance(0, 3), None);
}

#[test]
fn a_file_without_sizes_of_memory_tells_nothing_of_it() {
    let sizes = ["4000000", "2000000", "1000000", "500000"];
    let text = sizes.iter().fold(MIXED.to_owned(), |text, size| text.replace(&format!(" local_memory=\"{size}\""), ""));
    let topology = xml(&text);
    assert!(topology.nodes.iter().all(|node| node.memory == 0 && node.available.is_none()), "{:?}", topology.nodes);
}

#[test]
fn this_host_has_cpus_that_this_process_may_use() {
    let topology = Topology::read(&Source::Host).unwrap();
    assert!(topology.cores.iter().any(|core| core.pus.intersects(&topology.allowed)));
    assert!(topology.nodes.iter().any(|node| node.memory > 0 && node.available.is_some()), "{:?}", topology.nodes);
    assert!(topology.caches.iter().all(|cache| cache.claimed >= cache.bytes));
}
