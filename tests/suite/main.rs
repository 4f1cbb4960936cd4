//! The integration tests, in one binary: they run the real program.

#![cfg(test)]

mod acquire;
mod acquire_kill;
mod architecture;
mod cli;
mod config;
mod fetch;
mod fetch_drive;
mod fetch_kill;
mod installed;
mod kill;
mod prepare;
mod program;
mod server;
mod synth;
mod train;
mod train_kill;
mod training;
