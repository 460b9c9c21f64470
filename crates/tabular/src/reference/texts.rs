//! t04 `text_extract`.
#![expect(clippy::cast_possible_wrap, reason = "lengths of texts")]

use arrow_array::builder::StringBuilder;

use super::source::Source;
use crate::cells::Cells;
use crate::error::Error;

/// The depth of an address that is deeper than its type can say.
const DEEPEST: i64 = 32_767;

pub(super) fn text_extract(source: &Source) -> Result<Vec<Cells>, Error> {
    let (mut hosts, mut families) = (StringBuilder::new(), StringBuilder::new());
    let (mut depths, mut ids, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
    source.each(&["url", "ua"], |cells, at| {
        let url = cells[0].text(at).unwrap_or("");
        let (host, path) = host_and_path(url);
        hosts.append_value(host);
        depths.push(Some((path.matches('/').count() as i64).min(DEEPEST)));
        ids.push(id(url));
        families.append_value(family(cells[1].text(at).unwrap_or("")));
        lengths.push(Some(url.len() as i64));
    })?;
    Ok(vec![
        Cells::Text(hosts.finish()),
        Cells::Int(depths),
        Cells::Int(ids),
        Cells::Text(families.finish()),
        Cells::Int(lengths),
    ])
}

/// What lies between the first `//` and the next of `/ ? #`, and from there to the next of `? #`. An address without
/// `//` has neither.
fn host_and_path(url: &str) -> (&str, &str) {
    let Some(start) = url.find("//") else { return ("", "") };
    let rest = &url[start + 2..];
    let (host, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    (host, &rest[..rest.find(['?', '#']).unwrap_or(rest.len())])
}

/// The digits of the first `[?&]id=([0-9]{1,18})`.
fn id(url: &str) -> Option<i64> {
    let starts = url.match_indices("id=").filter(|&(at, _)| url[..at].ends_with(['?', '&']));
    let digits = |at: usize| -> String { url[at + 3..].chars().take_while(char::is_ascii_digit).take(18).collect() };
    starts.map(|(at, _)| digits(at)).find(|digits| !digits.is_empty()).and_then(|digits| digits.parse().ok())
}

/// The first of the four browsers, in this order, whose name is in a user agent.
fn family(agent: &str) -> &'static str {
    let names = [("Edg", "edge"), ("Firefox", "firefox"), ("Chrome", "chrome"), ("Safari", "safari")];
    names.iter().find(|(name, _)| agent.contains(name)).map_or("other", |(_, family)| family)
}
