//! `status.json`: the heartbeat, at most one beat every few seconds. The last state of a run is left to the
//! stage runner, except that of one that was stopped.

use std::time::Instant;

use crate::train::events::{Cost, Event, Heard, Named, Observer, Reason};
use crate::train::run_folder::RunError;
use crate::train::run_folder::status::{Heartbeat, INTERVAL, State, Status};
use crate::util::memory;
use crate::util::stop::Stop;

/// Reports the state of training to a heartbeat.
pub struct StatusFile {
    heartbeat: Heartbeat,
    status: Status,
    last: Option<Instant>,
    stop: Stop,
}

impl StatusFile {
    /// A running heartbeat, and what is known of the run so far.
    #[must_use]
    pub fn new(heartbeat: Heartbeat, mut status: Status) -> Self {
        status.memory_limit_bytes = status.memory_limit_bytes.or_else(memory::limit_bytes);
        Self { heartbeat, status, last: None, stop: Stop::default() }
    }

    /// The same, with no beat but the last one once a stop was requested: on a slow disk that would wait behind the others.
    #[must_use]
    pub fn heeding(self, stop: Stop) -> Self {
        Self { stop, ..self }
    }

    fn beat(&mut self, at_once: bool) {
        if at_once || self.last.is_none_or(|last| last.elapsed() >= INTERVAL) {
            self.last = Some(Instant::now());
            // Includes memory held between two steps and freed before anyone looked.
            let peak = memory::peak_bytes().unwrap_or(0);
            self.status.peak_memory_bytes = self.status.peak_memory_bytes.max(peak);
            self.heartbeat.beat(self.status.clone().signed());
        }
    }
}

impl Observer for StatusFile {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        // The end of an epoch is reported with the checkpoint that follows, which says whether the epoch is complete.
        let at_once = matches!(event, Event::Started(_) | Event::Saving { .. } | Event::Ended(_));
        take_in(&mut self.status, event);
        if self.stop.check().is_ok() || matches!(event, Event::Ended(_)) {
            self.beat(at_once);
        }
        Ok(Heard::Ignored)
    }
}

fn take_in(status: &mut Status, event: &Event) {
    match event {
        Event::Started(started) => {
            status.stage = "train".into();
            (status.epoch, status.step) = (started.epoch, started.step);
        }
        Event::EpochStarted { seen, .. } if *seen == 0 => status.epoch_share = 0.0,
        Event::Stepped(stepped) => {
            (status.epoch, status.step) = (stepped.epoch, stepped.step);
            status.epoch_share = stepped.seen as f64 / stepped.of.max(1) as f64;
            metrics(status, "step", &stepped.parts);
            if let Some(used) = &mut status.used {
                used.micro_batch = stepped.micro_batch;
            }
            status.metrics.insert("lr".into(), stepped.lr);
            status.metrics.insert("samples_per_second".into(), stepped.cost.samples_per_second);
            cost(status, &stepped.cost);
        }
        Event::ValidationEnded { parts, scores, .. } => {
            metrics(status, "val", parts);
            metrics(status, "scores", scores);
        }
        Event::EpochEnded { record, cost: paid, .. } => {
            // Not its number: one that a limit cut short ends too, and is not complete.
            metrics(status, "train", &record.train);
            metrics(status, "val", &record.val);
            metrics(status, "scores", &record.scores);
            cost(status, paid);
        }
        Event::Saving { epoch, step } => {
            let is_complete = *epoch > status.epoch;
            status.epoch_share = if is_complete { 0.0 } else { status.epoch_share };
            (status.epoch, status.step) = (*epoch, *step);
        }
        Event::Ended(ended) => {
            (status.epoch, status.step, status.epoch_share) = (ended.epoch, ended.step, ended.epoch_share);
            if ended.reason == Reason::Stopped {
                // This comes when everything is saved. It is said at once, as a slow disk may leave time for one beat only.
                (status.state, status.eta_seconds) = (State::Stopped, None);
            }
        }
        _ => {}
    }
}

/// The numbers of a side, in place of those that it had: one of them may not be measured in a later phase.
fn metrics(status: &mut Status, side: &str, values: &[Named]) {
    if !values.is_empty() {
        status.metrics.retain(|name, _| !name.starts_with(&format!("{side}.")));
    }
    let known = values.iter().filter_map(|(name, value)| Some((format!("{side}.{name}"), (*value)?)));
    status.metrics.extend(known);
}

fn cost(status: &mut Status, cost: &Cost) {
    status.peak_memory_bytes = status.peak_memory_bytes.max(cost.memory_bytes);
    status.eta_seconds = cost.seconds_left;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::events::{Ended, Reason, Record};

    #[test]
    fn the_status_has_the_last_numbers_and_the_peak_memory() {
        let mut status = Status { peak_memory_bytes: 50, ..Status::default() };
        let val = vec![("loss".to_owned(), Some(0.25)), ("worst".to_owned(), None)];
        let record = Record { epoch: 3, phase: 1, step: 30, lr: 0.1, train: Vec::new(), val, scores: Vec::new() };
        let paid = Cost { memory_bytes: 40, seconds_left: Some(9.0), ..Cost::default() };
        take_in(&mut status, &Event::EpochEnded { record, cost: paid, improved: true, best: None });
        take_in(&mut status, &Event::Saving { epoch: 3, step: 30 });
        assert_eq!((status.epoch, status.peak_memory_bytes, status.eta_seconds), (3, 50, Some(9.0)));
        assert_eq!(status.metrics, [("val.loss".to_owned(), 0.25)].into());
    }

    #[test]
    fn a_number_that_is_not_measured_any_more_is_not_shown() {
        let mut status = Status::default();
        let named = |name: &str| (name.to_owned(), Some(0.5));
        metrics(&mut status, "train", &[named("loss"), named("huber")]);
        metrics(&mut status, "val", &[named("huber")]);
        metrics(&mut status, "train", &[named("loss")]);
        metrics(&mut status, "val", &[]);
        assert_eq!(status.metrics.keys().collect::<Vec<_>>(), ["train.loss", "val.huber"]);
    }

    #[test]
    fn the_last_beat_of_a_run_that_was_stopped_is_its_state() {
        let mut status = Status { eta_seconds: Some(5.0), ..Status::default() };
        let ended = |reason| Event::Ended(Ended { reason, epoch: 2, step: 25, epoch_share: 0.5, best: None });
        take_in(&mut status, &ended(Reason::Epochs));
        assert_eq!(status.state, State::Running, "it is evaluated next");
        take_in(&mut status, &ended(Reason::Stopped));
        assert_eq!((status.state, status.step, status.eta_seconds), (State::Stopped, 25, None));
    }

    #[test]
    fn an_epoch_that_a_limit_cut_short_is_not_counted() {
        let mut status = Status { epoch: 2, ..Status::default() };
        let [train, val, scores] = [(); 3].map(|()| Vec::new());
        let record = Record { epoch: 3, phase: 1, step: 25, lr: 0.1, train, val, scores };
        let ended = Ended { reason: Reason::Steps, epoch: 2, step: 25, epoch_share: 0.5, best: None };
        for event in [
            Event::EpochEnded { record, cost: Cost::default(), improved: false, best: None },
            Event::Saving { epoch: 2, step: 25 },
            Event::Ended(ended),
        ] {
            take_in(&mut status, &event);
            assert_eq!(status.epoch, 2, "{event:?}");
        }
        assert_eq!((status.step, status.epoch_share), (25, 0.5));
    }
}
