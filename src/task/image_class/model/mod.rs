//! The networks of this task. What they are built of is in `nn`.

pub mod char_cnn;
#[cfg(test)]
mod char_cnn_tests;
