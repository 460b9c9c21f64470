//! What the schema rules out, and what would leave a type, is refused by every mode and by the reference in the same words:
//! file, column, row.

#[path = "support/modes.rs"]
mod modes;
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use modes::{outcomes, refused, taken};
use support::{Event, MINUTE, MONDAY, Tiny, Value, by_name, read_parquet, with_values, write_batch};
use tabular::generate::{Config, generate};
use tabular::schema::Table;

/// A small data set of several files, without a manifest, as input of others is.
fn data(folder: &Path) -> PathBuf {
    let config = Config { rows: 900, row_group_rows: 25, ..Config::smoke(folder.join("in")) };
    generate(&config, &|_| ()).expect("the input is generated");
    fs::remove_file(config.out.join("manifest.json")).expect("the manifest is there");
    config.out
}

/// Changes one value of a file of a table, and sees what is said.
fn check_change(input: &Path, table: Table, file: &str, column: &str, row: usize, value: Value, why: &str) {
    let path = input.join(table.name()).join(file);
    let whole = fs::read(&path).expect("the file is there");
    write_batch(&path, &with_values(&read_parquet(&path), column, |values| values[row] = value));
    refused(input, &format!("IN/{}/{file}: column `{column}`: {why}", table.name()));
    fs::write(&path, whole).expect("the file can be written");
}

#[test]
fn what_the_schema_rules_out_is_refused_by_file_column_and_row() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let input = data(folder.path());
    let events = |file: &str, column: &str, row: usize, value: Value, why: &str| {
        check_change(&input, Table::Events, file, column, row, value, why);
    };
    for column in
        ["row_id", "ts", "user_id", "item_id", "amount_cents", "qty", "country", "device", "url", "ua", "label"]
    {
        events("part-00001.parquet", column, 3, Value::Null, "row 3 is null, and none may be");
    }
    for (column, value, shown) in
        [("f1", f64::NAN, "NaN"), ("f6", f64::INFINITY, "inf"), ("f4", f64::NEG_INFINITY, "-inf")]
    {
        let why = format!("row 7 has {shown}; an unknown number must be null");
        events("part-00000.parquet", column, 7, Value::Float(value), &why);
    }
    events("part-00002.parquet", "label", 5, Value::Int(2), "row 5 has 2; only numbers from 0 to 1 can be");
    events("part-00000.parquet", "row_id", 9, Value::Int(-1), "row 9 has -1; the ids of 900 rows are 0 to 899");
    events("part-00002.parquet", "row_id", 9, Value::Int(900), "row 9 has 900; the ids of 900 rows are 0 to 899");
    events("part-00002.parquet", "row_id", 9, Value::Int(0), "row 9 has 0, which another row has too");
    let part = "part-00000.parquet";
    let users = read_parquet(&input.join("users").join(part));
    let first = match support::values(users.column(0))[0] {
        Value::Int(id) => id,
        ref other => panic!("{other:?}"),
    };
    let twice = format!("row 2 has {first}, which another row has too");
    check_change(&input, Table::Users, part, "user_id", 2, Value::Int(first), &twice);
    for column in ["user_id", "signup"] {
        check_change(&input, Table::Users, part, column, 1, Value::Null, "row 1 is null, and none may be");
    }
    for price in [0, -5] {
        let why = format!("row 4 has {price}; the least that can be is 1");
        check_change(&input, Table::Items, part, "price_cents", 4, Value::Int(price), &why);
    }
    taken(&input);
}

/// The columns of a data set by each mode and the reference, which are one; or what all of them say.
fn result(tiny: &Tiny) -> Result<std::collections::BTreeMap<String, Vec<Value>>, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let input = folder.path().join("in");
    tiny.write(&input);
    let outcomes = outcomes(&input);
    assert!(outcomes.windows(2).all(|pair| pair[0].1 == pair[1].1), "{outcomes:?}");
    outcomes[0].1.clone()?;
    let output = folder.path().join("out.parquet");
    tabular::reference::save(&input, &output).expect("the reference runs");
    Ok(by_name(&output))
}

/// Two events of a user and an item, and what comes of a column in the second.
fn check_second(change: impl Fn(&mut Event, &mut Event), column: &str, expect: Result<Value, &str>) {
    let mut events = [Event::default(), Event::default()];
    let [first, second] = &mut events;
    change(first, second);
    let found = result(&Tiny::of(events.into())).map(|columns| columns[column][1].clone());
    assert_eq!(found, expect.map_err(str::to_owned), "{column}");
}

#[test]
fn whole_numbers_that_leave_their_type_are_refused_by_column_and_row() {
    let amounts = |first: i64, second: i64| move |a: &mut Event, b: &mut Event| (a.amount, b.amount) = (first, second);
    check_second(amounts(0, i64::MIN), "d_amount", Ok(Value::Int(i64::MIN)));
    let text = "column `d_amount` of the result: what row_id 1 would have does not fit int64";
    check_second(amounts(1, i64::MIN), "d_amount", Err(text));
    let text = "column `session_amount` of the result: what row_id 1 would have does not fit int64";
    check_second(amounts(1, i64::MAX), "session_amount", Err(text));
    check_second(
        |a, b| (a.ts, b.ts) = (-2, i64::MAX),
        "dt_prev_us",
        Err("column `dt_prev_us` of the result: what row_id 1 would have does not fit int64"),
    );
    let hours = |amount: i64| {
        move |a: &mut Event, b: &mut Event| {
            (a.amount, b.user, b.ts) = (amount, 2, MONDAY + 60 * MINUTE);
        }
    };
    check_second(hours(i64::MIN), "item_prev_amount", Ok(Value::Int(i64::MIN)));
    let mut events = vec![Event { user: 1, amount: i64::MAX, ..Event::default() }];
    events.push(Event { user: 2, amount: 1, ..Event::default() });
    events.push(Event { user: 3, ts: MONDAY + 60 * MINUTE, ..Event::default() });
    let text = "column `item_prev_amount` of the result: what row_id 2 would have does not fit int64";
    assert_eq!(result(&Tiny::of(events)), Err(text.to_owned()));
}

#[test]
fn days_since_a_signup_fit_32_bits_or_are_refused() {
    let check = |signup: i32, expect: Result<i64, &str>| {
        let mut tiny = Tiny::of(vec![Event::default(); 2]);
        tiny.users = vec![(1, signup)];
        let found = result(&tiny).map(|columns| columns["days_since_signup"][1].clone());
        assert_eq!(found, expect.map(Value::Int).map_err(str::to_owned), "{signup}");
    };
    let monday = MONDAY / 86_400_000_000;
    check(i32::MAX, Ok(monday - i64::from(i32::MAX)));
    check(i32::MIN + 20_151, Ok(monday - i64::from(i32::MIN) - 20_151));
    let text = "column `days_since_signup` of the result: what row_id 0 would have does not fit int32";
    check(i32::MIN, Err(text));
}

#[test]
fn the_depth_of_an_address_saturates() {
    let url: &'static str = format!("https://a.test{}", "/".repeat(40_000)).leak();
    check_second(|_, b| b.url = url, "url_depth", Ok(Value::Int(32_767)));
}

#[test]
fn a_fold_without_others_has_mean_0() {
    let found = result(&Tiny::of(vec![Event { label: 1, ..Event::default() }])).expect("it is taken");
    for column in ["te_c2", "te_c3", "te_c4", "te_country"] {
        assert_eq!(found[column], [Value::Float(0.0)], "{column}");
    }
}

#[test]
fn values_whose_sums_leave_doubles_are_refused() {
    let check = |values: [f64; 2], refused: bool| {
        let events = values.map(|value| {
            let mut event = Event::default();
            event.f[2] = Some(value);
            event
        });
        let text = "column `f3` of the events: the sums of its values leave what a double holds";
        assert_eq!(result(&Tiny::of(events.into())).err(), refused.then(|| text.to_owned()), "{values:?}");
    };
    check([1e308, -1e308], true);
    check([1e155, -1e155], true);
    check([1e153, -1e153], false);
    check([f64::MAX, f64::MAX], false);
}

#[test]
fn a_mean_that_is_large_beside_the_deviation_keeps_its_digits_in_every_mode() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let input = folder.path().join("in");
    let event = |row: u32| {
        let mut event = Event { user: (row % 7).cast_signed(), ..Event::default() };
        // Spread like times of an hour, and like the last digits of a double.
        event.f[0] = Some(1.7e9 + f64::from(row.wrapping_mul(2_654_435_761) % 3_600_000) / 1e3);
        event.f[1] = Some(9e15 - f64::from(row % 5));
        event.f[2] = (!row.is_multiple_of(3)).then(|| -4e12 + f64::from(row % 11) / 512.0);
        event
    };
    let tiny = Tiny::of((0..3_000).map(event).collect());
    let order: Vec<usize> = (0..3_000).collect();
    tiny.write_in_order(&input, &order, 700);
    taken(&input);
}
