//! Predictions of a trained model for files that it has not seen. The task decides how they are made.

use super::{TrainedModel, WorkError};
use crate::task::{Model, PredictOptions, Predicted};
use crate::util::surroundings::Surroundings;

/// Makes the predictions.
///
/// # Errors
/// See [`crate::task::Kind::predict`].
pub fn predict(
    trained: &TrainedModel,
    options: &PredictOptions,
    around: &Surroundings<'_>,
) -> Result<Predicted, WorkError> {
    let (machine, phases) = (trained.machine()?, trained.last_phase());
    let name = trained.run_name().unwrap_or_else(|| trained.weights.display().to_string());
    let model = Model {
        weights: &trained.weights,
        name: &name,
        described: &trained.described(),
        facts: &trained.facts,
        setting: trained.setting(&phases, &machine),
        at_once: trained.config.train.micro_batch_size(),
    };
    Ok(trained.config.task.kind().predict(&model, options, around)?)
}
