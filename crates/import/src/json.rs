//! JSON whose values are known by the line in which they stand.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Error;
use crate::text::shortened;

/// The first JSON document of a text, which begins at the beginning of a line.
pub(crate) fn document<'a, T: Deserialize<'a>>(text: &'a str, tool: &str) -> Result<T, Error> {
    let mut at = 0;
    let found = text.split_inclusive('\n').find(|line| {
        let begins = line.trim_start().starts_with('{');
        at += if begins { 0 } else { line.len() };
        begins
    });
    let lines_before = text[..at].matches('\n').count();
    if found.is_none() {
        return Err(Error::at(lines_before.max(1), format!("there is no JSON of {tool} in it")));
    }
    let mut documents = serde_json::Deserializer::from_str(&text[at..]).into_iter::<T>();
    match documents.next() {
        Some(Ok(document)) => Ok(document),
        Some(Err(error)) if error.is_eof() => {
            Err(Error::at(lines_before + error.line().max(1), format!("the JSON of {tool} ends before its end")))
        }
        Some(Err(error)) => {
            let words = error.to_string();
            let what = words.split(" at line ").next().unwrap_or_default();
            Err(Error::at(
                lines_before + error.line().max(1),
                format!("this is not the JSON of {tool}: {}", shortened(what)),
            ))
        }
        None => Err(Error::at(lines_before.max(1), format!("there is no JSON of {tool} in it"))),
    }
}

/// A text as it stands, without its quotes; what is escaped in it stays so.
pub(crate) fn unquoted(value: &RawValue) -> &str {
    value.get().trim_matches('"')
}

/// A number of a job, with its line.
#[derive(Clone, Copy)]
pub(crate) struct Number<'a> {
    pub(crate) line: usize,
    pub(crate) text: &'a str,
    pub(crate) value: f64,
}

/// Tells in which line of a text a value stands.
pub(crate) struct Reader {
    begin: usize,
    /// Where lines end.
    ends: Vec<usize>,
}

impl Reader {
    pub(crate) fn of(text: &str) -> Reader {
        Reader { begin: text.as_ptr().addr(), ends: text.match_indices('\n').map(|(at, _)| at).collect() }
    }

    /// The line in which a value stands, from 1.
    pub(crate) fn line_of(&self, value: &RawValue) -> usize {
        let offset = value.get().as_ptr().addr().saturating_sub(self.begin);
        1 + self.ends.partition_point(|end| *end < offset)
    }

    pub(crate) fn number<'a>(&self, what: &str, value: &'a RawValue) -> Result<Number<'a>, Error> {
        let line = self.line_of(value);
        let text = value.get();
        Ok(Number { line, text, value: crate::text::number(line, what, text)? })
    }
}
