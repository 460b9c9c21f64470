//! t10 `quantile_rank`.

use super::source::Source;
use crate::cells::Cells;
use crate::error::Error;
use crate::schema::DAY_US;

/// The decile of a null.
const NULL: i64 = 255;

pub(super) fn quantile_rank(source: &Source) -> Result<Vec<Cells>, Error> {
    let mut columns =
        ["f1", "f2", "f3"].into_iter().map(|name| deciles(source, name)).collect::<Result<Vec<_>, _>>()?;
    columns.push(amount_rank(source)?);
    Ok(columns)
}

fn deciles(source: &Source, name: &'static str) -> Result<Cells, Error> {
    let mut sorted: Vec<f64> = source.whole().floats(name)?.into_iter().flatten().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    // ⌈q·m⌉ − 1 for q = 0.1 … 0.9 in whole numbers: 0.7·10 is more than 7 in floating point.
    let quantiles: Vec<f64> =
        (1..=9).filter_map(|tenth| sorted.get((tenth * sorted.len()).div_ceil(10).wrapping_sub(1)).copied()).collect();
    let decile = |value: f64| quantiles.iter().map(|&quantile| i64::from(quantile < value)).sum();
    Ok(Cells::Int(source.floats(name)?.into_iter().map(|v| Some(v.map_or(NULL, decile))).collect()))
}

fn amount_rank(source: &Source) -> Result<Cells, Error> {
    let mut rows: Vec<(String, i64, i64, i64, usize)> = Vec::with_capacity(source.rows());
    source.each(&["country", "ts", "amount_cents", "row_id"], |cells, at| {
        let number = |column: usize| cells[column].int(at).unwrap_or(0);
        let country = cells[0].text(at).unwrap_or("").to_owned();
        rows.push((country, number(1).div_euclid(DAY_US), number(2), number(3), rows.len()));
    })?;
    rows.sort_unstable();
    let mut ranks = vec![None; rows.len()];
    for group in rows.chunk_by(|a, b| (&a.0, a.1) == (&b.0, b.1)) {
        for (before, row) in group.iter().enumerate() {
            ranks[row.4] = Some((before + 1) as f64 / group.len() as f64);
        }
    }
    Ok(Cells::F64(ranks))
}
