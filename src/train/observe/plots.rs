//! `plots/*.png`: loss, learning rate, throughput and scores over the epochs, redrawn after each one. They show everything
//! the task measures, as it describes it.

mod chart;
mod past;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::report::PictureError;
use crate::report::chart::{Sheet, png};
use crate::train::events::{Best, Cost, Event, Heard, Observer, Record};
use crate::train::run_folder::RunError;
use crate::train::run_folder::history::Story;
use crate::util::fs::{create_dir_all, write_atomic};

/// Draws the curves of a run.
pub struct Plots {
    run_folder: PathBuf,
    drawn: Drawn,
    /// Where training resumes, until the epochs before it could be read.
    unread: Option<u64>,
    /// Whether an epoch has ended that is not drawn yet.
    is_stale: bool,
}

/// What is drawn.
#[derive(Debug, Default)]
struct Drawn {
    /// What is measured, the best by now, and the epochs.
    story: Story,
    /// The speed of epochs by number, without those that are missing in the log of an earlier session.
    paces: BTreeMap<u64, Pace>,
}

impl Drawn {
    /// Puts an epoch in its place; one that is made again replaces the first.
    fn take(&mut self, record: Record) {
        let place = self.story.epochs.partition_point(|other| other.epoch < record.epoch);
        match self.story.epochs.get_mut(place) {
            Some(same) if same.epoch == record.epoch => *same = record,
            _ => self.story.epochs.insert(place, record),
        }
    }
}

/// How fast it was.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pace {
    samples_per_second: f64,
    /// The share of the time spent waiting for data.
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
        Self { run_folder: run_folder.into(), drawn: Drawn::default(), unread: None, is_stale: false }
    }

    /// Takes in what earlier sessions have left, unless that is done.
    fn read_past(&mut self) -> Result<(), RunError> {
        let Some(epoch) = self.unread else { return Ok(()) };
        let (records, paces) = past::read(&self.run_folder, epoch)?;
        let is_known = |record: &Record| self.drawn.story.epoch(record.epoch).is_some();
        let new: Vec<Record> = records.into_iter().filter(|record| !is_known(record)).collect();
        new.into_iter().for_each(|record| self.drawn.take(record));
        for (number, pace) in paces {
            self.drawn.paces.entry(number).or_insert(pace);
        }
        self.unread = None;
        Ok(())
    }

    fn is_best(&mut self, best: &Option<Best>) {
        self.drawn.story.best.clone_from(best);
    }

    /// All files, even if one fails.
    fn draw(&self) -> Result<(), RunError> {
        let folder = self.run_folder.join("plots");
        create_dir_all(&folder)?;
        let charts = [
            ("loss.png", chart::loss(&self.drawn)),
            ("learning_rate.png", chart::learning_rate(&self.drawn)),
            ("throughput.png", chart::throughput(&self.drawn)),
            ("scores.png", chart::scores(&self.drawn)),
        ];
        let shown = charts.into_iter().filter(|(_, sheet)| !sheet.charts.is_empty());
        let results: Vec<_> = shown.map(|(name, sheet)| write(&folder.join(name), &sheet)).collect();
        results.into_iter().collect()
    }
}

impl Observer for Plots {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        match event {
            Event::Started(started) => {
                let (parts, scores) = (started.parts.clone(), started.scores.clone());
                let story = Story { best: started.best.clone(), parts, scores, ..Story::default() };
                self.drawn = Drawn { story, ..Drawn::default() };
                self.unread = Some(started.epoch);
                self.read_past().map(|()| Heard::Ignored)
            }
            Event::ValidationEnded { best, .. } => {
                self.is_best(best);
                Ok(Heard::Ignored)
            }
            Event::EpochEnded { record, cost, best, .. } => {
                self.is_best(best);
                self.drawn.take(record.clone());
                self.drawn.paces.insert(record.epoch, cost.into());
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
        // If earlier epochs can't be read, the known ones are drawn anyway.
        let read = self.read_past();
        self.draw().and(read).map(|()| Heard::Wrote)
    }
}

fn write(path: &Path, sheet: &Sheet) -> Result<(), RunError> {
    let picture = png(sheet).map_err(PictureError::from).map_err(|error| RunError::Picture {
        path: path.into(),
        exit: error.exit(),
        source: error.into(),
    })?;
    Ok(write_atomic(path, &picture)?)
}
