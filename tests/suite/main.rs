//! The integration tests, in one binary: they run the real program.

mod synth;
