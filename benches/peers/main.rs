//! Measures this suite beside other tools: the same work, side by side, interleaved, as pairs.
//!
//! `scripts/peers` builds it with the peers of `scripts/peers.d` and starts it. What is compared is the table of
//! `table.rs`; our side is this program again (`peers serve …`, `serve.rs`; for a job of the load generator `peers disk …`,
//! `disk.rs`), so that both are processes.
#![expect(clippy::print_stderr, reason = "a tool of the developers: where nobody can be told, it may end")]

mod compare;
mod disk;
mod picture;
mod ratio;
mod record;
mod serve;
mod side;
mod table;

use std::path::PathBuf;

use anyhow::bail;
use clap::{Parser, Subcommand};

use compare::compare;
use record::{Record, Row};
use side::{Given, Places};
use table::{Comparison, table, usual};

/// Compares this suite with other tools on this host.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(subcommand)]
    command: Option<OurSide>,
    /// Only these figures, by their ids; otherwise all but those that start a cluster.
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
enum OurSide {
    /// Measures a figure of ours for each line that it reads.
    #[command(hide = true, subcommand)]
    Serve(serve::What),
    /// Runs a job of the load generator, and prints all its figures.
    #[command(hide = true)]
    Disk(disk::Job),
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    match args.command {
        Some(OurSide::Serve(what)) => return serve::serve(&what),
        Some(OurSide::Disk(job)) => return disk::disk(&job),
        None => {}
    }
    if args.list {
        let lines = table().flat_map(|comparison| comparison.peers).flat_map(|peer| {
            peer.figures.iter().map(|figure| format!("{:20} {}, {}\n", figure.id, figure.what, peer.side.name))
        });
        // At once: whoever reads the list may close the pipe after a few lines.
        print!("{}", lines.collect::<String>());
        return Ok(());
    }
    let chosen = choose(&args.only)?;
    let places = Places::find(args.given)?;
    let mut record = Record::start(&places, args.pairs)?;
    for comparison in chosen {
        for peer in comparison.peers {
            let ids: Vec<_> = peer.figures.iter().map(|figure| figure.id).collect();
            eprintln!("{} against {}", ids.join(", "), peer.side.name);
        }
        let outcomes = compare(comparison, &places, args.pairs);
        for (peer, outcomes) in comparison.peers.iter().zip(outcomes) {
            let rows = peer.figures.iter().zip(outcomes);
            record.rows.extend(
                rows.map(|(figure, outcome)| Row::new([&comparison.ours, &peer.side], figure, &places, outcome)),
            );
        }
    }
    println!("{}", record.table());
    let stem = record.write(&args.out)?;
    eprintln!("written to {}.json and .txt", stem.display());
    Ok(())
}

/// The comparisons that have these figures, or the usual ones.
fn choose(only: &[String]) -> anyhow::Result<Vec<&'static Comparison>> {
    if only.is_empty() {
        return Ok(usual().collect());
    }
    let known: Vec<_> = table().flat_map(Comparison::figures).map(|figure| figure.id).collect();
    if let Some(unknown) = only.iter().find(|id| !known.contains(&id.as_str())) {
        bail!("`{unknown}` is not a figure; known are {}", known.join(", "));
    }
    let wanted = |id: &str| only.iter().any(|wanted| wanted == id);
    Ok(table().filter(|comparison| comparison.figures().any(|figure| wanted(figure.id))).collect())
}
