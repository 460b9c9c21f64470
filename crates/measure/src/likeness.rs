//! What was probably meant.

/// Of what is less alike, more than a third of the letters are others.
const ALIKE: f64 = 0.65;

/// The one that is written most like this text, however unlike that is; of several the last.
pub fn most_alike<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |known: &str| strsim::normalized_damerau_levenshtein(known, text);
    known.into_iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
}

/// The one that is written most like this text, where one is written like it at all.
pub fn alike<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    most_alike(text, known).filter(|near| strsim::normalized_damerau_levenshtein(near, text) >= ALIKE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_alike_was_probably_meant() {
        let known = ["latest", "baseline", "1.2", "1.3"];
        let check = |text: &str, most: &str, expect: Option<&str>| {
            assert_eq!((most_alike(text, known), alike(text, known)), (Some(most), expect), "{text}");
        };
        check("latset", "latest", Some("latest"));
        check("base-line", "baseline", Some("baseline"));
        check("1.2", "1.2", Some("1.2"));
        check("1.4", "1.3", Some("1.3"));
        check("bass", "baseline", None);
        assert_eq!((most_alike("x", []), alike("x", [])), (None, None));
    }
}
