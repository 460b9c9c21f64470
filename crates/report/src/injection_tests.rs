//! Strings from the outside in every output: shown as they are, and doing nothing.

use measure::{
    DrivesBelow, Facts, Fingerprint, Labels, Measurement, NotMeasured, Outcome, Reason, Run, Sample, StoragePlace,
    Taint, Warning, metrics,
};
use serde_json::Value;

use crate::exchange::{bencher, csv, junit, markdown, ocptv, prometheus};
use crate::judged::Judged;
use crate::{BeforeAfter, Look, html, json, terminal, testdata};

const LOOKS: [Look; 2] = [Look::plain(120), Look::plain(60)];

/// Control characters of both kinds, quotes of all languages, markup, and length.
fn strings() -> Vec<String> {
    vec![
        "\u{1b}[31mred\u{7}\u{9b}2J\u{7f}\0".to_owned(),
        "\u{fffe}\u{ffff}\u{e0041}\u{85}\u{ad}\u{61c}".to_owned(),
        "two\r\nlines\tand\u{2028}more\u{202e}".to_owned(),
        "\"quoted\" 'twice' `back` \\ back\\".to_owned(),
        "<script>alert(\"1\")</script><img src=x onerror=y>&amp;]]>{{ 7 * 7 }}".to_owned(),
        "a|b,c;d=e{f}\n# HELP x\nhostproof_accepted 1".to_owned(),
        "x".repeat(10_000),
        "<b>\u{1b}\"".repeat(1_500),
    ]
}

/// A run in which every text that a host gives is this one.
fn run(evil: &str) -> Run {
    let mut run = testdata::run();
    run.host = evil.to_owned();
    run.boot_id = Some(evil.to_owned());
    run.facts = facts(evil);
    run.fingerprint = fingerprint(evil);
    let mut measured = Measurement::new(&metrics::HOST_POWER, [100.0, 101.0].map(Sample::untimed));
    measured.samples[1].taint = Some(Taint::Environment(evil.to_owned()));
    let measured = measured.label("source", evil).context("model", evil).warn([Warning::Note(evil.to_owned())]);
    let measured = measured.at(StoragePlace {
        path: evil.to_owned(),
        mount_point: evil.to_owned(),
        file_system: evil.to_owned(),
        source: evil.to_owned(),
        drives: DrivesBelow::Unknown(evil.to_owned()),
        free: None,
    });
    let missing = NotMeasured::new(&metrics::HOST_TEMPERATURE, Labels::new(), Reason::Failed(evil.to_owned()));
    run.attempts[0].outcomes.extend([Outcome::Measured(measured), Outcome::NotMeasured(missing)]);
    run.attempts[0].warnings.push(Warning::Note(evil.to_owned()));
    run
}

fn facts(evil: &str) -> Facts {
    let mut facts = testdata::facts();
    for id in ["cpu.model", "chassis.model", "storage.scratch.model", "bios.version"] {
        facts.text(id, evil, evil);
    }
    facts
}

fn fingerprint(evil: &str) -> Fingerprint {
    let parts = || [(format!("drive {evil}"), evil.to_owned())].into();
    Fingerprint { platform: parts(), config: parts(), ..Fingerprint::default() }
}

/// Every output of a judged run, with its name.
fn outputs(evil: &str) -> Vec<(&'static str, String)> {
    let (run, system, mut judgement) = (run(evil), testdata::system(), testdata::judged());
    judgement.host = evil.to_owned();
    judgement.remarks.push(evil.to_owned());
    for row in &mut judgement.rows {
        row.reason = evil.to_owned();
        row.remarks.push(evil.to_owned());
        if let Some(measured) = &mut row.measured {
            measured.context.insert("model".into(), evil.to_owned());
        }
    }
    let audit = spec::audit::audit(&system, &[]);
    let before = testdata::run();
    let change = BeforeAfter::of([&before].into_iter().collect(), [&run].into_iter().collect(), Err(evil.to_owned()));
    let judged = Judged {
        runs: std::slice::from_ref(&run),
        system: &system,
        audit: &audit,
        judgement: &judgement,
        each: &[],
        change: Some(&change),
        vendor: &[],
    };
    let mut outputs = vec![
        ("ocptv", ocptv(&judged).unwrap()),
        ("junit", junit(&judged).unwrap()),
        ("prometheus", prometheus(&judged).unwrap()),
        ("csv", csv(judged.runs).unwrap()),
        ("bencher", bencher(&judged).unwrap()),
        ("markdown", markdown(&judged).unwrap()),
        ("html", html::page(&judged).unwrap()),
        ("json", json::pretty(&json::judgement(&run, &judgement))),
        ("json, facts", json::pretty(&json::facts(&run.facts))),
        ("json, fingerprint", json::pretty(&json::fingerprint(&run.fingerprint))),
        ("json, diff", json::pretty(&json::diff(&change))),
        ("json, comparison", json::pretty(&json::comparison(&run.facts, &system))),
    ];
    let sides = [&before, &run].map(|run| terminal::JudgedRun { run, judgement: &judgement });
    let cell = || vec![Some(evil.to_owned()), None];
    for look in LOOKS {
        outputs.extend([
            ("terminal", terminal::judged_run(&run, &judgement, terminal::Extent { all: true, store: "" }, look)),
            ("terminal, show", terminal::shown_run(&run, &judgement, true, look)),
            ("terminal, diff", terminal::diff(&sides, &change, true, look)),
            ("terminal, facts", terminal::facts(&run.facts, look)),
            ("terminal, comparison", terminal::comparison(&run.facts, &system, true, look)),
            ("terminal, list", terminal::list("drives", &["name", "model"], Ok(&[cell()]), look)),
            ("terminal, missing", terminal::list("drives", &["name"], Err(evil), look)),
        ]);
    }
    outputs
}

#[test]
fn no_output_steers_a_terminal_or_a_browser() {
    for evil in strings() {
        for (format, text) in outputs(&evil) {
            let bad = text.chars().find(|c| {
                c.is_control() && *c != '\n' || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            });
            assert_eq!(bad, None, "{format}: {:?}", evil.chars().take(60).collect::<String>());
            // Behind a backslash it is a sign and no markup.
            let plain = if format == "markdown" { text.replace("\\<", "") } else { text };
            let is_markup = ["junit", "html", "markdown"].contains(&format);
            assert!(!is_markup || !(plain.contains("<script") || plain.contains("<img")), "{format}");
        }
    }
}

#[test]
fn every_output_keeps_its_form() {
    let plain = outputs("plain");
    let of = |all: &[(&str, String)], format: &str| -> String {
        all.iter().find(|(name, _)| *name == format).map(|(_, text)| text.clone()).unwrap()
    };
    for evil in strings() {
        let all = outputs(&evil);
        for (format, text) in &all {
            if format.starts_with("json") || *format == "bencher" {
                serde_json::from_str::<Value>(text).unwrap();
            }
        }
        let lines = |format: &str| (of(&all, format).lines().count(), of(&plain, format).lines().count());
        for format in ["ocptv", "prometheus", "markdown"] {
            let (found, expect) = lines(format);
            assert_eq!(found, expect, "{format}: {:?}", evil.chars().take(60).collect::<String>());
        }
        assert!(of(&all, "ocptv").lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
        quick_junit::Report::deserialize_from_str(&of(&all, "junit")).unwrap();
        let (table, like) = (of(&all, "csv"), of(&plain, "csv"));
        let rows = |text: &str| ::csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).count();
        assert_eq!(rows(&table), rows(&like));
        let cells = |text: &str| -> Vec<usize> {
            let rows = text.lines().filter(|line| line.starts_with("| "));
            rows.map(|line| line.replace("\\\\", "").replace("\\|", "").matches('|').count()).collect()
        };
        assert_eq!(cells(&of(&all, "markdown")), cells(&of(&plain, "markdown")));
        of(&all, "prometheus").lines().for_each(is_prometheus);
    }
}

/// A comment, or a name with labels whose values have only the escapes of the format, and a number.
fn is_prometheus(line: &str) {
    if line.starts_with("# HELP ") || line.starts_with("# TYPE ") {
        return;
    }
    let (series, value) = line.rsplit_once(' ').unwrap();
    value.parse::<f64>().unwrap();
    let Some((name, labels)) = series.split_once('{') else { return };
    assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{name}");
    let mut rest = labels;
    while rest != "}" {
        let (key, value) = rest.split_once("=\"").unwrap();
        assert!(key.trim_start_matches(',').bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{key}");
        let mut end = value.char_indices();
        loop {
            match end.next().unwrap() {
                (_, '\\') => assert!(matches!(end.next().unwrap().1, '\\' | '"' | 'n')),
                (at, '"') => break rest = &value[at + 1..],
                _ => {}
            }
        }
    }
}
