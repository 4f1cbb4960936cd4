//! The parts of networks: weights in flat memory, the type that they compute in, layers, where gradients come from, and
//! the similarity of images. Neither networks, which are with their tasks, nor optimizers.

pub mod backward;
pub mod export;
pub mod layer;
pub mod network;
pub mod parameters;
pub mod precision;
pub mod ssim;
#[cfg(test)]
pub(crate) mod testing;
pub mod weights;
