//! Dossiers through the real binary: what is sealed is judged again from its raw data.

#[path = "support/recorded.rs"]
mod recorded;
mod support;

use std::fs;
use std::path::Path;

use record::dossier::{self, Files};
use recorded::{recorded, reworded, run_id};
use sha2::{Digest, Sha256};
use support::{output, said};

/// The example keys of RFC 8410, §10.
const SECRET: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

/// Verifies a file; the exit code is `code`, and what it prints has `expect` in it.
fn verify(folder: &Path, arguments: &[&str], code: i32, expect: &str) {
    let verified = output(folder, [["dossier", "verify"].as_slice(), arguments].concat());
    assert_eq!(verified.status.code(), Some(code), "{arguments:?}: {}", said(&verified));
    let text = said(&verified);
    assert!(text.contains(expect), "{arguments:?}, {expect}: {text}");
}

/// Files with one changed, hashes and seal made anew: what a forger would do who cannot sign.
fn forged(files: &Files, name: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
    let mut files = files.clone();
    let text = std::str::from_utf8(&files[name]).unwrap();
    let changed = change(text);
    assert_ne!(changed, text, "{name} was not changed");
    files.insert(name.to_owned(), changed.into_bytes());
    resealed(files)
}

fn resealed(mut files: Files) -> Vec<u8> {
    files.remove("SHA256SUMS");
    let mut sums = String::new();
    for (name, content) in &files {
        sums += &format!("{}  {name}\n", hex::encode(Sha256::digest(content)));
    }
    files.insert("SHA256SUMS".to_owned(), sums.into_bytes());
    dossier::pack(&files, None).unwrap()
}

#[test]
fn a_dossier_holds_or_says_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let record = recorded(here);
    let id = run_id(&record);
    let second = reworded(&record, here, "second.jsonl", &[(id.as_str(), "29990101T000000Z-0001")]);
    fs::write(here.join("secret.pem"), SECRET).unwrap();
    fs::write(here.join("public.pem"), PUBLIC).unwrap();

    for (file, more) in [("a.tar.zst", None), ("b.tar.zst", None), ("signed.tar.zst", Some(["--sign", "secret.pem"]))] {
        let arguments =
            [["dossier", &record, &second, "-o", file].as_slice(), more.as_ref().map_or(&[], |m| m)].concat();
        let made = output(here, arguments);
        assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    }
    let bytes = fs::read(here.join("a.tar.zst")).unwrap();
    assert!(bytes == fs::read(here.join("b.tar.zst")).unwrap(), "the same runs give the same file");
    verify(here, &["a.tar.zst"], 0, "HOLDS: rejected");
    verify(here, &["a.tar.zst"], 0, "signed by  nobody");
    verify(here, &["a.tar.zst", "--key", "public.pem"], 1, "nobody signed it");
    verify(here, &["signed.tar.zst", "--key", "public.pem"], 0, "19bf44096984cdfe");
    let again = output(here, ["dossier", &record, "-o", "a.tar.zst"]);
    assert_eq!(again.status.code(), Some(2), "nothing is overwritten: {}", said(&again));
    assert!(bytes == fs::read(here.join("a.tar.zst")).unwrap());

    let check = |name: &str, expect: &str, bytes: Vec<u8>| {
        fs::write(here.join(name), bytes).unwrap();
        verify(here, &[name], 1, expect);
        verify(here, &[name], 1, "DOES NOT HOLD");
    };
    let mut disturbed = bytes.clone();
    disturbed[bytes.len() / 2] ^= 1;
    check("a bit", "not those that were sealed", disturbed);
    check("a cut", "no seal at its end", bytes[..bytes.len() / 2].to_vec());

    let files = dossier::open(&mut std::io::Cursor::new(&bytes), dossier::MOST).unwrap().files;
    let record_file = record.clone();
    let record = format!("runs/{id}.jsonl");
    let forge =
        |name: &str, old: &'static str, new: &'static str| forged(&files, name, move |text| text.replacen(old, new, 1));
    check(
        "a verdict",
        "and the records say",
        forge("judgement.json", "\"verdict\": \"NOT-COMPARABLE\"", "\"verdict\": \"PASS\""),
    );
    check("acceptance", "and the records say", forge("judgement.json", "\"rejected\"", "\"accepted\""));
    check("a figure", "and the records say", {
        let better = |line: &str| line.replace("\"values\":[", "\"values\":[9");
        let triad = |line: &str| if line.contains("\"stream.triad\"") { better(line) } else { line.to_owned() };
        forged(&files, &record, |text| text.lines().map(|line| triad(line) + "\n").collect())
    });
    check("the page", "report.html is not what follows", forge("report.html", "NOT-COMPARABLE", "ACCEPTED"));
    check("the specification", "does not have the hash", forge(&record, "[[system]]", "[[System]]"));
    check("a file more", "REPORT.html is not what follows", {
        let mut files = files.clone();
        files.insert("REPORT.html".to_owned(), b"accepted".to_vec());
        resealed(files)
    });
    let mut without = files.clone();
    without.remove(&record);
    check("a record less", "is missing in it", dossier::pack(&without, None).unwrap());

    // Whoever claims another build gets no page taken for checked by it.
    let other = |files: &Files| {
        forged(files, "dossier.json", |text| text.replace("\"judged_by\": [\n    \"", "\"judged_by\": [\n    \"9."))
    };
    fs::write(here.join("other build"), other(&files)).unwrap();
    verify(here, &["other build"], 0, "another build than this one; audit, fingerprint and report follow");
    let page = forge("report.html", "NOT-COMPARABLE", "ACCEPTED");
    let page = dossier::open(&mut std::io::Cursor::new(page), dossier::MOST).unwrap().files;
    fs::write(here.join("another's page"), other(&page)).unwrap();
    verify(here, &["another's page"], 3, "NOT CHECKED: report.html");
    verify(here, &["another's page"], 3, "RECORDS AND VERDICT HOLD: rejected");
    verify(here, &["another's page", "--records-only"], 0, "NOT CHECKED: report.html");
    let verdict = forge("judgement.json", "\"rejected\"", "\"accepted\"");
    let verdict = dossier::open(&mut std::io::Cursor::new(verdict), dossier::MOST).unwrap().files;
    fs::write(here.join("another's verdict"), other(&verdict)).unwrap();
    verify(here, &["another's verdict", "--records-only"], 1, "and the records say");

    let piped = output(here, ["dossier", &record_file, &second, "-o", "-"]);
    assert!(piped.status.success() && piped.stdout == bytes, "{}", piped.status);
}

#[test]
fn wrong_use_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let check = |arguments: &[&str], expect: &str| {
        let output = output(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(expect), "{arguments:?}, {expect}: {}", said(&output));
    };
    check(&["dossier"], "Usage");
    check(&["dossier", "latest"], "--output");
    check(&["dossier", "latest", "--out", "nowhere", "-o", "new.tar.zst"], "latest");
    check(&["dossier", "verify", "no-such-file"], "no-such-file");
    check(&["dossier", "verify", "/dev/zero"], "is a device");
    fs::write(folder.path().join("key"), "no key").unwrap();
    check(&["dossier", "latest", "-o", "new.tar.zst", "--sign", "key"], "openssl genpkey");
    assert!(!folder.path().join("new.tar.zst").exists());
}
