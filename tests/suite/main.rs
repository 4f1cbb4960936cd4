//! The integration tests, in one binary: they run the real program.

#![cfg(test)]

mod acquire;
mod acquire_kill;
mod architecture;
mod characters;
mod cli;
mod compare;
mod completions;
mod config;
mod deadline;
mod doctor;
mod evaluate;
mod export;
mod failed;
mod fetch;
mod fetch_drive;
mod fetch_kill;
mod fuzz;
mod health;
mod images;
mod installed;
mod kept;
mod kill;
mod memory;
mod messages;
mod mirror;
mod numbers;
mod predict;
mod prepare;
mod program;
mod quantity;
mod report;
mod resumed;
mod runs;
mod s3;
mod server;
mod sizes;
mod storms;
mod streams;
mod terminal;
mod train;
mod train_kill;
mod training;
mod watch;
