//! Training, from a configuration to a finished run folder.
//!
//! ```text
//! mirror     copies of the run off this machine, and restoring it from there
//! place      which run folder this start uses, locked against other workers
//! published  the weights that a run has published
//! subject    the prepared dataset, and its learners
//! initial    weights to start from
//! foresee    the time and memory of training, and whether the user must agree
//! attempt    one run of the engine: from the newest checkpoint to the end
//! persist    attempts, until one succeeds or retrying is pointless
//! allowed    the keys that a start allows to change
//! alive      the heartbeats of every stage except training itself
//! assess     evaluates the best weights
//! remedy     a failure as a problem with its remedy
//! conclude   what a finished run leaves beside its weights
//! ```

mod alive;
mod allowed;
mod assess;
mod attempt;
mod conclude;
mod error;
mod foresee;
mod initial;
mod mirror;
mod persist;
mod place;
mod published;
mod remedy;
mod subject;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use tracing::{info, warn};

pub use self::conclude::{Headline, Summary};
pub use self::error::TrainingError;
pub use self::foresee::{Foreseen, Rehearsed};
use self::foresee::{Patience, foresee};
pub use self::mirror::{Copied, MirrorTrouble};
use self::mirror::{End, Mirror, Session};
use self::place::{Found, Place};
use self::subject::Subject;
use super::{WorkError, check_data_writable, prepare, room};
use crate::config::Config;
use crate::train::device::Resolved;
use crate::train::events::{Observer, Reason};
use crate::train::fault::panic_text;
use crate::util::container::{self, Container};
use crate::util::fs::{create_dir_all, write_atomic};
use crate::util::mount;
use crate::util::stop::Stop;
use crate::util::surroundings::Surroundings;

/// What the command line sets in addition to the configuration.
pub struct TrainOptions<'a> {
    /// Whether to start a new run even if an unfinished one could resume.
    pub no_resume: bool,
    /// Keys of the configuration that may differ from those of the run that is resumed.
    pub allow_change: Vec<String>,
    /// Notes for comparing experiments.
    pub notes: Option<String>,
    /// Receives the estimate of what training will take; returns whether to continue.
    pub agree: &'a dyn Fn(&str) -> bool,
    /// Creates the observer that shows training to a person; called again for each attempt.
    pub console: &'a dyn Fn() -> Box<dyn Observer>,
}

/// The outcome of a start.
#[derive(Clone, Debug)]
pub enum Trained {
    /// Training has finished now.
    Now(Summary),
    /// It had already finished, and no more was requested.
    Before {
        /// Its result.
        summary: Summary,
        /// Why it ended, if known.
        ended: Option<Reason>,
    },
}

/// Prepares the dataset and trains on it, in a new run folder or in that of an unfinished run.
///
/// # Errors
/// If the folder can't be used, the configuration or dataset is not that of the run, the dataset can't be prepared, a
/// signal came, or training failed permanently.
pub fn train(config: &Config, options: &TrainOptions<'_>, around: &Surroundings<'_>) -> Result<Trained, WorkError> {
    let machine = subject::machine(config)?;
    let mirror = Mirror::open(config, around).map_err(TrainingError::from)?;
    let place = match place::find(config, options, mirror.as_ref())? {
        Found::Done(folder, ended) => {
            let copied = mirror.and_then(|mirror| mirror.complete(&folder));
            return Ok(Trained::Before {
                summary: Summary { mirror: copied, ..conclude::again(&folder, ended) },
                ended,
            });
        }
        Found::Place(place) => place,
    };
    if mirror.is_none() {
        warn_of_loss(&config.output.root);
    }
    let copying = mirror.map(|mirror| mirror.accompany(place.path())).transpose();
    let copying = copying.map_err(TrainingError::from).inspect_err(|_| place.abandon())?;
    let trained = run(config, machine, &place, options, around);
    let copied = copying.map(|session| copied(session, &trained, around)).transpose().map_err(TrainingError::from)?;
    Ok(Trained::Now(Summary { mirror: copied, ..trained? }))
}

/// Warns if the run folder is inside a container and would be lost with it.
fn warn_of_loss(root: &Path) {
    let is_here = mount::of(&mount::resolved(root)).is_some_and(|mount| mount.is_root());
    if matches!(container::around(), Some(Container::Docker | Container::Podman)) && is_here {
        let (name, path) = (root.file_name().unwrap_or_default().display(), mount::resolved(root));
        let path = path.display();
        warn!("{path} is inside the container and is lost with it: mount a folder there, -v \"$PWD/{name}:{path}\"");
    }
}

/// Waits for the copy of a run for as long as there is time.
fn copied(
    session: Session,
    trained: &Result<Summary, WorkError>,
    around: &Surroundings<'_>,
) -> Result<Copied, MirrorTrouble> {
    let is_stopped = |error: &WorkError| error.exit().is_by_signal();
    session.finish(if trained.as_ref().is_err_and(is_stopped) { End::BySignal } else { End::ByItself }, around)
}

/// Trains in a locked folder, and evaluates the result.
fn run(
    config: &Config,
    machine: Resolved,
    place: &Place,
    options: &TrainOptions<'_>,
    around: &Surroundings<'_>,
) -> Result<Summary, WorkError> {
    let mut subject = ready(config, machine, place, options, around).inspect_err(|_| place.abandon())?;
    info!("run folder: {}", place.path().display());
    illustrate(&subject, place);
    let ended = explained(config, place, around.stop, || {
        persist::train(config, &mut subject, place, options, around).and_then(|ended| {
            // A run stopped by its time limit is not finished.
            if ended.reason != Reason::Time && !config.train.overfit_single_batch {
                assess::assess(config, &subject, place, around)?;
            }
            Ok(ended)
        })
    });
    Ok(conclude::conclude(config, options, place, ended, around.stop)?)
}

/// Draws what is trained on, once for each run. Pictures that can't be drawn do not fail it.
fn illustrate(subject: &Subject, place: &Place) {
    let folder = place.file("plots");
    if !place.is_new() && folder.exists() {
        return;
    }
    let write = |(name, picture): &(String, Vec<u8>)| write_atomic(&folder.join(name), picture);
    let drawn = subject.prepared().data.pictures(subject.seed());
    let written = drawn.map_err(|error| error.to_string()).and_then(|pictures| {
        let made = if pictures.is_empty() { Ok(()) } else { create_dir_all(&folder) };
        made.and_then(|()| pictures.iter().try_for_each(write)).map_err(|error| error.to_string())
    });
    if let Err(problem) = written {
        warn!("the samples can't be drawn: {problem}");
    }
}

/// Does the work. A panic that ends it is recorded as the reason before it continues.
fn explained<R>(config: &Config, place: &Place, stop: &Stop, work: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        conclude::panicked(config, place, panic_text(panic.as_ref()).unwrap_or("for an unknown reason"), stop);
        resume_unwind(panic)
    })
}

/// Everything before the first step; from then on, the folder is that of a run.
fn ready(
    config: &Config,
    machine: Resolved,
    place: &Place,
    options: &TrainOptions<'_>,
    around: &Surroundings<'_>,
) -> Result<Subject, WorkError> {
    let started_from = place.started_from(config)?;
    room::check(config, machine.gpu.as_ref()).map_err(TrainingError::from)?;
    place.check_writable().and_then(|()| check_data_writable(&config.data)).map_err(TrainingError::from)?;
    let alive = place.alive("start", around.progress)?;
    let stop = around.stop;
    let around = &Surroundings { stop, progress: &alive };
    let subject = Subject::new(config, machine, prepare(config, around)?, started_from)?;
    alive.enter("rehearse");
    if place.is_new()
        && let Some(question) = rehearsed(&subject, Patience::Little, place.leaving(), around)?.question(config)
        && !(options.agree)(&question)
    {
        around.stop.check().map_err(TrainingError::from)?;
        return Err(TrainingError::Declined.into());
    }
    // Its last beat must not come after those of the next stage.
    drop(alive);
    stop.check().map_err(TrainingError::from)?;
    place.begin(config, &subject)?;
    Ok(subject)
}

/// Estimates what training would take, without a run folder and without leaving anything behind.
///
/// # Errors
/// The same as [`train`], up to its first step.
pub fn rehearse(config: &Config, around: &Surroundings<'_>) -> Result<Foreseen, WorkError> {
    let machine = subject::machine(config)?;
    room::check(config, machine.gpu.as_ref()).map_err(TrainingError::from)?;
    let started_from = initial::find(config)?;
    let subject = Subject::new(config, machine, prepare(config, around)?, started_from)?;
    rehearsed(&subject, Patience::Any, || {}, around)
}

/// Rehearses. The steps of a large model take minutes and leave nothing, so a signal ends the process at once.
fn rehearsed(
    subject: &Subject,
    patience: Patience,
    clean: impl FnOnce() + Send + 'static,
    around: &Surroundings<'_>,
) -> Result<Foreseen, WorkError> {
    let last_act = move |stopped| {
        clean();
        info!("{stopped}");
    };
    let _at_once = around.stop.at_once(last_act).map_err(TrainingError::from)?;
    Ok(foresee(subject, patience, around)?)
}
