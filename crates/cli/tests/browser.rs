//! The page in a real browser: nothing is asked from elsewhere, nothing is run, and everybody can read it.

#[path = "browser/chromium.rs"]
mod chromium;
#[path = "support/recorded.rs"]
mod recorded;
mod support;

use std::path::Path;

use chromium::Chromium;
use recorded::{recorded, reworded, run_id};
use serde_json::{Value, json};
use support::{output, said};

/// What a BIOS could say of itself.
const HOSTILE: &str = "\\\"><script>alarm=1</script><img src=x onerror=alarm=1>";

/// What the browser complained about, and what it asked for besides the page.
fn complaints(events: &[Value], url: &str) -> Vec<String> {
    let told = |event: &Value| match event["method"].as_str()? {
        "Log.entryAdded" | "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" => Some(event.to_string()),
        "Network.requestWillBeSent" => {
            let asked = event["params"]["request"]["url"].as_str().unwrap_or_default();
            (asked != url && !asked.starts_with("data:")).then(|| asked.to_owned())
        }
        _ => None,
    };
    events.iter().filter_map(told).collect()
}

/// A record of the tests: a whole run of all workloads.
fn fixture() -> String {
    format!("{}/tests/fixtures/0.1.0/complete/run.jsonl", env!("CARGO_MANIFEST_DIR"))
}

/// Makes a page of records and gives its address.
fn page(folder: &Path, name: &str, records: &[&str]) -> String {
    let report = output(folder, [&["report"], records, &["--html", name]].concat());
    assert_eq!(report.status.code(), Some(0), "{}", said(&report));
    format!("file://{}", folder.join(name).display())
}

/// The record of a node with a long name.
fn rack_node(folder: &Path, number: u32) -> String {
    let name = format!("rack-12-chassis-with-a-long-name-{number:04}");
    let host = format!("\"host\":\"{name}\"");
    reworded(&fixture(), folder, &format!("{name}.jsonl"), &[("\"host\":\"vm\"", &host)])
}

#[test]
fn the_page_is_quiet_inert_and_readable() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let first = recorded(here);
    let id = run_id(&first);
    let evil = format!("\"config\":{{\"bios.vendor\":\"{HOSTILE}\",");
    let words = [(id.as_str(), "29990101T000000Z-0001"), ("\"config\":{", evil.as_str())];
    let second = reworded(&first, here, "second.jsonl", &words);
    let other =
        reworded(&fixture(), here, "other.jsonl", &[("\"host\":\"vm\"", "\"host\":\"a-host-with-a-long-name-0017\"")]);
    let pages = [
        page(here, "one.html", &[&fixture()]),
        page(here, "two.html", &[&first, &second]),
        page(here, "hosts.html", &[&fixture(), &other]),
    ];
    let mut fleet: Vec<String> = (1..=9).map(|n| rack_node(here, n)).collect();
    fleet.push(second.clone());
    std::fs::write(here.join("broken.jsonl"), HOSTILE).unwrap();
    fleet.push("broken.jsonl".to_owned());
    let arguments: Vec<&str> = fleet.iter().map(String::as_str).collect();
    let made = output(
        here,
        [&["fleet", "report", "--html", "fleet.html", "--spec", "PY-HPC-2024.Q3"], arguments.as_slice()].concat(),
    );
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    let pages = [pages.as_slice(), &[format!("file://{}", here.join("fleet.html").display())]].concat();
    assert!(std::fs::read_to_string(here.join("two.html")).unwrap().contains("&lt;script&gt;alarm"));

    let mut browser = Chromium::start(&here.join("profile"));
    for theme in ["light", "dark"] {
        let features = json!([{"name": "prefers-color-scheme", "value": theme}]);
        browser.ask("Emulation.setEmulatedMedia", &json!({"features": features}));
        for width in [390, 820, 1280] {
            let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == 390});
            browser.ask("Emulation.setDeviceMetricsOverride", &size);
            for url in &pages {
                let events = browser.open(url);
                assert_eq!(complaints(&events, url), Vec::<String>::new(), "{url}, {theme}, {width} px");
                let wrong = browser.value(include_str!("browser/page.js"));
                assert_eq!(wrong, json!([]), "{url}, {theme}, {width} px");
                let paper = browser.value("getComputedStyle(document.documentElement).backgroundColor");
                assert_eq!(paper == "rgb(255, 255, 255)", theme == "light", "{paper}");
            }
        }
    }
}

/// The sheets of a page on paper, as text.
fn printed(browser: &mut Chromium, folder: &Path, url: &str) -> Vec<String> {
    browser.open(url);
    let pdf = browser.ask("Page.printToPDF", &json!({"preferCSSPageSize": true}));
    std::fs::write(folder.join("pdf.base64"), pdf["data"].as_str().unwrap()).unwrap();
    let text = "base64 -d pdf.base64 >page.pdf && pdftotext -layout page.pdf -";
    let text = std::process::Command::new("sh").args(["-c", text]).current_dir(folder).output().unwrap();
    assert!(text.status.success(), "is the Debian package `poppler-utils` installed? {}", said(&text));
    let text = String::from_utf8(text.stdout).unwrap();
    text.split('\u{c}').filter(|sheet| !sheet.trim().is_empty()).map(str::to_owned).collect()
}

#[test]
fn on_paper_the_first_sheet_is_what_is_signed() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let url = page(here, "page.html", &[&fixture()]);
    let mut browser = Chromium::start(&here.join("profile"));
    let sheets = printed(&mut browser, here, &url);
    assert!((2..8).contains(&sheets.len()), "{} sheets", sheets.len());
    let first = sheets[0].split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "NOT DECIDED by the profile smoke",
        "vm against PY-HPC-2024.Q3",
        "1 × Intel(R) Xeon(R) Processor",
        "20261129T020817Z-f349",
        "Peak memory read bandwidth",
        "Random read, 4 KiB, p99 latency",
        "Feature engineering on 500 GB",
        "Date",
        "For the vendor: name and signature",
        "For the customer: name and signature",
        "page 1 of",
    ] {
        assert!(first.contains(words), "{words} is not on the first sheet: {first}");
    }
    let quick = reworded(&fixture(), here, "quick.jsonl", &[("\"profile\":\"smoke\"", "\"profile\":\"quick\"")]);
    let quick = page(here, "quick.html", &[&quick]);
    let quick = printed(&mut browser, here, &quick);
    assert!(quick.len() < 8 && quick[0].contains("name and signature"), "{} sheets", quick.len());
    assert!(!quick[0].contains("by the profile smoke"));
    // What is folded on a screen.
    let rest = sheets[1..].join("\n");
    for words in ["Tolerance", "os.kernel", "stream.triad", "Specification: ", "Consistent if"] {
        assert!(rest.contains(words), "{words} is not on the other sheets");
    }
}
