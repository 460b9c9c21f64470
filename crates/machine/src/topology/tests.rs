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
    check(Source::Synthetic("pack:2 core:4096(indexes=1:2) 2".into()), "16384 hardware threads; 8192 are the most");
    check(Source::Synthetic("pack:18446744073709551615 pu:9".into()), "8192 are the most");
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
