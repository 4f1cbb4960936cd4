//! Attempts, until one succeeds or retrying is pointless: a temporary failure resumes from the last checkpoint.

use std::time::{Duration, Instant};

use tracing::warn;

use super::TrainOptions;
use super::attempt::{Failed, attempt};
use super::error::TrainingError;
use super::place::Place;
use super::subject::Subject;
use crate::config::Config;
use crate::train::events::Ended;
use crate::train::retries::{Decision, Retries};
use crate::util::progress::Progress;
use crate::util::stop::{Stop, Stopped};
use crate::util::surroundings::Surroundings;
use crate::util::units;

/// How often a wait checks for a signal.
const TICK: Duration = Duration::from_millis(50);

/// Trains until it succeeds, or fails in a way that retrying does not fix.
pub(super) fn train(
    config: &Config,
    subject: &mut Subject,
    place: &Place,
    options: &TrainOptions<'_>,
    around: &Surroundings<'_>,
) -> Result<Ended, TrainingError> {
    if place.died_of_memory() {
        warn!("holding less of the data in memory than data.loader allows");
        subject.hold_less();
    }
    let retries = Retries::new(config.train.max_retries, config.seed);
    let stop = around.stop;
    let pause = |time| {
        let alive = place.alive("train", around.progress)?;
        Ok(wait(time, stop, &alive)?)
    };
    persist(retries, || attempt(config, subject, place, options, stop), pause)
}

fn persist(
    mut retries: Retries,
    mut attempt: impl FnMut() -> Result<Ended, Failed>,
    wait: impl Fn(Duration) -> Result<(), TrainingError>,
) -> Result<Ended, TrainingError> {
    loop {
        let Failed { error, step } = match attempt() {
            Ok(ended) => return Ok(ended),
            Err(failed) => failed,
        };
        let passing = error.is_worth_another_try();
        match retries.failed(step, error.kind(), passing) {
            Decision::Again { after } => {
                warn!("{error}; resuming from the last checkpoint in {}", units::duration(after));
                wait(after)?;
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

fn wait(time: Duration, stop: &Stop, tells: &dyn Progress) -> Result<(), Stopped> {
    let began = Instant::now();
    while began.elapsed() < time {
        stop.check()?;
        tells.waits("the next attempt after a failure");
        std::thread::sleep(TICK.min(time.saturating_sub(began.elapsed())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io::ErrorKind;
    use std::path::Path;

    use super::*;
    use crate::train::checkpoint::CheckpointError;
    use crate::train::events::Reason;
    use crate::util::fs::FsError;
    use crate::util::progress::Silent;

    const ENDED: Ended = Ended { reason: Reason::Epochs, epoch: 3, step: 30, epoch_share: 0.0, best: None };

    fn failure(kind: ErrorKind, step: u64) -> Failed {
        let error = CheckpointError::from(FsError::at("read", Path::new("checkpoints"))(kind.into()));
        Failed { error: error.into(), step }
    }

    /// The outcome, and the number of attempts; every attempt except the last fails as scripted.
    fn run(failures: &[(ErrorKind, u64)]) -> (Result<Ended, TrainingError>, usize) {
        let number = Cell::new(0);
        let attempt = || {
            let failed = failures.get(number.replace(number.get() + 1));
            failed.map_or(Ok(ENDED), |&(kind, step)| Err(failure(kind, step)))
        };
        let outcome = persist(Retries::new(5, 42), attempt, |_| Ok(()));
        (outcome, number.get())
    }

    #[test]
    fn a_disk_that_failed_for_a_while_is_tried_again() {
        let (ended, attempts) = run(&[(ErrorKind::Other, 10), (ErrorKind::Other, 12)]);
        assert_eq!((ended.unwrap(), attempts), (ENDED, 3));
    }

    #[test]
    fn the_same_failure_at_the_same_step_ends_with_its_code() {
        let (ended, attempts) = run(&[(ErrorKind::Other, 10); 9]);
        assert_eq!(attempts, 3);
        assert_eq!(ended.unwrap_err().exit(), crate::util::exit::Exit::DiskIo);
    }

    #[test]
    fn what_would_fail_again_is_not_tried_again() {
        let (ended, attempts) = run(&[(ErrorKind::PermissionDenied, 10)]);
        assert_eq!(attempts, 1);
        assert_eq!(ended.unwrap_err().exit(), crate::util::exit::Exit::OutputNotWritable);
    }

    #[test]
    fn a_signal_ends_the_wait_for_the_next_attempt() {
        let stop = Stop::default();
        stop.request();
        let attempt = || Err(failure(ErrorKind::Other, 10));
        let outcome = persist(Retries::new(5, 42), attempt, |time| Ok(wait(time, &stop, &Silent)?));
        assert_eq!(outcome.unwrap_err().exit(), crate::util::exit::Exit::Terminated);
    }
}
