//! Checkpoints: when to save and what to delete ([`policy`], [`retention`]: pure), how a save becomes durable and is
//! found again ([`storage`]), saving beside the training thread ([`writer`]), and the weights that others load
//! ([`weights`]). Knows no tensor library: arrays come and go as bytes.
//!
//! ```text
//! checkpoints/e0012-s003400/{model,optim,ema}.safetensors + manifest.json
//! checkpoints/.e0012-s003400.0.partial        a save that is not complete; removed at the next start
//! checkpoints/e0012-s003400.damaged           set aside when the same position is saved again; left for the user
//! weights/{best,last}.safetensors
//! ```

mod error;
mod id;
mod load;
mod manifest;
pub mod policy;
pub mod retention;
mod snapshot;
pub mod storage;
pub mod weights;
pub mod writer;

pub use crate::data::disk;
pub use crate::nn::weights::{ArraySpec, Dtype, NamedArray, NotFinite, differences};
pub use error::CheckpointError;
pub use id::CheckpointId;
pub use load::{Found, Loaded};
pub use manifest::{FileRecord, Manifest, Progress};
pub use snapshot::{Publish, Snapshot};
pub use storage::Store;

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod damage_tests;
#[cfg(test)]
pub(in crate::train) mod testing;
#[cfg(test)]
mod writer_tests;
