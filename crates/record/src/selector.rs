//! Which runs of a store: `bios=1.2,tag=quiet`, `2026-07-01..2026-07-05`, `20260701T12`, `baseline`.

use std::str::FromStr;

use measure::Fingerprint;
use measure::likeness::alike;

use crate::Error;
use crate::index::Listed;
use crate::store::LATEST;

/// A selection. Terms of one kind are alternatives; terms of different kinds must all hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    /// The beginning of a run's id.
    Id(String),
    /// From the first of these dates to the second, both included, `YYYY-MM-DD`.
    Dates(String, String),
    /// The newest of the runs that the other terms select: the one that was sealed last.
    Latest,
    /// The host's baseline.
    Baseline,
    /// A part of the fingerprint, or another property.
    Key(String, String),
}

/// Short names of parts of the fingerprint.
const PARTS: [(&str, &str); 7] = [
    ("bios", "bios.version"),
    ("microcode", "cpu.microcode"),
    ("kernel", "os.kernel"),
    ("cmdline", "os.cmdline"),
    ("mitigations", "os.mitigations"),
    ("zfs", "os.zfs"),
    ("bmc", "bmc.version"),
];

/// Properties that are no parts of the fingerprint.
const PROPERTIES: [&str; 8] = ["host", "profile", "boot", "tag", "config_id", "platform_id", "version", "nvme_fw"];

impl FromStr for Selector {
    type Err = Error;

    fn from_str(text: &str) -> Result<Selector, Error> {
        let terms: Result<Vec<Term>, Error> = text.split(',').map(|term| Term::parse(term.trim())).collect();
        Ok(Selector { terms: terms? })
    }
}

impl Term {
    fn parse(text: &str) -> Result<Term, Error> {
        let wrong = |what: &str| Error::Selector { text: text.to_owned(), what: what.to_owned() };
        if let Some((key, value)) = text.split_once('=') {
            let part = PARTS.iter().find(|(short, _)| *short == key).map_or(key, |(_, part)| part);
            if !part.contains('.') && !PROPERTIES.contains(&part) {
                let short: Vec<&str> = PARTS.iter().map(|(short, _)| *short).chain(PROPERTIES).collect();
                return Err(wrong(&format!("the key is none of {}, and no part of a fingerprint", short.join(", "))));
            }
            return Ok(Term::Key(part.to_owned(), value.to_owned()));
        }
        if let Some((from, to)) = text.split_once("..") {
            return match (is_date(from), is_date(to)) {
                (true, true) if from > to => Err(wrong(&format!("the range is turned round: write {to}..{from}"))),
                (true, true) => Ok(Term::Dates(from.to_owned(), to.to_owned())),
                _ => Err(wrong("a range has a date on both sides")),
            };
        }
        match text {
            "" => Err(wrong("a term is empty")),
            LATEST => Ok(Term::Latest),
            "baseline" => Ok(Term::Baseline),
            date if is_date(date) => Ok(Term::Dates(date.to_owned(), date.to_owned())),
            day if has_the_shape_of_a_date(day) => Err(wrong("there is no such day")),
            id if id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') => {
                Ok(Term::Id(id.to_owned()))
            }
            _ => Err(wrong("it is neither the beginning of a run's id nor a date nor key=value")),
        }
    }

    fn kind(&self) -> &str {
        match self {
            Term::Id(_) | Term::Latest | Term::Baseline => "run",
            Term::Dates(..) => "date",
            Term::Key(key, _) => key,
        }
    }

    fn fits(&self, run: &Listed, newest: Option<&Listed>, baselines: &crate::Annotated) -> bool {
        let digest = &run.digest;
        match self {
            Term::Id(start) => digest.id.starts_with(start),
            Term::Latest => newest.is_some_and(|newest| std::ptr::eq(newest, run)),
            Term::Baseline => baselines.baselines.get(&digest.host).is_some_and(|(runs, _)| runs.contains(&digest.id)),
            Term::Dates(from, to) => {
                let date = digest.started.get(..10).unwrap_or("");
                from.as_str() <= date && date <= to.as_str()
            }
            Term::Key(key, value) => has(run, key, value),
        }
    }
}

fn has(run: &Listed, key: &str, value: &str) -> bool {
    let mut found = values(run, key).into_iter();
    match key {
        "tag" => found.any(|tag| tag == value),
        "boot" | "config_id" | "platform_id" => found.any(|id| !value.is_empty() && id.starts_with(value)),
        _ => found.any(|text| fits(text, value)),
    }
}

/// What a run has for a key.
fn values<'a>(run: &'a Listed, key: &str) -> Vec<&'a str> {
    let digest = &run.digest;
    let fingerprint = &digest.fingerprint;
    match key {
        "host" => vec![&digest.host],
        "profile" => vec![digest.profile.name()],
        "version" => vec![&digest.build.version],
        "tag" => run.tags.iter().map(String::as_str).collect(),
        "boot" => digest.boot_id.as_deref().into_iter().collect(),
        "config_id" => vec![&fingerprint.config_id],
        "platform_id" => vec![&fingerprint.platform_id],
        "nvme_fw" => drive_firmware(fingerprint).collect(),
        part => fingerprint
            .config
            .get(part)
            .or_else(|| fingerprint.platform.get(part))
            .into_iter()
            .map(String::as_str)
            .collect(),
    }
}

/// Equal; or what begins so, where a `*` ends the value.
fn fits(text: &str, value: &str) -> bool {
    match value.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => text == value,
    }
}

fn drive_firmware(fingerprint: &Fingerprint) -> impl Iterator<Item = &str> {
    fingerprint.config.iter().filter(|(part, _)| part.ends_with("firmware")).map(|(_, value)| value.as_str())
}

fn is_date(text: &str) -> bool {
    has_the_shape_of_a_date(text) && text.parse::<jiff::civil::Date>().is_ok()
}

/// Four digits, two and two, whatever they say.
fn has_the_shape_of_a_date(text: &str) -> bool {
    let fits = |(place, byte): (usize, u8)| if matches!(place, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(fits)
}

/// Whether a selection by this text is one by the beginning of an id, and by nothing else.
pub(crate) fn is_id(text: &str) -> bool {
    matches!(Term::parse(text), Ok(Term::Id(_)))
}

impl Selector {
    /// The runs that fit, in the order in which they are given.
    #[must_use]
    pub fn select<'a>(&self, runs: &'a [Listed], annotated: &crate::Annotated) -> Vec<&'a Listed> {
        let fits = |run: &Listed, newest, terms: &dyn Fn(&Term) -> bool| {
            self.terms.iter().filter(|term| terms(term)).all(|term| {
                let mut alternatives = self.terms.iter().filter(|other| other.kind() == term.kind());
                alternatives.any(|other| other.fits(run, newest, annotated))
            })
        };
        let candidates = runs.iter().filter(|run| fits(run, None, &|term| term.kind() != Term::Latest.kind()));
        let newest = candidates.max_by_key(|run| (run.sealed, &run.digest.id));
        runs.iter().filter(|run| fits(run, newest, &|_| true)).collect()
    }
}

impl Selector {
    /// What was probably meant by a term that no run fits.
    #[must_use]
    pub fn meant(&self, runs: &[Listed]) -> Option<String> {
        self.terms.iter().find_map(|term| match term {
            Term::Id(start) if !runs.iter().any(|run| run.digest.id.starts_with(start)) => {
                let tagged = runs.iter().flat_map(|run| &run.tags).find(|tag| *tag == start);
                let ids = runs.iter().map(|run| run.digest.id.get(..start.len()).unwrap_or(&run.digest.id));
                let words = [LATEST, "baseline"].into_iter();
                tagged.map(|tag| format!("tag={tag}")).or_else(|| Some(alike(start, ids.chain(words))?.to_owned()))
            }
            Term::Key(key, value) if !runs.iter().any(|run| has(run, key, value)) => {
                let known = runs.iter().flat_map(|run| values(run, key));
                let short = PARTS.iter().find(|(_, part)| part == key).map_or(key.as_str(), |(short, _)| *short);
                Some(format!("{short}={}", alike(value, known)?))
            }
            _ => None,
        })
    }
}

/// Whether a host in this state meets `key=value`, in the words of a selector.
pub fn holds(fingerprint: &Fingerprint, condition: &str) -> Result<bool, Error> {
    match Term::parse(condition)? {
        Term::Key(key, value) if key == "nvme_fw" => {
            Ok(drive_firmware(fingerprint).any(|firmware| fits(firmware, &value)))
        }
        Term::Key(key, value) if key == "config_id" => Ok(fingerprint.config_id.starts_with(&value)),
        Term::Key(key, value) if key.contains('.') => {
            let found = fingerprint.config.get(&key).or_else(|| fingerprint.platform.get(&key));
            Ok(found.is_some_and(|found| fits(found, &value)))
        }
        _ => Err(Error::Selector {
            text: condition.to_owned(),
            what: "a condition on a host is a part of its fingerprint, such as bios=1.2 or microcode=0x2c".to_owned(),
        }),
    }
}

/// What a host has for the key of a condition, for messages.
#[must_use]
pub fn present(fingerprint: &Fingerprint, condition: &str) -> String {
    told(fingerprint, condition).unwrap_or_else(|| "unknown".to_owned())
}

/// Whether a host tells anything for the key of a condition; one that does not can never meet it.
#[must_use]
pub fn is_told(fingerprint: &Fingerprint, condition: &str) -> bool {
    told(fingerprint, condition).is_some()
}

fn told(fingerprint: &Fingerprint, condition: &str) -> Option<String> {
    let Ok(Term::Key(key, _)) = Term::parse(condition) else { return None };
    match key.as_str() {
        "nvme_fw" => Some(drive_firmware(fingerprint).collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty()),
        "config_id" => Some(fingerprint.config_id.clone()),
        part => fingerprint.config.get(part).or_else(|| fingerprint.platform.get(part)).cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::run;
    use crate::{Annotated, Annotation, Annotations};
    use measure::Digest;

    fn listed(id: &str, bios: &str, date: &str, tag: &str) -> Listed {
        let mut digest = Digest::of(&run());
        digest.id = id.into();
        digest.started = format!("{date}T10:00:00Z");
        digest.fingerprint.config =
            [("bios.version".to_owned(), bios.to_owned()), ("drive S1 firmware".to_owned(), "FW1".to_owned())].into();
        let tags = [tag.to_owned()].into();
        Listed { key: 0, sealed: None, digest, path: id.into(), tags }
    }

    #[test]
    fn terms_select_runs() {
        let runs = [
            listed("20260701T100000Z-0001", "1.2", "2026-07-01", "quiet"),
            listed("20260702T100000Z-0002", "1.2", "2026-07-02", ""),
            listed("20260703T100000Z-0003", "1.3", "2026-07-03", "quiet"),
        ];
        let dir = tempfile::tempdir().unwrap();
        let annotations = Annotations::at(dir.path());
        annotations
            .add(&Annotation::Baseline {
                host: "node-1".into(),
                runs: vec!["20260702T100000Z-0002".into()],
                at: String::new(),
            })
            .unwrap();
        let annotated: Annotated = annotations.read().unwrap();
        let check = |text: &str, expect: &[usize]| {
            let selector: Selector = text.parse().unwrap();
            let found: Vec<&str> =
                selector.select(&runs, &annotated).iter().map(|run| run.digest.id.as_str()).collect();
            let expect: Vec<&str> = expect.iter().map(|index| runs[*index].digest.id.as_str()).collect();
            assert_eq!(found, expect, "{text}");
        };
        check("bios=1.2", &[0, 1]);
        check("bios=1.*", &[0, 1, 2]);
        check("bios.version=1.3", &[2]);
        check("bios=1.2,tag=quiet", &[0]);
        check("bios=1.2, bios=1.3", &[0, 1, 2]);
        check("20260701,20260703", &[0, 2]);
        check("2026-07-02..2026-07-03", &[1, 2]);
        check("2026-07-02", &[1]);
        check("latest", &[2]);
        check("baseline", &[1]);
        check("nvme_fw=FW1,host=node-1,profile=quick", &[0, 1, 2]);
        check("config_id=b2", &[0, 1, 2]);
        check("config_id=c3", &[]);
        check("boot=e0,kernel=6.1", &[]);
        check("latest,bios=1.2", &[1]);
        check("latest,20260701,bios=1.2", &[0, 1]);
        check("latest,bios=9", &[]);
    }

    #[test]
    fn what_fits_no_run_was_probably_meant_otherwise() {
        let runs = [
            listed("20260701T100000Z-0001", "1.2", "2026-07-01", "quiet"),
            listed("20260702T100000Z-0002", "2.0", "2026-07-02", ""),
        ];
        let check = |text: &str, expect: Option<&str>| {
            let selector: Selector = text.parse().unwrap();
            assert_eq!(selector.meant(&runs).as_deref(), expect, "{text}");
        };
        check("bios=1.2", None);
        check("bios=1.3", Some("bios=1.2"));
        check("os.kernel=x,bios.version=2.1", Some("bios=2.0"));
        check("tag=qiuet", Some("tag=quiet"));
        check("tag=something-else", None);
        check("quiet", Some("tag=quiet"));
        check("host=nod-1", Some("host=node-1"));
        check("profile=quik", Some("profile=quick"));
        check("nvme_fw=FW2", Some("nvme_fw=FW1"));
        check("lastest", Some("latest"));
        check("20260720T", Some("20260702T"));
        check("2026-07-09", None);
    }

    #[test]
    fn the_latest_was_sealed_last() {
        let mut runs = [
            listed("20990101T100000Z-0001", "1.2", "2099-01-01", ""),
            listed("20260702T100000Z-0002", "1.2", "2026-07-02", ""),
            listed("20260703T100000Z-0003", "1.3", "2026-07-03", ""),
        ];
        (runs[0].sealed, runs[1].sealed) = (Some(0), Some(1));
        runs[0].digest.host = "other".to_owned();
        let check = |text: &str, expect: &str| {
            let selector: Selector = text.parse().unwrap();
            let found = selector.select(&runs, &Annotated::default());
            assert_eq!(found.iter().map(|run| run.digest.id.as_str()).collect::<Vec<_>>(), [expect], "{text}");
        };
        check("latest", "20260702T100000Z-0002");
        check("latest,host=other", "20990101T100000Z-0001");
        check("latest,host=node-1", "20260702T100000Z-0002");
    }

    #[test]
    fn reserved_words_are_no_ids() {
        let check = |text: &str, expect: bool| assert_eq!(is_id(text), expect, "{text}");
        check("20260701T100000Z-0001", true);
        check("sim-1", true);
        for word in ["latest", "baseline", "2026-07-01", "2026-02-30", "a..b", "host=x", "", "a,b", "a b"] {
            check(word, false);
        }
    }

    #[test]
    fn what_is_no_selection_says_what_is_expected() {
        let check = |text: &str, expect: &str| {
            let error = text.parse::<Selector>().unwrap_err().to_string();
            assert!(error.contains(expect), "{text}: {error}");
        };
        check("", "a term is empty");
        check("bios=1.2,,", "a term is empty");
        check("colour=blue", "the key is none of bios, microcode");
        check("2026-07-01..", "a date on both sides");
        check("2026-02-30", "there is no such day");
        check("2026-02-01..2026-02-30", "a date on both sides");
        check("2026-07-05..2026-07-01", "turned round: write 2026-07-01..2026-07-05");
        check("what is this", "neither the beginning of a run's id");
    }

    #[test]
    fn conditions_hold_of_a_host() {
        let fingerprint = listed("1", "1.2", "2026-07-01", "").digest.fingerprint;
        let check = |text: &str, expect: bool| assert_eq!(holds(&fingerprint, text).unwrap(), expect, "{text}");
        check("bios=1.2", true);
        check("bios=1.3", false);
        check("microcode=0x2c", false);
        check("nvme_fw=FW1", true);
        assert!(holds(&fingerprint, "tag=quiet").is_err());
        assert_eq!(present(&fingerprint, "bios=1.3"), "1.2");
        assert_eq!(present(&fingerprint, "microcode=1"), "unknown");
        assert!(is_told(&fingerprint, "bios=9") && !is_told(&fingerprint, "microcode=1"));
    }
}
