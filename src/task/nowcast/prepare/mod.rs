//! From radar files to the prepared dataset. Only new or changed files are processed; unusable ones are set aside with
//! a reason, and too many of them stop the work.
//!
//! The passes: discover the files (names only), survey new files (headers only), convert event by event. An event is in
//! the dataset complete, with the record of its files, or not at all.

pub mod discover;
pub mod plan;
pub mod record;
pub mod report;

mod convert;
mod describe;
mod error;
mod event;
mod key;
pub mod refusal;
mod survey;
mod units;

use std::path::{Path, PathBuf};
use std::time::Instant;

use rayon::prelude::*;
use tracing::warn;

pub use self::error::PrepareError;
use self::event::{Common, Events};
use self::plan::{Draft, EventPlan, FileState, most_frequent};
use self::record::{EventRecord, GridRecord};
use self::report::{About, GroupReport, Report, SetAside};
pub(super) use self::survey::{reason, survey};
use super::FRAMES;
use super::config::{Method, PrepareConfig};
use super::quantize::Quantizer;
use crate::data::manifest::Manifest;
use crate::data::prepare::report::check_share as too_many;
use crate::data::store::{Store, StoreError};
use crate::util::progress::{Progress, Stage, Unit};
use crate::util::quantity::Quantity;
use crate::util::stop::Stop;
use crate::util::units as words;

/// The key of the share of bad files that is allowed.
const MAX_BAD_SHARE: &str = "task.nowcast.prepare.max_bad_share";

/// What preparing gets from outside.
pub struct Setting<'a> {
    /// The options.
    pub config: &'a PrepareConfig,
    /// From reflectivity to bytes.
    pub quantizer: Quantizer,
    /// The hashes that the files had when they were fetched.
    pub hashes: Option<&'a Manifest>,
    /// Threads that convert.
    pub threads: usize,
    /// The wish to stop.
    pub stop: &'a Stop,
    /// The audience.
    pub progress: &'a dyn Progress,
}

/// A prepared dataset.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Its folder: a Zarr store with a group for each event.
    pub store: PathBuf,
    /// What became of each file.
    pub report: Report,
    /// Frames that were converted now; those that an earlier version of their event had are taken over.
    pub converted: usize,
}

/// The path of the dataset with these options below the folder of all prepared ones.
#[must_use]
pub fn store_path(prepared: &Path, config: &PrepareConfig) -> PathBuf {
    prepared.join(key::folder_name(config))
}

/// Prepares the dataset below `root` into a store below `prepared`.
///
/// # Errors
/// If there is nothing to prepare, too much of it is unusable, a disk fails, or a signal interrupts.
pub fn prepare(root: &Path, prepared: &Path, setting: &Setting<'_>) -> Result<Prepared, PrepareError> {
    let store = Store::create(&store_path(prepared, setting.config))?;
    let outcome = prepare_into(&store, root, setting);
    let noted = refusal::note(store.root(), &outcome);
    let prepared = outcome?;
    noted?;
    Ok(prepared)
}

fn prepare_into(store: &Store, root: &Path, setting: &Setting<'_>) -> Result<Prepared, PrepareError> {
    let began = Instant::now();
    let plans = plans(root, store)?;
    let surveys = survey_all(&plans, setting)?;
    let grid = most_frequent(surveys.iter().flatten().filter_map(FileState::grid));
    let drafts = plans.iter().zip(surveys);
    let drafts: Vec<Draft> =
        drafts.map(|(plan, states)| Draft::new(&plan.event.files, states, grid.as_ref())).collect();
    let units = common_units(&plans, &drafts, setting.config)?;
    let mut events: Vec<GroupReport> =
        plans.iter().zip(&drafts).map(|(plan, draft)| foreseen(plan, draft, grid.as_ref())).collect();
    // Before anything is written: if the source files are gone, the prepared data must stay.
    check_share(&events, store, setting)?;
    make_room(store, &plans)?;
    let dataset = Common { grid: grid.as_ref(), units: &units };
    let mut work = Events::new(store, dataset, root, setting);
    let frames: usize = events.iter().map(|event| event.items).sum();
    setting.progress.begin(Stage::Prepare, Some(frames as u64), FRAMES);
    for (index, (plan, draft)) in plans.iter().zip(drafts).enumerate() {
        setting.stop.check()?;
        events[index] = work.event(plan, draft)?;
        check_share(&events, store, setting)?;
    }
    let converted = work.converted();
    remove_vanished(store, &events)?;
    let report = Report::new(About { options: setting.config.clone(), source_grid: grid }, events);
    report.save(store.root())?;
    setting.progress.end(&summary(&report, converted, began.elapsed()));
    Ok(Prepared { store: store.root().to_owned(), report, converted })
}

fn plans(root: &Path, store: &Store) -> Result<Vec<EventPlan>, PrepareError> {
    let events = discover::discover(root)?;
    let plan = |event: discover::EventFiles| match store.event(&event.path) {
        Ok(prepared) => {
            let record = prepared.manifest().ok().and_then(|text| EventRecord::of_json(&text));
            let lost = prepared.lost_frame();
            if let Some(path) = &lost {
                warn!("{} is missing from the prepared dataset; preparing it again", path.display());
            }
            let units = Some(prepared.units().to_owned());
            EventPlan { event, record, is_whole: lost.is_none(), units }
        }
        Err(error) => {
            if let StoreError::Damaged { path, reason } = error {
                warn!("{} is damaged ({reason}); preparing event {} again", path.display(), event.path);
            }
            EventPlan { event, record: None, is_whole: false, units: None }
        }
    };
    Ok(events.into_par_iter().map(plan).collect())
}

/// The unit of all files.
fn common_units(plans: &[EventPlan], drafts: &[Draft], config: &PrepareConfig) -> Result<String, PrepareError> {
    let variable = || config.variable.clone();
    let units =
        units::common(plans, drafts).map_err(|found| PrepareError::MixedUnits { variable: variable(), found })?;
    match config.method == Method::MeanZ && !Quantity::of(&units).is_reflectivity() {
        true => Err(PrepareError::NoReflectivity { variable: variable(), units }),
        false => {
            if units.is_empty() && drafts.iter().any(|draft| draft.states.iter().any(|state| state.grid().is_some())) {
                let variable = variable();
                tracing::warn!(
                    "no file says in which units {variable} is: dBZ is assumed; if it is something else, give it the attribute units"
                );
            }
            Ok(units)
        }
    }
}

fn survey_all(plans: &[EventPlan], setting: &Setting<'_>) -> Result<Vec<Vec<FileState>>, PrepareError> {
    let files: usize = plans.iter().map(|plan| plan.event.files.len()).sum();
    setting.progress.begin(Stage::Survey, Some(files as u64), Unit::FILES);
    let survey = |plan: &EventPlan| {
        let file = |file: &discover::SourceFile| {
            setting.stop.check()?;
            let state = survey::survey(plan, file, &setting.config.variable)?;
            setting.progress.advance(1);
            Ok(state)
        };
        plan.event.files.par_iter().map(file).collect()
    };
    let surveys = plans.par_iter().map(survey).collect::<Result<_, PrepareError>>()?;
    let events = words::count(plans.len() as u64, "event");
    setting.progress.end(&format!("surveyed: {} in {events}", words::count(files as u64, "file")));
    Ok(surveys)
}

/// The expected outcome of an event, as far as the headers of its files show.
fn foreseen(plan: &EventPlan, draft: &Draft, grid: Option<&GridRecord>) -> GroupReport {
    if let Some(record) = plan.standing(grid) {
        return event::report(&plan.event, &record.files);
    }
    let refused = draft.refused(&plan.event.files);
    let set_aside = refused.map(|(file, reason)| SetAside { file: file.name.clone(), reason: reason.to_owned() });
    GroupReport {
        path: plan.event.path.clone(),
        items: draft.candidates.len(),
        files: plan.event.files.len(),
        set_aside: set_aside.collect(),
        used: Vec::new(),
    }
}

/// Stops as soon as it is certain that too many files are bad.
fn check_share(events: &[GroupReport], store: &Store, setting: &Setting<'_>) -> Result<(), PrepareError> {
    Ok(too_many(events, store.root(), (MAX_BAD_SHARE, setting.config.max_bad_share))??)
}

/// Removes the events that are where the folders of others will be, as after files were moved into subfolders.
fn make_room(store: &Store, plans: &[EventPlan]) -> Result<(), PrepareError> {
    let within = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
    for old in store.events()? {
        let mut wanted = plans.iter().map(|plan| plan.event.path.as_str());
        if wanted.any(|new| within(new, &old) || within(&old, new)) {
            store.remove_event(&old)?;
        }
    }
    Ok(())
}

/// Events whose files are gone are removed from the dataset too.
fn remove_vanished(store: &Store, events: &[GroupReport]) -> Result<(), PrepareError> {
    for path in store.events()? {
        let wanted = events.iter().any(|event| event.path == path && event.items > 0);
        if !wanted {
            warn!("event {path} is no longer among the source files; removing it from the prepared dataset");
            store.remove_event(&path)?;
        }
    }
    Ok(())
}

fn summary(report: &Report, converted: usize, took: std::time::Duration) -> String {
    let frames = words::count(report.items() as u64, "frame");
    let present = report.groups.iter().filter(|event| event.items > 0).count();
    let events = words::count(present as u64, "event");
    let mut text = match converted {
        0 => format!("prepared: {frames} in {events}, nothing new"),
        _ => format!("prepared: {frames} in {events}, {converted} of them now, in {}", words::duration(took)),
    };
    if report.bad() > 0 {
        text += &format!(", {} set aside", words::count(report.bad() as u64, "file"));
    }
    text
}
