//! The epochs of a run as its history has them, and the best one. Pure but for reading the file.

use std::path::Path;

use super::tale::Midway;
use crate::train::events::{Named, Record};
use crate::train::observe::baseline::compared_with;
use crate::train::observe::history::record;
use crate::train::run_folder::history::rows;
use crate::train::target::Target;

/// More places than this can't be told from each other on a chart.
const MOST_PLACES: usize = 400;

/// The epochs in their order.
#[derive(Debug, Default)]
pub(super) struct Epochs(pub(super) Vec<Record>);

/// The validation whose weights are kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Best {
    pub(super) epoch: u64,
    /// The step, where it was in the midst of the epoch.
    pub(super) step: Option<u64>,
    /// What it is the best by.
    pub(super) value: f64,
}

impl Epochs {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let rows = rows(path).map_err(|error| error.to_string())?;
        let mut records: Vec<Record> = rows.iter().filter_map(record).collect();
        records.sort_by_key(|record| record.epoch);
        records.dedup_by_key(|record| record.epoch);
        Ok(Self(records))
    }

    pub(super) fn last(&self) -> Option<&Record> {
        self.0.last()
    }

    pub(super) fn at(&self, epoch: u64) -> Option<&Record> {
        self.0.iter().find(|record| record.epoch == epoch)
    }

    /// The loss and its parts, by name.
    pub(super) fn parts(&self) -> Vec<&str> {
        names(self.0.iter().flat_map(|record| record.train.iter().chain(&record.val)))
    }

    /// The scores, by name, without those of baselines that something is compared with.
    pub(super) fn scores(&self) -> Vec<&str> {
        let (all, parts) = (names(self.0.iter().flat_map(|record| &record.scores)), self.parts());
        let is_compared = |name: &str| compared_with(name).is_some_and(|of| all.contains(&of) || parts.contains(&of));
        all.iter().copied().filter(|name| !is_compared(name)).collect()
    }

    /// Those that are drawn: all, or evenly so many of them, the last and the given one among them. None stands for a gap.
    pub(super) fn drawn(&self, also: Option<u64>) -> Vec<(f64, Option<&Record>)> {
        let every = self.0.len().div_ceil(MOST_PLACES).max(1);
        let last = self.last().map(|record| record.epoch);
        let mut drawn: Vec<(f64, Option<&Record>)> = Vec::new();
        let mut before: Option<u64> = None;
        for (at, record) in self.0.iter().enumerate() {
            if before.is_some_and(|before| record.epoch > before + 1) {
                drawn.push((record.epoch as f64 - 0.5, None));
            }
            before = Some(record.epoch);
            if at % every == 0 || Some(record.epoch) == last || Some(record.epoch) == also {
                drawn.push((record.epoch as f64, Some(record)));
            }
        }
        drawn
    }
}

/// The value of a name.
pub(super) fn value(values: &[Named], name: &str) -> f64 {
    values.iter().find(|(other, _)| other == name).map_or(f64::NAN, |(_, value)| *value)
}

fn names<'a>(values: impl Iterator<Item = &'a Named>) -> Vec<&'a str> {
    let mut seen = std::collections::HashSet::new();
    values.map(|(name, _)| name.as_str()).filter(|name| seen.insert(*name)).collect()
}

/// The best validation, or the epoch with the lowest training loss where nothing is validated. Losses of two phases can't be
/// compared: only the last one counts.
pub(super) fn best(epochs: &Epochs, midway: &[Midway], target: &Target) -> Option<Best> {
    let phase = epochs.last()?.phase;
    let of_phase: Vec<&Record> = epochs.0.iter().filter(|record| record.phase == phase).collect();
    let begins = of_phase.first()?.epoch;
    let midway = midway.iter().filter(|found| found.epoch >= begins);
    let midway = midway.map(|found| Best {
        epoch: found.epoch,
        step: Some(found.step),
        value: target.value(&found.parts, &found.scores),
    });
    let is_validated = of_phase.iter().any(|record| !record.val.is_empty());
    let at_end = of_phase.iter().map(|record| {
        let value = match is_validated {
            true => target.value(&record.val, &record.scores),
            false => target.value(&record.train, &[]),
        };
        Best { epoch: record.epoch, step: None, value }
    });
    target.best(midway.chain(at_end), |found| found.value)
}
