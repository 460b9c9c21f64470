//! t04: the parts of addresses, and the families of browsers.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use polars_arrow::array::Utf8ViewArray;
use polars_core::prelude::*;

use super::columns::{does_not_fit, full, texts, with_nulls};
use crate::Error;
use crate::schema::Kind;

/// Most digits of an id; more would not fit 64 bits.
const ID_DIGITS: usize = 18;

static SLASHES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("//"));
static ID: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("id="));

/// Marks of browsers and their families, in the order in which they are tried: Edge says that it is Chrome, and Chrome
/// says that it is Safari.
static FAMILIES: LazyLock<[(Finder<'static>, &'static str); 4]> = LazyLock::new(|| {
    [("Edg", "edge"), ("Firefox", "firefox"), ("Chrome", "chrome"), ("Safari", "safari")]
        .map(|(mark, family)| (Finder::new(mark), family))
});

/// `url_host`, `url_depth`, `url_id`, `ua_family`, `url_len`.
pub(crate) fn columns(chunk: &DataFrame) -> Result<Vec<Column>, Error> {
    let urls = texts(chunk, "url")?;
    let rows = urls.len();
    let mut hosts = StringChunkedBuilder::new("url_host".into(), rows);
    let mut depths = Vec::with_capacity(rows);
    for url in urls.values_iter() {
        let (host, depth) = host_and_depth(url);
        hosts.append_value(host);
        depths.push(depth);
    }
    let length = |(row, url): (usize, &str)| {
        i32::try_from(url.len()).map_err(|_| does_not_fit(chunk, "url_len", Kind::I32, row))
    };
    let lengths = urls.values_iter().enumerate().map(length).collect::<Result<_, _>>()?;
    let families = texts(chunk, "ua")?;
    Ok(vec![
        hosts.finish().into_column(),
        full::<Int16Type>("url_depth", depths),
        with_nulls::<Int64Type>("url_id", urls.values_iter().map(id)),
        family_column(families),
        full::<Int32Type>("url_len", lengths),
    ])
}

fn family_column(agents: &Utf8ViewArray) -> Column {
    let mut families = StringChunkedBuilder::new("ua_family".into(), agents.len());
    for agent in agents.values_iter() {
        families.append_value(family(agent));
    }
    families.finish().into_column()
}

/// The host, and the number of slashes of the path, as far as its type counts.
fn host_and_depth(url: &str) -> (&str, i16) {
    let Some(slashes) = SLASHES.find(url.as_bytes()) else { return ("", 0) };
    let rest = &url[slashes + 2..];
    let end = rest.bytes().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    let (host, rest) = rest.split_at(end);
    let path = rest.bytes().take_while(|byte| !matches!(byte, b'?' | b'#'));
    let depth = path.filter(|&byte| byte == b'/').count();
    (host, i16::try_from(depth).unwrap_or(i16::MAX))
}

/// The digits of the first `[?&]id=([0-9]{1,18})`.
fn id(url: &str) -> Option<i64> {
    let bytes = url.as_bytes();
    ID.find_iter(bytes).find_map(|at| {
        let before = bytes[..at].last()?;
        let digits = bytes[at + 3..].iter().take(ID_DIGITS).take_while(|byte| byte.is_ascii_digit());
        let (count, value) = digits.fold((0, 0), |(n, value), digit| (n + 1, value * 10 + i64::from(digit - b'0')));
        (matches!(before, b'?' | b'&') && count > 0).then_some(value)
    })
}

fn family(agent: &str) -> &'static str {
    let found = FAMILIES.iter().find(|(mark, _)| mark.find(agent.as_bytes()).is_some());
    found.map_or("other", |(_, family)| family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_end_at_a_path_a_query_or_a_fragment() {
        for (url, expect) in [
            ("https://a.example/b/c?id=1", ("a.example", 2)),
            ("https://a.example?q=/x/y", ("a.example", 0)),
            ("https://a.example#/x", ("a.example", 0)),
            ("https://a.example", ("a.example", 0)),
            ("https://a.example/b//c/#/d", ("a.example", 4)),
            ("//h/é/", ("h", 2)),
            ("nothing", ("", 0)),
            ("", ("", 0)),
            (&format!("//h{}", "/".repeat(32_767)), ("h", 32_767)),
            (&format!("//h{}", "/".repeat(32_768)), ("h", 32_767)),
        ] {
            assert_eq!(host_and_depth(url), expect, "{url}");
        }
    }

    #[test]
    fn ids_are_those_of_the_expression() {
        for (url, expect) in [
            ("https://a/?id=42&id=7", Some(42)),
            ("https://a/?xid=42&id=7", Some(7)),
            ("https://a/?id=&id=7", Some(7)),
            ("https://a/?id=x", None),
            ("https://a/id=3", None),
            ("id=3", None),
            ("?id=1234567890123456789", Some(123_456_789_012_345_678)),
            ("?id=007", Some(7)),
        ] {
            assert_eq!(id(url), expect, "{url}");
        }
    }

    #[test]
    fn families_are_tried_in_order() {
        for (agent, expect) in [
            ("Mozilla/5.0 Chrome/1 Safari/1 Edg/1", "edge"),
            ("Mozilla/5.0 Chrome/1 Safari/1", "chrome"),
            ("Mozilla/5.0 Firefox/1", "firefox"),
            ("Mozilla/5.0 Version/1 Safari/1", "safari"),
            ("curl chrome", "other"),
        ] {
            assert_eq!(family(agent), expect, "{agent}");
        }
    }
}
