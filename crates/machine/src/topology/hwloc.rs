//! Reads a topology by hwloc into plain data.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZero;
use std::path::Path;

use hwlocality::Topology as Tree;
use hwlocality::object::TopologyObject;
use hwlocality::object::attributes::ObjectAttributes;
use hwlocality::object::distance::DistancesKind;
use hwlocality::object::types::{CacheType, ObjectType};
use hwlocality::topology::builder::{BuildFlags, TopologyBuilder};

use super::{Cache, Core, Node, Source, Topology, caches};
use crate::{CpuSet, Error, affinity, memory};

/// What a synthetic description looks like.
const EXAMPLE: &str = "expected for instance `pack:2 numa:1 core:64 pu:2`";
/// The bounds of a synthetic description: characters, hardware threads and levels.
const LONGEST_DESCRIPTION: usize = 4096;
const MOST_THREADS: u64 = 8192;
const MOST_LEVELS: usize = 16;
/// Objects beside each other: hwloc compares each with each.
const MOST_SIBLINGS: u64 = 256;
/// Bytes of the largest topology file: that of 8192 hardware threads is a tenth of it.
const LARGEST_FILE: u64 = 64 << 20;

/// Reads the topology of a source.
pub(super) fn read(source: &Source) -> Result<Topology, Error> {
    let tree = load(source)?;
    let mut topology = Topology {
        nodes: nodes(&tree),
        caches: data_caches(&tree),
        packages: count(tree.objects_with_type(ObjectType::Package).len()).max(1),
        distances: distances(&tree),
        offline: cpus(&tree.complete_cpuset()).difference(&cpus(&tree.cpuset())),
        ..Topology::default()
    };
    topology.cores = cores(&tree, &topology);
    topology.allowed = topology.cpus();
    match source {
        Source::Host => complete_by_host(&mut topology)?,
        // hwloc gives every node that is described without a size 1 GiB.
        Source::Synthetic(text) if !text.contains("memory=") => {}
        Source::Xml(_) | Source::Synthetic(_) => complete_by_sizes(&mut topology),
    }
    Ok(topology)
}

/// What hwloc does not tell of this host: the caller's own limits, free memory, other opinions on caches.
fn complete_by_host(topology: &mut Topology) -> Result<(), Error> {
    let root = Path::new("/");
    topology.allowed = affinity::allowed()?;
    topology.offline = affinity::offline(root);
    topology.cpu_quota = memory::cpu_quota(root);
    for node in &mut topology.nodes {
        node.available = memory::available_on_node(root, node.os_index);
        if memory::is_one_node(root) {
            // The node's own figures miss memory that a hypervisor gave back later.
            node.memory = node.memory.max(memory::total(root));
            node.available = Some(memory::available(root));
        }
    }
    caches::claim(&mut topology.caches, topology.packages, root);
    Ok(())
}

/// On a described host all memory counts as free; a description without any sizes tells nothing.
fn complete_by_sizes(topology: &mut Topology) {
    let known = topology.nodes.iter().any(|node| node.memory > 0);
    for node in &mut topology.nodes {
        node.available = known.then_some(node.memory);
    }
}

fn load(source: &Source) -> Result<Tree, Error> {
    let of = match source {
        Source::Host => "this host".to_owned(),
        Source::Xml(path) => format!("the file {}", path.display()),
        Source::Synthetic(text) => format!("the description `{text}`"),
    };
    let wrong = |why: String| Error::Topology { of: of.clone(), why };
    let builder = TopologyBuilder::new();
    let builder = match source {
        Source::Host => {
            builder.with_flags(BuildFlags::DONT_CHANGE_BINDING).map_err(|error| wrong(error.to_string()))?
        }
        Source::Xml(path) => {
            let about = fs::metadata(path).map_err(|source| Error::Read { path: path.clone(), source })?;
            if !about.is_file() || about.len() > LARGEST_FILE {
                return Err(wrong(format!("it is no ordinary file of at most {} MiB", LARGEST_FILE >> 20)));
            }
            let text = fs::read_to_string(path).map_err(|source| Error::Read { path: path.clone(), source })?;
            check_version(&text).and_then(|()| check_xml(&text)).map_err(&wrong)?;
            builder.from_xml(&text).map_err(|error| wrong(format!("{error}; expected XML as `lstopo` writes it")))?
        }
        Source::Synthetic(text) => {
            check_synthetic(text).map_err(&wrong)?;
            let example = |error| wrong(format!("{error}; {EXAMPLE}"));
            builder.from_synthetic(text).map_err(example)?
        }
    };
    let tree = builder.build().map_err(|error| wrong(error.to_string()))?;
    if *source == Source::Host && !tree.is_this_system() {
        return Err(wrong("hwloc was told to show another host: unset HWLOC_XMLFILE and HWLOC_SYNTHETIC".into()));
    }
    Ok(tree)
}

/// Refuses a file of a later hwloc than the one that is here, which would only say that it cannot parse it.
fn check_version(text: &str) -> Result<(), String> {
    let major = |text: &str| text.split('.').next()?.trim().parse::<usize>().ok();
    let tag = text.split_once("<topology ").and_then(|(_, rest)| rest.split_once('>')).map_or("", |(tag, _)| tag);
    let version = tag.split_once("version=\"").and_then(|(_, rest)| rest.split_once('"')).map(|(version, _)| version);
    let here = hwlocality::hwloc_api_version() >> 16;
    match version.and_then(major).filter(|&major| major > here) {
        None => Ok(()),
        Some(theirs) => Err(format!(
            "it was written by hwloc {theirs}, and the hwloc here is version {here}: write it again by `lstopo \
             --export-xml-flags v{here} FILE.xml`, or by an hwloc of version {here}"
        )),
    }
}

/// Refuses what hwloc never writes, and crashes on when it reads it (2.9): an object with a set but no complete one.
fn check_xml(text: &str) -> Result<(), String> {
    for tag in text.split("<object ").skip(1) {
        let tag = tag.split('>').next().unwrap_or(tag);
        for set in ["cpuset", "nodeset"] {
            if tag.contains(&format!(" {set}=")) && !tag.contains(&format!(" complete_{set}=")) {
                return Err(format!("an object has `{set}` and lacks `complete_{set}`: <object {tag}>"));
            }
        }
    }
    Ok(())
}

/// Refuses what no Linux can be (`NR_CPUS` is 8192 at most): hwloc takes minutes over it, and all the memory. What passes is
/// written in fewer words than hwloc takes, so that nothing means more to hwloc than it does here: counts are decimal.
fn check_synthetic(text: &str) -> Result<(), String> {
    if text.len() > LONGEST_DESCRIPTION {
        return Err(format!("it has {} characters; {LONGEST_DESCRIPTION} are the most", text.len()));
    }
    let (outline, attributes) = split_attributes(text)?;
    check_attributes(&attributes)?;
    let mut threads = 1_u64;
    for (index, level) in outline.split_whitespace().enumerate() {
        let (kind, count) = level.rsplit_once(':').unwrap_or(("", level));
        let is_count = count.bytes().all(|byte| byte.is_ascii_digit()) && !count.starts_with('0') && count.len() < 7;
        if !is_count || count.is_empty() || !kind.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(format!("`{level}` is no level; {EXAMPLE}"));
        }
        if index == MOST_LEVELS {
            return Err(format!("it has more than {MOST_LEVELS} levels"));
        }
        let count = count.parse().unwrap_or(u64::MAX);
        threads = threads.saturating_mul(count);
        if count > MOST_SIBLINGS && threads <= MOST_THREADS {
            return Err(format!(
                "`{level}` is more than {MOST_SIBLINGS} beside each other; put a level between, such as `l3`"
            ));
        }
    }
    if threads > MOST_THREADS {
        return Err(format!("it describes {threads} hardware threads; {MOST_THREADS} are the most"));
    }
    Ok(())
}

/// A description without what stands in parentheses and brackets, and that.
fn split_attributes(text: &str) -> Result<(String, String), String> {
    let (mut outline, mut attributes) = (String::new(), String::new());
    let mut open = Vec::new();
    for c in text.chars() {
        match c {
            '(' | '[' => open.push(c),
            ')' if open.pop() != Some('(') => return Err("`)` closes nothing in it".to_owned()),
            ']' if open.pop() != Some('[') => return Err("`]` closes nothing in it".to_owned()),
            ')' | ']' => {}
            _ if open.is_empty() => outline.push(c),
            // A memory beside a level is one, without a count.
            ':' if open.last() == Some(&'[') => return Err(format!("`:` stands in brackets; {EXAMPLE}")),
            _ => attributes.push(c),
        }
        if matches!(c, '(' | '[' | ')' | ']') {
            attributes.push(' ');
        }
    }
    if open.is_empty() { Ok((outline, attributes)) } else { Err("a bracket is not closed in it".to_owned()) }
}

/// Sizes have as many digits as a size has, and numbers of CPUs as many as one of those.
fn check_attributes(attributes: &str) -> Result<(), String> {
    for attribute in attributes.split_whitespace() {
        let digits = if attribute.contains("index") { 4 } else { 16 };
        let mut words = attribute.split(|c: char| !c.is_ascii_alphanumeric());
        if words.any(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.len() > digits) {
            return Err(format!("`{attribute}` holds a number that no host has"));
        }
    }
    Ok(())
}

fn nodes(tree: &Tree) -> Vec<Node> {
    let mut nodes: Vec<Node> = tree.objects_with_type(ObjectType::NUMANode).filter_map(node).collect();
    nodes.sort_by_key(|node| node.os_index);
    nodes
}

fn node(object: &TopologyObject) -> Option<Node> {
    let memory = match object.attributes() {
        Some(ObjectAttributes::NUMANode(attributes)) => attributes.local_memory().map_or(0, NonZero::get),
        _ => 0,
    };
    Some(Node {
        os_index: u32::try_from(object.os_index()?).ok()?,
        memory,
        available: None,
        cpus: object_cpus(object),
        kind: object.subtype().map(|kind| kind.to_string_lossy().into_owned()),
    })
}

/// Groups hardware threads by their core; a thread without one is a core of its own.
fn cores(tree: &Tree, topology: &Topology) -> Vec<Core> {
    let mut cores: Vec<Core> = Vec::new();
    let mut last = None;
    let local = topology.local_nodes();
    for pu in tree.objects_with_type(ObjectType::PU) {
        let Some(cpu) = pu.os_index().and_then(|index| u32::try_from(index).ok()) else { continue };
        let core = pu.first_ancestor_with_type(ObjectType::Core).map(TopologyObject::logical_index);
        match cores.last_mut() {
            Some(open) if core.is_some() && core == last => {
                open.pus.0.insert(cpu);
            }
            _ => cores.push(Core {
                index: count(cores.len()),
                package: pu.first_ancestor_with_type(ObjectType::Package).map_or(0, |p| count(p.logical_index())),
                node: local.get(&cpu).copied(),
                pus: CpuSet::from_iter([cpu]),
            }),
        }
        last = core;
    }
    cores
}

fn data_caches(tree: &Tree) -> Vec<Cache> {
    let object_caches = tree.normal_objects().filter_map(|object| {
        let Some(ObjectAttributes::Cache(cache)) = object.attributes() else { return None };
        let bytes = cache.size()?.get();
        (cache.cache_type() != CacheType::Instruction).then(|| Cache {
            level: u8::try_from(cache.depth()).unwrap_or(u8::MAX),
            bytes,
            claimed: bytes,
            line: cache.line_size().map_or(0, |line| count(line.get())),
            cpus: object_cpus(object),
        })
    });
    let mut caches: Vec<Cache> = object_caches.collect();
    caches.sort_by_key(|cache| (cache.level, cache.cpus.iter().next()));
    caches
}

/// The first matrix of latencies between nodes.
fn distances(tree: &Tree) -> BTreeMap<(u32, u32), u32> {
    let kind = Some(DistancesKind::MEANS_LATENCY);
    let matrices = tree.distances_with_type(kind, ObjectType::NUMANode).unwrap_or_default();
    let Some(matrix) = matrices.first() else { return BTreeMap::new() };
    let number = |object: Option<&TopologyObject>| object?.os_index().and_then(|index| u32::try_from(index).ok());
    matrix
        .object_distances()
        .filter_map(|((from, to), distance)| Some(((number(from)?, number(to)?), u32::try_from(distance).ok()?)))
        .collect()
}

fn object_cpus(object: &TopologyObject) -> CpuSet {
    object.cpuset().map(|set| cpus(&set)).unwrap_or_default()
}

fn cpus(set: &hwlocality::cpu::cpuset::CpuSet) -> CpuSet {
    // An infinite set is hwloc's "all, and any to come": of no use to place by.
    let finite = set.weight().is_some();
    set.iter_set().filter(|_| finite).filter_map(|cpu| u32::try_from(usize::from(cpu)).ok()).collect()
}

fn count(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
