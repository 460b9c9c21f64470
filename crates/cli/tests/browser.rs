//! The page in a real browser: nothing is asked from elsewhere, nothing is run, and everybody can read it.

#[path = "browser/chromium.rs"]
mod chromium;
#[path = "support/recorded.rs"]
mod recorded;
mod support;

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

#[test]
fn the_page_is_quiet_inert_and_readable() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let first = recorded(here);
    let id = run_id(&first);
    let evil = format!("\"config\":{{\"bios.vendor\":\"{HOSTILE}\",");
    let words = [(id.as_str(), "29990101T000000Z-0001"), ("\"config\":{", evil.as_str())];
    let second = reworded(&first, here, "second.jsonl", &words);
    let report = output(here, ["report", &first, &second, "--html", "page.html"]);
    assert_eq!(report.status.code(), Some(0), "{}", said(&report));
    assert!(std::fs::read_to_string(here.join("page.html")).unwrap().contains("&lt;script&gt;alarm"));

    let url = format!("file://{}", here.join("page.html").display());
    let mut browser = Chromium::start(&here.join("profile"));
    for theme in ["light", "dark"] {
        let features = json!([{"name": "prefers-color-scheme", "value": theme}]);
        browser.ask("Emulation.setEmulatedMedia", &json!({"features": features}));
        for width in [400, 800, 1400] {
            let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == 400});
            browser.ask("Emulation.setDeviceMetricsOverride", &size);
            let events = browser.open(&url);
            assert_eq!(complaints(&events, &url), Vec::<String>::new(), "{theme}, {width} px");
            let wrong = browser.value(include_str!("browser/page.js"));
            assert_eq!(wrong, json!([]), "{theme}, {width} px");
            let paper = browser.value("getComputedStyle(document.documentElement).backgroundColor");
            assert_eq!(paper == "rgb(255, 255, 255)", theme == "light", "{paper}");
        }
    }
}
