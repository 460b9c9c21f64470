//! `run --engine pandas`, and the other peers: the script of the engine, under the rules of our own.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use measure::{Quantity, Unit};
use tabular::pipeline::{self, Mode, PeerPhase};

use crate::args::RunArgs;
use crate::print::{note, say};

/// Where the scripts are in a checkout, and in a package, each seen from a folder above the program.
const FOLDERS: [&str; 2] = ["scripts/peers.d", "lib/hostproof"];

/// Runs the engine's script.
pub(crate) fn run(args: &RunArgs, script: &str) -> Result<ExitCode> {
    let engine = args.engine.name();
    if args.mode != Mode::Phased {
        let mode = args.mode.name();
        bail!("--mode {mode} does not go with --engine {engine}, which does each phase for all rows: leave it out");
    }
    let script = find(script)?;
    let mut phases = Vec::new();
    let rows = pipeline::run_by(engine, &args.job(), |folder| -> Result<()> {
        phases = transform(args, &script, folder)?;
        Ok(())
    })?;
    let seconds: f64 = phases.iter().map(|phase| phase.seconds).sum();
    say(&if args.json {
        let report = serde_json::json!({ "engine": engine, "cache": args.cache, "rows": rows, "phases": phases });
        serde_json::json!({ "report": report }).to_string()
    } else {
        format!("{rows} rows in {} ({engine}, cache {:?})", Quantity::new(seconds, Unit::Second), args.cache)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Runs the script, which saves its result in a folder; the phases that it told.
fn transform(args: &RunArgs, script: &Path, folder: &Path) -> Result<Vec<PeerPhase>> {
    let python = env::var_os("HOSTPROOF_PYTHON").unwrap_or_else(|| "python3".into());
    let mut command = Command::new(&python);
    // Nothing is left where the scripts are.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.arg(script).arg("--in").arg(&args.input).arg("--out").arg(folder);
    command.args(["--parent", &std::process::id().to_string()]);
    if let Some(threads) = args.threads {
        command.args(["--threads", &threads.to_string()]);
    }
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().with_context(|| {
            format!("could not start {}; HOSTPROOF_PYTHON names another one", python.to_string_lossy())
        })?;
    let told = child.stdout.take().context("the peer has no output").and_then(|output| listen(output, args.json));
    if told.is_err() {
        // Nobody hears what it does; that it has ended already is as good.
        let _ = child.kill();
    }
    let status = child.wait().context("could not wait for the peer")?;
    let phases = told?;
    if !status.success() {
        bail!("the peer {} ended with {status}; `scripts/peers` installs what it needs", script.display());
    }
    Ok(phases)
}

/// Hands on what the script tells, until it ends.
fn listen(output: ChildStdout, json: bool) -> Result<Vec<PeerPhase>> {
    let mut phases = Vec::new();
    for line in BufReader::new(output).lines() {
        let line = line.context("could not read what the peer says")?;
        let Ok(phase) = serde_json::from_str::<PeerPhase>(&line) else {
            note(&line);
            continue;
        };
        let seconds = Quantity::new(phase.seconds, Unit::Second).to_string();
        say(&if json { line } else { format!("{:16} {seconds:>9}", phase.phase) })?;
        phases.push(phase);
    }
    Ok(phases)
}

/// A script of the checkout that this program was built in or is started in, or of its package.
fn find(script: &str) -> Result<PathBuf> {
    let places = [env::current_exe().ok(), env::current_dir().ok()];
    let above = places.iter().flatten().flat_map(|place| place.ancestors());
    let mut paths = above.flat_map(|above| FOLDERS.map(|folder| above.join(folder).join(script)));
    paths.find(|path| path.is_file()).with_context(|| {
        let (folder, package) =
            (FOLDERS[0], "the peer runs from a checkout of this project, or a package made with it");
        format!("{folder}/{script} is not there: {package}")
    })
}
