//! The integration tests, in one binary: they run the real program.

mod fetch;
mod fetch_drive;
mod fetch_kill;
mod server;
