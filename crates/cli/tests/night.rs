//! A night of a soak that nobody ran: its hours are judged, sealed and drawn as what was planted in them says.

#[path = "browser/chromium.rs"]
mod chromium;
#[allow(dead_code, reason = "other test programs use the rest of it")]
mod simulate;
#[allow(dead_code, reason = "other test programs use the rest of it")]
mod support;

use std::fs;
use std::path::Path;

use chromium::Chromium;
use jiff::Timestamp;
use measure::random::SplitMix64;
use measure::{Incident, Load, LoadSum, Outcome, Run, SoakPlan, Stretch, Vital, Watched};
use record::{Soak, SoakEntry, Store};
use serde_json::{Value, json};
use simulate::Host;
use support::{output, said};

const HOURS: u32 = 12;
/// The host was booted in between, after it had been stopped in order.
const BOOTED_AFTER: u32 = 5;
/// The run that takes figures lasts so many seconds before each hour.
const FIGURES: f64 = 300.0;
/// From this minute on a fan stands, for so many minutes.
const FAN: (u32, u32) = (447, 42);

/// What broke: the minute, the part, what was read of it, the value, the limit, and the words.
const BROKEN: [(u32, &str, Vital, f64, f64, &str); 4] = [
    (FAN.0, "FAN3", Vital::Fan, 0.0, 1200.0, "FAN3: turns a minute 0, at least 1200"),
    (
        456,
        "coretemp.1 Package id 1",
        Vital::Temperature,
        91.0,
        90.0,
        "coretemp.1 Package id 1: temperature 91 °C, at most 90 °C",
    ),
    (458, "package 1", Vital::Throttles, 14.0, 0.0, "package 1: times throttled grew by 14"),
    (611, "P1-DIMM-C1", Vital::CorrectedErrors, 3.0, 0.0, "P1-DIMM-C1: corrected memory errors grew by 3"),
];

fn started() -> f64 {
    "2026-07-01T20:00:00Z".parse::<Timestamp>().unwrap().as_duration().as_secs_f64()
}

/// When a minute under load ended.
fn at(minute: u32) -> f64 {
    started() + FIGURES * f64::from(minute / 60 + 1) + 60.0 * f64::from(minute + 1)
}

/// How hot the host is for want of a fan: 0 to 1.
fn heat(minute: u32) -> f64 {
    let (since, for_minutes) = (f64::from(minute) - f64::from(FAN.0), f64::from(FAN.1));
    if since < 0.0 {
        0.0
    } else if since < for_minutes {
        1.0 - (-since / 7.0).exp()
    } else {
        (-(since - for_minutes) / 6.0).exp()
    }
}

/// A minute in which the host is warm after an hour, memory slows down by 1.8 % over all hours, and heat slows all down.
fn stretch(minute: u32, random: &mut SplitMix64) -> Stretch {
    let (hours, heat) = (f64::from(minute) / 60.0, heat(minute));
    let mut about = |value: f64, share: f64| value * (1.0 + share * random.normal());
    let memory = about(352e9 * (1.0 - 0.018 * hours / f64::from(HOURS)) * (1.0 - 0.1 * heat), 0.002);
    let rates = [memory, about(5.9e12 * (1.0 - 0.2 * heat), 0.002), about(24e9, 0.01)];
    let sum = |rate: f64| LoadSum { passes: 9, compared: 40.0 * rate, done: 20.0 * rate, rate: Some(rate) };
    Stretch {
        at: at(minute),
        seconds: 60.0,
        loads: Load::ALL.into_iter().zip(rates.map(sum)).collect(),
        hottest: Some((about(66.0 + 6.0 * (1.0 - (-hours).exp()), 0.006) + 24.0 * heat).round()),
        watts: Some(about(1840.0 - 260.0 * heat, 0.004)),
        clock: Some(about(2.95e9 - 0.6e9 * heat, 0.001)),
        throttled: Some(if heat > 0.8 { 60.0 * (heat - 0.8) } else { 0.0 }),
    }
}

/// The run before an hour: of memory alone, and slower each time.
fn run(hour: u32, random: &mut SplitMix64) -> Run {
    let host = Host { noise: 0.002, ..Host::usual() }.worse("stream.triad", 0.004 * f64::from(hour));
    let mut run = host.run(20 + hour, random);
    for attempt in &mut run.attempts {
        attempt
            .outcomes
            .retain(|outcome| matches!(outcome, Outcome::Measured(one) if one.metric.name == "stream.triad"));
    }
    run.attempts.retain(|attempt| !attempt.outcomes.is_empty());
    run
}

fn plan() -> SoakPlan {
    SoakPlan {
        host: "node7".into(),
        seconds: 3600.0 * f64::from(HOURS),
        loads: Load::ALL.to_vec(),
        workloads: vec![measure::Workload::Stream],
        memory: 1_900_000_000_000,
        files: 64 << 30,
        folder: "/scratch".into(),
        spec: "PY-HPC-2024.Q3".into(),
        prom: None,
        on_event: None,
        unit_dir: None,
        started: "2026-07-01T20:00:00Z".into(),
    }
}

/// Plants all hours in `folder/store`.
fn plant(folder: &Path) -> Soak {
    let (mut random, store) = (SplitMix64::new(7), Store::at(&folder.join("store")));
    let mut soak = Soak::start(&store, "s20260701T200000Z", plan()).unwrap();
    soak.seal().unwrap();
    soak.note(SoakEntry::Begun { at: started(), boot: "b1".into() }).unwrap();
    for hour in 0..HOURS {
        let run = run(hour, &mut random);
        let file = folder.join("incoming.jsonl");
        simulate::write(&file, &run);
        let kept = output(folder, ["store", "import", "incoming.jsonl", "--out", "store"]);
        assert_eq!(kept.status.code(), Some(0), "{}", said(&kept));
        fs::remove_file(&file).unwrap();
        soak.note(SoakEntry::Run(run.id)).unwrap();
        for minute in 60 * hour..60 * (hour + 1) {
            for &(_, part, vital, value, limit, says) in BROKEN.iter().filter(|one| one.0 == minute) {
                let (at, part, limit, says) = (at(minute) - 30.0, part.to_owned(), Some(limit), says.to_owned());
                soak.note(SoakEntry::Incident(Incident { at, part, vital, value, limit, says })).unwrap();
            }
            soak.note(SoakEntry::Stretch(stretch(minute, &mut random))).unwrap();
        }
        let errors = Watched { part: "P1-DIMM-C1".into(), vital: Vital::CorrectedErrors, first: 0.0, last: 0.0 };
        let end = at(60 * hour + 59);
        soak.note(SoakEntry::Watched { at: end, values: vec![errors], missing: vec![] }).unwrap();
        soak.seal().unwrap();
        if hour + 1 == BOOTED_AFTER {
            soak.note(SoakEntry::Stopped { at: end }).unwrap();
            soak.seal().unwrap();
            soak.note(SoakEntry::Begun { at: end + 200.0, boot: "b2".into() }).unwrap();
        }
    }
    soak.end(at(60 * HOURS - 1)).unwrap();
    soak
}

/// The entry of a list whose field begins so.
fn entry<'a>(list: &'a Value, field: &str, begins: &str) -> &'a Value {
    let found = list.as_array().unwrap().iter().find(|one| one[field].as_str().unwrap().starts_with(begins));
    found.unwrap_or_else(|| panic!("no {begins} in {list}"))
}

#[test]
fn hours_say_what_was_planted_in_them() {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path());
    let status = output(folder.path(), ["soak", "--status", "--json", "--out", "store"]);
    assert_eq!(status.status.code(), Some(1), "{}", said(&status));
    let json: Value = serde_json::from_slice(&status.stdout).unwrap();
    let near = |value: &Value, expect: f64, by: f64| {
        let value = value.as_f64().unwrap();
        assert!((value - expect).abs() < by, "{value}, not {expect}: {json}");
    };
    near(&json["seconds"], 43_200.0, 1e-6);
    near(&json["seconds_before_an_error"], 60.0 * f64::from(FAN.0), 1e-6);
    let events: Vec<&str> =
        json["events"].as_array().unwrap().iter().map(|one| one["says"].as_str().unwrap()).collect();
    assert_eq!(events, BROKEN.map(|one| one.5));
    let broken = entry(&json["errors"], "what", "watch: limits broken");
    near(&broken["per_hour"], 4.0 / 12.0, 1e-9);
    // χ²₀.₉₅(10) is 18.307.
    near(&broken["at_most_per_hour"], 18.307 / 2.0 / 12.0, 1e-4);
    assert_eq!(entry(&json["errors"], "what", "watch: corrected memory errors of P1-DIMM-C1")["count"], 1);
    // First hour against last, and the first third of the runs against the last.
    let memory = entry(&json["drift"], "figure", "rate of the memory load");
    near(&memory["change"], (1.0 - 0.018 * 11.5 / 12.0) / (1.0 - 0.018 * 0.5 / 12.0) - 1.0, 2e-3);
    assert!(memory["interval"][1].as_f64().unwrap() < 0.0, "{memory}");
    let triad = entry(&json["drift"], "figure", "stream.triad");
    near(&triad["change"], -0.0322, 4e-3);
    let disk = entry(&json["drift"], "figure", "rate of the disk load");
    let [low, high] = [0, 1].map(|end| disk["interval"][end].as_f64().unwrap());
    assert!(low < 0.01 && high > -0.01 && high - low < 0.02, "{disk}");
    assert_eq!(json["boots"].as_array().unwrap().len(), 2);
    let reasons = json["reasons"].to_string();
    assert!(!reasons.contains("the boot changed"), "it was stopped before: {reasons}");
}

#[test]
fn a_minute_that_was_changed_breaks_the_seal_of_its_hour() {
    let folder = tempfile::tempdir().unwrap();
    let soak = plant(folder.path());
    let text = fs::read_to_string(soak.path()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let seals: Vec<usize> = (0..lines.len()).filter(|&at| lines[at].starts_with("{\"sealed\"")).collect();
    // One before it began, one an hour, one where it was stopped, and the one behind its end.
    assert_eq!(seals.len(), 1 + 12 + 1 + 1);
    let mut changed: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
    let minute = seals[8] - 7;
    changed[minute] = changed[minute].replacen("\"passes\":9", "\"passes\":8", 1);
    assert_ne!(changed[minute], lines[minute]);
    fs::write(soak.path(), changed.join("\n") + "\n").unwrap();
    let status = output(folder.path(), ["soak", "--status", "--out", "store"]);
    assert_eq!(status.status.code(), Some(2), "{}", said(&status));
    assert!(said(&status).contains(&format!("line {} of its record does not fit", seals[8] + 1)), "{}", said(&status));
}

#[test]
fn the_page_of_a_night_is_quiet_inert_and_readable() {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path());
    let drawn = output(folder.path(), ["soak", "--status", "--out", "store", "--html", "night.html"]);
    assert_eq!(drawn.status.code(), Some(1), "{}", said(&drawn));
    // README's picture is of it.
    fs::copy(folder.path().join("night.html"), Path::new(env!("CARGO_TARGET_TMPDIR")).join("night.html")).unwrap();
    let mut browser = Chromium::start(&folder.path().join("profile"));
    for theme in ["light", "dark"] {
        let features = json!([{"name": "prefers-color-scheme", "value": theme}]);
        browser.ask("Emulation.setEmulatedMedia", &json!({"features": features}));
        for width in [390, 820, 1280] {
            let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == 390});
            browser.ask("Emulation.setDeviceMetricsOverride", &size);
            browser.open(&format!("file://{}", folder.path().join("night.html").display()));
            let wrong = browser.value(include_str!("browser/page.js"));
            assert_eq!(wrong, json!([]), "{theme}, {width} px");
            let charts = browser.value("document.querySelectorAll('svg[role=img]').length");
            assert_eq!(charts, 7, "{theme}, {width} px");
        }
    }
}
