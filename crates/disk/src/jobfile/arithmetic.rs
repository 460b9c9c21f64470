//! Whole numbers with `+ - * /` and parentheses, as they stand beside `$ncpus` and its kin.

/// The value of an expression; `None` where it is none, or is below zero.
pub(super) fn evaluate(text: &str) -> Option<u64> {
    let mut rest = Rest { text: text.as_bytes(), depth: 0 };
    let value = rest.sum()?;
    rest.skip_blanks();
    if rest.text.is_empty() { u64::try_from(value).ok() } else { None }
}

struct Rest<'a> {
    text: &'a [u8],
    depth: u32,
}

impl Rest<'_> {
    fn skip_blanks(&mut self) {
        self.text = self.text.trim_ascii_start();
    }

    /// Takes one of these signs, if it comes next.
    fn take(&mut self, signs: &[u8]) -> Option<u8> {
        self.skip_blanks();
        let (&sign, rest) = self.text.split_first().filter(|(sign, _)| signs.contains(sign))?;
        self.text = rest;
        Some(sign)
    }

    fn sum(&mut self) -> Option<i64> {
        let mut value = self.product()?;
        while let Some(sign) = self.take(b"+-") {
            let other = self.product()?;
            value = if sign == b'+' { value.checked_add(other)? } else { value.checked_sub(other)? };
        }
        Some(value)
    }

    fn product(&mut self) -> Option<i64> {
        let mut value = self.number()?;
        while let Some(sign) = self.take(b"*/") {
            let other = self.number()?;
            value = if sign == b'*' { value.checked_mul(other)? } else { value.checked_div(other)? };
        }
        Some(value)
    }

    fn number(&mut self) -> Option<i64> {
        if self.take(b"(").is_some() {
            // A text of parentheses alone must not use up the stack.
            self.depth += 1;
            let value = if self.depth < 64 { self.sum()? } else { return None };
            self.depth -= 1;
            return self.take(b")").map(|_| value);
        }
        let digits = self.text.iter().take_while(|digit| digit.is_ascii_digit()).count();
        let (number, rest) = self.text.split_at(digits);
        self.text = rest;
        std::str::from_utf8(number).ok()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_of_whole_numbers() {
        let check = |text: &str, expect: Option<u64>| assert_eq!(evaluate(text), expect, "{text}");
        check("2", Some(2));
        check(" 2 * 3 + 4 / 2", Some(8));
        check("(2+3)*4", Some(20));
        check("7/2", Some(3));
        check("1-2", None);
        check("1/0", None);
        check("2*", None);
        check("4k", None);
        check("/dev/sda", None);
        check(&"(".repeat(10_000), None);
        check("9223372036854775807*2", None);
    }
}
