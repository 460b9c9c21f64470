//! Memory bandwidth and latency: kernels, cache sweep, node matrices, loaded latency.
