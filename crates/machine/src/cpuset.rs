//! Sets of CPUs in the notation of Linux.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::Error;

/// Larger CPU numbers are refused: Linux is built for 8192 CPUs at most, and `0-4294967295` would fill the memory.
const MOST: u32 = 1 << 16;

/// A set of CPUs (or nodes) by number, written as Linux writes them: `0-3,8`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuSet(pub BTreeSet<u32>);

impl CpuSet {
    /// Whether the CPU is in the set.
    #[must_use]
    pub fn contains(&self, cpu: u32) -> bool {
        self.0.contains(&cpu)
    }

    /// How many CPUs are in the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no CPU is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The CPUs in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().copied()
    }

    /// Whether some CPU is in both sets.
    #[must_use]
    pub fn intersects(&self, other: &CpuSet) -> bool {
        !self.0.is_disjoint(&other.0)
    }

    /// The CPUs of this set that are not in the other.
    #[must_use]
    pub fn difference(&self, other: &CpuSet) -> CpuSet {
        self.0.difference(&other.0).copied().collect()
    }
}

impl FromIterator<u32> for CpuSet {
    fn from_iter<I: IntoIterator<Item = u32>>(cpus: I) -> Self {
        CpuSet(cpus.into_iter().collect())
    }
}

impl fmt::Display for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&measure::ranges(self.iter().map(u64::from), 0))
    }
}

impl FromStr for CpuSet {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::CpuList { text: text.to_owned(), why: why.to_owned() };
        let number = |text: &str| match text.trim().parse::<u32>() {
            Ok(cpu) if cpu < MOST => Ok(cpu),
            Ok(_) => Err(wrong("a number is beyond 65535")),
            Err(_) => Err(wrong("a number was expected")),
        };
        let mut cpus = BTreeSet::new();
        // The kernel writes an empty set as an empty line.
        for part in text.trim().split(',').filter(|_| !text.trim().is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return Err(wrong("a range ends before it starts"));
            }
            cpus.extend(first..=last);
        }
        Ok(CpuSet(cpus))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lists_as_the_kernel_writes_them() {
        let check = |text: &str, expect: &[u32], printed: &str| {
            let set: CpuSet = text.parse().unwrap();
            assert_eq!(set, expect.iter().copied().collect(), "{text}");
            assert_eq!(set.to_string(), printed);
        };
        check("0-3,8\n", &[0, 1, 2, 3, 8], "0-3,8");
        check("", &[], "");
        check("\n", &[], "");
        check("7", &[7], "7");
        check("3,2,2-3", &[2, 3], "2-3");
        check("0,2,4-5", &[0, 2, 4, 5], "0,2,4-5");
    }

    #[test]
    fn what_is_no_list_says_why() {
        let check = |text: &str, expect: &str| {
            let error = text.parse::<CpuSet>().unwrap_err().to_string();
            assert!(error.contains(expect), "{text}: {error}");
        };
        check("a", "a number was expected");
        check("1,,2", "a number was expected");
        check("3-1", "ends before it starts");
        check("0-4294967295", "beyond 65535");
        check("-1", "a number was expected");
    }

    proptest! {
        #[test]
        fn print_and_parse_agree(cpus in prop::collection::btree_set(0_u32..2048, 0..64)) {
            let set = CpuSet(cpus);
            prop_assert_eq!(set.to_string().parse::<CpuSet>().unwrap(), set);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9, -]{0,24}|.{0,24}") {
            let _ = text.parse::<CpuSet>();
        }
    }
}
