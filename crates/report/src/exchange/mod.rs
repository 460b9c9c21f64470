//! The formats that other tools read. All of them tell the same figures: the judged value of each target, and the median
//! of each series of the last run, in base units with all digits.

mod bencher;
mod csv;
mod fleet;
mod junit;
mod markdown;
mod ocptv;
mod peers;
mod prometheus;
#[cfg(test)]
mod tests;
mod watch;

pub use self::bencher::bencher;
pub use self::csv::{csv, csv_header, csv_rows};
pub use self::fleet::{fleet_csv, fleet_junit, fleet_prometheus};
pub use self::junit::junit;
pub use self::markdown::markdown;
pub use self::ocptv::ocptv;
pub use self::peers::{fio, hpl, stream};
pub use self::prometheus::prometheus;
pub use self::watch::watch_prometheus;

use measure::{Ending, Run, Unit};

use crate::judged::Judged;
use crate::series::{self, RunSeries};

/// Why a report could not be written in a format.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither terminal nor page can be made of nothing.
    #[error("there is no run to report on")]
    NoRun,
    /// The run has not measured what the format is for.
    #[error("the run has not measured {0}, which this format is for")]
    NotMeasured(String),
    /// The XML could not be made.
    #[error("the JUnit report could not be made: {0}")]
    Junit(#[from] quick_junit::SerializeError),
    /// The table could not be made.
    #[error("the CSV table could not be made: {0}")]
    Csv(String),
}

fn last<'a>(judged: &Judged<'a>) -> Result<(&'a Run, Vec<RunSeries>), Error> {
    let run = judged.runs.last().ok_or(Error::NoRun)?;
    Ok((run, series::series(run)))
}

/// The unit as a part of a name: `bytes_per_second`; empty for pure numbers.
fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Count => "",
        Unit::Ratio => "ratio",
        Unit::Second => "seconds",
        Unit::Byte => "bytes",
        Unit::BytePerSecond => "bytes_per_second",
        Unit::FlopPerSecond => "flops_per_second",
        Unit::OpPerSecond => "operations_per_second",
        Unit::IoPerSecond => "io_per_second",
        Unit::TransferPerSecond => "transfers_per_second",
        Unit::RowPerSecond => "rows_per_second",
        Unit::Hertz => "hertz",
        Unit::FlopPerCycle => "flops_per_cycle",
        Unit::Watt => "watts",
        Unit::Ampere => "amperes",
        Unit::Celsius => "celsius",
        Unit::Score => "points",
    }
}

fn is_complete(run: &Run) -> bool {
    run.ending == Ending::Complete
}
