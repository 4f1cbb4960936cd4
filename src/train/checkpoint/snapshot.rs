//! What the engine hands over to be saved: a copy of the whole training state, so that training continues meanwhile.

use super::error::CheckpointError;
use super::id::CheckpointId;
use super::manifest::Progress;
use crate::nn::weights::{NamedArray, safetensors};

/// The state of training at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The position in training.
    pub id: CheckpointId,
    /// Counters, best values, metrics, and everything else that is needed to resume.
    pub progress: Progress,
    /// The weights that are trained.
    pub model: Vec<NamedArray>,
    /// The state of the optimizer.
    pub optim: Vec<NamedArray>,
    /// The running average of the weights; empty if none is kept.
    pub ema: Vec<NamedArray>,
    /// The names under which its weights are published.
    pub publish: Publish,
}

/// The names under which weights are published beside the checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// As `weights/last.safetensors`.
    pub last: bool,
    /// As `weights/best.safetensors`.
    pub best: bool,
}

impl Snapshot {
    /// What it tells, without the numbers.
    #[must_use]
    pub fn without_arrays(&self) -> Self {
        let (id, progress, publish) = (self.id, self.progress.clone(), self.publish);
        Self { id, progress, publish, model: Vec::new(), optim: Vec::new(), ema: Vec::new() }
    }

    /// The files of the checkpoint, in the order in which they are written.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'static str, &[NamedArray])> {
        let ema = (!self.ema.is_empty()).then_some((EMA, self.ema.as_slice()));
        [(MODEL, self.model.as_slice()), (OPTIM, self.optim.as_slice())].into_iter().chain(ema)
    }

    /// Whether it can be written and resumed from.
    pub(super) fn check(&self) -> Result<(), CheckpointError> {
        let checkpoint = || self.id.to_string();
        for (_, arrays) in self.files() {
            safetensors::check(arrays)
                .map_err(|problem| CheckpointError::Malformed { checkpoint: checkpoint(), problem })?;
            arrays
                .iter()
                .try_for_each(NamedArray::check_finite)
                .map_err(|source| CheckpointError::NotFinite { checkpoint: checkpoint(), source })?;
        }
        Ok(())
    }

    /// The weights that others load: the running average if one is kept.
    #[must_use]
    pub fn weights(&self) -> &[NamedArray] {
        if self.ema.is_empty() { &self.model } else { &self.ema }
    }
}

pub(super) const MODEL: &str = "model.safetensors";
pub(super) const OPTIM: &str = "optim.safetensors";
pub(super) const EMA: &str = "ema.safetensors";
pub(super) const MANIFEST: &str = "manifest.json";
