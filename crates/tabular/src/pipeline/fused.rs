//! One streaming plan of Polars from the files to the files, in which our own kernels are a node.
//!
//! `scan` reads everything once for what must be known of all rows, and keeps the narrow columns that t08, t09 and t10
//! solve in memory, with their results. Then the plan streams: morsels of rows with all columns go through the node, which
//! adds what is known and what was solved, into the sink. A row takes about 150 bytes instead of its whole width.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use polars::prelude::file_provider::FileProviderType;
use polars::prelude::*;

use super::chunk::Chunk;
use super::exchange::Results;
use super::input::{self, output_names};
use super::known::{Dimensions, Known};
use super::output::{Output, parquet_options};
use super::phases::Phases;
use super::scan::{limits, pieces, scan};
use crate::schema::{self, FILE_ROWS, Kind, Table};
use crate::transforms::columns::numbers;
use crate::transforms::keyed::Keyed;
use crate::transforms::lags::Lags;
use crate::transforms::rank::Ranks;
use crate::transforms::window::Hours;
use crate::{Dataset, Error};

/// The column with each row's place.
const PLACE: &str = "place";
/// What t08, t09 and t10 read.
const NARROW: [&str; 7] = ["row_id", "ts", "user_id", "item_id", "amount_cents", "qty", "country_slot"];

/// Everything that the node of the plan needs.
struct Solved {
    known: Known,
    lags: Results<4>,
    hours: Results<3>,
    ranks: Results<1>,
}

impl Solved {
    /// The output's columns of a morsel.
    fn transform(&self, mut morsel: DataFrame) -> PolarsResult<DataFrame> {
        morsel.rechunk_mut();
        input::make_physical(&mut morsel, Table::Events)?;
        let mut chunk = Chunk { frame: morsel, start: 0 };
        self.known.add(&mut chunk)?;
        let places: Vec<usize> =
            numbers::<IdxType>(&chunk.frame, PLACE)?.values.iter().map(|&place| place as usize).collect();
        chunk.add(&Lags::columns(&self.lags.at(&places)))?;
        chunk.add(&Hours::columns(&self.hours.at(&places)))?;
        chunk.add(&Ranks::columns(&self.ranks.at(&places)))?;
        chunk.frame.select(output_names())
    }
}

pub(super) fn run(data: &Dataset, output: Output, phases: &mut Phases) -> Result<Vec<String>, Error> {
    let pieces = pieces(data)?;
    let bytes = data.bytes(Table::Events);
    let narrow: Mutex<Vec<Chunk>> = Mutex::default();
    let keep = |chunk: Chunk| {
        let frame = chunk.frame.select(NARROW)?;
        narrow.lock().unwrap_or_else(PoisonError::into_inner).push(Chunk { frame, start: chunk.start });
        Ok(())
    };
    let scanned = phases.time("scan", || Ok((scan(&pieces, keep)?, bytes)))?;
    let limits = phases.time("quantiles", || Ok((limits(&pieces, &scanned.sought)?, bytes)))?;
    let mut narrow = narrow.into_inner().unwrap_or_else(PoisonError::into_inner);
    narrow.sort_unstable_by_key(|chunk| chunk.start);
    let lags = phases.time("t08", || solve::<5, 4, Lags>(&narrow))?;
    let hours = phases.time("t09", || solve::<5, 3, Hours>(&narrow))?;
    let ranks = phases.time("t10", || solve::<4, 1, Ranks>(&narrow))?;
    drop(narrow);
    let known = scanned.known(Dimensions::read(data)?, limits);
    let plan = plan(data, Solved { known, lags, hours, ranks }, output.folder())?;
    let buffering = not_streaming(&plan.to_dot_streaming_phys(true)?);
    phases.time("stream", || {
        plan.collect_with_engine(Engine::Streaming)?;
        Ok(((), bytes))
    })?;
    phases.time("save.sync", || Ok(((), output.finish()?)))?;
    Ok(buffering)
}

fn solve<const IN: usize, const OUT: usize, K: Keyed<IN, OUT>>(chunks: &[Chunk]) -> Result<(Results<OUT>, u64), Error> {
    let results = Results::of::<IN, K>(chunks)?;
    let bytes = results.bytes();
    Ok((results, bytes))
}

/// Scan, node, sink.
fn plan(data: &Dataset, solved: Solved, folder: &Path) -> Result<LazyFrame, Error> {
    let paths = data.files(Table::Events).iter().map(|file| PlRefPath::try_from_path(file.path()));
    let sources = ScanSources::Paths(paths.collect::<PolarsResult<_>>()?);
    let arguments = ScanArgsParquet { glob: false, ..ScanArgsParquet::default() };
    let schema = Arc::new(output_schema());
    let node = move |morsel: DataFrame| solved.transform(morsel);
    let declared = move |_: &Schema| Ok(schema.clone());
    let destination = SinkDestination::Partitioned {
        base_path: PlRefPath::try_from_path(folder)?,
        file_path_provider: None::<FileProviderType>,
        partition_strategy: PartitionStrategy::FileSize,
        max_rows_per_file: IdxSize::try_from(FILE_ROWS).unwrap_or(IdxSize::MAX),
        approximate_bytes_per_file: u64::MAX,
    };
    let arguments_of_sink = UnifiedSinkArgs {
        maintain_order: false,
        sync_on_close: sync_on_close::SyncOnCloseType::All,
        ..UnifiedSinkArgs::default()
    };
    Ok(LazyFrame::scan_parquet_sources(sources, arguments)?
        .with_row_index(PLACE, None)
        .map(node, OptFlags::STREAMING, Some(Arc::new(declared)), Some("ten transformations"))
        .sink(destination, FileWriteFormat::Parquet(Arc::new(parquet_options()?)), arguments_of_sink)?)
}

fn output_schema() -> Schema {
    let dtype = |kind: Kind| match kind {
        Kind::Bool => DataType::Boolean,
        Kind::I8 => DataType::Int8,
        Kind::U8 => DataType::UInt8,
        Kind::I16 => DataType::Int16,
        Kind::I32 => DataType::Int32,
        Kind::I64 => DataType::Int64,
        Kind::F32 => DataType::Float32,
        Kind::F64 => DataType::Float64,
        Kind::Text => DataType::String,
        Kind::Date => DataType::Date,
        Kind::Timestamp => DataType::Datetime(TimeUnit::Microseconds, None),
    };
    schema::output_columns().map(|column| Field::new(column.name.into(), dtype(column.kind))).collect()
}

/// The nodes of a physical plan (in the language of Graphviz) that hold their rows before they give any: Polars fills them
/// with a colour.
fn not_streaming(plan: &str) -> Vec<String> {
    let filled = plan.lines().filter(|line| line.contains("style=filled"));
    filled.filter_map(|line| line.split("label=\"").nth(1)?.split('"').next()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_that_hold_rows_are_named() {
        let frame = DataFrame::new_infer_height(vec![Column::new("x".into(), [3, 1, 2])]).unwrap();
        let plan = |lazy: LazyFrame| not_streaming(&lazy.to_dot_streaming_phys(true).unwrap()).join(" ");
        assert!(plan(frame.clone().lazy().sort(["x"], SortMultipleOptions::default())).contains("sort"));
        assert!(!plan(frame.lazy().with_row_index("place", None)).contains("sort"));
    }
}
