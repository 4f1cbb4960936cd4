//! `plots/*.png`: loss, learning rate, throughput and scores over the epochs, drawn anew after each one. They show whatever
//! the task measures, by its names.

mod chart;
mod past;
mod scores;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use self::past::Past;
use crate::report::PictureError;
use crate::report::curves::{Curves, curves};
use crate::train::events::{Cost, Event, Heard, Observer, Record};
use crate::train::run_folder::RunError;
use crate::train::target::Target;
use crate::util::fs::{create_dir_all, write_atomic};

/// Draws the curves of a run.
pub struct Plots {
    run_folder: PathBuf,
    /// By their numbers, counted from 1.
    epochs: BTreeMap<u64, Epoch>,
    /// Validations in the midst of the epoch at hand.
    midway: Vec<Midway>,
    /// By which number the best is told.
    target: Target,
    /// Where training goes on from, as long as what is before it could not be read.
    unread: Option<Place>,
    /// Whether an epoch has ended that is not drawn yet.
    is_stale: bool,
}

/// Where training goes on from.
#[derive(Clone, Copy)]
struct Place {
    /// Epochs that are complete.
    epoch: u64,
    /// Steps that are complete.
    step: u64,
}

/// What is drawn of an epoch.
struct Epoch {
    record: Record,
    /// None where an earlier session's log does not tell.
    pace: Option<Pace>,
    /// Validations in the midst of it.
    midway: Vec<Midway>,
}

/// A validation in the midst of an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Midway {
    step: u64,
    /// What it is compared by.
    value: f64,
}

/// How fast it was.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pace {
    samples_per_second: f64,
    /// The share of the time that went into waiting for data.
    data_wait: f64,
}

impl From<&Cost> for Pace {
    fn from(cost: &Cost) -> Self {
        Self { samples_per_second: cost.samples_per_second, data_wait: cost.data_wait }
    }
}

impl Plots {
    /// Nothing is read or written before training starts.
    #[must_use]
    pub fn new(run_folder: &Path) -> Self {
        Self {
            run_folder: run_folder.into(),
            epochs: BTreeMap::new(),
            midway: Vec::new(),
            target: Target::new("loss"),
            unread: None,
            is_stale: false,
        }
    }

    /// Takes in what earlier sessions have left, unless that is done.
    fn read_past(&mut self) -> Result<(), RunError> {
        let Some(place) = self.unread else { return Ok(()) };
        let Past { epochs, midway } = past::read(&self.run_folder, place, &self.target)?;
        for (number, epoch) in epochs {
            self.epochs.entry(number).or_insert(epoch);
        }
        // Of the epoch that a stop has cut in two.
        match self.epochs.get_mut(&(place.epoch + 1)) {
            Some(epoch) => epoch.midway.splice(..0, midway).for_each(drop),
            None => self.midway.splice(..0, midway).for_each(drop),
        }
        self.unread = None;
        Ok(())
    }

    /// All files, even where one fails.
    fn draw(&self) -> Result<(), RunError> {
        let folder = self.run_folder.join("plots");
        create_dir_all(&folder)?;
        let charts = [
            ("loss.png", chart::loss(&self.epochs, &self.target)),
            ("learning_rate.png", chart::learning_rate(&self.epochs, &self.target)),
            ("throughput.png", chart::throughput(&self.epochs, &self.target)),
            ("scores.png", chart::scores(&self.epochs, &self.target)),
        ];
        let shown = charts.into_iter().filter(|(_, chart)| !chart.panels.is_empty());
        let results: Vec<_> = shown.map(|(name, chart)| write(&folder.join(name), &chart)).collect();
        results.into_iter().collect()
    }
}

impl Observer for Plots {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        match event {
            Event::Started(started) => {
                self.epochs.clear();
                self.midway.clear();
                self.target = Target::new(&started.best_by);
                self.unread = Some(Place { epoch: started.epoch, step: started.step });
                self.read_past().map(|()| Heard::Ignored)
            }
            Event::ValidationEnded { step, parts, scores, .. } => {
                self.midway.push(Midway { step: *step, value: self.target.value(parts, scores) });
                Ok(Heard::Ignored)
            }
            Event::EpochEnded { record, cost, .. } => {
                let midway = std::mem::take(&mut self.midway);
                self.epochs.insert(record.epoch, Epoch { record: record.clone(), pace: Some(cost.into()), midway });
                self.is_stale = true;
                Ok(Heard::Ignored)
            }
            _ => Ok(Heard::Ignored),
        }
    }

    fn settle(&mut self) -> Result<Heard, RunError> {
        if !std::mem::take(&mut self.is_stale) {
            return Ok(Heard::Ignored);
        }
        // If the past can't be read, what is known is drawn all the same.
        let read = self.read_past();
        self.draw().and(read).map(|()| Heard::Wrote)
    }
}

fn write(path: &Path, chart: &Curves) -> Result<(), RunError> {
    let picture = curves(chart).map_err(PictureError::from).map_err(|error| RunError::Picture {
        path: path.into(),
        exit: error.exit(),
        source: error.into(),
    })?;
    Ok(write_atomic(path, &picture)?)
}
