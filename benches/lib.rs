//! Criterion benches of the kernels; see the folder `benches/`.
