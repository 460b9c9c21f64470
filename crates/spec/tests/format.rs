//! The format: built-in files, errors with their place, round trip, schema.

use measure::{FactValue, Quantity, Unit};
use spec::{Bound, Standing, find, parse};

/// Every field once, consistent.
const SMALL: &str = include_str!("data/small.toml");

#[test]
fn built_in_files_hold_every_system_of_the_documents() {
    let ids: Vec<&str> = spec::builtin().iter().map(|system| system.id.as_str()).collect();
    assert_eq!(ids[..3], ["PY-HPC-2024.Q3", "LAT-OPT-2024", "GPU-MAX-2024"]);
    let family = |name: &str| {
        let rows: Vec<_> = spec::builtin().iter().filter(|system| system.family.as_deref() == Some(name)).collect();
        (rows.len(), rows.iter().filter(|system| !system.targets.is_empty()).count())
    };
    assert_eq!(family("hosted-intel"), (8, 3));
    assert_eq!(family("hosted-amd"), (10, 9));
    assert_eq!(ids.len(), 3 + 18);
    let last = spec::builtin().last().unwrap();
    assert_eq!((last.name.as_str(), last.targets.len()), ("EPYC 9454P Server", 0));
}

#[test]
fn ids_are_unique_over_the_built_in_files() {
    let mut ids: Vec<&str> = spec::builtin().iter().map(|system| system.id.as_str()).collect();
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn the_documented_figures_are_there() {
    let system = find("py-hpc-2024.q3").unwrap();
    let check = |id: &str, value: f64, unit: Unit, tolerance: f64| {
        let target = system.target(id).unwrap_or_else(|| panic!("no target {id}"));
        assert_eq!((target.value, target.tolerance), (Quantity::new(value, unit), tolerance), "{id}");
        assert!(target.open.iter().any(|words| words.contains("tolerance not stated")), "{id}");
    };
    check("memory.peak_read", 1.8e12, Unit::BytePerSecond, 0.05);
    check("memory.stream", 1.65e12, Unit::BytePerSecond, 0.05);
    check("memory.latency", 75e-9, Unit::Second, 0.05);
    check("compute.peak", 14.5e12, Unit::FlopPerSecond, 0.05);
    check("compute.hpl", 11.2e12, Unit::FlopPerSecond, 0.05);
    check("disk.seqread", 45e9, Unit::BytePerSecond, 0.05);
    check("disk.seqread.p99", 150e-6, Unit::Second, 0.05);
    check("disk.seqwrite", 38e9, Unit::BytePerSecond, 0.05);
    check("disk.seqwrite.p99", 180e-6, Unit::Second, 0.05);
    check("disk.randread", 1.8e6, Unit::IoPerSecond, 0.05);
    check("disk.randread.p99", 35e-6, Unit::Second, 0.05);
    check("tabular.time", 1125.0, Unit::Second, 0.05);
    check("tabular.time.polars", 1125.0, Unit::Second, 0.05);
    check("tabular.dask", 0.8, Unit::Ratio, 0.05);
    check("host.power.idle", 450.0, Unit::Watt, 0.05);
    check("host.power.peak", 3800.0, Unit::Watt, 0.05);
    let heat = system.target("host.temperature").unwrap();
    assert_eq!((heat.value, heat.tolerance), (Quantity::new(90.0, Unit::Celsius), 0.0));
    assert_eq!(system.targets.len(), 26);
    assert_eq!(system.number("memory.capacity"), Some(2.0 * 1024.0_f64.powi(4)));
    assert_eq!(system.number("memory.channels_per_socket"), Some(12.0));
    let model = system.stated("cpu.model").next().unwrap();
    assert!(matches!(&model.standing, Standing::Placeholder(place) if place.contains("Example Placeholder")));
    assert!(system.stated("memory.dimms").all(|fact| matches!(fact.standing, Standing::Contradicted(_))));
    assert!(system.limits.iter().any(|limit| limit.fact == "os.shm" && matches!(limit.bound, Bound::Open(_))));
    assert!(system.targets.iter().any(|target| target.depends_on.iter().any(|fact| fact == "cpu.amx")));
}

#[test]
fn a_source_is_the_text_that_was_read() {
    for system in spec::builtin() {
        let source = spec::source(&system.id).unwrap();
        assert!(parse(source.text, source.file).unwrap().contains(system), "{}", system.id);
    }
    assert_eq!(spec::source("nobody"), None);
}

#[test]
fn what_is_written_reads_back_the_same() {
    let check = |systems: &[spec::System]| {
        let text = spec::to_toml(systems);
        assert_eq!(parse(&text, "written").unwrap_or_else(|error| panic!("{error}\n{text}")), systems);
    };
    check(spec::builtin());
    check(&parse(SMALL, "small.toml").unwrap());
}

#[test]
fn the_schema_accepts_the_built_in_files_and_refuses_what_the_reader_refuses() {
    let schema = spec::schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let value = |text: &str| toml::from_str::<serde_json::Value>(text).unwrap();
    for source in spec::SOURCES {
        let value = value(source.text);
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert_eq!(errors, Vec::<String>::new(), "{}", source.file);
    }
    assert!(validator.is_valid(&value(SMALL)));
    let refuses = |from: &str, to: &str| {
        assert!(SMALL.contains(from), "{from}");
        let text = SMALL.replacen(from, to, 1);
        assert!(!validator.is_valid(&value(&text)), "{to}");
        assert!(parse(&text, "small.toml").is_err(), "{to}");
    };
    refuses("better = \"higher\"", "better = \"faster\"");
    refuses("required = true", "demanded = true");
    refuses("at = \"§1\"", "");
    refuses("id = \"SMALL\"", "id = 7");
    refuses("value = \"90 GB/s\"", "value = [90]");
}

/// Replaces a piece of the small file, and sees that the error names the place and what would be right.
fn check(from: &str, to: &str, field: &str, problem: &str, expected: &str) {
    assert!(SMALL.contains(from), "{from}");
    let text = SMALL.replacen(from, to, 1);
    let error = parse(&text, "small.toml").expect_err(to);
    let line = SMALL[..SMALL.find(from).unwrap()].matches('\n').count() + 1;
    let lines = line..=line + to.matches('\n').count();
    assert!(lines.contains(&error.line), "{to}: line {}, not {lines:?}: {error}", error.line);
    assert_eq!((error.field.as_str(), error.file.as_str()), (field, "small.toml"), "{error}");
    assert!(error.problem.contains(problem), "{to}: {}", error.problem);
    assert!(error.expected.contains(expected), "{to}: {}", error.expected);
    assert!(error.to_string().starts_with(&format!("small.toml:{}:{}: ", error.line, error.column)));
}

#[test]
fn an_error_names_line_column_field_and_what_was_expected() {
    // what TOML or a wire type refuses
    check("required = true", "required == true", "file", "", "");
    check("required = true", "required = 1", "system.target.required", "invalid type", "a boolean");
    check("required = true", "demanded = true", "system.target.demanded", "unknown field `demanded`", "`required`");
    check("family = \"small\"", "familie = \"small\"", "system.familie", "unknown field `familie`", "`family`");
    check("better = \"higher\"", "better = \"faster\"", "system.target.better", "unknown variant `faster`", "`higher`");
    check("value = \"90 GB/s\"", "value = [90]", "system.target.value", "invalid type", "a quantity");
    // what points to nothing or stands twice
    check("id = \"memory.latency\"", "id = \"memory.stream\"", "system.target.id", "used twice", "once");
    check("id = \"memory.latency\"", "id = \" \"", "system.target.id", "empty", "a name");
    check("id = \"cpu.sockets\"", "id = \"cpu.socket\"", "system.fact.id", "`cpu.socket` is not a fact", "cpu.sockets");
    check("id = \"cpu.model\"", "id = \"cpu.sockets\"", "system.fact.id", "stated twice", "once");
    let depends = "depends_on = [\"cpu.sockets\"]";
    check(depends, "depends_on = [\"cpu.arch\"]", "system.target.depends_on", "not stated", "[[system.fact]]");
    check(depends, "depends_on = [\"cpu\"]", "system.target.depends_on", "not a fact", "vocabulary");
    check(
        "companion_of = \"memory.stream\"",
        "companion_of = \"x\"",
        "system.target.companion_of",
        "`x`",
        "memory.stream",
    );
    check("target = \"memory.stream\"", "target = \"x\"", "system.baseline.target", "`x`", "memory.stream");
    let triad = "metric = \"stream.triad\"";
    let field = "system.target.metric";
    check(triad, "metric = \"triad\"", field, "`triad` is not a metric", "the nearest is `stream.triad`");
    check(triad, "metric = \"stream.traid\"", field, "`stream.traid` is not a metric", "`stream.triad`");
    check(triad, "metric = \"stream.laetncy\"", field, "not a metric", "`stream.latency`");
    check(triad, "metric = \"\"", field, "`` is not a metric", "a metric of the catalogue");
    check("scope = \"all\"", "core = \"0\"", "system.target.series", "`core`, which is no label", "isa, scope");
    check(", scope = \"all\"", "", "system.target.series", "a series without `scope`", "all of isa, scope");
    check("saturates = \"gpu links\"", "saturates = \"us\"", "system.claim.saturates", "`us`", "`gpu links`");
    let claim = "target = \"memory.stream\"\nsaturates = \"gpu links\"";
    check(claim, "target = \"memory.stream\"", "system.claim", "not exactly one claim", "ratio and saturates");
    check(claim, &format!("{claim}\nratio = 2"), "system.claim", "not exactly one claim", "ratio and saturates");
    check("reason = \"a word without a figure\"", "reason = \" \"", "system.prose.reason", "without a reason", "why");
}

#[test]
fn what_can_never_be_judged_is_refused() {
    // what the catalogue says of a metric
    let bound = "bound = \"80 GB/s\", better = \"higher\"";
    let constraint = |field: &str| format!("system.target.constraint.{field}");
    check(
        "metric = \"stream.triad\", bound",
        "metric = \"stream.traid\", bound",
        &constraint("metric"),
        "not a metric",
        "`stream.triad`",
    );
    check(
        "value = \"90 GB/s\"",
        "value = \"90 ns\"",
        "system.target.value",
        "in s",
        "in B/s, the unit of `stream.triad`",
    );
    check(bound, "bound = \"80 W\", better = \"higher\"", &constraint("bound"), "in W", "in B/s, the unit of");
    check(
        "better = \"higher\"",
        "better = \"lower\"",
        "system.target.better",
        "`lower`",
        "`higher`, which is better for `stream.triad`",
    );
    check(bound, "bound = \"80 GB/s\", better = \"lower\"", &constraint("better"), "`lower`", "`higher`, which");
    check("value = \"90 GB/s\"", "value = 90", "system.target.value", "without a unit", "in B/s, the unit of");
    check("value = \"90 GB/s\"", "value = \"1 s\"", "system.target.value", "in s", "in B/s, the unit of");
    // what acceptance demands
    check(
        "placeholder = \"§1\"",
        "placeholder = \"§1\"\nrequired = true",
        "system.fact.required",
        "stand by",
        "neither",
    );
    check(
        "fact = \"os.shm\"",
        "fact = \"os.shm\"\nrequired = true",
        "system.limit.required",
        "beside `open`",
        "a figure",
    );
    check(
        "value = true",
        "value = true\nadmits = [\"x\"]",
        "system.fact.admits",
        "`cpu.avx512`",
        "a fact that is a text",
    );
    check(
        "admits = [\"A model 1\", \"A model 2\"]",
        "admits = []",
        "system.fact.admits",
        "`cpu.model`",
        "one name or more",
    );
}

#[test]
fn a_value_has_the_shape_and_the_unit_of_its_field() {
    check("value = 2\n", "value = \"2 GB\"\n", "system.fact.value", "a quantity in B", "a quantity in count");
    check("value = 2\n", "value = -2\n", "system.fact.value", "-2", "not negative");
    check("value = 2\n", "value = nan\n", "system.fact.value", "NaN", "finite");
    check("value = 2\n", "value = true\n", "system.fact.value", "`true`", "a quantity in count");
    check("value = true", "value = \"yes\"", "system.fact.value", "the text `yes`", "true or false");
    check("value = \"A model\"", "value = 7", "system.fact.value", "the number 7", "a text");
    check("value = \"90 GB/s\"", "value = \"90 GB/h\"", "system.target.value", "is not a unit", "1.65 TB/s");
    check("value = \"90 GB/s\"", "value = \"1e999 GB/s\"", "system.target.value", "inf", "finite");
    check("tolerance = \"3 %\"", "tolerance = \"300 %\"", "system.target.tolerance", "the share 3", "0 to 1");
    check("read = \"25 %\"", "load = \"25 %\"", "system.target.shares", "`load`", "read, save");
    check("value = \"10 GB/s\"", "value = \"10 ns\"", "system.baseline.value", "a quantity in s", "in B/s");
    check("at_most = \"90 °C\"", "at_most = \"90 W\"", "system.limit.at_most", "in W", "in °C");
    check("at_most = \"90 °C\"", "one_of = [\"90\"]", "system.limit.one_of", "thermal.limit", "a text");
    check(
        "contradicted = \"§2\"",
        "contradicted = \"§2\"\nplaceholder = \"§3\"",
        "system.fact.contradicted",
        "beside",
        "one",
    );
}

#[test]
fn a_missing_field_and_an_empty_file_are_named() {
    let check = |text: &str, field: &str, expected: &str| {
        let error = parse(text, "x.toml").unwrap_err();
        assert!(error.field.contains(field) && error.expected.contains(expected), "{error}");
    };
    check("", "file", "the field `system`");
    check("system = []", "system", "at least one");
    check("[[system]]\nid = \"A\"\nname = \"a\"\n", "system", "the field `document`");
    let limit = "[[system]]\nid = \"A\"\nname = \"a\"\ndocument = \"d\"\n[[system.limit]]\nfact = \"os.shm\"\nat = \"\"\nsays = \"\"\n";
    check(limit, "system.limit", "one of at_most");
}

#[test]
fn numbers_may_be_counts_texts_or_flags() {
    let system = &parse(SMALL, "small.toml").unwrap()[0];
    let value = |id: &str| system.stated(id).next().unwrap().value.clone();
    assert_eq!(value("cpu.sockets"), FactValue::Quantity(Quantity::new(2.0, Unit::Count)));
    assert_eq!(value("cpu.model"), FactValue::Text("A model".into()));
    assert_eq!(value("cpu.avx512"), FactValue::Flag(true));
    assert_eq!(value("memory.data_rate"), FactValue::Quantity(Quantity::new(4.8e9, Unit::TransferPerSecond)));
}
