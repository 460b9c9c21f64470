//! One streaming plan of Polars from the files to the files, in which our own kernels are a node.
//!
//! `scan` reads everything once for what must be known of all rows, and keeps the narrow columns that t08, t09 and t10
//! solve in memory, with their results. Then the plan streams: morsels of rows with all columns go through the node, which
//! adds the columns of the result, into the sink. A row takes about 150 bytes instead of its whole width.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use polars::prelude::file_provider::FileProviderType;
use polars::prelude::*;
use polars_core::runtime::RAYON;
use rayon::prelude::*;

use super::chunk::Chunk;
use super::exchange::Results;
use super::global_stats::{Dimensions, GlobalStats};
use super::input::{self, Piece, output_names};
use super::output::{Output, parquet_options};
use super::phases::Phases;
use super::scan::{limits, scan};
use crate::error::is_full;
use crate::panics::guarded;
use crate::schema::{self, FILE_ROWS, Kind, Table};
use crate::transforms::columns::numbers;
use crate::transforms::keyed::Keyed;
use crate::transforms::lags::{Lag, Lags};
use crate::transforms::rank::{Rank, Ranks};
use crate::transforms::window::{HourBefore, Hours};
use crate::{Dataset, Error, ParquetFile, content};

/// The column with each row's place.
const PLACE: &str = "hostproof place";
/// Columns without nulls that only the plan reads.
const UNSEEN: [&str; 2] = ["url", "ua"];
/// What t08, t09 and t10 read.
const NARROW: [&str; 7] = ["row_id", "ts", "user_id", "item_id", "amount_cents", "qty", "country_slot"];

/// Everything that the node of the plan needs to make the result's columns.
struct ResultColumns {
    stats: GlobalStats,
    lags: Results<Lag>,
    hours: Results<HourBefore>,
    ranks: Results<Rank>,
    /// Where the rows of each file begin, and its path.
    files: Vec<(usize, PathBuf)>,
    /// Why the plan was ended, with more than Polars can say.
    refusal: Arc<Mutex<Option<Error>>>,
}

impl ResultColumns {
    /// The node of the plan.
    fn node(&self, morsel: DataFrame) -> PolarsResult<DataFrame> {
        self.transform(morsel).map_err(|error| {
            let refused = PolarsError::ComputeError(error.to_string().into());
            self.refusal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            refused
        })
    }

    /// The result's columns of a morsel.
    fn transform(&self, mut morsel: DataFrame) -> Result<DataFrame, Error> {
        morsel.rechunk_mut();
        input::make_physical(&mut morsel, Table::Events)?;
        let mut chunk = Chunk { frame: morsel, start: 0 };
        let places: Vec<usize> =
            numbers::<IdxType>(&chunk.frame, PLACE)?.values.iter().map(|&place| place as usize).collect();
        self.require_texts(&chunk.frame, &places)?;
        self.stats.add(&mut chunk)?;
        chunk.add(&Lags::columns(&self.lags.at(places.iter().copied())))?;
        chunk.add(&Hours::columns(&self.hours.at(places.iter().copied())))?;
        chunk.add(&Ranks::columns(&self.ranks.at(places.iter().copied())))?;
        Ok(chunk.frame.select(output_names())?)
    }

    /// Sees that the columns that only this reading has seen hold nothing that the schema rules out.
    fn require_texts(&self, morsel: &DataFrame, places: &[usize]) -> Result<(), Error> {
        for column in UNSEEN {
            let nulls = morsel.column(column)?.is_null();
            if let Some(at) = nulls.iter().position(|null| null == Some(true)) {
                let holder = self.files.partition_point(|(start, _)| *start <= places[at]).saturating_sub(1);
                let (start, path) = &self.files[holder];
                return Err(Error::Content { path: path.clone(), column, why: content::null(places[at] - start) });
            }
        }
        Ok(())
    }
}

pub(super) fn run(data: &Dataset, output: Output, phases: &mut Phases) -> Result<Vec<String>, Error> {
    let pieces = input::pieces(data)?;
    let bytes = data.bytes(Table::Events);
    let narrow: Mutex<Vec<Chunk>> = Mutex::default();
    let keep = |chunk: Chunk| {
        let frame = chunk.frame.select(NARROW)?;
        narrow.lock().unwrap_or_else(PoisonError::into_inner).push(Chunk { frame, start: chunk.start });
        Ok(())
    };
    let scanned = phases.time("scan", || Ok((scan(data, &pieces, keep)?, bytes)))?;
    let limits = phases.time("quantiles", || Ok((limits(&pieces, &scanned.sought)?, bytes)))?;
    let mut narrow = narrow.into_inner().unwrap_or_else(PoisonError::into_inner);
    narrow.sort_unstable_by_key(|chunk| chunk.start);
    let lags = phases.time("t08", || solve::<Lags>(&narrow))?;
    let hours = phases.time("t09", || solve::<Hours>(&narrow))?;
    let ranks = phases.time("t10", || solve::<Ranks>(&narrow))?;
    drop(narrow);
    let stats = scanned.finish(Dimensions::read(data)?, limits);
    let refusal: Arc<Mutex<Option<Error>>> = Arc::default();
    let columns = ResultColumns { stats, lags, hours, ranks, files: starts(data), refusal: Arc::clone(&refusal) };
    // Paths that Polars cannot take are open for as long as the plan runs.
    let mut open = Vec::new();
    let plan = plan(data, columns, output.folder(), &mut open)?;
    let buffering = not_streaming(&plan.to_dot_streaming_phys(true)?);
    phases.time("stream", || {
        let streamed = guarded(|| plan.collect_with_engine(Engine::Streaming));
        streamed.map_err(|why| blame(&refusal, &pieces, why))?;
        Ok(((), bytes))
    })?;
    phases.time("save.sync", || Ok(((), output.finish()?)))?;
    Ok(buffering)
}

/// Why a plan failed: what its node refused, or what another reading of its columns finds, or what Polars says.
fn blame(refusal: &Mutex<Option<Error>>, pieces: &[Piece], why: String) -> Error {
    if let Some(refused) = refusal.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return refused;
    }
    if !is_full(&why) {
        let names: Vec<&str> = Table::Events.columns().iter().map(|column| column.name).collect();
        let read = RAYON.install(|| pieces.par_iter().try_for_each(|piece| piece.read(&names).map(|_| ())));
        if let Err(found) = read {
            return found;
        }
    }
    Error::Engine(PolarsError::ComputeError(why.into()))
}

/// Where the rows of each file begin, and its path.
fn starts(data: &Dataset) -> Vec<(usize, PathBuf)> {
    let mut start = 0;
    let of = |file: &ParquetFile| {
        let first = start;
        start += usize::try_from(file.rows()).unwrap_or(usize::MAX);
        (first, file.path().to_owned())
    };
    data.files(Table::Events).iter().map(of).collect()
}

fn solve<K: Keyed>(chunks: &[Chunk]) -> Result<(Results<K::Out>, u64), Error> {
    let results = Results::of::<K>(chunks)?;
    let bytes = results.bytes();
    Ok((results, bytes))
}

/// Scan, node, sink.
fn plan(data: &Dataset, columns: ResultColumns, folder: &Path, open: &mut Vec<File>) -> Result<LazyFrame, Error> {
    let paths = data.files(Table::Events).iter().map(|file| path_for_polars(file.path(), open));
    let sources = ScanSources::Paths(paths.collect::<Result<_, _>>()?);
    let schema = Arc::new(output_schema());
    let node = move |morsel: DataFrame| columns.node(morsel);
    let declared = move |_: &Schema| Ok(schema.clone());
    let destination = SinkDestination::Partitioned {
        base_path: path_for_polars(folder, open)?,
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
    Ok(scan_events(sources, stored_types(data)?)?
        .with_row_index(PLACE, None)
        .map(node, OptFlags::STREAMING, Some(Arc::new(declared)), Some("ten transformations"))
        .sink(destination, FileWriteFormat::Parquet(Arc::new(parquet_options()?)), arguments_of_sink)?)
}

/// The columns of the events, whatever else each file has.
fn scan_events(sources: ScanSources, schema: Schema) -> Result<LazyFrame, Error> {
    let options = ParquetOptions { schema: Some(Arc::new(schema)), ..ParquetOptions::default() };
    let arguments = UnifiedScanArgs {
        glob: false,
        extra_columns_policy: ExtraColumnsPolicy::Ignore,
        cast_columns_policy: CastColumnsPolicy {
            datetime_convert_timezone: true,
            categorical_to_string: true,
            ..CastColumnsPolicy::ERROR_ON_MISMATCH
        },
        ..UnifiedScanArgs::default()
    };
    Ok(DslBuilder::scan_parquet(sources, options, arguments)?.build().into())
}

/// The types by which Polars reads the events: it goes by what Arrow called them where a file was written, and makes one of two
/// files only where they call text or a time by other names.
fn stored_types(data: &Dataset) -> Result<Schema, Error> {
    let mut types = Schema::default();
    for file in data.files(Table::Events) {
        let footer = guarded(|| {
            ParquetReader::new(file.reopen().map_err(|e| e.to_string())?).schema().map_err(|e| e.to_string())
        });
        let footer = footer.map_err(|why| Error::Damaged { path: file.path().to_owned(), column: None, why })?;
        for column in Table::Events.columns() {
            let Some(field) = footer.get(column.name) else { continue };
            let found = DataType::from_arrow_field(field);
            let of_others = types.get(column.name);
            let common = match (of_others, column.kind) {
                (None, Kind::Text)
                    if matches!(found, DataType::String) || found.is_categorical() || found.is_enum() =>
                {
                    found
                }
                (None, kind) if kind != Kind::Text => found,
                (Some(others), _) if *others == found => continue,
                (Some(others), Kind::Text) if is_text(others) && is_text(&found) => DataType::String,
                (Some(_), Kind::Timestamp) => dtype(Kind::Timestamp),
                (others, kind) => {
                    let expected =
                        others.map_or_else(|| kind.to_string(), |others| format!("{others} as in other files"));
                    let (path, found) = (file.path().to_owned(), found.to_string());
                    return Err(Error::WrongType { path, column: column.name, found, expected });
                }
            };
            types.insert(column.name.into(), common);
        }
    }
    Ok(types)
}

/// Whether Polars makes text of a type by itself.
fn is_text(found: &DataType) -> bool {
    *found == DataType::String || found.is_categorical()
}

/// A path as Polars takes it, which is UTF-8: another one is opened, and named by its number among the open files.
fn path_for_polars(path: &Path, open: &mut Vec<File>) -> Result<PlRefPath, Error> {
    if let Some(text) = path.to_str() {
        return Ok(PlRefPath::try_from_path(Path::new(text))?);
    }
    let file = File::open(path).map_err(|error| Error::io("cannot open", path, error))?;
    let name = format!("/proc/self/fd/{}", file.as_raw_fd());
    open.push(file);
    Ok(PlRefPath::try_from_path(Path::new(&name))?)
}

fn dtype(kind: Kind) -> DataType {
    match kind {
        Kind::Date => DataType::Date,
        Kind::Timestamp => DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)),
        other => input::physical(other),
    }
}

fn output_schema() -> Schema {
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
