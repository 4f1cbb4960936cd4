//! The whole configuration: reading, overriding, checking, showing.

pub mod diagnostic;
pub mod parse;
pub mod scalar;
pub mod text;
pub mod tree;
