//! One self-contained page: no script, no network, and every text from the outside inert.

mod axis;
mod change;
mod charts;
mod fleet_page;
mod host;
mod machine;
mod matrix;
mod methods;
mod page;
mod parts;
mod plot;
mod raw;
mod soak_page;
mod strips;
#[cfg(test)]
mod tests;
mod vendor;

use measure::SoakLog;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, escape_formatter};

use verdict::soak::SoakJudgement;

use crate::fleets::JudgedFleet;
use crate::judged::Judged;
use crate::text::clean;
pub use page::RUNS_IN_FULL;

use fleet_page::FleetPage;
use page::{HostsPage, Page};
use soak_page::SoakPage;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A chart could not be drawn.
    #[error("a chart of the report could not be drawn: {0}")]
    Chart(String),
    /// The template does not fit its values.
    #[error("the page of the report could not be made: {0}")]
    Template(#[from] minijinja::Error),
}

/// The report of judged runs of one host as one HTML page.
pub fn page(judged: &Judged<'_>) -> Result<String, Error> {
    let page = Page::of(judged)?;
    Ok(environment()?.get_template("report.html")?.render(Value::from(Serde(&page)))?)
}

/// The report of several hosts as one HTML page: a table of them all first.
pub fn hosts(hosts: &[Judged<'_>]) -> Result<String, Error> {
    let page = HostsPage::of(hosts);
    Ok(environment()?.get_template("hosts.html")?.render(Value::from(Serde(&page)))?)
}

/// The report of a fleet as one HTML page: nodes × criteria first, each node by itself last.
pub fn fleet(fleet: &JudgedFleet<'_>) -> Result<String, Error> {
    let page = FleetPage::of(fleet)?;
    Ok(environment()?.get_template("fleet.html")?.render(Value::from(Serde(&page)))?)
}

/// A soak as one HTML page: the answer, errors with their bounds, the hours, and what broke. `sealed` says what its seals do.
pub fn soak(log: &SoakLog, judged: &SoakJudgement, sealed: &str) -> Result<String, Error> {
    let page = SoakPage::of(log, judged, sealed)?;
    Ok(environment()?.get_template("soak.html")?.render(Value::from(Serde(&page)))?)
}

fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    // A name that the template has and the page has not is an error and no empty text.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // The names end in .html: every value is escaped. Before that, what would turn or hide text is written out.
    environment.set_formatter(|out, state, value| match value.as_str() {
        Some(text) if !value.is_safe() => escape_formatter(out, state, &Value::from(clean(text))),
        _ => escape_formatter(out, state, value),
    });
    environment.add_template("style.html", include_str!("style.html"))?;
    environment.add_template("parts.html", include_str!("parts.html"))?;
    environment.add_template("report.html", include_str!("report.html"))?;
    environment.add_template("hosts.html", include_str!("hosts.html"))?;
    environment.add_template("soak.html", include_str!("soak.html"))?;
    environment.add_template("fleet.html", include_str!("fleet.html"))?;
    Ok(environment)
}
