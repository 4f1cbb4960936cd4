//! `history.json` and `results.csv`: one row per epoch, written before the epoch's checkpoint. What a resumed run does again
//! is dropped when it starts.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::train::checkpoint::disk::Disk;
use crate::train::events::{Event, Heard, Named, Observer, Record};
use crate::train::run_folder::RunError;
use crate::train::run_folder::history::{History, Row, epoch_of};

/// Writes the history of a run. What can't be written is kept and tried again with the next epoch and at the end.
pub struct HistoryFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// Complete epochs that training goes on from.
    done: u64,
    /// None where what is on the disk could not be read yet.
    history: Option<History>,
    /// Rows that came before it could be read.
    waiting: Vec<(u64, Row)>,
    /// Whether something is not on the disk.
    is_behind: bool,
}

impl HistoryFile {
    /// Nothing is read or written before training starts.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, path: PathBuf) -> Self {
        Self { disk, path, done: 0, history: None, waiting: Vec::new(), is_behind: false }
    }

    fn catch_up(&mut self) -> Result<Heard, RunError> {
        self.is_behind = true;
        let history = match &mut self.history {
            Some(history) => history,
            None => {
                let (history, warnings) = History::resume(Arc::clone(&self.disk), &self.path, self.done)?;
                warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
                self.history.insert(history)
            }
        };
        self.waiting.drain(..).for_each(|(epoch, row)| history.add(epoch, row));
        history.write()?;
        self.is_behind = false;
        Ok(Heard::Wrote)
    }
}

impl Observer for HistoryFile {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        match event {
            Event::Started(started) => {
                (self.done, self.history) = (started.epoch, None);
                self.waiting.clear();
                self.catch_up()
            }
            Event::EpochEnded { record, .. } => {
                self.waiting.push((record.epoch.saturating_sub(1), row(record)));
                self.catch_up()
            }
            Event::Ended(_) if self.is_behind => self.catch_up(),
            _ => Ok(Heard::Ignored),
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
    use crate::train::checkpoint::disk::memory::{Fault, MemoryDisk};
    use crate::train::checkpoint::disk::{RealDisk, read};
    use crate::train::events::{Cost, Ended, Observers, Reason, Started};
    use std::io::ErrorKind;
    use std::path::Path;

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
        row.insert("epoch".into(), json!(3));
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
                let started = Started {
                    parameters: 1,
                    train_samples: 1,
                    val_samples: 1,
                    epochs: 4,
                    epoch: *epoch,
                    step: 0,
                    best_by: "loss".into(),
                };
                file.observe(&Event::Started(started)).unwrap();
                epochs.iter().for_each(|epoch| assert_eq!(file.observe(&ended(*epoch)).unwrap(), Heard::Wrote));
            }
            ["history.json", "results.csv"].map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap())
        };
        let whole = bytes(&[(0, &[1, 2, 3])]);
        assert_eq!(bytes(&[(0, &[1, 2]), (1, &[2, 3])]), whole, "epoch 2 was not in the checkpoint");
        assert_eq!(bytes(&[(0, &[1, 2]), (2, &[3])]), whole);
        assert_eq!(whole[1].lines().next(), Some("epoch,phase,step,lr,train.loss,val.loss,scores.csi"));
    }

    const FOLDER: &str = "run";
    const PATH: &str = "run/history.json";

    fn disk() -> MemoryDisk {
        let disk = MemoryDisk::default();
        disk.create_folder(Path::new(FOLDER)).unwrap();
        disk
    }

    fn listening(disk: &MemoryDisk) -> Observers {
        Observers::default().with(HistoryFile::new(Arc::new(disk.clone()), PATH.into()))
    }

    fn started(epoch: u64) -> Event {
        Event::Started(Started {
            parameters: 1,
            train_samples: 1,
            val_samples: 1,
            epochs: 4,
            epoch,
            step: 0,
            best_by: "loss".into(),
        })
    }

    fn over() -> Event {
        Event::Ended(Ended { reason: Reason::Epochs, epoch: 3, step: 30, best: None })
    }

    /// What follows every epoch and is none of the history's business.
    fn saving() -> Event {
        Event::Saving { epoch: 1, step: 10 }
    }

    fn epochs(disk: &MemoryDisk) -> Vec<u64> {
        let rows: Vec<Row> = serde_json::from_slice(&read(disk, Path::new(PATH)).unwrap()).unwrap();
        rows.iter().filter_map(epoch_of).collect()
    }

    #[test]
    fn a_last_row_that_can_not_be_written_is_told_at_the_end_whatever_follows() {
        let disk = disk();
        let mut observers = listening(&disk);
        [started(0), ended(1), saving(), ended(2), saving()].iter().for_each(|event| observers.tell(event));
        disk.inject(0, Fault::FromNowOn(ErrorKind::StorageFull));
        [ended(3), saving(), over()].iter().for_each(|event| observers.tell(event));
        let error = observers.finish().unwrap_err();
        assert!(error.to_string().contains("history.json"), "{error}");
        assert_eq!(epochs(&disk), [0, 1]);
    }

    #[test]
    fn a_row_that_can_not_be_written_at_once_is_written_with_the_next_one_or_at_the_end() {
        for failing in [1, 2, 3] {
            let disk = disk();
            let mut observers = listening(&disk);
            observers.tell(&started(0));
            for epoch in 1..=3 {
                if epoch == failing {
                    disk.inject(0, Fault::Once(ErrorKind::StorageFull));
                }
                observers.tell(&ended(epoch));
                observers.tell(&saving());
            }
            assert_eq!(epochs(&disk).len(), if failing == 3 { 2 } else { 3 });
            observers.tell(&over());
            observers.finish().unwrap();
            assert_eq!(epochs(&disk), [0, 1, 2], "{failing}");
        }
    }

    #[test]
    fn a_history_that_can_not_be_read_when_training_starts_loses_no_row() {
        let disk = disk();
        let mut observers = listening(&disk);
        [started(0), ended(1)].iter().for_each(|event| observers.tell(event));
        disk.inject(0, Fault::Once(ErrorKind::StaleNetworkFileHandle));
        let mut resumed = listening(&disk);
        resumed.tell(&started(1));
        [ended(2), saving(), ended(3), over()].iter().for_each(|event| resumed.tell(event));
        resumed.finish().unwrap();
        assert_eq!(epochs(&disk), [0, 1, 2]);

        let disk = self::disk();
        disk.inject(0, Fault::FromNowOn(ErrorKind::StorageFull));
        let mut observers = listening(&disk);
        [started(0), ended(1), saving(), over()].iter().for_each(|event| observers.tell(event));
        assert!(observers.finish().is_err(), "nothing was ever written");
    }
}
