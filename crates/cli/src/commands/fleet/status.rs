//! `hostproof fleet status`, and the same while a fleet is launched.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, IsTerminal};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use launch::{FleetJournal, NodeSet, NodeState, Seen};
use measure::{Quantity, Unit};
use report::{Look, terminal};
use serde_json::{Value, json};
use verdict::Acceptance;

use super::answers::{Answer, answers};
use super::{CONNECTIONS, launcher, open};
use crate::args::Records;
use crate::commands::{look, print, print_json};
use crate::exit::Exit;
use crate::output::{quiet, say};

/// What is shown of a node, the worst first: its letter in the grid, and the word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum NodeWord {
    Rejected,
    NoAnswer,
    Undecided,
    Unreachable,
    Running,
    Pending,
    Waiting,
    Measured,
    Accepted,
}

impl NodeWord {
    const ALL: [NodeWord; 9] = [
        NodeWord::Rejected,
        NodeWord::NoAnswer,
        NodeWord::Undecided,
        NodeWord::Unreachable,
        NodeWord::Running,
        NodeWord::Pending,
        NodeWord::Waiting,
        NodeWord::Measured,
        NodeWord::Accepted,
    ];

    fn letter_and_name(self) -> (char, &'static str) {
        match self {
            NodeWord::Rejected => ('R', "rejected"),
            NodeWord::NoAnswer => ('!', "no answer"),
            NodeWord::Undecided => ('u', "not decided"),
            NodeWord::Unreachable => ('?', "not reached"),
            NodeWord::Running => ('r', "running"),
            NodeWord::Pending => ('p', "pending"),
            NodeWord::Waiting => ('.', "not asked yet"),
            NodeWord::Measured => ('m', "measured"),
            NodeWord::Accepted => ('A', "accepted"),
        }
    }
}

/// A node with what is shown of it.
struct ShownNode {
    name: String,
    word: NodeWord,
    attempts: u32,
    run: Option<String>,
    why: Option<String>,
}

/// A fleet as it is shown.
pub(super) struct Shown {
    fleet: String,
    nodes: Vec<ShownNode>,
    seconds_left: Option<u64>,
}

impl Shown {
    /// With the answers that are known, and what the launcher sees of the open attempts.
    pub(super) fn of(
        fleet: &FleetJournal,
        answers: &BTreeMap<String, Result<Answer>>,
        seen: &BTreeMap<String, Seen>,
    ) -> Shown {
        let node = |(name, state, attempts): (&str, NodeState, u32)| {
            let (word, run, why) = match state {
                NodeState::Waiting => (NodeWord::Waiting, None, None),
                NodeState::NoAnswer { why } => (NodeWord::NoAnswer, None, Some(why)),
                NodeState::Open { .. } => match seen.get(name) {
                    Some(Seen::Running | Seen::Ended(_)) => (NodeWord::Running, None, None),
                    Some(Seen::Unreachable(why)) => (NodeWord::Unreachable, None, Some(why.clone())),
                    Some(Seen::Pending | Seen::Never) | None => (NodeWord::Pending, None, None),
                },
                NodeState::Measured { run, .. } => match answers.get(name) {
                    None => (NodeWord::Measured, Some(run), None),
                    Some(Err(error)) => (NodeWord::NoAnswer, Some(run), Some(format!("{error:#}"))),
                    Some(Ok(answer)) => {
                        let word = match answer.acceptance {
                            Acceptance::Accepted => NodeWord::Accepted,
                            Acceptance::Rejected => NodeWord::Rejected,
                            Acceptance::Inconclusive | Acceptance::NotComparable => NodeWord::Undecided,
                        };
                        (word, Some(run), Some(answer.brief.clone()))
                    }
                },
            };
            ShownNode { name: name.to_owned(), word, attempts, run, why }
        };
        let nodes: Vec<ShownNode> = fleet.nodes().into_iter().map(node).collect();
        let seconds_left = seconds_left(&nodes, fleet.durations());
        Shown { fleet: fleet.id.clone(), nodes, seconds_left }
    }

    fn count(&self, word: NodeWord) -> usize {
        self.nodes.iter().filter(|node| node.word == word).count()
    }

    /// `2 rejected, 38 accepted of 40 nodes; about 20 min left`.
    fn counts(&self) -> String {
        let counts = NodeWord::ALL.into_iter().map(|word| (self.count(word), word.letter_and_name().1));
        let counts: Vec<String> =
            counts.filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
        let left = self.seconds_left.map(|left| {
            #[expect(clippy::cast_precision_loss, reason = "seconds of a run")]
            let left = Quantity::new(left as f64, Unit::Second);
            format!("; about {left} left")
        });
        format!("{} of {} nodes{}", counts.join(", "), self.nodes.len(), left.unwrap_or_default())
    }

    /// A letter for each node, in rows that begin with the name of their first.
    fn grid(&self, width: usize) -> String {
        const BLOCK: usize = 10;
        let longest = self.nodes.iter().map(|node| node.name.len()).max().unwrap_or_default();
        let blocks = (width.saturating_sub(longest + 1) / (BLOCK + 1)).clamp(1, 10);
        let mut text = String::new();
        for row in self.nodes.chunks(blocks * BLOCK) {
            let _ = write!(text, "{:longest$}", row[0].name);
            for block in row.chunks(BLOCK) {
                text.push(' ');
                text.extend(block.iter().map(|node| node.word.letter_and_name().0));
            }
            text.push('\n');
        }
        let legend = NodeWord::ALL.into_iter().filter(|word| self.count(*word) > 0).map(NodeWord::letter_and_name);
        let legend: Vec<String> = legend.map(|(letter, name)| format!("{letter} {name}")).collect();
        text + &legend.join(" · ") + "\n"
    }

    /// For people: the grid, and the nodes that are not accepted with the reasons that they share.
    pub(super) fn text(&self, look: Look) -> String {
        let mut text = format!("fleet {}\n{}\n", self.fleet, self.grid(usize::from(look.width)));
        let mut reasons: BTreeMap<(NodeWord, u32, &str), Vec<String>> = BTreeMap::new();
        for node in &self.nodes {
            let why = node.why.as_deref().unwrap_or_default();
            if node.word != NodeWord::Accepted || node.attempts > 1 {
                reasons.entry((node.word, node.attempts, why)).or_default().push(node.name.clone());
            }
        }
        for ((word, attempts, why), nodes) in reasons {
            let (_, name) = word.letter_and_name();
            let attempts = match attempts {
                0 | 1 => String::new(),
                more => format!(", {more} attempts"),
            };
            let why = if why.is_empty() { String::new() } else { format!(": {}", without_word(why)) };
            text += &terminal::paragraph(&format!("{} {name}{attempts}{why}", NodeSet::of(nodes)), 0, look);
        }
        text + terminal::paragraph(&self.counts(), 0, look).trim_end()
    }

    fn json(&self, fleet: &FleetJournal) -> Value {
        let node = |node: &ShownNode| {
            json!({
                "node": node.name, "state": node.word.letter_and_name().1, "attempts": node.attempts, "run": node.run,
                "why": node.why,
            })
        };
        let counts: BTreeMap<&str, usize> =
            NodeWord::ALL.into_iter().map(|word| (word.letter_and_name().1, self.count(word))).collect();
        json!({
            "fleet": self.fleet, "via": fleet.plan.via, "started": fleet.plan.at, "stopped": fleet.is_stopped(),
            "seed": fleet.plan.seed, "nodes": self.nodes.iter().map(node).collect::<Vec<_>>(), "counts": counts,
            "seconds_left": self.seconds_left,
        })
    }
}

/// An answer without its first word, which stands beside it in small letters: `REJECTED: 2 of 3 …`.
fn without_word(why: &str) -> &str {
    match why.split_once(": ") {
        Some((word, rest)) if !word.contains(char::is_lowercase) => rest,
        _ => why,
    }
}

/// How long the rest takes, as those before it did, with as many at once as there are now; nothing before one has ended.
fn seconds_left(nodes: &[ShownNode], mut durations: Vec<u64>) -> Option<u64> {
    let count = |words: &[NodeWord]| nodes.iter().filter(|node| words.contains(&node.word)).count() as u64;
    let running = count(&[NodeWord::Running, NodeWord::Pending, NodeWord::Unreachable]);
    let rest = running + count(&[NodeWord::Waiting]);
    durations.sort_unstable();
    let median = *durations.get(durations.len() / 2)?;
    (rest > 0).then(|| median * rest.div_ceil(running.max(1)))
}

pub(super) fn status(fleet: &str, json: bool, records: &Records) -> Result<Exit> {
    let (store, fleet) = open(records, fleet)?;
    let answers = answers(&store, &fleet)?;
    let tries = fleet.open_tries();
    let mut seen = BTreeMap::new();
    if !tries.is_empty() {
        match launcher(&fleet, CONNECTIONS).and_then(|mut launcher| Ok(launcher.look(&tries)?)) {
            Ok(looks) => seen.extend(tries.iter().zip(looks).map(|(one, look)| (one.node.clone(), look.seen))),
            Err(error) => say(&format!("warning: what was begun could not be looked at: {error:#}")),
        }
    }
    let shown = Shown::of(&fleet, &answers, &seen);
    if json {
        print_json(&shown.json(&fleet))?;
    } else {
        print(&shown.text(look()))?;
    }
    Ok(Exit::Done)
}

/// What a person sees while a fleet is launched: the grid on a terminal, a line elsewhere when something changed.
pub(super) struct Watch {
    bar: Option<ProgressBar>,
    last: String,
}

impl Watch {
    pub(super) fn begin() -> Watch {
        let bar = (io::stderr().is_terminal() && !quiet()).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Watch { bar, last: String::new() }
    }

    pub(super) fn show(&mut self, fleet: &FleetJournal, seen: &BTreeMap<String, Seen>) {
        let shown = Shown::of(fleet, &BTreeMap::new(), seen);
        let Some(bar) = &self.bar else {
            let counts = NodeWord::ALL.map(|word| shown.count(word).to_string()).join(" ");
            if counts != self.last {
                say(&shown.counts());
                self.last = counts;
            }
            return;
        };
        let grid = shown.grid(usize::from(look().width));
        // What is taller than the terminal cannot be drawn over.
        let size = rustix::termios::tcgetwinsize(io::stderr()).ok().filter(|size| size.ws_row > 0);
        let height = size.map_or(usize::MAX, |size| usize::from(size.ws_row));
        let grid = if grid.lines().count() + 2 > height { String::new() } else { grid };
        bar.set_message(terminal::clean_lines(&(grid + &shown.counts()), false));
    }

    pub(super) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(words: &[NodeWord], durations: &[u64]) -> Shown {
        let node = |(index, word): (usize, &NodeWord)| ShownNode {
            name: format!("n{:02}", index + 1),
            word: *word,
            attempts: 1,
            run: None,
            why: match word {
                NodeWord::NoAnswer => Some("NODE_FAIL".to_owned()),
                NodeWord::Rejected => Some("REJECTED: 2 of 3 required criteria are met".to_owned()),
                _ => None,
            },
        };
        let nodes: Vec<ShownNode> = words.iter().enumerate().map(node).collect();
        let seconds_left = seconds_left(&nodes, durations.to_vec());
        Shown { fleet: "f1".into(), nodes, seconds_left }
    }

    #[test]
    fn a_fleet_is_shown_as_a_grid_with_its_reasons() {
        use NodeWord as W;
        let mut words = [W::Accepted; 23];
        words[2] = W::Rejected;
        words[3] = W::NoAnswer;
        words[4] = W::NoAnswer;
        words[22] = W::Running;
        let look = Look::plain(40);
        let expect = "fleet f1\nn01 AAR!!AAAAA AAAAAAAAAA AAr\nR rejected · ! no answer · r running · A accepted\n\nn03 rejected: 2 of 3 required criteria\nare met\nn[04-05] no \
                      answer: NODE_FAIL\nn23 running\n1 rejected, 2 no answer, 1 running, 19\naccepted of 23 nodes; about 1 min left";
        assert_eq!(shown(&words, &[50, 60, 70]).text(look), expect);
    }

    #[test]
    fn the_time_left_is_told_when_one_has_ended() {
        use NodeWord as W;
        let check = |words: &[W], durations: &[u64], expect: Option<u64>| {
            assert_eq!(shown(words, durations).seconds_left, expect);
        };
        check(&[W::Running, W::Waiting], &[], None);
        check(&[W::Accepted], &[60], None);
        check(&[W::Accepted, W::Running, W::Waiting, W::Waiting], &[60], Some(180));
        check(&[W::Accepted, W::Running, W::Pending, W::Waiting], &[60], Some(120));
        check(&[W::Accepted, W::Waiting], &[50, 60], Some(60));
    }
}
