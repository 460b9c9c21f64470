//! What a help text lists.

/// Names below the headings of a help text that list commands.
pub(crate) fn commands(help: &str) -> Vec<String> {
    const HEADINGS: [&str; 7] =
        ["Commands:", "Measure:", "Judge:", "Report:", "Over time:", "This host:", "For shells and programs:"];
    let mut listing = false;
    let mut names = Vec::new();
    for line in help.lines() {
        listing = HEADINGS.contains(&line) || listing && !line.is_empty();
        if listing && line.starts_with("  ") && !line.starts_with("   ") {
            names.extend(line.split_whitespace().next().filter(|name| *name != "help").map(str::to_owned));
        }
    }
    names
}
