//! Which rows go to which file.
#![expect(clippy::cast_possible_truncation, reason = "rows and files are below 2³²")]

use super::columns::Recipe;
use super::population::bucket_of;
use crate::manifest::{Layout, Request};
use crate::schema::{ROW_GROUPS_A_FILE, Table};

/// A file to be made.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) table: Table,
    /// Its path within the data set.
    pub(super) name: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// Consecutive rows, less those of users or items that are left out.
    Rows { first: u64, end: u64 },
    /// All events of these users, given by their rank.
    Users(Vec<u32>),
}

impl Planned {
    /// Which rows, in the order in which they are written.
    pub(super) fn row_numbers(&self, recipe: &Recipe) -> Vec<u64> {
        match &self.content {
            Content::Rows { first, end } if self.table == Table::Events => (*first..*end).collect(),
            Content::Rows { first, end } => (*first..*end).filter(|&id| recipe.is_listed(self.table, id)).collect(),
            Content::Users(ranks) => {
                let mut rows: Vec<u64> = ranks.iter().flat_map(|&rank| recipe.users.rows_of(rank)).collect();
                rows.sort_unstable();
                rows
            }
        }
    }

    /// How many rows.
    pub(super) fn rows(&self, recipe: &Recipe) -> u64 {
        match &self.content {
            Content::Rows { first, end } if self.table == Table::Events => end - first,
            Content::Rows { first, end } => {
                (*first..*end).filter(|&id| recipe.is_listed(self.table, id)).count() as u64
            }
            Content::Users(ranks) => ranks.iter().map(|&rank| u64::from(recipe.users.events_of(rank))).sum(),
        }
    }
}

/// All files of a data set, events first.
pub(super) fn files(recipe: &Recipe, request: &Request) -> Vec<Planned> {
    Table::ALL.into_iter().flat_map(|table| contents(table, recipe, request)).collect()
}

fn contents(table: Table, recipe: &Recipe, request: &Request) -> Vec<Planned> {
    let rows = recipe.population(table);
    let file_rows = (request.row_group_rows * ROW_GROUPS_A_FILE) as u64;
    let files = rows.div_ceil(file_rows);
    let contents: Vec<Content> = if table == Table::Events && request.layout == Layout::Bucketed {
        let mut buckets = vec![Vec::new(); files as usize];
        for rank in 0..recipe.users.count() {
            buckets[bucket_of(recipe.users.id(rank), files as u32) as usize].push(rank);
        }
        buckets.into_iter().map(Content::Users).collect()
    } else {
        (0..files).map(|f| Content::Rows { first: f * file_rows, end: rows.min((f + 1) * file_rows) }).collect()
    };
    let name = |at: usize| format!("{}/part-{at:05}.parquet", table.name());
    contents.into_iter().enumerate().map(|(at, content)| Planned { table, name: name(at), content }).collect()
}
