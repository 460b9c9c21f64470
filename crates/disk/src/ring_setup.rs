//! Making a ring with the best flags that this kernel has, and what came of them.

use std::io;

use io_uring::{IoUring, Probe, opcode};

use crate::Error;
use crate::job::IoFlags;

/// Milliseconds after which a submission thread without work sleeps.
const SQPOLL_IDLE: u32 = 1000;

/// What the kernel granted, and what it refused.
#[expect(clippy::struct_excessive_bools, reason = "each is granted or refused by itself")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// The flags of the ring: `SINGLE_ISSUER DEFER_TASKRUN`.
    pub setup: String,
    /// Files are registered.
    pub fixed_files: bool,
    /// Buffers are registered.
    pub fixed_buffers: bool,
    /// Completions are polled for (`IORING_SETUP_IOPOLL`).
    pub iopoll: bool,
    /// A kernel thread submits (`IORING_SETUP_SQPOLL`).
    pub sqpoll: bool,
    /// Workers of io-wq do the requests, since the kernel cannot try them without blocking.
    pub uses_io_wq: bool,
    /// What was asked for and refused, with the reason.
    pub refused: Vec<String>,
}

/// How the kernel runs what completes a request.
#[derive(Clone, Copy)]
enum TaskRun {
    /// When the task enters the kernel to wait (`IORING_SETUP_DEFER_TASKRUN`).
    Deferred,
    /// When the task enters the kernel, without an interrupt for it (`IORING_SETUP_COOP_TASKRUN`).
    Cooperative,
    /// As without a flag.
    Interrupting,
}

/// Flags to try a ring with.
#[derive(Clone, Copy)]
struct SetupFlags {
    name: &'static str,
    single_issuer: bool,
    task_run: TaskRun,
    no_sqarray: bool,
}

const fn setup_flags(name: &'static str, single_issuer: bool, task_run: TaskRun, no_sqarray: bool) -> SetupFlags {
    SetupFlags { name, single_issuer, task_run, no_sqarray }
}

/// Where the worker submits, the best first.
const SUBMITTING: &[SetupFlags] = &[
    setup_flags("SINGLE_ISSUER DEFER_TASKRUN NO_SQARRAY", true, TaskRun::Deferred, true),
    setup_flags("SINGLE_ISSUER DEFER_TASKRUN", true, TaskRun::Deferred, false),
    setup_flags("SINGLE_ISSUER COOP_TASKRUN", true, TaskRun::Cooperative, false),
    setup_flags("plain", false, TaskRun::Interrupting, false),
];

/// Where a thread of the kernel submits.
const SQPOLL: &[SetupFlags] = &[
    setup_flags("SQPOLL SINGLE_ISSUER", true, TaskRun::Interrupting, false),
    setup_flags("SQPOLL", false, TaskRun::Interrupting, false),
];

impl SetupFlags {
    fn build(self, depth: u32, sqpoll: bool, iopoll: bool) -> io::Result<IoUring> {
        let mut builder = IoUring::builder();
        builder.setup_submit_all();
        if self.single_issuer {
            builder.setup_single_issuer();
        }
        match self.task_run {
            TaskRun::Deferred => builder.setup_defer_taskrun(),
            TaskRun::Cooperative => builder.setup_coop_taskrun(),
            TaskRun::Interrupting => &mut builder,
        };
        if sqpoll {
            builder.setup_sqpoll(SQPOLL_IDLE);
        }
        if self.no_sqarray {
            builder.setup_no_sqarray();
        }
        if iopoll {
            builder.setup_iopoll();
        }
        // The kernel thread may complete a request before it gives its entry back: then a second set is needed.
        builder.build(depth.max(1) * if sqpoll { 2 } else { 1 })
    }
}

/// Makes the ring with the best flags that this kernel has.
pub(crate) fn set_up(depth: u32, flags: IoFlags, granted: &mut Granted) -> Result<IoUring, Error> {
    let tries = |wanted: bool| if wanted { [true, false].as_slice() } else { &[false] };
    let mut last = io::Error::other("no ring was tried");
    for &sqpoll in tries(flags.sqpoll) {
        for &iopoll in tries(flags.iopoll) {
            for setup in if sqpoll { SQPOLL } else { SUBMITTING } {
                match setup.build(depth, sqpoll, iopoll) {
                    Ok(ring) => {
                        granted.note(flags, setup.name, sqpoll, iopoll);
                        return Ok(ring);
                    }
                    Err(error) => last = error,
                }
            }
        }
    }
    let what = "no ring could be set up (kernel.io_uring_disabled must be 0, and a container must allow io_uring)";
    Err(Error::Ring { what, source: last })
}

impl Granted {
    /// Takes down what a ring was made with.
    fn note(&mut self, wanted: IoFlags, setup: &str, sqpoll: bool, iopoll: bool) {
        self.setup = format!("{setup}{}", if iopoll { " IOPOLL" } else { "" });
        (self.iopoll, self.sqpoll) = (iopoll, sqpoll);
        if wanted.iopoll && !iopoll {
            self.refused.push("IOPOLL (hipri): the kernel refused IORING_SETUP_IOPOLL".to_owned());
        }
        if wanted.sqpoll && !sqpoll {
            self.refused.push("SQPOLL (sqthread_poll): the kernel refused IORING_SETUP_SQPOLL".to_owned());
        }
    }
}

/// Whether this process may use `io_uring` at all, and the operations that the engine needs.
pub fn available() -> Result<(), Error> {
    let wrong = |source| Error::Ring {
        what: "not available here (kernel.io_uring_disabled must be 0, and a container must allow io_uring)",
        source,
    };
    let ring = IoUring::new(2).map_err(wrong)?;
    let mut probe = Probe::new();
    ring.submitter().register_probe(&mut probe).map_err(wrong)?;
    let needed = [opcode::Read::CODE, opcode::Write::CODE, opcode::ReadFixed::CODE, opcode::WriteFixed::CODE];
    if needed.iter().all(|&code| probe.is_supported(code)) {
        Ok(())
    } else {
        Err(wrong(io::Error::other("Linux 5.6 or later is needed")))
    }
}
