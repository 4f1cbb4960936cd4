//! The last stage of a run: its best weights are evaluated on every side that nothing was trained on, and what was found is
//! left in the run folder. A run that is stopped here goes on here.

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

/// Evaluates what a run came to.
pub(super) fn assess(
    config: &Config,
    subject: &Subject,
    place: &Place,
    around: &Surroundings<'_>,
) -> Result<(), TrainingError> {
    let Some(weights) = within(place.path()) else {
        warn!("there are no weights to evaluate: no loss was a number");
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
            // After a death for want of memory it holds less than is configured.
            model.config.data.loader = subject.loader().clone();
            let at = folder(place.path(), side);
            let used = (prepared.data.as_ref(), prepared.fingerprint.as_str());
            evaluate_on(&model, side, &at, used, around).map_err(|error| match error {
                // A wish to stop is no failure.
                EvaluateError::Engine(TrainError::Stopped(stopped)) => stopped.into(),
                other => TrainingError::from(other),
            })?;
        } else if side == Side::Val {
            info!("there is nothing to evaluate on: {} is 0", config.task.kind().share_key(side));
        }
    }
    Ok(())
}
