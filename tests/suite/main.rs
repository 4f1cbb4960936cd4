//! The integration tests, in one binary: they run the real program.

#[cfg(test)]
mod fetch;
#[cfg(test)]
mod fetch_drive;
#[cfg(test)]
mod fetch_kill;
#[cfg(test)]
mod server;
