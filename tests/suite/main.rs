//! The integration tests, in one binary: they run the real program.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod config;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod prepare;
#[cfg(test)]
mod program;
mod synth;
mod installed;
mod fetch;
#[cfg(test)]
mod fetch_drive;
#[cfg(test)]
mod fetch_kill;
#[cfg(test)]
mod server;
