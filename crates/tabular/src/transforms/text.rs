//! t04: the parts of addresses, and the families of browsers.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use polars_arrow::array::Utf8ViewArray;
use polars_core::prelude::*;

use super::columns::{does_not_fit, full, texts, with_nulls};
use super::places::places;
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
    let mut ids = Vec::with_capacity(rows);
    for url in urls.values_iter() {
        let Parts { host, depth, id } = Parts::of(url);
        hosts.append_value(host);
        depths.push(depth);
        ids.push(id);
    }
    let length = |(row, url): (usize, &str)| {
        i32::try_from(url.len()).map_err(|_| does_not_fit(chunk, "url_len", Kind::I32, row))
    };
    let lengths = urls.values_iter().enumerate().map(length).collect::<Result<_, _>>()?;
    let families = texts(chunk, "ua")?;
    Ok(vec![
        hosts.finish().into_column(),
        full::<Int16Type>("url_depth", depths),
        with_nulls::<Int64Type>("url_id", ids.into_iter()),
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

/// What is asked of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parts<'a> {
    host: &'a str,
    depth: i16,
    id: Option<i64>,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Parts<'a> {
        Parts::by_places(url).unwrap_or_else(|| {
            let (host, depth) = host_and_depth(url);
            Parts { host, depth, id: id(url) }
        })
    }

    /// The same by where the bytes that matter are, if it is neither short nor long.
    fn by_places(url: &'a str) -> Option<Parts<'a>> {
        let [slashes, queries, fragments, equals] = places(url.as_bytes(), *b"/?#=")?;
        let id = each_place(equals).find_map(|at| id_behind(url.as_bytes(), at.checked_sub(2)?));
        let double = slashes & slashes >> 1;
        if double == 0 {
            return Some(Parts { host: "", depth: 0, id });
        }
        let start = double.trailing_zeros() + 2;
        let behind = |bits: u128| bits.checked_shr(start).unwrap_or(0);
        let path = behind(queries | fragments).trailing_zeros();
        let slashes = behind(slashes) & 1_u128.checked_shl(path).unwrap_or(0).wrapping_sub(1);
        let end = slashes.trailing_zeros().min(path).min(url.len() as u32 - start);
        let host = &url[start as usize..(start + end) as usize];
        // It has as many as bits at most.
        Some(Parts { host, depth: slashes.count_ones() as i16, id })
    }
}

/// The places of bits.
fn each_place(mut bits: u128) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (bits != 0).then(|| bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        place
    })
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
    ID.find_iter(bytes).find_map(|at| id_behind(bytes, at))
}

/// The digits behind `id=`, if that is what begins there, and a parameter.
fn id_behind(bytes: &[u8], at: usize) -> Option<i64> {
    let begins = bytes.get(at.checked_sub(1)?..at + 3)?;
    if !matches!(begins, b"?id=" | b"&id=") {
        return None;
    }
    let digits = bytes[at + 3..].iter().take(ID_DIGITS).take_while(|byte| byte.is_ascii_digit());
    let (count, value) = digits.fold((0, 0), |(n, value), digit| (n + 1, value * 10 + i64::from(digit - b'0')));
    (count > 0).then_some(value)
}

fn family(agent: &str) -> &'static str {
    let bytes = agent.as_bytes();
    let found = match places(bytes, *b"EFCS") {
        Some(initials) => FAMILIES
            .iter()
            .zip(initials)
            .find(|((mark, _), initials)| each_place(*initials).any(|at| bytes[at..].starts_with(mark.needle()))),
        None => FAMILIES.iter().zip([0; 4]).find(|((mark, _), _)| mark.find(bytes).is_some()),
    };
    found.map_or("other", |((_, family), _)| family)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_are_the_same_by_places(url in "[/?#&=id1é-]{0,100}", agent in "(Edg|Firefox|Chrome|Safari|E|Fi|C|S|é| ){0,40}") {
            let (host, depth) = host_and_depth(&url);
            prop_assert_eq!(Parts::of(&url), Parts { host, depth, id: id(&url) });
            let found = FAMILIES.iter().find(|(mark, _)| agent.contains(std::str::from_utf8(mark.needle()).unwrap()));
            prop_assert_eq!(family(&agent), found.map_or("other", |(_, family)| family));
        }
    }

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
