//! Small things that every layer may use, each in a file named for the one thing it is about.

pub mod access;
pub mod container;
pub mod exit;
pub mod fs;
pub mod left_out;
pub mod lock;
pub mod memory;
pub mod mount;
pub mod problem;
pub mod progress;
pub mod retry;
pub mod seed;
pub mod sha256;
pub mod stop;
pub mod units;
