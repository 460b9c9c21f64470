//! Other opinions on the size of caches.

use std::fs;
use std::path::Path;

use raw_cpuid::{CacheType, CpuId};

use super::Cache;

/// Raises what is claimed of this host's caches to the largest size by sysfs and by CPUID.
///
/// On virtual machines they differ by a factor of ten: the hypervisor hands CPUID through, or makes it up.
pub(super) fn claim(caches: &mut [Cache], packages: u32, root: &Path) {
    let thirds = caches.iter().filter(|cache| cache.level == 3).count() as u64;
    for cache in caches {
        let cpu = cache.cpus.iter().next();
        let by_sysfs = cpu.and_then(|cpu| by_sysfs(root, cpu, cache.level)).unwrap_or(0);
        let share = if cache.level == 3 { l3_of_package() * u64::from(packages) / thirds } else { 0 };
        cache.claimed = cache.claimed.max(by_sysfs).max(by_cpuid(cache.level)).max(share);
    }
}

/// All level-3 cache of a package by CPUID (leaf 0x80000006 of AMD, in units of 512 KiB), which `getconf` shows; 0 where
/// it is not told.
fn l3_of_package() -> u64 {
    CpuId::new().get_l2_l3_cache_and_tlb_info().map_or(0, |info| u64::from(info.l3cache_size()) << 19)
}

/// The size of a CPU's data or unified cache of a level in sysfs.
fn by_sysfs(root: &Path, cpu: u32, level: u8) -> Option<u64> {
    let folder = root.join(format!("sys/devices/system/cpu/cpu{cpu}/cache"));
    let sizes = fs::read_dir(folder).ok()?.filter_map(|entry| {
        let index = entry.ok()?.path();
        let field = |name: &str| fs::read_to_string(index.join(name)).ok();
        let this_level = field("level")?.trim().parse::<u8>().ok()? == level;
        let data = field("type")?.trim() != "Instruction";
        if this_level && data { size(field("size")?.trim()) } else { None }
    });
    sizes.max()
}

/// A size as sysfs writes it: `32768K`.
fn size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let factor = match &text[digits.len()..] {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// The size of this CPU's largest data or unified cache of a level by CPUID (leaf 4, or 0x8000001D of AMD); 0 where it
/// has none.
fn by_cpuid(level: u8) -> u64 {
    let all = CpuId::new().get_cache_parameters();
    let sizes = all.into_iter().flatten().filter_map(|cache| {
        let data = matches!(cache.cache_type(), CacheType::Data | CacheType::Unified);
        let ways = cache.associativity() as u64 * cache.physical_line_partitions() as u64;
        (data && cache.level() == level).then(|| ways * cache.coherency_line_size() as u64 * cache.sets() as u64)
    });
    sizes.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_sysfs() {
        let check = |text: &str, expect: Option<u64>| assert_eq!(size(text), expect, "{text}");
        check("32768K", Some(32 << 20));
        check("2M", Some(2 << 20));
        check("512", Some(512));
        check("K", None);
        check("1X", None);
        check("99999999999999999999K", None);
        check("18446744073709551615K", None);
    }

    #[test]
    fn the_largest_opinion_is_claimed() {
        let root = tempfile::tempdir().unwrap();
        let index = root.path().join("sys/devices/system/cpu/cpu3/cache/index2");
        fs::create_dir_all(&index).unwrap();
        for (name, text) in [("level", "9\n"), ("type", "Unified\n"), ("size", "64K\n")] {
            fs::write(index.join(name), text).unwrap();
        }
        let cache = |bytes| Cache { level: 9, bytes, claimed: bytes, line: 64, cpus: [3].into_iter().collect() };
        let mut caches = [cache(1 << 10), cache(1 << 20)];
        claim(&mut caches, 1, root.path());
        assert_eq!(caches.map(|cache| (cache.bytes, cache.claimed)), [(1 << 10, 64 << 10), (1 << 20, 1 << 20)]);
    }
}
