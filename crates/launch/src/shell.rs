//! Words as a POSIX shell takes them.

/// A word as a shell takes it, in quotes where it would otherwise be split or mean something.
#[must_use]
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Words as a command.
#[must_use]
pub fn command<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_split_it() {
        let check = |word: &str, expect: &str| assert_eq!(quoted(word), expect);
        check("/data/results-1", "/data/results-1");
        check("stream,disk", "stream,disk");
        check("my results", "'my results'");
        check("it's", "'it'\\''s'");
        check("$HOME", "'$HOME'");
        check("~/x", "'~/x'");
        check("", "''");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// A shell gives back what was quoted, whatever it is.
        #[test]
        fn a_shell_reads_what_was_meant(words in prop::collection::vec("[^\0]{0,12}", 1..4)) {
            let script = format!("printf '%s\\0' {}", command(words.iter().map(String::as_str)));
            let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
            let expect: String = words.iter().flat_map(|word| [word.as_str(), "\0"]).collect();
            prop_assert_eq!(String::from_utf8(output.stdout).unwrap(), expect);
        }
    }
}
