//! Runs planned jobs: one thread and one ring for each worker, started together, watched once a second.
//!
//! A [`Session`] goes through phases (jobs that run together). Of each phase it writes the test files that are read
//! (`layout`), and starts the threads (`phase`), each of which makes its ring (`setup`), sends its requests by the rules of
//! its job (`requests`), and reads back what is to be verified (`verification`), while one looks on (`watch`) and reads the
//! counters of the devices at both ends of what is measured (`windows`).

mod failure;
mod layout;
mod phase;
mod requests;
mod session;
mod setup;
mod verification;
mod watch;
mod windows;

pub(crate) use failure::describe;
pub(crate) use requests::send_unmeasured;
pub(crate) use session::Session;
pub use session::run_jobs;
pub use watch::LiveRates;
pub(crate) use windows::Counted;
