//! What a person sees while a run goes on: bars with the time left on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use measure::{Event, Quantity, Unit};
use report::terminal::clean;

use crate::output::{quiet, say};

/// Steps of a bar; the share done is a number from 0 to 1.
const STEPS: u64 = 1000;

/// Progress of one workload.
pub(crate) struct Progress {
    name: String,
    planned: f64,
    started: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins a workload that is planned to take `seconds`.
    pub(crate) fn begin(name: &str, seconds: f64) -> Progress {
        let bar = (io::stderr().is_terminal() && !quiet()).then(|| bar(name));
        if bar.is_none() {
            say(&format!("{name}: starts, about {}", told(seconds)));
        }
        Progress { name: name.to_owned(), planned: seconds, started: Instant::now(), bar }
    }

    /// Takes note of an event.
    pub(crate) fn note(&self, event: &Event) {
        let (Some(bar), Event::Progress { done, doing }) = (&self.bar, event) else { return };
        set(bar, *done);
        let left = (self.planned * (1.0 - done)).max(0.0);
        // The share is the worker's word, which may be no number at all.
        let left = Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX);
        bar.set_message(format!("{} left · {}", seconds(left), clean(doing)));
    }

    /// Ends the workload with a line on how it ended.
    pub(crate) fn end(self, how: &str) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        say(&format!("{}: {how} after {}", self.name, told(self.started.elapsed().as_secs_f64())));
    }
}

/// A time to the second, of less than ten seconds to the tenth.
fn told(seconds: f64) -> String {
    let tenths = seconds < 10.0 && seconds.fract() != 0.0;
    if tenths { format!("{seconds:.1} s") } else { Quantity::new(seconds.round(), Unit::Second).to_string() }
}

/// Moves a bar to a share of its length.
pub(crate) fn set(bar: &ProgressBar, done: f64) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1000")]
    bar.set_position((done.clamp(0.0, 1.0) * STEPS as f64) as u64);
}

/// A bar on the standard error.
pub(crate) fn bar(name: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:8} {bar:30} {elapsed} · {wide_msg}");
    let bar = ProgressBar::with_draw_target(Some(STEPS), ProgressDrawTarget::stderr());
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_prefix(name.to_owned());
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

fn seconds(time: Duration) -> String {
    match time.as_secs() {
        whole @ 0..120 => format!("{whole} s"),
        whole @ 120..7200 => format!("{} min", whole / 60),
        whole => format!("{:.1} h", whole as f64 / 3600.0),
    }
}
