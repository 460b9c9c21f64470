use super::page;
use crate::judged::Judged;
use crate::testdata;
use measure::{Measurement, Metric, Outcome, Run, Unit};

fn render(run: Run) -> String {
    let (system, judgement) = (testdata::system(), testdata::judged());
    let audit = spec::audit::audit(&system, &[]);
    let html = page(&Judged { runs: &[run], system: &system, audit: &audit, judgement: &judgement }).unwrap();
    // The escape of a slash is as good as the slash.
    html.replace("&#x2f;", "/")
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
    let html = render(testdata::run());
    is_inert(&html);
    for expect in [
        "lang=\"en\"",
        "NOT-COMPARABLE",
        "1.650 TB/s",
        "716.8 GB/s",
        "SIGILL",
        "stream.latency.sweep",
        "not allowed: run as root",
    ] {
        assert!(html.contains(expect), "{expect}");
    }
    assert!(html.contains("9000000000†"), "a disturbed sample is shown and marked");
    assert_eq!(html.matches("<svg").count(), html.matches("</title><desc").count(), "every chart is described");
    assert_eq!(html.matches("<th ").count(), html.matches(" scope=\"").count(), "every header has its scope");
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
    let measured = Measurement::new(Metric::lower("stream.latency.sweep", Unit::Second), [1e-9]);
    let sweep = measured.label("size", 65536).label("page", evil).context(evil, evil);
    let matrix = Measurement::new(Metric::lower("stream.matrix.latency", Unit::Second), [1e-7]);
    let matrix = matrix.label("from", evil).label("to", 1);
    run.attempts[0].outcomes.extend([sweep, matrix].map(Outcome::Measured));
    let mut judgement = testdata::judged();
    for row in &mut judgement.rows {
        row.title = evil.into();
        row.reason = evil.into();
    }
    let system = testdata::system();
    let audit = spec::audit::audit(&system, &[]);
    let html = page(&Judged { runs: &[run], system: &system, audit: &audit, judgement: &judgement }).unwrap();
    is_inert(&html);
    assert!(html.contains("{{ 7 * 7 }}"), "templates in values are not run");
    assert!(!html.contains(['\u{202e}', '\u{1b}']), "nothing turns the text");
    assert!(html.contains("&lt;script&gt;"));
}

#[test]
fn a_large_record_is_a_small_page() {
    let mut run = testdata::run();
    for size in 10..60_u32 {
        for page in ["huge", "4KiB"] {
            let values = (0..20).map(|n| 1e-9 * f64::from(size) + 1.234_567_891_234e-12 * f64::from(n));
            let one = Measurement::new(Metric::lower("stream.latency.sweep", Unit::Second), values);
            run.attempts[0].outcomes.push(Outcome::Measured(one.label("size", 1024 * size).label("page", page)));
        }
    }
    let html = render(run);
    assert!(html.len() < 1_500_000, "{} bytes", html.len());
}
