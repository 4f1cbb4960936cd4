//! The tasks that the engine can train, one folder each, with the same file names in each.

pub mod nowcast;
