//! Attempts, until one succeeds or none will: what fails for a passing reason goes on from its last checkpoint.

use std::time::{Duration, Instant};

use tracing::warn;

use super::super::Surroundings;
use super::TrainOptions;
use super::attempt::{Failed, attempt};
use super::error::TrainingError;
use super::learner::Learner;
use super::place::Place;
use crate::config::Config;
use crate::train::events::Ended;
use crate::train::retries::{Decision, Retries};
use crate::util::stop::{Stop, Stopped};
use crate::util::units;

/// How often a wait looks whether a signal came.
const TICK: Duration = Duration::from_millis(50);

/// Trains until it succeeds, or fails in a way that trying again does not mend.
pub(super) fn train(
    config: &Config,
    learner: &mut Learner,
    place: &Place,
    options: &TrainOptions<'_>,
    around: &Surroundings<'_>,
) -> Result<Ended, TrainingError> {
    if place.died_of_memory() {
        warn!("holding less of the data in memory than data.loader allows");
        learner.hold_less();
    }
    let mut retries = Retries::new(config.train.max_retries, config.seed);
    loop {
        let Failed { error, step } = match attempt(config, learner, place, options, around.stop) {
            Ok(ended) => return Ok(ended),
            Err(failed) => failed,
        };
        let passing = matches!(&error, TrainingError::Engine(error) if error.is_worth_another_try());
        match retries.failed(step, &error.to_string(), passing) {
            Decision::Again { after } => {
                warn!("{error}; going on from the last checkpoint in {}", units::duration(after));
                wait(after, around.stop)?;
            }
            Decision::GiveUp { why } => {
                if passing {
                    warn!("{why}");
                }
                return Err(error);
            }
        }
    }
}

fn wait(time: Duration, stop: &Stop) -> Result<(), Stopped> {
    let began = Instant::now();
    while began.elapsed() < time {
        stop.check()?;
        std::thread::sleep(TICK.min(time.saturating_sub(began.elapsed())));
    }
    Ok(())
}
