//! Measures this suite beside other tools: the same work, side by side, interleaved, as pairs.
//!
//! `scripts/peers` builds it with the peers of `scripts/peers.d` and starts it. What is compared is the table of
//! `table.rs`; our side is this program again (`peers serve …`, `serve.rs`), so that both are processes.

mod ratio;
mod record;
mod serve;
mod side;
mod table;

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};

use record::{Outcome, Record, Row};
use side::{Given, Places, Running};
use table::{Comparison, table};

/// Compares this suite with other tools on this host.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Option<Serve>,
    /// Only these figures, by their ids.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Pairs for each figure.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    pairs: u32,
    /// Where the table and the JSON go.
    #[arg(long, default_value = "results/peers")]
    out: PathBuf,
    #[command(flatten)]
    given: Given,
    /// Lists the figures.
    #[arg(long)]
    list: bool,
}

#[derive(Subcommand)]
enum Serve {
    /// Measures a figure of ours for each line that it reads.
    #[command(hide = true, subcommand)]
    Serve(serve::What),
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(Serve::Serve(what)) = args.command {
        return serve::serve(&what);
    }
    if args.list {
        for Comparison { peer, figures, .. } in table() {
            figures.iter().for_each(|figure| println!("{:16} {} against {}", figure.id, figure.what, peer.name));
        }
        return Ok(());
    }
    let chosen = choose(&args.only)?;
    let places = Places::find(args.given)?;
    let mut record = Record::start(&places, args.pairs)?;
    for comparison in chosen {
        let ids: Vec<_> = comparison.figures.iter().map(|figure| figure.id).collect();
        eprintln!("{} against {}", ids.join(", "), comparison.peer.name);
        let outcomes = measure(comparison, &places, args.pairs).unwrap_or_else(|error| {
            let why = format!("{error:#}");
            ids.iter().map(|_| Outcome::Missing { why: why.clone() }).collect()
        });
        let rows = comparison.figures.iter().zip(outcomes);
        record.rows.extend(rows.map(|(figure, outcome)| Row::new(comparison, figure, &places, outcome)));
    }
    println!("{}", record.table());
    let stem = record.write(&args.out)?;
    eprintln!("written to {}.json and .txt", stem.display());
    Ok(())
}

/// The comparisons that have these figures, or all.
fn choose(only: &[String]) -> anyhow::Result<Vec<&'static Comparison>> {
    let known: Vec<_> = table().flat_map(|comparison| comparison.figures).map(|figure| figure.id).collect();
    if let Some(unknown) = only.iter().find(|id| !known.contains(&id.as_str())) {
        bail!("`{unknown}` is not a figure; known are {}", known.join(", "));
    }
    let wanted = |id: &str| only.is_empty() || only.iter().any(|wanted| wanted == id);
    Ok(table().filter(|comparison| comparison.figures.iter().any(|figure| wanted(figure.id))).collect())
}

/// Takes the pairs of a comparison: an outcome for each figure.
fn measure(comparison: &Comparison, places: &Places, pairs: u32) -> anyhow::Result<Vec<Outcome>> {
    let Comparison { ours, peer, figures } = comparison;
    let mut theirs = Running::start(peer, places).with_context(|| peer.hint.to_owned())?;
    let mut ours = Running::start(ours, places)?;
    // What the first one finds in caches and clocks belongs to no pair.
    if !ours.starts_anew() {
        ours.measure()?;
    }
    let mut values = vec![Vec::new(); figures.len()];
    for pair in 0..pairs {
        // Both orders in turn cancel what drifts. A peer that starts anew each time spends seconds on its memory
        // before it measures, so ours, where it need not start, follows it at once: the other order would only set
        // them apart in time.
        let ours_first = pair % 2 == 1 && (ours.starts_anew() || !theirs.starts_anew());
        let early = if ours_first { Some(ours.measure()?) } else { None };
        let their_text = theirs.measure()?;
        let own_text = early.map_or_else(|| ours.measure(), Ok)?;
        for (figure, values) in figures.iter().zip(&mut values) {
            let (own, their) = (figure.ours.find(&own_text)?, figure.peer.find(&their_text)?);
            values.push([own, their]);
            let (id, pair, ratio) = (figure.id, pair + 1, own / their);
            eprintln!("  pair {pair}, {id}: ours {own:.4e}, {} {their:.4e}, ratio {ratio:.3}", peer.name);
        }
    }
    Ok(values.into_iter().map(|values| Outcome::measured(values, [ours.how.clone(), theirs.how.clone()])).collect())
}
