//! `plots/*.png`: loss, learning rate, throughput and scores over the epochs, drawn anew after each one. They show whatever
//! the task measures, by its names.

mod chart;
mod past;
mod scores;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::report::PictureError;
use crate::report::curves::{Curves, curves};
use crate::train::events::{Cost, Event, Observer, Record};
use crate::train::run_folder::RunError;
use crate::util::fs::{create_dir_all, write_atomic};

/// Draws the curves of a run.
pub struct Plots {
    run_folder: PathBuf,
    /// By their numbers, counted from 1.
    epochs: BTreeMap<u64, Epoch>,
}

/// What is drawn of an epoch.
struct Epoch {
    record: Record,
    /// None where an earlier session's log does not tell.
    pace: Option<Pace>,
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
        Self { run_folder: run_folder.into(), epochs: BTreeMap::new() }
    }

    /// All files, even where one fails.
    fn draw(&self) -> Result<(), RunError> {
        let folder = self.run_folder.join("plots");
        create_dir_all(&folder)?;
        let charts = [
            ("loss.png", chart::loss(&self.epochs)),
            ("learning_rate.png", chart::learning_rate(&self.epochs)),
            ("throughput.png", chart::throughput(&self.epochs)),
            ("scores.png", chart::scores(&self.epochs)),
        ];
        let shown = charts.into_iter().filter(|(_, chart)| !chart.panels.is_empty());
        let results: Vec<_> = shown.map(|(name, chart)| write(&folder.join(name), &chart)).collect();
        results.into_iter().collect()
    }
}

impl Observer for Plots {
    fn observe(&mut self, event: &Event) -> Result<(), RunError> {
        match event {
            Event::Started(started) => {
                self.epochs.clear();
                self.epochs = past::epochs(&self.run_folder, started.epoch)?;
                Ok(())
            }
            Event::EpochEnded { record, cost, .. } => {
                let epoch = Epoch { record: record.clone(), pace: Some(cost.into()) };
                self.epochs.insert(record.epoch, epoch);
                self.draw()
            }
            _ => Ok(()),
        }
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
