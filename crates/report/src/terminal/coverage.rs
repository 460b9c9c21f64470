//! Where each statement of a document lives.

use spec::{Statement, Status};

use super::grid::Grid;
use crate::Look;

/// The statements, a line each, and how many there are of each kind.
#[must_use]
pub fn coverage(statements: &[Statement], look: Look) -> String {
    let mut grid = Grid::new(&["#", "§", "Statement", "Is", "By"], &[0]);
    for statement in statements {
        grid.row([
            statement.id.to_string().into(),
            (&statement.section).into(),
            (&statement.quote).into(),
            statement.status.name(1).into(),
            format!("{} ({})", statement.home, statement.system).into(),
        ]);
    }
    format!("{}{}\n", grid.render(look), counted(statements))
}

/// "228 statements: 161 criteria, 22 findings, 8 remarks, 37 prose."
fn counted(statements: &[Statement]) -> String {
    let of = |status: Status| {
        let count = statements.iter().filter(|statement| statement.status == status).count();
        format!("{count} {}", status.name(count))
    };
    format!("{} statements: {}.", statements.len(), Status::ALL.map(of).join(", "))
}
