//! An io_uring load generator: job, pattern, ring, histogram.
