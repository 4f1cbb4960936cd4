//! The last stage of a run: evaluates its best weights on every side that was not trained on, and leaves the results in
//! the run folder. A run that is stopped here resumes here.

use tracing::{info, warn};

use super::conclude::renew_page;
use super::error::TrainingError;
use super::place::Place;
use super::subject::Subject;
use crate::config::Config;
use crate::data::split::Side;
use crate::train::engine::TrainError;
use crate::util::surroundings::Surroundings;
use crate::worker::evaluate::{EvaluateError, evaluate_on, folder};
use crate::worker::trained::{TrainedModel, within};

/// Evaluates the result of a run.
pub(super) fn assess(
    config: &Config,
    subject: &Subject,
    place: &Place,
    around: &Surroundings<'_>,
) -> Result<(), TrainingError> {
    let Some(weights) = within(place.path()) else {
        warn!("there are no weights to evaluate: no loss was finite");
        return Ok(());
    };
    place.enter("evaluate")?;
    place.stage("evaluate")?;
    renew_page(place.path(), config);
    let alive = place.alive("evaluate", around.progress)?;
    let around = &Surroundings { stop: around.stop, progress: &alive };
    for side in [Side::Val, Side::Test] {
        let prepared = subject.prepared();
        if prepared.data.samples(side) > 0 {
            let mut model = TrainedModel::of_run(place.path(), &weights, config).map_err(EvaluateError::from)?;
            // After being killed for lack of memory it keeps less in memory than configured.
            model.config.data.loader = subject.loader().clone();
            let at = folder(place.path(), side);
            let used = (prepared.data.as_ref(), prepared.fingerprint.as_str());
            evaluate_on(&model, side, &at, used, around).map_err(|error| match error {
                // A stop request is not a failure.
                EvaluateError::Engine(TrainError::Stopped(stopped)) => stopped.into(),
                other => TrainingError::from(other),
            })?;
        } else if side == Side::Val {
            info!("there is nothing to evaluate on: {} is 0", config.task.kind().share_key(side));
        }
    }
    Ok(())
}
