//! Names of nodes as node sets: `node[017,230-231]`.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// A name in three: what stands before its last number, the number, and what stands behind it.
fn split(name: &str) -> Option<(&str, &str, &str)> {
    let end = name.rfind(|c: char| c.is_ascii_digit())? + 1;
    let start = name[..end]
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |at| at + name[at..].chars().next().map_or(1, char::len_utf8));
    // Longer numbers are names, and none that anybody counts with.
    (end - start <= 9).then(|| (&name[..start], &name[start..end], &name[end..]))
}

/// The order in which people count: `node9` before `node10`.
#[must_use]
pub fn by_name(one: &str, other: &str) -> Ordering {
    let key = |name: &str| {
        split(name).map_or((name.to_owned(), 0, String::new()), |(before, number, behind)| {
            (before.to_owned(), number.parse().unwrap_or(0_u64), behind.to_owned())
        })
    };
    key(one).cmp(&key(other)).then_with(|| one.cmp(other))
}

/// Names in the notation of Slurm and `ClusterShell`, each once: `node[017,230-231]`.
#[must_use]
pub fn fold<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: BTreeSet<&str> = names.into_iter().collect();
    // By what stands around the number; the numbers with the digits that they were written with.
    let mut groups: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    let mut parts: Vec<String> = Vec::new();
    for name in names {
        match split(name) {
            Some((before, number, behind)) => groups.entry((before, behind)).or_default().push(number),
            None => parts.push(name.to_owned()),
        }
    }
    for ((before, behind), numbers) in groups {
        let is_padded = |number: &&str| number.len() > 1 && number.starts_with('0');
        let mut by_width: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        let padded = numbers.iter().any(is_padded);
        for number in numbers {
            // Without zeros in front 9 and 10 are of one set.
            by_width.entry(if padded { number.len() } else { 0 }).or_default().extend(number.parse::<u64>());
        }
        parts
            .extend(by_width.into_iter().map(|(width, numbers)| format!("{before}{}{behind}", ranges(numbers, width))));
    }
    parts.join(",")
}

/// `017`, or `[017,230-231]`.
fn ranges(mut numbers: Vec<u64>, width: usize) -> String {
    numbers.sort_unstable();
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, end)) if *end + 1 == number => *end = number,
            _ => ranges.push((number, number)),
        }
    }
    let text = |&(start, end): &(u64, u64)| {
        if start == end { format!("{start:0width$}") } else { format!("{start:0width$}-{end:0width$}") }
    };
    match ranges.as_slice() {
        [(start, end)] if start == end => text(&ranges[0]),
        several => format!("[{}]", several.iter().map(text).collect::<Vec<_>>().join(",")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_folded_as_slurm_writes_them() {
        let check = |names: &[&str], expect: &str| assert_eq!(fold(names.iter().copied()), expect);
        check(&["node017", "node230", "node231"], "node[017,230-231]");
        check(&["node017"], "node017");
        check(&["n9", "n10", "n11"], "n[9-11]");
        check(&["n09", "n10", "n9"], "n9,n[09-10]");
        check(&["b", "a2.dc", "a1.dc", "a1.dc"], "b,a[1-2].dc");
        check(&["r1-n05", "r1-n06", "r2-n05"], "r1-n[05-06],r2-n05");
        check(&["ü1é", "ü2é"], "ü[1-2]é");
        check(&["gpu-00000000000000000000000001"], "gpu-00000000000000000000000001");
        check(&[], "");
    }

    #[test]
    fn nodes_are_counted_as_people_count() {
        let mut names = vec!["node10", "node9", "login", "node1", "node01"];
        names.sort_by(|a, b| by_name(a, b));
        assert_eq!(names, ["login", "node01", "node1", "node9", "node10"]);
    }

    /// What a folded text stands for, by a reader that shares no code with the writer.
    fn expand(text: &str) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let mut depth = false;
        let parts = text.split(|c: char| {
            depth = (depth || c == '[') && c != ']';
            c == ',' && !depth
        });
        for part in parts.filter(|part| !part.is_empty()) {
            let Some((before, rest)) = part.split_once('[') else {
                names.insert(part.to_owned());
                continue;
            };
            let (set, behind) = rest.split_once(']').unwrap();
            for range in set.split(',') {
                let (start, end) = range.split_once('-').unwrap_or((range, range));
                for number in start.parse::<u64>().unwrap()..=end.parse().unwrap() {
                    let width = if start.starts_with('0') || start.len() == end.len() { start.len() } else { 0 };
                    names.insert(format!("{before}{number:0width$}{behind}"));
                }
            }
        }
        names
    }

    proptest! {
        #[test]
        fn what_is_folded_is_all_there(names in prop::collection::btree_set("[ab][0-9]{0,3}(-[0-9]{1,2})?x?", 0..30)) {
            prop_assert_eq!(expand(&fold(names.iter().map(String::as_str))), names);
        }

        #[test]
        fn any_names_are_folded_and_ordered(names in prop::collection::vec("\\PC{0,12}", 0..6)) {
            let _ = fold(names.iter().map(String::as_str));
            for (one, other) in names.iter().zip(names.iter().rev()) {
                prop_assert_eq!(by_name(one, other), by_name(other, one).reverse());
            }
        }
    }
}
