//! The commands in the help, by what somebody wants to do.

use clap::Command;

/// A heading, and the commands below it; a test holds that each command is below one.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Measure", &["run", "accept", "disk", "features", "campaign", "fleet", "soak"]),
    ("Judge", &["judge", "import", "audit", "spec"]),
    ("Report", &["show", "diff", "report", "dossier"]),
    ("Over time", &["compare", "noise", "trend", "baseline", "store", "watch"]),
    ("This host", &["inspect", "doctor", "plan"]),
    ("For shells and programs", &["completions", "schema"]),
];

/// Columns in front of what a command does.
const INDENT: usize = 12;
/// No help is wider: a line that is longer is hard to read.
const WIDEST: usize = 100;

/// The program's help with its commands in groups, in so many columns.
pub(crate) fn grouped(command: Command, width: u16) -> Command {
    let width = usize::from(width).min(WIDEST);
    let group = |(heading, names): &(&str, &[&str])| {
        let found = names.iter().filter_map(|name| command.find_subcommand(name));
        format!("{heading}:\n{}\n", found.map(|below| line(below, width)).collect::<String>())
    };
    let groups: String = GROUPS.iter().map(group).collect();
    // The template's own marks stand in braces.
    let groups = groups.replace('{', "(").replace('}', ")");
    command
        .help_template(format!("{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{groups}Options:\n{{options}}"))
}

fn line(command: &Command, width: usize) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut lines = vec![format!("  {:1$}", command.get_name(), INDENT - 2)];
    for word in about.split_whitespace() {
        let last = lines.last_mut().expect("there is one");
        if last.chars().count() > INDENT && last.chars().count() + 1 + word.chars().count() > width {
            lines.push(format!("{:INDENT$}{word}", ""));
        } else {
            if last.chars().count() > INDENT {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Arguments;
    use clap::CommandFactory;

    #[test]
    fn every_command_is_in_one_group() {
        let grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let command = Arguments::command();
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            let count = grouped.iter().filter(|name| **name == below.get_name()).count();
            assert_eq!(count, 1, "{}", below.get_name());
        }
        assert!(grouped.iter().all(|name| command.find_subcommand(name).is_some()));
    }

    #[test]
    fn lines_are_indented() {
        let command = Command::new("run").about("one two three four five six");
        assert_eq!(line(&command, 30), "  run       one two three four\n            five six\n");
    }
}
