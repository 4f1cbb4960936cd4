//! What networks are made of: weights in flat memory, the type that they compute in, layers, and the similarity of images.
//! Not a task's choice among these, and not what moves the weights.

pub mod convlstm;
pub mod export;
pub mod parameters;
pub mod precision;
pub mod ssim;
#[cfg(test)]
mod testing;
pub mod weights;
