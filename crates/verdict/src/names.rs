//! Whether two names name one part: exact in the model's words, after what is no part of a model is taken off.

use std::iter::Peekable;

/// Whether the host's name is the documented one.
///
/// Clock, number of cores, generation, trade marks, remarks in parentheses and the words "CPU" and "processor" are no
/// part of a model. A vendor may be named on one side alone, but two vendors are never one. Where a part ends and the
/// next begins is written in many ways (RAID 1, raid1; A100-PCIE, A100 PCIe), so the words are compared joined.
pub(crate) fn same_name(documented: &str, found: &str) -> bool {
    let (documented, found) = (Name::read(documented), Name::read(found));
    match (documented.vendor, found.vendor) {
        (Some(one), Some(other)) if one != other => false,
        (Some(_), Some(_)) => documented.model == found.model,
        _ => !documented.model.is_empty() && documented.model == found.model,
    }
}

/// Whether the host's properties hold all documented ones: a "DDR5 ECC RDIMM" is DDR5, and no DDR4.
pub(crate) fn has_words(documented: &str, found: &str) -> bool {
    let found = words(found);
    let wanted = words(documented);
    !wanted.is_empty() && wanted.iter().all(|word| found.contains(word))
}

/// A form factor; "2.5in" is what a U.2 drive is called by its size.
pub(crate) fn same_form(documented: &str, found: &str) -> bool {
    let form = |text: &str| match words(&text.replace('"', "in")).concat().as_str() {
        "2.5in" | "2.5inch" | "u.2" => "u.2".to_owned(),
        other => other.to_owned(),
    };
    !form(documented).is_empty() && form(documented) == form(found)
}

/// How drives are joined; a mirror is RAID 1 by whatever software.
pub(crate) fn same_layout(documented: &str, found: &str) -> bool {
    let is_mirror = |layout: &str| same_name(layout, "raid1") || words(layout).iter().any(|word| word == "mirror");
    same_name(documented, found) || (is_mirror(documented) && is_mirror(found))
}

struct Name {
    vendor: Option<&'static str>,
    model: String,
}

impl Name {
    fn read(text: &str) -> Name {
        let mut name = Name { vendor: None, model: String::new() };
        let words = part_words(text);
        let mut words = words.iter().map(String::as_str).peekable();
        while let Some(word) = words.next() {
            if let Some(vendor) = vendor(word) {
                name.vendor = Some(vendor);
            } else if !is_aside(word, &mut words) {
                name.model.push_str(word);
            }
        }
        name
    }
}

fn vendor(word: &str) -> Option<&'static str> {
    match word {
        "intel" | "genuineintel" => Some("intel"),
        "amd" | "authenticamd" => Some("amd"),
        "nvidia" => Some("nvidia"),
        // Makers of systems and boards: firmware tables give them beside the product, documents often do not.
        "supermicro" => Some("supermicro"),
        "dell" => Some("dell"),
        "hpe" => Some("hpe"),
        "lenovo" => Some("lenovo"),
        "gigabyte" => Some("gigabyte"),
        "asus" | "asustek" => Some("asus"),
        _ => None,
    }
}

/// Whether a word is no part of the model; what follows it and belongs to it is taken as well.
fn is_aside<'a>(word: &str, rest: &mut Peekable<impl Iterator<Item = &'a str>>) -> bool {
    let number = |text: &str| !text.is_empty() && text.chars().all(|sign| sign.is_ascii_digit() || sign == '.');
    let ends = |tails: &[&str]| tails.iter().any(|tail| word.strip_suffix(tail).is_some_and(number));
    let follows = |next: &&str| match *next {
        "ghz" | "mhz" | "core" | "cores" => number(word),
        "gen" => ["st", "nd", "rd", "th"].iter().any(|tail| word.strip_suffix(tail).is_some_and(number)),
        _ => false,
    };
    if rest.next_if(follows).is_some() {
        return true;
    }
    // 8C/16T
    let threads = |next: &&str| next.strip_suffix('t').is_some_and(number);
    if word.strip_suffix('c').is_some_and(number) && rest.next_if(threads).is_some() {
        return true;
    }
    matches!(word, "cpu" | "processor") || ends(&["ghz", "mhz", "core", "cores"])
}

/// The words without remarks in parentheses, which hold trade marks and code names.
fn part_words(text: &str) -> Vec<String> {
    let mut depth = 0_u32;
    let mut bare = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => bare.push(sign),
            _ => {}
        }
        if sign == ')' {
            bare.push(' ');
        }
    }
    words(&bare)
}

/// The words in lower case, without trade marks. A plus is part of a name: 8580 and 8580+ are two processors.
pub(crate) fn words(text: &str) -> Vec<String> {
    let text = text.to_lowercase().replace("(r)", " ").replace("(tm)", " ");
    let words = text.split(|sign: char| !sign.is_alphanumeric() && sign != '+' && sign != '.');
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_its_words_and_no_other_model() {
        let check = |documented: &str, found: &str, expect: bool| {
            assert_eq!(same_name(documented, found), expect, "{documented} and {found}");
            assert_eq!(same_name(found, documented), expect, "{found} and {documented}");
        };
        check("Intel Core i9-13900", "13th Gen Intel(R) Core(TM) i9-13900", true);
        check("Intel Core i9-13900", "13th Gen Intel(R) Core(TM) i9-13900K", false);
        check("Intel Core i7-7700", "Intel(R) Core(TM) i7-7700 CPU @ 3.60GHz", true);
        check("Intel Core i7-7700", "Intel® Core™ i7-7700 3.6 GHz", true);
        check("Intel Core i7-7700", "Intel(R) Core(TM) i7-7700K CPU @ 4.20GHz", false);
        check("Intel Core i7-7700", "AMD Ryzen 7 7700 8-Core Processor", false);
        check("Ryzen 7 7700", "AMD Ryzen 7 7700 8-Core Processor", true);
        check("AMD Ryzen 7 7700", "AMD Ryzen 7 7700X 8-Core Processor", false);
        check("AMD Ryzen 7 7700", "Ryzen 7 7700 8C/16T", true);
        check("AMD Ryzen 9 7950X", "AMD Ryzen 9 7950X 16-Core Processor", true);
        check("AMD Ryzen 9 7950X", "AMD Ryzen 9 7950X3D 16-Core Processor", false);
        check("AMD EPYC 7502P", "AMD EPYC 7502P 32-Core Processor", true);
        check("AMD EPYC 7502P", "AMD EPYC 7502 32-Core Processor", false);
        check("Intel Xeon Gold 8580+", "Intel(R) Xeon(R) Gold 8580+", true);
        check("Intel Xeon Gold 8580+", "Intel(R) Xeon(R) Gold 8580", false);
        check("NVIDIA A100-PCIE-40GB", "A100 PCIe 40GB", true);
        check("NVIDIA A100", "NVIDIA A1000", false);
        check("NVIDIA H100 PCIe", "NVIDIA H100 PCIe", true);
        check("NVIDIA H100 PCIe", "NVIDIA H100 80GB HBM3", false);
        check("RAID 1", "raid1", true);
        check("RAID 1", "raid10", false);
        check("x86-64", "x86_64", true);
        check("Intel", "GenuineIntel", true);
        check("Intel", "AuthenticAMD", false);
        check("Intel C741", "Intel C741 (Emmitsburg)", true);
        check("Intel C741", "Intel C741A", false);
        check("Dual-Socket Proprietary Board", "Supermicro Dual-Socket Proprietary Board", true);
        check("Dual-Socket Proprietary Board", "Supermicro Dual-Socket Board", false);
        check("Supermicro SYS-7508B-T", "Supermicro SYS-7508B-T", true);
        check("Supermicro SYS-7508B-T", "Dell SYS-7508B-T", false);
        check("", "anything", false);
        check("", "", false);
    }

    #[test]
    fn properties_and_form_factors_have_rules_of_their_own() {
        let check = |rule: fn(&str, &str) -> bool, documented: &str, found: &str, expect: bool| {
            assert_eq!(rule(documented, found), expect, "{documented} and {found}");
        };
        check(has_words, "DDR5", "DDR5 ECC RDIMM", true);
        check(has_words, "DDR5 ECC RDIMM", "DDR5 UDIMM", false);
        check(has_words, "DDR4", "DDR5", false);
        check(has_words, "", "DDR5", false);
        check(same_form, "2.5in", "U.2", true);
        check(same_form, "2.5\"", "U.2", true);
        check(same_form, "E3.S", "E3", false);
        check(same_form, "U.2", "M.2", false);
    }
}
