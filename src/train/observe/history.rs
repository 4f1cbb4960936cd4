//! `history.json` and `results.csv`: one row per epoch, written before the epoch's checkpoint. What a resumed run does again
//! is dropped when it starts.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::train::checkpoint::disk::Disk;
use crate::train::events::{Event, Named, Observer, Record};
use crate::train::run_folder::RunError;
use crate::train::run_folder::history::{History, Row, epoch_of};

/// Writes the history of a run.
pub struct HistoryFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    history: Option<History>,
}

impl HistoryFile {
    /// Nothing is read or written before training starts.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, path: PathBuf) -> Self {
        Self { disk, path, history: None }
    }
}

impl Observer for HistoryFile {
    fn observe(&mut self, event: &Event) -> Result<(), RunError> {
        match event {
            Event::Started(started) => {
                let (history, warnings) = History::resume(Arc::clone(&self.disk), &self.path, started.epoch)?;
                warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
                self.history = Some(history);
                Ok(())
            }
            Event::EpochEnded { record, .. } => match &mut self.history {
                Some(history) => history.push(record.epoch.saturating_sub(1), row(record)),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

fn row(record: &Record) -> Row {
    let mut row = Row::new();
    row.insert("phase".into(), json!(record.phase));
    row.insert("step".into(), json!(record.step));
    row.insert("lr".into(), json!(record.lr));
    for (side, values) in [("train", &record.train), ("val", &record.val), ("scores", &record.scores)] {
        row.insert(side.into(), Value::Object(object(values)));
    }
    row
}

/// The record that a row was made of; where the row is not ours, what it lacks is empty.
pub(super) fn record(row: &Row) -> Option<Record> {
    let number = |key: &str| row.get(key).and_then(Value::as_u64).unwrap_or_default();
    Some(Record {
        epoch: epoch_of(row)? + 1,
        phase: number("phase") as usize,
        step: number("step"),
        lr: row.get("lr").and_then(Value::as_f64).unwrap_or(f64::NAN),
        train: named(row.get("train")),
        val: named(row.get("val")),
        scores: named(row.get("scores")),
    })
}

fn named(values: Option<&Value>) -> Vec<Named> {
    let values = values.and_then(Value::as_object).into_iter().flatten();
    values.map(|(name, value)| (name.clone(), value.as_f64().unwrap_or(f64::NAN))).collect()
}

/// What is no number becomes null: JSON has no word for it.
pub(super) fn object(values: &[Named]) -> Map<String, Value> {
    values.iter().map(|(name, value)| (name.clone(), json!(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::checkpoint::disk::RealDisk;
    use crate::train::events::{Cost, Started};

    fn ended(epoch: u64) -> Event {
        let named = |name: &str, value| (name.to_owned(), value);
        let record = Record {
            epoch,
            phase: 1,
            step: 10 * epoch,
            lr: 0.1,
            train: vec![named("loss", 0.5)],
            val: vec![named("loss", 1.0 / epoch as f64)],
            scores: vec![named("csi", f64::NAN)],
        };
        Event::EpochEnded { record, cost: Cost::default(), improved: true }
    }

    #[test]
    fn a_row_gives_back_the_record_it_was_made_of() {
        let Event::EpochEnded { mut record, .. } = ended(3) else { unreachable!() };
        let mut row = row(&record);
        row.insert("epoch".into(), json!(2));
        let mut back = super::record(&row).unwrap();
        assert!(back.scores.remove(0).1.is_nan() && record.scores.remove(0).1.is_nan());
        assert_eq!(back, record);
    }

    #[test]
    fn a_resumed_run_leaves_the_same_bytes_as_one_that_was_not_stopped() {
        let bytes = |starts: &[(u64, &[u64])]| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("history.json");
            for (epoch, epochs) in starts {
                let mut file = HistoryFile::new(Arc::new(RealDisk), path.clone());
                let started =
                    Started { parameters: 1, train_samples: 1, val_samples: 1, epochs: 4, epoch: *epoch, step: 0 };
                file.observe(&Event::Started(started)).unwrap();
                epochs.iter().for_each(|epoch| file.observe(&ended(*epoch)).unwrap());
            }
            ["history.json", "results.csv"].map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap())
        };
        let whole = bytes(&[(0, &[1, 2, 3])]);
        assert_eq!(bytes(&[(0, &[1, 2]), (1, &[2, 3])]), whole, "epoch 2 was not in the checkpoint");
        assert_eq!(bytes(&[(0, &[1, 2]), (2, &[3])]), whole);
        assert_eq!(whole[1].lines().next(), Some("epoch,phase,step,lr,train.loss,val.loss,scores.csi"));
    }
}
