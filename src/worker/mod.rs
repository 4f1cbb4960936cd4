//! The stages of a run, each finished once and skipped when it is.
