//! Memory that is written and read back: each worker fills its share on its own node with words that tell where they belong,
//! and compares every one.

use std::time::Instant;

use machine::{Buffer, HUGE_PAGE, Pages, Team, Worker, chunks};
use measure::{Load, Pass, WrongResult};

use crate::kernel::{Differing, Kernel};
use crate::pattern::{Line, Pattern};
use crate::{Error, physical};

/// Wrong words of one worker and pass that are told one by one: a module that is broken has millions.
const MOST_TOLD: usize = 16;
/// Bytes of a line.
const LINE: usize = size_of::<Line>();

/// The memory of all workers.
pub struct Memory<'a> {
    team: &'a Team,
    kernel: Kernel,
    parts: Vec<Part>,
}

/// The memory of one worker.
struct Part {
    node: u32,
    lines: Buffer<Line>,
    wrong: Vec<Differing>,
    more: u64,
}

/// What a pass does with each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is written.
    Fill(Pattern),
    /// It is read and compared.
    Check(Pattern),
    /// It is read, compared and written with every bit turned over.
    Turn(Pattern),
    /// It is read and compared with every bit turned over.
    CheckTurned(Pattern),
}

impl Part {
    fn map(worker: &Worker, bytes: usize) -> Result<Part, Error> {
        let mut lines = Buffer::map(bytes / LINE, Pages::Huge)?;
        lines.bind(0..lines.as_slice().len(), worker.node)?;
        Ok(Part { node: worker.node, lines, wrong: Vec::new(), more: 0 })
    }

    fn step(&mut self, kernel: Kernel, step: Step) {
        let Part { lines, wrong, more, .. } = self;
        let address = lines.as_slice().as_ptr().addr() as u64;
        let mut note = |differing| if wrong.len() < MOST_TOLD { wrong.push(differing) } else { *more += 1 };
        match step {
            Step::Fill(pattern) => kernel.fill(lines.as_mut_slice(), address, pattern, false),
            Step::Check(pattern) => kernel.check(lines.as_slice(), address, pattern, false, &mut note),
            Step::Turn(pattern) => kernel.turn(lines.as_mut_slice(), address, pattern, &mut note),
            Step::CheckTurned(pattern) => kernel.check(lines.as_slice(), address, pattern, true, &mut note),
        }
    }

    /// What was wrong, with its places.
    fn wrong(&mut self) -> Vec<WrongResult> {
        let start = self.lines.as_slice().as_ptr().addr() as u64;
        let more = std::mem::take(&mut self.more);
        let told = std::mem::take(&mut self.wrong);
        let last = told.len();
        let result = |(number, Differing { index, expected, found }): (usize, Differing)| {
            let address = start + 8 * index as u64;
            let now = self.lines.as_slice().as_flattened()[index];
            let mut place = format!("address {address:#x}");
            place += &match physical::address(address) {
                Some(physical) => format!(", physical address {physical:#x}"),
                None => ", physical page told to root alone".to_owned(),
            };
            if found == expected {
                place += ", right when it was read again";
            } else if now == found {
                place += ", the same when it was read again";
            }
            let more = if number + 1 == last { more } else { 0 };
            if more > 0 {
                place += &format!(", and {more} more words");
            }
            let part = format!("memory of node {}", self.node);
            WrongResult { load: Load::Memory, part, place, expected, found, more }
        };
        told.into_iter().enumerate().map(result).collect()
    }
}

impl<'a> Memory<'a> {
    /// Takes so many bytes in all, in equal shares.
    ///
    /// # Errors
    ///
    /// If there is too little memory.
    pub fn map(team: &'a Team, bytes: u64, kernel: Kernel) -> Result<Memory<'a>, Error> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let shares = chunks(bytes, team.workers().len(), HUGE_PAGE);
        let parts: Result<Vec<Part>, Error> =
            team.workers().iter().zip(shares).map(|(worker, share)| Part::map(worker, share.len())).collect();
        Ok(Memory { team, kernel, parts: parts? })
    }

    /// One pass over all of it; what was wrong.
    pub fn pass(&mut self, step: Step) -> (Pass, Vec<WrongResult>) {
        let kernel = self.kernel;
        let start = Instant::now();
        self.team.each(&mut self.parts, |_, part| part.step(kernel, step));
        let seconds = start.elapsed().as_secs_f64();
        let bytes = self.parts.iter().map(|part| part.lines.as_slice().len() * LINE).sum::<usize>() as f64;
        let (compared, done) = match step {
            Step::Fill(_) => (0.0, bytes),
            Step::Check(_) | Step::CheckTurned(_) => (bytes, 0.0),
            Step::Turn(_) => (bytes, bytes),
        };
        let rate = (done == 0.0).then_some(bytes / seconds);
        let wrong = self.parts.iter_mut().flat_map(Part::wrong).collect();
        (Pass { load: Load::Memory, seconds, compared, done, rate }, wrong)
    }

    /// The passes of a round: each pattern is written, read twice, turned over, and read again.
    pub fn steps(round: u64) -> impl Iterator<Item = Step> {
        let of = |pattern| [Step::Fill(pattern), Step::Check(pattern), Step::Turn(pattern), Step::CheckTurned(pattern)];
        Pattern::of_round(round).into_iter().flat_map(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use machine::{Machine, Siblings, Source, place};

    fn team() -> Team {
        let machine = Machine::detect(&Source::Host).unwrap();
        Team::start(&place(&machine.topology, Siblings::OnePerCore).unwrap()).unwrap()
    }

    #[test]
    fn a_flipped_bit_is_found_in_the_round_with_its_place_and_nothing_else_is() {
        let team = team();
        let mut memory = Memory::map(&team, 8 << 20, Kernel::widest()).unwrap();
        for (planted, steps) in (0..8).map(|planted| (planted, Memory::steps(planted as u64))) {
            let mut found = Vec::new();
            for (number, step) in steps.enumerate() {
                let (pass, wrong) = memory.pass(step);
                assert!(pass.compared + pass.done >= f64::from(8 << 20), "{pass:?}");
                found.extend(wrong.into_iter().map(|wrong| (number, wrong)));
                if number == planted {
                    memory.parts[0].lines.as_mut_slice()[77][3] ^= 1 << 40;
                }
            }
            let address = memory.parts[0].lines.as_slice().as_ptr().addr() + 77 * LINE + 24;
            // Behind a pattern's last pass it is written over.
            let expect: &[usize] = match planted {
                3 | 7 => &[],
                0 | 4 => &[planted + 1, planted + 2],
                _ => &[planted + 1],
            };
            assert_eq!(found.iter().map(|found| found.0).collect::<Vec<_>>(), expect, "planted behind {planted}");
            for (_, wrong) in &found {
                assert_eq!(wrong.expected ^ wrong.found, 1 << 40);
                assert!(wrong.place.starts_with(&format!("address {address:#x}, physical ")), "{}", wrong.place);
                assert_eq!(wrong.part, format!("memory of node {}", team.workers()[0].node));
            }
        }
    }

    #[test]
    fn many_wrong_words_are_told_by_their_number() {
        let team = team();
        let mut memory = Memory::map(&team, 4 << 20, Kernel::widest()).unwrap();
        memory.pass(Step::Fill(Pattern::Checker));
        memory.parts[0].lines.as_mut_slice()[..100].fill([0; 8]);
        let (_, wrong) = memory.pass(Step::Check(Pattern::Checker));
        assert_eq!(wrong.len(), MOST_TOLD);
        assert!(wrong[MOST_TOLD - 1].place.ends_with(&format!("and {} more words", 800 - MOST_TOLD)), "{wrong:?}");
        assert_eq!(wrong.iter().map(WrongResult::count).sum::<u64>(), 800);
        assert_eq!(memory.pass(Step::Check(Pattern::Checker)).1.len(), MOST_TOLD);
    }
}
