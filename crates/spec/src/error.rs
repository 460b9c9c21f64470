//! Why a specification is refused: where, which field, what was expected.

/// A specification that was refused; `Display` is a line that an editor can jump to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {field}: {problem}; expected {expected}")]
pub struct Error {
    /// Name of the file, as it was given.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Path of the field: `system.target.value`; `file` where no field is concerned.
    pub field: String,
    /// What was found.
    pub problem: String,
    /// What would have been right.
    pub expected: String,
}

impl Error {
    /// An error at a byte of the text.
    pub(crate) fn at(file: &str, text: &str, byte: usize, field: &str, problem: String, expected: String) -> Self {
        let (line, column) = position(text, byte);
        Error { file: file.to_owned(), line, column, field: field.to_owned(), problem, expected }
    }

    /// An error of the TOML reader or of a wire type, with the position that it knows.
    pub(crate) fn from_toml(file: &str, text: &str, error: &mut toml::de::Error) -> Self {
        let byte = error.span().map_or(0, |span| span.start);
        let message = error.message().trim().to_owned();
        // The keys are printed only for an error without its input, and are to be had in no other way.
        error.set_input(None);
        let printed = error.to_string();
        let keys = printed.lines().find_map(|line| line.strip_prefix("in `")?.strip_suffix('`'));
        let (problem, expected) = match message.split_once(", expected ") {
            Some((problem, expected)) => (problem.to_owned(), expected.to_owned()),
            None => match message.strip_prefix("missing field ") {
                Some(field) => (message.clone(), format!("the field {field} in this table")),
                None => (message, "a specification in TOML".to_owned()),
            },
        };
        let mut field = keys.unwrap_or("file").to_owned();
        if let Some(unknown) = problem.strip_prefix("unknown field `").and_then(|rest| rest.strip_suffix('`')) {
            field = if keys.is_some() { format!("{field}.{unknown}") } else { unknown.to_owned() };
        }
        Error::at(file, text, byte, &field, problem, expected)
    }
}

/// Line and column, both from 1, of a byte of the text.
fn position(text: &str, byte: usize) -> (usize, usize) {
    let mut end = byte.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::position;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let check = |byte, expect| assert_eq!(position("µs\nab\n", byte), expect, "{byte}");
        check(0, (1, 1));
        check(1, (1, 1));
        check(2, (1, 2));
        check(4, (2, 1));
        check(6, (2, 3));
        check(99, (3, 1));
    }
}
