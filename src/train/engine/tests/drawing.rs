//! Pictures that are drawn while training continues.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::*;
use crate::train::events::{Heard, Observer};
use crate::train::observe::{Behind, PictureFiles};
use crate::train::run_folder::RunError;

/// Waits for its release at the first event, and records what it receives.
struct Held {
    release: Receiver<()>,
    says: Sender<String>,
    is_free: bool,
}

impl Observer for Held {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        // If a step waited for this, it would never be made and nothing would release it: the test then fails after a while.
        self.is_free = self.is_free || self.release.recv_timeout(Duration::from_secs(120)).is_ok();
        assert!(self.is_free, "training waited for a picture");
        let text = match event {
            Event::EpochEnded { record, .. } => format!("epoch {}", record.epoch),
            Event::Started(_) => "started".into(),
            Event::Ended(_) => "ended".into(),
            _ => return Ok(Heard::Ignored),
        };
        self.says.send(text).unwrap();
        Ok(Heard::Ignored)
    }
}

/// Releases it once the last step is made.
struct Releases {
    at: u64,
    release: Sender<()>,
}

impl Observer for Releases {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        if matches!(event, Event::Stepped(step) if step.step == self.at) {
            self.release.send(()).unwrap();
        }
        Ok(Heard::Ignored)
    }
}

#[test]
fn a_slow_picture_holds_up_no_step_and_the_end_waits_for_it() {
    let run = Run::new(&config());
    let ((release, waits), (says, heard)) = (channel(), channel());
    let held = Held { release: waits, says, is_free: false };
    let behind = Behind::start(Path::new("run"), vec![Box::new(held)]).unwrap();
    let observers = Observers::default().with(behind).with(Releases { at: 12, release });
    run.engine_with(Box::new(run.kept.clone()), observers).train().unwrap();
    let expected = ["started", "epoch 1", "epoch 2", "epoch 3", "epoch 4", "ended"];
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn the_pictures_of_the_best_epoch_are_there_when_training_has_ended() {
    let (run, folder) = (Run::new(&config()), tempfile::tempdir().unwrap());
    let behind = Behind::start(folder.path(), vec![Box::new(PictureFiles::new(folder.path()))]).unwrap();
    let ended = run.engine_with(Box::new(run.kept.clone()), Observers::default().with(behind)).train().unwrap();
    let best = format!("epoch {}: ", ended.best.unwrap().epoch);
    for name in ["row.txt", "row-2.txt"] {
        let text = std::fs::read_to_string(folder.path().join("pictures").join(name)).unwrap();
        assert!(text.starts_with(&best), "{text}");
    }
}
