//! Small utilities that every layer may use, each in a file named for its subject.

pub mod access;
pub mod container;
pub mod exit;
pub mod failure;
pub mod fs;
pub mod left_out;
pub mod lock;
pub mod memory;
pub mod mount;
pub mod plain;
pub mod problem;
pub mod progress;
pub mod quantity;
pub mod readers;
pub mod retry;
pub mod seed;
pub mod sha256;
pub mod step;
pub mod stop;
pub mod surroundings;
pub mod units;
