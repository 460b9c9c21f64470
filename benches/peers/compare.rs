//! Takes the pairs of a comparison.

use anyhow::{Context, Result};

use crate::record::Outcome;
use crate::side::{Places, Running};
use crate::table::{Comparison, Peer};

/// A peer in a comparison.
struct Contest<'a> {
    peer: &'a Peer,
    /// Why it is missing, or failed.
    running: Result<Running<'a>>,
    /// For each figure the pairs of ours and theirs.
    pairs: Vec<Vec<[f64; 2]>>,
}

impl<'a> Contest<'a> {
    fn start(peer: &'a Peer, places: &'a Places) -> Contest<'a> {
        let running = Running::start(&peer.side, places).with_context(|| peer.side.hint.to_owned());
        Contest { peer, running, pairs: vec![Vec::new(); peer.figures.len()] }
    }

    /// Measures once: what it prints, where it still runs.
    fn measure(&mut self) -> Option<String> {
        let text = self.running.as_mut().ok()?.measure();
        text.map_err(|error| self.running = Err(error)).ok()
    }

    /// Takes the figures of a pair from what both printed.
    fn pair(&mut self, ours: &str, theirs: &str) -> Result<()> {
        let name = self.peer.side.name;
        for (figure, pairs) in self.peer.figures.iter().zip(&mut self.pairs) {
            let (own, their) = (figure.ours.find(ours)?, figure.peer.find(theirs)?);
            pairs.push([own, their]);
            let (id, count, ratio) = (figure.id, pairs.len(), own / their);
            eprintln!("  pair {count}, {id}: ours {own:.4e}, {name} {their:.4e}, ratio {ratio:.3}");
        }
        Ok(())
    }

    /// An outcome for each figure.
    fn outcomes(self, how: &str) -> Vec<Outcome> {
        match self.running {
            Ok(running) => {
                let outcome = |pairs| Outcome::measured(pairs, [how.to_owned(), running.how.clone()]);
                self.pairs.into_iter().map(outcome).collect()
            }
            Err(error) => Outcome::missing(&error, self.pairs.len()),
        }
    }
}

/// An outcome for each figure of each peer, in order.
pub(crate) fn compare(comparison: &Comparison, places: &Places, rounds: u32) -> Vec<Vec<Outcome>> {
    let mut contests: Vec<_> = comparison.peers.iter().map(|peer| Contest::start(peer, places)).collect();
    match play(comparison, &mut contests, places, rounds) {
        Ok(how) => contests.into_iter().map(|contest| contest.outcomes(&how)).collect(),
        Err(error) => comparison.peers.iter().map(|peer| Outcome::missing(&error, peer.figures.len())).collect(),
    }
}

/// Measures every side once a round; what ours said of how it measures.
fn play(comparison: &Comparison, contests: &mut [Contest<'_>], places: &Places, rounds: u32) -> Result<String> {
    if contests.iter().all(|contest| contest.running.is_err()) {
        return Ok(String::new());
    }
    let mut ours = Running::start(&comparison.ours, places)?;
    // What the first one finds in caches and clocks belongs to no pair.
    if !ours.starts_anew() {
        ours.measure()?;
    }
    // Both orders in turn cancel what drifts. A peer that starts anew each time spends seconds on its memory before it
    // measures, so ours, where it need not start, follows it at once: the other order would only set them apart in time.
    let anew = comparison.peers.iter().any(|peer| peer.side.starts_anew());
    let both_orders = ours.starts_anew() || !anew;
    for round in 0..rounds {
        let ours_first = both_orders && round % 2 == 1;
        let early = if ours_first { Some(ours.measure()?) } else { None };
        let mut theirs = vec![None; contests.len()];
        let mut order: Vec<_> = contests.iter_mut().zip(&mut theirs).collect();
        if ours_first {
            order.reverse();
        }
        for (contest, text) in order {
            *text = contest.measure();
        }
        let own = early.map_or_else(|| ours.measure(), Ok)?;
        for (contest, text) in contests.iter_mut().zip(theirs) {
            if let Some(Err(error)) = text.map(|text| contest.pair(&own, &text)) {
                contest.running = Err(error);
            }
        }
    }
    Ok(ours.how)
}
