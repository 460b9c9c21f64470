//! What is said of an error.

/// An error with its causes, each once: some name theirs in their own words.
pub(crate) fn message(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.ends_with(&cause) {
            text += ": ";
            text += &cause;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    /// An error that names its cause, as those of the libraries do.
    #[derive(Debug)]
    struct Named {
        source: std::io::Error,
    }

    impl std::fmt::Display for Named {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "x could not be opened: {}", self.source)
        }
    }

    impl std::error::Error for Named {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.source)
        }
    }

    #[test]
    fn causes_are_said_once() {
        let named = || Named { source: std::io::Error::from_raw_os_error(2) };
        let check = |error: anyhow::Error, expect: &str| assert_eq!(message(&error), expect);
        check(named().into(), "x could not be opened: No such file or directory (os error 2)");
        let error = Err::<(), _>(named()).context("job.fio").unwrap_err();
        check(error, "job.fio: x could not be opened: No such file or directory (os error 2)");
        check(anyhow::anyhow!("inner").context("outer"), "outer: inner");
    }
}
