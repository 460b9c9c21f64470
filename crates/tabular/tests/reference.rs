//! The reference against values worked out by hand from the table of the ten transformations.

mod support;

use support::{Event, MINUTE, MONDAY, Tiny, Value, by_name};

/// The columns of the reference for a data set, after seeing that the order of the rows in the files does not matter.
fn reference(tiny: &Tiny) -> std::collections::BTreeMap<String, Vec<Value>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let reversed: Vec<usize> = (0..tiny.events.len()).rev().collect();
    tiny.write(&folder.path().join("straight"));
    tiny.write_in_order(&folder.path().join("reversed"), &reversed, reversed.len().div_ceil(3));
    let [straight, reversed] = ["straight", "reversed"].map(|name| {
        let output = folder.path().join(format!("{name}.parquet"));
        tabular::reference::save(&folder.path().join(name), &output).expect("the reference runs");
        by_name(&output)
    });
    for (name, values) in &straight {
        check_values(name, &reversed[name], values);
    }
    straight
}

/// Compares a column with what it should hold; floats to twelve digits.
fn check(tiny: &Tiny, expect: &[(&str, Vec<Value>)]) {
    let found = reference(tiny);
    for (name, values) in expect {
        check_values(name, &found[*name], values);
    }
}

fn check_values(name: &str, found: &[Value], expect: &[Value]) {
    assert_eq!(found.len(), expect.len(), "{name}");
    for (row, pair) in found.iter().zip(expect).enumerate() {
        let equal = match pair {
            (Value::Float(a), Value::Float(b)) => (a - b).abs() <= 1e-12 * b.abs().max(1e-2),
            (a, b) => a == b,
        };
        assert!(equal, "{name}, row {row}: {:?}, {:?} expected", pair.0, pair.1);
    }
}

fn ints<const N: usize>(values: [i64; N]) -> Vec<Value> {
    values.map(Value::Int).into()
}

fn nullable<const N: usize>(values: [Option<i64>; N]) -> Vec<Value> {
    values.map(|v| v.map_or(Value::Null, Value::Int)).into()
}

fn floats<const N: usize>(values: [f64; N]) -> Vec<Value> {
    values.map(Value::Float).into()
}

fn texts<const N: usize>(values: [&str; N]) -> Vec<Value> {
    values.map(|v| Value::Text(v.to_owned())).into()
}

/// Events that differ in one thing.
fn events<T: Copy, const N: usize>(values: [T; N], set: impl Fn(&mut Event, T)) -> Tiny {
    let event = |value| {
        let mut event = Event::default();
        set(&mut event, value);
        event
    };
    Tiny::of(values.map(event).into())
}

#[test]
fn t01_imputes_clips_and_takes_logarithms() {
    let tiny = events([None, Some(-5), Some(0), Some(1), Some(1 << 20), Some(1 << 21), Some(i32::MAX)], |e, v| {
        e.i[0] = v;
        e.i[12] = v.map(|_| 9);
    });
    let ln2 = f64::from(std::f32::consts::LN_2);
    let top = f64::from(13.862_945_f32);
    let ln10 = f64::from(std::f32::consts::LN_10);
    check(
        &tiny,
        &[
            ("i1_log", floats([0.0, 0.0, 0.0, ln2, top, top, top])),
            ("i13_log", floats([0.0, ln10, ln10, ln10, ln10, ln10, ln10])),
            ("i2_log", floats([0.0; 7])),
        ],
    );
}

#[test]
fn t02_normalises_by_the_values_that_are_there() {
    let tiny = events([Some(1.0), Some(3.0), None, Some(5.0), Some(7.0)], |e, v| {
        // f2 deviates by nothing although a sum of tenths is no multiple of one; f3 has no values.
        (e.f[0], e.f[1]) = (v, Some(0.1));
        (e.f[3], e.f[4]) = (v.filter(|&v| v > 2.0 && v < 4.0), v.map(|v| -v));
    });
    let root5 = 2.236_067_977_499_79;
    let z = [-3.0 / root5, -1.0 / root5, 0.0, 1.0 / root5, 3.0 / root5];
    check(
        &tiny,
        &[
            ("f1_z", floats(z)),
            ("f1_mm", floats([0.0, 1.0 / 3.0, 0.5, 2.0 / 3.0, 1.0])),
            ("f2_z", floats([0.0; 5])),
            ("f2_mm", floats([0.0; 5])),
            ("f3_z", floats([0.0; 5])),
            ("f3_mm", floats([0.0; 5])),
            ("f4_z", floats([0.0; 5])),
            ("f4_mm", floats([0.0; 5])),
            ("f5_z", floats(z.map(|z| -z))),
            ("f5_mm", floats([1.0, 2.0 / 3.0, 0.5, 1.0 / 3.0, 0.0])),
            ("f1f5", floats(z.map(|z| -z * z))),
            ("f1f2", floats([0.0; 5])),
        ],
    );
}

#[test]
fn t03_knows_the_calendar() {
    const HOUR: i64 = 60 * MINUTE;
    let rows = [
        (MONDAY + 999_999, 1),
        (MONDAY + 5 * 24 * HOUR + 6 * HOUR, 1),
        (MONDAY + 7 * 24 * HOUR - 1, 2),
        (MONDAY + 18 * HOUR, 3),
        (-1, 1),
    ];
    let mut tiny = events(rows, |e, (ts, user)| (e.ts, e.user) = (ts, user));
    tiny.users = vec![(1, 20_148), (2, 20_160)];
    let last = 2.0 * std::f64::consts::PI / 86_400.0;
    check(
        &tiny,
        &[
            ("hour", ints([0, 6, 23, 18, 23])),
            ("dow", ints([1, 6, 7, 1, 3])),
            ("is_weekend", ints([0, 1, 1, 0, 0])),
            ("tod_sin", floats([0.0, 1.0, -last.sin(), -1.0, -last.sin()])),
            ("tod_cos", floats([1.0, 0.0, last.cos(), 0.0, last.cos()])),
            ("days_since_signup", nullable([Some(2), Some(7), Some(-4), None, Some(-20_149)])),
        ],
    );
}

#[test]
fn t04_takes_addresses_apart() {
    let rows: [(&'static str, &'static str, i64, Option<i64>, i64); 17] = [
        ("https://a.test/b?id=1", "a.test", 1, Some(1), 21),
        ("https://a.test", "a.test", 0, None, 14),
        ("https://a.test?id=007", "a.test", 0, Some(7), 21),
        ("https://a.test#id=7", "a.test", 0, None, 19),
        ("https://a.test/b/c//d/#x?id=5", "a.test", 5, Some(5), 29),
        ("https://a.test/b?sid=5", "a.test", 1, None, 22),
        ("https://a.test/b?sid=5&id=6&id=7", "a.test", 1, Some(6), 32),
        ("https://a.test/b?id=&id=8", "a.test", 1, Some(8), 25),
        ("https://a.test/b?id=x", "a.test", 1, None, 21),
        ("https://a.test/b?ID=5", "a.test", 1, None, 21),
        ("https://a.test/b?id=1234567890123456789", "a.test", 1, Some(123_456_789_012_345_678), 39),
        ("https://a.test/b?q=//c/d&id=2", "a.test", 1, Some(2), 29),
        ("https://a.test/b&id=3/c", "a.test", 2, Some(3), 23),
        ("//h", "h", 0, None, 3),
        ("https:///b", "", 1, None, 10),
        ("no address", "", 0, None, 10),
        ("https://é.test/ü?id=4", "é.test", 1, Some(4), 23),
    ];
    let tiny = events(rows.map(|r| r.0), |e, url| e.url = url);
    check(
        &tiny,
        &[
            ("url_host", texts(rows.map(|r| r.1))),
            ("url_depth", ints(rows.map(|r| r.2))),
            ("url_id", nullable(rows.map(|r| r.3))),
            ("url_len", ints(rows.map(|r| r.4))),
        ],
    );
    let agents: [(&'static str, &'static str); 7] = [
        ("Safari Chrome Firefox Edg", "edge"),
        ("Chrome Safari Firefox", "firefox"),
        ("Safari Chrome", "chrome"),
        ("Safari", "safari"),
        ("edg firefox chrome safari", "other"),
        ("HeadlessChrome", "chrome"),
        ("", "other"),
    ];
    check(&events(agents.map(|a| a.0), |e, ua| e.ua = ua), &[("ua_family", texts(agents.map(|a| a.1)))]);
}

#[test]
fn t05_orders_codes_by_count_and_then_by_bytes() {
    let values = [("b", 5), ("a", 5), ("c", 6), ("d", 4), ("Z", 5), ("é", 5)];
    let mut events: Vec<Event> = values
        .iter()
        .flat_map(|&(value, count)| vec![Event { c: [Some(value), None, None, None], ..Event::default() }; count])
        .collect();
    events.push(Event::default());
    let codes = [(6, 5), (5, 5), (3, 6), (2, 4), (4, 5), (7, 5), (1, 1)];
    let expect = codes.iter().flat_map(|&(code, count)| vec![Value::Int(code); count]).collect();
    check(
        &Tiny::of(events),
        &[("c1_code", expect), ("c2_code", vec![Value::Int(1); 31]), ("device_code", vec![Value::Int(3); 31])],
    );
}

#[test]
fn t06_crosses_codes() {
    let mut events = vec![Event { c: [Some("p"), Some("q"), None, None], country: "ZZ", ..Event::default() }; 5];
    events.push(Event { c: [None, Some("r"), None, None], country: "BB", ..Event::default() });
    // Codes: c1 3 and 1, c2 3 and 2, device 3; countries BB 0, ZZ 1.
    let column = |often: i64, last: i64| [vec![Value::Int(often); 5], vec![Value::Int(last)]].concat();
    check(
        &Tiny::of(events),
        &[
            ("x_c1_c2", column(3_030_047 - 2 * 1_048_576, 1_000_003 + 20_014 + 17)),
            ("x_c2_device", column(3_030_047 - 2 * 1_048_576, 2_000_006 + 30_021 + 17 - 1_048_576)),
            ("x_c1_country", column(3_000_009 + 10_007 + 17 - 2 * 1_048_576, 1_000_003 + 17)),
        ],
    );
}

#[test]
fn t06_reduces_by_the_prime_first() {
    // 2,200 values of c1 that are seen five times each: the last has code 2202, and 2202·1000003 is beyond the prime.
    let names: Vec<&'static str> = (0..2200).map(|n| &*format!("{n:04}").leak()).collect();
    let events =
        names.iter().flat_map(|&name| vec![Event { c: [Some(name), None, None, None], ..Event::default() }; 5]);
    let found = reference(&Tiny::of(events.collect()));
    let expect = (2202 * 1_000_003 + 10_007 + 17 - 2_147_483_647) % 1_048_576;
    assert_eq!(found["x_c1_c2"].last(), Some(&Value::Int(expect)));
}

#[test]
fn t07_leaves_out_the_fold_of_the_row() {
    let rows = [(1, Some("x")), (0, None), (0, Some("x")), (1, None), (0, None), (1, Some("x"))];
    let tiny = events(rows, |e, (label, c3)| {
        e.label = label;
        e.c = [None, Some("all"), c3, None];
    });
    // Folds 0 1 2 3 4 0. Without fold 0: one label of four; without fold 1, 2 or 4: three of five; without fold 3: two.
    let all = [(1.0 + 5.0) / 24.0, 15.0 / 25.0, 15.0 / 25.0, 10.0 / 25.0, 15.0 / 25.0, 6.0 / 24.0];
    check(
        &tiny,
        &[
            ("te_c2", floats(all)),
            ("te_c4", floats(all)),
            ("te_country", floats(all)),
            (
                "te_c3",
                floats([
                    (0.0 + 5.0) / 21.0,
                    (1.0 + 12.0) / 22.0,
                    (2.0 + 12.0) / 22.0,
                    (0.0 + 8.0) / 22.0,
                    (1.0 + 12.0) / 22.0,
                    (0.0 + 5.0) / 21.0,
                ]),
            ),
        ],
    );
    check(&events([1], |e, label| e.label = label), &[("te_c2", floats([0.0]))]);
}

#[test]
fn t08_begins_a_session_after_more_than_thirty_minutes() {
    // The row ids are not in the order of time; rows 1 and 2 are at the same moment.
    let rows = [
        (1, MONDAY + 60 * MINUTE + 1, 7),
        (1, MONDAY, 10),
        (1, MONDAY, 20),
        (1, MONDAY + 30 * MINUTE, -5),
        (2, MONDAY + 30 * MINUTE, 1000),
        (1, MONDAY + 60 * MINUTE + 2, 100),
    ];
    let tiny = events(rows, |e, (user, ts, amount)| (e.user, e.ts, e.amount) = (user, ts, amount));
    check(
        &tiny,
        &[
            ("dt_prev_us", nullable([Some(30 * MINUTE + 1), None, Some(0), Some(30 * MINUTE), None, Some(1)])),
            ("d_amount", nullable([Some(12), None, Some(10), Some(-25), None, Some(93)])),
            ("session_no", ints([2, 1, 1, 1, 1, 2])),
            ("session_amount", ints([7, 10, 30, 25, 1000, 107])),
        ],
    );
}

#[test]
fn t09_looks_at_the_previous_clock_hour() {
    let hour = |hours: i64, minutes: i64| MONDAY + (hours * 60 + minutes) * MINUTE;
    let rows = [
        (1, hour(23, 10), 100, 1),
        (1, hour(23, 59), 201, 2),
        (1, hour(24, 0), -50, 4),
        (1, hour(24, 59), 25, 8),
        (9, hour(24, 0), 1, 16),
        (1, hour(25, 0) - 1, 0, 1),
        (1, hour(25, 0), 1, 1),
        (1, hour(27, 0), 1, 1),
    ];
    let tiny = events(rows, |e, (item, ts, amount, qty)| (e.item, e.ts, e.amount, e.qty) = (item, ts, amount, qty));
    let ratio = |amount: f64| Value::Float(amount / 50.0);
    check(
        &tiny,
        &[
            ("item_prev_n", ints([0, 0, 2, 2, 0, 2, 3, 0])),
            ("item_prev_amount", ints([0, 0, 301, 301, 0, 301, -25, 0])),
            ("item_prev_qty_mean", floats([0.0, 0.0, 1.5, 1.5, 0.0, 1.5, 13.0 / 3.0, 0.0])),
            (
                "price_ratio",
                vec![
                    ratio(100.0),
                    ratio(201.0),
                    ratio(-50.0),
                    ratio(25.0),
                    Value::Null,
                    ratio(0.0),
                    ratio(1.0),
                    ratio(1.0),
                ],
            ),
        ],
    );
}

#[test]
fn t10_takes_the_lower_of_two_neighbours() {
    let tiny = events([7, 1, 10, 2, 9, 3, 8, 4, 6, 5, 0], |e, v| {
        e.f[0] = (v > 0).then(|| f64::from(v));
        e.f[1] = (v == 3).then_some(-2.5);
        e.f[2] = Some(if v > 4 { 1.0 } else { -0.0 });
    });
    check(
        &tiny,
        &[
            ("f1_dec", ints([6, 0, 9, 1, 8, 2, 7, 3, 5, 4, 255])),
            ("f2_dec", ints([255, 255, 255, 255, 255, 0, 255, 255, 255, 255, 255])),
            // Five of eleven are -0: of ⌈1.1 k⌉ − 1 = 1 2 3 4 5 6 7 8 9 the first four are among them.
            ("f3_dec", ints([4, 0, 4, 0, 4, 0, 4, 0, 4, 4, 0])),
        ],
    );
}

#[test]
fn t10_ranks_within_country_and_day() {
    let day = 24 * 60 * MINUTE;
    let rows = [
        ("AA", MONDAY, 5),
        ("AA", MONDAY + day - 1, 5),
        ("AA", MONDAY + 1, -3),
        ("AA", MONDAY + day, 1),
        ("BB", MONDAY, 9),
        ("BB", MONDAY, 8),
    ];
    let tiny = events(rows, |e, (country, ts, amount)| (e.country, e.ts, e.amount) = (country, ts, amount));
    check(&tiny, &[("amount_rank", floats([2.0 / 3.0, 1.0, 1.0 / 3.0, 1.0, 1.0, 0.5]))]);
}
