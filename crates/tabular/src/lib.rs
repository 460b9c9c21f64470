//! The feature-engineering workload.
