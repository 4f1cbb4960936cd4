//! The integration tests, in one binary: they run the real program.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod installed;
