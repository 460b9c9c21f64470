//! What a vendor sent: read, kept, shown beside a run, and never taken for one.

mod simulate;
mod support;

use std::fs;
use std::path::Path;

use measure::random::SplitMix64;
use measure::{Run, metrics};
use record::Store;
use serde_json::Value;
use simulate::Host;
use support::{files, output, said};

fn log(name: &str) -> String {
    format!("{}/../import/tests/logs/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Runs a command, and gives its exit code and what it printed; of one that failed all that it said.
fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = output(folder, arguments);
    let code = output.status.code();
    (code, if code == Some(0) { String::from_utf8(output.stdout).unwrap() } else { said(&output) })
}

/// The ids of the imported records in a store.
fn ids(folder: &Path, host: &str) -> Vec<String> {
    let entries = fs::read_dir(folder.join("here/hosts").join(host)).unwrap().map(|entry| entry.unwrap());
    let mut ids: Vec<String> = entries
        .filter(|entry| entry.path().join("imported.json").is_file())
        .map(|entry| entry.file_name().to_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

/// A store with a simulated run; its id.
fn with_run(folder: &Path) -> (String, String) {
    let host = Host::usual().with("bios.version", "1.2").worse("stream", 0.05);
    let run = host.run(0, &mut SplitMix64::new(7));
    simulate::write(&Store::at(&folder.join("here")).place(&run.host, &run.id), &run);
    (run.id, run.host)
}

#[test]
fn what_cannot_be_read_is_refused_by_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    let text = fs::read_to_string(log("stream.txt")).unwrap();
    fs::write(here.join("cut.txt"), &text[..text.find("Triad").unwrap()]).unwrap();
    fs::write(here.join("letter.txt"), "Dear customer,\n").unwrap();
    // Sparse: nothing of it is read.
    fs::File::create(here.join("large")).unwrap().set_len(65 << 20).unwrap();
    fs::write(here.join("binary"), [b"a\nb\n".as_slice(), &[0xff, 0xfe]].concat()).unwrap();
    let check = |file: &str, words: &str| {
        let (code, said) = run(here, &["import", file, "--out", "here"]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(words), "{file}: {said}");
        assert_eq!(files(&here.join("here")), Vec::<std::path::PathBuf>::new(), "something was kept of {file}");
    };
    check("cut.txt", "cut.txt: line 29: the table of rates has no Triad");
    check("letter.txt", "it is no output of fio, STREAM, HPL");
    check("binary", "binary, line 3: it is not UTF-8 text");
    check("large", "large has 65 MiB, and a log has 64 MiB at most");
    check("none", "No such file");
}

#[test]
fn a_log_is_judged_by_the_host_that_it_is_said_to_be_of() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    let (_, host) = with_run(here);
    let nobody = said(&output(here, ["import", &log("stream.txt"), "--host", "nobody", "--out", "here"]));
    assert!(nobody.contains("nothing is known of nobody"), "{nobody}");
    let (code, said) = run(here, &["import", &log("hpl.txt"), "--host", &host, "--out", "here", "--json"]);
    assert_eq!(code, Some(0), "{said}");
    let json: Value = serde_json::from_str(&said).unwrap();
    let figure = &json["vendor"][0]["figures"][0];
    assert_eq!(figure["metric"], metrics::DENSE_HPL.id);
    assert_eq!((figure["printed"].as_str(), figure["line"].as_u64()), (Some("1.871e+01"), Some(47)));
    assert_eq!(ids(here, &host).len(), 1);
}

#[test]
fn an_imported_record_is_refused_wherever_a_run_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    let (run_id, host) = with_run(here);
    run(here, &["import", &log("hpl.txt"), "--host", &host, "--out", "here"]);
    let id = ids(here, &host).pop().unwrap();
    let path = format!("here/hosts/{host}/{id}/imported.json");
    let check = |arguments: &[&str], words: &str| {
        let (code, said) = run(here, &[arguments, &["--out", "here"]].concat());
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    };
    let refusal = "is an imported record: figures of another tool";
    check(&["judge", &path], refusal);
    check(&["show", &path], refusal);
    check(&["diff", &run_id, &path], refusal);
    check(&["report", &path, "--md", "-"], refusal);
    check(&["dossier", &path, "-o", "x.tar.zst"], refusal);
    check(&["judge", &id], "is no run");
    check(&["judge", &run_id, "--with", &run_id], "is no imported record");
    check(&["compare", "--before", &run_id, "--after", &id], "--after: no run in here is selected");
    check(&["trend", &id], "no run in here is selected");
    check(&["noise", &id], "no run in here is selected");
    check(&["baseline", "set", &id], "no run in here is selected");
    check(&["store", "tag", &id, "sent"], "no run in here is selected");
    check(&["fleet", "judge", &id], "is no run");
    check(&["fleet", "judge", &path], refusal);
    // Nor is it one of the runs that are looked for.
    let (_, said) = run(here, &["store", "list", "--out", "here", "--json"]);
    assert!(said.contains(&run_id) && !said.contains(&id), "{said}");
    let (code, said) = run(here, &["judge", "latest", "--out", "here", "--brief"]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn vendor_ours_document_and_ceiling_stand_in_one_row_and_decide_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    let (run_id, host) = with_run(here);
    run(here, &["import", &log("stream.txt"), "--host", &host, "--out", "here"]);
    let id = ids(here, &host).pop().unwrap();
    let judged = |extra: &[&str]| run(here, &[&["judge", &run_id, "--out", "here"], extra].concat());
    let (code, with) = judged(&["--with", &id, "--json"]);
    assert_eq!(code, Some(0), "{with}");
    let (with, without): (Value, Value) =
        (serde_json::from_str(&with).unwrap(), serde_json::from_str(&judged(&["--json"]).1).unwrap());
    for key in ["acceptance", "answer", "criteria", "targets", "parts"] {
        assert_eq!(with[key], without[key], "{key}");
    }
    let figures = with["vendor"][0]["figures"].as_array().unwrap();
    let triad = figures.iter().find(|figure| figure["name"] == "Triad").unwrap();
    assert_eq!(triad["value"]["value"], 26370.5e6);
    assert!(triad["ours"]["value"].as_f64().unwrap() > 0.0, "{triad}");
    let (_, table) = judged(&["--with", &id, "--width", "160"]);
    assert!(table.contains("Vendor's") && table.contains("26.37 GB/s"), "{table}");
    let (_, letter) = judged(&["--with", &id, "--letter"]);
    assert!(letter.starts_with("# What was sent with ") && letter.contains("| Triad |"), "{letter}");
    let (code, said) = run(here, &["report", &run_id, "--with", &id, "--html", "page.html", "--out", "here"]);
    assert_eq!(code, Some(0), "{said}");
    let page = fs::read_to_string(here.join("page.html")).unwrap();
    assert!(page.contains("What the vendor sent") && page.contains("26370.5 MB&#x2f;s"), "the page does not show it");
    // Of another host than the run's.
    run(here, &["import", &log("stream.txt"), "--host", "other", "--out", "here"]);
    let other = ids(here, "other").pop().unwrap();
    let (code, said) = judged(&["--with", &other]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("was imported as of the host other"), "{said}");
}

#[test]
fn a_letter_says_no_more_than_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    let (run_id, host) = with_run(here);
    let check = |log_name: &str, named: &[&str], has: &[&str], lacks: &[&str]| {
        let path = log(log_name);
        let (_, said) = run(here, &[&["import", path.as_str(), "--out", "here", "--json"], named].concat());
        let json: Value = serde_json::from_str(&said).unwrap();
        let id = json["vendor"][0]["record"].as_str().unwrap();
        let (code, letter) = run(here, &["judge", &run_id, "--with", id, "--letter", "--out", "here"]);
        assert_eq!(code, Some(0), "{letter}");
        assert!(has.iter().all(|words| letter.contains(words)), "{log_name}: {letter}");
        assert!(lacks.iter().all(|words| !letter.contains(words)), "{log_name}: {letter}");
    };
    let named = ["--host", host.as_str()];
    check("nvbandwidth.txt", &named, &["of the same host", "Nothing is asked about"], &["Nothing speaks against"]);
    check("nvbandwidth.txt", &[], &["not every file was said to be of it"], &["of the same host"]);
    check("hpcc-openblas.txt", &named, &["10.4936 GB/s of a process × 2 processes"], &[]);
}

#[test]
fn of_several_hosts_each_is_shown_what_was_sent_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    let of_host = |number: u32| {
        let run = Host::usual().run(number, &mut SplitMix64::new(7));
        let run = Run { host: format!("node{number}"), ..run };
        simulate::write(&Store::at(&here.join("here")).place(&run.host, &run.id), &run);
        (run.id, run.host)
    };
    let ((one, host), (other, _)) = (of_host(1), of_host(2));
    run(here, &["import", &log("stream.txt"), "--host", &host, "--out", "here"]);
    let id = ids(here, &host).pop().unwrap();
    let page =
        |with: &str| run(here, &["report", &one, &other, "--with", with, "--html", "page.html", "--out", "here"]);
    let (code, said) = page(&id);
    assert_eq!(code, Some(0), "{said}");
    let html = fs::read_to_string(here.join("page.html")).unwrap();
    assert_eq!(html.matches("26370.5 MB").count(), 1, "it stands at one host");
    run(here, &["import", &log("stream.txt"), "--host", "third", "--out", "here"]);
    let (code, said) = page(&ids(here, "third").pop().unwrap());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("was imported as of the host third"), "{said}");
}

#[test]
fn our_figures_are_read_by_the_readers_of_others() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    let fixture = format!("{}/tests/fixtures/0.1.0/complete/run.jsonl", env!("CARGO_MANIFEST_DIR"));
    // Its only rate of HPL was disturbed, and would be left out.
    let undisturbed = |line: &str| {
        if !line.contains("\"name\":\"dense.hpl\"") {
            return line.to_owned() + "\n";
        }
        let mut json: Value = serde_json::from_str(line).unwrap();
        json["event"]["measured"]["samples"].as_object_mut().unwrap().remove("taints").expect("a taint");
        format!("{json}\n")
    };
    let text: String = fs::read_to_string(fixture).unwrap().lines().map(undisturbed).collect();
    let recorded = here.join("run.jsonl").to_str().unwrap().to_owned();
    fs::write(&recorded, text).unwrap();
    let mut written = 0;
    for (option, file) in [("--stream", "stream.txt"), ("--hpl", "hpl.txt"), ("--fio", "fio.json")] {
        let (code, said) = run(here, &["report", &recorded, option, file]);
        assert_eq!(code, Some(0), "{option}: {said}");
        let text = fs::read_to_string(here.join(file)).unwrap();
        match option {
            "--stream" => {
                let import = import::read(&text, Some(import::Format::Stream)).unwrap();
                assert_eq!((import.figures.len(), import.misfits.len()), (4, 0), "{text}");
            }
            "--hpl" => {
                let import = import::read(&text, Some(import::Format::Hpl)).unwrap();
                assert_eq!((import.figures.len(), import.misfits.len()), (1, 0), "{text}");
                let rate = import.figures[0].printed.as_str();
                assert!(rate.split_once('e').unwrap().1.starts_with(['+', '-']), "HPL prints no {rate}");
            }
            _ => {
                let json: Value = serde_json::from_str(&text).unwrap();
                assert!(json["jobs"][0]["read"]["bw_bytes"].as_f64().unwrap() > 0.0, "{text}");
            }
        }
        assert!(text.contains("hostproof"), "{option}: whose figures they are is not said");
        // A second time over the first.
        assert_eq!(run(here, &["report", &recorded, option, file]).0, Some(0), "{option}");
        written += 1;
    }
    assert_eq!(written, 3);
}
