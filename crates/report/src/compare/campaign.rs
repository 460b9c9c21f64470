//! The boots of a campaign.

use crate::Look;
use crate::terminal::grid::{Cell, Grid, Paint};
use crate::text::wrap;

/// A boot of a campaign, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignBoot {
    /// `before` or `after`.
    pub side: &'static str,
    /// What is known of it: `measured`, `next`; empty where nothing is.
    pub state: &'static str,
    /// Id of its run; empty where there is none.
    pub run: String,
}

/// A row for each boot of a campaign in its order.
#[must_use]
pub fn campaign(id: &str, boots: &[CampaignBoot], look: Look) -> String {
    let measured = boots.iter().filter(|boot| !boot.run.is_empty()).count();
    let mut grid = Grid::new(&["Boot", "Side", "State", "Run"], &[]).packed();
    for (number, boot) in boots.iter().enumerate() {
        let paint = if boot.run.is_empty() { Paint::Doubtful } else { Paint::Good };
        let (number, state) = (Cell::from((number + 1).to_string()), Cell::painted(boot.state, paint));
        grid.row([number, boot.side.into(), state, boot.run.as_str().into()]);
    }
    wrap(&format!("campaign {id}: {measured} of {} boots are measured", boots.len()), 0, look) + &grid.render(look)
}
