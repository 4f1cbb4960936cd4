//! The last stage of a run: its best weights are evaluated on every side that nothing was trained on, and what was found is
//! left in the run folder. A run that is stopped here goes on here.

use std::path::Path;

use tracing::{info, warn};

use super::conclude::renew_page;
use super::error::TrainingError;
use super::learner::Learner;
use super::place::Place;
use crate::config::Config;
use crate::task::TaskConfig;
use crate::task::nowcast::dataset::Dataset;
use crate::task::nowcast::split::Side;
use crate::train::engine::TrainError;
use crate::worker::Surroundings;
use crate::worker::evaluate::{EvaluateError, evaluate_on, folder, has};
use crate::worker::trained::{TrainedModel, within};

/// Evaluates what a run came to.
pub(super) fn assess(
    config: &Config,
    learner: &Learner,
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
        let dataset = open(config, &learner.prepared().store)?;
        if has(&dataset, side) {
            let mut model = TrainedModel::of_run(place.path(), &weights, config).map_err(EvaluateError::from)?;
            // After a death for want of memory it holds less than is configured.
            model.config.data.loader = learner.loader_config().clone();
            let at = folder(place.path(), side);
            let evaluated = evaluate_on(&model, side, &at, dataset, &learner.prepared().fingerprint, around);
            evaluated.map_err(|error| match error {
                // A wish to stop is no failure.
                EvaluateError::Engine(TrainError::Stopped(stopped)) => stopped.into(),
                other => TrainingError::from(other),
            })?;
        } else if side == Side::Val {
            info!("there are no windows to evaluate on: task.nowcast.split.val_share is 0");
        }
    }
    Ok(())
}

fn open(config: &Config, store: &Path) -> Result<Dataset, EvaluateError> {
    let TaskConfig::Nowcast(task) = &config.task;
    Ok(Dataset::open(store, task)?)
}
