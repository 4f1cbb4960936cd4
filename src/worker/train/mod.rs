//! Training, from a configuration to a finished run folder.
//!
//! ```text
//! mirror     copies of the run off this machine, and its way back from there
//! place      which run folder this start is for, held against others
//! learner    the task with its model, and the samples of both sides
//! initial    weights to start from
//! foresee    what training will take, and whether somebody has to agree
//! attempt    one life of the engine: from the newest checkpoint to the end
//! persist    attempts, until one succeeds or none will
//! alive      the signs of life of every stage but training itself
//! assess     the best weights, evaluated
//! conclude   what a finished run leaves beside its weights
//! ```

mod alive;
mod assess;
mod attempt;
mod conclude;
mod error;
mod foresee;
mod initial;
mod learner;
mod mirror;
mod persist;
mod place;

use std::path::Path;

use tracing::{info, warn};

pub use self::conclude::{Headline, Summary};
pub use self::error::TrainingError;
pub use self::foresee::{Foreseen, Rehearsed};
use self::foresee::{Patience, foresee};
use self::learner::Learner;
pub use self::mirror::{Copied, MirrorTrouble};
use self::mirror::{End, Mirror, Session};
use self::place::{Found, Place};
use super::{Surroundings, WorkError, check_data_writable, prepare};
use crate::config::Config;
use crate::train::device::Resolved;
use crate::train::events::{Observer, Reason};
use crate::util::container::{self, Container};
use crate::util::mount;

/// What the command line decides beside the configuration.
pub struct TrainOptions<'a> {
    /// Whether a new run begins even where one could go on.
    pub no_resume: bool,
    /// Keys of the configuration that may differ from those of the run that goes on.
    pub allow_change: Vec<String>,
    /// Notes for whoever compares experiments.
    pub notes: Option<String>,
    /// Told what training will take: whether to go on.
    pub agree: &'a dyn Fn(&str) -> bool,
    /// Who shows training to a person; asked anew for each attempt.
    pub console: &'a dyn Fn() -> Box<dyn Observer>,
}

/// What became of a start.
#[derive(Clone, Debug)]
pub enum Trained {
    /// Training came to its end now.
    Now(Summary),
    /// It had come to its end before, and no more was asked for.
    Before {
        /// What it had come to.
        summary: Summary,
        /// Why, where that is known.
        ended: Option<Reason>,
    },
}

/// Prepares the dataset and trains on it, in a new run folder or in the one that an unfinished run left.
///
/// # Errors
/// Where the folder can't be used, the configuration or dataset is not that of the run, the dataset can't be prepared, a
/// signal came, or training failed for good.
pub fn train(config: &Config, options: &TrainOptions<'_>, around: &Surroundings<'_>) -> Result<Trained, WorkError> {
    let machine = learner::machine(config)?;
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

/// A container takes with it what lies in it.
fn warn_of_loss(root: &Path) {
    let is_here = mount::of(&mount::resolved(root)).is_some_and(|mount| mount.is_root());
    if matches!(container::around(), Some(Container::Docker | Container::Podman)) && is_here {
        let (name, path) = (root.file_name().unwrap_or_default().display(), mount::resolved(root));
        let path = path.display();
        warn!("{path} is inside the container and is lost with it: mount a folder there, -v \"$PWD/{name}:{path}\"");
    }
}

/// Waits for the copy of a run as long as there is time for it.
fn copied(
    session: Session,
    trained: &Result<Summary, WorkError>,
    around: &Surroundings<'_>,
) -> Result<Copied, MirrorTrouble> {
    let is_stopped = |error: &WorkError| error.exit().is_by_signal();
    session.finish(if trained.as_ref().is_err_and(is_stopped) { End::BySignal } else { End::ByItself }, around)
}

/// Trains in a folder that is held, and evaluates what came of it.
fn run(
    config: &Config,
    machine: Resolved,
    place: &Place,
    options: &TrainOptions<'_>,
    around: &Surroundings<'_>,
) -> Result<Summary, WorkError> {
    let mut learner = ready(config, machine, place, options, around).inspect_err(|_| place.abandon())?;
    info!("run folder: {}", place.path().display());
    let ended = persist::train(config, &mut learner, place, options, around).and_then(|ended| {
        // A run whose time is up is not at its end.
        if ended.reason != Reason::Time && !config.train.overfit_single_batch {
            assess::assess(config, &learner, place, around)?;
        }
        Ok(ended)
    });
    Ok(conclude::conclude(config, options, place, ended)?)
}

/// Everything before the first step; from its end on the folder is that of a run.
fn ready(
    config: &Config,
    machine: Resolved,
    place: &Place,
    options: &TrainOptions<'_>,
    around: &Surroundings<'_>,
) -> Result<Learner, WorkError> {
    let started_from = place.started_from(config)?;
    place.check_writable().and_then(|()| check_data_writable(&config.data)).map_err(TrainingError::from)?;
    let alive = place.alive("start", around.progress)?;
    let around = &Surroundings { stop: around.stop, progress: &alive };
    let (prepared, dataset) = prepare(config, around)?;
    let learner = Learner::new(config, machine, (&prepared, dataset), started_from)?;
    alive.enter("rehearse");
    if place.is_new()
        && let Some(question) = foresee(&learner, Patience::Little, around)?.question(config)
        && !(options.agree)(&question)
    {
        return Err(TrainingError::Declined.into());
    }
    // Its last beat must not come after what begins now.
    drop(alive);
    place.begin(config, &learner, &prepared.report)?;
    Ok(learner)
}

/// Finds out what training would take, without a run folder and without consequences.
///
/// # Errors
/// As [`train`], as far as its first step.
pub fn rehearse(config: &Config, around: &Surroundings<'_>) -> Result<Foreseen, WorkError> {
    let machine = learner::machine(config)?;
    let started_from = initial::find(config)?;
    let (prepared, dataset) = prepare(config, around)?;
    Ok(foresee(&Learner::new(config, machine, (&prepared, dataset), started_from)?, Patience::Any, around)?)
}
