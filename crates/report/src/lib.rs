//! View model to terminal tables.
