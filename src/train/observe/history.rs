//! `history.json` and `results.csv`: one row per epoch, written before the epoch's checkpoint. What a resumed run does again
//! is dropped when it starts.

use std::path::PathBuf;
use std::sync::Arc;

use crate::train::checkpoint::disk::Disk;
use crate::train::events::{Best, Event, Heard, Observer, Record};
use crate::train::run_folder::RunError;
use crate::train::run_folder::history::{History, Story};
use crate::util::stop::Stop;

/// Writes the history of a run. What can't be written is kept and tried again with the next epoch and at the end.
pub struct HistoryFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// What is measured, the epochs of the checkpoint that training resumes from, and the best so far.
    now: Story,
    /// `None` if the file on disk could not be read yet.
    history: Option<History>,
    /// Rows that arrived before it could be read.
    waiting: Vec<Record>,
    /// Whether something is not on the disk.
    is_behind: bool,
    stop: Stop,
}

impl HistoryFile {
    /// Nothing is read or written before training starts.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, path: PathBuf) -> Self {
        Self {
            disk,
            path,
            now: Story::default(),
            history: None,
            waiting: Vec::new(),
            is_behind: false,
            stop: Stop::default(),
        }
    }

    /// The same; once a stop was requested, a row is written while its checkpoint is, and not before: on a slow disk both in
    /// turn take too long. The checkpoint has the row as well.
    #[must_use]
    pub fn heeding(self, stop: Stop) -> Self {
        Self { stop, ..self }
    }

    fn catch_up(&mut self) -> Result<Heard, RunError> {
        self.is_behind = true;
        let history = match &mut self.history {
            Some(history) => history,
            None => {
                let disk = Arc::clone(&self.disk);
                let (history, warnings) = History::resume(disk, &self.path, &self.now)?;
                warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
                self.history.insert(history)
            }
        };
        self.waiting.drain(..).for_each(|record| history.add(record));
        history.set_best(self.now.best.clone());
        history.write()?;
        self.is_behind = false;
        Ok(Heard::Wrote)
    }

    fn is_best(&mut self, best: &Option<Best>) {
        self.now.best.clone_from(best);
    }
}

impl Observer for HistoryFile {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        match event {
            Event::Started(started) => {
                let (parts, scores) = (started.parts.clone(), started.scores.clone());
                let epochs = started.rows.clone();
                self.now = Story { best: started.best.clone(), parts, scores, epochs, ..Story::default() };
                self.history = None;
                self.waiting.clear();
                self.catch_up()
            }
            Event::ValidationEnded { improved: true, best, .. } => {
                self.is_best(best);
                self.catch_up()
            }
            Event::EpochEnded { record, best, .. } => {
                self.waiting.push(record.clone());
                self.is_best(best);
                self.is_behind = true;
                if self.stop.check().is_ok() { self.catch_up() } else { Ok(Heard::Ignored) }
            }
            Event::Saving { .. } if self.is_behind && self.stop.check().is_err() => self.catch_up(),
            Event::Ended(_) if self.is_behind => self.catch_up(),
            _ => Ok(Heard::Ignored),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::better::Better;
    use crate::metric::score::ScoreSpec;
    use crate::train::checkpoint::disk::memory::{Fault, MemoryDisk};
    use crate::train::checkpoint::disk::{RealDisk, read};
    use crate::train::events::{Cost, Ended, Observers, Reason, Started};
    use std::io::ErrorKind;
    use std::path::Path;

    fn best(epoch: u64, step: u64) -> Option<Best> {
        let by = vec![("loss".to_owned(), Some(1.0 / epoch as f64))];
        Some(Best { epoch, step, by, loss: Some(1.0 / epoch as f64) })
    }

    fn ended(epoch: u64) -> Event {
        let best = best(epoch, 10 * epoch);
        Event::EpochEnded { record: record(epoch), cost: Cost::default(), improved: true, best }
    }

    fn record(epoch: u64) -> Record {
        let named = |name: &str, value| (name.to_owned(), value);
        Record {
            epoch,
            phase: 1,
            step: 10 * epoch,
            lr: 0.1,
            train: vec![named("loss", Some(0.5))],
            val: vec![named("loss", Some(1.0 / epoch as f64))],
            scores: vec![named("csi", None)],
        }
    }

    #[test]
    fn the_best_is_what_the_engine_says_be_it_in_the_midst_of_an_epoch_or_of_an_earlier_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.json");
        let mut file = HistoryFile::new(Arc::new(RealDisk), path.clone());
        let said = || Story::read(&path).unwrap().best.map(|best| (best.epoch, best.step));
        let midway = |improved, best| Event::ValidationEnded {
            epoch: 1,
            step: 15,
            parts: Vec::new(),
            scores: Vec::new(),
            improved,
            best,
        };
        file.observe(&started(0)).unwrap();
        assert_eq!(said(), None);
        file.observe(&ended(1)).unwrap();
        file.observe(&midway(false, best(1, 10))).unwrap();
        assert_eq!(said(), Some((1, 10)));
        file.observe(&midway(true, best(2, 15))).unwrap();
        assert_eq!(said(), Some((2, 15)));
        let mut resumed = HistoryFile::new(Arc::new(RealDisk), path.clone());
        resumed.observe(&started(1)).unwrap();
        assert_eq!(said(), Some((1, 10)), "what a lost checkpoint knew is gone");
    }

    #[test]
    fn a_resumed_run_leaves_the_same_bytes_as_one_that_was_not_stopped() {
        let bytes = |starts: &[(u64, &[u64])]| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("history.json");
            for (epoch, epochs) in starts {
                let mut file = HistoryFile::new(Arc::new(RealDisk), path.clone());
                file.observe(&started(*epoch)).unwrap();
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
            epochs: 4,
            epoch,
            best_by: vec!["loss".into()],
            best: if epoch == 0 { None } else { best(epoch, 10 * epoch) },
            parts: vec![ScoreSpec::new("loss", "Loss", Better::Lower)],
            scores: vec![ScoreSpec::new("csi", "CSI", Better::Higher)],
            rows: (1..=epoch).map(record).collect(),
            ..Started::default()
        })
    }

    fn over() -> Event {
        Event::Ended(Ended { reason: Reason::Epochs, epoch: 3, step: 30, epoch_share: 0.0, best: None })
    }

    /// What follows every epoch and does not concern the history.
    fn saving() -> Event {
        Event::Saving { epoch: 1, step: 10 }
    }

    fn epochs(disk: &MemoryDisk) -> Vec<u64> {
        let story: serde_json::Value = serde_json::from_slice(&read(disk, Path::new(PATH)).unwrap()).unwrap();
        story["epochs"].as_array().unwrap().iter().map(|record| record["epoch"].as_u64().unwrap()).collect()
    }

    #[test]
    fn a_last_row_that_can_not_be_written_is_reported_at_the_end_whatever_follows() {
        let disk = disk();
        let mut observers = listening(&disk);
        [started(0), ended(1), saving(), ended(2), saving()].iter().for_each(|event| observers.tell(event));
        disk.inject(0, Fault::FromNowOn(ErrorKind::StorageFull));
        [ended(3), saving(), over()].iter().for_each(|event| observers.tell(event));
        let error = observers.finish().unwrap_err();
        assert!(error.to_string().contains("history.json"), "{error}");
        assert_eq!(epochs(&disk), [1, 2]);
    }

    #[test]
    fn once_a_stop_was_requested_a_row_is_written_with_its_checkpoint_or_at_the_end() {
        for last in [saving(), over()] {
            let disk = disk();
            let stop = Stop::default();
            let file = HistoryFile::new(Arc::new(disk.clone()), PATH.into()).heeding(stop.clone());
            let mut observers = Observers::default().with(file);
            [started(0), ended(1)].iter().for_each(|event| observers.tell(event));
            assert_eq!(epochs(&disk), [1]);
            stop.request();
            observers.tell(&ended(2));
            assert_eq!(epochs(&disk), [1], "the checkpoint is not handed over yet");
            observers.tell(&last);
            assert_eq!(epochs(&disk), [1, 2]);
        }
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
            assert_eq!(epochs(&disk), [1, 2, 3], "{failing}");
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
        assert_eq!(epochs(&disk), [1, 2, 3]);

        let disk = self::disk();
        disk.inject(0, Fault::FromNowOn(ErrorKind::StorageFull));
        let mut observers = listening(&disk);
        [started(0), ended(1), saving(), over()].iter().for_each(|event| observers.tell(event));
        assert!(observers.finish().is_err(), "nothing was ever written");
    }
}
