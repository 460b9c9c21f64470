//! A vocabulary that was learnt of a part of the rows, as words and texts for others, and what is made of those of all parts:
//! for each part the codes and counts of its own values, so that who works on it holds no others.

use std::ops::Range;

use polars_core::runtime::RAYON;
use rayon::prelude::*;

use super::{FOLDS, Learner, SHARDS, Shard, Tally, Value, Vocabulary, codes, places_in_order};

/// The words before those of the values: the tally of null, and how many values each shard has.
const HEAD: usize = FOLDS + SHARDS;

/// Which values each shard has.
type Shards = Vec<Range<usize>>;

/// What was learnt of a part of the rows.
pub(crate) struct Part {
    null: Tally,
    shards: Shards,
    tallies: Vec<Tally>,
    /// Where each value ends in `texts`.
    ends: Vec<usize>,
    texts: String,
}

impl Learner {
    /// What was learnt, as [`Part::new`] takes it.
    pub(crate) fn into_part(self) -> (Vec<u64>, Vec<u8>) {
        let (shards, null) = self.open();
        let entries = || shards.iter().flat_map(|shard| &shard.entries);
        let mut words = Vec::with_capacity(HEAD + entries().count() * (FOLDS + 1));
        words.extend(null.0);
        words.extend(shards.iter().map(|shard| shard.entries.len() as u64));
        for entry in entries() {
            words.extend_from_slice(&entry.tally.0);
        }
        let mut texts = Vec::new();
        for shard in &shards {
            for place in 0..shard.entries.len() {
                texts.extend_from_slice(shard.text(place).as_bytes());
                words.push(texts.len() as u64);
            }
        }
        (words, texts)
    }
}

impl Part {
    /// From words and texts, which may be followed by something else; none where they are not those of a part.
    pub(crate) fn new(words: &[u64], texts: Vec<u8>) -> Option<Part> {
        let (null, shards, rest) = head(words)?;
        let values = shards.last()?.end;
        if rest.len() != values * (FOLDS + 1) {
            return None;
        }
        let (tallies, ends) = rest.split_at(values * FOLDS);
        let ends: Vec<usize> = ends.iter().map(|&end| usize::try_from(end).ok()).collect::<Option<_>>()?;
        let texts = String::from_utf8(texts).ok()?;
        let is_text = |end: &usize| texts.is_char_boundary(*end);
        let is_whole = ends.is_sorted() && ends.iter().all(is_text);
        is_whole.then(|| Part { null, shards, tallies: tallies_of(tallies), ends, texts })
    }

    /// The values of a shard with their counts, in the order of their places.
    fn values(&self, shard: usize) -> impl Iterator<Item = (&str, &Tally)> {
        self.shards[shard].clone().map(move |at| {
            let first = if at == 0 { 0 } else { self.ends[at - 1] };
            (&self.texts[first..self.ends[at]], &self.tallies[at])
        })
    }
}

/// The values of all parts.
pub(crate) struct Merged {
    shards: Vec<Shard>,
    null: Tally,
    /// For each part by shard: where its values are.
    places: Vec<Vec<Vec<u32>>>,
}

impl Merged {
    pub(crate) fn new() -> Merged {
        let shards = (0..SHARDS).map(|_| Shard::default()).collect();
        Merged { shards, null: Tally::default(), places: Vec::new() }
    }

    /// Adds a part, which is the next one.
    pub(crate) fn add(&mut self, part: &Part) {
        self.null.add(&part.null);
        let one = |(number, shard): (usize, &mut Shard)| -> Vec<u32> {
            let place = |(value, tally): (&str, &Tally)| {
                let value = Value::new(value);
                let hash = value.hash();
                let place = shard.place(shard.guess(hash), hash, value);
                shard.entries[place as usize].tally.add(tally);
                place
            };
            part.values(number).map(place).collect()
        };
        let places: Vec<Vec<u32>> = if rayon::current_thread_index().is_some() {
            self.shards.iter_mut().enumerate().map(one).collect()
        } else {
            let shards = &mut self.shards;
            RAYON.install(|| shards.par_iter_mut().enumerate().map(one).collect())
        };
        self.places.push(places);
    }

    /// Gives the codes out: by count, or where they are places by the values themselves.
    pub(crate) fn finish(self, are_places: bool) -> Answers {
        let codes = if are_places { places_in_order(&self.shards) } else { codes(&self.shards) };
        Answers { codes, merged: self }
    }
}

/// Codes and counts for each part.
pub(crate) struct Answers {
    codes: Vec<Vec<i32>>,
    merged: Merged,
}

impl Answers {
    /// What a part is told, as [`Vocabulary::of_words`] takes it; counts only where they are wanted.
    pub(crate) fn words(&self, part: usize, with_tallies: bool) -> Vec<u64> {
        let places = &self.merged.places[part];
        let all =
            || places.iter().enumerate().flat_map(|(shard, places)| places.iter().map(move |&at| (shard, at as usize)));
        let values: usize = places.iter().map(Vec::len).sum();
        let mut words = Vec::with_capacity(HEAD + values * if with_tallies { 1 + FOLDS } else { 1 });
        words.extend(self.merged.null.0);
        words.extend(places.iter().map(|places| places.len() as u64));
        // Codes are not negative.
        words.extend(all().map(|(shard, at)| u64::from(self.codes[shard][at].unsigned_abs())));
        if with_tallies {
            for (shard, at) in all() {
                words.extend_from_slice(&self.merged.shards[shard].entries[at].tally.0);
            }
        }
        words
    }
}

impl Vocabulary {
    /// The codes and counts of a part's values; none where the words are not such.
    pub(crate) fn of_words(words: &[u64], with_tallies: bool) -> Option<Vocabulary> {
        let (null, shards, rest) = head(words)?;
        let values = shards.last()?.end;
        if rest.len() != values * if with_tallies { 1 + FOLDS } else { 1 } {
            return None;
        }
        let (codes, tallies) = rest.split_at(values);
        let codes: Vec<i32> = codes.iter().map(|&code| i32::try_from(code).ok()).collect::<Option<_>>()?;
        let tallies = tallies_of(tallies);
        let of_shard = |shard: &Range<usize>| tallies.get(shard.clone()).unwrap_or_default().to_vec();
        Some(Vocabulary {
            codes: shards.iter().map(|shard| codes[shard.clone()].to_vec()).collect(),
            tallies: shards.iter().map(of_shard).collect(),
            null,
        })
    }
}

/// The tally of null, the values of each shard, and the words behind.
fn head(words: &[u64]) -> Option<(Tally, Shards, &[u64])> {
    let (head, rest) = words.split_at_checked(HEAD)?;
    let (null, counts) = head.split_at(FOLDS);
    let mut end = 0_usize;
    let shard = |&count: &u64| {
        let start = end;
        end = start.checked_add(usize::try_from(count).ok()?).filter(|&end| end <= rest.len())?;
        Some(start..end)
    };
    let shards = counts.iter().map(shard).collect::<Option<_>>()?;
    Some((Tally(null.try_into().ok()?), shards, rest))
}

fn tallies_of(words: &[u64]) -> Vec<Tally> {
    words.as_chunks::<FOLDS>().0.iter().map(|&folds| Tally(folds)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::vocabulary::{Mark, Slot};
    use polars_arrow::array::Utf8ViewArray;

    const LONG: &str = "a value that is longer than a view holds";

    fn learnt(values: &[Option<&str>]) -> (Learner, Vec<Slot>) {
        let marks: Vec<Mark> = (0..values.len() as u8).map(|row| Mark((row % 5) << 1 | row & 1)).collect();
        let learner = Learner::new();
        let slots = learner.learn(&Utf8ViewArray::from_slice(values), &marks);
        (learner, slots)
    }

    #[test]
    fn parts_have_the_codes_and_counts_of_the_whole() {
        let values =
            [Some("b"), Some("a"), None, Some(LONG), Some("b"), Some(""), Some("ä"), Some("a"), None, Some("b")];
        let mut whole: Vec<Option<&str>> = Vec::new();
        let (mut merged, mut merged_places, mut slots) = (Merged::new(), Merged::new(), Vec::new());
        for size in [10, 7, 10, 3] {
            whole.extend(&values[..size]);
            let (learner, of_part) = learnt(&values[..size]);
            slots.push(of_part);
            let (words, texts) = learner.into_part();
            let part = Part::new(&words, texts).unwrap();
            merged.add(&part);
            merged_places.add(&part);
        }
        // Each part's rows have the folds and labels that they have alone.
        let (all, mut all_slots) = (Learner::new(), Vec::new());
        for size in [10, 7, 10, 3] {
            let marks: Vec<Mark> = (0..size as u8).map(|row| Mark((row % 5) << 1 | row & 1)).collect();
            all_slots.extend(all.learn(&Utf8ViewArray::from_slice(&values[..size]), &marks));
        }
        let expect = all.finish();
        let (answers, places) = (merged.finish(false), merged_places.finish(true));
        let mut row = 0;
        for (part, slots) in slots.iter().enumerate() {
            let found = Vocabulary::of_words(&answers.words(part, true), true).unwrap();
            let place = Vocabulary::of_words(&places.words(part, false), false).unwrap();
            for &slot in slots {
                assert!(found.has(slot));
                assert_eq!(found.code(slot), expect.code(all_slots[row]), "{:?}", whole[row]);
                assert_eq!(found.tally(slot), expect.tally(all_slots[row]), "{:?}", whole[row]);
                if let Some(value) = whole[row] {
                    let order = ["", "a", LONG, "b", "ä"].iter().position(|other| *other == value).unwrap();
                    assert_eq!(place.code(slot), order as i32, "{value}");
                }
                row += 1;
            }
        }
        assert_eq!(row, 30);
    }

    #[test]
    fn what_is_no_part_is_refused() {
        let (words, texts) = learnt(&[Some("ä"), Some("b"), None]).0.into_part();
        let part = Part::new(&words, texts.clone()).unwrap();
        let mut merged = Merged::new();
        merged.add(&part);
        let told = merged.finish(false).words(0, true);
        assert!(Vocabulary::of_words(&told, true).is_some() && Vocabulary::of_words(&told, false).is_none());
        assert!(Vocabulary::of_words(&told[..HEAD - 1], false).is_none());
        assert!(Part::new(&words[1..], texts.clone()).is_none());
        assert!(Part::new(&words[..HEAD - 1], texts.clone()).is_none());
        assert!(Part::new(&words, texts[..2].to_vec()).is_none());
        assert!(Part::new(&words, vec![0xFF; 3]).is_none());
        let mut many = words.clone();
        many[FOLDS] = u64::MAX;
        assert!(Part::new(&many, texts).is_none());
    }
}
