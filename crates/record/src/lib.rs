//! The format on disk and on the worker's pipe, and the store under results/.
