//! The tools whose output is read.

use serde::{Deserialize, Serialize};

use crate::Error;

/// A tool whose output is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// fio's JSON.
    Fio,
    /// STREAM's text.
    Stream,
    /// HPL's text.
    Hpl,
    /// The text of the HPC Challenge suite.
    Hpcc,
    /// likwid-bench's text.
    LikwidBench,
    /// What stress-ng says of its stressor `stream`.
    StressNg,
    /// Intel's Memory Latency Checker.
    Mlc,
    /// `PerformanceTest` for Linux: its file of results.
    #[serde(rename = "passmark")]
    PassMark,
    /// NVIDIA's nvbandwidth.
    Nvbandwidth,
    /// The JSON of `dcgmi diag`.
    Dcgm,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 10] = [
        Format::Fio,
        Format::Stream,
        Format::Hpl,
        Format::Hpcc,
        Format::LikwidBench,
        Format::StressNg,
        Format::Mlc,
        Format::PassMark,
        Format::Nvbandwidth,
        Format::Dcgm,
    ];

    /// The word on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Fio => "fio",
            Format::Stream => "stream",
            Format::Hpl => "hpl",
            Format::Hpcc => "hpcc",
            Format::LikwidBench => "likwid-bench",
            Format::StressNg => "stress-ng",
            Format::Mlc => "mlc",
            Format::PassMark => "passmark",
            Format::Nvbandwidth => "nvbandwidth",
            Format::Dcgm => "dcgm",
        }
    }

    /// As people write it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Format::Fio => "fio",
            Format::Stream => "STREAM",
            Format::Hpl => "HPL",
            Format::Hpcc => "HPCC",
            Format::LikwidBench => "likwid-bench",
            Format::StressNg => "stress-ng",
            Format::Mlc => "Intel MLC",
            Format::PassMark => "PassMark PerformanceTest",
            Format::Nvbandwidth => "nvbandwidth",
            Format::Dcgm => "DCGM",
        }
    }

    pub(crate) fn names() -> String {
        Format::ALL.map(Format::title).join(", ")
    }

    /// Whether the tool's output begins in this line.
    fn begins(self, line: &str) -> bool {
        match self {
            Format::Fio => line.trim_start().starts_with("\"fio version\""),
            Format::Stream => line.starts_with("STREAM version $"),
            Format::Hpl => line.starts_with("HPLinpack ") && line.contains("High-Performance Linpack"),
            Format::Hpcc => line.starts_with("This is the DARPA/DOE HPC Challenge Benchmark"),
            Format::LikwidBench => line.starts_with("LIKWID MICRO BENCHMARK"),
            Format::StressNg => line.starts_with("stress-ng: ") && line.contains("dispatching hogs"),
            Format::Mlc => line.starts_with("Intel(R) Memory Latency Checker"),
            Format::PassMark => line.trim_start().starts_with("CPU_INTEGER_MATH:"),
            Format::Nvbandwidth => line.trim_start().starts_with("nvbandwidth Version"),
            Format::Dcgm => {
                let line = line.trim_start();
                ["\"DCGM GPU Diagnostic\"", "\"DCGM Diagnostic\""]
                    .iter()
                    .any(|mark| line.trim_start_matches('{').trim_start().starts_with(mark))
            }
        }
    }

    /// The tool that a text is of: the one whose marks stand in it.
    pub(crate) fn recognise(text: &str) -> Result<Format, Error> {
        let mut first = None;
        for (number, line) in (1..).zip(text.lines()) {
            let Some(found) = Format::ALL.into_iter().find(|format| format.begins(line)) else { continue };
            match first {
                None => first = Some(found),
                // HPCC runs HPL and prints what HPL prints.
                Some(Format::Hpcc) if found == Format::Hpl => {}
                // The same tool again, and several jobs of fio or tests of likwid-bench in a file, are its reader's affair.
                Some(known) if known == found => {}
                Some(known) => return Err(Error::Several { first: known, second: found, line: number }),
            }
        }
        first.ok_or(Error::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_known_by_their_marks() {
        let check = |text: &str, expect: Result<Format, &str>| match (Format::recognise(text), expect) {
            (found, Ok(format)) => assert_eq!(found, Ok(format), "{text}"),
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{text}: {error}"),
            (found, expect) => panic!("{text}: {found:?}, expected {expect:?}"),
        };
        check("fio: note\n{\n  \"fio version\" : \"fio-3.33\",\n", Ok(Format::Fio));
        check("---\nSTREAM version $Revision: 5.10 $\n", Ok(Format::Stream));
        check("{\"DCGM GPU Diagnostic\": {}}", Ok(Format::Dcgm));
        check("", Err("it is no output of fio, STREAM"));
        check("the STREAM version $ of a sentence", Err("--as"));
        check(
            "STREAM version $Revision: 5.10 $\nLIKWID MICRO BENCHMARK\n",
            Err("line 2: the output of likwid-bench begins inside"),
        );
        check(
            "This is the DARPA/DOE HPC Challenge Benchmark version 1.5.0\nHPLinpack 2.0 -- High-Performance Linpack benchmark\n",
            Ok(Format::Hpcc),
        );
    }
}
