//! Names of nodes in the order of their numbers, and as people write many: `node[017,230-231]`.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// A number with more digits is a part of the name, and none that anybody counts with.
const DIGITS: usize = 18;

/// A name in three: what stands before its last number, the number, and what stands behind it.
fn split(name: &str) -> Option<(&str, &str, &str)> {
    let end = name.rfind(|c: char| c.is_ascii_digit())? + 1;
    let start = name[..end]
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |at| at + name[at..].chars().next().map_or(1, char::len_utf8));
    (end - start <= DIGITS).then(|| (&name[..start], &name[start..end], &name[end..]))
}

/// The order in which people count: `node9` before `node10`.
#[must_use]
pub fn by_name(one: &str, other: &str) -> Ordering {
    let key = |name| split(name).map_or((name, 0, ""), |(before, digits, behind)| (before, number(digits), behind));
    key(one).cmp(&key(other)).then_with(|| one.cmp(other))
}

/// Names in the notation of Slurm and `ClusterShell`, each once: `node[017,230-231]`. The last number of names that are else the
/// same becomes a bracket.
#[must_use]
pub fn fold<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: BTreeSet<&str> = names.into_iter().collect();
    let split: Vec<(&str, &str, &str)> = names.into_iter().map(|name| split(name).unwrap_or((name, "", ""))).collect();
    let is_padded = |digits: &str| digits.len() > 1 && digits.starts_with('0');
    let padded: BTreeSet<(&str, &str, usize)> = split
        .iter()
        .filter(|(_, digits, _)| is_padded(digits))
        .map(|(before, digits, behind)| (*before, *behind, digits.len()))
        .collect();
    // Without zeros in front 9 and 10 are of one set, and else those of as many digits.
    let mut groups: BTreeMap<(&str, &str, usize), Vec<&str>> = BTreeMap::new();
    for (before, digits, behind) in split {
        let key = (before, behind, digits.len());
        let width = match digits.len() {
            // A name without a number is one of its own.
            0 => usize::MAX,
            width if padded.contains(&key) => width,
            _ => 0,
        };
        groups.entry((before, behind, width)).or_default().push(digits);
    }
    let parts = groups.into_iter().map(|((before, behind, width), digits)| match digits.as_slice() {
        [one] => format!("{before}{one}{behind}"),
        several => format!("{before}[{}]{behind}", ranges(several.iter().map(|digits| number(digits)), width)),
    });
    parts.collect::<Vec<_>>().join(",")
}

/// Numbers with at least so many digits, those in a row as one range: `017,230-231`.
#[must_use]
pub fn ranges(numbers: impl IntoIterator<Item = u64>, width: usize) -> String {
    let numbers: BTreeSet<u64> = numbers.into_iter().collect();
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, end)) if *end + 1 == number => *end = number,
            _ => ranges.push((number, number)),
        }
    }
    let text = |(start, end): (u64, u64)| {
        if start == end { format!("{start:0width$}") } else { format!("{start:0width$}-{end:0width$}") }
    };
    ranges.into_iter().map(text).collect::<Vec<_>>().join(",")
}

/// Of digits that [`split`] found.
fn number(digits: &str) -> u64 {
    digits.parse().unwrap_or_default()
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
        check(&["b", "a2.dc", "a1.dc", "a1.dc"], "a[1-2].dc,b");
        check(&["n3", "n001", "n7", "n100"], "n[3,7],n[001,100]");
        check(&["login", "login0"], "login0,login");
        check(&["r1-n05", "r1-n06", "r2-n05"], "r1-n[05-06],r2-n05");
        check(&["ü1é", "ü2é"], "ü[1-2]é");
        check(&["gpu-00000000000000000000000001"], "gpu-00000000000000000000000001");
        check(&[], "");
    }

    #[test]
    fn numbers_in_a_row_are_one_range() {
        let check = |numbers: &[u64], width: usize, expect: &str| {
            assert_eq!(ranges(numbers.iter().copied(), width), expect);
        };
        check(&[3, 1, 2, 9, 2], 0, "1-3,9");
        check(&[8, 9, 10], 3, "008-010");
        check(&[0, u64::MAX], 0, "0,18446744073709551615");
        check(&[], 4, "");
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
