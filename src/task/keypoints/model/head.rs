//! What every network ends with: the frames of a sequence become one vector, and that the logits.

use tch::{Kind, Tensor};

use super::Computed;
use super::config::Pooling;
use super::pooling::pool;
use super::sequences::{Frames, ROWS, with_rows};
use crate::nn::layer::{Dropout, Linear, Mode};
use crate::nn::parameters::{Parameters, ParametersError};
use crate::nn::precision::Precision;

/// The end of a network over its weights.
#[derive(Debug)]
pub struct Head {
    pooling: Pooling,
    dropout: Dropout,
    classifier: Linear,
}

impl Head {
    /// The end of a network with so many numbers for each frame.
    pub fn new(
        pooling: Pooling,
        dropout: f64,
        embedding: i64,
        classes: i64,
        parameters: &Parameters,
    ) -> Result<Self, ParametersError> {
        let classifier = Linear::new("classifier", embedding, classes, parameters)?;
        Ok(Self { pooling, dropout: Dropout::new("classifier", dropout), classifier })
    }

    /// What is computed from frames `[b, t, e]`, whose padding is 0.
    pub fn forward(&self, embeddings_bte: Tensor, frames: &Frames, mode: Mode<'_>, precision: Precision) -> Computed {
        let pooled_be = self.dropout.forward(&pool(self.pooling, &embeddings_bte, frames), mode);
        let logits_bc = with_rows(ROWS, &pooled_be, |pooled_be| self.classifier.forward(pooled_be, precision));
        Computed { embeddings_bte, pooled_be, logits_bc: logits_bc.to_kind(Kind::Float) }
    }
}
