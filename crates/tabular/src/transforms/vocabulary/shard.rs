//! A part of a vocabulary: values with their counts, found by hash. A value is known by the sixteen bytes of an Arrow view, in
//! which most of them are whole, so that it is compared at once and lies in the cache line of its counts.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use polars_arrow::array::{Utf8ViewArray, View};
use polars_core::prelude::PlSmallStr;

use super::Tally;

/// Bytes of a view before those of the value.
const LENGTH: usize = size_of::<u32>();

/// A value that is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// As it lies in a view, with zeros behind.
    Short([u8; 16]),
    Long(&'a str),
}

impl<'a> Value<'a> {
    pub(super) fn new(text: &'a str) -> Value<'a> {
        if text.len() > View::MAX_INLINE_SIZE as usize {
            return Value::Long(text);
        }
        Value::Short(View::new_inline(text.as_bytes()).as_u128().to_ne_bytes())
    }

    /// Of a row, whatever lies there where it is null.
    pub(super) fn of(texts: &'a Utf8ViewArray, row: usize) -> Value<'a> {
        let view = texts.views()[row].as_u128().to_ne_bytes();
        Value::of_view(view).unwrap_or_else(|| Value::Long(texts.value(row)))
    }

    /// Where it is whole there.
    pub(super) fn of_view(view: [u8; 16]) -> Option<Value<'a>> {
        (length(&view) <= View::MAX_INLINE_SIZE as usize).then_some(Value::Short(view))
    }

    /// The same wherever a value is met.
    pub(super) fn hash(self) -> u64 {
        match self {
            Value::Short(view) => FixedState::default().hash_one(u128::from_ne_bytes(view)),
            Value::Long(text) => FixedState::default().hash_one(text),
        }
    }
}

/// Bytes of the value of a view.
fn length(view: &[u8; 16]) -> usize {
    let [a, b, c, d, ..] = *view;
    u32::from_ne_bytes([a, b, c, d]) as usize
}

/// A value and its counts: one cache line.
#[repr(align(64))]
pub(super) struct Entry {
    /// A view. Of a longer value it has the length, and its place among the long ones as offset.
    view: [u8; 16],
    pub(super) tally: Tally,
}

impl Entry {
    fn value<'a>(&self, long: &'a [PlSmallStr]) -> Value<'a> {
        Value::of_view(self.view).unwrap_or_else(|| Value::Long(&long[self.offset()]))
    }

    fn text<'a>(&'a self, long: &'a [PlSmallStr]) -> &'a str {
        match self.view[LENGTH..].get(..length(&self.view)) {
            Some(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
            None => &long[self.offset()],
        }
    }

    /// The last four bytes.
    fn offset(&self) -> usize {
        (u128::from_ne_bytes(self.view) >> 96) as usize
    }
}

/// No place.
const NONE: u32 = u32::MAX;
/// Cells of the first table.
const CELLS: usize = 64;

/// The values whose hashes have some bits in common.
///
/// The table has the place of a value in the cell of its hash, or in the first one behind that was free. It is two arrays, so that
/// the cells of many values are read at once, and then their entries: most of either are in no cache, and a value alone would
/// wait for both.
pub(super) struct Shard {
    /// A power of two, at least two for each entry.
    cells: Vec<u32>,
    pub(super) entries: Vec<Entry>,
    long: Vec<PlSmallStr>,
}

impl Default for Shard {
    fn default() -> Shard {
        Shard { cells: vec![NONE; CELLS], entries: Vec::new(), long: Vec::new() }
    }
}

impl Shard {
    /// The place of the first value that a value with this hash is compared with.
    pub(super) fn guess(&self, hash: u64) -> u32 {
        self.cells[self.cell(hash)]
    }

    /// The place of a value, which is added where it is new.
    pub(super) fn place(&mut self, guess: u32, hash: u64, value: Value) -> u32 {
        match (self.entries.get(guess as usize), value) {
            (Some(entry), Value::Short(view)) if entry.view == view => guess,
            _ => self.search(hash, value),
        }
    }

    fn search(&mut self, hash: u64, value: Value) -> u32 {
        let mut cell = self.cell(hash);
        while let Some(entry) = self.entries.get(self.cells[cell] as usize) {
            if entry.value(&self.long) == value {
                return self.cells[cell];
            }
            cell = self.behind(cell);
        }
        self.cells[cell] = self.add(value);
        let place = self.cells[cell];
        if 2 * self.entries.len() > self.cells.len() {
            self.grow();
        }
        place
    }

    /// Adds a value behind the others.
    fn add(&mut self, value: Value) -> u32 {
        let view = match value {
            Value::Short(view) => view,
            Value::Long(text) => {
                let (length, offset) = (text.len() as u32, self.long.len() as u32);
                self.long.push(PlSmallStr::from_str(text));
                View { length, offset, ..View::default() }.as_u128().to_ne_bytes()
            }
        };
        self.entries.push(Entry { view, tally: Tally::default() });
        self.entries.len() as u32 - 1
    }

    fn grow(&mut self) {
        self.cells = vec![NONE; 2 * self.cells.len()];
        for place in 0..self.entries.len() {
            let mut cell = self.cell(self.hash(place));
            while self.cells[cell] != NONE {
                cell = self.behind(cell);
            }
            self.cells[cell] = place as u32;
        }
    }

    fn cell(&self, hash: u64) -> usize {
        hash as usize & (self.cells.len() - 1)
    }

    fn behind(&self, cell: usize) -> usize {
        (cell + 1) & (self.cells.len() - 1)
    }

    /// The hash of the value at a place.
    pub(super) fn hash(&self, place: usize) -> u64 {
        self.entries[place].value(&self.long).hash()
    }

    /// The value at a place.
    pub(super) fn text(&self, place: usize) -> &str {
        self.entries[place].text(&self.long)
    }
}

/// A number of the order of texts; it is the same for long ones that begin alike.
pub(super) fn order(text: &str) -> u128 {
    let mut bytes = [0; 16];
    let most = View::MAX_INLINE_SIZE as usize;
    let (first, length) = bytes.split_at_mut(most);
    let shared = text.len().min(most);
    first[..shared].copy_from_slice(&text.as_bytes()[..shared]);
    // What ends earlier comes first, and not what is filled with zeros alike.
    length.copy_from_slice(&(text.len().min(most + 1) as u32).to_be_bytes());
    u128::from_be_bytes(bytes)
}
