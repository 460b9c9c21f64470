//! Measures this suite beside other tools: the same work, side by side, interleaved, as pairs.
//!
//! `scripts/peers` builds it with the peers of `scripts/peers.d` and starts it. What is compared is the table in
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
use side::{Places, Running};
use table::{Figure, TABLE};

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
    /// Where the peers that were built from `scripts/peers.d` are.
    #[arg(long, default_value = ".")]
    built: PathBuf,
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
        for figure in TABLE {
            println!("{:24} {} against {}", figure.id, figure.what, figure.peer.name);
        }
        return Ok(());
    }
    let chosen = choose(&args.only)?;
    let places = Places::find(args.built)?;
    let mut record = Record::start(&places, args.pairs)?;
    for figure in chosen {
        eprintln!("{}: {} against {}", figure.id, figure.what, figure.peer.name);
        let outcome = measure(figure, &places, args.pairs);
        let outcome = outcome.unwrap_or_else(|error| Outcome::Missing { why: format!("{error:#}") });
        record.rows.push(Row::new(figure, &places, outcome));
    }
    println!("{}", record.table());
    let stem = record.write(&args.out)?;
    eprintln!("written to {}.json and .txt", stem.display());
    Ok(())
}

/// The figures of these ids, or all.
fn choose(only: &[String]) -> anyhow::Result<Vec<&'static Figure>> {
    if let Some(unknown) = only.iter().find(|id| TABLE.iter().all(|figure| figure.id != id.as_str())) {
        let known: Vec<_> = TABLE.iter().map(|figure| figure.id).collect();
        bail!("`{unknown}` is not a figure; known are {}", known.join(", "));
    }
    Ok(TABLE.iter().filter(|figure| only.is_empty() || only.iter().any(|id| id == figure.id)).collect())
}

/// Takes the pairs of one figure.
fn measure(figure: &Figure, places: &Places, pairs: u32) -> anyhow::Result<Outcome> {
    let mut peer = Running::start(&figure.peer, places).with_context(|| figure.peer.hint.to_owned())?;
    let mut ours = Running::start(&figure.ours, places)?;
    // What the first one finds in caches and clocks belongs to no pair.
    ours.figure()?;
    let mut values = Vec::new();
    for pair in 0..pairs {
        // Both orders in turn cancel what drifts. A peer that starts anew each time spends seconds on its memory
        // before it measures, so ours always follows it at once: the other order would only set them apart in time.
        let ours_first = pair % 2 == 1 && !peer.starts_anew();
        let early = if ours_first { Some(ours.figure()?) } else { None };
        let theirs = peer.figure()?;
        let own = early.map_or_else(|| ours.figure(), Ok)?;
        values.push([own, theirs]);
        eprintln!("  pair {}: ours {own:.4e}, {} {theirs:.4e}, ratio {:.3}", pair + 1, figure.peer.name, own / theirs);
    }
    Ok(Outcome::measured(values, ours.how, peer.how))
}
