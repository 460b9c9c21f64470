//! Sets of nodes as ClusterShell and Slurm write them: `node[001-400]`, `rack[1-2]n[01-10/2],login!rack1n03`.
//!
//! Names in a row are united; `!` takes away what follows it, up to the next comma or `!`.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use measure::random::SplitMix64;

use crate::Error;

/// No fleet has more nodes; what does is mistyped, and would fill the memory.
const MOST: usize = 100_000;
/// No name of a node is longer.
const LONGEST: usize = 64;
/// A number with more digits is a part of the name.
const DIGITS: usize = 18;

/// Nodes, each once, in the order in which they were named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeSet(Vec<String>);

impl NodeSet {
    /// Nodes by their names, which are taken as they are.
    pub fn of(names: impl IntoIterator<Item = String>) -> NodeSet {
        let mut known = BTreeSet::new();
        NodeSet(names.into_iter().filter(|name| known.insert(name.clone())).collect())
    }

    /// The names.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// Those that are in the other set too.
    #[must_use]
    pub fn within(&self, other: &NodeSet) -> NodeSet {
        let other: BTreeSet<&String> = other.0.iter().collect();
        NodeSet(self.0.iter().filter(|name| other.contains(name)).cloned().collect())
    }

    /// Those that are not in the other set.
    #[must_use]
    pub fn without(&self, other: &NodeSet) -> NodeSet {
        let other: BTreeSet<&String> = other.0.iter().collect();
        NodeSet(self.0.iter().filter(|name| !other.contains(name)).cloned().collect())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for NodeSet {
    type Err = Error;

    fn from_str(text: &str) -> Result<NodeSet, Error> {
        let wrong = |what: String| Error::NodeSet { text: text.chars().take(200).collect(), what };
        let (mut names, mut known): (Vec<String>, BTreeSet<String>) = (Vec::new(), BTreeSet::new());
        for (sign, pattern) in patterns(text).map_err(wrong)? {
            let expanded = expand(pattern.trim(), MOST).map_err(wrong)?;
            if sign == '!' {
                let gone: BTreeSet<String> = expanded.into_iter().collect();
                names.retain(|name| !gone.contains(name));
                known.retain(|name| !gone.contains(name));
            } else {
                names.extend(expanded.into_iter().filter(|name| known.insert(name.clone())));
            }
            if names.len() > MOST {
                return Err(wrong(format!("it has more than {MOST} nodes")));
            }
        }
        Ok(NodeSet(names))
    }
}

/// The patterns with the sign before each: `,` or `!`. Commas in brackets are the ranges' own.
fn patterns(text: &str) -> Result<Vec<(char, &str)>, String> {
    let (mut found, mut sign, mut start, mut inside) = (Vec::new(), ',', 0, false);
    for (at, c) in text.char_indices() {
        match c {
            '[' if inside => return Err("a bracket is in a bracket".to_owned()),
            '[' => inside = true,
            ']' if !inside => return Err("a bracket ends that did not begin".to_owned()),
            ']' => inside = false,
            ',' | '!' if !inside => {
                found.push((sign, &text[start..at]));
                (sign, start) = (c, at + 1);
            }
            _ => {}
        }
    }
    if inside {
        return Err("a bracket does not end".to_owned());
    }
    found.push((sign, &text[start..]));
    if found.iter().any(|(_, pattern)| pattern.trim().is_empty()) {
        return Err("a name is missing".to_owned());
    }
    Ok(found)
}

/// The names of one pattern; the first bracket turns slowest.
fn expand(pattern: &str, most: usize) -> Result<Vec<String>, String> {
    let mut names = vec![String::new()];
    let mut rest = pattern;
    while !rest.is_empty() {
        let (literal, after) = rest.split_once('[').unwrap_or((rest, ""));
        for name in &mut names {
            name.push_str(literal);
        }
        if rest.len() == literal.len() {
            break;
        }
        let (ranges, after) = after.split_once(']').unwrap_or((after, ""));
        let numbers = numbers(ranges, most / names.len())?;
        names = names.iter().flat_map(|name| numbers.iter().map(move |number| format!("{name}{number}"))).collect();
        rest = after;
    }
    let is_name = |name: &String| {
        name.len() <= LONGEST
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    match names.iter().find(|name| !is_name(name)) {
        Some(name) => Err(format!(
            "`{name}` is no name of a node, which begins with a letter or digit and has up to {LONGEST} letters, digits and . _ -"
        )),
        None => Ok(names),
    }
}

/// The numbers of a bracket, `001-003,7,10-20/2`, each with its zeros before it.
fn numbers(ranges: &str, most: usize) -> Result<Vec<String>, String> {
    let mut numbers = Vec::new();
    for range in ranges.split(',').map(str::trim) {
        let (range, step) = range.split_once('/').unwrap_or((range, "1"));
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        let number = |text: &str| -> Result<u64, String> {
            let is_number = !text.is_empty() && text.len() <= DIGITS && text.bytes().all(|b| b.is_ascii_digit());
            text.parse().ok().filter(|_| is_number).ok_or_else(|| format!("`{text}` is no number"))
        };
        let (low, high, step) = (number(from)?, number(to)?, number(step)?);
        if low > high || step == 0 {
            return Err(format!("`{range}` is turned round, or its step is 0"));
        }
        let is_padded = |text: &str| text.len() > 1 && text.starts_with('0');
        if to.len() != from.len() && is_padded(to) || to.len() < from.len() {
            return Err(format!("the numbers of `{range}` have not as many digits"));
        }
        let width = if is_padded(from) { from.len() } else { 0 };
        let count = (high - low) / step + 1;
        if count > most.saturating_sub(numbers.len()) as u64 {
            return Err(format!("it has more than {MOST} nodes"));
        }
        numbers.extend((0..count).map(|index| format!("{:0width$}", low + index * step)));
    }
    Ok(numbers)
}

/// Folded, in the order of the names.
impl fmt::Display for NodeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&measure::fold(self.0.iter().map(String::as_str)))
    }
}

/// So many of the nodes, drawn by a seed, in their order; all where there are no more.
#[must_use]
pub fn sample(nodes: &NodeSet, count: usize, seed: u64) -> NodeSet {
    let (mut random, mut wanted) = (SplitMix64::new(seed), count.min(nodes.len()));
    let mut drawn = Vec::with_capacity(wanted);
    for (index, name) in nodes.names().iter().enumerate() {
        // Knuth's algorithm S: each set of this size is as likely as any other.
        if random.index(nodes.len() - index) < wanted {
            drawn.push(name.clone());
            wanted -= 1;
        }
    }
    NodeSet(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use std::process::Command;

    fn expanded(text: &str) -> Result<String, String> {
        text.parse::<NodeSet>().map(|set| set.names().join(" ")).map_err(|error| error.to_string())
    }

    #[test]
    fn sets_are_expanded() {
        let check = |text: &str, expect: &str| assert_eq!(expanded(text).unwrap(), expect, "{text}");
        check("login", "login");
        check("n[1-3]", "n1 n2 n3");
        check("n[08-11]", "n08 n09 n10 n11");
        check("n[098-101]", "n098 n099 n100 n101");
        check("n[99-101]", "n99 n100 n101");
        check("n[099-1001/450]", "n099 n549 n999");
        check("n[1,3-4,007]", "n1 n3 n4 n007");
        check("n[10-20/5]", "n10 n15 n20");
        check("r[1-2]n[1-2]-ib", "r1n1-ib r1n2-ib r2n1-ib r2n2-ib");
        check("a, b ,a", "a b");
        check("n[1-5]!n[2-4/2],n4", "n1 n3 n5 n4");
        check("a!a", "");
        check("host-1.example.org", "host-1.example.org");
    }

    #[test]
    fn what_is_no_set_is_refused() {
        let check = |text: &str, words: &str| {
            let error = expanded(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        };
        check("", "a name is missing");
        check("a,,b", "a name is missing");
        check("n[1-3", "does not end");
        check("n1-3]", "did not begin");
        check("n[[1]]", "in a bracket");
        check("n[3-1]", "turned round");
        check("n[1-3/0]", "step is 0");
        check("n[]", "is no number");
        check("n[a-b]", "is no number");
        check("n[1-003]", "as many digits");
        check("n[001-3]", "as many digits");
        check("n[1-18446744073709551616]", "is no number");
        check("n[1-999999999999]", "more than 100000 nodes");
        check("r[1-1000]n[1-1000]", "more than 100000 nodes");
        check("r[1-60000],s[1-60000]", "more than 100000 nodes");
        check("-oProxyCommand=x", "is no name");
        check("n1;reboot", "is no name");
        check("ü", "is no name");
        check(&"n".repeat(65), "is no name");
    }

    #[test]
    fn sets_are_folded() {
        let check = |text: &str, expect: &str| assert_eq!(text.parse::<NodeSet>().unwrap().to_string(), expect);
        check("n3,n1,n2", "n[1-3]");
        check("n001,n003,n002,n010", "n[001-003,010]");
        check("n[001-400]", "n[001-400]");
        check("n[098-101]", "n[098-101]");
        check("r[1-2]n[01-02]", "r1n[01-02],r2n[01-02]");
        check("login,a1", "a1,login");
        check("n[1-3]-ib", "n[1-3]-ib");
        check("a!a", "");
    }

    #[test]
    fn a_sample_is_drawn_by_its_seed() {
        let all: NodeSet = "n[1-400]".parse().unwrap();
        let drawn = sample(&all, 20, 7);
        assert_eq!((drawn.len(), &drawn), (20, &sample(&all, 20, 7)));
        assert_ne!(drawn, sample(&all, 20, 8));
        assert_eq!(drawn.within(&all), drawn);
        assert_eq!(all.without(&drawn).len(), 380);
        assert_eq!(sample(&all, 500, 1), all);
        // Each node is drawn as often as any other: 100 of 2000 draws of 20 in 400, within five standard deviations.
        let mut counts = BTreeMap::new();
        for seed in 0..2000 {
            for name in sample(&all, 20, seed).names() {
                *counts.entry(name.clone()).or_insert(0) += 1;
            }
        }
        assert!(counts.values().all(|count| (52..=148).contains(count)), "{counts:?}");
    }

    proptest! {
        /// What is folded is the same set, expanded.
        #[test]
        fn folding_loses_nothing(names in prop::collection::btree_set("[a-c]{1,2}(0{0,2}[0-9]{1,3})?(-[a-b])?", 0..40)) {
            let set = NodeSet::of(names.iter().cloned());
            let text = set.to_string();
            if !names.is_empty() {
                let again: BTreeSet<String> = text.parse::<NodeSet>().unwrap().names().iter().cloned().collect();
                prop_assert_eq!(again, names, "{}", text);
            }
        }

        #[test]
        fn no_text_panics(text in "[a-z0-9,!/\\[\\]\\-]{0,40}") {
            let _ = text.parse::<NodeSet>();
        }
    }

    /// Slurm's own expansion is the same, where Slurm is installed.
    #[test]
    fn slurm_expands_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let conf = dir.path().join("slurm.conf");
        std::fs::write(&conf, "ClusterName=c\nSlurmctldHost=localhost\nNodeName=n State=UNKNOWN\n").unwrap();
        let mut random = SplitMix64::new(27);
        for _ in 0..100 {
            let (low, count) = (random.below(1200), random.below(20));
            let (high, more) = (low + count, 1300 + random.below(10));
            // Where the digits grow, Slurm pads by the first number, and so do we; a width below that has no meaning.
            let width = if low.to_string().len() < high.to_string().len() { 0 } else { random.index(5) };
            let prefix = ["n", "rack1-n", "a.b"][random.index(3)];
            let text = format!("{prefix}[{low:0width$}-{high:0width$},{more}],x[1-2]y[01-02]");
            let scontrol =
                Command::new("scontrol").args(["show", "hostnames", &text]).env("SLURM_CONF", &conf).output();
            // It is not installed.
            let Ok(output) = scontrol else { return };
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let slurm = String::from_utf8(output.stdout).unwrap();
            assert_eq!(expanded(&text).unwrap(), slurm.split_whitespace().collect::<Vec<_>>().join(" "), "{text}");
        }
    }
}
