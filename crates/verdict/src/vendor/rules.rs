//! What is known of each tool, as rules: a pure function each, which says in words what a figure can and cannot show.

use import::{Format, Setting};
use measure::{FactValue, metrics};

use super::{Case, Remark, Worth, beyond, caches, memory, storage};

type Rule = fn(&Case<'_>) -> Option<Remark>;

/// All rules, in the order in which they are told of a figure where they weigh the same.
pub(super) const ALL: [Rule; 30] = [
    own_checks,
    beyond,
    caches::resident,
    caches::default_array,
    caches::taken_too_small,
    memory::not_verified,
    memory::residual,
    memory::does_not_fit,
    memory::links_of_gpu,
    storage::buffered,
    storage::a_share,
    storage::joined,
    storage::another_depth,
    storage::no_random_map,
    storage::mean_for_p99,
    storage::completion_for_all,
    storage::short,
    storage::small_file,
    another_host,
    another_processor,
    part_of_the_host,
    more_than_the_host,
    incomplete_score,
    memory::three_loads,
    memory::another_megabyte,
    memory::best_of,
    memory::write_allocate,
    memory::reads_alone,
    memory::order_and_memory,
    memory::one_process,
];

/// The file contradicts itself: a line of its own, or one that all figures rest on.
fn own_checks(case: &Case<'_>) -> Option<Remark> {
    let is_of_all = |line: usize| case.import.figures.iter().all(|figure| figure.line != line);
    let says: Vec<String> = (case.import.misfits.iter())
        .filter(|misfit| misfit.line == case.figure.line || is_of_all(misfit.line))
        .map(|misfit| format!("line {}: {}", misfit.line, misfit.says))
        .collect();
    (!says.is_empty()).then(|| Remark {
        rule: "contradicts itself",
        worth: Worth::Implausible,
        says: format!("The file contradicts itself, {}.", says.join("; ")),
    })
}

fn another_host(case: &Case<'_>) -> Option<Remark> {
    let told = case.import.host.as_ref().filter(|_| case.import.format == Format::Hpcc)?;
    (told.text != case.host.name).then(|| Remark {
        rule: "another host",
        worth: Worth::Inconclusive,
        says: format!(
            "The file names the host {} (line {}), and this is {}: whether they are one is not told.",
            told.text, told.line, case.host.name
        ),
    })
}

/// The words of a processor's name, without what vendors put around them.
fn words(name: &str) -> Vec<String> {
    let plain = name.to_lowercase().replace("(r)", " ").replace("(tm)", " ");
    let noise = ["cpu", "processor", "@"];
    plain
        .split_whitespace()
        .filter(|word| !noise.contains(word) && !word.ends_with("-core") && !word.ends_with("ghz"))
        .map(str::to_owned)
        .collect()
}

fn another_processor(case: &Case<'_>) -> Option<Remark> {
    let told = case.import.host.as_ref().filter(|_| case.import.format == Format::PassMark)?;
    let Some(FactValue::Text(model)) = case.host.facts.value("cpu.model") else { return None };
    (words(&told.text) != words(model)).then(|| Remark {
        rule: "another processor",
        worth: Worth::NotComparable,
        says: format!("It is of {} (line {}), and this host has {model}.", told.text, told.line),
    })
}

/// Threads that worked, in all.
fn workers(case: &Case<'_>) -> Option<(f64, String)> {
    let threads = case.number(Setting::Threads);
    match case.import.format {
        Format::Stream | Format::LikwidBench => threads.map(|threads| (threads, format!("{threads} threads"))),
        // HPCC tells how many threads STREAM had; HPL's it does not tell.
        Format::Hpcc => {
            let processes = case.number(Setting::Processes)?;
            let threads = threads?;
            Some((processes * threads, format!("{processes} processes of {threads} threads")))
        }
        Format::StressNg | Format::PassMark => {
            case.number(Setting::Processes).map(|processes| (processes, format!("{processes} processes")))
        }
        Format::Hpl | Format::Fio | Format::Mlc | Format::Nvbandwidth | Format::Dcgm => None,
    }
}

fn part_of_the_host(case: &Case<'_>) -> Option<Remark> {
    let ((workers, what), cores) = (workers(case)?, case.fact("cpu.cores")?);
    (case.metric.is_some() && workers < cores).then(|| Remark {
        rule: "a part of the host",
        worth: Worth::NotComparable,
        says: format!("{what} on a host with {cores} cores: the figure is of a part of it, and the whole may do more."),
    })
}

fn more_than_the_host(case: &Case<'_>) -> Option<Remark> {
    let threads = case.fact("cpu.threads")?;
    let grid = case.number(Setting::GridRows).zip(case.number(Setting::GridColumns));
    let (workers, what) = match grid {
        Some((rows, columns)) => (rows * columns, format!("{rows} × {columns} processes")),
        // Each process of HPCC has one thread at least.
        None => workers(case).or_else(|| {
            let processes = case.number(Setting::Processes).filter(|_| case.import.format == Format::Hpcc)?;
            Some((processes, format!("{processes} processes")))
        })?,
    };
    (workers > threads).then(|| Remark {
        rule: "more than the host",
        worth: Worth::NotComparable,
        says: format!(
            "{what} worked, and this host has {threads} hardware threads: it is of another host or of several."
        ),
    })
}

fn incomplete_score(case: &Case<'_>) -> Option<Remark> {
    if case.metric != Some(&metrics::CPU_BENCHMARK) {
        return None;
    }
    let missing = case.import.told(case.figure, Setting::Missing);
    let ended = case.number(Setting::Verified) == Some(1.0);
    let why = match (missing, ended) {
        (Some(tests), _) => format!("{} gave nothing (line {})", tests.text, tests.line),
        (None, false) => "the file does not say that the results are complete".to_owned(),
        (None, true) => return None,
    };
    let says = format!("The mark is a mean of nine tests, and {why}: it is not to be held beside others.");
    Some(Remark { rule: "incomplete", worth: Worth::Inconclusive, says })
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn processors_are_known_by_their_own_words() {
        let check =
            |one: &str, other: &str, expect: bool| assert_eq!(words(one) == words(other), expect, "{one}, {other}");
        check("AMD EPYC 7502P 32-Core Processor", "AMD EPYC 7502P", true);
        check("Intel(R) Core(TM) i9-9900K CPU @ 3.60GHz", "Intel Core i9-9900K", true);
        check("AMD EPYC 7502P 32-Core Processor", "AMD EPYC 7502", false);
    }
}
