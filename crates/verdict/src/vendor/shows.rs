//! What a tool's figure can show and what not, in a sentence.

use import::{Figure, Format, Setting, Statistic};

pub(super) fn shows(format: Format, figure: &Figure) -> &'static str {
    match format {
        Format::Stream => {
            "the best rate that memory gave the loops as a compiler made them; with ordinary stores about a quarter to a \
                           third less than non-temporal ones, and not where threads and pages were"
        }
        _ if figure.name == "HPL" => {
            "the rate of solving one system, where the residual is small; not whether the host keeps it for hours"
        }
        Format::Hpcc if figure.name.starts_with("Star") => {
            "the mean of a process while all work; the host's is that of all together"
        }
        Format::Hpl | Format::Hpcc => {
            "what one process, or all with their messages, did; not the host's memory or arithmetic alone"
        }
        Format::LikwidBench => {
            "the rate of one loop in assembly over all threads, as loads and stores of the loop; not what the bus moves"
        }
        Format::StressNg => "that memory was under load; not a bandwidth that others measure",
        Format::Mlc if figure.name.contains("latency") => {
            "the time of a dependent load, without its prefetchers where it could switch them off"
        }
        Format::Mlc => {
            "the most that all threads could ask of memory in this mix of reads and writes; not the rate of a program"
        }
        Format::PassMark => {
            "a closed program's score over nine tests; nothing bounds it, and it holds for no workload but itself"
        }
        Format::Nvbandwidth | Format::Dcgm => {
            "what a link carried between a GPU and its peer; not what a program reaches"
        }
        Format::Fio if figure.statistic == Statistic::P99 => {
            "the time that 99 of 100 requests took at most at this depth"
        }
        Format::Fio if figure.settings.contains_key(&Setting::LatencyKind) => {
            "the mean time of a request; nothing of its tail"
        }
        Format::Fio => {
            "the mean over the whole run at this depth and block; not that it lasts, nor the p99 that it cost"
        }
    }
}
