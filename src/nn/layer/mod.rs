//! Layers that networks are made of. Each says which parameters and buffers it needs ([`crate::nn::parameters::Layout`]), is
//! built over them, and sees every change of them. Names within a layer are PyTorch's, so that weight files fit both ways.
//!
//! Weights are cast to the precision that a network computes in; statistics are fp32 in every precision. Not networks: those are
//! with the tasks that use them.
//!
//! As every operation of `tch`, a forward pass panics with libtorch's text if memory runs out or shapes do not fit.

pub mod batch_norm;
pub mod conv;
pub mod dropout;
pub mod fused;
pub mod linear;
pub mod norm;
pub mod pool;
#[cfg(test)]
mod tests;

pub use batch_norm::BatchNorm;
pub use conv::Conv2d;
pub use dropout::{Dropout, SampleKeys};
pub use linear::Linear;
pub use norm::{GroupNorm, LayerNorm};
pub use pool::max_pool;

/// What a forward pass is for.
#[derive(Clone, Copy, Debug)]
pub enum Mode<'a> {
    /// Batch norm uses the statistics of the batch and adds them to the running ones, dropout drops. The keys are those of the
    /// batch's samples, in order.
    Training(&'a SampleKeys),
    /// The result for a sample depends on that sample alone.
    Evaluation,
}
