use super::{hosts, page};
use crate::judged::{Judged, JudgedAlone};
use crate::testdata;
use crate::{BeforeAfter, FactChange};
use measure::{Definition, Measurement, Outcome, Run, metrics};

/// The page of a run of the test data's host.
fn page_of(run: Run) -> String {
    page_with(run, None)
}

/// The same with a comparison.
fn page_with(run: Run, change: Option<&BeforeAfter>) -> String {
    let (system, judgement) = (testdata::system(), testdata::judged());
    let audit = spec::audit::audit(&system, &[]);
    let judged =
        Judged { runs: &[run], system: &system, audit: &audit, judgement: &judgement, each: &[], change, vendor: &[] };
    // The escape of a slash is as good as the slash.
    page(&judged).unwrap().replace("&#x2f;", "/")
}

/// Elements that would run something or ask something from elsewhere.
fn is_inert(html: &str) {
    for forbidden in ["<script", "<img", "<iframe", "<object", "@import", "url(", "<b>"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    for (at, _) in html.match_indices("href=") {
        let value = &html[at + 5..];
        assert!(value.starts_with("\"#") || value.starts_with("\"data:,\""), "{}", &value[..40]);
    }
    // The only addresses are the names of XML namespaces.
    for (at, _) in html.match_indices("http") {
        let here = &html[at..(at + 26).min(html.len())];
        assert!(here.starts_with("http://www.w3.org/2000/svg") || here.starts_with("http-equiv"), "{here}");
    }
}

#[test]
fn the_page_tells_verdict_figures_and_what_is_missing() {
    let html = page_with(testdata::run(), Some(&testdata::campaign()));
    is_inert(&html);
    for expect in [
        "lang=\"en\"",
        "NOT-COMPARABLE",
        "1.650 TB/s",
        "716.8 GB/s",
        "SIGILL",
        "stream.latency.sweep",
        "permission denied; to fix: run as root",
        "Before and after at a glance",
        "95 % interval over boots",
        "REGRESSION",
        "bios.version",
    ] {
        assert!(html.contains(expect), "{expect}");
    }
    assert!(html.contains("9000000000†"), "a disturbed sample is shown and marked");
    for (at, _) in html.match_indices("href=\"#how-") {
        let anchor = html[at + 7..].split('"').next().unwrap();
        assert_eq!(html.matches(&format!("id=\"{anchor}\"")).count(), 1, "{anchor}");
    }
    assert_eq!(html.matches("<svg").count(), html.matches("</title><desc").count(), "every chart is described");
    assert_eq!(html.matches("<th ").count(), html.matches(" scope=\"").count(), "every header has its scope");
}

/// What the page has between these two.
fn between<'a>(html: &'a str, start: &str, end: &str) -> &'a str {
    html.split_once(start).and_then(|(_, rest)| rest.split_once(end)).unwrap().0
}

#[test]
fn parts_have_a_table_with_a_verdict_each() {
    let system = testdata::system_of_parts();
    let (run, audit) = (testdata::run(), spec::audit::audit(&system, &[]));
    let judgement = verdict::judge(&run, &system, &audit.graded, &[]);
    let judged = Judged {
        runs: &[run],
        system: &system,
        audit: &audit,
        judgement: &judgement,
        each: &[],
        change: None,
        vendor: &[],
    };
    let html = page(&judged).unwrap().replace("&#x2f;", "/");
    is_inert(&html);
    insta::assert_snapshot!("parts", between(&html, "aria-labelledby=\"parts\">", "</section>"));
    insta::assert_snapshot!("deciding", between(&html, "id=\"why\">Why</h2>", "</section>"));
}

#[test]
fn a_document_that_demands_no_part_says_so() {
    let check = |system: &spec::System, expect: &str| {
        let (run, audit) = (testdata::run(), spec::audit::audit(system, &[]));
        let judgement = verdict::judge(&run, system, &audit.graded, &[]);
        let judged =
            Judged { runs: &[run], system, audit: &audit, judgement: &judgement, each: &[], change: None, vendor: &[] };
        let html = page(&judged).unwrap();
        let section = between(&html, "aria-labelledby=\"parts\">", "</section>");
        assert!(section.contains(expect), "{section}");
    };
    let mut system = testdata::system();
    system.facts.retain(|fact| fact.id == "cpu.model");
    check(&system, "Acceptance demands no part");
    system.facts.clear();
    system.limits.clear();
    check(&system, "The document says nothing of parts.");
}

#[test]
fn the_page_says_where_the_files_lay() {
    let html = page_of(testdata::run_with_files());
    assert!(html.contains("<dd>/data/test: nvme0n1 (xfs on /data, 1.200 TB free)</dd>"));
}

/// Series of all kinds that a chart is drawn from, with values that are no more than possible.
fn rich() -> Run {
    let mut run = testdata::run();
    let mut add = |metric: &Definition, labels: &[(&str, &str)], values: &[f64]| {
        let one = Measurement::new(metric, testdata::samples(values));
        let one = labels.iter().fold(one, |one, (key, value)| one.label(key, value));
        run.attempts[0].outcomes.push(Outcome::Measured(one));
    };
    for (percentile, seconds) in [("50", 1e-5), ("99", 5e-5), ("99.9", 2e-4), ("100", 1e-3)] {
        add(&metrics::DISK_RANDREAD_LATENCY, &[("percentile", percentile)], &[seconds]);
    }
    for (depth, rate, tail) in [("1", 1e4, 1e-4), ("8", 5e4, 3e-4)] {
        add(&metrics::DISK_RANDREAD_FRONTIER, &[("depth", depth)], &[rate]);
        add(&metrics::DISK_RANDREAD_FRONTIER_P99, &[("depth", depth)], &[tail]);
    }
    for (phase, seconds) in [("load.read", 2.0), ("load.decode", 3.0), ("t01", 4.0), ("t10", 1.0), ("save.sync", 5.0)] {
        add(&metrics::TABULAR_PHASE, &[("phase", phase)], &[seconds]);
    }
    let stream = [("workload", "stream")];
    add(&metrics::HOST_STEAL, &stream, &[0.0, 0.4, 0.1]);
    add(&metrics::HOST_CLOCK, &stream, &[3e9, 2.9e9, 3e9]);
    add(&metrics::HOST_HOTTEST, &stream, &[50.0, 60.0, 65.0]);
    add(&metrics::HOST_POWER, &[("workload", "stream"), ("source", "rapl package-0")], &[90.0, 120.0, 110.0]);
    for node in ["0", "1"] {
        add(&metrics::STREAM_MATRIX_READ, &[("from", "0"), ("to", node)], &[2e10]);
    }
    add(&metrics::DENSE_HPL_SECOND, &[], &[9e10, 8e10, 8.5e10]);
    run
}

#[test]
fn every_chart_is_drawn_from_its_series() {
    let (run, judgement) = (rich(), testdata::judged());
    let system = spec::builtin().iter().find(|system| system.id == "PY-HPC-2024.Q3").unwrap();
    let audit = spec::audit::audit(system, &[]);
    let judged =
        Judged { runs: &[run], system, audit: &audit, judgement: &judgement, each: &[], change: None, vendor: &[] };
    let html = page(&judged).unwrap().replace("&#x2f;", "/");
    is_inert(&html);
    for expect in [
        "Targets at a glance",
        "Latency by working set",
        "Read bandwidth from node to node",
        "HPL over time",
        "rate against 99th percentile",
        "Latency by percentile",
        "99.9 %",
        "Phases against the documented shares",
        "Time of each phase",
        "Taken from the workers: stream",
        "Clock: stream",
        "Temperature: stream",
        "Power: stream",
        "rapl package-0",
        "disturbed: what was measured then does not count",
    ] {
        assert!(html.contains(expect), "{expect}");
    }
    assert_eq!(html.matches("<svg").count(), html.matches("</title><desc").count(), "every chart is described");
    assert!(!html.contains("NaN"), "no chart has a hole in it");
}

#[test]
fn a_chart_that_shows_nothing_is_left_out_with_its_reason() {
    let check = |metric: &'static Definition, labels: &[(&str, &str)], tainted: bool, expect: &str| {
        let mut run = testdata::run();
        let one = Measurement::new(metric, testdata::samples(&[1e-7]));
        let mut one = labels.iter().fold(one, |one, (key, value)| one.label(key, value));
        if tainted {
            one.samples[0].taint = Some(measure::Taint::WrongNode { share: 0.5 });
        }
        run.attempts[0].outcomes.push(Outcome::Measured(one));
        let html = page_of(run);
        assert!(html.contains(expect), "{expect}: {}", between(&html, "Not drawn:", "</p>"));
    };
    let nodes = [("from", "0"), ("to", "0")];
    let one_node = "Latency from node to node (this host has one memory node)";
    check(&metrics::STREAM_MATRIX_LATENCY, &nodes, false, one_node);
    let two_nodes = [("from", "0"), ("to", "1")];
    let disturbed = "Latency from node to node (all of its samples were disturbed)";
    check(&metrics::STREAM_MATRIX_LATENCY, &two_nodes, true, disturbed);
    let one_point = "Bandwidth by threads (one figure is no curve)";
    check(&metrics::STREAM_SCALING, &[("threads", "1"), ("kernel", "read")], false, one_point);
}

#[test]
fn the_points_of_the_depth_sweep_carry_their_depth() {
    let html = page_of(rich());
    let chart = between(&html, "rate against 99th percentile</strong>", "</figure>");
    for depth in ["1", "8"] {
        assert!(chart.contains(&format!(">\n{depth}\n</text>")), "no {depth} in {chart}");
    }
}

#[test]
fn a_smoke_run_says_so_in_the_headline() {
    let check = |profile: measure::Profile, expect: bool| {
        let mut run = testdata::run();
        run.profile = profile;
        let html = page_of(run);
        let headline = between(&html, "class=\"word\">", "</h2>");
        assert_eq!(headline.contains("by the profile smoke"), expect, "{headline}");
    };
    check(measure::Profile::Smoke, true);
    check(measure::Profile::Quick, false);
}

#[test]
fn several_runs_are_a_table_first() {
    let (run, after) = (testdata::run(), testdata::run_after());
    let system = testdata::system();
    let audit = spec::audit::audit(&system, &[]);
    let alone = |run: &Run| verdict::judge(run, &system, &audit.graded, &[]);
    let each = [&run, &after].map(|run| JudgedAlone::of(&alone(run)));
    let runs = [run.clone(), after.clone()];
    let judgement = verdict::judge_boots(&after, &[&run], &system, &audit.graded, &[]);
    let judged = Judged {
        runs: &runs,
        system: &system,
        audit: &audit,
        judgement: &judgement,
        each: &each,
        change: None,
        vendor: &[],
    };
    let html = page(&judged).unwrap().replace("&#x2f;", "/");
    is_inert(&html);
    insta::assert_snapshot!("runs", between(&html, "id=\"key\">", "</table>"));
    assert!(html.find("class=\"matrix") < html.find("class=\"verdict"), "the table is first");
}

#[test]
fn text_from_the_host_is_inert() {
    let evil = "\"><script>alert(1)</script><img src=x onerror=y>{{ 7 * 7 }}\u{202e}\u{1b}[2J";
    let mut run = testdata::run();
    run.id = evil.into();
    run.host = evil.into();
    run.facts.text("cpu.model", evil, evil);
    run.fingerprint.platform_id = evil.into();
    run.fingerprint.platform.insert(evil.into(), evil.into());
    run.build.revision = evil.into();
    let measured = Measurement::new(&metrics::STREAM_LATENCY_SWEEP, testdata::samples(&[1e-9]));
    let sweep = measured.label("size", 65536).label("page", evil).context(evil, evil);
    let matrix = Measurement::new(&metrics::STREAM_MATRIX_LATENCY, testdata::samples(&[1e-7]));
    let matrix = matrix.label("from", evil).label("to", 1);
    run.attempts[0].outcomes.extend([sweep, matrix].map(Outcome::Measured));
    let mut judgement = testdata::judged();
    for row in &mut judgement.rows {
        row.title = evil.into();
        row.reason = evil.into();
    }
    let system = testdata::system();
    let audit = spec::audit::audit(&system, &[]);
    let mut change = testdata::change();
    (change.before[0], change.overall) = (evil.into(), Err(evil.into()));
    change.facts.push(FactChange { id: evil.into(), before: evil.into(), after: evil.into() });
    change.lines[0].id.name = evil.into();
    let judged = Judged {
        runs: &[run],
        system: &system,
        audit: &audit,
        judgement: &judgement,
        each: &[],
        change: Some(&change),
        vendor: &[],
    };
    for html in [page(&judged).unwrap(), hosts(&[judged, judged]).unwrap()] {
        is_inert(&html);
        assert!(html.contains("{{ 7 * 7 }}"), "templates in values are not run");
        assert!(!html.contains(['\u{202e}', '\u{1b}']), "nothing turns the text");
        assert!(html.contains("&lt;script&gt;"));
    }
}

#[test]
fn many_runs_are_one_page() {
    let runs: Vec<Run> = (0..200)
        .map(|number| {
            let mut run = testdata::run();
            run.id = format!("run-{number:03}");
            run
        })
        .collect();
    let (system, judgement) = (testdata::system(), testdata::judged());
    let audit = spec::audit::audit(&system, &[]);
    let judged = Judged {
        runs: &runs,
        system: &system,
        audit: &audit,
        judgement: &judgement,
        each: &[],
        change: None,
        vendor: &[],
    };
    let html = page(&judged).unwrap();
    assert!(html.contains("run-000") && html.contains("run-199"), "every run is named");
    assert!(html.contains("figures of the 192 earlier runs"), "what is left out is told");
    assert!(html.len() < 1_500_000, "{} bytes", html.len());
}

#[test]
fn many_hosts_are_one_page() {
    let (run, system, judgement) = (testdata::run(), testdata::system(), testdata::judged());
    let audit = spec::audit::audit(&system, &[]);
    let judged = Judged {
        runs: &[run],
        system: &system,
        audit: &audit,
        judgement: &judgement,
        each: &[],
        change: None,
        vendor: &[],
    };
    let html = hosts(&vec![judged; 400]).unwrap();
    assert_eq!(between(&html, "<table class=\"matrix", "</table>").matches("<th scope=\"row\">").count(), 400);
    assert_eq!(html.matches("<article").count(), 24, "the first ones are shown in full");
    assert!(html.contains("Below are the first 24 hosts"));
    assert!(html.len() < 1_500_000, "{} bytes", html.len());
}

#[test]
fn a_large_record_is_a_small_page() {
    let mut run = testdata::run();
    for size in 10..60_u32 {
        for page in ["huge", "4KiB"] {
            let values = (0..20).map(|n| 1e-9 * f64::from(size) + 1.234_567_891_234e-12 * f64::from(n));
            let samples = testdata::samples(&values.collect::<Vec<_>>());
            let one = Measurement::new(&metrics::STREAM_LATENCY_SWEEP, samples);
            run.attempts[0].outcomes.push(Outcome::Measured(one.label("size", 1024 * size).label("page", page)));
        }
    }
    let html = page_with(run, Some(&testdata::campaign()));
    assert!(html.len() < 1_500_000, "{} bytes", html.len());
}
