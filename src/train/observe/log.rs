//! `log.jsonl`: every event, one line each, with the time. What is heard during a second may be lost in a power cut.

use serde_json::{Value, json};

use crate::train::events::{Event, Heard, Observer};
use crate::train::run_folder::RunError;
use crate::train::run_folder::log::EventLog;
use crate::util::stop::Stop;

/// Appends the events to the log of a run.
pub struct LogFile(EventLog, Stop);

impl LogFile {
    /// A log that was opened.
    #[must_use]
    pub fn new(log: EventLog) -> Self {
        Self(log, Stop::default())
    }

    /// The same, synced only at the end once a stop was requested: a slow disk must not hold up the checkpoint.
    #[must_use]
    pub fn heeding(self, stop: Stop) -> Self {
        Self(self.0, stop)
    }
}

impl Observer for LogFile {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        // Pictures and the pace of a validation are for others.
        if matches!(event, Event::Pictures { .. } | Event::Validated { .. }) {
            return Ok(Heard::Ignored);
        }
        if let Some(line) = line(event, jiff::Timestamp::now()) {
            self.0.append(&line)?;
        }
        match event {
            Event::EpochEnded { .. } if self.1.check().is_err() => Ok(Heard::Ignored),
            Event::EpochEnded { .. } | Event::Ended(_) => self.0.sync().map(|()| Heard::Wrote),
            // Only what is on the disk clears an earlier failure.
            _ => Ok(Heard::Ignored),
        }
    }
}

fn line(event: &Event, time: jiff::Timestamp) -> Option<Value> {
    let mut line = json!(event);
    line.as_object_mut()?.shift_insert(0, "time".into(), json!(time));
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::events::{Best, Ended, Reason};

    #[test]
    fn every_event_is_a_line_with_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let mut log = LogFile::new(EventLog::open(&path).unwrap());
        log.observe(&Event::Saving { epoch: 1, step: 7 }).unwrap();
        log.observe(&Event::Pictures { epoch: 1, folder: "shown", pictures: Vec::new() }).unwrap();
        let best = Best { epoch: 1, step: 7, by: vec![("loss".into(), None)], loss: None };
        let ended = Ended { reason: Reason::Patience, epoch: 1, step: 7, epoch_share: 0.0, best: Some(best) };
        log.observe(&Event::Ended(ended)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let times: Vec<_> = lines.iter_mut().map(|line| line.as_object_mut().unwrap().shift_remove("time")).collect();
        assert!(times.iter().flatten().all(Value::is_string));
        assert_eq!(
            lines,
            [
                json!({"event": "saving", "epoch": 1, "step": 7}),
                json!({"event": "ended", "reason": "patience", "epoch": 1, "epoch_share": 0.0, "step": 7, "best": {"epoch": 1, "step": 7, "by": {"loss": null}, "loss": null}}),
            ]
        );
    }
}
